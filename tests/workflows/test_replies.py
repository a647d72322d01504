"""What comes back is filed to its case, noted with its notice, or left to a person; twice changes nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from activities.correspondence import Correspondence
from activities.evidence.replies import ReplyCheck
from activities.tables import REPLIES
from gateway.errors import Unreachable
from gateway.replies.filing import MAX_A_DAY, Filed, ReplyDesk
from gateway.replies.inbox import from_imap, sweep, watch
from gateway.replies.reading import MAX_BYTES
from models import events as e
from models import ids
from tests.cases import after_due, after_step, day, on, policy, step
from tests.imap_server import ImapServer
from tests.incoming import DEBTOR, answer, delivery_report, read_receipt
from tests.workflows.world import NUMBER, World


@pytest.fixture
def desk(world: World) -> ReplyDesk:
    return ReplyDesk(world.service)


@pytest.fixture
async def notice(world: World) -> str:
    """A reminder that went out to the debtor of invoice 0017: its Message-ID."""
    await world.start()
    await world.pass_until(day(2))
    return world.mail.letters[-1].message_id


def case_of(number: str = "0017") -> str:
    return ids.case_id("ACME", number)


async def filed(world: World, desk: ReplyDesk, content: bytes, **options: Any) -> Filed:
    await world.now()
    result = await desk.file(content, **options)
    await world.settle()
    return result


async def test_an_answer_is_told_to_its_case_and_is_a_task_with_the_text(
    world: World, desk: ReplyDesk, notice: str
) -> None:
    content = answer("We pay on Friday.\n\n> Please pay", to=notice)
    told = await filed(world, desk, content)
    assert (told.result, told.kind, told.cases, told.notice) == ("filed", "reply", (case_of(),), notice)
    case = await world.case()
    assert "debtor_replied" in case.happened
    (task,) = (t for t in case.tasks if t.kind == "reply")
    assert task.text.endswith("We pay on Friday.")
    assert world.open_tasks() == [task.id]
    archived = desk.folder.archived(told.sha256)
    assert archived == content
    (stored,) = Correspondence(world.ledger.engine).listed(case_id=case_of())
    assert (stored.sender, stored.text, stored.status) == (DEBTOR, "We pay on Friday.", "filed")


async def test_a_mail_that_vanished_from_the_list_is_missed_by_the_case_that_was_told_of_it(
    world: World, desk: ReplyDesk, notice: str
) -> None:
    def findings() -> list[tuple[str, str | None]]:
        check = ReplyCheck(world.ledger.engine, desk.folder.archived)
        return [(finding.what, finding.case_id) for finding in check.findings()]

    await filed(world, desk, answer(to=notice))
    await filed(world, desk, answer("", to=notice, message_id="<r2@buyer.example>"))
    await filed(world, desk, delivery_report(original=notice))
    assert findings() == []
    with world.ledger.engine.begin() as connection:
        connection.execute(sa.update(REPLIES).where(REPLIES.c.kind == "reply").values(text="We never pay."))
    assert findings() == [("changed_reply", case_of())] * 2
    with world.ledger.engine.begin() as connection:
        connection.execute(sa.delete(REPLIES))
    assert findings() == [("missing_reply", case_of())] * 3


async def test_the_same_mail_twice_or_by_another_way_changes_nothing(
    world: World, desk: ReplyDesk, notice: str
) -> None:
    await filed(world, desk, answer(to=notice))
    before = (await world.case()).sequence
    again = await filed(world, desk, answer(to=notice))
    delivered_twice = await filed(world, desk, b"Received: from elsewhere\r\n" + answer(to=notice))
    assert {again.result, delivered_twice.result} == {"unchanged"}
    assert (await world.case()).sequence == before


@pytest.mark.parametrize(
    "other", [{"text": "We dispute it."}, {"text": "We pay on Friday.", "sender": f"other-{DEBTOR}"}]
)
async def test_another_mail_under_a_known_message_id_waits_for_a_person_and_is_not_lost(
    world: World, desk: ReplyDesk, notice: str, other: dict[str, str]
) -> None:
    await filed(world, desk, answer(to=notice))
    content = answer(to=notice, **other)
    waiting = await filed(world, desk, content)
    assert waiting.result == "unfiled" and "is that of another mail" in waiting.reason
    assert DEBTOR in waiting.reason and [mail.sha256 for mail in desk.unfiled()] == [waiting.sha256]
    for again in (content, b"Received: from elsewhere\r\n" + content):
        assert (await filed(world, desk, again)).result == "unchanged"
    assert (await filed(world, desk, content, invoice="0017")).result == "filed"
    assert (await filed(world, desk, content)).result == "unchanged" and desk.unfiled() == []
    assert len([task for task in (await world.case()).tasks if task.kind == "reply"]) == 2


async def test_an_answer_answers_an_unanswered_step(world: World, desk: ReplyDesk) -> None:
    rules = policy(step("letter", after_due(1)), step("call", after_step("letter", 7, unanswered=True), "call"))
    await world.start(rules)
    await world.pass_until(day(2))
    await filed(world, desk, answer(to=world.mail.letters[-1].message_id))
    await world.pass_until(day(20))
    assert [name for name, _ in await world.steps()] == ["letter"]


async def test_out_of_office_is_noted_and_answers_nothing(world: World, desk: ReplyDesk) -> None:
    rules = policy(step("letter", after_due(1)), step("call", after_step("letter", 7, unanswered=True), "call"))
    await world.start(rules)
    await world.pass_until(day(2))
    notice = world.mail.letters[-1].message_id
    noted = await filed(world, desk, answer("Back on Monday.", subject="Automatic reply", to=notice))
    assert (noted.result, noted.kind) == ("filed", "auto_reply")
    assert [r.kind for r in Correspondence(world.ledger.engine).receipts(notice)] == ["auto_reply"]
    await world.pass_until(day(20))
    assert [name for name, _ in await world.steps()] == ["letter", "call"]


async def test_a_bounce_marks_the_notice_and_tells_the_case_that_the_contact_is_lost(
    world: World, desk: ReplyDesk, notice: str
) -> None:
    bounced = await filed(world, desk, delivery_report(original=notice))
    assert (bounced.result, bounced.kind) == ("filed", "bounced")
    (task,) = (t for t in (await world.case()).tasks if t.kind == "contact_lost")
    assert DEBTOR in task.text and "5.1.1" in task.text and "no such user" in task.text
    (lost,) = (m for m in world.ledger.told("ACME", NUMBER, only_money=False) if isinstance(m, e.ContactLost))
    assert lost.notice == notice and notice in {done.notice for done in (await world.case()).performed}
    ledger = Correspondence(world.ledger.engine)
    assert ledger.bounced("ACME", "email", DEBTOR)
    assert [r.kind for r in ledger.receipts(notice)] == ["bounced"]
    assert (await filed(world, desk, delivery_report(original=notice))).result == "unchanged"


async def test_a_bounce_that_returns_no_message_id_is_filed_by_the_case_it_names(
    world: World, desk: ReplyDesk, notice: str
) -> None:
    told = await filed(world, desk, delivery_report(original="", case=case_of()))
    assert (told.result, told.cases, told.notice) == ("filed", (case_of(),), None)
    assert [t.kind for t in (await world.case()).tasks] == ["contact_lost"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (("delayed", "4.4.1"), "delayed"),
        (("delivered", "2.0.0"), "delivered"),
        ("displayed", "read"),
        ("deleted", "deleted"),
    ],
)
async def test_a_receipt_is_proof_kept_with_the_notice_and_no_more(
    world: World, desk: ReplyDesk, notice: str, content: Any, kind: str
) -> None:
    before = (await world.case()).sequence
    mail = read_receipt(content, notice) if isinstance(content, str) else delivery_report(*content, original=notice)
    assert (await filed(world, desk, mail)).kind == kind
    (receipt,) = Correspondence(world.ledger.engine).receipts(notice)
    assert receipt.kind == kind and desk.folder.archived(receipt.sha256) == mail
    assert (await world.case()).sequence == before
    assert not Correspondence(world.ledger.engine).bounced("ACME", "email", DEBTOR)


@pytest.mark.parametrize(
    "text", ["Invoice 0017 is paid.", "see invoice/ACME/0017", "发票0017已付款", "Rechnung Nr. 0017: bezahlt"]
)
async def test_a_new_mail_of_a_known_buyer_is_filed_by_the_invoice_it_names(
    world: World, desk: ReplyDesk, notice: str, text: str
) -> None:
    assert (await filed(world, desk, answer(text, to=None))).cases == (case_of(),)


@pytest.mark.parametrize(
    "to",
    [
        '"Acme Ltd, 0017" <a@acme.example>',
        "Acme Ltd, 0017 <a@acme.example>",
        "Kai <k@x.example>, A, 0017 <a@b.example>",
    ],
)
async def test_a_mail_to_the_address_that_bears_the_invoice_s_number_is_filed_by_it(
    world: World, desk: ReplyDesk, notice: str, to: str
) -> None:
    content = answer("The money comes on Friday.", to=None, subject="Your message")
    named = content.replace(b"To: receivables@acme.example", f"To: {to}".encode())
    assert (await filed(world, desk, named)).cases == (case_of(),)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"text": "Call me in 0017 days, order 20017, INV-0017-2"}, "names none of their invoices (open: 0017)"),
        ({"text": "Invoice 0017 is paid.", "sender": "x@stranger.example"}, "written to at x@stranger.example"),
        ({"text": "hello", "to": "<other@arrears.invalid>"}, "names none of their invoices"),
    ],
)  # fmt: skip
async def test_a_mail_that_no_case_is_found_for_waits_for_a_person_who_files_it_by_hand(
    world: World, desk: ReplyDesk, notice: str, options: dict[str, str], reason: str
) -> None:
    content = answer(**{"to": None, **options})  # type: ignore[arg-type]
    waiting = await filed(world, desk, content)
    assert waiting.result == "unfiled" and reason in waiting.reason
    pile = Path(world.service.settings.data_dir) / "replies" / "unfiled"
    assert {p.suffix for p in pile.iterdir()} == {".eml", ".txt"}
    assert [mail.sha256 for mail in desk.unfiled()] == [waiting.sha256]
    assert "debtor_replied" not in (await world.case()).happened

    assert (await filed(world, desk, content, invoice="0017")).result == "filed"
    assert "debtor_replied" in (await world.case()).happened
    assert desk.unfiled() == [] and list(pile.iterdir()) == []


async def test_a_mail_can_be_put_away(world: World, desk: ReplyDesk, notice: str) -> None:
    content = answer("Buy shoes!", to=None, sender="x@shoes.example")
    await filed(world, desk, content)
    assert (await desk.dismiss(content)).result == "ignored"
    assert desk.unfiled() == []
    assert (await desk.dismiss(b"From: a@b.example\r\n\r\nother")).result == "refused"


async def test_an_answer_to_a_case_that_is_closed_waits_for_a_person(
    world: World, desk: ReplyDesk, notice: str
) -> None:
    await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(2))
    late = await filed(world, desk, answer("You were paid twice!", to=notice))
    assert late.result == "unfiled" and "closed" in late.reason


async def test_the_agencys_answer_is_not_the_debtors(world: World, desk: ReplyDesk) -> None:
    await world.start(policy(step("referral", after_due(1), "referral")))
    await world.pass_until(day(2))
    sent = world.mail.letters[-1].message_id
    told = await filed(world, desk, answer("We took the file on.", to=sent, sender="desk@agency.example"))
    assert told.result == "unfiled" and "answers the referral" in told.reason
    assert "debtor_replied" not in (await world.case()).happened


async def test_a_machine_gone_wild_is_not_listened_to(world: World, desk: ReplyDesk, notice: str) -> None:
    results = []
    for n in range(2 * MAX_A_DAY + 3):
        last = await desk.file(answer(f"ping {n}", to=notice, message_id=f"<{n}@buyer.example>"))
        results.append(last.result)
    assert results == ["filed"] * MAX_A_DAY + ["unfiled"] * MAX_A_DAY + ["ignored"] * 3
    assert (last.result, last.kind) == ("ignored", "loop") and "mail loop" in last.reason
    waiting = desk.unfiled()
    assert len(waiting) == MAX_A_DAY and "20 mails in 24 hours" in waiting[0].reason
    one_more = await filed(world, desk, answer("ping 20", to=notice, message_id="<20@buyer.example>"), invoice="0017")
    assert one_more.result == "filed"
    replies = [task for task in (await world.case()).tasks if task.kind == "reply"]
    assert len(replies) == MAX_A_DAY + 1


async def test_our_own_mail_coming_back_is_ignored(world: World, desk: ReplyDesk, notice: str) -> None:
    ours = world.mail.letters[-1].message.as_bytes()
    assert (await filed(world, desk, ours)).result == "ignored"
    assert (await filed(world, desk, answer(to=notice, sender="receivables@acme.example"))).result == "ignored"


async def test_what_was_cut_off_before_the_case_was_told_goes_on(
    world: World, desk: ReplyDesk, notice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: Any) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patch:
        patch.setattr(world.service, "tell", killed)
        with pytest.raises(ConnectionAbortedError):
            await desk.file(answer(to=notice))
    assert "debtor_replied" not in (await world.case()).happened
    assert (await filed(world, desk, answer(to=notice))).result == "filed"
    assert "debtor_replied" in (await world.case()).happened


# --- the ways in --------------------------------------------------------------------------------------------------


async def test_the_drop_folder_is_emptied(world: World, desk: ReplyDesk, notice: str) -> None:
    inbox = desk.folder.inbox
    inbox.mkdir(parents=True)
    (inbox / "1.eml").write_bytes(answer(to=notice))
    (inbox / "2.EML").write_bytes(b"\x00 no mail")
    (inbox / "3.eml").write_bytes(b"Subject: x\r\n\r\n" + b"x" * MAX_BYTES)
    (inbox / "notes.txt").write_text("stays")
    (inbox / ".4.eml").write_bytes(b"being written")
    (inbox / "5.eml").symlink_to("/etc/passwd")
    await world.now()
    results = {arrival.origin: arrival.filed.result for arrival in await sweep(desk, None)}
    await world.settle()
    assert results == {"1.eml": "filed", "2.EML": "refused", "3.eml": "refused"}
    assert sorted(p.name for p in inbox.iterdir()) == [".4.eml", "5.eml", "notes.txt"]
    assert [p.name for p in (desk.folder.path / "done").iterdir()] == ["1.eml"]
    refused = desk.folder.path / "refused"
    assert "at most 10 MB" in (refused / "3.reason.txt").read_text()
    assert "no mail" in (refused / "2.reason.txt").read_text()


async def test_a_mail_that_cannot_be_filed_now_does_not_keep_the_others_waiting(
    world: World, desk: ReplyDesk, notice: str, mailbox: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = answer("strange", to=notice, message_id="<0@buyer.example>")
    others = [answer(f"{n}", to=notice, message_id=f"<{n}@buyer.example>") for n in (1, 2)]
    desk.folder.inbox.mkdir(parents=True)
    (desk.folder.inbox / "0.eml").write_bytes(strange)
    (desk.folder.inbox / "1.eml").write_bytes(others[0])
    mailbox.put(strange, others[1])
    await world.now()
    file = desk.file

    async def sometimes(raw: bytes, invoice: str | None = None) -> Filed:
        if raw == strange:
            raise OSError(28, "No space left on device")
        return await file(raw, invoice)

    with monkeypatch.context() as patch:
        patch.setattr(desk, "file", sometimes)
        with pytest.raises(OSError, match="No space left"):
            await sweep(desk, mailbox.settings())
    await world.settle()
    assert [t.text.rpartition(": ")[2] for t in (await world.case()).tasks] == ["1", "2"]
    assert [path.name for path in desk.folder.waiting()] == ["0.eml"] and mailbox.unseen() == 1

    await sweep(desk, mailbox.settings())
    await world.settle()
    assert len((await world.case()).tasks) == 3
    assert desk.folder.waiting() == [] and mailbox.unseen() == 0


async def test_where_nobody_answers_the_third_mail_in_a_row_is_the_last_that_is_tried(
    world: World, desk: ReplyDesk, notice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.folder.inbox.mkdir(parents=True)
    for n in range(9):
        (desk.folder.inbox / f"{n}.eml").write_bytes(answer(f"{n}", to=notice, message_id=f"<{n}@buyer.example>"))
    tried = []

    async def away(*given: Any) -> None:
        tried.append(given)
        raise Unreachable("the Temporal server did not answer")

    monkeypatch.setattr(world.service, "tell", away)
    with pytest.raises(Unreachable):
        await sweep(desk, None)
    assert len(tried) == 3 and len(desk.folder.waiting()) == 9


async def test_two_mails_of_one_name_are_both_kept(world: World, desk: ReplyDesk, notice: str) -> None:
    inbox = desk.folder.inbox
    inbox.mkdir(parents=True)
    for n in (1, 2):
        (inbox / "mail.eml").write_bytes(answer(f"{n}", to=notice, message_id=f"<{n}@b.example>"))
        await sweep(desk, None)
    assert len(list((desk.folder.path / "done").iterdir())) == 2


async def test_a_file_that_is_still_written_is_left_for_the_next_look(world: World, desk: ReplyDesk) -> None:
    desk.folder.inbox.mkdir(parents=True)
    (desk.folder.inbox / "1.eml").write_bytes(b"From: half")
    assert await sweep(desk, None, settled_s=60) == []


@pytest.fixture
async def mailbox() -> AsyncIterator[ImapServer]:
    server = ImapServer()
    yield server
    await asyncio.to_thread(server.close)


async def test_the_mailbox_is_emptied_and_a_break_in_the_middle_loses_nothing(
    world: World, desk: ReplyDesk, notice: str, mailbox: ImapServer
) -> None:
    mailbox.put(answer(to=notice), b"garbage", delivery_report(original=notice))
    await world.now()
    mailbox.break_off_at = "UID STORE 1"
    with pytest.raises(Exception, match="cannot be read"):
        await sweep(desk, mailbox.settings())
    arrivals = [arrival async for arrival in from_imap(desk, mailbox.settings())]
    await world.settle()
    assert [arrival.filed.result for arrival in arrivals] == ["unchanged", "refused", "filed"]
    assert mailbox.unseen() == 0
    assert [p.read_bytes() for p in (desk.folder.path / "refused").glob("*.eml")] == [b"garbage"]
    assert {t.kind for t in (await world.case()).tasks} == {"reply", "contact_lost"}


async def test_the_watch_goes_on_whatever_happens(
    world: World, desk: ReplyDesk, notice: str, mailbox: ImapServer
) -> None:
    mailbox.put(answer(to=notice))
    mailbox.break_off_at = "LOGIN"
    await world.now()
    watching = asyncio.create_task(watch(desk, mailbox.settings(), every_s=0.01))
    async with asyncio.timeout(20):
        while mailbox.unseen():
            await asyncio.sleep(0.01)
    watching.cancel()
    await world.settle()
    assert "debtor_replied" in (await world.case()).happened
