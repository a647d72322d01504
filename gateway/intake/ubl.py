"""UBL 2.1 Invoice and CreditNote (EN 16931, Peppol BIS Billing 3, XRechnung) as a document. Nothing is judged here."""

from collections.abc import Iterator

from gateway.intake.document import CREDIT_CODES, Document, Identifier, PartyStated, TermsStated, squeezed
from gateway.intake.payment_terms import has_discount
from gateway.intake.xml_source import Element

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
INVOICE = f"{{{_UBL}Invoice-2}}Invoice"
CREDIT_NOTE = f"{{{_UBL}CreditNote-2}}CreditNote"
ANY = f"{{{_UBL}"
_CAC, _CBC = f"{{{_UBL}CommonAggregateComponents-2}}", f"{{{_UBL}CommonBasicComponents-2}}"


def read_ubl(root: Element) -> Document:
    """The document of an Invoice or CreditNote element."""
    code = _basic(root, "CreditNoteTypeCode") or _basic(root, "InvoiceTypeCode")
    total = root.find(f"{_CAC}LegalMonetaryTotal")
    payable = None if total is None else total.find(f"{_CBC}PayableAmount")
    means = list(root.iterfind(f"{_CAC}PaymentMeans"))
    return Document(
        syntax="ubl",
        credit=root.tag == CREDIT_NOTE or code in CREDIT_CODES,
        number=_exact(root, "ID"),
        type_code=code,
        issued=_basic(root, "IssueDate"),
        currency=_basic(root, "DocumentCurrencyCode"),
        payable=squeezed(payable.text) if payable is not None else "",
        payable_currency=payable.get("currencyID", "").strip() if payable is not None else "",
        prepaid=_basic(total, "PrepaidAmount"),
        total=_basic(total, "TaxInclusiveAmount"),
        seller=_party(root.find(f"{_CAC}AccountingSupplierParty")),
        buyer=_party(root.find(f"{_CAC}AccountingCustomerParty")),
        terms=tuple(_terms(root, means)),
        delivered=_basic(root.find(f"{_CAC}Delivery"), "ActualDeliveryDate"),
        notes=tuple(squeezed(note.text) for note in root.iterfind(f"{_CBC}Note")),
        contract=_basic(root.find(f"{_CAC}ContractDocumentReference"), "ID"),
        order=_basic(root.find(f"{_CAC}OrderReference"), "ID"),
        payment_reference=next((found for m in means if (found := _basic(m, "PaymentID"))), ""),
        ibans=tuple(_accounts(means)),
        preceding=tuple(
            number
            for reference in root.iterfind(f"{_CAC}BillingReference")
            for of in ("InvoiceDocumentReference", "SelfBilledInvoiceDocumentReference")
            if (number := _basic(reference.find(f"{_CAC}{of}"), "ID"))
        ),
    )


def _basic(of: Element | None, name: str) -> str:
    if of is None:
        return ""
    return squeezed(of.findtext(f"{_CBC}{name}"))


def _exact(of: Element, name: str) -> str:
    return (of.findtext(f"{_CBC}{name}") or "").strip()


def _terms(root: Element, means: list[Element]) -> Iterator[TermsStated]:
    """The due date of the head counts; a credit note has it with its means of payment."""
    due = _basic(root, "DueDate") or next((found for m in means if (found := _basic(m, "PaymentDueDate"))), "")
    if due:
        yield TermsStated(due=due)
    blocks = list(root.iterfind(f"{_CAC}PaymentTerms"))
    for block in blocks:
        text = "\n".join((note.text or "").strip() for note in block.iterfind(f"{_CBC}Note"))
        percent = _basic(block, "SettlementDiscountPercent")
        discounted = bool(percent.strip("0.")) or (len(blocks) > 1 and has_discount(text))
        yield TermsStated(text, "" if due else _basic(block, "PaymentDueDate"), discounted=discounted)


def _accounts(means: list[Element]) -> Iterator[str]:
    for one in means:
        account = _basic(one.find(f"{_CAC}PayeeFinancialAccount"), "ID")
        if account:
            yield account.replace(" ", "")


def _party(role: Element | None) -> PartyStated:
    party = None if role is None else role.find(f"{_CAC}Party")
    if party is None:
        return PartyStated()
    legal = party.find(f"{_CAC}PartyLegalEntity")
    address = party.find(f"{_CAC}PostalAddress")
    contact = party.find(f"{_CAC}Contact")
    endpoint = party.find(f"{_CBC}EndpointID")
    taxes = [(_scheme(tax), _basic(tax, "CompanyID")) for tax in party.iterfind(f"{_CAC}PartyTaxScheme")]
    identifiers = (i.find(f"{_CBC}ID") for i in party.iterfind(f"{_CAC}PartyIdentification"))
    return PartyStated(
        name=_basic(legal, "RegistrationName") or _basic(party.find(f"{_CAC}PartyName"), "Name"),
        ids=tuple(i for found in identifiers if found is not None and (i := _identifier(found)).value),
        vat_id=next((number for scheme, number in taxes if scheme == "VAT"), ""),
        tax_id=next((number for scheme, number in taxes if scheme != "VAT"), ""),
        registration=_basic(legal, "CompanyID"),
        endpoint=_identifier(endpoint) if endpoint is not None and squeezed(endpoint.text) else None,
        address=tuple(_address(address)),
        country="" if address is None else _basic(address.find(f"{_CAC}Country"), "IdentificationCode"),
        contact=_basic(contact, "Name"),
        email=_basic(contact, "ElectronicMail"),
        phone=_basic(contact, "Telephone"),
    )


def _scheme(tax: Element) -> str:
    return _basic(tax.find(f"{_CAC}TaxScheme"), "ID").upper()


def _identifier(element: Element) -> Identifier:
    return Identifier(squeezed(element.text), element.get("schemeID", "").strip())


def _address(address: Element | None) -> Iterator[str]:
    if address is None:
        return
    yield from filter(None, (_basic(address, name) for name in ("StreetName", "AdditionalStreetName")))
    yield from filter(None, (_basic(line, "Line") for line in address.iterfind(f"{_CAC}AddressLine")))
    town = " ".join(filter(None, (_basic(address, "PostalZone"), _basic(address, "CityName"))))
    yield from filter(None, (town, _basic(address, "CountrySubentity")))
