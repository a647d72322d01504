"""Steps that follow one that fell away: they fall away, too, instead of being waited for."""

from typing import Any

import pytest

from models import events as e
from models.policy import Policy
from tests.cases import Walk, after_due, after_step, day, on, policy, step


def followed(**first: Any) -> Policy:
    """A call that is made for some only, a letter that follows it, a visit that needs the letter, a demand."""
    return policy(
        step("call", after_due(1), kind="call", **first),
        step("letter", after_step("call", 3)),
        step("visit", after_due(6), kind="visit", requires=["letter"]),
        step("demand", {"any": [after_step("call", 30), after_due(10)]}, kind="formal_demand"),
    )  # fmt: skip


def reasons(walk: Walk) -> list[tuple[str, str]]:
    return [(skip.step, skip.reason) for skip in walk.case.skipped]


AFTER_CALL = [
    ("letter", "call, which it follows, was not performed"),
    ("visit", "letter, which it requires, was not performed"),
]


def test_what_follows_a_step_that_was_skipped_falls_away_and_the_rest_goes_on() -> None:
    walk = Walk(followed(only_if={"tiers": ["A"]})).until(day(40))

    assert reasons(walk) == [("call", "the buyer's tier (none) is not one of A"), *AFTER_CALL]
    assert walk.steps == [("demand", 10)]


def test_what_follows_a_rejected_or_dropped_step_falls_away() -> None:
    rejected = Walk(followed(mode="propose")).tell(day(2), e.StepRejected, step="call").until(day(40))
    assert reasons(rejected) == [("call", "rejected by anna"), *AFTER_CALL]

    dropped = Walk(followed()).until(day(1), inclusive=False)
    dropped.apply(e.StepRefused(step="call", reason="no number"))
    assert dropped.skipped == [], "somebody may still mend it"
    dropped.tell(day(2), e.TaskCompleted, task="refused_step-1", outcome="drop").until(day(40))
    assert reasons(dropped) == [("call", "dropped by anna: no number"), *AFTER_CALL]


@pytest.mark.parametrize("deferred", [False, True])
def test_a_letter_for_who_does_not_answer_falls_away_with_the_answer(deferred: bool) -> None:
    rules = policy(step("call", after_due(1), kind="call"), step("letter", after_step("call", 3, unanswered=True)))
    walk = Walk(rules).until(day(4), inclusive=False)
    if deferred:
        walk.apply(e.StepDeferred(step="letter", until=day(6), reason="the mail server is down", at=day(4)))
    walk.tell(day(4), e.DebtorReplied, text="we pay next week", by="anna")

    assert reasons(walk) == [("letter", "the debtor answered call")]
    assert (walk.open_tasks(), walk.case.deferred) == ([], {})
    assert walk.until(day(40)).steps == [("call", 1)]


def test_a_step_of_several_is_waited_for_until_all_are_over() -> None:
    rules = policy(
        step("call", after_due(1), kind="call", repeat={"every": "P2D", "times": 3},
             only_if={"min_amount": ["500 EUR"]}),
        step("letter", after_step("call", 3)),
    )  # fmt: skip
    paid = Walk(rules).tell(day(2), e.PaymentReceived, amount="600.00 EUR", received_on=on(2)).until(day(40))
    assert [(s, d) for s, d in paid.steps] == [("call", 1), ("letter", 4)]
    assert {skip.step for skip in paid.case.skipped} == {"call"}


def test_a_case_under_earlier_rules_waits_as_it_did() -> None:
    walk = Walk(followed(only_if={"tiers": ["A"]}))
    walk.case = walk.case.but(rules_version=2)
    assert walk.until(day(40)).skipped == ["call"]


def test_the_tier_that_has_the_call_has_the_letter() -> None:
    walk = Walk(followed(only_if={"tiers": ["A"]}), buyer={"tier": "A"}).until(day(8))
    assert [name for name, _ in walk.steps] == ["call", "letter", "visit"]
