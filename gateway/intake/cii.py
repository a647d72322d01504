"""UN/CEFACT Cross Industry Invoice (EN 16931, Factur-X, ZUGFeRD 1 and 2, XRechnung) as a document. Nothing is judged.

ZUGFeRD 1 has the same elements under other names and namespaces; they are found by their local names.
"""

from collections.abc import Iterator

from gateway.intake.document import CREDIT_CODES, Document, Identifier, PartyStated, TermsStated, squeezed
from gateway.intake.payment_terms import has_discount
from gateway.intake.xml_source import Element

INVOICE = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice"
ZUGFERD_1 = "{urn:ferd:CrossIndustryDocument:invoice:1p0}CrossIndustryDocument"
_AGREEMENT = ("ApplicableHeaderTradeAgreement", "ApplicableSupplyChainTradeAgreement")
_DELIVERY = ("ApplicableHeaderTradeDelivery", "ApplicableSupplyChainTradeDelivery")
_SETTLEMENT = ("ApplicableHeaderTradeSettlement", "ApplicableSupplyChainTradeSettlement")
_SUMMATION = ("SpecifiedTradeSettlementHeaderMonetarySummation", "SpecifiedTradeSettlementMonetarySummation")


def read_cii(root: Element) -> Document:
    """The document of a CrossIndustryInvoice (or ZUGFeRD 1) element."""
    head = _one(root, "ExchangedDocument", "HeaderExchangedDocument")
    context = _one(root, "ExchangedDocumentContext", "SpecifiedExchangedDocumentContext")
    trade = _one(root, "SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction")
    agreement, settlement = _one(trade, *_AGREEMENT), _one(trade, *_SETTLEMENT)
    event = _one(_one(trade, *_DELIVERY), "ActualDeliverySupplyChainEvent")
    sums = _one(settlement, *_SUMMATION)
    payable = _one(sums, "DuePayableAmount")
    code = _text(head, "TypeCode")
    return Document(
        syntax="cii",
        credit=code in CREDIT_CODES,
        number=(_raw(head, "ID") or "").strip(),
        type_code=code,
        issued=_date(_one(head, "IssueDateTime")),
        currency=_text(settlement, "InvoiceCurrencyCode"),
        payable=_text(sums, "DuePayableAmount"),
        payable_currency="" if payable is None else payable.get("currencyID", "").strip(),
        prepaid=_text(sums, "TotalPrepaidAmount"),
        total=_text(sums, "GrandTotalAmount"),
        seller=_party(_one(agreement, "SellerTradeParty")),
        buyer=_party(_one(agreement, "BuyerTradeParty")),
        terms=tuple(_terms(settlement)),
        delivered=_date(_one(event, "OccurrenceDateTime")),
        notes=tuple(_text(note, "Content") for note in _all(head, "IncludedNote")),
        contract=_reference(_one(agreement, "ContractReferencedDocument")),
        order=_reference(_one(agreement, "BuyerOrderReferencedDocument")),
        payment_reference=_text(settlement, "PaymentReference"),
        ibans=tuple(_accounts(settlement)),
        preceding=tuple(filter(None, (_reference(r) for r in _all(settlement, "InvoiceReferencedDocument")))),
        test=_text(_one(context, "TestIndicator"), "Indicator").lower() == "true",
    )


# --- elements by their local names ----------------------------------------------------------------------------


def _all(of: Element | None, *names: str) -> Iterator[Element]:
    if of is not None:
        for name in names:
            yield from of.iterfind(f"{{*}}{name}")


def _one(of: Element | None, *names: str) -> Element | None:
    return next(_all(of, *names), None)


def _raw(of: Element | None, name: str) -> str | None:
    return None if of is None else of.findtext(f"{{*}}{name}")


def _text(of: Element | None, name: str) -> str:
    return squeezed(_raw(of, name))


def _date(of: Element | None) -> str:
    """The content of a date: format 102, or ISO. Another format comes out as it is, and is refused later."""
    if of is None:
        return ""
    for child in of:
        text = squeezed(child.text)
        form = child.get("format", "102")
        return text if form == "102" or not text else f"{text} (format {form})"
    return squeezed(of.text)


def _reference(of: Element | None) -> str:
    return _text(of, "IssuerAssignedID") or _text(of, "ID")


# --- payment --------------------------------------------------------------------------------------------------


def _terms(settlement: Element | None) -> Iterator[TermsStated]:
    blocks = list(_all(settlement, "SpecifiedTradePaymentTerms"))
    for block in blocks:
        text = "\n".join(t for d in _all(block, "Description") if (t := (d.text or "").strip()))
        structured = _one(block, "ApplicableTradePaymentDiscountTerms")
        due = _date(_one(block, "DueDateDateTime"))
        percent = _text(structured, "CalculationPercent")
        net = structured is not None and percent != "" and not percent.strip("0.")
        period = _one(structured, "BasisPeriodMeasure")
        days = squeezed(period.text) if period is not None and period.get("unitCode") == "DAY" else ""
        yield TermsStated(
            text, due, net_days=days if net else "",
            discounted=len(blocks) > 1 and not net and (structured is not None or has_discount(text)),
        )  # fmt: skip


def _accounts(settlement: Element | None) -> Iterator[str]:
    for means in _all(settlement, "SpecifiedTradeSettlementPaymentMeans"):
        for account in _all(means, "PayeePartyCreditorFinancialAccount"):
            number = _text(account, "IBANID") or _text(account, "ProprietaryID")
            if number:
                yield number.replace(" ", "")


# --- parties --------------------------------------------------------------------------------------------------


def _party(party: Element | None) -> PartyStated:
    if party is None:
        return PartyStated()
    contact = _one(party, "DefinedTradeContact")
    address = _one(party, "PostalTradeAddress")
    legal = _one(party, "SpecifiedLegalOrganization")
    taxes = [i for t in _all(party, "SpecifiedTaxRegistration") for i in _all(t, "ID")]
    endpoint = _one(_one(party, "URIUniversalCommunication"), "URIID")
    return PartyStated(
        name=_text(party, "Name"),
        ids=tuple(_identifier(i) for i in _all(party, "ID", "GlobalID") if squeezed(i.text)),
        vat_id=next((squeezed(t.text) for t in taxes if t.get("schemeID") == "VA"), ""),
        tax_id=next((squeezed(t.text) for t in taxes if t.get("schemeID") != "VA"), ""),
        registration=_text(legal, "ID"),
        endpoint=_identifier(endpoint) if endpoint is not None and squeezed(endpoint.text) else None,
        address=tuple(_address(address)),
        country=_text(address, "CountryID"),
        contact=_text(contact, "PersonName") or _text(contact, "DepartmentName"),
        email=_text(_one(contact, "EmailURIUniversalCommunication"), "URIID"),
        phone=_text(_one(contact, "TelephoneUniversalCommunication"), "CompleteNumber"),
    )


def _identifier(element: Element) -> Identifier:
    return Identifier(squeezed(element.text), element.get("schemeID", "").strip())


def _address(address: Element | None) -> Iterator[str]:
    yield from filter(None, (_text(address, name) for name in ("LineOne", "LineTwo", "LineThree")))
    town = " ".join(filter(None, (_text(address, "PostcodeCode"), _text(address, "CityName"))))
    yield from filter(None, (town, _text(address, "CountrySubDivisionName")))
