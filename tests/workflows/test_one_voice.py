"""One voice per buyer: the letters that a buyer's cases owe on a day go out as one, and each case has it as its own."""

from typing import Any

from activities.tables import NOTICES
from gateway.cli.why import explained
from models import events as e
from models.policy import Policy
from tests.cases import after_due, after_step, day, invoice, on, policy, step
from tests.workflows.world import World

EVERY_DAY: dict[str, Any] = {"days": "every", "holidays": False, "hours": {"any": "00:00-24:00"}}


def gathering(*steps: dict[str, Any], **contact: Any) -> Policy:
    ladder = steps or (step("first", after_due(1)), step("demand", after_due(15), "formal_demand"))
    return policy(*ladder, schedule={"zone": "debtor"}, contact={**EVERY_DAY, "gather": True, **contact})


ONE_VOICE = gathering()
PLAIN_ONE = {
    "code": "PLAIN", "name": "Plain Ltd", "sender": "ledger@plain.example",
    "bank_account": {"holder": "Plain Ltd", "iban": "DE89370400440532013000"},
}  # fmt: skip


async def pursue(world: World, *numbers: str, rules: Policy = ONE_VOICE, buyer: str = "B-1", **fields: Any) -> None:
    for number in numbers:
        reached = {"id": buyer, "name": f"Buyer {buyer}", "contact": {"email": f"{buyer.lower()}@buyer.example"}}
        await world.pursue(invoice(**{"number": number, "buyer": reached, **fields}), rules)


async def notices(world: World, *numbers: str) -> list[list[tuple[str, str | None]]]:
    """Per case, what was performed and with which notice."""
    return [[(done.step, done.notice) for done in (await world.case(number)).performed] for number in numbers]


async def test_three_invoices_due_the_same_day_are_one_mail_and_three_performed_steps(world: World) -> None:
    await pursue(world, "1", "2", "3")
    await world.pass_until(day(2))

    (letter,) = world.mail.letters
    assert letter.subject == "Payment reminder: 3 invoices"
    assert all(f"Invoice number: {number}" in letter.text for number in "123")
    assert "EUR 3,000.00" in letter.text
    assert await notices(world, "1", "2", "3") == [[("first", letter.message_id)]] * 3
    cases = [await world.case(number) for number in "123"]
    performed = [event for case in cases for event in world.events(case.id) if isinstance(event, e.StepPerformed)]
    assert len({done.sha256 for done in performed}) == 1
    assert {done.note for done in performed} == {"one letter for 3 invoices"}


async def test_the_next_stage_is_gathered_too_and_each_buyer_hears_of_its_own(world: World) -> None:
    await pursue(world, "1", "2")
    await pursue(world, "3", "4", buyer="B-2")
    await world.pass_until(day(16))

    assert sorted((letter.to, letter.subject.partition(",")[0]) for letter in world.mail.letters) == sorted(
        (f"b-{n}@buyer.example", subject)
        for n in (1, 2)
        for subject in ("Payment reminder: 2 invoices", "Formal demand: 2 invoices")
    )


async def test_the_highest_stage_sets_the_tone(world: World) -> None:
    await pursue(world, "old", due=on(-14))
    await pursue(world, "new")
    await world.pass_until(day(2))

    letter = world.mail.letters[-1]
    assert letter.subject.startswith("Formal demand: 2 invoices")
    assert "EUR 2,000.00" in letter.text
    old, new = await notices(world, "old", "new")
    assert old[-1] == ("demand", letter.message_id) and new == [("first", letter.message_id)]
    with world.ledger.engine.connect() as connection:
        kinds = {row.message_id: row.kind for row in connection.execute(NOTICES.select())}
    assert kinds[letter.message_id] == "formal_demand"


async def test_disputed_and_other_open_invoices_stand_apart_and_are_not_demanded(world: World) -> None:
    later = gathering(step("first", after_due(30)))
    await pursue(world, "1", "2")
    await pursue(world, "OPEN", rules=later, due=on(-3), amount="70.00 EUR")
    await pursue(world, "CONTESTED", due=on(-3), amount="50.00 EUR")
    await pursue(world, "AGREED", due=on(-3), amount="30.00 EUR")
    await world.tell(e.DisputeRaised, "CONTESTED", reason="wrong goods")
    await world.tell(e.HoldPlaced, "AGREED", reason="we are talking")
    await world.pass_until(day(2))

    letter = world.mail.letters[-1]
    main, _, apart = letter.text.partition("Also open on your account")
    also, _, contested = apart.partition("In dispute, not demanded here")
    assert "EUR 2,000.00" in main and "OPEN" not in main
    assert "OPEN" in also and "EUR 70.00" in also
    assert "CONTESTED" in contested and "EUR 50.00" in contested
    assert "AGREED" not in letter.text


async def test_what_is_paid_in_the_moment_is_left_out(world: World) -> None:
    await pursue(world, "1", "2", "3")
    await world.pass_until(day(0))
    # The money is in the ledger, and the case has not been told yet.
    payment = world.message(e.PaymentReceived, amount="1000.00 EUR", received_on=on(0))
    world.ledger.receive("ACME", "2", payment)
    await world.pass_until(day(2))

    (letter,) = world.mail.letters
    assert letter.subject == "Payment reminder: 2 invoices"
    assert await notices(world, "1", "2", "3") == [[("first", letter.message_id)], [], [("first", letter.message_id)]]
    assert (await world.case("2")).outcome == "paid"


async def test_a_case_that_is_paid_after_it_was_gathered_has_no_step_and_the_evidence_holds(world: World) -> None:
    morning = gathering(step("second", after_due(1)), step("third", after_due(9)))
    evening = policy(
        step("first", after_due(1)),
        schedule={"zone": "debtor", "time": "18:00"}, contact={**EVERY_DAY, "gather": True},
    )  # fmt: skip
    await pursue(world, "1", rules=morning)
    await pursue(world, "2", rules=evening)
    await world.pass_until(day(1, 12))
    assert [letter.subject for letter in world.mail.letters] == ["Payment reminder: 2 invoices"]
    await world.tell(e.PaymentReceived, "2", amount="1000.00 EUR", received_on=on(1))
    await world.pass_until(day(3))

    assert await notices(world, "2") == [[]]
    assert (await world.case("2")).outcome == "paid"
    why = explained(world.service, world.mail.letters[0].message_id)
    assert [(told["invoice"], told["step"]) for told in why["steps"]] == [("1", "second")]
    assert [left["reason"] for left in why["not_taken"]] == [
        "ACME/2: first 1 was never sent: the case closed before (paid)"
    ]


async def test_a_contact_that_serves_several_cases_counts_once(world: World) -> None:
    often = gathering(
        step("first", after_due(1)), step("second", after_due(3)), step("third", after_due(5)),
        buyer_limit={"most": 2, "within": "P7D"},
    )  # fmt: skip
    await pursue(world, "1", "2", "3", rules=often)
    await world.pass_until(day(8))

    assert [letter.subject for letter in world.mail.letters] == [
        "Payment reminder: 3 invoices", "Reminder: 3 invoices overdue", "Reminder: 3 invoices overdue",
    ][: len(world.mail.letters)]  # fmt: skip
    first, second = (letter.message_id for letter in world.mail.letters[:2])
    assert [told[:2] for told in await notices(world, "1", "2", "3")] == [[("first", first), ("second", second)]] * 3


async def test_another_step_finds_the_letter_that_a_killed_worker_left_and_sends_the_same_bytes(world: World) -> None:
    await pursue(world, "1", "2")
    world.mail.refusals = ["451 4.3.2 busy"]  # written and claimed, not sent
    await world.pass_until(day(2))

    (letter,) = world.mail.letters
    assert await notices(world, "1", "2") == [[("first", letter.message_id)]] * 2
    assert world.mail.tries == 2


async def test_one_that_is_paid_while_the_mail_server_is_away_is_not_demanded_any_more(world: World) -> None:
    await pursue(world, "1", "2", "3")
    world.mail.down()
    await world.pass_until(day(1, 9.1))
    await world.tell(e.PaymentReceived, "2", amount="1000.00 EUR", received_on=on(1))
    world.mail.up()
    await world.pass_until(day(2))

    (letter,) = world.mail.letters
    assert letter.subject == "Payment reminder: 2 invoices"
    assert await notices(world, "1", "3") == [[("first", letter.message_id)]] * 2


async def test_a_letter_that_cannot_be_written_for_all_is_written_for_each(world: World) -> None:
    # No law firm is known, which a lawyer's letter must name; the reminder does not wait for that.
    stern = gathering(step("first", after_due(1)), step("lawyer", after_step("first", 1), "lawyer_letter"))
    world.add_creditor(PLAIN_ONE)
    await pursue(world, "old", due=on(-1), rules=stern, creditor="PLAIN")
    await pursue(world, "new", due=on(0), rules=stern, creditor="PLAIN")
    await world.pass_until(day(1, 10))

    assert [letter.subject.partition(":")[0] for letter in world.mail.letters] == ["Payment reminder"] * 2
