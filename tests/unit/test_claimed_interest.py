"""Interest and costs as part of a case's debt, from the step on that claims them: worked by hand, to the cent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.figures import figures_on
from gateway.jurisdiction_files import load_jurisdiction
from models import events as e
from models.books import late_charges
from models.case import Case, Refused
from models.interest import LateFee
from models.jurisdiction import Jurisdiction, ReferenceInterest
from models.law import CaseLaw, continued
from models.money import Money
from models.policy import Policy
from models.rates import RateRow
from tests.cases import Walk, after_due, day, euros, law_of, on, policy, step
from tests.notices import an_order

COLUMNS = ("costs", "interest", "principal")


def claiming(after: int = 15, rest: str = "pursue", **fields: Any) -> Policy:
    """Claims interest with the demand, so many days after the due date; nothing else is sent."""
    return policy(
        step("demand", after_due(after), "formal_demand"), claim_interest={"from_step": "demand", "rest": rest},
        **fields,
    )  # fmt: skip


def demanded(rules: Policy | None = None, law: str | None = "DE", **fields: Any) -> Walk:
    """A case with its demand sent on day 15, at 9:00."""
    return Walk(rules or claiming(), law=law, **fields).until(day(15))


def owed(case: Case) -> tuple[str, ...]:
    return tuple(str(getattr(case.owed, part).amount) for part in COLUMNS)


def pay(walk: Walk, n: int, amount: int | str, **body: Any) -> Walk:
    amount = amount if isinstance(amount, str) and " " in amount else f"{amount} EUR"
    return walk.tell(day(n, 10), e.PaymentReceived, **{"amount": amount, "received_on": on(n), **body})


def at(text: str, hour: int = 9) -> datetime:
    return datetime.fromisoformat(text).replace(hour=hour, tzinfo=UTC)


# --- the published vectors, as cases ------------------------------------------------------------------------------


def test_the_german_vector_as_a_case() -> None:
    # EUR 10,000 due 31 May 2025, demanded on 31 August (92 days later):
    # 30 d @ 11.27 % = 92.63, 62 d @ 10.27 % = 174.45, together 267.08; 40 fixed.
    rules = claiming(92)
    walk = Walk(rules, at("2025-05-20"), law="DE", due="2025-05-31", amount="10000.00 EUR")
    assert owed(walk.until(at("2025-08-30")).case) == ("0.00", "0.00", "10000.00"), "nothing is claimed before"
    assert owed(walk.until(at("2025-08-31")).case) == ("40.00", "267.08", "10000.00")

    # 5,000 - 40 - 267.08 = 4,692.92 of the principal; 10,000 - 4,692.92 = 5,307.08 is left.
    walk.tell(at("2025-08-31", 12), e.PaymentReceived, amount="5000 EUR", received_on="2025-08-31")

    assert owed(walk.case) == ("0.00", "0.00", "5307.08")
    statement = late_charges(walk.case.invoice, walk.case, at("2025-08-31").date()).statement
    (used,) = (applied.allocation for applied in statement.applied)
    assert [str(getattr(used, part).amount) for part in COLUMNS] == ["40.00", "267.08", "4692.92"]
    # Ten days on 5,307.08 @ 10.27 % = 14.9325; the next payment books them.
    walk.tell(at("2025-09-10", 12), e.PaymentReceived, amount="1.00 EUR", received_on="2025-09-10")
    assert owed(walk.case) == ("0.00", "13.93", "5307.08")


def test_the_british_vector_as_a_case() -> None:
    # GBP 2,400 due 31 August 2026, demanded on 8 October: 38 d @ 11.75 % = 29.36; 70 fixed.
    walk = Walk(claiming(38), at("2026-08-20"), law="UK", due="2026-08-31", amount="2400.00 GBP")
    walk.until(at("2026-10-08"))

    assert owed(walk.case) == ("70.00", "29.36", "2400.00")
    assert walk.case.outstanding == Money.model_validate("2499.36 GBP")


def test_the_contracts_daily_rate_counts_before_the_law() -> None:
    # CNY 100,000 x 0.05 % x 45 days = 2,250.00; no fixed sum. 10,000 - 2,250 = 7,750 of the principal.
    walk = Walk(claiming(45), law="CN", late_fee="0.05%/day", amount="100000.00 CNY").until(day(45))
    assert owed(walk.case) == ("0.00", "2250.00", "100000.00")
    assert owed(pay(walk, 45, "10000.00 CNY").case) == ("0.00", "0.00", "92250.00")
    # The same without any law: the contract is enough.
    alone = Walk(claiming(45), late_fee="0.05%/day", amount="100000.00 CNY").until(day(45))
    assert owed(alone.case) == ("0.00", "2250.00", "100000.00")


def test_yen_are_whole() -> None:
    # JPY 1,000,000 due 31 December 2025, 181 d @ 3 % = 14,876.71; one day more on 1,004,877 - 10,000 ...
    walk = Walk(claiming(181), at("2025-12-20"), law="JP", due="2025-12-31", amount="1000000 JPY")
    walk.until(at("2026-06-30"))
    assert owed(walk.case) == ("0", "14877", "1000000")
    # ... 20,000 settle 14,877 interest and 5,123 principal.
    walk.tell(at("2026-06-30", 12), e.PaymentReceived, amount="20000 JPY", received_on="2026-06-30")
    assert owed(walk.case) == ("0", "0", "994877")


# --- what a payment settles -------------------------------------------------------------------------------------


def test_what_came_before_the_claim_settled_principal() -> None:
    # 5 d on 1,000 @ 10.27 % = 1.4068; 10 d on 600 = 1.6882.
    walk = pay(Walk(claiming(), law="DE"), 5, 400).until(day(15))
    assert owed(walk.case) == ("40.00", "3.10", "600.00")
    # On day 20, 5 d on 600 = 0.8441: 100 settle 40, 3.94 and 56.06.
    assert owed(pay(walk, 20, 100).case) == ("0.00", "0.00", "543.94")


def test_a_payment_of_before_the_claim_settles_the_same_however_late_it_is_told() -> None:
    # 15 d on 1,000 = 4.2205. Told on day 16 that 400 came on day 5, when nothing but principal was claimed: as above.
    walk = demanded()
    assert owed(walk.case) == ("40.00", "4.22", "1000.00")
    walk.tell(day(16), e.PaymentReceived, amount="400 EUR", received_on=on(5))
    assert owed(walk.case) == ("40.00", "3.10", "600.00")
    # On the day of the claim itself the law's order holds: 40 costs, 4.22 interest, 55.78 principal.
    same_day = demanded().tell(day(16), e.PaymentReceived, amount="100 EUR", received_on=on(15))
    assert owed(same_day.case) == ("0.00", "0.00", "944.22")


def test_under_earlier_rules_a_payment_told_late_settles_as_things_stand_by_then() -> None:
    # 40 costs, 1.41 interest, 358.59 principal; 10 d on 641.41 = 1.8047.
    walk = demanded()
    walk.case = walk.case.but(rules_version=3)
    walk.tell(day(16), e.PaymentReceived, amount="400 EUR", received_on=on(5))
    assert owed(walk.case) == ("0.00", "1.80", "641.41")


def test_a_foreign_payment_of_before_the_claim_settles_principal_once_it_is_counted() -> None:
    walk = demanded()
    walk.tell(day(16), e.PaymentReceived, id="F", amount="440 USD", received_on=on(5))
    walk.tell(day(17), e.PaymentAllocated, payment="F", counts_as="400 EUR")
    assert owed(walk.case) == ("40.00", "3.10", "600.00")


def test_principal_first_if_the_contract_says_so() -> None:
    walk = pay(demanded(allocation="principal_first"), 15, 500, designation="interest")

    assert owed(walk.case) == ("40.00", "4.22", "500.00")


def test_a_designation_counts_where_the_law_lets_the_debtor_say_so() -> None:
    # UK, 1,000.00 GBP due 2 March 2026, 15 d @ 11.75 % = 4.8288; 70 fixed (from 1,000 to below 10,000).
    british = pay(demanded(law="UK", amount="1000.00 GBP"), 15, "500.00 GBP", designation="principal")
    assert owed(british.case) == ("70.00", "4.83", "500.00")
    assert british.open_tasks() == []

    german = pay(demanded(), 15, 500, id="P", designation="principal")
    assert owed(german.case) == ("0.00", "0.00", "544.22")
    assert german.open_tasks() == ["designation-1"]
    # An operator may accept it all the same.
    german.tell(day(16), e.PaymentAllocated, payment="P", first="principal")
    assert owed(german.case) == ("40.00", "4.22", "500.00")
    assert german.open_tasks() == []


def test_what_is_too_much_is_more_than_principal_interest_and_costs() -> None:
    # 1,000 + 4.22 + 40 = 1,044.22 on day 15.
    walk = pay(demanded(), 15, 1050, id="A").until(day(16))

    assert (walk.case.outcome, [str(p.amount) for p in walk.case.unapplied]) == ("paid", ["5.78 EUR"])
    walk.tell(day(20), e.Refunded, payment="A", amount="5.78 EUR")
    assert walk.case.unapplied == () and walk.open_tasks() == []


def test_a_tolerance_counts_for_all_that_is_owed() -> None:
    walk = pay(demanded(claiming(tolerance=["5.00 EUR"])), 15, 1040).until(day(15, 11))

    assert (walk.case.outcome, walk.case.short) == ("short_settled", euros("4.22"))


# --- the rest ---------------------------------------------------------------------------------------------------


def test_the_rest_is_pursued_by_default() -> None:
    # 1,000 on day 15: 40 + 4.22 first, 955.78 principal.
    walk = pay(demanded(), 15, 1000).until(day(100))

    assert (owed(walk.case), walk.case.outcome) == (("0.00", "0.00", "44.22"), None)


def test_the_rest_is_waived_if_the_policy_says_so_and_only_the_rest() -> None:
    # While the waiver stands all that was paid is principal: 16 d on 1,000 = 4.5019, 4 d on 400 = 0.4502, 40 fixed.
    walk = demanded(claiming(rest="waive"))
    pay(walk, 16, 600)
    assert owed(walk.case) == ("0.00", "0.00", "444.50")
    pay(walk, 20, 400).until(day(20, 10))

    assert (walk.case.outcome, walk.case.outstanding) == ("paid", euros(0))
    (waiver,) = walk.case.waivers
    assert (waiver.amount, waiver.by, waiver.principal_first) == (euros("44.95"), "policy test version 1", True)
    applied = late_charges(walk.case.invoice, walk.case, on(20)).statement.applied
    assert sum(a.allocation.principal.amount for a in applied) == 1000


def test_nothing_is_given_back_because_of_a_waiver() -> None:
    # Half a year's interest was paid first; read as principal, the same money would be too much.
    walk = demanded(claiming(rest="waive"), amount="100.00 EUR")
    pay(walk, 15, 99)  # 40 + 0.42 + 58.58 principal: 41.42 left
    pay(walk, 100, 42)  # 85 d on 41.42 = 0.9906: 42.41 owed, 0.41 left; read as principal first: 141 paid, 140.44 owed
    walk.until(day(100, 11))

    assert (walk.case.outcome, walk.case.unapplied) == ("paid", ())
    assert [str(w.amount) for w in walk.case.waivers] == ["0.41 EUR"]


def test_a_reversal_takes_the_waiver_of_the_rest_back() -> None:
    walk = demanded(claiming(rest="waive"))
    pay(walk, 16, 600)
    pay(walk, 20, 400, id="B").until(day(20, 10))
    assert walk.case.closed

    walk.tell(day(30), e.PaymentReversed, payment="B")

    # As if nobody had waived: 600 on day 16 settled 40 + 4.50 + 555.50, which leaves 444.50; booked through day 20:
    # 4 d on 444.50 = 0.5003.
    assert (owed(walk.case), walk.case.waivers, walk.case.closed) == (("0.00", "0.50", "444.50"), (), False)
    # Ten more days are owed as soon as they are booked: 14 d on 444.50 = 1.7510.
    assert owed(pay(walk, 30, "1.00").case) == ("0.00", "0.75", "444.50")


def test_an_operator_waives_a_part_or_all() -> None:
    walk = demanded()
    # On day 25: 25 d on 1,000 = 7.0342. Interest goes first, then costs: 10.00 leave 37.03 of 47.03.
    walk.tell(day(25), e.InterestWaived, amount="10.00 EUR", reason="goodwill")
    assert owed(walk.case) == ("37.03", "0.00", "1000.00")
    assert [(w.amount, w.by, w.reason) for w in walk.case.waivers] == [(euros(10), "anna", "goodwill")]
    # Five more days bear interest: 1.4068 + 37.03 are given up, and nothing accrues any more.
    walk.tell(day(30), e.InterestWaived)
    assert owed(walk.case) == ("0.00", "0.00", "1000.00")
    assert walk.case.waivers[-1].amount == euros("38.44")
    assert owed(pay(walk, 90, 600).case) == ("0.00", "0.00", "400.00")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"by": ""}, "a waiver needs a name: who waives?"),
        ({"amount": "44.23 EUR"}, "44.23 EUR is more than the 44.22 EUR claimed as interest and costs"),
        ({"amount": "1.00 USD"}, "1.00 USD is not in the invoice's currency EUR"),
    ],
)
def test_an_impossible_waiver_is_refused(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        demanded().tell(day(15), e.InterestWaived, **body)


def test_nothing_can_be_waived_that_is_not_claimed() -> None:
    with pytest.raises(Refused, match="no interest or costs are claimed that could be waived"):
        Walk(claiming(), law="DE").tell(day(10), e.InterestWaived)


# --- credits and disputes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "on_day_15", "on_day_20"),
    [
        # A credit note corrects the invoice from the beginning: 15 d, 20 d on 600 = 2.5323, 3.3764.
        ("credit_note", "2.53", "3.38"),
        # The others settle principal on their day: 10 d on 1,000 = 2.8137; 5 d, 10 d on 600 = 0.8441, 1.6882.
        ("set_off", "3.65", "4.50"),
        ("goods_in_lieu", "3.65", "4.50"),
    ],
)
def test_a_credit_note_takes_its_interest_along(kind: str, on_day_15: str, on_day_20: str) -> None:
    walk = demanded().tell(day(15), e.CreditNoteIssued, kind=kind, amount="400.00 EUR", issued_on=on(10))
    assert owed(walk.case) == ("40.00", on_day_15, "600.00")

    assert late_charges(walk.case.invoice, walk.case, on(20)).interest == euros(on_day_20)


def test_a_credit_after_the_last_booking_counts_at_once() -> None:
    # 20 d on 1,000 = 5.6274, booked through the day of the set-off.
    walk = demanded().tell(day(20), e.CreditNoteIssued, kind="set_off", amount="400.00 EUR")

    assert owed(walk.case) == ("40.00", "5.63", "600.00")


def test_a_set_off_beyond_the_principal_settles_interest_and_costs() -> None:
    # 1,000 paid, principal first: 4.22 + 40 are left of the day; 44.22 set off leave nothing idle.
    walk = pay(demanded(allocation="principal_first"), 15, 1000)
    walk.tell(day(15, 11), e.CreditNoteIssued, kind="set_off", amount="44.22 EUR")

    assert (walk.case.outstanding, walk.case.unapplied) == (euros(0), ())


def test_only_the_undisputed_part_is_demanded_with_its_interest_alone() -> None:
    walk = demanded().tell(day(15, 10), e.DisputeRaised, amount="400.00 EUR")
    case = walk.case
    order = an_order(case.invoice).but(
        law=case.law, outstanding=case.outstanding, disputed=case.disputed, claim=case.claim, claims_interest=True
    )
    figures = figures_on(order, case.invoice, day(15, 12))

    # 15 d on 600 = 2.5323, + 40; the 400 and their 1.69 of interest wait.
    assert (figures.demanded, figures.outstanding, figures.disputed) == (
        euros("642.53"), euros("1044.22"), euros("401.69"),
    )  # fmt: skip


def test_who_disputes_all_of_the_principal_disputes_its_interest() -> None:
    walk = demanded().tell(day(15, 10), e.DisputeRaised, amount="1000.00 EUR")

    assert (walk.case.pursued, walk.case.on_hold) == (euros(0), True)
    walk.tell(day(16), e.DisputeResolved, upheld=True).until(day(16))
    assert (walk.case.outcome, walk.case.credited) == ("withdrawn", euros(1000))


def test_an_upheld_dispute_credits_principal_and_its_interest_falls_away() -> None:
    walk = demanded().tell(day(15, 10), e.DisputeRaised)
    walk.tell(day(20), e.DisputeResolved, upheld=True).until(day(20))

    assert (walk.case.credited, walk.case.outstanding) == (euros(1000), euros(0))
    assert [s.amount for s in walk.case.settled] == [euros(1000)]


# --- a rate that nobody knows -----------------------------------------------------------------------------------


def extended(due: str) -> e.LawUpdated:
    """The law of an invoice with the next half-year's rate: 1.77 + 9 = 10.77 %."""
    law = law_of("DE", datetime.fromisoformat(due).date())
    rule = law.jurisdiction.late_payment
    assert isinstance(rule, ReferenceInterest)
    row = RateRow.model_validate(
        {"percent": "1.77", "valid_from": "2026-07-01", "valid_until": "2026-12-31", "source": "made up for this test",
         "verified": False}
    )  # fmt: skip
    table = rule.reference.but(rates=(*rule.reference.rates, row))
    jurisdiction = law.jurisdiction.but(late_payment=rule.but(reference=table))
    return e.LawUpdated(law=CaseLaw(basis=law.basis, jurisdiction=jurisdiction))


def published(*rows: tuple[str, str, str], table: str = "de_base") -> Jurisdiction:
    """German law, its table as it may be published some day."""
    law = load_jurisdiction("DE")
    rule = law.late_payment
    assert isinstance(rule, ReferenceInterest)
    rates = tuple(
        RateRow.model_validate(
            {"percent": percent, "valid_from": start, "valid_until": end, "source": "test", "verified": True}
        )
        for percent, start, end in rows
    )
    return law.but(late_payment=rule.but(reference=rule.reference.but(id=table, rates=rates)))


NEXT = ("1.77", "2026-07-01", "2026-12-31")


@pytest.mark.parametrize(
    "rows",
    [
        [("9.99", "2025-07-01", "2026-06-30"), NEXT],
        [("1.77", "2026-01-01", "2026-12-31")],
        [NEXT],
    ],
)
def test_a_newer_table_continues_what_is_pinned_and_alters_nothing(rows: list[tuple[str, str, str]]) -> None:
    law = law_of("DE")
    newer = continued(law, published(*rows))

    assert newer is not None and newer.known_until == at("2026-12-31").date()
    old, new = (which.jurisdiction.late_payment for which in (law, newer))
    assert isinstance(old, ReferenceInterest) and isinstance(new, ReferenceInterest)
    assert new.reference.rates[:-1] == old.reference.rates
    assert (str(new.reference.rates[-1].percent), new.reference.rates[-1].valid_from) == (
        "1.77",
        at("2026-07-01").date(),
    )
    assert new.but(reference=old.reference) == old


@pytest.mark.parametrize(
    ("rows", "table"),
    [
        ([("1.27", "2025-07-01", "2026-06-30")], "de_base"),
        ([("1.77", "2026-07-02", "2026-12-31")], "de_base"),
        ([NEXT], "ecb_main_refinancing"),
    ],
)
def test_a_table_that_ends_no_later_leaves_a_gap_or_is_another_continues_nothing(
    rows: list[tuple[str, str, str]], table: str
) -> None:
    assert continued(law_of("DE"), published(*rows, table=table)) is None


@pytest.mark.parametrize(
    ("due", "left_out_from", "before", "after"),
    [
        # 15 d to the end of the table @ 10.27 % = 4.2205; then 15 d @ 10.77 % = 4.4260.
        ("2026-06-15", "2026-07-01", "4.22", "8.65"),
        # Due in a half-year that the table does not know at all: 30 d @ 10.77 % = 8.8521.
        ("2026-07-10", "2026-07-11", "0.00", "8.85"),
    ],
)
def test_a_missing_rate_is_left_out_and_comes_in_with_the_table(
    due: str, left_out_from: str, before: str, after: str
) -> None:
    rules = claiming(30)
    walk = Walk(rules, at("2026-06-01"), law="DE", due=due)
    walk.until(datetime(2026, 8, 10, tzinfo=UTC))
    assert walk.case.claim is not None
    assert (owed(walk.case), str(walk.case.claim.left_out_from)) == (("40.00", before, "1000.00"), left_out_from)
    walk.tell(walk.now, e.PaymentReceived, amount="40.00 EUR", received_on=walk.case.claim.through)
    assert walk.open_tasks() == ["missing_rate-1"], "one task, however often it is booked"
    assert f"DE has no rate for the days from {left_out_from} on" in walk.case.tasks[0].text

    walk.apply(extended(due))

    assert owed(walk.case) == ("0.00", after, "1000.00")
    assert (walk.case.claim.left_out_from, walk.open_tasks()) == (None, [])


def test_without_law_or_contract_only_the_principal_is_claimed() -> None:
    walk = demanded(law=None)

    assert owed(walk.case) == ("0.00", "0.00", "1000.00")
    assert "neither the contract nor a jurisdiction gives a rate" in walk.case.tasks[0].text


def test_a_contract_rate_needs_no_table() -> None:
    walk = demanded(late_fee="12%/year")

    # 15 d @ 12 % = 4.9315; 40 fixed also where the contract sets the rate.
    assert owed(walk.case) == ("40.00", "4.93", "1000.00")
    assert walk.case.invoice.late_fee == LateFee.model_validate("12%/year")
