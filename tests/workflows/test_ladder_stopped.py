"""What makes a ladder stand still, go on, or end: disputes, promises, holds, approvals, decisions."""

from activities.outbox import Outbox
from gateway.migration import as_lines, moved
from models import events as e
from tests.cases import after_due, after_step, day, euros, on, policy, step
from tests.workflows.test_ladder_climbed import PLAIN
from tests.workflows.world import NUMBER, World


async def test_a_disputed_part_is_left_out_and_the_rest_is_pursued(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    await world.tell(e.DisputeRaised, amount="300.00 EUR", reason="three boxes short")
    await world.pass_until(day(8))
    assert await world.steps() == PLAIN[:3]
    assert "700.00" in world.mail.letters[-1].text
    await world.tell(e.PaymentReceived, amount="700.00 EUR", received_on=on(8))
    case = await world.case()
    assert case.on_hold and case.outstanding == euros(300)
    await world.tell(e.DisputeResolved, upheld=True)
    assert world.head().outcome == "paid"


async def test_a_full_dispute_stops_the_ladder_and_its_end_lets_it_go_on_where_it_was(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    told = await world.tell(e.DisputeRaised, reason="never arrived")
    assert "the ladder stands still" in told.text
    await world.pass_until(day(12))
    assert (await world.show())["on_hold"]
    told = await world.tell(e.DisputeResolved, note="proof of delivery")
    assert "the ladder goes on" in told.text
    await world.pass_until(day(26))
    assert await world.steps() == [*PLAIN[:2], ("reminder_7", day(17)), ("formal_demand_15", day(25))]


async def test_a_kept_promise_ends_the_case(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    await world.tell(e.PromiseMade, pay_by=on(9))
    await world.pass_until(day(9))
    await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(9))
    assert (world.head().outcome, await world.steps()) == ("paid", PLAIN[:2])


async def test_a_promise_is_broken_when_its_tolerance_is_over(world: World) -> None:
    rules = policy(step("first", after_due(1)), step("second", after_due(7)), promise_tolerance="P2D")
    await world.start(rules)
    await world.pass_until(day(2))
    await world.tell(e.PromiseMade, pay_by=on(9))
    await world.pass_until(day(11, 23))
    assert (await world.case()).promise is not None
    await world.pass_until(day(12, 1))
    case = await world.case()
    assert case.promise is None and case.happened["promise_broken"] == day(12, 0)
    assert not world.head().on_hold, "lists show that the ladder goes on"
    await world.pass_until(day(30))
    assert await world.steps() == [("first", day(1)), ("second", day(17))]


async def test_a_payment_plan_runs_while_its_instalments_come(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    halves = [{"due": on(10), "amount": "500.00 EUR"}, {"due": on(20), "amount": "500.00 EUR"}]
    await world.tell(e.PlanAgreed, instalments=halves)
    await world.pass_until(day(10))
    await world.tell(e.PaymentReceived, amount="500.00 EUR", received_on=on(10))
    await world.pass_until(day(20, 12))
    assert (await world.case()).on_hold
    await world.pass_until(day(40))
    case = await world.case()
    assert case.happened["plan_broken"] == day(21, 0)
    assert await world.steps() == [*PLAIN[:2], ("reminder_7", day(26)), ("formal_demand_15", day(34))]


async def test_a_hold_shifts_what_comes_by_its_days(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    await world.tell(e.HoldPlaced, id="H-1", reason="waiting for sales")
    await world.pass_until(day(5))
    await world.tell(e.HoldReleased, hold="H-1")
    await world.pass_until(day(11))
    assert await world.steps() == [*PLAIN[:2], ("reminder_7", day(10))]


async def test_time_granted_by_an_extension_is_not_counted(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    await world.tell(e.ExtensionGranted, until=on(4))
    await world.pass_until(day(11))
    assert await world.steps() == [*PLAIN[:2], ("reminder_7", day(10))]


GUARDED = policy(
    step("ask", after_due(1)),
    step("demand", after_due(5), "formal_demand", mode="propose"),
    step("last", after_step("demand", 10)),
)


async def test_a_proposed_step_waits_for_a_second_person_and_is_done_once_approved(world: World) -> None:
    await world.start(GUARDED)
    await world.pass_until(day(7, 10))
    assert world.open_tasks() == ["approval-1"]
    assert (await world.show())["waiting_for_approval"] == ["demand"]
    await world.tell(e.StepApproved, step="demand", by="berta")
    case = await world.case()
    assert case.performed[-1].planned_at == day(5)
    assert await world.steps() == [("ask", day(1)), ("demand", day(7, 10))]
    assert [row.approved_by for row in Outbox(world.ledger.engine).earlier(case.id)] == [None, "berta"]
    await world.pass_until(day(18))
    assert (await world.steps())[-1] == ("last", day(17))
    assert not world.open_tasks()


async def test_a_rejected_step_falls_away_with_its_reason_and_what_follows_it(world: World) -> None:
    await world.start(GUARDED)
    await world.pass_until(day(7))
    await world.tell(e.StepRejected, step="demand", by="berta", reason="good customer")
    await world.pass_until(day(60))
    assert await world.steps() == [("ask", day(1))]
    assert (await world.show())["skipped"] == [
        {"step": "demand", "occurrence": 1, "reason": "rejected by berta: good customer"},
        {"step": "last", "occurrence": 1, "reason": "demand, which it follows, was not performed"},
    ]


async def test_what_is_written_off_stays_in_recovery_until_it_is_paid(world: World) -> None:
    await world.start()
    await world.pass_until(day(5))
    await world.tell(e.WrittenOff, reason="year end")
    await world.tell(e.StepApproved, step="write_off", by="berta")
    await world.pass_until(day(300))
    assert (world.head().stage, world.head().closed) == ("recovery", False)
    assert await world.steps() == PLAIN[:2]
    await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(300))
    assert (world.head().outcome, world.head().closed) == ("paid", True)


async def test_a_withdrawn_claim_is_closed(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    await world.tell(e.Withdrawn, reason="booked in error")
    await world.pass_until(day(100))
    assert (world.head().outcome, await world.steps()) == ("withdrawn", PLAIN[:2])


async def test_the_insurers_payment_ends_the_case_and_a_refusal_makes_a_task(world: World) -> None:
    await world.start()
    await world.start(number="0018")
    await world.pass_until(day(91))
    await world.tell(e.InsurerDecided, accepted=True)
    await world.tell(e.InsurerDecided, number="0018", accepted=False, note="late notice")
    assert (world.head().outcome, world.head().closed) == ("claim_settled", True)
    assert (world.head("0018").closed, world.open_tasks("0018")) == (False, ["claim_refused-1"])


async def test_a_case_that_moves_to_another_policy_goes_on_by_its_rules(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    await world.tell(e.PolicyChanged, policy=policy(step("gentle", after_due(20)), id="kind"))
    await world.pass_until(day(60))
    assert await world.steps() == [*PLAIN[:2], ("gentle", day(20))]


async def test_a_case_that_is_migrated_gets_the_calendar_that_the_new_rules_need(world: World) -> None:
    # Due Monday 2 March 2026. 1 May, day 60, is a holiday in Germany, and a Friday: Monday 4 May.
    polite = policy(step("gentle", after_due(60)), id="polite", schedule={"zone": "debtor"}, contact={})
    await world.start(policy(step("rough", after_due(60)), id="rough"))
    await world.pass_until(day(2))

    shown = await moved(world.service, NUMBER, polite, "anna", "", dry_run=True)
    assert (shown.before, shown.after) == ("rough version 1", "polite version 1")
    assert (shown.next_before, shown.next_after[:20]) == ("rough at 2026-05-01 09:00 UTC", "gentle at 2026-05-04")
    assert (await world.case()).policy.id == "rough", "a dry run changes nothing"

    done = await moved(world.service, NUMBER, polite, "anna", "", dry_run=False)
    assert done == shown and (await world.case()).calendar is not None
    again = await moved(world.service, NUMBER, polite, "anna", "", dry_run=False)
    assert (again.result, as_lines(again)) == ("unchanged", ["ACME/0017: unchanged, it is under polite version 1"])
    await world.pass_until(day(70))
    assert [(name, at.date()) for name, at in await world.steps()] == [("gentle", day(63).date())]

    await world.tell(e.Withdrawn)
    assert (await moved(world.service, NUMBER, policy(step("x", after_due(1))), "anna", "", dry_run=False)).result == (
        "refused"
    )
