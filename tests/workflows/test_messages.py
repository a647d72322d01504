"""Messages at every door and at every awkward moment; money above all."""

import asyncio
import threading
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.database import open_engine
from activities.ledger import Ledger
from gateway.errors import InputRefused, Unreachable
from gateway.service import Service, Told
from gateway.service.case_server import CaseServer
from models import events as e
from models.orders import Head
from tests.cases import day, euros, on
from tests.workflows.test_bank_decisions import lines
from tests.workflows.test_ladder_climbed import PLAIN
from tests.workflows.world import World
from workflows.plugin import arrears_plugin

FULL: dict[str, Any] = {"amount": "1000.00 EUR", "received_on": on(5)}
PART: dict[str, Any] = {"amount": "400.00 EUR", "received_on": on(5)}


async def test_the_same_payment_twice_counts_once(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", **PART)
    again = await world.tell(e.PaymentReceived, id="BANK-1", **PART)
    assert again.duplicate
    assert (await world.case()).outstanding == euros(600)


async def test_the_same_reference_with_another_amount_is_a_conflict(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", **PART)
    with pytest.raises(InputRefused, match="in the ledger with other content"):
        await world.tell(e.PaymentReceived, id="BANK-1", **FULL)
    assert (await world.case()).outstanding == euros(600)


async def test_two_kinds_of_message_may_share_a_reference(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="1", **PART)
    told = await world.tell(e.HoldPlaced, id="1")
    assert not told.duplicate and (await world.case()).on_hold


async def test_a_payment_that_comes_before_the_case_waits_with_a_task_and_is_taken_at_the_start(world: World) -> None:
    told = await world.tell(e.PaymentReceived, id="EARLY", **PART)
    assert told.unapplied and world.open_tasks() == ["payment_received-EARLY"]
    await world.start()
    case = await world.case()
    assert (case.outstanding, [p.id for p in case.payments]) == (euros(600), ["EARLY"])
    assert world.open_tasks() == []
    assert (await world.show())["unapplied"] == []


async def test_an_invoice_paid_before_it_comes_is_closed_without_a_letter(world: World) -> None:
    await world.tell(e.PaymentReceived, **FULL)
    await world.start()
    await world.pass_until(day(10))
    assert (world.head().outcome, world.mail.letters) == ("paid", [])


async def test_money_for_a_closed_case_is_unapplied_cash_with_a_task(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, **FULL)
    told = await world.tell(e.PaymentReceived, id="LATE", **PART)
    assert told.unapplied and "the case is closed" in told.text
    shown = await world.show()
    assert [paid["id"] for paid in shown["unapplied"]] == ["LATE"]
    assert [task["kind"] for task in shown["tasks"]] == ["unapplied_cash"]


async def test_money_for_a_closed_case_is_known_when_it_is_told_again(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, **FULL)
    told = [await world.tell(e.PaymentReceived, id="LATE", **PART) for _ in range(2)]
    assert [(answer.duplicate, answer.unapplied) for answer in told] == [(False, True), (True, True)]
    assert world.open_tasks() == ["payment_received-LATE"]


async def test_a_duplicate_says_that_nothing_changed_and_not_what_was_once(world: World) -> None:
    await world.start()
    placed: dict[str, Any] = {"id": "H-1", "reason": "a call"}
    first = await world.tell(e.HoldPlaced, **placed)
    await world.tell(e.HoldReleased)
    again = await world.tell(e.HoldPlaced, **placed)
    assert "the ladder stands still" in first.said and again.said == "already known; nothing changed"
    assert not (await world.case()).on_hold


async def test_other_messages_for_a_closed_case_are_refused(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, **FULL)
    with pytest.raises(InputRefused, match=r"the case is closed \(paid\)"):
        await world.tell(e.DisputeRaised)


async def test_what_is_paid_too_much_is_unapplied_cash_with_a_task(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="MUCH", amount="1200.00 EUR", received_on=on(-5))
    case = await world.case()
    assert (case.outcome, [p.amount for p in case.unapplied]) == ("paid", [euros(200)])
    assert "200.00 EUR paid too much" in case.tasks[0].text
    assert world.open_tasks() == ["unapplied_cash-1"]


async def test_money_in_another_currency_is_kept_apart_and_the_ladder_goes_on(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, amount="1000.00 USD", received_on=on(-5))
    await world.pass_until(day(2))
    case = await world.case()
    assert (case.outstanding, len(case.unapplied)) == (euros(1000), 1)
    assert "say what it counts for" in case.tasks[0].text
    assert await world.steps() == PLAIN[:2]


async def test_a_refused_message_leaves_no_trace_in_the_history_and_is_shown_from_the_ledger(world: World) -> None:
    await world.start()
    with pytest.raises(InputRefused, match="there is no hold to release"):
        await world.tell(e.HoldReleased)
    history = await world.handle().fetch_history()
    assert not [event for event in history.events if "UPDATE" in EventType.Name(event.event_type)]
    assert (await world.show())["rejected"] == [{"message": "hold_released", "reason": "there is no hold to release"}]


async def test_what_was_refused_can_be_told_again_once_it_is_possible(world: World) -> None:
    await world.start()
    with pytest.raises(InputRefused):
        await world.tell(e.HoldReleased, id="R-1")
    await world.tell(e.HoldPlaced)
    await world.tell(e.HoldReleased, id="R-1")
    assert not (await world.case()).on_hold
    assert (await world.show())["rejected"] == []


async def test_a_payment_by_signal_is_in_the_ledger_before_it_counts(world: World) -> None:
    await world.start()
    payment = {"id": "UI-1", "amount": "400.00 EUR", "received_on": "2026-02-25"}
    with world.ledger.engine.begin():  # Somebody else holds the ledger: nothing can be written.
        await world.handle().signal("payment_received", payment)
        assert (await world.case()).payments == ()
    await world.settle()
    assert [message.id for message in world.ledger.told("ACME", "0017")] == ["UI-1"]
    case = await world.case()
    assert (case.outstanding, case.rejected) == (euros(600), ())


async def test_a_payment_by_signal_that_contradicts_the_ledger_is_rejected(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", **PART)
    await world.signal("payment_received", {"id": "BANK-1", "amount": "1.00 EUR", "received_on": "2026-03-07"})
    await world.signal("payment_received", {"id": "BANK-1", "amount": "400.00 EUR", "received_on": "2026-03-07"})
    assert (await world.case()).outstanding == euros(600)
    reasons = [rejected["reason"] for rejected in (await world.show())["rejected"]]
    assert len(reasons) == 1 and "other content" in reasons[0]


async def test_every_message_works_by_signal_and_by_update(world: World) -> None:
    await world.start()
    await world.signal("dispute_raised", {"id": "D-1", "reason": "broken"})
    assert (await world.case()).on_hold
    answer = await world.handle().execute_update("dispute_resolved", {"id": "D-2"})
    assert "the ladder goes on" in answer["text"]
    await world.pass_until(day(2))
    assert (await world.case()).rejected == ()


async def test_an_update_that_came_past_the_front_door_is_in_the_ledger_all_the_same(world: World) -> None:
    await world.start()
    await world.handle().execute_update("hold_placed", {"id": "H-1"})
    await world.handle().execute_update("payment_received", {"id": "P-1", **PART})
    assert world.head().on_hold
    assert [message.id for message in world.ledger.told("ACME", "0017")] == ["P-1"]


async def test_an_update_that_makes_no_sense_is_answered_with_the_reason(world: World) -> None:
    await world.start()
    for content in (["nonsense"], "nonsense", None, {"id": ""}, {"id": "H-1", "colour": "red"}):
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await world.handle().execute_update("hold_placed", content)
        assert isinstance(refusal.value.cause, ApplicationError) and refusal.value.cause.type == "Refused"
    assert not (await world.case()).holds


async def test_a_payment_that_comes_while_a_letter_is_on_its_way_closes_the_case_after_it(world: World) -> None:
    await world.start()
    with world.mail.stalling():
        passing = asyncio.create_task(world.pass_until(day(-3, 9.5)))
        await asyncio.to_thread(world.mail.knocked.wait, 20)
        told = await world.service.tell("ACME", "0017", world.message(e.PaymentReceived, **FULL))
        assert told.text == "0.00 EUR outstanding"
    await passing
    case = await world.case()
    assert (case.outcome, [done.step for done in case.performed]) == ("paid", ["reminder_m3"])
    assert len(world.mail.letters) == 1


async def test_a_dispute_that_comes_while_a_letter_is_on_its_way_stops_the_next_one(world: World) -> None:
    await world.start()
    with world.mail.stalling():
        passing = asyncio.create_task(world.pass_until(day(-3, 9.5)))
        await asyncio.to_thread(world.mail.knocked.wait, 20)
        await world.service.tell("ACME", "0017", world.message(e.DisputeRaised))
    await passing
    await world.pass_until(day(50))
    assert await world.steps() == PLAIN[:1]


async def test_a_reversal_opens_a_closed_case_again_from_the_ledger(world: World) -> None:
    await world.start()
    await world.pass_until(day(2))
    await world.tell(e.PaymentReceived, id="BANK-1", **FULL)
    first = await world.run_id()
    await world.pass_until(day(9))
    told = await world.tell(e.PaymentReversed, payment="BANK-1", reason="chargeback")
    assert "the case is open again: 1,000.00 EUR outstanding" in told.text
    assert await world.run_id() != first
    await world.pass_until(day(20))
    case = await world.case()
    assert (case.closed, case.outstanding) == (False, euros(1000))
    assert await world.steps() == [*PLAIN[:2], ("formal_demand_15", day(16))], "after a week of grace"


async def test_a_reopened_case_can_be_paid_again_and_closes(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", **FULL)
    await world.tell(e.PaymentReversed, payment="BANK-1")
    await world.tell(e.PaymentReceived, id="BANK-2", **FULL)
    case = await world.case()
    assert (case.outcome, [(p.id, p.reversed) for p in case.payments]) == (
        "paid",
        [("BANK-1", True), ("BANK-2", False)],
    )


async def test_what_was_paid_after_the_close_counts_once_the_case_is_open_again(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", **FULL)
    late = await world.tell(e.PaymentReceived, id="BANK-2", amount=euros(400), received_on=on(0))
    assert late.unapplied and [task.task for task in world.ledger.tasks()] == ["payment_received-BANK-2"]

    told = await world.tell(e.PaymentReversed, payment="BANK-1")
    assert "600.00 EUR outstanding; payment BANK-2 is applied now" in told.text
    case = await world.case()
    assert ([p.id for p in case.payments], case.outstanding) == (["BANK-1", "BANK-2"], euros(600))
    assert world.ledger.tasks() == [] and world.head().outstanding_minor == 60000
    await world.audit()


async def test_money_is_no_task_when_it_is_told_again_after_the_case_took_it_or_it_left(world: World) -> None:
    await world.start()
    paid: dict[str, Any] = {"id": "BANK-1", **FULL}
    late: dict[str, Any] = {"id": "BANK-2", "amount": euros(70), "received_on": on(0)}
    await world.tell(e.PaymentReceived, **paid)
    await world.tell(e.PaymentReceived, **late)
    await world.tell(e.Refunded, payment="BANK-2", amount=euros(70))
    for again in (paid, late):
        told = await world.tell(e.PaymentReceived, **again)
        assert (told.duplicate, told.unapplied) == (True, False)
    assert (world.open_tasks(), world.ledger.unapplied("ACME", "0017")) == ([], [])


async def test_money_kept_after_the_close_that_left_and_is_taken_back_is_to_be_claimed(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", **FULL)
    await world.tell(e.PaymentReceived, id="BANK-2", amount=euros(70), received_on=on(0))
    await world.tell(e.Refunded, id="RF", payment="BANK-2", amount=euros(70))
    back: dict[str, Any] = {"id": "R-1", "payment": "BANK-2", "reason": "no cover"}

    told = await world.tell(e.PaymentReversed, **back)

    assert "payment BANK-2 was taken back, but 70.00 EUR of it had been paid back or set off: claim that" in told.text
    (task,) = world.ledger.tasks()
    assert (task.kind, task.text) == ("paid_back_twice", told.text.removeprefix("task: "))
    assert (await world.tell(e.PaymentReversed, **back)).duplicate
    with pytest.raises(InputRefused, match="there is no payment 'BANK-2' to reverse"):
        await world.tell(e.PaymentReversed, id="R-2", payment="BANK-2")
    # In the books it left twice: the payer owes it.
    kept = [line.entry for line in lines(world) if line.entry.reference == "BANK-2"]
    assert [(entry.type, entry.debit) for entry in kept] == [
        ("unapplied_cash", "bank_clearing"), ("refund", "unapplied_cash"), ("unapplied_cash", "unapplied_cash"),
    ]  # fmt: skip
    assert (world.head().closed, world.open_tasks()) == (True, ["payment_reversed-BANK-2"])
    await world.tell(e.TaskCompleted, task="payment_reversed-BANK-2")
    assert world.open_tasks() == []


async def test_what_was_taken_is_not_refused_when_it_is_told_again_after_the_close(world: World) -> None:
    await world.start()
    held: dict[str, Any] = {"id": "H-1", "reason": "a call"}
    back: dict[str, Any] = {"id": "R-1", "payment": "BANK-2"}
    await world.tell(e.HoldPlaced, **held)
    await world.tell(e.PaymentReceived, id="BANK-1", **FULL)
    await world.tell(e.PaymentReceived, id="BANK-2", amount=euros(70), received_on=on(0))
    assert "it was never applied" in (await world.tell(e.PaymentReversed, **back)).text
    for kind, again in ((e.HoldPlaced, held), (e.PaymentReversed, back)):
        assert (await world.tell(kind, **again)).duplicate
    assert world.ledger.refusals("ACME", "0017") == []


async def test_what_was_paid_while_the_case_was_closing_counts_if_a_reversal_keeps_it_open(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, may_close = Ledger.record, threading.Event()

    def slow(ledger: Ledger, case_id: str, journal: Any, head: Head, message: Any = None, late: bool = False) -> Any:
        assert not head.closed or may_close.wait(20)
        return record(ledger, case_id, journal, head, message, late)

    async def tell(kind: type[e.Message], **body: Any) -> Told:
        return await world.service.tell("ACME", "0017", world.message(kind, **body))

    await world.start()
    run = await world.run_id()
    monkeypatch.setattr(Ledger, "record", slow)
    await tell(e.PaymentReceived, id="BANK-1", **FULL)
    late = await tell(e.PaymentReceived, id="BANK-2", amount=euros(400), received_on=on(0))
    assert late.unapplied and world.open_tasks() == ["payment_received-BANK-2"]
    for _ in range(2):
        told = await tell(e.PaymentReversed, id="R-1", payment="BANK-1")
    may_close.set()
    await world.settle()

    assert told.head is not None and not told.head.closed
    case = await world.case()
    assert ([p.id for p in case.payments], case.outstanding) == (["BANK-1", "BANK-2"], euros(600))
    assert (world.open_tasks(), world.ledger.unapplied("ACME", "0017")) == ([], [])
    assert await world.run_id() == run, "it never ended"
    await world.audit()


async def test_money_kept_by_mistake_is_no_task_once_its_case_has_it(world: World) -> None:
    await world.start()
    kept = world.message(e.PaymentReceived, id="BANK-1", amount=euros(400), received_on=on(0))
    world.ledger.receive("ACME", "0017", kept)
    assert world.ledger.keep("ACME", "0017", kept, "the case is closed", "refund it")
    assert world.open_tasks() == ["payment_received-BANK-1"]

    await world.pass_until(day(2))  # the step looks into the ledger before it writes to anybody

    assert (await world.case()).outstanding == euros(600)
    assert (world.open_tasks(), world.ledger.unapplied("ACME", "0017")) == ([], [])


async def test_of_two_answers_the_later_one_may_reach_the_ledger_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, held, may_arrive = Ledger.answered, threading.Event(), threading.Event()

    def late(ledger: Ledger, creditor: str, number: str, message: e.Message, *came_of_it: Any) -> bool:
        if message.id == "BANK-1":
            held.set()
            assert may_arrive.wait(20)
        return answered(ledger, creditor, number, message, *came_of_it)

    def known() -> list[str]:
        case = world.ledger.rebuild("invoice/ACME/0017")
        return [payment.id for payment in case.payments] if case is not None else []

    await world.start()
    monkeypatch.setattr(Ledger, "answered", late)
    first = asyncio.create_task(
        world.service.tell("ACME", "0017", world.message(e.PaymentReceived, id="BANK-1", **PART))
    )
    assert await asyncio.to_thread(held.wait, 20)
    await world.service.tell("ACME", "0017", world.message(e.PaymentReceived, id="BANK-2", **PART))
    assert known() == ["BANK-1", "BANK-2"]
    may_arrive.set()
    await first
    assert known() == ["BANK-1", "BANK-2"]
    assert (await world.case()).outstanding == euros(200)


async def test_a_reversal_that_was_cut_off_before_the_case_began_again_is_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", **FULL)
    with monkeypatch.context() as patched:
        patched.setattr(CaseServer, "run", cut_off)
        with pytest.raises(Unreachable):
            await world.tell(e.PaymentReversed, id="R-1", payment="BANK-1")
    await world.tell(e.PaymentReversed, id="R-1", payment="BANK-1")

    case, known = await world.case(), world.ledger.rebuild("invoice/ACME/0017")
    assert known is not None and (known.sequence, known.outstanding) == (case.sequence, case.outstanding)
    await world.audit()


async def cut_off(*_: object) -> None:
    raise Unreachable("the server is away")


async def test_what_is_decided_at_once_on_a_closed_case_is_booked_all_of_it(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", amount=euros(1500), received_on=on(0))
    await world.tell(e.PaymentReceived, id="BANK-2", amount=euros(70), received_on=on(0))
    refused = await told_apart(
        world,
        *(world.message(e.Refunded, payment="BANK-1", amount=euros(amount)) for amount in (100, 150)),
        *(world.message(e.Refunded, payment="BANK-2", amount=euros(70)) for _ in range(2)),
    )
    assert [str(refusal) for refusal in refused] == ["ACME/0017: there is no payment 'BANK-2' that could be paid back"]
    known = world.ledger.rebuild("invoice/ACME/0017")
    assert known is not None and [str(money.amount) for money in known.unapplied] == ["250.00 EUR"]
    assert world.ledger.unapplied("ACME", "0017") == []


async def test_of_two_reversals_at_once_after_the_close_none_is_lost(world: World) -> None:
    await world.start()
    for name, amount in (("BANK-1", 600), ("BANK-2", 400)):
        await world.tell(e.PaymentReceived, id=name, amount=euros(amount), received_on=on(0))
    assert world.head().closed
    first = await world.run_id()
    reversals = [world.message(e.PaymentReversed, payment=name) for name in ("BANK-1", "BANK-2")]
    assert await told_apart(world, *reversals) == []
    case = await world.case()
    assert (case.outstanding, [p.reversed for p in case.payments]) == (euros(1000), [True, True])
    known = world.ledger.rebuild(case.id)
    assert known is not None and (known.sequence, known.outstanding) == (case.sequence, case.outstanding)
    assert await world.run_id() != first


async def told_apart(world: World, *messages: e.Message) -> list[InputRefused]:
    """Tell the case messages at once, each as by a process of its own; what was refused."""

    async def tell(message: e.Message) -> None:
        settings, host = world.service.settings, world.service.client.service_client.config.target_host
        ledger = Ledger(open_engine(settings.ledger))
        try:
            client = await Client.connect(host, plugins=[arrears_plugin()])
            await Service(settings, ledger, client, lambda: world.wall).tell("ACME", "0017", message)
        finally:
            ledger.engine.dispose()

    together = threading.Barrier(len(messages), timeout=20)

    def apart(message: e.Message) -> None:
        together.wait()
        asyncio.run(tell(message))

    told = await asyncio.gather(*(asyncio.to_thread(apart, one) for one in messages), return_exceptions=True)
    unexpected = [one for one in told if isinstance(one, BaseException) and not isinstance(one, InputRefused)]
    assert unexpected == []
    await world.settle()
    return [one for one in told if isinstance(one, InputRefused)]


async def test_a_reversal_of_a_payment_nobody_knows_is_refused(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="BANK-1", **FULL)
    with pytest.raises(InputRefused, match="there is no payment 'BANK-9' to reverse"):
        await world.tell(e.PaymentReversed, payment="BANK-9")
    assert world.head().closed


async def test_a_case_can_be_shown_after_the_server_has_forgotten_it(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, **FULL)
    on_server = await world.show()
    rebuilt = world.ledger.rebuild("invoice/ACME/0017")
    assert rebuilt is not None and rebuilt.outcome == on_server["outcome"] == "paid"


async def test_signals_that_come_with_the_start_are_taken_in_their_order(world: World) -> None:
    await world.rest()
    await world.start()
    await world.signal("hold_placed", {"id": "H-1"})
    await world.signal("make_coffee", {"id": "C-1"})
    await world.signal("hold_released", {"id": "H-2"})
    await world.work()
    await world.settle()
    case = await world.case()
    assert list(case.applied) == ["hold_placed:H-1", "hold_released:H-2"]
    assert [rejected.message for rejected in case.rejected] == ["make_coffee"]
    assert not case.on_hold


async def test_of_two_payments_at_once_the_one_too_many_is_unapplied_cash(world: World) -> None:
    await world.start()
    await asyncio.gather(
        *(world.service.tell("ACME", "0017", world.message(e.PaymentReceived, id=name, **FULL)) for name in ("A", "B"))
    )
    await world.settle()
    assert world.head().outcome == "paid"
    assert len((await world.show())["unapplied"]) == 1
    assert len(world.open_tasks()) == 1


async def test_of_two_payments_signalled_at_once_the_one_too_many_is_unapplied_cash(world: World) -> None:
    await world.rest()
    await world.start()
    for name in ("A", "B"):
        await world.signal("payment_received", {"id": name, "amount": "1000.00 EUR", "received_on": "2026-02-25"})
    await world.work()
    await world.settle()
    assert world.head().outcome == "paid"
    assert [paid["id"] for paid in (await world.show())["unapplied"]] == ["B"]
    assert len(world.open_tasks()) == 1


async def test_the_same_payment_signalled_twice_at_once_is_not_unapplied_cash(world: World) -> None:
    await world.rest()
    await world.start()
    for _ in range(2):
        await world.signal("payment_received", {"id": "A", "amount": "1000.00 EUR", "received_on": "2026-02-25"})
    await world.work()
    await world.settle()
    assert ((await world.show())["unapplied"], world.open_tasks()) == ([], [])


async def test_a_reversal_that_leaves_nothing_owed_leaves_the_case_closed_and_is_shown(world: World) -> None:
    await world.start()
    await world.tell(e.PaymentReceived, id="DOLLARS", amount="300.00 USD", received_on=on(-5))
    await world.tell(e.PaymentReceived, id="EUROS", **FULL)
    told = await world.tell(e.PaymentReversed, payment="DOLLARS")
    assert "stays closed" in told.text and world.head().closed
    shown = await world.show()
    assert [(paid["id"], paid["reversed"]) for paid in shown["payments"]] == [("DOLLARS", True), ("EUROS", False)]
    assert shown["unapplied"] == []
