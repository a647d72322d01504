"""The payment code of a letter: what a banking app scans to fill in a transfer (EPC069-12, version 002).

It exists for euros to a valid IBAN only; other letters have a plain block of payment details.
"""

from decimal import Decimal
from functools import lru_cache
from io import BytesIO

from segno import encoder, make_qr
from stdnum import iban as ibans

from activities.mime import one_line
from models.money import Money
from models.parties import BankAccount

_LARGEST = Decimal("999999999.99")
_MASK = 2
_MAX_NAME, _MAX_TEXT, _MAX_BYTES = 70, 140, 331


def payment_code(account: BankAccount, holder: str, amount: Money, reference: str) -> str | None:
    """The code as an SVG image; None where the standard has none for such a payment.

    Args:
        account: Where the money goes.
        holder: The creditor's name, where the account has no holder of its own.
        amount: What is to be paid.
        reference: What the payment is for; it must not be cut, as it is what matches the payment.
    """
    if amount.currency != "EUR" or not 0 < amount.amount <= _LARGEST or not ibans.is_valid(account.iban):
        return None
    name = one_line(account.holder or holder)[:_MAX_NAME].strip()
    text = one_line(reference)
    if not name or len(text) > _MAX_TEXT:
        return None
    bic = "".join(account.bic.split()).upper()
    lines = ("BCD", "002", "1", "SCT", bic if len(bic) in (8, 11) and bic.isalnum() and bic.isascii() else "",
             name, ibans.compact(account.iban), f"EUR{amount.amount:.2f}", "", "", text)  # fmt: skip
    content = "\n".join(lines)
    return _svg(content) if len(content.encode()) <= _MAX_BYTES else None


@lru_cache(maxsize=256)
def _svg(content: str) -> str | None:
    try:
        # Any mask reads well; weighing all eight takes as long as setting half the letter.
        code = make_qr(content, error="m", encoding="utf-8", boost_error=False, mask=_MASK)
    except encoder.DataOverflowError:
        return None
    out = BytesIO()
    code.save(out, kind="svg", border=0, xmldecl=False, svgclass=None, lineclass=None)
    return out.getvalue().decode("ascii")
