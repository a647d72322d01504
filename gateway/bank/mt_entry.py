"""One entry of MT940 or MT942: its statement line (:61:), with what the bank says about it (mt_details.py).

Own code, because the library mt-940 cuts references after 16 characters in silence (an IBAN of ASN, the bank's
reference of GLS), and gives up on two lines of details.
"""

import re

from gateway.bank import texts
from gateway.bank.codes import ZERO, Codes, kind_of
from gateway.bank.mt_details import Told, told
from gateway.bank.mt_figures import AMOUNT, booking_day, mt_day, mt_decimal
from gateway.bank.mt_lines import Field
from gateway.bank.statement import Movement, Refused, Reject
from models.bank import BankEntry, EntryKind
from models.money import Money

_LINE = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4}|\s{4})?(?P<mark>R?[DC])(?P<funds>[A-Z])?\s?"
    rf"(?P<amount>{AMOUNT})"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})?"
    r"(?P<customer>[^\n]*?)(?://(?P<bank>[^\n]*))?(?:\n(?P<details>[\s\S]*))?",
    re.ASCII,
)
_COUNTER_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z]{4}[A-Z0-9]{7,26}")
_AMOUNT_IN_TEXT = rf"/\s?([A-Z]{{3}})\s?({AMOUNT})/"
_ORIGINAL = re.compile("OCMT" + _AMOUNT_IN_TEXT)
_CHARGES = re.compile("CHGS" + _AMOUNT_IN_TEXT)
_CHARGE_TYPES, _RETURN_TYPES = frozenset(("CHG", "COM", "INT")), frozenset(("RTI",))


def read_entry(
    line: Field, details: list[Field], account: str, currency: str, place: str
) -> tuple[BankEntry, str, Movement, list[str]]:
    """The entry of a statement line, the reason to ignore it (empty: none), its movement, and notes.

    Raises:
        Refused: if the line cannot be read.
    """
    match = _LINE.fullmatch(line.text.strip())
    if match is None:
        shown = texts.clean(line.text.partition("\n")[0], 60)
        raise Refused(Reject(":61:", shown, "not a statement line: date, mark and amount are expected", line.line))
    try:
        amount = texts.money(mt_decimal(match["amount"]), currency)
        value_on, moved = mt_day(match["value"])
        entry_text = (match["entry"] or "").strip()
        booked_on = booking_day(entry_text, value_on) if entry_text else value_on
    except ValueError as error:
        raise Refused(Reject(":61:", texts.clean(line.text.partition("\n")[0], 60), str(error), line.line)) from None
    credit = match["mark"] in ("C", "RD")
    said = told(details)
    customer, bank = texts.reference(match["customer"]), texts.reference(match["bank"])
    more = " ".join((match["details"] or "").split())
    _other_account(said, customer, more, details)
    if said.payer_iban and said.payer_iban == texts.account(customer):
        customer = ""
    kind, reason = _kind(match["mark"], credit, match["type"] or "", said)
    paid, charges, original = _before_charges(amount, kind, credit, said, f"{more}\n{_joined(details)}")
    entry = BankEntry(
        account=account,
        entry=place,
        kind=kind,
        amount=paid,
        charges=charges,
        original=original,
        booked_on=booked_on,
        value_on=value_on,
        servicer_reference=bank,
        end_to_end=said.end_to_end or customer,
        remittance=texts.lines([*said.remittance, *([more] if more and not more.startswith("/") else [])]),
        payer=said.payer,
        payer_iban=said.payer_iban,
        returned_reference=(said.end_to_end or customer) if kind == "reversal" else "",
        return_reason=said.return_reason,
    )
    signed = amount if credit else Money.zero(currency) - amount
    notes = [f"entry {place}: value date {match['value']} is taken as {value_on}"] if moved else []
    return entry, reason if amount else ZERO, Movement(place, signed, True, line.line), notes


def _other_account(said: Told, customer: str, more: str, details: list[Field]) -> None:
    """The other party, where banks write its account into the statement line: ASN and SNS as the reference."""
    text = _joined(details)
    if _COUNTER_IBAN.fullmatch(customer) or (customer.isdigit() and text.startswith(f"{customer} {more}".strip())):
        said.payer_iban = said.payer_iban or texts.account(customer)
        said.payer = said.payer or texts.clean(more, 300)
    elif _COUNTER_IBAN.fullmatch(more):
        said.payer_iban = said.payer_iban or more


def _kind(mark: str, credit: bool, type_: str, told: Told) -> tuple[EntryKind, str]:
    sub = "CHRG" if type_[1:] in _CHARGE_TYPES and not (credit and type_[1:] == "INT") else ""
    codes = Codes(sub_family=sub, proprietary=f"NTRF+{told.gvc}+" if told.gvc else "")
    returned = told.returned or type_[1:] in _RETURN_TYPES
    return kind_of(credit, mark.startswith("R"), returned, codes)


def _before_charges(
    amount: Money, kind: EntryKind, credit: bool, told: Told, text: str
) -> tuple[Money, Money | None, Money | None]:
    """The amount before charges, the charges, and the original amount in another currency.

    Charges are believed where the figures prove them: original amount less charges is what was booked.
    """
    original, charges = _money_in(_ORIGINAL, text), _money_in(_CHARGES, text)
    if kind == "reversal" and told.original is not None and 0 < told.original < amount.amount:
        original = Money.of(told.original, amount.currency)
        charges = amount - original
    if original is None:
        return amount, None, None
    if original.currency != amount.currency:
        return amount, None, original
    if charges is not None and charges.currency == amount.currency and charges:
        less = amount + charges if credit else amount - charges
        if less == original:
            return original, charges, None
    return amount, None, None


def _money_in(pattern: re.Pattern[str], text: str) -> Money | None:
    match = pattern.search(text.replace("\n", ""))
    if match is None:
        return None
    try:
        return texts.money(mt_decimal(match[2]), match[1])
    except ValueError:
        return None  # information only: the amount booked is what counts


def _supplementary(text: str | None) -> str:
    return " ".join((text or "").split())


def _joined(details: list[Field]) -> str:
    return "\n".join(field.text for field in details if field.tag == "86")
