"""A step that names several channels goes out by each of them, once; one that fails leaves the others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from activities.correspondence import Correspondence
from activities.tables import NOTICES
from gateway.replies.filing import ReplyDesk
from models import events as e
from models.policy import Policy
from tests.cases import after_due, day, on, policy, step
from tests.incoming import DEBTOR, delivery_report
from tests.notices import enclosed
from tests.notices import printed as text_of
from tests.provider import ProviderServer
from tests.workflows.world import World

PAPER = {"email": DEBTOR, "address": ["Straße 1", "10117 Berlin"], "chat": {"sms": "+49 30 123"}}


@pytest.fixture
def provider() -> Iterator[ProviderServer]:
    server = ProviderServer()
    yield server
    server.close()


async def with_sms(world: World, provider: ProviderServer) -> None:
    """The worker of this world knows a provider of short messages."""
    await world.rest()
    world.service.settings = world.service.settings.but(chat={"sms": provider.at()})
    await world.work()


def letter(*channels: str, kind: str = "reminder") -> Policy:
    return policy(step("letter", after_due(1), kind, channels=list(channels)))


async def sent(world: World, rules: Policy, contact: dict[str, Any] = PAPER, until: int = 2) -> list[tuple[str, str]]:
    """Start a case and let it come to its letter: the channels of the notices, with their status."""
    await world.start(rules, buyer={"contact": contact})
    await world.pass_until(day(until))
    return notices(world)


def notices(world: World) -> list[tuple[str, str]]:
    with world.ledger.engine.connect() as connection:
        rows = connection.execute(sa.select(NOTICES.c.channel, NOTICES.c.status).order_by(NOTICES.c.composed_at))
        return [(row.channel, row.status) for row in rows]


def printed(world: World) -> list[Path]:
    return sorted((Path(world.service.settings.data_dir) / "print").glob("*"))


async def test_a_letter_goes_by_mail_and_lies_in_the_print_queue_with_a_task_to_post_it(world: World) -> None:
    assert await sent(world, letter("email", "post")) == [("email", "sent"), ("post", "sent")]
    (done,) = (await world.case()).performed
    assert done.notice == world.mail.letters[0].message_id, "the first channel keeps the Message-ID it always had"
    assert [p.suffix for p in printed(world)] == [".json", ".pdf"]
    ticket = json.loads(printed(world)[0].read_text())
    assert ticket["to"]["address"] == ["Straße 1", "10117 Berlin"] and ticket["invoice"] == "0017"
    assert printed(world)[1].read_bytes().startswith(b"%PDF-1.7")
    (task,) = (await world.case()).tasks
    assert task.id == done.task == "letter-1" and "Print and post print/ACME-0017-letter-1.pdf" in task.text
    await world.tell(e.TaskCompleted, task="letter-1", note="RR 12 345 678 DE")
    assert world.open_tasks() == []


async def test_the_law_of_the_debtors_country_holds_for_a_letter_by_post_as_for_the_mail(world: World) -> None:
    firm = {"name": "Sample & Partners LLP", "email": "office@firm.example"}
    agency = {"name": "Sample Collections Ltd", "email": "cases@agency.example"}
    world.add_creditor({
        "code": "BOTH", "name": "Spare Parts Ltd", "sender": "ledger@spare.example", "law_firm": firm, "agency": agency,
        "bank_account": {"holder": "Spare Parts Ltd", "iban": "DE89370400440532013000"},
    })  # fmt: skip
    rules = policy(step("letter", after_due(1), "formal_demand", channels=["email", "post"], letter="final_notice"))
    await world.start(rules, creditor="BOTH", buyer={"contact": PAPER, "country": "CN"})
    await world.pass_until(day(2))
    assert notices(world) == [("email", "sent"), ("post", "sent")]
    (_, pdf) = printed(world)
    for said in (text_of(enclosed(world.mail.letters[0].message.as_bytes())[1]), text_of(pdf.read_bytes())):
        assert "Sample & Partners LLP" in said and "Sample Collections" not in said


async def test_a_short_message_goes_with_the_mail(world: World, provider: ProviderServer) -> None:
    await with_sms(world, provider)
    assert await sent(world, letter("email", "sms")) == [("email", "sent"), ("sms", "sent")]
    (request,) = provider.requests
    assert request.content["to"] == "+49 30 123" and "invoice 0017 for EUR 1,000.00" in request.content["text"]
    assert request.headers["Idempotency-Key"] == "invoice/ACME/0017/letter/1/sms"
    assert world.open_tasks() == []


async def test_without_an_address_the_next_channel_is_taken_and_the_contact_is_lost(world: World) -> None:
    assert await sent(world, letter("email", "post"), {"address": ["Straße 1"]}) == [("post", "sent")]
    case = await world.case()
    assert [done.step for done in case.performed] == ["letter"] and not world.mail.letters
    assert {task.kind for task in case.tasks} == {"reminder", "contact_lost"}
    assert "no e-mail address" in next(t.text for t in case.tasks if t.kind == "contact_lost")


async def test_an_address_that_the_mail_server_refuses_leaves_the_next_channel(world: World) -> None:
    world.mail.refusals = ["550 5.1.1 no such mailbox"]
    assert await sent(world, letter("email", "post")) == [("email", "refused"), ("post", "sent")]
    case = await world.case()
    assert [done.step for done in case.performed] == ["letter"]
    assert "550 5.1.1" in next(t.text for t in case.tasks if t.kind == "contact_lost")


async def test_what_the_mail_server_refuses_by_its_rules_is_no_news_of_the_debtor(world: World) -> None:
    world.mail.refusals = ["554 5.7.1 relay access denied"]
    assert await sent(world, letter("email", "post")) == [("email", "refused"), ("post", "sent")]
    (task,) = (await world.case()).tasks
    assert task.kind == "reminder" and "notice by email did not go out" in task.text and "5.7.1" in task.text


async def test_an_address_that_is_refused_leaves_people_where_they_are_the_next_channel(world: World) -> None:
    world.mail.refusals = ["550 5.1.1 no such mailbox"]
    assert await sent(world, letter("email", "phone")) == [("email", "refused")]
    case = await world.case()
    (done,) = case.performed
    assert (done.notice, done.task) == (None, "letter-1")
    assert "by phone" in next(t.text for t in case.tasks if t.id == "letter-1")


async def test_what_is_wrong_with_us_is_mended_first_whatever_channels_there_are(world: World) -> None:
    world.add_creditor({"code": "SPARE", "name": "Spare Parts Ltd", "sender": "ledger@spare.example"})
    await world.start(
        letter("email", "post", "phone", kind="lawyer_letter"), creditor="SPARE", buyer={"contact": PAPER}
    )
    await world.pass_until(day(2))
    case = await world.case(creditor="SPARE")
    assert not case.performed and [task.kind for task in case.tasks] == ["refused_step"]
    assert "no law firm" in case.tasks[0].text and not printed(world)


async def test_after_a_bounce_the_next_step_takes_its_next_channel(world: World) -> None:
    rules = policy(
        step("first", after_due(1), channels=["email"]), step("second", after_due(5), channels=["email", "post"]),
        step("third", after_due(9), channels=["email"]),
    )  # fmt: skip
    assert await sent(world, rules) == [("email", "sent")]
    await ReplyDesk(world.service).file(delivery_report(original=world.mail.letters[0].message_id))
    await world.settle()
    await world.pass_until(day(6))
    assert notices(world) == [("email", "bounced"), ("email", "refused"), ("post", "sent")]
    await world.pass_until(day(10))
    assert len(world.mail.letters) == 2, "a step that has no other channel tries once more"
    assert [t.kind for t in (await world.case()).tasks].count("contact_lost") == 1


async def test_a_provider_that_fails_for_a_while_gets_the_message_in_the_end_and_the_mail_goes_once(
    world: World, provider: ProviderServer
) -> None:
    await with_sms(world, provider)
    provider.answers = [503, 429, "drop"]
    assert await sent(world, letter("email", "sms")) == [("email", "sent"), ("sms", "sent")]
    assert len(provider.requests) == 4 and len(world.mail.letters) == 1
    assert len({request.headers["Idempotency-Key"] for request in provider.requests}) == 1
    assert world.open_tasks() == []


async def test_a_provider_that_never_answers_leaves_the_message_to_a_person_once_the_mail_is_out(
    world: World, provider: ProviderServer
) -> None:
    await with_sms(world, provider)
    provider.answers = [503] * 50
    assert await sent(world, letter("email", "sms")) == [("email", "sent"), ("sms", "refused")]
    case = await world.case()
    assert [done.step for done in case.performed] == ["letter"]
    (task,) = case.tasks
    assert "notice by sms did not go out" in task.text and "503" in task.text


async def test_a_provider_that_is_the_only_channel_delays_the_step(world: World, provider: ProviderServer) -> None:
    await with_sms(world, provider)
    provider.answers = [503] * 6
    await world.start(letter("sms"), buyer={"contact": PAPER})
    await world.pass_until(day(1, 9.2))
    case = await world.case()
    assert not case.performed and [task.kind for task in case.tasks] == ["delayed"]
    await world.pass_until(day(2))
    assert notices(world) == [("sms", "sent")] and world.open_tasks() == []


async def test_a_provider_that_refuses_the_only_channel_refuses_the_step(
    world: World, provider: ProviderServer
) -> None:
    await with_sms(world, provider)
    provider.answers, provider.body = [422], b"no such number"
    assert await sent(world, letter("sms")) == [("sms", "refused")]
    (task,) = (await world.case()).tasks
    assert task.kind == "refused_step" and "422 no such number" in task.text
    provider.body = b'{"id": 1}'
    await world.tell(e.TaskCompleted, task=task.id, outcome="retry")
    assert notices(world) == [("sms", "sent")]


async def test_a_channel_that_is_not_set_up_is_a_task(world: World) -> None:
    assert await sent(world, letter("line", "visit")) == []
    (task,) = (await world.case()).tasks
    assert "by line (not set up here); in person, against a receipt" in task.text


async def test_the_debtor_s_bounce_counts_by_address(world: World) -> None:
    await sent(world, letter("email"))
    ledger = Correspondence(world.ledger.engine)
    assert not ledger.bounced("ACME", "email", DEBTOR)
    assert ledger.receive(world.mail.letters[0].message_id, "bounced", "gone", day(2))
    assert ledger.bounced("ACME", "email", DEBTOR) and not ledger.bounced("OTHER", "email", DEBTOR)


async def test_a_payment_between_two_tries_stops_what_has_not_left(world: World, provider: ProviderServer) -> None:
    await with_sms(world, provider)
    provider.answers = [503] * 6
    await world.start(letter("sms"), buyer={"contact": PAPER})
    await world.pass_until(day(1, 9.2))
    await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(1))
    await world.pass_until(day(3))
    assert (await world.case()).outcome == "paid" and notices(world) == [("sms", "cancelled")]
