"""A payment that crossed our letter in the mail: a letter of correction, and a case that does not wait long."""

from models import events as e
from models.ladder import Close, Perform
from tests.cases import Walk, after_due, day, euros, on, policy, step

RULES = policy(step("first", after_due(1)), step("second", after_due(30)), corrections=True)


def paid(walk: Walk, amount: int, received: int, heard: int, **fields: object) -> Walk:
    walk.tell(day(heard, 10), e.PaymentReceived, id="A", amount=euros(amount), received_on=on(received), **fields)
    return walk


def sent(walk: Walk, n: int) -> Walk:
    """The reminder leaves as a notice, on its day."""
    walk.until(day(n), inclusive=False)
    action = walk.next
    assert isinstance(action, Perform)
    walk.now = day(n)
    walk.apply(
        e.StepPerformed(
            step=action.step.id, kind=action.step.kind, occurrence=1, planned_at=day(n), performed_at=day(n),
            notice="<n>",
        )
    )  # fmt: skip
    return walk


def test_money_the_bank_had_when_we_wrote_is_answered_with_a_letter_and_the_case_then_closes() -> None:
    walk = paid(sent(Walk(RULES).until(day(1), inclusive=False), 1), 1000, received=1, heard=3)
    assert (walk.case.crossed, walk.case.closed) == ("A", False)
    action = walk.next
    assert isinstance(action, Perform)
    assert (action.step.id, action.step.letter, action.planned_at) == ("duty_correction", "correction", day(3, 10))
    walk.until(day(4))
    assert (walk.case.closed, walk.case.outcome, [d.step for d in walk.case.duties]) == (
        True, "paid", ["duty_correction"],
    )  # fmt: skip
    assert [d.step for d in walk.case.performed] == ["first"], "no rung of the ladder"


def test_money_that_came_after_the_letter_crossed_nothing() -> None:
    walk = paid(sent(Walk(RULES), 1), 1000, received=2, heard=3)
    assert walk.case.crossed is None
    assert isinstance(walk.next, Close)


def test_without_the_policys_word_nothing_is_corrected() -> None:
    walk = paid(sent(Walk(policy(step("first", after_due(1)))), 1), 1000, received=1, heard=3)
    assert walk.case.crossed is None


def test_a_letter_that_cannot_be_written_does_not_keep_a_paid_case_open() -> None:
    walk = paid(sent(Walk(RULES), 1), 1000, received=1, heard=3)
    walk.apply(e.StepRefused(step="duty_correction", occurrence=1, reason="no address", at=day(3, 10)))
    assert walk.open_tasks() == ["correction-1"]
    assert walk.until(day(3, 11)).case.closed
