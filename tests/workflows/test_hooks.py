"""What providers report by HTTP on notices that left: real requests to a real server, beside a real case."""

import asyncio
import hashlib
import hmac
import http.client
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from activities.correspondence import Correspondence
from activities.tables import NOTICES
from gateway.errors import Unreachable
from gateway.http import hooks, server
from gateway.http.hooks import MAX_BODY, SIGNATURE, hooks_app
from gateway.receipts import ReceiptDesk
from gateway.terms import Terms
from models import events as e
from models.settings import HookSettings
from tests.cases import after_due, day, law_of, on, policy, step
from tests.incoming import DEBTOR
from tests.provider import ProviderServer
from tests.workflows.world import World

SECRET = "a secret of two parties"
KNOWN = {"Authorization": f"Bearer {SECRET}"}
KEY = "invoice/ACME/0017/letter/1"


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]


class Door:
    """The hooks of a world, listening on a port of their own."""

    def __init__(self, world: World, port: int) -> None:
        self.world, self.port = world, port
        self.pile = Path(world.service.settings.data_dir) / "receipts" / "refused"

    async def post(
        self, content: Any, channel: str = "email", headers: dict[str, str] = KNOWN, method: str = "POST"
    ) -> Answer:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        await self.world.now()
        answer = await asyncio.to_thread(self._asked, method, f"/hooks/receipts/{channel}", body, headers)
        await self.world.settle()
        return answer

    def _asked(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return Answer(answer.status, json.loads(answer.read()))
        finally:
            line.close()

    def kept(self) -> list[str]:
        return [path.read_text() for path in sorted(self.pile.glob("*.reason.txt"))]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture
async def door(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    monkeypatch.setattr(server, "AGAIN_S", 0.02)
    settings = HookSettings(port=free_port(), secret=SecretStr(SECRET))
    app = hooks_app(ReceiptDesk(world.service), settings.secret, world.service.settings.data_dir)
    listening = asyncio.create_task(server.listen(app, settings))
    found = Door(world, settings.port)
    async with asyncio.timeout(10):
        while True:
            with suppress(OSError):
                await found.post({}, headers={})
                break
            await asyncio.sleep(0.01)
    yield found
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


@pytest.fixture
async def notice(world: World) -> str:
    """A letter that left for the debtor of invoice 0017: its Message-ID."""
    await world.start(policy(step("letter", after_due(1))))
    await world.pass_until(day(2))
    return world.mail.letters[-1].message_id


def report(status: str = "delivered", reference: str = KEY, **more: Any) -> dict[str, Any]:
    return {"id": "P-1", "reference": reference, "status": status, **more}


async def test_a_delivery_is_noted_with_the_notice_however_it_is_named_and_once(
    world: World, door: Door, notice: str
) -> None:
    before = (await world.case()).sequence
    first = await door.post(report(at="2026-03-04T10:00:00Z", detail="250 taken", anything=["else"]))
    assert first == (200, {"result": "noted", "notice": notice, "note": ""})
    for named in (notice, notice.strip("<>")):
        assert (await door.post(report(reference=named))).body["result"] == "unchanged"
    (receipt,) = Correspondence(world.ledger.engine).receipts(notice)
    assert (receipt.kind, receipt.text) == ("delivered", "the provider for email reports it as P-1: 250 taken")
    assert receipt.at.isoformat() == "2026-03-04T10:00:00+00:00"
    assert (await door.post(report("read"))).body["result"] == "noted"
    assert (await world.case()).sequence == before


@pytest.mark.parametrize("said", ["bounced", "failed", "undelivered"])
async def test_of_a_notice_that_came_back_the_case_is_told_once(
    world: World, door: Door, notice: str, said: str
) -> None:
    assert (await door.post(report(said, detail="550 no such user"))).body["result"] == "noted"
    assert (await door.post(report(said, detail="550 no such user"))).body["result"] == "unchanged"
    (task,) = (t for t in (await world.case()).tasks if t.kind == "contact_lost")
    assert f"email to {DEBTOR} came back: 550 no such user" in task.text
    assert Correspondence(world.ledger.engine).bounced("ACME", "email", DEBTOR)


@pytest.mark.parametrize("said", ["bounced", "undeliverable"])
async def test_a_demand_that_a_provider_reports_as_come_back_has_moved_no_limitation(
    world: World, door: Door, said: str
) -> None:
    await world.start(policy(step("letter", after_due(1), "formal_demand")), terms=Terms(law_of("CN"), None))
    await world.pass_until(day(2))
    assert (await world.case()).restarts
    assert (await door.post(report(said))).body["result"] == "noted"
    assert not (await world.case()).restarts


async def test_a_bounce_that_could_not_be_told_is_told_when_it_is_reported_again(
    world: World, door: Door, notice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise Unreachable("the Temporal server did not answer")

    with monkeypatch.context() as patch:
        patch.setattr(world.service, "tell", away)
        assert (await door.post(report("bounced"))).status == 503
    assert not (await world.case()).tasks
    assert (await door.post(report("bounced"))).body["result"] == "noted"
    assert [t.kind for t in (await world.case()).tasks] == ["contact_lost"]


async def test_what_came_back_of_a_closed_case_is_noted_and_left_to_people(
    world: World, door: Door, notice: str
) -> None:
    await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(2))
    answer = await door.post(report("bounced"))
    assert answer.status == 200 and "was not told" in answer.body["note"]
    assert len(door.kept()) == 1


async def test_after_a_bounce_reported_by_a_provider_the_next_step_takes_its_next_channel(
    world: World, door: Door
) -> None:
    provider = ProviderServer()
    await world.rest()
    world.service.settings = world.service.settings.but(chat={"sms": provider.at()})
    await world.work()
    rules = policy(
        step("first", after_due(1), channels=["sms"]), step("second", after_due(5), channels=["sms", "email"])
    )
    await world.start(rules, buyer={"contact": {"email": DEBTOR, "phone": "+49 30 123"}})
    await world.pass_until(day(2))
    gone = report("undelivered", "invoice/ACME/0017/first/1/sms", detail="absent subscriber")
    assert (await door.post(gone, "sms")).body["result"] == "noted"
    await world.pass_until(day(6))
    provider.close()
    assert len(provider.requests) == 1 and len(world.mail.letters) == 1
    case = await world.case()
    assert [done.step for done in case.performed] == ["first", "second"]
    assert [t.kind for t in case.tasks] == ["contact_lost"]
    assert "sms to +49 30 123 came back: absent subscriber" in case.tasks[0].text


async def test_a_report_that_overtakes_our_own_note_is_asked_for_again(world: World, door: Door, notice: str) -> None:
    with world.ledger.engine.begin() as connection:
        connection.execute(sa.update(NOTICES).values(status="pending"))
    answer = await door.post(report("bounced"))
    assert answer.status == 503 and "on its way" in answer.body["error"] and door.kept() == []
    with world.ledger.engine.begin() as connection:
        connection.execute(sa.update(NOTICES).values(status="sent"))
    assert (await door.post(report("bounced"))).body["result"] == "noted"


async def test_a_notice_that_was_given_up_and_had_got_through_after_all_keeps_the_proof(
    world: World, door: Door, notice: str
) -> None:
    with world.ledger.engine.begin() as connection:
        connection.execute(sa.update(NOTICES).values(status="refused"))
    assert (await door.post(report())).body["result"] == "noted"
    assert [r.kind for r in Correspondence(world.ledger.engine).receipts(notice)] == ["delivered"]
    with world.ledger.engine.begin() as connection:
        connection.execute(sa.update(NOTICES).values(status="sent"))


async def test_a_signature_over_the_body_does_as_well(world: World, door: Door, notice: str) -> None:
    body = json.dumps(report()).encode()
    signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert (await door.post(body, headers={SIGNATURE: signed})).status == 200
    assert (await door.post(body + b" ", headers={SIGNATURE: signed})).status == 401


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer other"}, {"Authorization": f"Basic {SECRET}"}, {SIGNATURE: "sha256=\u00e9"}],
)
async def test_who_does_not_know_the_secret_is_turned_away_and_leaves_nothing(
    world: World, door: Door, notice: str, headers: dict[str, str]
) -> None:
    answer = await door.post(report("bounced"), headers=headers)
    assert answer.status == 401 and "Authorization: Bearer" in answer.body["error"]
    assert door.kept() == [] and Correspondence(world.ledger.engine).receipts(notice) == []


@pytest.mark.parametrize(
    ("content", "channel", "status", "sentence"),
    [
        (b"", "email", 400, "expected a JSON object with id, reference and status"),
        (b"\xff{", "email", 400, "expected a JSON object"),
        (b"[" * 60_000, "email", 400, "expected a JSON object"),
        (["bounced"], "email", 400, "expected a JSON object"),
        ({"id": "P-1", "status": "gone"}, "email", 400, "reference: Field required; status: Input should be"),
        (report(at="yesterday"), "email", 400, "at: Input should be a valid datetime"),
        (report(at="2026-03-04T10:00:00"), "email", 400, "at: Input should have timezone info"),
        (report(reference="invoice/ACME/1/letter/1"), "email", 404, "no notice 'invoice/ACME/1/letter/1' left by"),
        (report(), "sms", 404, "left by sms"),
        (report(), "pigeon", 404, "there is no channel 'pigeon'; there are email"),
    ],
)
async def test_what_cannot_be_taken_is_answered_in_a_sentence_and_kept(
    world: World, door: Door, notice: str, content: Any, channel: str, status: int, sentence: str
) -> None:
    for _ in range(2):
        answer = await door.post(content, channel)
        assert answer.status == status and sentence in answer.body["error"], answer
    (kept,) = door.kept()
    assert kept.startswith(f"{channel}: ") and sentence in kept
    assert Correspondence(world.ledger.engine).receipts(notice) == []


async def test_an_id_that_spoke_of_another_notice_is_a_conflict(world: World, door: Door, notice: str) -> None:
    await door.post(report())
    await world.start(policy(step("letter", after_due(1))), number="0018")
    answer = await door.post(report(reference="invoice/ACME/0018/letter/1"))
    assert answer.status == 409 and "another notice before" in answer.body["error"]


async def test_a_report_without_end_is_cut_off(
    world: World, door: Door, notice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await door.post(report(detail="x" * (MAX_BODY - 200)))
    assert answer.status == 400 and "detail: String should have at most 2000" in answer.body["error"]
    monkeypatch.setattr(hooks, "BODY_WITHIN_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /hooks/receipts/email HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
    assert b"408" in await reader.readline()
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /hooks/receipts/email HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
    writer.write(b"x" * (MAX_BODY + 1))
    assert b"413" in await reader.readline()
    writer.close()


async def test_other_addresses_and_manners_get_an_answer_too(world: World, door: Door) -> None:
    assert (await door.post({}, method="GET")).status == 405
    assert (await door.post({}, channel="email/x")).status == 404
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReceiptDesk, "take", lambda *_: 1 / 0)
        answer = await door.post(report())
    assert answer == (500, {"error": "it cannot be taken now: send it again"})


async def test_a_port_that_is_taken_is_tried_until_it_is_free(world: World, door: Door) -> None:
    settings = HookSettings(port=door.port, secret=SecretStr(SECRET))
    second = asyncio.create_task(server.listen(hooks_app(ReceiptDesk(world.service), settings.secret, "x"), settings))
    await asyncio.sleep(0.1)
    assert not second.done()
    second.cancel()
    with suppress(asyncio.CancelledError):
        await second
