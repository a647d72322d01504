"""Money of the buyer that nobody matched yet: the last look before a step is performed holds it back for a day."""

from datetime import UTC, datetime, timedelta

from activities.bank_book import BankBook, Booking
from models import events as e
from models.bank import BankEntry
from tests.cases import after_due, day, euros, on, policy, step
from tests.workflows.world import World

RULES = policy(step("first", after_due(0)))


def unmatched(world: World, buyer: str) -> None:
    entry = BankEntry(
        account="GB53", entry="1", kind="payment", amount=euros(300), booked_on=on(1), servicer_reference="S-1",
        payer="Somebody",
    )  # fmt: skip
    booking = Booking(entry, "ACME", "statement.xml", "1", "unmatched", "no reference", buyer=buyer)
    BankBook(world.ledger.engine).book([booking])


async def test_a_step_waits_a_day_for_money_that_is_not_matched_and_says_so(world: World) -> None:
    world.begin_at(day(0, 0))
    await world.start(RULES)
    unmatched(world, "B-1")
    assert abs((world.wall - datetime.now(UTC)).total_seconds()) < 600, "the ledger notes the wall's time"
    await world.pass_until(day(0, 12))
    assert await world.steps() == []
    (task,) = [t for t in (await world.case()).tasks if t.kind == "delayed"]
    assert "300.00 EUR of the buyer came in" in task.text and "arrears match" in task.text
    await world.pass_until(day(3))
    assert [name for name, _ in await world.steps()] == ["first"]


async def test_in_time_lapse_it_waits_a_day_of_the_case(world: World) -> None:
    await world.rest()
    world.service.settings = world.service.settings.but(allow_time_lapse=True)
    await world.work()
    world.begin_at(day(0, 0))
    unmatched(world, "B-1")
    await world.start(RULES, factor=24)
    await world.pass_until(day(0, 3))
    case = await world.case()
    (task,) = (task for task in case.tasks if task.kind == "delayed")
    assert "300.00 EUR of the buyer came in" in task.text
    # The money came at midnight, by the calendar of the case.
    assert day(1, 0) <= case.performed[0].performed_at + timedelta(minutes=5) < day(1, 1)


async def test_money_of_another_buyer_holds_nothing_back(world: World) -> None:
    world.begin_at(day(0, 0))
    await world.start(RULES)
    unmatched(world, "B-2")
    await world.pass_until(day(0, 12))
    assert [name for name, _ in await world.steps()] == ["first"]


async def test_a_payment_that_crossed_our_letter_is_answered_by_one(world: World) -> None:
    await world.start(policy(step("first", after_due(1)), corrections=True))
    await world.pass_until(day(2))
    told = await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(1))
    assert "0.00 EUR outstanding" in told.text
    await world.pass_until(day(3))
    case = await world.case()
    assert len(world.mail.letters) == 2, (case.crossed, case.duties, case.skipped, case.tasks)
    first, second = world.mail.letters
    said = second.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert (world.head().closed, world.head().outcome) == (True, "paid")
    assert "crossed" in said and "1,000.00" in said, said
    assert [name for name, _ in await world.steps()] == ["first"], "a letter, no step"
    assert first.message_id != second.message_id
