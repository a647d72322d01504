"""Agreements and deadlines across cases and pauses, as workflows live through them."""

from typing import Any

import pytest

from gateway.buyers import agree_plan
from gateway.errors import InputRefused, Unreachable
from gateway.service import Service, Told
from gateway.terms import Terms
from models import events as e
from models import ids
from tests.cases import day, euros, law_of, on
from tests.workflows.stories import BRIEF, INSURED
from tests.workflows.world import World

NUMBERS = ("0017", "0018")


async def two_on_a_plan(world: World) -> list[str]:
    """Two invoices of one buyer and a plan over both, agreed on day 2: 700 by day 10, 800 by day 20."""
    await world.start(BRIEF)
    await world.start(BRIEF, number="0018", amount="500.00 EUR", due=on(1))
    await world.pass_until(day(2))
    return [number for number, _ in await agree(world, 700, 800)]


async def agree(world: World, *amounts: int) -> list[tuple[str, Told]]:
    """The plan over both, as the command agrees it."""
    instalments = [{"due": on(due), "amount": euros(amount)} for due, amount in zip((10, 20), amounts, strict=True)]
    agreed = e.PlanAgreed.model_validate({"id": "PL", "by": "anna", "instalments": instalments})
    told = await agree_plan(world.service, [("ACME", number) for number in reversed(NUMBERS)], agreed)
    await world.settle()
    return told


async def test_a_plan_that_is_broken_for_one_invoice_ends_for_the_other(world: World) -> None:
    assert await two_on_a_plan(world) == ["0017", "0018"]
    cases = [await world.case(number) for number in NUMBERS]
    assert [case.on_hold for case in cases] == [True, True]
    plans = [case.plan.agreed.instalments for case in cases if case.plan]
    assert [[(i.due, i.amount) for i in plan] for plan in plans] == [
        [(on(10), euros(700)), (on(20), euros(300))], [(on(20), euros(500))],
    ]  # fmt: skip

    await world.pass_until(day(11, 1))

    cases = [await world.case(number) for number in NUMBERS]
    assert [case.on_hold for case in cases] == [False, False]
    assert [[(s.kind, s.outcome) for s in case.settled] for case in cases] == [
        [("plan", "broken")],
        [("plan", "ended")],
    ]
    assert (cases[0].to_tell, cases[1].to_tell, cases[1].rejected) == ((), (), ())
    # Both ladders go on; once, and not again with the second instalment.
    await world.pass_until(day(30))
    assert [len((await world.case(number)).settled) for number in NUMBERS] == [1, 1]
    assert [step for step, _ in await world.steps("0018")] == ["first", "second", "demand"]


async def test_the_same_plan_again_changes_nothing_whatever_was_paid_meanwhile(world: World) -> None:
    await two_on_a_plan(world)
    await world.tell(e.PaymentReceived, number="0017", amount="1000.00 EUR", received_on=on(2))
    before = [(await world.case(number)).sequence for number in NUMBERS]

    again = await agree(world, 700, 800)

    assert [(number, told.said) for number, told in again] == [
        (number, "already known; nothing changed") for number in NUMBERS
    ]
    with pytest.raises(InputRefused, match="plan 'PL' was agreed before with other instalments"):
        await agree(world, 800, 700)
    assert [(await world.case(number)).sequence for number in NUMBERS] == before


async def test_a_plan_that_was_cut_off_between_its_cases_is_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = Service.tell

    async def cut_off(service: Service, creditor: str, number: str, message: e.Message) -> Told:
        if number == "0018":
            raise Unreachable("the server is away")
        return await tell(service, creditor, number, message)

    with monkeypatch.context() as patched:
        patched.setattr(Service, "tell", cut_off)
        with pytest.raises(Unreachable):
            await two_on_a_plan(world)
    await world.tell(e.PaymentReceived, number="0017", amount="100.00 EUR", received_on=on(2))

    told = await agree(world, 700, 800)

    assert [answer.duplicate for _, answer in told] == [True, False]
    plan = (await world.case("0018")).plan
    assert plan is not None and [(i.due, i.amount) for i in plan.agreed.instalments] == [(on(20), euros(500))]


async def test_a_partner_that_is_paid_already_need_not_hear_of_it(world: World) -> None:
    await two_on_a_plan(world)
    await world.tell(e.PaymentReceived, number="0018", amount="500.00 EUR", received_on=on(2))
    await world.pass_until(day(12))

    assert (await world.case("0018")).outcome == "paid"
    case = await world.case("0017")
    assert (case.to_tell, [s.outcome for s in case.settled]) == ((), ["broken"])


async def test_a_plan_over_two_invoices_is_agreed_for_both_or_for_none(world: World) -> None:
    await world.start(BRIEF)
    await world.start(BRIEF, number="0018", amount="500.00 EUR")
    await world.tell(e.PromiseMade, number="0018", pay_by=on(1))
    late: dict[str, Any] = {"id": "PL", "instalments": [{"due": on(-20), "amount": "1500.00 EUR"}]}

    with pytest.raises(InputRefused, match="lies in the past"):
        await agree_plan(world.service, [("ACME", n) for n in NUMBERS], e.PlanAgreed.model_validate(late))

    assert [(await world.case(number)).plan for number in NUMBERS] == [None, None]


@pytest.mark.parametrize("stop", ["hold", "dispute"])
async def test_the_insurers_notice_goes_out_while_the_case_stands_still(world: World, stop: str) -> None:
    terms = Terms(law_of("DE"), INSURED)
    await world.start(BRIEF, terms=terms, cover={"insurer": "Sample Credit Insurance plc"})
    await world.pass_until(day(2))
    stops: dict[str, type[e.Message]] = {"hold": e.HoldPlaced, "dispute": e.DisputeRaised}
    await world.tell(stops[stop])

    await world.pass_until(day(9))

    # 15 days from the due date, and sent a week ahead.
    case = await world.case()
    notice = next(d for d in case.deadlines if d.kind == "insurer_notice")
    assert case.on_hold and notice.met and not notice.missed, notice
    assert [done.step for done in case.performed] == ["first"]
    (sent,) = (event for event in world.events(case.id) if isinstance(event, e.StepPerformed) and event.step != "first")
    assert (sent.kind, sent.planned_at) == ("insurer_notice", day(8))
    shown = await world.show()
    assert [step["step"] for step in shown["steps"]] == ["first"]
    keys = [(row.step, row.occurrence) for row in world.ledger.sent_steps()]
    assert ids.split_case_id(case.id) == ("ACME", "0017") and ("duty_insurer_notice", 1) in keys


async def test_a_missed_deadline_is_an_alarm_that_stays(world: World) -> None:
    terms = Terms(law_of("DE"), INSURED.but(notice="task"))
    await world.start(BRIEF, terms=terms, cover={"insurer": "Sample Credit Insurance plc"})
    await world.tell(e.HoldPlaced)
    await world.pass_until(day(40))

    assert "deadline_missed-1" in world.open_tasks()
    head = world.head()
    assert (head.deadline, str(head.deadline_day)) == ("claim_filing", "2026-10-28")
