"""Counterparts that do not answer, refuse, or know more than the case."""

from datetime import timedelta

from activities.outbox import Outbox
from models import events as e
from tests.cases import day, on
from tests.workflows.test_ladder_climbed import PLAIN
from tests.workflows.world import World

SPARE = {"code": "SPARE", "name": "Spare Parts Ltd", "sender": "ledger@spare.example"}


async def test_a_mail_server_that_is_down_delays_a_step_and_tells_an_operator(world: World) -> None:
    await world.start()
    world.mail.down()
    await world.pass_until(day(-3, 9.1))
    deferred = await world.case()
    assert not deferred.performed and deferred.deferred["reminder_m3"] > day(-3, 9.2)
    task = deferred.tasks[0]
    assert (task.kind, world.open_tasks()) == ("delayed", ["delayed-1"])
    assert "no mail server answers" in task.text
    world.mail.up()
    await world.pass_until(day(-3, 12))
    case = await world.case()
    assert [(d.step, d.planned_at) for d in case.performed] == [("reminder_m3", deferred.deferred["reminder_m3"])]
    assert len(world.mail.letters) == 1
    assert world.open_tasks() == []


async def test_a_mail_server_that_is_busy_for_a_moment_is_tried_again(world: World) -> None:
    await world.start()
    world.mail.refusals = ["451 4.3.2 busy", "451 4.3.2 still busy"]
    await world.pass_until(day(-2))
    assert await world.steps() == PLAIN[:1]
    assert (world.mail.tries, len(world.mail.letters), world.open_tasks()) == (3, 1, [])
    (notice,) = Outbox(world.ledger.engine).earlier("invoice/ACME/0017")
    assert notice.attempts == 3, "what may have come twice is counted"


async def test_a_long_silence_of_the_mail_server_makes_one_task_and_in_the_end_one_letter(world: World) -> None:
    await world.start()
    world.mail.down()
    await world.pass_until(day(-3, 11))
    assert world.open_tasks() == ["delayed-1"]
    world.mail.up()
    await world.pass_until(day(-3, 12))
    assert [step for step, _ in await world.steps()] == ["reminder_m3"]
    assert (len(world.mail.letters), world.open_tasks()) == (1, [])


async def test_an_outage_of_days_is_met_with_fewer_tries_and_the_letter_goes_out_soon_after(world: World) -> None:
    await world.start()
    world.mail.down()
    await world.pass_until(day(0, 9))
    tries = [event for event in world.events("invoice/ACME/0017") if isinstance(event, e.StepDeferred)]
    assert 25 < len(tries) < 35, "every quarter of an hour it would be 288"
    assert tries[1].until - tries[0].until < timedelta(minutes=20)
    assert world.open_tasks() == ["delayed-1"]
    world.mail.up()
    await world.pass_until(day(0, 11.2))
    assert [step for step, _ in await world.steps()] == ["reminder_m3"]
    assert (len(world.mail.letters), world.open_tasks()) == (1, [])


async def test_a_refused_recipient_is_a_task_and_the_step_is_done_after_mending(world: World) -> None:
    await world.start()
    world.mail.refusals = ["550 5.1.1 no such mailbox"]
    await world.pass_until(day(-2))
    assert world.open_tasks() == ["refused_step-1"]
    assert "550 5.1.1 no such mailbox" in (await world.show())["tasks"][0]["text"]
    assert not world.mail.letters
    await world.tell(e.TaskCompleted, task="refused_step-1", outcome="retry")
    assert [step for step, _ in await world.steps()] == ["reminder_m3"]
    assert (len(world.mail.letters), world.open_tasks()) == (1, [])


async def test_a_refused_step_can_be_done_by_hand_or_dropped(world: World) -> None:
    await world.start()
    await world.start(number="0018")
    world.mail.refusals = ["550 5.1.1 no such mailbox"] * 2
    await world.pass_until(day(-2))
    await world.tell(e.TaskCompleted, task="refused_step-1", outcome="done")
    await world.tell(e.TaskCompleted, number="0018", task="refused_step-1", outcome="drop")
    await world.pass_until(day(2))
    assert [step for step, _ in await world.steps()] == ["reminder_m3", "reminder_1"]
    assert [step for step, _ in await world.steps("0018")] == ["reminder_1"]


async def test_a_step_for_an_unknown_creditor_is_refused_with_the_way_to_add_it(world: World) -> None:
    await world.start(creditor="SPARE")
    await world.pass_until(day(-2))
    (task,) = (await world.case(creditor="SPARE")).tasks
    assert "unknown creditor SPARE: add it with `arrears creditor add FILE.yaml`" in task.text
    world.add_creditor(SPARE)
    await world.tell(e.TaskCompleted, creditor="SPARE", task=task.id, outcome="retry")
    assert [letter.message["From"].addresses[0].addr_spec for letter in world.mail.letters] == ["ledger@spare.example"]


async def test_money_that_the_ledger_has_stops_a_step_though_nobody_told_the_case(world: World) -> None:
    await world.start()
    await world.pass_until(day(-4))
    payment = world.message(e.PaymentReceived, amount="1000.00 EUR", received_on=on(-4))
    world.ledger.receive("ACME", "0017", payment)
    await world.pass_until(day(-2))
    case = await world.case()
    assert (case.outcome, case.performed, world.mail.letters) == ("paid", (), [])
    assert [paid.id for paid in case.payments] == [payment.id]


async def test_a_part_payment_that_only_the_ledger_has_is_on_the_letter(world: World) -> None:
    await world.start()
    world.ledger.receive("ACME", "0017", world.message(e.PaymentReceived, amount="250.00 EUR", received_on=on(-4)))
    await world.pass_until(day(-2))
    assert await world.steps() == PLAIN[:1]
    assert "750.00" in world.mail.letters[0].text


async def test_a_case_in_time_lapse_is_refused_where_the_settings_do_not_allow_it(world: World) -> None:
    await world.start(factor=60)
    await world.pass_until(day(-9))
    assert "time-lapse" in (await world.show())["tasks"][0]["text"]
    assert not world.mail.letters
