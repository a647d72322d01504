"""E-invoices: what is taken over, whose they are, when they are due, and what is refused or none of our business."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.intake.entries import Accepted, Credited, Ignored, Rejected
from gateway.intake.evidence import archive_original, original_path
from gateway.intake.recognise import Stranger, document_format, read_document
from models.invoice import Invoice
from tests.cases import invoice
from tests.einvoices import cii, credit_note, creditor, entry, sample, ubl


def taken(content: bytes, **how: Any) -> Invoice:
    found = entry(content, **how)
    assert isinstance(found, Accepted), found
    return found.row.invoice


def note(content: bytes, **how: Any) -> str:
    found = entry(content, **how)
    assert isinstance(found, Accepted | Credited), found
    return found.note


def refusal(content: bytes, **how: Any) -> tuple[str, str]:
    found = entry(content, **how)
    assert isinstance(found, Rejected), found
    return found.field, found.reason


# --- what is taken over ---------------------------------------------------------------------------------------


def test_a_ubl_invoice_with_all_its_parties() -> None:
    content = sample("01.20a-INVOICE_ubl.xml")
    found = taken(content)
    assert (found.number, str(found.amount.amount), found.amount.currency) == ("1234567890", "357.00", "EUR")
    assert (found.issued, found.due) == (date(2021, 1, 25), date(2021, 2, 4))
    assert found.terms is not None and "sofort netto Kasse" in found.terms
    assert found.document == hashlib.sha256(content).hexdigest()
    assert found.buyer.country == "DE"


def test_a_cii_invoice_with_identifiers_address_and_contact() -> None:
    found = taken(sample("01.09a-INVOICE_uncefact.xml"))
    buyer = found.buyer
    assert buyer.name == "[Buyer name]"
    assert buyer.address == ("[Buyer address line 1]", "12345 [Buyer city]")
    assert buyer.contact.email == "buyer@info.de"
    assert buyer.endpoint == "EM:buyer@info.de"
    assert buyer.id.startswith("buyer-"), "neither name nor mail address may become an identifier"
    assert found.ibans is not None and found.ibans[0] == "DE79000000001234567890"


def test_identifiers_of_the_buyer_in_their_order() -> None:
    assert taken(ubl()).buyer.id == "K-77"
    by_vat = taken(ubl(buyer=""))
    assert (by_vat.buyer.id, by_vat.buyer.vat_id) == ("DE999999999", "DE999999999")
    without = taken(ubl(buyer="", buyer_vat=""))
    assert without.buyer.id == taken(ubl(number="R-2", buyer="", buyer_vat="")).buyer.id, "the same buyer again"


def test_references_and_accounts() -> None:
    found = taken(sample("01.10a-INVOICE_ubl.xml"))
    assert found.order == "Dummywert"
    assert found.ibans == ("DE79000000001234567890", "DE16000000002345678901")


def test_the_hash_of_the_original_is_no_part_of_the_fingerprint() -> None:
    one, other = taken(ubl()), taken(ubl() + b"<!-- the same invoice, written otherwise -->")
    assert one.document != other.document
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != taken(ubl(payable="119.01")).fingerprint


def test_new_fields_leave_the_fingerprint_of_old_invoices_alone() -> None:
    # Worked out before e-invoices came: a ledger is full of such digests.
    assert invoice().fingerprint == FINGERPRINT


FINGERPRINT = "47ef497d1fc53dcaf875bbedf03a40f264cdead611dce3d39e89e5de0f0dcd12"


def test_leading_zeros_and_blanks_of_numbers_count() -> None:
    assert taken(ubl(number="0042")).number == "0042"
    assert taken(ubl(number=" 18304 / 28 ")).number == "18304 / 28"


def test_an_original_is_kept_once_under_its_hash(tmp_path: Path) -> None:
    content = ubl()
    first = archive_original(content, "xml", tmp_path)
    digest = hashlib.sha256(content).hexdigest()
    assert first == tmp_path / "documents" / digest[:2] / f"{digest}.xml" == original_path(digest, "xml", tmp_path)
    assert archive_original(content, "xml", tmp_path).read_bytes() == content
    assert len(list(first.parent.iterdir())) == 1


# --- when it is due -------------------------------------------------------------------------------------------


def test_a_due_date_that_is_given_counts_and_is_not_explained() -> None:
    found = taken(ubl(due="2026-04-15", terms="30 Tage netto"))
    assert (found.due, found.notes) == (date(2026, 4, 15), None)


def test_else_the_terms_count_and_the_note_says_so() -> None:
    content = ubl(due="", terms="30 Tage netto")
    assert taken(content).due == date(2026, 3, 31)
    assert "by the payment terms “30 Tage netto”: 30 days from the date of issue" in note(content)
    assert taken(content).notes == f"Due {note(content).split('(')[1].split(')')[0]}."


def test_else_the_default_terms_of_the_creditor() -> None:
    lieferant = creditor(vat_id="DE 123 456 789", default_terms="P14D")
    content = ubl(due="")
    assert taken(content, creditors=[lieferant], chosen=None).due == date(2026, 3, 15)
    assert "by the default terms of LIEFER, 14 days" in note(content, creditors=[lieferant], chosen=None)


def test_else_an_operator_has_to_say_and_never_the_date_of_issue_in_silence() -> None:
    found = entry(ubl(due="", terms="nach Vereinbarung"))
    assert isinstance(found, Rejected)
    assert (found.field, found.value) == ("due", "")
    assert "“nach Vereinbarung” do not settle one" in found.reason
    assert isinstance(found.original, dict)
    assert (found.original["number"], found.original["due"], found.original["amount"]) == ("R-1", "", "119.00")


def test_the_day_of_a_discount_is_not_the_due_date() -> None:
    def terms(text: str, day: str) -> str:
        due = f'<ram:DueDateDateTime><udt:DateTimeString format="102">{day}</udt:DateTimeString></ram:DueDateDateTime>'
        words = f"<ram:Description>{text}</ram:Description>"
        return f"<ram:SpecifiedTradePaymentTerms>{words}{due}</ram:SpecifiedTradePaymentTerms>"

    both = terms("mit 2% Skonto bis", "20260310") + terms("ohne Abzug bis", "20260331")
    assert taken(cii(both)).due == date(2026, 3, 31)


def test_a_structured_period_without_discount_is_the_net_day() -> None:
    terms = (
        "<ram:SpecifiedTradePaymentTerms><ram:ApplicableTradePaymentDiscountTerms>"
        '<ram:BasisPeriodMeasure unitCode="DAY">30</ram:BasisPeriodMeasure>'
        "<ram:CalculationPercent>0.00</ram:CalculationPercent>"
        "</ram:ApplicableTradePaymentDiscountTerms></ram:SpecifiedTradePaymentTerms>"
    )
    assert taken(cii(terms)).due == date(2026, 3, 31)


def test_a_due_date_before_the_date_of_issue_is_refused() -> None:
    assert refusal(ubl(due="2026-02-01")) == ("due", "lies before the date of issue 2026-03-01")


# --- whose it is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [{"vat_id": "DE 123.456.789"}, {"registration": "HRB1"}, {"ibans": ["DE02 1203 0000 0000 2020 51"]},
     {"bank_account": {"iban": "DE02120300000000202051"}}],
    ids=["VAT id", "registration", "account", "bank account"],
)  # fmt: skip
def test_the_seller_is_found_among_the_creditors(ids: dict[str, Any]) -> None:
    others = creditor("OTHER", vat_id="DE111111111", registration="HRB 2", ibans=["DE75512108001245126199"])
    found = taken(ubl(), creditors=[others, creditor(**ids)], chosen=None)
    assert found.creditor == "LIEFER"


def test_an_unknown_seller_is_refused_and_in_a_dry_run_taken_as_it_comes() -> None:
    field, reason = refusal(ubl(), chosen=None)
    assert (field, "the seller is no creditor here" in reason) == ("creditor", True)
    assert taken(ubl(), chosen=None, dry_run=True).creditor == "DE123456789"
    assert "taken as DE123456789 in this dry run" in note(ubl(), chosen=None, dry_run=True)


def test_a_seller_that_could_be_two_creditors_is_refused() -> None:
    twins = [creditor("NORTH", vat_id="DE123456789"), creditor("SOUTH", vat_id="DE123456789")]
    assert refusal(ubl(), creditors=twins, chosen=None) == (
        "creditor", "the seller could be NORTH and SOUTH; name one with --creditor",
    )  # fmt: skip
    by_account = [twins[0], creditor("SOUTH", vat_id="DE123456789", ibans=["DE02120300000000202051"])]
    assert taken(ubl(), creditors=by_account, chosen=None).creditor == "SOUTH"


def test_a_chosen_creditor_with_another_vat_id_is_refused() -> None:
    acme = creditor("ACME", vat_id="DE000000001")
    field, reason = refusal(ubl(), creditors=[acme])
    assert (field, reason) == ("creditor", "the seller's VAT id DE123456789 is not that of ACME (DE000000001)")


def test_an_invoice_to_be_paid_by_the_creditor_is_none_of_our_business() -> None:
    buyer = creditor("BUYER", vat_id="DE999999999")
    found = entry(ubl(), creditors=[buyer], chosen=None)
    assert isinstance(found, Ignored)
    assert "an invoice to pay, not to pursue" in found.reason


# --- kinds ----------------------------------------------------------------------------------------------------


def test_nothing_left_to_pay_is_ignored() -> None:
    prepaid = ubl(payable="0.00").replace(
        b"<cac:LegalMonetaryTotal>",
        b'<cac:LegalMonetaryTotal><cbc:PrepaidAmount currencyID="EUR">119.00</cbc:PrepaidAmount>',
    )
    full, zero = entry(prepaid), entry(ubl(payable="0.00"))
    assert isinstance(full, Ignored) and "prepaid in full (119.00 EUR)" in full.reason
    assert isinstance(zero, Ignored) and "the payable amount is 0 EUR" in zero.reason


def test_below_zero_is_a_credit_for_the_invoice_it_names_or_refused() -> None:
    field, reason = refusal(ubl(payable="-10.00"))
    assert (field, "10.00 EUR in favour of the buyer" in reason) == ("amount", True)
    found = entry(ubl(payable="-10.00", code="384", preceding=["R-0"]))
    assert isinstance(found, Credited)
    assert (found.invoice, str(found.amount.amount)) == ("R-0", "10.00")


def test_a_credit_note_names_its_invoice() -> None:
    found = entry(credit_note())
    assert isinstance(found, Credited)
    assert (found.number, found.invoice, str(found.amount.amount), found.issued) == (
        "G-1",
        "R-1",
        "19.00",
        date(2026, 3, 1),
    )
    assert document_format(read_document(credit_note()), in_pdf=False) == "ubl-credit-note"


@pytest.mark.parametrize(
    ("preceding", "said"), [((), "does not name the invoice"), (("R-1", "R-2"), "names several invoices (R-1, R-2)")]
)
def test_a_credit_note_without_its_one_invoice_passes_only_a_dry_run(preceding: tuple[str, ...], said: str) -> None:
    content = credit_note(preceding=preceding)
    assert said in refusal(content)[1]
    assert said in note(content, dry_run=True)


def test_a_type_of_credit_note_in_an_invoice_is_one() -> None:
    assert isinstance(entry(ubl(code="381", preceding=["R-0"])), Credited)
    assert isinstance(entry(cii("", code="381"), dry_run=True), Credited)


@pytest.mark.parametrize(("code", "said"), [("389", "self-billed"), ("384", "it corrects an earlier invoice R-0")])
def test_odd_kinds_are_taken_with_a_note(code: str, said: str) -> None:
    assert said in note(ubl(code=code, preceding=["R-0"]))


@pytest.mark.parametrize(
    ("code", "said"), [("325", "pro-forma"), ("220", "not that of an invoice"), ("x", "not that of")]
)
def test_what_is_no_claim_is_refused(code: str, said: str) -> None:
    assert said in refusal(ubl(code=code))[1]


def test_a_test_document_passes_only_a_dry_run() -> None:
    content = sample("zugferd-basic.xml")
    assert "only a dry run takes those" in refusal(content)[1]
    assert taken(content, dry_run=True).due == date(2013, 4, 4)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"payable": "12.345"}, "amount", "more decimals than EUR has"),
        ({"payable": "1e3"}, "amount", "not an amount"),
        ({"payable": "1,5"}, "amount", "not an amount"),
        ({"payable": "NaN"}, "amount", "not an amount"),
        ({"payable": ""}, "amount", "there is no payable amount"),
        ({"payable": "9" * 16}, "amount", "larger than any invoice"),
        ({"currency": "EURO"}, "currency", "not a currency code"),
        ({"currency": ""}, "currency", "not a currency code"),
        ({"number": ""}, "number", "no number"),
        ({"number": "A&#10;B"}, "number", "control"),
        ({"due": "31.03.2026"}, "due", "not a date"),
        ({"due": "2026-02-30"}, "due", "no such day"),
        ({"due": "9999-01-01"}, "due", "the year lies outside"),
        ({"issued": "2026"}, "issued", "not a date"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, str], field: str, said: str) -> None:
    found = refusal(ubl(**fields))
    assert (found[0], said in found[1]) == (field, True), found


def test_what_was_given_is_quoted_once() -> None:
    refused = entry(ubl(due="9999-12-31"))
    assert isinstance(refused, Rejected)
    assert str(refused) == "line 1: due '9999-12-31': the year lies outside 1900 to 2199"


# --- strangers ------------------------------------------------------------------------------------------------

_UBL = "urn:oasis:names:specification:ubl:schema:xsd"


@pytest.mark.parametrize(
    ("content", "said", "refused"),
    [
        (f'<Order xmlns="{_UBL}:Order-2"/>', "a UBL document of the kind Order, not an invoice", False),
        (f'<Reminder xmlns="{_UBL}:Reminder-2"/>', "of the kind Reminder", False),
        (f'<Catalogue xmlns="{_UBL}:Catalogue-2"/>', "of the kind Catalogue", False),
        ("<Envelope><Body><DeliveryInfo><BillerID>41</BillerID></DeliveryInfo></Body></Envelope>", "yellowbill", True),
        ("<M_INVOIC/>", "EDIFACT invoice in XML", True),
        ('<Invoice xmlns="http://www.ebinterface.at/schema/6p1/"/>', "ebInterface", True),
        ('<Invoice xmlns="urn:else"/>', "an Invoice in an unknown namespace", True),
        ("<html/>", "XML of an unknown kind (its root element is html)", True),
        (sample("order-x-basic.xml").decode(), "an Order-X order", False),
    ],
)  # fmt: skip
def test_strangers_are_told_apart(content: str, said: str, refused: bool) -> None:
    with pytest.raises(Stranger, match=said.replace("(", r"\(").replace(")", r"\)")) as found:
        read_document(content.encode())
    assert found.value.refused is refused


def test_a_document_in_a_peppol_envelope_is_found() -> None:
    inner = ubl().split(b"?>", 1)[1]
    envelope = b'<StandardBusinessDocument xmlns="urn:sbdh"><StandardBusinessDocumentHeader/>' + inner
    assert read_document(envelope + b"</StandardBusinessDocument>").number == "R-1"
