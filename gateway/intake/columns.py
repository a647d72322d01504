"""The canonical fields of an invoice row, and how the columns of a file are matched with them."""

from collections.abc import Container, Iterable, Mapping, Sequence

from gateway.errors import InputRefused
from models.faults import nearest

REQUIRED = ("creditor", "number", "buyer_id", "currency", "amount", "due")
OPTIONAL = (
    *("buyer_name", "country", "language", "email", "phone", "timezone", "issued"),
    *("preferred_channels", "opt_out"),
    *("terms", "late_fee", "contract", "order", "policy", "tier"),
    *("insured_percentage", "credit_limit", "insurer", "agency", "guarantee", "guarantee_expires", "notes"),
    *("contact_name", "buyer_vat_id", "buyer_registration", "buyer_endpoint", "buyer_address"),
    *("payment_reference", "ibans", "document", "jurisdiction", "allocation"),
    *("postal_address", "chat_sms", "chat_whatsapp", "chat_wecom", "chat_dingtalk", "chat_feishu", "chat_line"),
)
FIELDS = frozenset((*REQUIRED, *OPTIONAL))


def missing_of(given: Container[str]) -> list[str]:
    """The required fields that are not given; a due date may follow from the date of issue, row by row."""
    return [f for f in REQUIRED if f not in given and not (f == "due" and "issued" in given)]


SETTLED, DISPUTED = "settled", "disputed"
"""What only a profile can map: the fate of an invoice, for simulations."""

OWN_PREFIX = "arrears_"
"""Columns that the rejects file adds; they are passed over when it is fed again."""


def is_own(name: str) -> bool:
    """Whether a column is one of those the rejects file adds."""
    return name.startswith(OWN_PREFIX)


def match_header(
    file: str, header: Sequence[str], mapping: Mapping[str, str] | None, given: Iterable[str]
) -> dict[str, int]:
    """Where in the row each canonical field stands.

    Args:
        file: The file's name, for messages.
        header: The column names, stripped.
        mapping: The profile's columns (canonical field to column name); None for the canonical names.
        given: Fields that need no column, as the profile supplies them.

    Raises:
        InputRefused: for a repeated column, an unknown one, or a required one that is missing.
    """
    names = [name for name in header if not is_own(name)]
    repeated = next((n for n in names if n and names.count(n) > 1), None)
    if repeated is not None:
        raise InputRefused(f"{file}: the column {repeated!r} occurs twice in the header")
    if mapping is None:
        return _canonical(file, header, names)
    missing = [column for column in mapping.values() if column not in names]
    if missing:
        hint = nearest(missing[0], names)
        raise InputRefused(
            f"{file}: the profile reads the column {missing[0]!r}, which the file does not have{hint}; "
            f"its columns are {_listed(names)}"
        )
    absent = missing_of({*mapping, *given})
    if absent:
        raise InputRefused(f"{file}: the profile says nothing about the required field {absent[0]!r}")
    return {field: header.index(column) for field, column in mapping.items()}


def _canonical(file: str, header: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    for place, name in enumerate(header, 1):
        if not name:
            raise InputRefused(f"{file}: column {place} has no name: name or remove it (the header has to come first)")
    known = [name for name in names if name in FIELDS]
    unknown = [name for name in names if name not in FIELDS]
    if not known:
        raise InputRefused(
            f"{file}: no column of the header ({_listed(names)}) is known; "
            "is a profile missing (--profile)? Without one the columns are " + ", ".join(REQUIRED) + ", …"
        )
    if unknown:
        hint = nearest(unknown[0], FIELDS)
        also = f"; unknown as well: {_listed(unknown[1:])}" if unknown[1:] else ""
        raise InputRefused(f"{file}: unknown column {unknown[0]!r}{hint}{also}; rename it, remove it, or use a profile")
    missing = missing_of(names)
    if missing:
        raise InputRefused(f"{file}: the required column {missing[0]!r} is missing{_also(missing[1:])}")
    return {field: header.index(field) for field in names}


def _also(more: Sequence[str]) -> str:
    return f" (and {', '.join(more)})" if more else ""


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(repr(name[:40]) for name in names[:12])
    return text + (f", … ({len(names)} in all)" if len(names) > 12 else "") if names else "none"
