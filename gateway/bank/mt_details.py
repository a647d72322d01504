"""What a bank says about an entry of MT940: the field :86: in the dialects that occur, and :NS:.

Own code, because the library mt-940 glues lines together that are words of their own, and drops the last of them.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from gateway.bank import texts
from gateway.bank.mt_figures import mt_decimal
from gateway.bank.mt_lines import Field

# A business code, a separator of the bank's choice, then two digits before each field: `166?00GUTSCHRIFT?20…`.
_CODED = re.compile(r"(\d{3})\s?([?<~>^])(?=\d{2})")
_SEPA = re.compile(
    r"(EREF|KREF|MREF|BREF|RREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|MDAT|PURP|SQTP|ORCR|ORMR|DDAT|MTLG)[+:]\s?"
)
_SLASHED = re.compile(
    r"/(EREF|KREF|PREF|IBAN|BIC|NAME|REMI|RTRN|TRTP|CSID|MARF|SVCL|ORDP|BENM|CNTP|PURP|ULTD|ULTC|ISDT|ADDR|TRCD|IREF)/"
)
_PURPOSE = (*(f"{n}" for n in range(20, 30)), *(f"{n}" for n in range(60, 66)))
_FULL_PURPOSE, _FULL_LINE = 27, 65
"""So long is a line that was cut because it was full: its last word may go on in the next."""


@dataclass(slots=True)
class Told:
    """What :86: or :NS: says about an entry."""

    gvc: str = ""
    remittance: list[str] = field(default_factory=list)
    payer: str = ""
    payer_iban: str = ""
    end_to_end: str = ""
    return_reason: str = ""
    returned: bool = False
    original: Decimal | None = None
    """Of a returned direct debit: what was collected, without the fees of the return."""


def told(details: list[Field]) -> Told:
    """What the fields behind a statement line say."""
    text = "\n".join(each.text for each in details if each.tag == "86").strip()
    coded = _CODED.match(text)
    if coded:
        found = _coded(text[coded.end(1) :].lstrip(), coded[1], coded[2])
    elif _SLASHED.match(text) or len(_SLASHED.findall(text)) > 1:
        found = _slashed(text)
    else:
        found = Told(remittance=_unwrapped(text.split("\n")))
    for each in details:
        if each.tag == "NS":
            _national(each.text, found)
    return found


def _coded(text: str, gvc: str, separator: str) -> Told:
    pieces = re.split(f"{re.escape(separator)}(\\d{{2}})", text.replace("\n", ""))
    fields: dict[str, str] = {}
    for number, value in zip(pieces[1::2], pieces[2::2], strict=True):
        fields[number] = fields.get(number, "") + value.removesuffix(separator)
    purpose = _sepa(_woven([fields[number] for number in _PURPOSE if number in fields]))
    iban = purpose.get("IBAN", "")
    found = Told(
        gvc=gvc,
        payer=texts.clean(fields.get("32", "") + fields.get("33", "") or purpose.get("ABWA"), 300),
        payer_iban=texts.account(fields.get("31") or fields.get("38") or iban),
        end_to_end=texts.reference(purpose.get("EREF")),
    )
    found.remittance = [purpose.get("SVWZ", ""), purpose.get("", ""), purpose.get("MTLG", "")]
    if not any(found.remittance):
        found.remittance = [fields.get("00", "")]
    if gvc in ("108", "109"):
        found.return_reason = texts.clean(" ".join(filter(None, (fields.get("34"), purpose.get("SVWZ")))))
        amount = re.search(r"\d{1,15}(?:,\d{1,5})?", purpose.get("OAMT", ""))
        found.original = mt_decimal(amount[0]) if amount else None
    return found


def _woven(parts: list[str]) -> str:
    """Lines of the purpose as one text: without a space where a word was cut in two."""
    text = last = ""
    for part in parts:
        cut = len(last) >= _FULL_PURPOSE and not _SEPA.match(part)
        text += part if not text or cut else f" {part}"
        last = part
    return text


def _sepa(purpose: str) -> dict[str, str]:
    """The parts of a purpose by their keyword (`EREF+…SVWZ+…`), what has none under an empty one."""
    pieces = _SEPA.split(purpose)
    found = {"": texts.clean(pieces[0], 1000)}
    for name, value in zip(pieces[1::2], pieces[2::2], strict=True):
        found.setdefault(name, texts.clean(value, 1000))
    return found


def _slashed(text: str) -> Told:
    """The :86: of Dutch banks and of SWIFT: /EREF/…/NAME/…/REMI/… and the like."""
    pieces = _SLASHED.split("".join(_unwrapped(text.split("\n"), " ")))
    values: dict[str, str] = {}
    for name, value in zip(pieces[1::2], pieces[2::2], strict=True):
        values[name] = values.get(name) or texts.clean(value.strip("/"), 1000)
    counter = values.get("CNTP", "").split("/")
    found = Told(
        payer=texts.clean(values.get("NAME") or (counter[2] if len(counter) > 2 else ""), 300),
        payer_iban=texts.account(values.get("IBAN") or counter[0]),
        end_to_end=texts.reference(values.get("EREF")),
        returned="RTRN" in values,
        return_reason=values.get("RTRN", "")[:200],
    )
    remittance = re.sub(r"^(USTD|STRD)//?", "", values.get("REMI", ""))
    found.remittance = [remittance] if remittance else [text.replace("\n", " ")]
    return found


def _unwrapped(rows: list[str], between: str = "") -> list[str]:
    """Lines, with those put together again that were cut only because they were full."""
    found: list[str] = []
    full = False
    for row in rows:
        if full:
            found[-1] += row
        else:
            found.append(row if not found else between + row)
        full = len(row) == _FULL_LINE
    return found


def _national(text: str, found: Told) -> None:
    """:NS: of German and Hungarian banks: 01 to 14 remittance, 15 and 16 the other party, 33 and 34 its account."""
    name, account = [], []
    for row in text.split("\n"):
        if not re.match(r"\d{2}", row):
            continue
        number, value = int(row[:2]), row[2:].strip()
        if 1 <= number <= 14:
            found.remittance.append(value)
        elif number in (15, 16):
            name.append(value)
        elif number in (33, 34) and value.strip("0"):
            account.append(value)
    found.payer = found.payer or texts.clean("".join(name), 300)
    found.payer_iban = found.payer_iban or texts.account("".join(account))
