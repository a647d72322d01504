"""The buyer that a document states, and the document as a row of our own columns."""

from pydantic import ValidationError

from gateway.intake import cells
from gateway.intake.columns import OPTIONAL, REQUIRED
from gateway.intake.document import Document, Identifier, PartyStated, day
from gateway.intake.entries import Fault
from gateway.intake.rows import fault_of
from models import ids
from models.faults import shown
from models.parties import Buyer, Contact, mail_address

COLUMNS = (*REQUIRED, *OPTIONAL)
"""The columns of a row made of a document."""

_MAIL = "EM"
"""The scheme under which an endpoint is a mail address (EAS)."""


def buyer_of(party: PartyStated, notes: list[str]) -> Buyer:
    """The buyer; what is left out of the statement is said in `notes`.

    Raises:
        Fault: if it cannot be one.
    """
    email, phone = _mail(party, notes), party.phone if len(party.phone) <= 50 else ""
    country = party.country
    if country:
        try:
            cells.country(country)
        except ValueError as error:
            notes.append(f"the buyer's country {shown(country)} is left out: {error}")
            country = ""
    try:
        contact = Contact(name=clip(clean(party.contact), 200) or None, email=email, phone=clean(phone) or None)
        return Buyer(
            id=buyer_id(party, notes), name=clip(clean(party.name), 300), country=country or None, contact=contact,
            vat_id=clip(party.vat_id, 50) or None, registration=clip(party.registration, 100) or None,
            endpoint=clip(_written(party.endpoint), 254) if party.endpoint else None,
            address=tuple(clip(clean(line), 300) for line in party.address[:10]) or None,
        )  # fmt: skip
    except ValidationError as error:
        raise fault_of(error) from None


def buyer_id(party: PartyStated, notes: list[str]) -> str:
    """The buyer's identifier: the seller's own for it first. Ids are no secret, so no name or mail address is one."""
    endpoint = party.endpoint.value if party.endpoint and party.endpoint.scheme != _MAIL else ""
    given = (*(i.value for i in party.ids), party.vat_id, party.registration, endpoint)
    found = next((text for text in map(clean, given) if text), "")
    if found:
        return clip(found, 100)
    if not party.name:
        raise Fault("buyer_id", "", "the document names no buyer")
    notes.append("the buyer has no identifier; one was made of name and address")
    return f"buyer-{ids.digest('|'.join((party.name.casefold(), party.country, *party.address)).encode())[:16]}"


def _mail(party: PartyStated, notes: list[str]) -> str | None:
    given = party.email or (party.endpoint.value if party.endpoint and party.endpoint.scheme == _MAIL else "")
    if not given:
        return None
    try:
        return mail_address(given)
    except ValueError:
        notes.append(f"the buyer's mail address {shown(given)} is none, and is left out")
        return None


def as_row(document: Document, digest: str, creditor: str = "") -> dict[str, object]:
    """The document as a row, as far as it goes: for the rejects file, to be mended and fed again."""
    buyer = document.buyer
    try:
        identifier = buyer_id(buyer, [])
    except Fault:
        identifier = ""
    due = sorted({block.due for block in document.terms if block.due and not block.discounted})
    row = {
        "creditor": creditor, "number": document.number, "buyer_id": identifier, "buyer_name": buyer.name,
        "currency": document.currency, "amount": document.payable, "issued": _iso(document.issued),
        "due": _iso(due[-1]) if due else "", "country": buyer.country, "email": _mail(buyer, []) or "",
        "phone": buyer.phone, "terms": clip("\n".join(filter(None, (b.text for b in document.terms))), 500),
        "contract": clip(document.contract, 200), "order": clip(document.order, 200),
        "contact_name": clip(buyer.contact, 200), "buyer_vat_id": buyer.vat_id,
        "buyer_registration": buyer.registration, "buyer_address": "\n".join(buyer.address),
        "buyer_endpoint": _written(buyer.endpoint) if buyer.endpoint else "",
        "payment_reference": clip(document.payment_reference, 200), "ibans": " ".join(document.ibans),
        "document": digest,
    }  # fmt: skip
    return {column: row.get(column, "") for column in COLUMNS}


def _iso(text: str) -> str:
    try:
        return day("", text).isoformat() if text else ""
    except Fault:
        return text


def _written(identifier: Identifier) -> str:
    return f"{identifier.scheme}:{identifier.value}" if identifier.scheme else identifier.value


def clean(text: str) -> str:
    """Without what cannot be printed."""
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def clip(text: str, size: int) -> str:
    """At most `size` characters."""
    return text if len(text) <= size else f"{text[: size - 1]}…"
