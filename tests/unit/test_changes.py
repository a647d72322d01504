"""What `apply` makes of money, disputes, promises and holds."""

from typing import Any

import pytest

from models import events as e
from models.case import Refused
from models.changes import apply
from models.ladder import Wait
from models.money import Money
from tests.cases import Walk, day, euros, on


def paid(amount: int | str, received: int = 0, **body: Any) -> dict[str, Any]:
    return {"amount": euros(amount), "received_on": on(received), **body}


# --- payments -------------------------------------------------------------------------------------------------


def test_a_full_payment_closes_the_case() -> None:
    walk = Walk().tell(day(10, 0), e.PaymentReceived, **paid(1000)).until(day(100))

    assert (walk.case.closed, walk.case.outcome, walk.case.stage) == (True, "paid", "closed")
    assert walk.steps[-1] == ("reminder_7", 7)
    assert walk.now == day(100) and walk.case.performed[-1].performed_at == day(7)


def test_a_payment_at_the_instant_of_a_step_comes_before_it() -> None:
    walk = Walk().tell(day(15), e.PaymentReceived, **paid(1000)).until(day(15))

    assert walk.case.closed
    assert "formal_demand_15" not in dict(walk.steps)


def test_a_part_payment_leaves_the_rest_to_be_pursued() -> None:
    walk = Walk().tell(day(2), e.PaymentReceived, **paid("400.50")).until(day(8))

    assert walk.case.outstanding == euros("599.50") == walk.case.pursued
    assert walk.steps[-1] == ("reminder_7", 7)


def test_the_same_payment_twice_changes_nothing() -> None:
    walk = Walk().tell(day(2), e.PaymentReceived, **paid(400, id="BANK-1"))
    again = e.PaymentReceived(id="BANK-1", amount=euros(400), received_on=on(0), at=day(3), by="bert", source="bank")

    assert apply(walk.case, again) is walk.case


@pytest.mark.parametrize("change", [{"amount": euros(401)}, {"received_on": on(1)}])
def test_the_same_reference_with_other_content_is_a_conflict(change: dict[str, Any]) -> None:
    walk = Walk().tell(day(2), e.PaymentReceived, **paid(400, id="BANK-1"))
    body = {**paid(400), "id": "BANK-1", "at": day(3), **change}

    with pytest.raises(Refused, match="'BANK-1' was already taken with other content"):
        apply(walk.case, e.PaymentReceived(**body))


def test_one_reference_may_serve_messages_of_two_kinds() -> None:
    walk = Walk().tell(day(2), e.PaymentReceived, **paid(400, id="1")).tell(day(2), e.HoldPlaced, id="1")

    assert walk.case.on_hold and walk.case.outstanding == euros(600)


def test_what_was_paid_too_much_is_kept_and_a_person_told() -> None:
    walk = (
        Walk().tell(day(2), e.PaymentReceived, **paid(700, id="A")).tell(day(3), e.PaymentReceived, **paid(500, id="B"))
    )

    assert not walk.case.outstanding
    assert [(p.id, p.amount) for p in walk.case.unapplied] == [("B", euros(200))]
    assert [t.text for t in walk.case.tasks] == [
        "200.00 EUR paid too much (payment B): refund it or set it off (`arrears refund`, `set-off`)"
    ]


def test_a_payment_in_another_currency_is_kept_apart() -> None:
    dollars = Money.model_validate("1000.00 USD")
    walk = Walk().tell(day(2), e.PaymentReceived, amount=dollars, received_on=on(2))

    assert walk.case.outstanding == euros(1000)
    assert [p.amount for p in walk.case.unapplied] == [dollars]
    assert walk.open_tasks() == ["unapplied_cash-1"]


def test_a_reversed_payment_is_owed_again() -> None:
    walk = Walk().tell(day(2), e.PaymentReceived, **paid(400, id="A")).tell(day(4), e.PaymentReversed, payment="A")

    assert walk.case.outstanding == euros(1000)
    assert not walk.case.paid


def test_a_reversal_lets_a_later_payment_count_that_was_too_much() -> None:
    walk = (
        Walk()
        .tell(day(2), e.PaymentReceived, **paid(1000, id="A"))
        .tell(day(2), e.PaymentReceived, **paid(300, id="B"))
    )
    walk.tell(day(2), e.PaymentReversed, payment="A")

    assert walk.case.outstanding == euros(700)
    assert walk.case.unapplied == ()
    assert walk.open_tasks() == [], "nobody is to give B back now"


@pytest.mark.parametrize("kind", ["cash_discount", "bank_charges"])
@pytest.mark.parametrize("closed", [False, True])
def test_a_reversal_takes_back_what_came_with_the_payment(kind: str, closed: bool) -> None:
    walk = Walk()
    walk.tell(day(2), e.CreditNoteIssued, kind="set_off", amount=euros(100), issued_on=on(2))
    walk.tell(day(2), e.CreditNoteIssued, kind=kind, amount=euros(30), issued_on=on(2), payment="A")
    walk.tell(day(2), e.PaymentReceived, **paid(870 if closed else 500, id="A")).until(day(3))
    assert walk.case.closed is closed
    walk.tell(day(4), e.PaymentReversed, payment="A")

    assert (walk.case.outstanding, walk.case.credited) == (euros(900), euros(100))
    assert [credit.kind for credit in walk.case.credits] == ["set_off"]


def test_a_discount_does_not_outlive_its_payment() -> None:
    walk = Walk().tell(day(2), e.PaymentReceived, **paid(500, id="A")).tell(day(3), e.PaymentReversed, payment="A")

    with pytest.raises(Refused, match="'A', with which it goes, was taken back"):
        walk.tell(day(4), e.CreditNoteIssued, kind="cash_discount", amount=euros(30), payment="A")
    with pytest.raises(ValueError, match="a set_off goes with no payment"):
        walk.tell(day(4), e.CreditNoteIssued, kind="set_off", amount=euros(30), payment="A")


@pytest.mark.parametrize(
    ("payment", "reason"), [("X", r"no payment 'X' to reverse \(known: A\)"), ("A", "'A' is already reversed")]
)
def test_a_reversal_needs_a_payment(payment: str, reason: str) -> None:
    walk = Walk().tell(day(2), e.PaymentReceived, **paid(400, id="A"))
    walk.tell(day(3), e.PaymentReversed, payment="A")

    with pytest.raises(Refused, match=reason):
        walk.tell(day(4), e.PaymentReversed, payment=payment)


# --- credits --------------------------------------------------------------------------------------------------


def test_a_credit_note_reduces_what_is_owed() -> None:
    walk = Walk().tell(day(2), e.CreditNoteIssued, amount=euros(250))

    assert (walk.case.outstanding, walk.case.credited) == (euros(750), euros(250))


def test_an_invoice_credited_in_full_is_withdrawn_and_one_paid_in_part_is_paid() -> None:
    credited = Walk().tell(day(2), e.CreditNoteIssued, amount=euros(1000)).until(day(3))
    mixed = Walk().tell(day(2), e.PaymentReceived, **paid(1)).tell(day(2), e.CreditNoteIssued, amount=euros(999))

    assert credited.case.outcome == "withdrawn"
    for kind in ("set_off", "goods_in_lieu"):
        given = Walk().tell(day(2), e.CreditNoteIssued, amount="1000.00 EUR", kind=kind).until(day(3))
        assert given.case.outcome == "paid"
    assert mixed.until(day(3)).case.outcome == "paid"


def test_a_credit_after_payment_leaves_money_to_give_back() -> None:
    walk = (
        Walk().tell(day(2), e.PaymentReceived, **paid(900, id="A")).tell(day(2), e.CreditNoteIssued, amount=euros(300))
    )

    assert not walk.case.outstanding
    assert [p.amount for p in walk.case.unapplied] == [euros(200)]
    assert walk.open_tasks() == ["unapplied_cash-1"]


def test_a_credit_may_not_exceed_the_invoice() -> None:
    with pytest.raises(Refused, match="more than the 1,000.00 EUR the invoice still stands for"):
        Walk().tell(day(2), e.CreditNoteIssued, amount=euros("1000.01"))


# --- disputes -------------------------------------------------------------------------------------------------


def test_a_dispute_over_the_whole_stops_the_ladder_until_it_is_rejected() -> None:
    walk = Walk().tell(day(2), e.DisputeRaised, reason="not delivered").until(day(6))
    assert walk.next == Wait(day(17, 0)), "until the day to answer is over"
    walk.tell(day(6), e.DisputeResolved).until(day(12))

    assert walk.steps[2:] == [("reminder_7", 11)]


def test_a_dispute_over_a_part_lets_the_rest_be_pursued() -> None:
    walk = Walk().tell(day(2), e.DisputeRaised, amount=euros(300)).until(day(8))

    assert (walk.case.on_hold, walk.case.pursued, walk.case.disputed) == (False, euros(700), euros(300))
    assert walk.steps[-1] == ("reminder_7", 7)


def test_once_only_the_disputed_part_is_left_the_ladder_stops() -> None:
    walk = Walk().tell(day(2), e.DisputeRaised, amount=euros(300)).tell(day(3), e.PaymentReceived, **paid(700))

    assert walk.case.on_hold and walk.case.disputed == euros(300)
    assert walk.tell(day(5), e.DisputeResolved, upheld=True).until(day(5)).case.outcome == "paid"


@pytest.mark.parametrize(
    ("resolution", "outstanding"),
    [
        ({}, 1000),
        ({"upheld": True}, 700),
        ({"upheld": True, "amount": euros(100)}, 900),
    ],
)
def test_an_upheld_dispute_shrinks_the_invoice(resolution: dict[str, Any], outstanding: int) -> None:
    walk = Walk().tell(day(2), e.DisputeRaised, amount=euros(300)).tell(day(3), e.DisputeResolved, **resolution)

    assert (walk.case.outstanding, walk.case.dispute) == (euros(outstanding), None)


@pytest.mark.parametrize(
    ("message", "body", "reason"),
    [
        (e.DisputeRaised, {}, "'M-1' is still open"),
        (e.DisputeResolved, {"upheld": True, "amount": euros(301)}, "more than the disputed 300.00 EUR"),
        (e.DisputeResolved, {"amount": euros(100)}, "goes with an upheld dispute only"),
    ],
)
def test_impossible_dispute_messages_are_refused(message: type[e.Message], body: dict[str, Any], reason: str) -> None:
    walk = Walk().tell(day(2), e.DisputeRaised, amount=euros(300))

    with pytest.raises(Refused, match=reason):
        walk.tell(day(3), message, **body)


# --- promises, plans, holds -----------------------------------------------------------------------------------


def test_a_promise_kept_at_the_very_deadline_is_kept() -> None:
    walk = Walk().tell(day(2), e.PromiseMade, amount=euros(400), pay_by=on(4))
    walk.tell(day(5, 0), e.PaymentReceived, **paid(400)).until(day(6))

    assert walk.case.promise is None
    assert "promise_broken" not in walk.case.happened
    assert [(p.since, p.until) for p in walk.case.pauses] == [(day(2), day(5, 0))]


def test_a_payment_told_after_the_deadline_finds_the_promise_broken() -> None:
    walk = Walk().tell(day(2), e.PromiseMade, amount=euros(400), pay_by=on(4))
    late = e.PaymentReceived(id="A", at=day(9), **paid(400))

    assert apply(walk.case, late).happened["promise_broken"] == day(5, 0), "even if nobody asked in between"


def test_a_hold_that_outlasts_a_promise_keeps_its_days() -> None:
    walk = Walk().tell(day(2), e.PromiseMade, pay_by=on(4)).tell(day(4), e.HoldPlaced)
    released = apply(walk.case, e.HoldReleased(id="R", at=day(9)))

    assert [(p.since, p.until) for p in released.pauses] == [(day(2), day(9))]


def test_a_promise_of_a_part_is_kept_by_that_part() -> None:
    walk = Walk().tell(day(1), e.PaymentReceived, **paid(100))
    walk.tell(day(2), e.PromiseMade, amount=euros(300), pay_by=on(9)).tell(day(3), e.PaymentReceived, **paid(299))
    assert walk.case.on_hold
    walk.tell(day(4), e.PaymentReceived, **paid(1))

    assert not walk.case.on_hold


def test_a_plan_is_over_when_all_of_it_is_paid() -> None:
    plan = [{"due": on(5), "amount": euros(400)}, {"due": on(9), "amount": euros(600)}]
    walk = Walk().tell(day(2), e.PlanAgreed, instalments=plan).tell(day(3), e.PaymentReceived, **paid(1000))

    assert walk.case.plan is None and walk.until(day(3)).case.outcome == "paid"


@pytest.mark.parametrize(
    ("message", "body", "reason"),
    [
        (e.PromiseMade, {"pay_by": on(1)}, "lies in the past"),
        (e.PromiseMade, {"pay_by": on(5), "amount": euros(1001)}, "more than the outstanding"),
        (e.PromiseMade, {"pay_by": on(5), "amount": "5.00 USD"}, "not in the invoice's currency"),
        (e.PlanAgreed, {"instalments": [{"due": on(5), "amount": euros(999)}]}, "add up to 999.00 EUR"),
        (
            e.PlanAgreed,
            {"instalments": [{"due": on(5), "amount": euros(500)}, {"due": on(5), "amount": euros(500)}]},
            "in the order of their days",
        ),
        (e.ExtensionGranted, {"until": on(1)}, "lies in the past"),
        (e.HoldReleased, {}, "no hold to release"),
        (e.StepApproved, {"step": "reminder_7"}, "no proposal of 'reminder_7' waits"),
        (e.TaskCompleted, {"task": "x"}, "no task 'x'"),
        (e.InsurerDecided, {"accepted": True}, "no claim has been filed"),
        (e.DisputeResolved, {}, "no open dispute"),
    ],
)
def test_an_impossible_message_is_refused_with_the_reason(
    message: type[e.Message], body: dict[str, Any], reason: str
) -> None:
    walk = Walk().until(day(2))
    before = walk.case

    with pytest.raises(Refused, match=reason):
        walk.tell(day(2), message, **body)
    assert walk.case is before


def test_holds_are_released_one_by_one_or_all_at_once() -> None:
    walk = Walk().tell(day(2), e.HoldPlaced, id="A").tell(day(3), e.HoldPlaced, id="B")
    one = apply(walk.case, e.HoldReleased(id="R", hold="A", at=day(4)))
    both = apply(walk.case, e.HoldReleased(id="R", at=day(4)))

    assert [h.id for h in one.holds] == ["B"] and one.on_hold
    assert both.holds == () and not both.on_hold
    with pytest.raises(Refused, match=r"no hold 'C' \(holds: A, B\)"):
        apply(walk.case, e.HoldReleased(id="R", hold="C", at=day(4)))
