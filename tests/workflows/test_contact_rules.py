"""Rules of contact in real workflows: the pinned calendar, the hours, and what an outage does to them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.calendars import pinned
from gateway.cli.why import _print_step, explained
from gateway.simulate import case_line, drive
from models import events as e
from models.changes import open_case
from models.clock import CaseClock
from tests.cases import after_due, day, invoice, policy, step
from tests.workflows.world import NUMBER, World

GOLDEN_WEEK = date(2026, 9, 18)
OFFICE = policy(
    step("first", after_due(1)), step("second", after_due(15)),
    schedule={"zone": "debtor"}, contact={"hours": {"any": "08:00-18:00"}},
)  # fmt: skip


def chinese(**contact: Any) -> dict[str, Any]:
    reached = {"email": "debtor@buyer.example", "timezone": "Asia/Shanghai", **contact}
    return {"country": "CN", "contact": reached}


def shanghai(month: int, day: int, hour: int) -> datetime:
    """An instant of 2026 by the clocks of Shanghai, as UTC."""
    return datetime(2026, month, day, tzinfo=UTC) + timedelta(hours=hour - 8)


async def test_a_workflow_keeps_to_the_calendar_as_the_simulation_does(world: World) -> None:
    world.begin_at(datetime(2026, 9, 10, tzinfo=UTC))
    subject = invoice(number=NUMBER, due=GOLDEN_WEEK, buyer=chinese())
    await world.pursue(subject, OFFICE)
    case = await world.case()
    begin = case.opened_at
    opened = e.CaseOpened(
        invoice=subject, policy=OFFICE, clock=CaseClock.real(begin), at=begin, calendar=pinned(subject, OFFICE, begin)
    )
    await world.pass_until(shanghai(11, 1, 0))

    # China's notice for 2026: work on Sunday 20 September, Golden Week from 1 to 7 October.
    assert await world.steps() == [("first", shanghai(9, 20, 9)), ("second", shanghai(10, 8, 9))]
    assert case.calendar == pinned(subject, OFFICE, begin)
    assert case_line(await world.case()) == case_line(drive(open_case(opened), [], shanghai(11, 1, 0)))


async def test_what_is_tried_again_after_hours_waits_for_the_morning_and_says_why(world: World) -> None:
    # Half a minute before the hours end. The mail server is busy for as long, then it would take the letter.
    evening = policy(
        step("first", after_due(1)),
        schedule={"zone": "debtor", "time": "17:59:30"}, contact={"hours": {"any": "08:00-18:00"}},
    )  # fmt: skip
    world.begin_at(shanghai(9, 20, 8))
    await world.start(evening, due=GOLDEN_WEEK, buyer=chinese())
    world.mail.refusals = ["451 4.3.2 busy"] * 5
    await world.pass_until(shanghai(9, 21, 7))
    waiting = await world.case()

    assert (world.mail.tries, world.mail.letters) == (5, [])
    assert waiting.deferred == {"first": shanghai(9, 21, 8)}
    assert "18:00 Asia/Shanghai lies outside the hours of email (08:00-18:00)" in waiting.tasks[0].text
    await world.pass_until(shanghai(9, 22, 12))
    assert [step for step, _ in await world.steps()] == ["first"]
    assert (len(world.mail.letters), world.open_tasks()) == (1, [])


async def test_who_declined_mail_gets_no_mail_but_the_next_channel(world: World) -> None:
    by_post = policy(
        step("first", after_due(1), channels=["email", "post"]), schedule={"zone": "debtor"}, contact={}
    )  # fmt: skip
    world.begin_at(datetime(2026, 9, 10, tzinfo=UTC))
    await world.start(by_post, due=GOLDEN_WEEK, buyer=chinese(opt_out=["email"]))
    await world.pass_until(shanghai(9, 22, 0))
    case = await world.case()

    assert not world.mail.letters
    assert [(d.step, d.task) for d in case.performed] == [("first", "first-1")], "printed, for a person to post"


async def test_every_channel_keeps_its_own_hours_and_a_second_one_out_of_hours_is_left_to_a_person(
    world: World,
) -> None:
    parted = policy(
        step("first", after_due(1), channels=["email", "post"]),
        schedule={"zone": "debtor"}, contact={"hours": {"email": "08:00-10:00", "post": "14:00-16:00"}},
    )  # fmt: skip
    world.begin_at(shanghai(9, 20, 6))
    await world.start(parted, due=GOLDEN_WEEK, buyer=chinese(address=["1 Road"]))
    await world.pass_until(shanghai(9, 20, 23))
    case = await world.case()

    assert [done.step for done in case.performed] == ["first"] and len(world.mail.letters) == 1
    assert not list((Path(world.service.settings.data_dir) / "print").glob("*"))
    (task,) = case.tasks
    assert "The notice by post did not go out" in task.text and "lies outside the hours of post" in task.text


async def test_why_reads_the_clock_of_the_case_and_prints_what_was_noted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = policy(step("first", after_due(1)), schedule={"zone": "debtor"}, contact={})
    await world.start(rules, buyer=chinese(timezone="UTC", language="it"))
    await world.pass_until(day(3))
    (told,) = explained(world.service, "0017/first")["steps"]
    _print_step(told)

    shown = capsys.readouterr().out
    assert "01:00 UTC; steps fire at 09:00 Asia/Shanghai" in shown
    assert "note       there are no letters in 'it': written in English" in shown
