"""An invoice that arrives late, or a case reopened late, enters its ladder without a burst of letters."""

import pytest

from models import events as e
from tests.cases import Walk, after_due, after_step, day, euros, moments, on, policy, step

PLAIN = [
    ("reminder_m3", -3),
    ("reminder_1", 1),
    ("reminder_7", 7),
    ("formal_demand_15", 15),
    ("lawyer_letter_30", 30),
    ("referral_60", 60),
    ("insurance_claim_90", 90),
]
FULL = {"id": "A", "amount": euros(1000), "received_on": on(5)}


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        (-2, [("reminder_m3", -2), *PLAIN[1:]]),
        (0, [("reminder_m3", 0), *PLAIN[1:]]),
        (20, [("formal_demand_15", 20), ("lawyer_letter_30", 30), *PLAIN[5:]]),
        (40, [("formal_demand_15", 40), ("lawyer_letter_30", 50), *PLAIN[5:]]),
        (70, [("formal_demand_15", 70), ("referral_60", 80), *PLAIN[6:]]),
        (100, [("formal_demand_15", 100), ("insurance_claim_90", 110)]),
    ],
)
def test_a_late_invoice_enters_at_the_latest_step_with_what_it_requires_first(
    opened: int, expected: list[tuple[str, int]]
) -> None:
    walk = Walk(opened=day(opened, 12)).until(day(200))

    assert walk.steps == expected
    assert moments(walk.case)[0] == day(opened, 12), "at once, as nine o'clock has passed"
    assert {*walk.skipped, *(name for name, _ in walk.steps)} == {name for name, _ in PLAIN}


def test_a_late_invoice_waits_for_the_time_of_day() -> None:
    walk = Walk(opened=day(20, 6)).until(day(21))

    assert moments(walk.case) == [day(20, 9)]


def test_a_reason_says_how_late_it_was() -> None:
    walk = Walk(opened=day(20))

    assert walk.case.skipped[0].reason == "late entry: the invoice was 20 days overdue when the case opened"


def test_notices_sent_before_the_case_began_count() -> None:
    prior = [e.PriorNotice(step="formal_demand_15", performed_on=on(16))]
    walk = Walk(opened=day(40, 12), prior=prior).until(day(40, 12))

    assert walk.steps == [("formal_demand_15", 16), ("lawyer_letter_30", 40)]


def test_a_late_invoice_gets_the_step_that_its_entry_counts_from() -> None:
    rules = policy(step("first", after_due(1)), step("second", after_step("first", 7)))
    walk = Walk(rules, opened=day(30, 12)).until(day(60))

    assert walk.steps == [("first", 30), ("second", 37)]


def test_a_late_invoice_does_not_wait_for_a_step_it_can_do_without() -> None:
    rules = policy(step("first", after_due(1)), step("second", {"any": [after_step("first", 7), after_due(10)]}))
    walk = Walk(rules, opened=day(30, 12)).until(day(60))

    assert walk.steps == [("second", 30)]


def test_a_late_invoice_does_not_enter_at_a_step_whose_condition_fails() -> None:
    rules = policy(
        step("letter", after_due(5), kind="formal_demand"),
        step("claim", after_due(20), kind="insurer_notice", only_if={"insured": True}),
    )

    assert Walk(rules, opened=day(30, 12)).until(day(31)).steps == [("letter", 30)]


def test_a_late_invoice_enters_at_all_steps_of_the_latest_moment() -> None:
    rules = policy(
        step("letter", after_due(5)),
        step("one", after_due(20), kind="guarantee"),
        step("two", after_due(20), kind="insurer_notice"),
    )

    assert Walk(rules, opened=day(30, 12)).until(day(31)).steps == [("one", 30), ("two", 30)]


def test_a_late_invoice_goes_on_with_a_recurring_step_where_it_stands() -> None:
    rules = policy(step("weekly", after_due(1), repeat={"every": "P7D", "times": 4}))
    walk = Walk(rules, opened=day(10, 12)).until(day(60))

    assert [(done.occurrence, done.performed_at) for done in walk.case.performed] == [
        (2, day(10, 12)),
        (3, day(15)),
        (4, day(22)),
    ]


def test_an_invoice_that_arrives_at_the_very_instant_of_a_step_gets_that_step() -> None:
    assert Walk(opened=day(15)).until(day(16)).steps == [("formal_demand_15", 15)]


# --- cases that come back -------------------------------------------------------------------------------------


def test_a_reversal_after_the_close_reopens_the_case_without_a_burst_of_letters() -> None:
    walk = Walk().tell(day(5), e.PaymentReceived, **FULL).until(day(40, 12))
    assert walk.case.closed
    walk.tell(day(40, 12), e.PaymentReversed, payment="A")

    assert (walk.case.closed, walk.case.outcome, walk.case.outstanding) == (False, None, euros(1000))
    walk.until(day(58))
    assert walk.steps[2:] == [("formal_demand_15", 47), ("lawyer_letter_30", 57)], (
        "a week's grace, then the cure period"
    )
    assert walk.skipped == ["reminder_7"]
    assert walk.case.performed[2].planned_at == day(47)


def test_a_case_reopened_soon_goes_on_after_a_weeks_grace() -> None:
    walk = Walk().tell(day(5), e.PaymentReceived, **FULL).tell(day(6), e.PaymentReversed, payment="A")

    assert walk.until(day(30)).steps[2:] == [("reminder_7", 13), ("formal_demand_15", 15), ("lawyer_letter_30", 30)]


def test_what_is_being_proposed_is_in_hand_when_a_case_is_reopened() -> None:
    rules = policy(step("ask", after_due(5), kind="guarantee", mode="propose"), step("letter", after_due(9)))
    walk = Walk(rules).tell(day(6), e.PaymentReceived, **FULL).tell(day(20), e.PaymentReversed, payment="A")
    walk.tell(day(21), e.StepApproved, step="ask").until(day(30))

    assert walk.steps == [("ask", 27), ("letter", 27)]
    assert walk.skipped == []


def test_a_case_moved_to_another_policy_enters_it_where_it_stands() -> None:
    other = policy(*(step(f"n{n}", after_due(n)) for n in (1, 10, 30, 50)), id="other")
    walk = Walk().tell(day(40, 12), e.PolicyChanged, policy=other).until(day(60))

    assert walk.steps[-2:] == [("n30", 40), ("n50", 50)]
    assert walk.case.last_performed("n30").planned_at == day(40, 12)  # type: ignore[union-attr]
    assert walk.skipped == ["n1", "n10"]


def test_a_case_on_hold_enters_another_policy_where_its_ladder_stood() -> None:
    other = policy(*(step(f"n{n}", after_due(n)) for n in (1, 5, 10, 30)), id="other")
    walk = Walk().tell(day(8), e.HoldPlaced).tell(day(40), e.PolicyChanged, policy=other)
    walk.tell(day(41), e.HoldReleased).until(day(80))

    assert walk.steps[-3:] == [("n5", 41), ("n10", 43), ("n30", 63)]
