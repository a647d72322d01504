"""Signals that make no sense: recorded as rejected with the reason, shown to operators, and never in the way."""

from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from models import events as e
from models.changes import MAX_REJECTED
from tests.cases import day, on
from tests.workflows.test_ladder_climbed import PLAIN
from tests.workflows.world import World, raw

GARBAGE: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "broken JSON": ("payment_received", (raw('{"id": "P-1", '),), "Invalid JSON"),
    "JSON that is no object": ("payment_received", ([1, 2, 3],), "should be an object"),
    "nothing": ("payment_received", (None,), "not binary/null"),
    "a binary payload": ("payment_received", (raw(b"\x00\xff", "binary/plain"),), "not binary/plain"),
    "an encoding of another world": ("payment_received", (raw(b"\x00", "klingon"),), "not klingon"),
    "no argument": ("payment_received", (), "exactly one argument"),
    "two arguments": ("payment_received", ({"id": "P-1"}, {"id": "P-2"}), "exactly one argument"),
    "missing fields": ("payment_received", ({"id": "P-1"},), "amount: Field required"),
    "unknown fields": ("hold_placed", ({"id": "H-1", "colour": "red"},), "colour: Extra inputs"),
    "a negative amount": (
        "payment_received",
        ({"id": "P-1", "amount": "-5.00 EUR", "received_on": "2026-03-01"},),
        "more than zero",
    ),
    "an amount that is a number": (
        "payment_received",
        ({"id": "P-1", "amount": 12.5, "received_on": "2026-03-01"},),
        "amount",
    ),
    "a reference with control characters": ("hold_placed", ({"id": "a\u0000b"},), "control characters"),
    "a text of a megabyte": ("hold_placed", ({"id": "H-1", "reason": "x" * 1_000_000},), "at most 2000"),
    "an unknown name": ("make_coffee", ({"id": "C-1"},), "there is no message 'make_coffee'"),
    "an unknown name without arguments": ("make_coffee", (), "there is no message 'make_coffee'"),
    "a message that cannot be": ("hold_released", ({"id": "H-1"},), "no hold to release"),
}


async def test_garbage_is_recorded_as_rejected_and_the_case_lives_on(world: World) -> None:
    for what, (name, arguments, reason) in GARBAGE.items():
        await world.start(number=what)
        await world.signal(name, *arguments, number=what)
        (rejected,) = (await world.show(what))["rejected"]
        assert rejected["message"] == name and reason in rejected["reason"], what
        await world.signal("hold_placed", {"id": "H-9"}, number=what)
        assert (await world.case(what)).on_hold, what


async def test_a_flood_of_garbage_stops_neither_the_ladder_nor_a_payment(world: World) -> None:
    await world.start()
    for n in range(MAX_REJECTED + 20):
        await world.handle().signal("payment_received", {"id": f"P-{n}"})
    await world.pass_until(day(2))
    assert await world.steps() == PLAIN[:2]
    await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(2))
    assert len((await world.case()).rejected) == MAX_REJECTED
    assert world.head().outcome == "paid"


@pytest.mark.parametrize("arguments", [(), ({"id": "H-1"}, {"id": "H-2"})], ids=["none", "two"])
async def test_an_update_with_a_wrong_number_of_arguments_is_refused(world: World, arguments: tuple[Any, ...]) -> None:
    await world.start()
    with pytest.raises(WorkflowUpdateFailedError):
        await world.handle().execute_update("hold_placed", args=list(arguments))
    await world.pass_until(day(2))
    assert await world.steps() == PLAIN[:2]
