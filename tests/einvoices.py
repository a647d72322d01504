"""E-invoices for tests: a UBL and a CII invoice in a few lines, a PDF around one, and the way from file to entry."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pypdf import PdfWriter

from gateway.intake.judging import Judged, judge
from gateway.intake.recognise import read_document
from gateway.intake.sellers import Sellers
from models.ids import digest
from models.parties import Creditor

HERE = Path(__file__).parent / "data" / "einvoice"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "einvoice"

_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_CII = "urn:un:unece:uncefact:data:standard"


def creditor(code: str = "LIEFER", **fields: Any) -> Creditor:
    given = {"code": code, "name": "Lieferant GmbH", "sender": "ar@liefer.example", **fields}
    return Creditor.model_validate(given)


def ubl(
    number: str = "R-1", payable: str = "119.00", due: str = "2026-03-31", issued: str = "2026-03-01",
    kind: str = "Invoice", code: str = "380", currency: str = "EUR", terms: str = "", preceding: Sequence[str] = (),
    vat: str = "DE123456789", registration: str = "HRB 1", buyer: str = "K-77", buyer_vat: str = "DE999999999",
    iban: str = "DE02120300000000202051", extra: str = "",
) -> bytes:  # fmt: skip
    """A UBL document; an empty text leaves the element out."""

    def basic(name: str, text: str, attributes: str = "") -> str:
        return f"<cbc:{name}{attributes}>{text}</cbc:{name}>" if text else ""

    def party(role: str, name: str, vat_id: str, identifier: str, company: str) -> str:
        known = f"<cac:PartyIdentification>{basic('ID', identifier)}</cac:PartyIdentification>" if identifier else ""
        scheme = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
        tax = f"<cac:PartyTaxScheme>{basic('CompanyID', vat_id)}{scheme}</cac:PartyTaxScheme>" if vat_id else ""
        return (
            f"<cac:{role}><cac:Party>{known}<cac:PostalAddress><cbc:StreetName>Weg 1</cbc:StreetName>"
            "<cbc:CityName>Ort</cbc:CityName><cbc:PostalZone>12345</cbc:PostalZone><cac:Country>"
            "<cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress>"
            f"{tax}<cac:PartyLegalEntity>{basic('RegistrationName', name)}"
            f"{basic('CompanyID', company)}</cac:PartyLegalEntity></cac:Party></cac:{role}>"
        )

    references = "".join(
        f"<cac:BillingReference><cac:InvoiceDocumentReference>{basic('ID', n)}</cac:InvoiceDocumentReference>"
        "</cac:BillingReference>"
        for n in preceding
    )
    account = f"<cac:PayeeFinancialAccount>{basic('ID', iban)}</cac:PayeeFinancialAccount>" if iban else ""
    agreed = f"<cac:PaymentTerms>{basic('Note', terms)}</cac:PaymentTerms>" if terms else ""
    total = basic("PayableAmount", payable, f' currencyID="{currency}"')
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{kind} xmlns="{_UBL}:{kind}-2" '
        f'xmlns:cac="{_UBL}:CommonAggregateComponents-2" xmlns:cbc="{_UBL}:CommonBasicComponents-2">'
        f"{basic('ID', number)}{basic('IssueDate', issued)}{basic('DueDate', due)}"
        f"{basic(f'{kind}TypeCode', code)}{extra}"
        f"{basic('DocumentCurrencyCode', currency)}{references}"
        f"{party('AccountingSupplierParty', 'Lieferant GmbH', vat, '', registration)}"
        f"{party('AccountingCustomerParty', 'Kunde AG', buyer_vat, buyer, '')}"
        f"<cac:PaymentMeans>{account}</cac:PaymentMeans>"
        f"{agreed}<cac:LegalMonetaryTotal>{total}</cac:LegalMonetaryTotal></{kind}>"
    ).encode()


def credit_note(number: str = "G-1", payable: str = "19.00", preceding: Sequence[str] = ("R-1",), **more: Any) -> bytes:
    """A UBL credit note."""
    return ubl(number, payable, due="", kind="CreditNote", code="381", preceding=preceding, **more)


def cii(terms: str, payable: str = "119.00", code: str = "380") -> bytes:
    """A CII invoice R-1 of 2026-03-01 with these payment terms, as XML."""
    return (
        f'<rsm:CrossIndustryInvoice xmlns:rsm="{_CII}:CrossIndustryInvoice:100" '
        f'xmlns:ram="{_CII}:ReusableAggregateBusinessInformationEntity:100" xmlns:udt="{_CII}:UnqualifiedDataType:100">'
        f"<rsm:ExchangedDocument><ram:ID>R-1</ram:ID><ram:TypeCode>{code}</ram:TypeCode><ram:IssueDateTime>"
        '<udt:DateTimeString format="102">20260301</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>'
        "<rsm:SupplyChainTradeTransaction><ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty>"
        "<ram:Name>Lieferant GmbH</ram:Name></ram:SellerTradeParty><ram:BuyerTradeParty><ram:ID>K-77</ram:ID>"
        "<ram:Name>Kunde AG</ram:Name></ram:BuyerTradeParty></ram:ApplicableHeaderTradeAgreement>"
        f"<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>{terms}"
        f"<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:DuePayableAmount>{payable}</ram:DuePayableAmount>"
        "</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>"
        "</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"
    ).encode()


def pdf(*attachments: tuple[str, bytes]) -> bytes:
    """A PDF of one empty page with files attached to it."""
    writer = PdfWriter()
    writer.add_blank_page(width=200, height=200)
    for name, content in attachments:
        writer.add_attachment(name, content)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def entry(
    content: bytes, creditors: Sequence[Creditor] = (), chosen: str | None = "ACME", dry_run: bool = False
) -> Judged:
    """What a document comes to, by default for the creditor ACME, who is not looked at more closely."""
    return judge(read_document(content), digest(content), Sellers(creditors, chosen, dry_run), dry_run)


def sample(name: str) -> bytes:
    return (HERE / name).read_bytes()


FIGURES = re.compile(
    r"(?:invoice|credit note) (?P<number>.+?) of \S+: (?P<amount>[\d.]+) (?P<currency>[A-Z]{3})"
    r"(?:, due (?P<due>[\d-]{10}))?"
)
"""The key figures in the note about an accepted document."""
