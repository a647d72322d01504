"""The ledger keeps its promises on SQLite and on PostgreSQL alike."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from temporalio.client import Client

from activities.database import LedgerUnreachable, open_engine
from activities.ledger import Ledger, LedgerConflict
from activities.outbox import Outbox
from activities.tables import CASES, EVENTS, MESSAGES, NOTICES
from gateway.journal import Period, journal
from gateway.policy_files import load_policy
from gateway.service import Opening, Service
from gateway.stack.mailbox import read_mails
from models import events as e
from models import ids, view
from models.case import Case
from models.clock import CaseClock
from models.orders import StepOrder
from models.records import Numbered
from models.settings import Settings, SmtpSettings
from tests.cases import Walk, day, euros, invoice, on
from tests.e2e.command import Up
from tests.notices import an_invoice, an_order
from tests.postgres import new_database
from worker import build_worker
from workflows.invoice_case import InvoiceCase
from workflows.plugin import arrears_plugin

T = TypeVar("T")


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return new_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
def ledger(address: str) -> Iterator[Ledger]:
    """An empty ledger."""
    engine = open_engine(address)
    yield Ledger(engine)
    engine.dispose()


def at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What came of work done by so many threads in the same moment."""
    together = threading.Barrier(count, timeout=30)

    def begin(n: int) -> T:
        together.wait()
        return work(n)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(begin, range(count)))


def opened(ledger: Ledger, number: str = "0017", **fields: Any) -> Walk:
    """A case in the ledger, ten days before its due date."""
    walk = Walk(number=number, **fields)
    ledger.open_cases([(walk.case, view.head(walk.case))])
    ledger.started([walk.case.id])
    return walk


def numbered(walk: Walk) -> list[Numbered]:
    return [Numbered(sequence=n, event=event) for n, event in enumerate(walk.events, 1)]  # type: ignore[arg-type]


def chain(ledger: Ledger, case_id: str) -> list[sa.Row[Any]]:
    """The entries of a case, once it is sure that they form a chain without a gap."""
    with ledger.engine.connect() as connection:
        rows = list(
            connection.execute(sa.select(EVENTS).where(EVENTS.c.case_id == case_id).order_by(EVENTS.c.sequence))
        )
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    previous = ""
    for row in rows:
        assert row.previous == previous
        previous = row.hash
        assert previous == ids.digest(f"{row.previous}\n{case_id}\n{row.sequence}\n{row.content}")
    return rows


def payment(reference: str = "BANK-1", amount: str = "100.00 EUR", **fields: Any) -> e.PaymentReceived:
    return e.PaymentReceived.model_validate({"id": reference, "amount": amount, "received_on": on(2), **fields})


def story() -> Walk:
    """A case to which a good deal happened."""
    walk = Walk().tell(day(2), e.PaymentReceived, amount=euros(100), received_on=on(2))
    walk.tell(day(3), e.DisputeRaised, amount=euros(50), reason="scratched \u4e24\u6258\u76d8")
    walk.tell(day(8), e.HoldPlaced, reason="call").tell(day(9), e.HoldReleased)
    return walk.until(day(40))


# --- cases and their chains ---------------------------------------------------------------------------------------


def test_a_case_is_opened_once(ledger: Ledger) -> None:
    walk = Walk()
    head = view.head(walk.case)

    ledger.open_cases([(walk.case, head)])
    assert ledger.known([walk.case.id, "invoice/ACME/other"]) == {walk.case.id: (walk.case.invoice.fingerprint, False)}
    ledger.open_cases([(walk.case, head)])
    ledger.started([walk.case.id])

    assert ledger.known([walk.case.id]) == {walk.case.id: (walk.case.invoice.fingerprint, True)}
    assert ledger.known([]) == {} and ledger.invoice("invoice/ACME/other") is None
    assert ledger.invoice(walk.case.id) == walk.case.invoice
    assert len(chain(ledger, walk.case.id)) == 1
    assert (
        [row.case_id for row in ledger.find("0017")]
        == [walk.case.id]
        == [row.case_id for row in ledger.find("0017", "ACME")]
    )
    assert ledger.find("17") == ledger.find("0017", "GLOBEX") == []


def test_what_is_rebuilt_is_the_case_that_was_recorded(ledger: Ledger) -> None:
    walk = story()
    events = numbered(walk)

    # In pieces that overlap, as a workflow hands them over after a retry.
    for upto in (1, 3, 3, 7, len(events)):
        stored, conflict = ledger.record(walk.case.id, events[max(0, upto - 4) : upto], view.head(walk.case))
        assert (stored, conflict) == (upto, None)

    assert len(chain(ledger, walk.case.id)) == len(events) > 8
    assert ledger.rebuild(walk.case.id) == walk.case.but(journal=())
    assert ledger.rebuild("invoice/ACME/other") is None


def test_recording_twice_changes_nothing_and_after_a_gap_nothing_is_written(ledger: Ledger) -> None:
    walk = story()
    events, head = numbered(walk), view.head(walk.case)
    ledger.record(walk.case.id, events[:4], head)
    before = chain(ledger, walk.case.id)

    assert ledger.record(walk.case.id, events[:4], head) == (4, None)
    assert ledger.record(walk.case.id, events[6:], head) == (4, None)
    assert ledger.record(walk.case.id, [], head) == (4, None)

    assert chain(ledger, walk.case.id) == before


def test_threads_that_append_at_once_leave_no_gap_and_no_double(ledger: Ledger) -> None:
    walk = story()
    events, head = numbered(walk), view.head(walk.case)
    ledger.record(walk.case.id, events[:1], head)

    stored = at_once(8, lambda n: ledger.record(walk.case.id, events[: 2 + n * 2], head)[0])

    assert max(stored) == len(chain(ledger, walk.case.id)) == min(len(events), 16)


def test_threads_that_open_the_same_cases_at_once_open_each_once(ledger: Ledger) -> None:
    walks = [Walk(number=f"N-{n}") for n in range(20)]

    def open_all(n: int) -> None:
        mine = walks if n % 2 else walks[::-1]
        ledger.open_cases([(walk.case, view.head(walk.case)) for walk in mine])

    at_once(4, open_all)

    assert len(list(ledger.heads())) == 20
    assert all(len(chain(ledger, walk.case.id)) == 1 for walk in walks)


def test_an_older_head_does_not_replace_a_newer_one(ledger: Ledger) -> None:
    walk = opened(ledger)
    old = view.head(walk.case)
    walk.tell(day(2), e.PaymentReceived, amount=euros(100), received_on=on(2)).tell(day(3), e.ContactLost)
    new = view.head(walk.case)

    ledger.record(walk.case.id, numbered(walk), new)
    ledger.record(walk.case.id, [], old)

    (row,) = ledger.heads()
    assert (row.sequence, row.outstanding_minor, row.stage) == (new.sequence, 90000, new.stage)
    assert [task.kind for task in ledger.tasks(walk.case.id)] == ["contact_lost"]
    walk.tell(day(4), e.TaskCompleted, task="contact_lost-1")
    ledger.record(walk.case.id, numbered(walk), view.head(walk.case))
    ledger.record(walk.case.id, [], new)
    assert ledger.tasks() == [], "a task that is done does not come back"


def test_instants_come_back_as_the_utc_they_were(ledger: Ledger) -> None:
    shanghai = timezone(timedelta(hours=8))
    walk = Walk(opened=datetime(2026, 2, 1, 7, 30, 0, 123456, shanghai))
    ledger.open_cases([(walk.case, view.head(walk.case))])

    (row,) = chain(ledger, walk.case.id)
    assert row.at == datetime(2026, 1, 31, 23, 30, 0, 123456, UTC) and row.at.tzinfo is UTC
    (head,) = ledger.heads()
    assert head.next_at == day(-3) and head.next_at.tzinfo is UTC
    assert head.due == date(2026, 3, 2) and abs(datetime.now(UTC) - head.created_at) < timedelta(minutes=1)
    with pytest.raises((sa.exc.StatementError, ValueError), match="no time zone"), ledger.engine.begin() as connection:
        connection.execute(sa.update(CASES).values(next_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_heads_are_filtered_and_in_the_order_of_their_due_dates(ledger: Ledger) -> None:
    for number, due, buyer in (("a", 3, "B-1"), ("b", 1, "B-2"), ("c", 2, "B-1")):
        opened(ledger, number, due=on(due), buyer={"id": buyer})
    paid = opened(ledger, "d", due=on(0))
    paid.tell(day(1), e.Withdrawn).until(day(1))
    ledger.record(paid.case.id, numbered(paid), view.head(paid.case))

    def numbers(*filters: Any) -> list[str]:
        return [row.number for row in ledger.heads(*filters)]

    assert numbers() == ["d", "b", "c", "a"]
    assert numbers(None, "B-1") == ["d", "c", "a"]
    assert numbers("closed") == ["d"]
    assert numbers(None, None, day(2, 0)) == ["b"], "open and due before that day"


# --- messages -----------------------------------------------------------------------------------------------------


def test_a_reference_stands_for_one_content(ledger: Ledger) -> None:
    assert ledger.receive("ACME", "0017", payment()) == "stored"
    assert ledger.receive("ACME", "0017", payment(by="somebody else", at=day(3))) == "stored"
    for other in (payment(amount="100.01 EUR"), payment(amount="100.00 USD"), payment(payer="another")):
        with pytest.raises(LedgerConflict, match="'BANK-1' of ACME/0017 is in the ledger with other content"):
            ledger.receive("ACME", "0017", other)
    # Another invoice, creditor or kind of message may use it too.
    assert ledger.receive("ACME", "0018", payment(amount="1 EUR")) == "stored"
    assert ledger.receive("GLOBEX", "0017", payment(amount="1 EUR")) == "stored"
    assert ledger.receive("ACME", "0017", e.HoldPlaced(id="BANK-1")) == "stored"

    ledger.answered("ACME", "0017", payment(), "thanks")

    assert ledger.receive("ACME", "0017", payment()) == "delivered"
    assert [m.update_id for m in ledger.told("ACME", "0017")] == ["payment_received:BANK-1"], "money only"
    assert ledger.told("ACME", "0017", ["payment_received:BANK-1"]) == []
    both = ledger.told("ACME", "0017", only_money=False)
    assert [m.type for m in both] == ["payment_received", "hold_placed"]
    told = ledger.told_of(["invoice/ACME/0017", "invoice/GLOBEX/0017", "invoice/ACME/0019"])
    assert {case: len(messages) for case, messages in told.items()} == {
        "invoice/ACME/0017": 2,
        "invoice/GLOBEX/0017": 1,
    }


def test_what_was_refused_may_be_said_again_in_other_words(ledger: Ledger) -> None:
    ledger.receive("ACME", "0017", payment())
    ledger.refuse("ACME", "0017", payment(), "not now")
    assert [(row.type, row.answer) for row in ledger.refusals("ACME", "0017")] == [("payment_received", "not now")]
    assert ledger.told("ACME", "0017") == []

    assert ledger.receive("ACME", "0017", payment(amount="99.00 EUR")) == "stored"

    assert ledger.refusals("ACME", "0017") == []
    (told,) = ledger.told("ACME", "0017")
    assert isinstance(told, e.PaymentReceived) and told.amount == euros(99)


def test_threads_that_bring_the_same_message_at_once_store_it_once(ledger: Ledger) -> None:
    assert at_once(6, lambda _: ledger.receive("ACME", "0017", payment())) == ["stored"] * 6

    with ledger.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(MESSAGES)).scalar() == 1


def test_a_conflict_by_signal_is_told_and_the_journal_is_kept(ledger: Ledger) -> None:
    walk = opened(ledger)
    ledger.receive("ACME", "0017", payment())
    walk.tell(day(2), e.HoldPlaced)

    stored, conflict = ledger.record(walk.case.id, numbered(walk), view.head(walk.case), payment(amount="7 EUR"))

    assert stored == walk.case.sequence
    assert conflict is not None and "other content" in conflict
    (told,) = ledger.told("ACME", "0017")
    assert isinstance(told, e.PaymentReceived) and told.amount == euros(100)


def test_unapplied_cash_is_a_task_until_somebody_finishes_it(ledger: Ledger) -> None:
    walk = opened(ledger)
    ledger.receive("ACME", "0017", payment())
    for _ in range(2):
        assert ledger.keep("ACME", "0017", payment(), "closed", "refund 100.00 EUR")
    ledger.record(walk.case.id, [], view.head(walk.case))

    (task,) = ledger.tasks()
    assert (task.case_id, task.task, task.kind, task.text) == (
        walk.case.id, "payment_received-BANK-1", "unapplied_cash", "refund 100.00 EUR",
    )  # fmt: skip
    assert ledger.finish_task(walk.case.id, task.task)
    assert not ledger.finish_task(walk.case.id, task.task)
    assert ledger.tasks() == ledger.tasks(walk.case.id) == []


# --- the outbox and the totals ------------------------------------------------------------------------------------


def sending(ledger: Ledger, number: str = "INV-0007") -> tuple[Outbox, StepOrder, dict[str, Any]]:
    order = an_order(an_invoice(number=number), "reminder", 1)
    key = ids.step_key(order.case_id, order.step.id, order.occurrence)
    notice = {
        "message_id": ids.mail_message_id(key), "recipient": "a@buyer.example", "subject": "Reminder",
        "kind": "reminder", "language": "en", "content": b"Subject: Reminder\r\n\r\n\x00\xff",
    }  # fmt: skip
    return Outbox(ledger.engine), order, notice


def test_what_leaves_is_stored_once_and_stays_as_it_was_sent(ledger: Ledger) -> None:
    outbox, order, notice = sending(ledger)
    key = ids.step_key(order.case_id, order.step.id, order.occurrence)
    assert outbox.find(key) is None

    outbox.put(key, order, "ACME", "B-1", notice)
    outbox.put(key, order, "ACME", "B-1", notice | {"content": b"with another balance"})
    row = outbox.find(key)
    assert row is not None and (row.content, row.status, row.attempts) == (b"with another balance", "pending", 2)
    outbox.sent(notice["message_id"], "250 taken")
    outbox.put(key, order, "ACME", "B-1", notice | {"content": b"too late"})

    (sent,) = outbox.earlier(order.case_id)
    assert (sent.content, sent.status, sent.proof, sent.attempts) == (b"with another balance", "sent", "250 taken", 2)
    assert sent.sha256 == ids.digest(b"with another balance") and sent.pursued_minor == 100000
    assert abs(datetime.now(UTC) - sent.sent_at) < timedelta(minutes=1)
    assert [(row.case_id, row.step, row.occurrence) for row in ledger.sent_steps()] == [
        (order.case_id, "reminder_x", 1)
    ]


def test_workers_that_store_the_same_notice_at_once_store_it_once(ledger: Ledger) -> None:
    outbox, order, notice = sending(ledger)
    key = ids.step_key(order.case_id, order.step.id, order.occurrence)

    at_once(6, lambda _: outbox.put(key, order, "ACME", "B-1", notice))

    with ledger.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(NOTICES)).scalar() == 1


def test_totals_add_up_per_currency_stage_and_step(ledger: Ledger) -> None:
    opened(ledger, "a")
    opened(ledger, "b", amount="5000 JPY")
    large = opened(ledger, "c", amount="99999999999999.99 EUR")
    large.tell(day(1), e.Withdrawn).until(day(1))
    ledger.record(large.case.id, numbered(large), view.head(large.case))
    ledger.receive("ACME", "a", payment("1"))
    ledger.receive("ACME", "a", payment("2", "0.01 EUR"))
    ledger.receive("ACME", "b", payment("1", "7 JPY"))
    ledger.receive("ACME", "b", payment("2", "8 JPY"))
    ledger.refuse("ACME", "b", payment("2", "8 JPY"), "no")
    outbox, order, notice = sending(ledger)
    outbox.put("key", order, "ACME", "B-1", notice)

    totals = ledger.totals()
    assert totals["notices"] == {}
    outbox.sent(notice["message_id"], "250")

    totals = ledger.totals()
    assert totals["stages"] == {"not_due": 2, "closed": 1} and totals["outcomes"] == {"withdrawn": 1}
    assert {c: str(m) for c, m in totals["invoiced"].items()} == {
        "EUR": "100,000,000,000,999.99 EUR",
        "JPY": "5,000 JPY",
    }
    assert {c: str(m) for c, m in totals["received"].items()} == {"EUR": "100.01 EUR", "JPY": "7 JPY"}
    assert totals["notices"] == {"reminder_x": 1}


def test_money_that_came_before_its_case_stays_in_the_journal_while_the_case_begins(ledger: Ledger) -> None:
    today = datetime.now(UTC).date()
    period = Period(today - timedelta(days=1), today + timedelta(days=1))

    def lines() -> list[tuple[str, str, str]]:
        return [(x.invoice, x.entry.debit, x.entry.credit) for x in journal(ledger.engine, period)]

    ledger.receive("ACME", "early", payment("1"))
    before = lines()
    opened(ledger, "early")
    assert lines() == before == [("early", "bank_clearing", "unapplied_cash")]

    ledger.receive("ACME", "early", payment("2"))
    assert lines() == before, "what comes to a running case is booked as the case takes it"


# --- opening it ---------------------------------------------------------------------------------------------------


def test_processes_that_open_it_at_once_all_find_their_tables(address: str) -> None:
    engines = at_once(4, lambda _: open_engine(address))

    assert [list(Ledger(engine).heads()) for engine in engines] == [[]] * 4
    for engine in engines:
        engine.dispose()


def test_a_database_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for address, shown in (
        ("postgresql://anna:secret@127.0.0.1:1/arrears", r"anna:\*\*\*@127.0.0.1:1"),
        (f"sqlite:///{tmp_path}/file/ledger.db", "file/ledger.db"),
    ):
        with pytest.raises(LedgerUnreachable, match=shown) as refusal:
            open_engine(address)
        assert "secret" not in str(refusal.value)


# --- a whole case -------------------------------------------------------------------------------------------------


async def test_a_case_climbs_its_ladder_over_a_ledger_on_postgresql(
    stack: Up, postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        data_dir=str(tmp_path), ledger_url=new_database(postgres_url), task_queue="on-postgresql",
        allow_time_lapse=True, smtp=SmtpSettings(host=stack.state.smtp_host, port=stack.state.smtp_port),
    )  # fmt: skip
    ledger = Ledger(open_engine(settings.ledger))
    client = await Client.connect(stack.state.temporal_address, plugins=[arrears_plugin()])
    service = Service(settings, ledger, client)
    mine = [invoice(number=f"PG-{n}", buyer={"contact": {"email": "debtor@buyer.example"}}) for n in range(3)]
    # A hundred days in two seconds.
    clock = CaseClock(wall=datetime.now(UTC), business=day(-4, 0), factor=50 * 86_400)
    worker = build_worker(client, ledger, settings)
    async with worker:
        await service.tell("ACME", "PG-1", payment("early"))
        results = await service.start([Opening(i, load_policy("plain"), clock, clock.business) for i in mine])
        assert [result.result for result in results] == ["accepted"] * 3
        async with asyncio.timeout(40):
            while {row.stage for row in ledger.heads()} != {"claimed"}:
                await asyncio.sleep(0.05)
        told = await service.tell("ACME", "PG-2", payment("all", "1000 EUR"))
        assert "the case is closed (paid)" in told.text
        cases: list[Case] = await asyncio.gather(
            *(client.get_workflow_handle(i.case_id).query(InvoiceCase.case) for i in mine)
        )
    executor = worker.config(active_config=True).get("activity_executor")
    assert isinstance(executor, Executor)
    await asyncio.to_thread(executor.shutdown)

    sent = {mail.message_id for mail in read_mails(stack.folder / "mail")}
    for case in cases:
        assert [done.step for done in case.performed] == [step.id for step in case.policy.steps]
        assert {done.notice for done in case.performed} <= sent
        assert len(chain(ledger, case.id)) == case.sequence
        assert ledger.rebuild(case.id) == case.but(journal=())
    assert ledger.totals()["notices"] == {step.id: 3 for step in cases[0].policy.steps}
    assert str(cases[1].outstanding) == "900.00 EUR"
    ledger.engine.dispose()
