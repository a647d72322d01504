"""What must hold for a step when its day has come: conditions, predecessors, limits of contact, mandates."""

from typing import Any

import pytest

from models import events as e
from tests.cases import Walk, after_due, day, euros, on, policy, step


def test_conditions_are_judged_when_the_step_is_due() -> None:
    rules = policy(step("big", after_due(5), only_if={"min_amount": ["500.00 EUR"]}), step("any", after_due(6)))
    body = {"amount": euros(600), "received_on": on(2)}

    assert Walk(rules).until(day(9)).steps == [("big", 5), ("any", 6)]
    walk = Walk(rules).tell(day(2), e.PaymentReceived, **body).until(day(9))
    assert walk.steps == [("any", 6)]
    assert walk.case.skipped[0].reason == "400.00 EUR is less than 500.00 EUR"


@pytest.mark.parametrize(
    ("condition", "fields", "reason"),
    [
        ({"insured": True}, {}, "the invoice is not insured"),
        ({"insured": False}, {"cover": {}}, "the invoice is insured"),
        ({"guaranteed": True}, {}, "there is no guarantee"),
        ({"tiers": ["high"]}, {"buyer": {"tier": "low"}}, "the buyer's tier low is not one of high"),
        ({"countries": ["FR"]}, {}, "the buyer's country DE is not one of FR"),
        ({"max_amount": ["999.99 EUR"]}, {}, "1,000.00 EUR is more than 999.99 EUR"),
    ],
)
def test_a_step_whose_condition_fails_falls_away_with_the_reason(
    condition: dict[str, object], fields: dict[str, Any], reason: str
) -> None:
    walk = Walk(policy(step("one", after_due(1), only_if=condition)), **fields).until(day(5))

    assert walk.steps == []
    assert [skip.reason for skip in walk.case.skipped] == [reason]


def test_what_requires_a_step_that_fell_away_falls_away_too() -> None:
    rules = policy(
        step("notice", after_due(1), kind="insurer_notice", only_if={"insured": True}),
        step("claim", after_due(5), kind="insurance_claim", requires=["notice"]),
        step("later", after_due(9), kind="guarantee", requires=["claim"]),
    )
    walk = Walk(rules).until(day(20))

    assert walk.steps == []
    assert [skip.reason for skip in walk.case.skipped][1:] == [
        "notice, which it requires, was not performed",
        "claim, which it requires, was not performed",
    ]


def test_a_step_waits_until_the_cure_period_of_a_late_demand_has_run() -> None:
    walk = Walk().tell(day(15, 8), e.HoldPlaced).tell(day(27, 8), e.HoldReleased).until(day(60))

    assert walk.steps[3:5] == [("formal_demand_15", 27), ("lawyer_letter_30", 42)]


def test_contacts_keep_their_distance() -> None:
    rules = policy(
        step("one", after_due(1)), step("two", after_due(2)), step("three", after_due(3), kind="call"),
        step("file", after_due(3), kind="insurer_notice"), spacing="P4D",
    )  # fmt: skip

    assert Walk(rules).until(day(30)).steps == [("one", 1), ("file", 3), ("two", 5), ("three", 9)]


def test_contacts_are_limited_within_any_so_many_days() -> None:
    steps = [step(f"n{n}", after_due(n)) for n in range(1, 6)]
    rules = policy(*steps, contact_limit={"most": 2, "within": "P7D"})

    assert [n for _, n in Walk(rules).until(day(30)).steps] == [1, 2, 8, 9, 15]


def test_own_dunning_stops_while_the_agency_holds_the_mandate() -> None:
    rules = policy(
        step("handover", after_due(5), kind="referral"),
        step("letter", after_due(8)),
        step("call", after_due(12), kind="call"),
        step("claim", after_due(30), kind="insurance_claim"),
    )  # fmt: skip
    walk = Walk(rules).tell(day(10), e.AgencyReported, status="closed", code="untraceable").until(day(40))

    assert walk.steps == [("handover", 5), ("call", 12), ("claim", 30)]
    assert walk.case.skipped[0].reason == "the agency holds the mandate: own dunning has stopped"
