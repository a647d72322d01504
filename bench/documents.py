"""E-invoices alone, on one core: from the bytes of a UBL file to an invoice that could be pursued."""

import time
from collections.abc import Callable

from bench.figures import Figure, compared
from gateway.intake.entries import Accepted
from gateway.intake.judging import judge
from gateway.intake.recognise import read_document, recognise
from gateway.intake.sellers import Sellers
from models.ids import digest

LINES = 20
_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
_PARTY = (
    "<cac:{role}><cac:Party><cac:PartyIdentification><cbc:ID>{id}</cbc:ID></cac:PartyIdentification><cac:PostalAddress>"
    "<cbc:StreetName>1 Sample Street</cbc:StreetName><cbc:CityName>Town</cbc:CityName>"
    "<cbc:PostalZone>12345</cbc:PostalZone>"
    "<cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress>"
    "<cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName></cac:PartyLegalEntity>"
    "<cac:Contact><cbc:ElectronicMail>{id}@sample.example</cbc:ElectronicMail></cac:Contact></cac:Party></cac:{role}>"
)
_LINE = (
    '<cac:InvoiceLine><cbc:ID>{n}</cbc:ID><cbc:InvoicedQuantity unitCode="XPP">1</cbc:InvoicedQuantity>'
    '<cbc:LineExtensionAmount currencyID="EUR">10.00</cbc:LineExtensionAmount><cac:Item><cbc:Name>Item {n}</cbc:Name>'
    "<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID>"
    '</cac:TaxScheme></cac:ClassifiedTaxCategory></cac:Item><cac:Price><cbc:PriceAmount currencyID="EUR">10.00'
    "</cbc:PriceAmount></cac:Price></cac:InvoiceLine>"
)


def ubl_rate(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """UBL invoices per second: recognised, parsed, judged; half of them without a due date, by their terms."""
    size, rounds = (500, 3) if quick else (2_000, 5)
    files = [_invoice(n, due=n % 2 == 0) for n in range(size)]
    sellers = Sellers([], "ACME")
    rates, sound = [], True
    for n in range(rounds):
        begun = time.perf_counter()
        taken = 0
        for content in files:
            if recognise(content[:8192]).kind == "xml":
                taken += isinstance(judge(read_document(content), digest(content), sellers, dry_run=False), Accepted)
        rates.append(size / (time.perf_counter() - begun))
        sound = sound and taken == size
        say(f"ubl_rate: round {n + 1} of {rounds}")
    note = f"{size:,} invoices of {LINES} lines, {len(files[0]) // 1000} kB each; half without a due date"
    return [compared("ubl_rate", "invoices/s", rates, [], note, sound)]


def _invoice(n: int, due: bool) -> bytes:
    terms = "10 Tage 3% Skonto, 30 Tage netto"
    day = "<cbc:DueDate>2026-03-31</cbc:DueDate>" if due else ""
    return (
        f'<Invoice xmlns="{_UBL}:Invoice-2" xmlns:cac="{_UBL}:CommonAggregateComponents-2" '
        f'xmlns:cbc="{_UBL}:CommonBasicComponents-2"><cbc:ID>R-{n:06d}</cbc:ID><cbc:IssueDate>2026-03-01</cbc:IssueDate>'
        f"{day}<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>"
        f"{_PARTY.format(role='AccountingSupplierParty', id='seller', name='ACME')}"
        f"{_PARTY.format(role='AccountingCustomerParty', id=f'buyer-{n % 100}', name='Buyer')}"
        f"<cac:PaymentTerms><cbc:Note>{terms}</cbc:Note></cac:PaymentTerms><cac:LegalMonetaryTotal>"
        f'<cbc:PayableAmount currencyID="EUR">238.00</cbc:PayableAmount></cac:LegalMonetaryTotal>'
        f"{''.join(_LINE.format(n=line) for line in range(LINES))}</Invoice>"
    ).encode()
