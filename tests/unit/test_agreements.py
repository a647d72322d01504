"""Disputes, promises, plans and write-offs: kept, broken, answered, approved, and what is no agreement at all."""

from datetime import date
from typing import Any

import pytest

from models import events as e
from models.allocation import OpenItem, split, split_instalments
from models.case import Refused
from models.ladder import Tell, Wait
from models.money import Money
from tests.cases import Walk, after_due, day, euros, on, policy, step

BRIEF = policy(step("first", after_due(1)), step("second", after_due(7)), promise_tolerance="P2D", max_promises=2)


def paid(amount: int, received: int) -> dict[str, Any]:
    return {"amount": f"{amount}.00 EUR", "received_on": on(received)}


def ended(walk: Walk) -> list[tuple[str, str, str]]:
    return [(s.kind, s.outcome, str(s.amount)) for s in walk.case.settled]


# --- promises ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payments", "outcome"),
    [
        ([(300, 5)], ("kept", "300.00 EUR")),
        ([(100, 4), (200, 7)], ("kept", "300.00 EUR")),  # two days of tolerance: until day 7 is over
        ([(100, 4)], ("partly_kept", "100.00 EUR")),
        ([], ("broken", "0.00 EUR")),
        ([(300, 8)], ("broken", "0.00 EUR")),
    ],
)
def test_a_promise_is_kept_partly_kept_or_broken(payments: list[tuple[int, int]], outcome: tuple[str, str]) -> None:
    walk = Walk(BRIEF).tell(day(2), e.PromiseMade, amount="300.00 EUR", pay_by=on(5))
    for amount, n in payments:
        walk.tell(day(n), e.PaymentReceived, **paid(amount, n))

    assert ended(walk.until(day(9))) == [("promise", *outcome)]
    assert not walk.case.on_hold


def test_money_of_before_the_promise_does_not_keep_it() -> None:
    walk = Walk(BRIEF).tell(day(1), e.PaymentReceived, **paid(300, 1))
    walk.tell(day(2), e.PromiseMade, amount="300.00 EUR", pay_by=on(5))

    assert ended(walk.until(day(9))) == [("promise", "broken", "0.00 EUR")]


def test_one_promise_too_many_no_longer_pauses() -> None:
    walk = Walk(BRIEF)
    for n in (2, 10):
        walk.tell(day(n), e.PromiseMade, pay_by=on(n + 2))
        assert walk.case.on_hold
        walk.until(day(n + 6))
    walk.tell(day(18), e.PromiseMade, id="third", pay_by=on(20))

    assert not walk.case.on_hold and walk.case.promise is not None
    # The first two took five days each (two of them tolerance) from the ladder: day 7 + 10.
    assert walk.steps == [("first", 1), ("second", 17)]
    assert ended(walk.until(day(30)))[-1] == ("promise", "broken", "0.00 EUR")


def test_a_kept_promise_counts_as_one_of_those_that_pause() -> None:
    walk = Walk(BRIEF)
    for n in (2, 10):
        walk.tell(day(n), e.PromiseMade, amount="100.00 EUR", pay_by=on(n + 2))
        walk.tell(day(n + 1), e.PaymentReceived, **paid(100, n + 1))

    assert not walk.tell(day(20), e.PromiseMade, pay_by=on(22)).case.on_hold


# --- plans ------------------------------------------------------------------------------------------------------


def parts(*days_and_euros: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"due": on(n), "amount": f"{amount}.00 EUR"} for n, amount in days_and_euros]


def test_a_plan_is_kept_while_each_instalment_comes_in_time() -> None:
    walk = Walk(BRIEF).tell(day(2), e.PlanAgreed, id="PL", instalments=parts((10, 400), (20, 600)))
    walk.tell(day(12), e.PaymentReceived, **paid(400, 12))
    assert walk.until(day(20)).case.on_hold
    walk.tell(day(20), e.PaymentReceived, **paid(600, 20)).until(day(20))

    assert (ended(walk), walk.case.outcome) == ([("plan", "kept", "1,000.00 EUR")], "paid")
    assert walk.steps == [("first", 1)]


@pytest.mark.parametrize(
    ("payments", "broken_on", "brought"),
    [([], 13, 0), ([(399, 10)], 13, 399), ([(400, 10)], 23, 400), ([(900, 10)], 23, 900)],
)
def test_a_missed_instalment_breaks_the_plan(payments: list[tuple[int, int]], broken_on: int, brought: int) -> None:
    walk = Walk(BRIEF).tell(day(2), e.PlanAgreed, instalments=parts((10, 400), (20, 600)))
    for amount, n in payments:
        walk.tell(day(n), e.PaymentReceived, **paid(amount, n))
    assert walk.until(day(broken_on, 0), inclusive=False).case.on_hold
    walk.until(day(broken_on, 0))

    assert ended(walk) == [("plan", "broken", f"{brought}.00 EUR")]
    # The ladder goes on where it was: of seven days until the second step, one had passed when it stopped on day 2.
    assert walk.until(day(60)).steps == [("first", 1), ("second", 7 + broken_on - 2)]


@pytest.mark.parametrize("taken_back", ["before", "within"])
def test_what_was_paid_before_a_plan_and_is_taken_back_does_not_break_it(taken_back: str) -> None:
    instalments = [{"due": on(20), "amount": "200.00 EUR"}, {"due": on(40), "amount": "400.00 EUR"}]
    walk = Walk("plain").tell(day(1), e.PaymentReceived, id="before", amount="400.00 EUR", received_on=on(1))
    walk.tell(day(3), e.PlanAgreed, instalments=instalments)
    walk.tell(day(18), e.PaymentReceived, id="within", amount="200.00 EUR", received_on=on(18))
    walk.tell(day(19), e.PaymentReversed, payment=taken_back).until(day(25))

    broken = [settled.outcome for settled in walk.case.settled]
    assert broken == ([] if taken_back == "before" else ["broken"])


def test_we_may_end_a_plan() -> None:
    walk = Walk(BRIEF).tell(day(2), e.PlanAgreed, id="PL", instalments=parts((10, 1000)))
    with pytest.raises(Refused, match=r"no plan 'X' is running \(running: PL\)"):
        walk.tell(day(3), e.PlanEnded, plan="X")
    walk.tell(day(3), e.PlanEnded, plan="PL", reason="insolvent")

    assert (ended(walk), walk.case.on_hold) == ([("plan", "ended", "0.00 EUR")], False)
    with pytest.raises(Refused, match=r"no plan '' is running \(running: none\)"):
        walk.tell(day(4), e.PlanEnded)


ONE, OTHER = "invoice/ACME/0017", "invoice/ACME/0018"


def test_a_plan_over_two_invoices_is_broken_in_both() -> None:
    # 1,500 over 1,000 and 500: the oldest invoice first.
    items = [OpenItem("0017", euros(1000)), OpenItem("0018", euros(500))]
    shares = split_instalments([(on(10), euros(700)), (on(20), euros(800))], items)
    assert shares == {
        "0017": [(on(10), euros(700)), (on(20), euros(300))], "0018": [(on(20), euros(500))],
    }  # fmt: skip
    common = {"plan": "PL", "with_cases": [ONE, OTHER]}
    one, other = Walk(BRIEF), Walk(BRIEF, number="0018", amount="500.00 EUR")
    for walk, share in ((one, shares["0017"]), (other, shares["0018"])):
        instalments = [{"due": due, "amount": amount} for due, amount in share]
        walk.tell(day(2), e.PlanAgreed, id="PL", instalments=instalments, **common)

    one.until(day(13, 0), inclusive=False)
    one.now = day(13, 0)
    while not isinstance(action := one.next, Tell):
        assert not isinstance(action, Wait)
        one.take(action)
    assert (action.case_id, action.message.plan) == (OTHER, "PL")  # type: ignore[attr-defined]
    assert "an instalment was missed for invoice 0017" in action.message.reason  # type: ignore[attr-defined]
    one.take(action)
    assert one.case.to_tell == () and not isinstance(one.next, Tell), "told once"

    other.until(day(13, 0))
    assert other.case.on_hold
    other.apply(action.message.but(at=day(13, 0)))
    assert (ended(other), other.case.on_hold) == ([("plan", "ended", "0.00 EUR")], False)
    assert other.case.to_tell == (), "who was told does not tell back"


@pytest.mark.parametrize(
    ("instalments", "reason"),
    [
        (parts((10, 400), (20, 599)), "the instalments add up to 999.00 EUR, but 1,000.00 EUR is outstanding"),
        (parts((20, 400), (10, 600)), "must be in the order of their days, one a day"),
        (parts((10, 400), (10, 600)), "must be in the order of their days, one a day"),
        (parts((1, 1000)), "2026-03-03 lies in the past"),
        (parts((10, 1100), (20, -100)), "-100.00 EUR is not more than zero"),
        ([{"due": on(10), "amount": "1000.00 USD"}], "is not in the invoice's currency EUR"),
    ],
)
def test_what_is_no_plan_is_refused(instalments: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        Walk(BRIEF).tell(day(2), e.PlanAgreed, instalments=instalments)


def test_instalments_past_limitation_are_refused() -> None:
    late = [{"due": date(2027, 3, 3), "amount": "1000.00 EUR"}]
    with pytest.raises(Refused, match="the claim is barred after 2027-03-02"):
        Walk(BRIEF, law="MX").tell(day(2), e.PlanAgreed, instalments=late)


def test_instalments_over_several_invoices_must_add_up() -> None:
    items = [OpenItem("1", euros(100)), OpenItem("2", euros(50))]
    with pytest.raises(ValueError, match=r"the instalments add up to 149.00 EUR, but 150.00 EUR is outstanding"):
        split_instalments([(on(1), euros(149))], items)


# --- a payment for several invoices -----------------------------------------------------------------------------

ITEMS = [OpenItem("1", euros(100)), OpenItem("2", euros(50)), OpenItem("3", euros(70))]


@pytest.mark.parametrize(
    ("payment", "named", "shares"),
    [
        (120, {}, {"1": 100, "2": 20}),
        (120, {"3": 70}, {"3": 70, "1": 50}),
        (120, {"2": 60}, {"2": 60, "1": 60}),
        (250, {}, {"1": 100, "2": 50, "3": 100}),
        (20, {"3": 20}, {"3": 20}),
    ],
)
def test_a_payment_is_split_as_the_advice_says_else_the_oldest_first(
    payment: int, named: dict[str, int], shares: dict[str, int]
) -> None:
    found = split(euros(payment), ITEMS, {number: euros(amount) for number, amount in named.items()})

    assert found == {number: euros(amount) for number, amount in shares.items()}


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"4": 10}, "invoice '4' is not open"),
        ({"1": 100, "2": 21}, "the remittance adds up to 121.00 EUR, but 120.00 EUR was paid"),
    ],
)
def test_an_advice_that_does_not_fit_is_refused(named: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        split(euros(120), ITEMS, {number: euros(amount) for number, amount in named.items()})


# --- disputes and extensions ------------------------------------------------------------------------------------


def test_a_dispute_is_to_be_answered_in_time() -> None:
    walk = Walk(BRIEF).tell(
        day(2), e.DisputeRaised, id="D", category="quality", reason="scratched", evidence=["photo 1"]
    )
    (task,) = walk.case.tasks
    assert task.text.startswith(
        "answer the dispute by 2026-03-18: the debtor contests the invoice (quality: scratched)"
    )
    walk.until(day(16, 23))
    assert walk.open_tasks() == ["dispute-1"]
    # Day 16 is the last; when day 17 begins an alarm is added, once.
    assert walk.until(day(40)).open_tasks() == ["dispute-1", "dispute_unanswered-1"]

    walk.tell(day(41), e.DisputeResolved, id="R", upheld=False)
    assert walk.open_tasks() == []
    assert ended(walk) == [("dispute", "rejected", "1,000.00 EUR")]


def test_the_day_to_answer_may_be_given() -> None:
    walk = Walk(BRIEF).tell(day(2), e.DisputeRaised, answer_by=on(5), amount="10.00 EUR").until(day(6))
    assert walk.open_tasks() == ["dispute-1", "dispute_unanswered-1"]
    with pytest.raises(Refused, match="2026-03-03 lies in the past"):
        Walk(BRIEF).tell(day(2), e.DisputeRaised, answer_by=on(1))


def test_a_rejected_dispute_gives_fresh_cure_periods() -> None:
    rules = policy(
        step("letter", after_due(1), cure_period="P10D"),
        step("demand", after_due(12), "formal_demand", requires=["letter"]),
    )
    # A part is contested on day 5 and the rest goes on; rejected on day 8: ten days from there, not from day 1.
    walk = Walk(rules).tell(day(5), e.DisputeRaised, amount="100.00 EUR")
    walk.tell(day(8), e.DisputeResolved, upheld=False)

    assert walk.until(day(30)).steps == [("letter", 1), ("demand", 18)]


@pytest.mark.parametrize(("upheld", "demanded_on"), [("1.00 EUR", 18), ("100.00 EUR", 12)])
def test_a_dispute_upheld_in_part_is_rejected_for_the_rest(upheld: str, demanded_on: int) -> None:
    rules = policy(
        step("letter", after_due(1), cure_period="P10D"),
        step("demand", after_due(12), "formal_demand", requires=["letter"]),
    )
    walk = Walk(rules).tell(day(5), e.DisputeRaised, amount="100.00 EUR")
    walk.tell(day(8), e.DisputeResolved, upheld=True, amount=upheld)

    assert walk.until(day(30)).steps == [("letter", 1), ("demand", demanded_on)]


@pytest.mark.parametrize(
    ("message", "body", "reason"),
    [
        (e.DisputeRaised, {"amount": "1000.01 EUR"}, "1,000.01 EUR is more than the outstanding 1,000.00 EUR"),
        (e.ExtensionGranted, {"until": on(1)}, "2026-03-03 lies in the past"),
        (e.PromiseMade, {"pay_by": on(1)}, "2026-03-03 lies in the past"),
        (e.PromiseMade, {"pay_by": on(9), "amount": "1000.01 EUR"}, "is more than the outstanding"),
        (e.PaymentAllocated, {"payment": "nothing", "first": "costs"}, "there is no payment 'nothing'"),
    ],
)
def test_impossible_agreements_are_refused(message: type[e.Message], body: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        Walk(BRIEF).tell(day(2), message, **body)


def test_a_designation_that_does_not_exist_is_no_message() -> None:
    with pytest.raises(ValueError, match="Input should be 'costs', 'interest' or 'principal'"):
        Walk(BRIEF).tell(day(2), e.PaymentReceived, **paid(1, 1), designation="fees")
    with pytest.raises(ValueError, match="say what the payment settles first, or what it counts for"):
        Walk(BRIEF).tell(day(2), e.PaymentAllocated, payment="P")


# --- write-off --------------------------------------------------------------------------------------------------


def test_a_write_off_takes_two_people_and_waives_nothing() -> None:
    walk = Walk(BRIEF).tell(day(2), e.WrittenOff, reason="no assets", evidence=["court file 7"])
    (task,) = walk.case.tasks
    assert (walk.case.stage, task.kind) == ("reminded", "approval")
    assert "anna proposes to write off 1,000.00 EUR, no assets; evidence: court file 7" in task.text
    for second, reason in (("anna", "a second person decides"), ("ANNA ", "a second person"), ("", "needs a name")):
        with pytest.raises(Refused, match=reason):
            walk.tell(day(3), e.StepApproved, step="write_off", by=second)
    # Meanwhile the ladder goes on.
    walk.tell(day(8), e.StepApproved, step="write_off", by="berta")
    assert (walk.steps, walk.case.stage, walk.case.outcome) == (
        [("first", 1), ("second", 7)],
        "recovery",
        "written_off",
    )
    assert (walk.open_tasks(), walk.case.outstanding) == ([], euros(1000))
    # It lives on until it is paid.
    walk.tell(day(400), e.PaymentReceived, **paid(1000, 400)).until(day(400))
    assert (walk.case.outcome, walk.case.stage) == ("paid", "closed")


def test_a_rejected_write_off_changes_nothing() -> None:
    walk = Walk(BRIEF).tell(day(2), e.WrittenOff, reason="no assets")
    with pytest.raises(Refused, match="a write-off is already proposed by anna"):
        walk.tell(day(2), e.WrittenOff, reason="no assets", by="berta")
    walk.tell(day(3), e.StepRejected, step="write_off", by="berta").until(day(9))

    assert (walk.case.written_off, walk.open_tasks()) == (False, [])
    assert walk.steps == [("first", 1), ("second", 7)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [({"reason": "x", "by": " "}, "who proposes it"), ({"reason": " "}, "a write-off needs a reason")],
)
def test_a_write_off_needs_a_name_and_a_reason(body: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        Walk(BRIEF).tell(day(2), e.WrittenOff, **body)


def test_money_has_one_currency_in_a_promise() -> None:
    with pytest.raises(Refused, match="is not in the invoice's currency EUR"):
        Walk(BRIEF).tell(day(2), e.PromiseMade, pay_by=on(5), amount=Money.model_validate("5 USD"))
