"""Money of a buyer with several invoices: what one does not need settles another, once, and nobody else's."""

from typing import Any

import pytest

from gateway.buyers import found_for_set_off, receive, set_off
from gateway.errors import InputRefused, Unreachable
from gateway.service import Service, Told
from models import events as e
from models.money import Money
from tests.cases import euros, on
from tests.workflows.world import World

SOURCE, TARGET = "0017", "0018"
ALL = euros(300)
LATE: dict[str, Any] = {"id": "LATE", "amount": ALL, "received_on": on(0)}


async def moved(world: World, amount: Money = ALL, payment: str | None = None) -> list[Told]:
    """Set money of the one invoice off against the other, as the command does."""
    source, target = ("ACME", SOURCE), ("ACME", TARGET)
    found = found_for_set_off(world.service, source, target, amount, payment)
    out = e.Refunded(id="S-1", payment=found.id, amount=amount, to=TARGET, by="anna")
    told = await set_off(world.service, *source, out, found)
    await world.settle()
    return [answer for _, answer in told]


async def paid_after_the_close(world: World) -> None:
    """The one invoice is paid and closed, and 300.00 EUR more came; the other is open."""
    await world.start()
    await world.start(number=TARGET)
    await world.tell(e.PaymentReceived, id="FULL", amount=euros(1000), received_on=on(0))
    assert (await world.tell(e.PaymentReceived, **LATE)).unapplied


@pytest.mark.parametrize("payment", ["LATE", None])
async def test_money_kept_after_the_close_is_set_off_once(world: World, payment: str | None) -> None:
    await paid_after_the_close(world)

    out, into = await moved(world, payment=payment)
    again = await moved(world, payment=payment)

    assert out.text == "300.00 EUR set off against 0018; it was never applied here"
    assert into.text == "700.00 EUR outstanding"
    assert [answer.duplicate for answer in again] == [True, True]
    assert (await world.case(TARGET)).outstanding == euros(700)
    assert (world.ledger.unapplied("ACME", SOURCE), world.open_tasks()) == ([], [])


async def test_money_of_a_buyer_who_owes_nothing_in_its_currency_waits_with_the_oldest_invoice(world: World) -> None:
    await world.start(due=on(3))
    await world.start(number=TARGET)
    dollars = Money.model_validate("50.00 USD")
    paid = e.PaymentReceived(id="USD-1", amount=dollars, received_on=on(0))

    told = [await receive(world.service, "ACME", "B-1", paid, {}) for _ in range(2)]

    assert [(number, answer.duplicate) for ((number, answer),) in told] == [(TARGET, False), (TARGET, True)]
    assert [money.amount for money in (await world.case(TARGET)).unapplied] == [dollars]
    assert [task.kind for task in world.ledger.tasks()] == ["unapplied_cash"]
    with pytest.raises(InputRefused, match=r"ACME/B-2 has no open invoice in USD"):
        await receive(world.service, "ACME", "B-2", paid, {})


@pytest.mark.parametrize("payment", ["LATE", None])
async def test_cut_off_between_its_halves_the_same_again_completes_it(
    world: World, monkeypatch: pytest.MonkeyPatch, payment: str | None
) -> None:
    await paid_after_the_close(world)
    tell = Service.tell

    async def cut_off(service: Service, creditor: str, number: str, message: e.Message) -> Told:
        if number == TARGET:
            raise Unreachable("the server is away")
        return await tell(service, creditor, number, message)

    with monkeypatch.context() as patched:
        patched.setattr(Service, "tell", cut_off)
        with pytest.raises(Unreachable):
            await moved(world, payment=payment)
    assert world.ledger.unapplied("ACME", SOURCE) == []

    out, into = await moved(world, payment=payment)

    assert (out.duplicate, into.duplicate) == (True, False)
    assert (await world.case(TARGET)).outstanding == euros(700)


async def test_what_is_kept_leaves_whole_or_not_at_all(world: World) -> None:
    await paid_after_the_close(world)
    with pytest.raises(InputRefused, match=r"kept whole: 300.00 EUR can be paid back or set off, no part of it"):
        await moved(world, euros(200))
    assert [m.id for m in world.ledger.unapplied("ACME", SOURCE)] == ["LATE"]
    assert (await world.case(TARGET)).outstanding == euros(1000)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"buyer": {"id": "OTHER"}}, "money of one buyer cannot settle an invoice of another"),
        ({"amount": "900.00 USD"}, "is owed in USD: 300.00 EUR cannot be set off against it"),
        ({"creditor": "BETA"}, "money of one creditor cannot settle an invoice of another"),
    ],
)
async def test_money_settles_only_what_its_buyer_owes_in_its_currency(
    world: World, fields: dict[str, Any], reason: str
) -> None:
    await paid_after_the_close(world)
    await world.start(number="0019", **fields)
    source, target = ("ACME", SOURCE), (fields.get("creditor", "ACME"), "0019")

    with pytest.raises(InputRefused, match=reason):
        found_for_set_off(world.service, source, target, ALL, "LATE")


async def test_money_does_not_leave_for_a_reference_that_is_taken_where_it_goes(world: World) -> None:
    await paid_after_the_close(world)
    await world.tell(e.PaymentReceived, number=TARGET, id="S-1", amount=euros(5), received_on=on(0))
    with pytest.raises(InputRefused, match=r"ACME/0018 has another payment 'S-1'"):
        await moved(world)
    assert [m.id for m in world.ledger.unapplied("ACME", SOURCE)] == ["LATE"]
