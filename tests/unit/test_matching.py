"""Which invoices a bank entry pays: every rule as an example."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.bank.booking import shares_of
from models.bank import BankEntry, EntryKind
from models.events import CreditNoteIssued, PaymentReceived
from models.matches import Matching, Rules
from models.matching import apply, match
from models.money import Money
from models.open_invoices import CashDiscount, OpenInvoice
from models.references import rf_reference
from models.register import Register

DAY = date(2026, 10, 20)
MEYER = "DE02120300000000202051"
KOCH = "DE02500105170137075030"


def invoice(number: str, amount: str = "1234.56 EUR", **given: Any) -> OpenInvoice:
    """An invoice of Meyer's, unless it says otherwise."""
    money = Money.model_validate(amount)
    fields: dict[str, Any] = {
        "creditor": "ACME", "buyer": "B-1", "buyer_name": "Meyer Maschinenbau GmbH", "outstanding": money,
        "due": date(2026, 9, 30), "issued": date(2026, 8, 31),
    }  # fmt: skip
    return OpenInvoice(number=number, amount=money, **{**fields, **given})


def of_koch(number: str, amount: str = "1234.56 EUR", **given: Any) -> OpenInvoice:
    return invoice(number, amount, buyer="B-2", buyer_name="Koch & Söhne Logistik KG", ibans=(KOCH,), **given)


def paid(
    amount: str, *lines: str, payer: str = "Meyer Maschinenbau GmbH", kind: EntryKind = "payment", **given: Any
) -> BankEntry:
    fields: dict[str, Any] = {"account": "DE1", "entry": "1", "booked_on": DAY, "remittance": lines, "payer": payer}
    return BankEntry(kind=kind, amount=Money.model_validate(amount), **{**fields, **given})


def booked(found: Matching) -> dict[str, str]:
    return {one.number: str(one.amount.amount) for one in found.matches}


def matched(entry: BankEntry, invoices: Iterable[OpenInvoice], rules: Rules | None = None) -> Matching:
    register = Register(invoices)
    return match(entry, register, rules) if rules else match(entry, register)


# References.


@pytest.mark.parametrize("where", ["field", "text"])
def test_an_rf_reference_is_certain_whoever_pays(where: str) -> None:
    reference = rf_reference("RE-2026-004711")
    entry = (
        paid("1234.56 EUR", creditor_reference=reference, payer="Somebody")
        if where == "field"
        else paid(
            "1234.56 EUR", f"{reference[:4]} {reference[4:8]} {reference[8:12]} {reference[12:]}", payer="Somebody"
        )
    )
    found = matched(entry, [invoice("RE-2026-004711"), invoice("RE-2026-004712")])
    assert (found.status, booked(found), found.score) == ("matched", {"RE-2026-004711": "1234.56"}, 100)
    assert "check digits" in found.matches[0].reason


def test_an_rf_reference_with_a_wrong_check_digit_proves_nothing() -> None:
    reference = rf_reference("RE-2026-004711")
    wrong = f"RF{(int(reference[2:4]) + 1) % 98:02d}{reference[4:]}"
    found = matched(paid("20.00 EUR", creditor_reference=wrong, payer="Somebody"), [invoice("RE-2026-004711")])
    assert found.status == "proposed"


@pytest.mark.parametrize("text", ["210000000003139471430009017", "21 00000 00003 13947 14300 09017"])
def test_a_swiss_qr_reference_on_the_invoice_is_found(text: str) -> None:
    printed = invoice("4711", references=("21 00000 00003 13947 14300 09017",))
    found = matched(paid("1234.56 EUR", text, payer=""), [printed, invoice("4712")])
    assert (found.status, booked(found)) == ("matched", {"4711": "1234.56"})


@pytest.mark.parametrize("text", ["+++010/8068/17183+++", "010/8068/17183", "***010/8068/17183***"])
def test_a_belgian_structured_communication_is_found(text: str) -> None:
    found = matched(paid("1234.56 EUR", text, payer=""), [invoice("88", references=("010806817183",))])
    assert (found.status, booked(found)) == ("matched", {"88": "1234.56"})


def test_a_structured_reference_paid_in_part_is_a_certain_part_payment() -> None:
    found = matched(paid("500.00 EUR", creditor_reference=rf_reference("RE-2026-004711")), [invoice("RE-2026-004711")])
    assert (found.status, booked(found)) == ("matched", {"RE-2026-004711": "500.00"})
    assert "paid in part" in found.matches[0].reason and found.matches[0].shortfall is None


# Numbers in free text.


@pytest.mark.parametrize(
    "text",
    [
        "RE-2026-004711", "re-2026-004711", "RE2026004711", "Rechnung RE 2026/004711",
        "RechnungRE2026004711", "2026-4711",
        "RE 2026 4711 vom 31.08.2026",
        "Invoice 2026004711", "RE-2026-0047 11", "Kd.Nr. 4712 RE-2026-004711",
    ],
)  # fmt: skip
def test_a_number_is_found_however_it_is_spelled(text: str) -> None:
    found = matched(paid("1234.56 EUR", text, payer=""), [invoice("RE-2026-004711"), of_koch("RE-2026-004712")])
    assert (found.status, booked(found)) == ("matched", {"RE-2026-004711": "1234.56"})


def test_a_number_that_the_bank_cut_at_the_line_end_is_found() -> None:
    entry = paid("1234.56 EUR", "Rechnung vom 31.08.2026 RE-2026-0", "04711", payer="")
    assert booked(matched(entry, [invoice("RE-2026-004711")])) == {"RE-2026-004711": "1234.56"}


def test_leading_zeros_tell_invoices_apart_where_both_exist() -> None:
    found = matched(paid("10.00 EUR", "INV 0004711"), [invoice("0004711", "10.00 EUR"), of_koch("4711", "10.00 EUR")])
    assert (found.status, booked(found)) == ("matched", {"0004711": "10.00"})


def test_an_abbreviated_number_is_enough_with_payer_and_amount() -> None:
    invoices = [invoice("RE-2026-004711"), invoice("RE-2026-004999"), of_koch("RE-2026-014711")]
    found = matched(paid("1234.56 EUR", "RE 4711"), invoices)
    assert (found.status, booked(found)) == ("matched", {"RE-2026-004711": "1234.56"})


@pytest.mark.parametrize(
    "text", ["Tel. 0405 551234", "15.10.2026", "EUR 5512,34", "DE89 3704 0044 0532 0130 00", "Kunde 551234", "551234"]
)
def test_digits_alone_are_no_certainty_without_payer_and_amount(text: str) -> None:
    numbers = ("551234", "15102026", "0405551234", "551", "89370400440532013000")
    found = matched(paid("99.00 EUR", text, payer="Somebody Else"), [invoice(number) for number in numbers])
    assert found.status != "matched"


def test_a_number_alone_with_another_amount_is_only_proposed() -> None:
    found = matched(paid("99.00 EUR", "RE-2026-004711", payer="Somebody Else"), [invoice("RE-2026-004711")])
    assert (found.status, found.unapplied) == ("proposed", Money.zero("EUR"))


def test_a_slip_in_the_number_is_forgiven_where_payer_and_amount_agree() -> None:
    invoices = [invoice("RE-2026-004711", "500.00 EUR"), invoice("RE-2026-009999", "500.00 EUR"), invoice("RE-2026-5")]
    for slip in ("RE-2026-007411", "RE-2026-04711", "RE-2026-0044711"):
        found = matched(paid("500.00 EUR", slip), invoices)
        assert (found.status, booked(found)) == ("matched", {"RE-2026-004711": "500.00"})


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("ZZ-2026-081001", "Rechnung ZZ-2026-081002"),
        ("ZZ2026081001", "ZZ2026081002"),
        ("ZZ-2026-081001", "ZZ-2025-081001"),
        ("ZZ-2026-081001", "ZZ-2019-081001"),
        ("10455-001", "30455-001"),
        ("MT-2026-07", "Rechnung RE-2026-990077 vom 01.11.2026"),
        ("MT-2026-07", "Invoice no. 55120"),
        ("MT-2026-07", "AB-77120"),
    ],
)
def test_a_payment_that_gives_another_invoices_number_is_only_proposed(number: str, text: str) -> None:
    found = matched(paid("815.43 EUR", text), [invoice(number, "815.43 EUR")])
    assert (found.status, booked(found)) == ("proposed", {number: "815.43"})


def test_who_names_anothers_invoice_is_not_taken_to_mean_his_own_of_this_amount() -> None:
    invoices = [invoice("RE-2026-004711", "815.43 EUR"), of_koch("RE-2026-009712", "731.15 EUR")]
    found = matched(paid("815.43 EUR", "RE-2026-009712"), invoices)
    assert (found.status, booked(found)) == ("proposed", {"RE-2026-004711": "815.43"})


def test_of_several_numbers_one_that_is_another_invoices_is_not_followed() -> None:
    invoices = [invoice(f"RE-2026-{n}", f"{amount} EUR") for n, amount in (("004711", "100.10"), ("004722", "200.20"))]
    other = [*invoices, invoice("RE-2026-004723", "55.00 EUR")]
    assert "RE-2026-004722" not in booked(matched(paid("300.30 EUR", "RE-2026-004711 RE-2026-004729"), invoices))
    assert matched(paid("300.30 EUR", "RE-2026-004711 RE-2026-004723"), other).status == "proposed"


def test_a_slip_that_names_another_invoice_of_the_payer_is_not_followed() -> None:
    invoices = [invoice("RE-2026-004711", "731.15 EUR"), invoice("RE-2026-004712", "902.40 EUR")]
    assert matched(paid("731.15 EUR", "RE-2026-004712"), invoices).status == "proposed"


def test_the_reason_says_who_paid_in_words() -> None:
    (one,) = matched(paid("815.43 EUR", ""), [invoice("MT-2026-07", "815.43 EUR")]).matches
    assert one.reason == (
        "the payer has the buyer's name (Meyer Maschinenbau GmbH), and the amount is that of this invoice alone"
    )


# Several invoices.


@pytest.mark.parametrize("text", ["RE-2026-004711, RE-2026-004722, RE-2026-004733", "RE 2026-004711 / 4722 / 4733"])
def test_several_invoices_in_one_payment(text: str) -> None:
    amounts = {"RE-2026-004711": "100.10", "RE-2026-004722": "200.20", "RE-2026-004733": "300.30"}
    invoices = [invoice(number, f"{amount} EUR") for number, amount in amounts.items()]
    found = matched(paid("600.60 EUR", text), [*invoices, invoice("RE-2026-005000", "77.77 EUR")])
    assert (found.status, booked(found)) == ("matched", amounts)


def test_a_slip_among_several_numbers_is_found_by_the_rest_of_the_amount() -> None:
    invoices = [invoice("RE-2026-004711", "100.10 EUR"), invoice("RE-2026-004722", "200.20 EUR"), invoice("RE-2026-1")]
    found = matched(paid("300.30 EUR", "RE-2026-004711 RE-2026-004272"), invoices)
    assert (found.status, booked(found)) == ("matched", {"RE-2026-004711": "100.10", "RE-2026-004722": "200.20"})


def test_less_than_several_named_invoices_is_for_a_person() -> None:
    invoices = [invoice("RE-2026-004711", "100.10 EUR"), invoice("RE-2026-004722", "200.20 EUR")]
    found = matched(paid("217.00 EUR", "RE-2026-004711 RE-2026-004722"), invoices)
    assert found.status == "proposed"
    assert sum(one.amount.amount for one in found.matches) == Decimal("217.00")


# Payer and amount.


@pytest.mark.parametrize(
    "payer",
    [
        "Meyer Maschinenbau GmbH", "MEYER MASCHINENBAU GMBH", "Meyer Maschinenbau", "Meyer Maschinenbau G.m.b.H.",
        "Meier Maschinenbau GmbH", "Maschinenbau Meyer", "Meyer Maschinenbau GmbH, Hauptstr. 5",
    ],
)  # fmt: skip
def test_a_payer_is_known_by_its_name_however_it_is_written(payer: str) -> None:
    found = matched(
        paid("1234.56 EUR", payer=payer), [invoice("A-100"), invoice("A-101", "88.00 EUR"), of_koch("A-102")]
    )
    assert (found.status, booked(found), found.buyer) == ("matched", {"A-100": "1234.56"}, "B-1")


@pytest.mark.parametrize(
    ("known", "payer"),
    [
        ("Müller Söhne AG", "MUELLER SOEHNE AG"), ("Łódź Budownictwo Sp. z o.o.", "Lodz Budownictwo"),
        ("上海东方贸易有限公司", "上海东方贸易"), ("株式会社山田製作所", "山田製作所"),
    ],
)  # fmt: skip
def test_accents_legal_forms_and_scripts_do_not_hide_a_payer(known: str, payer: str) -> None:
    found = matched(paid("1234.56 EUR", payer=payer), [invoice("A-100", buyer_name=known), of_koch("A-102")])
    assert (found.status, found.buyer_name) == ("matched", known)


def test_a_known_account_tells_the_payer_without_a_name() -> None:
    found = matched(paid("1234.56 EUR", payer="", payer_iban=KOCH), [invoice("A-100"), of_koch("A-102")])
    assert (found.status, booked(found)) == ("matched", {"A-102": "1234.56"})


def test_sisters_that_differ_only_in_the_legal_form_are_told_apart_by_it() -> None:
    sister = invoice("A-200", buyer="B-3", buyer_name="Meyer Maschinenbau AG")
    assert booked(matched(paid("1234.56 EUR"), [invoice("A-100"), sister])) == {"A-100": "1234.56"}
    assert matched(paid("1234.56 EUR", payer="Meyer Maschinenbau"), [invoice("A-100"), sister]).status == "proposed"


def test_an_amount_alone_is_never_certain() -> None:
    found = matched(paid("1234.56 EUR", payer="Unknown Ltd"), [invoice("A-100")])
    assert (found.status, [c.number for c in found.candidates]) == ("unmatched", ["A-100"])


def test_two_invoices_of_one_amount_are_proposed_oldest_first() -> None:
    older = invoice("A-100", due=date(2026, 5, 1))
    found = matched(paid("1234.56 EUR"), [invoice("A-099"), older])
    assert (found.status, booked(found)) == ("proposed", {"A-100": "1234.56"})
    assert found.candidates[0].number == "A-099"


def test_a_round_amount_may_be_a_payment_on_account() -> None:
    found = matched(paid("1000.00 EUR", "a conto"), [invoice("A-100", "1000.00 EUR"), invoice("A-101", "7312.44 EUR")])
    assert found.status == "proposed"


def test_the_only_combination_that_adds_up_is_matched() -> None:
    amounts = ("713.37", "1290.01", "88.92", "4567.89")
    invoices = [invoice(f"A-{n}00", f"{a} EUR", due=DAY - timedelta(days=n)) for n, a in enumerate(amounts, 1)]
    found = matched(paid("802.29 EUR"), invoices)
    assert (found.status, booked(found)) == ("matched", {"A-100": "713.37", "A-300": "88.92"})


def test_two_combinations_that_add_up_are_proposed() -> None:
    amounts = ("10.01", "20.02", "30.03", "40.04", "55.00")
    invoices = [invoice(f"A-{n}00", f"{a} EUR", due=DAY - timedelta(days=n)) for n, a in enumerate(amounts, 1)]
    found = matched(paid("50.05 EUR"), invoices)
    assert found.status == "proposed" and "so do others" in found.reason


def test_all_open_invoices_of_a_buyer_at_once() -> None:
    invoices = [invoice(f"A-{n}00", f"{n}11.1{n} EUR") for n in range(1, 8)]
    total = sum((one.outstanding for one in invoices), Money.zero("EUR"))
    found = matched(paid(f"{total.amount} EUR"), invoices)
    assert (found.status, len(found.matches)) == ("matched", 7)
    assert "all its open invoices" in found.reason


# More or less than was due.


def test_bank_charges_that_were_deducted_are_named_as_such() -> None:
    found = matched(paid("1222.06 EUR", "RE-2026-004711"), [invoice("RE-2026-004711")])
    one = found.matches[0]
    assert (found.status, one.shortfall, one.shortfall_reason) == (
        "matched",
        Money.model_validate("12.50 EUR"),
        "bank_charges",
    )
    assert one.settles == Money.model_validate("1234.56 EUR")


def test_what_is_let_go_is_told_first_and_goes_with_its_payment() -> None:
    entry = paid("1222.06 EUR", "RE-2026-004711")
    credit, payment = (s.message for s in shares_of(entry, matched(entry, [invoice("RE-2026-004711")]), "test"))
    assert isinstance(credit, CreditNoteIssued) and isinstance(payment, PaymentReceived)
    assert (credit.kind, credit.payment, payment.id) == ("bank_charges", payment.id, f"bank-{entry.key}-1")


def test_charges_beyond_the_policy_are_a_part_payment() -> None:
    entry, rules = paid("1222.06 EUR", "RE-2026-004711"), Rules(charges={"EUR": Decimal(5)})
    one = matched(entry, [invoice("RE-2026-004711")], rules).matches[0]
    assert (one.amount, one.shortfall) == (entry.amount, None)


DISCOUNT = (CashDiscount(percent=Decimal(3), until=DAY),)


def test_a_cash_discount_in_time_is_named_as_such() -> None:
    found = matched(paid("1197.52 EUR", "RE-2026-004711"), [invoice("RE-2026-004711", discounts=DISCOUNT)])
    one = found.matches[0]
    assert (found.status, one.shortfall, one.shortfall_reason) == (
        "matched",
        Money.model_validate("37.04 EUR"),
        "cash_discount",
    )


def test_a_cash_discount_taken_too_late_leaves_the_rest_open() -> None:
    entry = paid("1197.52 EUR", "RE-2026-004711", booked_on=DAY + timedelta(days=30))
    one = matched(entry, [invoice("RE-2026-004711", discounts=DISCOUNT)]).matches[0]
    assert one.shortfall is None and "too late" in one.reason


def test_a_discount_that_just_fits_what_banks_keep_is_no_charge_when_it_is_too_late() -> None:
    discount = (CashDiscount(percent=Decimal(2), until=DAY),)
    invoices = [invoice(number, "1000.00 EUR", discounts=discount) for number in ("SK-2026-000901", "SK-2026-000955")]
    one = matched(paid("980.00 EUR", "SK-2026-000901", booked_on=DAY + timedelta(days=30)), invoices[:1]).matches[0]
    assert one.shortfall is None and "too late" in one.reason
    both = matched(paid("1960.00 EUR", "SK-2026-000901 SK-2026-000955", booked_on=DAY + timedelta(days=30)), invoices)
    assert both.status == "proposed" and all(match.shortfall is None for match in both.matches)


@pytest.mark.parametrize(
    "text",
    [
        "abzgl. 25,00 Mängelrüge", "minus Gutschrift GS-77 25,00", "abzgl. 2% Skonto", "Kürzung MAENGEL", "less 2.5%",
        "credit note 77 deducted", "cash discount", "disputed", "escompte 2,5 %", "avoir 77", "korting", "descuento",
        "nota de crédito", "扣除折扣25",
    ],
)  # fmt: skip
def test_what_the_payer_took_off_is_no_charge_of_a_bank(text: str) -> None:
    found = matched(paid("975.00 EUR", f"SK-2026-000901 {text}"), [invoice("SK-2026-000901", "1000.00 EUR")])
    assert [(one.amount, one.shortfall) for one in found.matches] == [(Money.model_validate("975.00 EUR"), None)]
    assert "deduction" in found.matches[0].reason
    plain = matched(paid("975.00 EUR", "SK-2026-000901"), [invoice("SK-2026-000901", "1000.00 EUR")])
    assert plain.matches[0].shortfall_reason == "bank_charges"


def test_the_number_with_less_is_a_certain_part_payment_of_the_payer() -> None:
    found = matched(paid("400.00 EUR", "RE-2026-004711"), [invoice("RE-2026-004711"), of_koch("RE-2026-004712")])
    assert (found.status, booked(found), bool(found.unapplied)) == ("matched", {"RE-2026-004711": "400.00"}, False)


def test_what_is_paid_too_much_stays_unapplied_with_the_buyer() -> None:
    found = matched(paid("1300.00 EUR", "RE-2026-004711"), [invoice("RE-2026-004711")])
    assert (found.status, booked(found)) == ("matched", {"RE-2026-004711": "1234.56"})
    assert (found.unapplied, found.buyer) == (Money.model_validate("65.44 EUR"), "B-1")


# What is never certain.


def test_a_second_payment_of_a_paid_invoice_is_not_matched() -> None:
    register = Register([invoice("RE-2026-004711"), invoice("RE-2026-004799", "50.10 EUR")])
    entry = paid("1234.56 EUR", "RE-2026-004711")
    apply(match(entry, register), register, entry)
    again = match(entry, register)
    assert (again.status, again.matches, again.unapplied) == ("unmatched", (), entry.amount)
    assert "already paid" in again.reason and again.candidates[0].number == "RE-2026-004711"
    assert again.buyer == "B-1"


def test_the_same_amount_soon_after_a_payment_may_be_a_second_one() -> None:
    settled = invoice("A-100", outstanding=Money.zero("EUR"), settled_on=DAY - timedelta(days=5))
    assert matched(paid("1234.56 EUR"), [settled, invoice("A-101")]).status == "proposed"


def test_another_currency_than_the_invoice_is_never_certain() -> None:
    found = matched(paid("1234.56 USD", creditor_reference=rf_reference("RE-2026-004711")), [invoice("RE-2026-004711")])
    assert (found.status, found.matches) == ("proposed", ())
    assert "in EUR" in found.reason and found.candidates[0].number == "RE-2026-004711"


def test_one_buyer_may_pay_for_another_where_number_and_amount_agree() -> None:
    found = matched(
        paid("1234.56 EUR", "RE-2026-004711", payer_iban=KOCH, payer=""),
        [invoice("RE-2026-004711"), of_koch("K-9", "5.00 EUR")],
    )
    assert (found.status, booked(found), found.buyer) == ("matched", {"RE-2026-004711": "1234.56"}, "B-1")


def test_but_not_where_the_payer_owes_just_that_amount_itself() -> None:
    invoices = [invoice("RE-2026-004711"), of_koch("RE-2026-009999")]
    assert matched(paid("1234.56 EUR", "RE-2026-004711", payer="", payer_iban=KOCH), invoices).status == "proposed"


def test_unmatched_money_is_its_payers() -> None:
    found = matched(paid("17.00 EUR", "thanks"), [invoice("A-100")])
    assert (found.status, found.buyer, found.unapplied) == ("unmatched", "B-1", Money.model_validate("17.00 EUR"))


@pytest.mark.parametrize("kind", ["outgoing", "charge", "reversal"])
def test_what_is_no_payment_is_never_matched(kind: EntryKind) -> None:
    found = matched(paid("1234.56 EUR", "RE-2026-004711", kind=kind), [invoice("RE-2026-004711")])
    assert (found.status, found.matches) == ("unmatched", ())


# The register.


def test_the_next_entry_sees_what_the_one_before_left_outstanding() -> None:
    register = Register([invoice("RE-2026-004711")])
    entry = paid("1000.00 EUR", "RE-2026-004711")
    apply(match(entry, register), register, entry)
    assert register.standing("ACME", "RE-2026-004711") == Money.model_validate("234.56 EUR")
    rest = match(paid("234.56 EUR", "RE-2026-004711"), register)
    assert (rest.status, booked(rest)) == ("matched", {"RE-2026-004711": "234.56"})


def test_a_restated_invoice_is_found_by_its_new_amount() -> None:
    register = Register([invoice("A-100", outstanding=Money.zero("EUR")), invoice("A-101", "3.00 EUR")])
    register.restate("ACME", "A-100", Money.model_validate("99.90 EUR"))
    assert booked(match(paid("99.90 EUR"), register)) == {"A-100": "99.90"}


def test_the_register_refuses_what_cannot_be() -> None:
    register = Register([invoice("A-100")])
    with pytest.raises(ValueError, match="twice"):
        register.add(invoice("A-100"))
    with pytest.raises(ValueError, match="not in the register"):
        register.settle("ACME", "A-999", Money.model_validate("1.00 EUR"), DAY)
    with pytest.raises(ValueError, match="paid too much"):
        register.settle("ACME", "A-100", Money.model_validate("9999.00 EUR"), DAY)


def test_one_number_of_two_creditors_is_told_apart_by_the_payer() -> None:
    other = OpenInvoice.model_validate({**of_koch("RE-2026-004711").model_dump(), "creditor": "OTHER"})
    found = matched(paid("1234.56 EUR", "RE-2026-004711"), [invoice("RE-2026-004711"), other])
    assert [(one.creditor, one.number) for one in found.matches] == [("ACME", "RE-2026-004711")]


def test_an_rf_reference_that_two_numbers_share_proves_neither() -> None:
    invoices = [invoice("00012-002", "10.00 EUR"), invoice("00012002", "683.59 EUR")]
    found = matched(paid("20.00 EUR", creditor_reference=rf_reference("00012-002"), payer=""), invoices)
    assert found.status == "proposed"


def test_an_amount_that_two_others_add_up_to_as_well_is_proposed() -> None:
    amounts = ("162.13", "1446.57", "1608.70")
    found = matched(paid("1608.70 EUR"), [invoice(f"A-{n}00", f"{a} EUR") for n, a in enumerate(amounts)])
    assert (found.status, booked(found)) == ("proposed", {"A-200": "1608.70"})
