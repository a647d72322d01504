"""Money told by many at once, over a ledger that is slow now and then: none is lost, none counts twice."""

import asyncio
import random
import time
from typing import Any

import pytest
import sqlalchemy as sa

from activities.ledger import Ledger
from activities.tables import MESSAGES
from gateway.errors import InputRefused
from models import events as e
from models import ids
from models.journal import totals
from models.money import Money
from tests.cases import after_due, day, euros, on, policy, step
from tests.workflows.test_bank_decisions import lines
from tests.workflows.world import World

NUMBERS = ("A-1", "A-2")
RULES = policy(step("late", after_due(200)))
SLOW = ("record", "answered", "receive", "rebuild", "unapplied", "keep", "let_go", "refuse", "amend")
HELD = ("delivered", "unapplied", "refunded", "reversed")
"""What became of a payment that did come."""


@pytest.fixture(params=range(6))
def chance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> random.Random:
    """A chance of its own for each run, and a ledger that hesitates by another."""
    hesitation = random.Random(request.param + 1000)
    for name in SLOW:
        monkeypatch.setattr(Ledger, name, _hesitating(getattr(Ledger, name), hesitation))
    return random.Random(request.param)


def _hesitating(method: Any, chance: random.Random) -> Any:
    def slow(*given: Any, **named: Any) -> Any:
        if chance.random() < 0.3:
            time.sleep(chance.choice((0.01, 0.05, 0.2)))
        return method(*given, **named)

    return slow


def any_money(chance: random.Random, nth: int) -> e.Message:
    """Some message about money; whether it is possible, the case has to say."""
    kind: type[e.Message] = chance.choice(
        5 * (e.PaymentReceived,) + 4 * (e.PaymentReversed,) + 2 * (e.Refunded,) + (e.CreditNoteIssued,)
    )
    amount, earlier = euros(chance.choice((300, 500, 1000))), f"R-{chance.randrange(max(1, nth))}"
    bodies: dict[type[e.Message], dict[str, Any]] = {
        e.PaymentReceived: {"amount": amount, "received_on": on(0)},
        e.PaymentReversed: {"payment": earlier},
        e.Refunded: {"payment": earlier, "amount": amount},
        e.CreditNoteIssued: {"amount": euros(100)},
    }
    return kind.model_validate({"id": f"R-{nth}", "by": "anna", **bodies[kind]})


async def test_whatever_comes_at_once_the_books_and_the_cases_agree(world: World, chance: random.Random) -> None:
    world.begin_at(day(0, 0))
    for number in NUMBERS:
        await world.start(RULES, number=number)
    said: list[str] = []

    async def tell(number: str, message: e.Message) -> None:
        try:
            told = (await world.service.tell("ACME", number, message)).text
        except InputRefused as refusal:
            told = f"refused: {refusal}"
        said.append(f"{number} {message.model_dump_json(exclude_defaults=True)}: {told}")

    nth = 0
    for _ in range(5):
        together = [(chance.choice(NUMBERS), any_money(chance, nth + k)) for k in range(chance.randrange(1, 4))]
        nth += len(together)
        await asyncio.gather(*(tell(*one) for one in together))
        if chance.random() < 0.3:
            await world.settle()
    await world.settle()
    await agreed(world, "\n".join(said))


async def agreed(world: World, said: str) -> None:
    """Cash, journal, kept money, its tasks and the cases tell one story."""
    with world.ledger.engine.connect() as connection:
        messages = connection.execute(sa.select(MESSAGES)).all()
    assert [m.status for m in messages if m.status not in (*HELD, "refused")] == [], said
    came = {(m.number, m.reference): m.amount_minor for m in messages if m.type == "payment_received"}
    cash = sum(m.amount_minor for m in messages if m.type == "payment_received" and m.status in HELD)
    for m in messages:
        if m.status == "delivered" and m.type == "refunded":
            cash -= m.amount_minor
        if m.status == "delivered" and m.type == "payment_reversed":
            cash -= came[m.number, e.read_event(m.content).payment]
    debits, credits = totals(line.entry for line in lines(world)).get(("bank_clearing", "EUR"), (euros(0), euros(0)))
    assert debits - credits == Money.from_minor(cash, "EUR"), said

    for number in NUMBERS:
        kept = [m.reference for m in messages if m.number == number and m.status == "unapplied"]
        paid_back = {
            e.read_event(m.content).payment
            for m in messages
            if m.number == number and m.type == "refunded" and m.status == "delivered"
        }
        twice = [
            m.reference for m in messages if m.number == number and m.status == "reversed" and m.reference in paid_back
        ]
        named = [("payment_received", reference) for reference in kept] + [("payment_reversed", r) for r in twice]
        tasks = [task for task in world.open_tasks(number) if task.startswith("payment_")]
        assert sorted(tasks) == sorted(ids.kept_task(*name) for name in named), said
        case = await world.case(number)
        known = world.ledger.rebuild(case.id)
        assert known is not None and (known.closed, known.outstanding) == (case.closed, case.outstanding), said
