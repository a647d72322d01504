"""What only the real server does: new runs, search attributes, refusals that leave no trace. In time-lapse."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import InputRefused
from models import events as e
from models.case import Case
from tests.cases import after_due, day, euros, on, policy, step
from tests.workflows.servers import LAPSE
from tests.workflows.world import World
from workflows.attributes import NEXT, ON_HOLD, OUTSTANDING

DAILY = policy(step("daily", after_due(1), repeat={"every": "P1D", "times": 12}))
PAYMENT: dict[str, Any] = {"id": "BANK-1", "amount": "100.00 EUR", "received_on": on(1)}


def performed(times: int) -> Callable[[Case], bool]:
    return lambda case: len(case.performed) >= times


async def test_no_step_and_no_message_is_lost_or_doubled_over_new_runs(real_world: World) -> None:
    world = real_world
    await world.start(DAILY, LAPSE)
    first = await world.run_id()
    await world.until(performed(1))
    await world.tell(e.PaymentReceived, **PAYMENT)
    await world.signal("payment_received", {"id": "UI-1", "amount": "50.00 EUR", "received_on": "2026-03-03"})
    await world.until(performed(7))
    assert await world.run_id() != first, "the server should have asked for a new run"
    again = await world.tell(e.PaymentReceived, **PAYMENT)
    await world.signal("payment_received", {"id": "UI-1", "amount": "50.00 EUR", "received_on": "2026-03-03"})
    case = await world.until(performed(12))
    assert again.duplicate
    assert (case.outstanding, case.rejected) == (euros(850), ())
    assert [(done.step, done.occurrence, done.planned_at) for done in case.performed] == [
        ("daily", n, day(n)) for n in range(1, 13)
    ]
    assert len(world.mail.letters) == 12


async def test_payments_at_the_very_instant_of_a_step_lose_and_double_nothing(real_world: World) -> None:
    world, numbers = real_world, [f"N-{n}" for n in range(12)]
    for number in numbers:
        await world.start(policy(step("first", after_due(1))), LAPSE, number=number)

    async def pay(number: str, at: datetime) -> None:
        clock = (await world.case(number)).clock
        await asyncio.sleep(clock.delay(datetime.now(UTC), at).total_seconds())
        await world.tell(e.PaymentReceived, number, amount="1000.00 EUR", received_on=on(1))

    # From a little before the step to a little after it, a quarter of an hour at a time.
    await asyncio.gather(*(pay(number, day(1, 7.5 + n / 4)) for n, number in enumerate(numbers)))
    for number in numbers:
        case = await world.until(lambda case: case.closed, number)
        assert case.outcome == "paid"
        assert [done.step for done in case.performed] in ([], ["first"])


async def test_a_refused_message_costs_no_history_and_the_attributes_of_a_case_are_shown(real_world: World) -> None:
    world = real_world
    await world.start(DAILY, LAPSE)
    await world.tell(e.HoldPlaced)
    before = len((await world.handle().fetch_history()).events)
    with pytest.raises(InputRefused, match="there is no open dispute to resolve"):
        await world.tell(e.DisputeResolved)
    assert len((await world.handle().fetch_history()).events) == before
    described = await world.handle().describe()
    assert described.typed_search_attributes[ON_HOLD] is True
    assert described.typed_search_attributes[OUTSTANDING] == 1000
    assert described.typed_search_attributes.get(NEXT) is None
    assert await described.static_summary() == "0017: 1,000.00 EUR, due 2026-03-02"


async def test_a_payment_in_full_that_finds_a_new_run_due_is_answered_and_closes_the_case(real_world: World) -> None:
    world = real_world
    await world.start(policy(step("far", after_due(3650))), LAPSE)
    for n in range(10):
        # Replies change no plan: the history grows past what the server wants, and the loop sleeps on.
        await world.handle().execute_update("debtor_replied", {"id": f"L-{n}"})
    told = await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(1))
    assert "closed (paid)" in told.text
    assert (world.head().outcome, world.head().closed) == ("paid", True)
