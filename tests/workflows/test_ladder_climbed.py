"""How a case climbs, and what payments do to it."""

from models import events as e
from tests.cases import day, euros, on
from tests.workflows.world import World

PLAIN = [
    ("reminder_m3", day(-3)),
    ("reminder_1", day(1)),
    ("reminder_7", day(7)),
    ("formal_demand_15", day(15)),
    ("lawyer_letter_30", day(30)),
    ("referral_60", day(60)),
    ("insurance_claim_90", day(90)),
]


async def test_a_debtor_who_never_pays_sees_every_step_at_its_planned_instant(world: World) -> None:
    await world.start()
    await world.pass_until(day(200))
    case = await world.case()
    assert [(d.step, d.planned_at) for d in case.performed] == PLAIN
    assert await world.steps() == PLAIN
    assert len(world.mail.letters) == len(PLAIN)
    assert (case.stage, case.closed) == ("claimed", False)


async def test_a_step_costs_one_activity_and_one_timer(world: World) -> None:
    await world.start()
    await world.pass_until(day(200))
    history = await world.handle().fetch_history()
    kinds = [event.WhichOneof("attributes") for event in history.events]
    assert kinds.count("activity_task_scheduled_event_attributes") == len(PLAIN)
    assert kinds.count("timer_started_event_attributes") == len(PLAIN)
    assert len(kinds) <= 12 * len(PLAIN) + 20


async def test_payment_in_full_stops_the_ladder_and_closes_the_case(world: World) -> None:
    await world.start()
    await world.pass_until(day(5))
    told = await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(5))
    assert "closed (paid)" in told.text
    await world.pass_until(day(100))
    assert await world.steps() == PLAIN[:2]
    assert (world.head().outcome, world.head().closed) == ("paid", True)


async def test_after_a_part_payment_the_rest_is_demanded(world: World) -> None:
    await world.start()
    await world.pass_until(day(5))
    told = await world.tell(e.PaymentReceived, amount="400.00 EUR", received_on=on(5))
    assert told.text == "600.00 EUR outstanding"
    await world.pass_until(day(16))
    assert await world.steps() == PLAIN[:4]
    assert "600.00" in world.mail.letters[-1].text and "600.00" not in world.mail.letters[0].text
    await world.tell(e.PaymentReceived, amount="600.00 EUR", received_on=on(16))
    assert world.head().outcome == "paid"


async def test_a_credit_note_for_the_whole_amount_withdraws_the_claim(world: World) -> None:
    await world.start()
    await world.tell(e.CreditNoteIssued, amount="1000.00 EUR")
    assert world.head().outcome == "withdrawn"
    assert not world.mail.letters


async def test_an_invoice_that_comes_a_hundred_days_late_enters_high_and_keeps_the_cure_period(world: World) -> None:
    await world.pass_until(day(100, 15))
    await world.start()
    assert await world.steps() == [("formal_demand_15", day(100, 15))]
    await world.pass_until(day(150))
    assert await world.steps() == [("formal_demand_15", day(100, 15)), ("insurance_claim_90", day(110))]
    skipped = {skip["step"]: skip["reason"] for skip in (await world.show())["skipped"]}
    assert set(skipped) == {"reminder_m3", "reminder_1", "reminder_7", "lawyer_letter_30", "referral_60"}
    assert "100 days overdue" in skipped["reminder_7"]


async def test_an_invoice_that_comes_twice_is_one_case(world: World) -> None:
    first = await world.start()
    again = await world.start()
    other = await world.start(amount="2000.00 EUR")
    assert (first.result, again.result, other.result) == ("accepted", "unchanged", "refused")
    await world.pass_until(day(2))
    assert (await world.case()).outstanding == euros(1000)
    assert len(world.mail.letters) == 2
