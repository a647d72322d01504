"""A small world around real workflows: server, worker, ledger, mail server, and a business calendar that can pass.

Everything is the real thing but the passing of time: the server skips it whenever nothing is under way.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
import yaml
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import WorkflowHandle
from temporalio.common import RawValue
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.evidence.verify import Verification
from activities.ledger import EVENTS
from activities.tables import DEPARTED, NOTICE_STEPS, NOTICES
from gateway.connection import open_ledger, register_search_attributes
from gateway.creditor_files import add_creditor
from gateway.policy_files import load_policy
from gateway.service import Opened, Opening, Service, Told
from gateway.terms import NO_TERMS, Terms
from models import events as e
from models import ids
from models.case import Case
from models.clock import CaseClock
from models.invoice import Invoice
from models.policy import Policy
from models.settings import Settings, SmtpSettings
from tests.cases import day, invoice
from tests.workflows.mail_server import MailServer
from worker import build_worker
from workflows.invoice_case import InvoiceCase

NUMBER = "0017"
"""The invoice that a test speaks of when it names none."""

BEGIN = day(-10, 0)
"""Where the calendar of a world begins, unless a test says otherwise."""

MOMENT = timedelta(seconds=1)

PATIENCE = 30.0
"""Seconds in which a server that skips no time has to come to an end."""


class World:
    """What a test can do and see. Instants are business instants, on the one calendar of this world."""

    def __init__(self, env: WorkflowEnvironment, service: Service, mail: MailServer, clock: CaseClock) -> None:
        self.env = env
        self.service = service
        self.ledger = service.ledger
        self.mail = mail
        self.clock = clock
        self.case_ids: list[str] = []
        self.first_runs: dict[str, str] = {}
        self._wall = clock.wall
        self._messages = 0
        self._at_work: Worker | None = None

    # --- the worker -----------------------------------------------------------------------------------------------

    async def work(self) -> None:
        """A worker comes and takes what there is to do."""
        worker = build_worker(self.service.client, self.ledger, self.service.settings)
        await worker.__aenter__()
        self._at_work = worker

    async def rest(self) -> None:
        """The worker goes; nobody is there."""
        worker, self._at_work = self._at_work, None
        if worker is not None:
            await worker.__aexit__(None, None, None)
            executor = worker.config(active_config=True).get("activity_executor")
            if isinstance(executor, Executor):
                executor.shutdown()

    # --- time -----------------------------------------------------------------------------------------------------

    @property
    def wall(self) -> datetime:
        """The server's time when it was last looked at."""
        return self._wall

    async def now(self) -> datetime:
        self._wall = await self.env.get_current_time()
        return self.clock.at(self._wall)

    def begin_at(self, instant: datetime) -> None:
        """Begin the calendar elsewhere; before anything has happened."""
        self.clock = self.clock.but(business=instant)

    async def pass_until(self, instant: datetime) -> None:
        """Let time pass, with everything that falls due on the way; what is under way is finished first.

        A moment more passes, because a timer for that very instant fires a few milliseconds later. Were something
        told to its case just then, the server that skips time could lose the case: it refuses a task that cancels
        a timer fired meanwhile, and never sends it again (temporalio/sdk-java#3088).
        """
        now = await self.now()
        assert now <= instant, f"it is {now} already"
        await self.env.sleep(self.clock.delay(self._wall, instant))
        await self.settle()

    async def settle(self) -> None:
        """Let everything that is under way come to its end: a server that skips time skips none before that."""
        if self.env.supports_time_skipping:
            await self.env.sleep(MOMENT)
            deadline = time.monotonic() + PATIENCE
            # While something is under way a moment passes as on the wall: a loaded machine needs more of them.
            while self._at_work and await self._under_way() and time.monotonic() < deadline:
                await self.env.sleep(MOMENT)
        await self.now()

    async def _under_way(self) -> bool:
        """Whether a case waits for a worker's hands."""
        server, namespace = self.service.client.workflow_service, self.service.client.namespace
        for case_id in self.case_ids:
            of = DescribeWorkflowExecutionRequest(namespace=namespace, execution=WorkflowExecution(workflow_id=case_id))
            if (await server.describe_workflow_execution(of)).pending_activities:
                return True
        return False

    async def until(self, comes_true: Callable[[Case], bool], number: str = NUMBER) -> Case:
        """The case, once something has become true of it and the ledger knows; for a server that skips no time."""
        deadline = time.monotonic() + PATIENCE
        while True:
            case = await self.case(number)
            known = self.ledger.rebuild(case.id)
            if comes_true(case) and not self._differ(case, known):
                return case
            assert time.monotonic() < deadline, f"it did not come true: {self._differ(case, known)}"
            await asyncio.sleep(0.05)

    @staticmethod
    def _differ(case: Case, known: Case | None) -> dict[str, Any]:
        """Where the ledger tells another story, for the message of a failed test."""
        other = dict(known or {})
        return {name: (value, other.get(name)) for name, value in case.but(journal=()) if other.get(name) != value}

    # --- what reaches a case --------------------------------------------------------------------------------------

    async def start(
        self, rules: Policy | str = "plain", factor: float = 1, terms: Terms = NO_TERMS, **fields: Any
    ) -> Opened:
        """Start a case now, for the invoice of tests/cases.py with `fields`."""
        debtor = {"contact": {"email": "debtor@buyer.example"}}
        return await self.pursue(invoice(**{"number": NUMBER, "buyer": debtor, **fields}), rules, factor, terms)

    async def pursue(
        self, pursued: Invoice, rules: Policy | str = "plain", factor: float = 1, terms: Terms = NO_TERMS
    ) -> Opened:
        """Start a case now."""
        pinned = load_policy(rules) if isinstance(rules, str) else rules
        at, clock = await self.now(), self.clock
        if factor != 1:
            # In time-lapse each case has a calendar of its own, that begins when it starts.
            at, clock = clock.business, CaseClock(wall=self.wall, business=clock.business, factor=factor)
        result = (await self.service.start([Opening(pursued, pinned, clock, at, terms=terms)]))[0]
        if result.result == "accepted":
            self.case_ids.append(pursued.case_id)
            self.first_runs[pursued.case_id] = await self.run_id(pursued.number, pursued.creditor)
        if self._at_work:
            await self.settle()
        return result

    def add_creditor(self, content: dict[str, Any]) -> None:
        """Set a creditor up, as an operator would."""
        file = Path(self.service.settings.data_dir) / "creditor.yaml"
        file.write_text(yaml.safe_dump(content))
        add_creditor(file, self.service.settings.data_dir)

    def message(self, kind: type[e.Message], **body: Any) -> e.Message:
        """A message with a reference of its own, unless `body` gives one."""
        self._messages += 1
        return kind.model_validate({"id": f"M-{self._messages}", "by": "anna", **body})

    async def tell(
        self, kind: type[e.Message], number: str = NUMBER, creditor: str = "ACME", **body: Any
    ) -> Told:  # fmt: skip
        """Tell a case a message through the front door, and wait for its answer."""
        await self.now()
        told = await self.service.tell(creditor, number, self.message(kind, **body))
        await self.settle()
        return told

    async def signal(self, name: str, *arguments: Any, number: str = NUMBER) -> None:
        """Signal a case, as the Temporal UI or a simple integration would."""
        await self.handle(number).signal(name, args=list(arguments))
        if self._at_work:
            await self.settle()

    # --- what can be seen -----------------------------------------------------------------------------------------

    def handle(self, number: str = NUMBER, creditor: str = "ACME") -> WorkflowHandle[Any, Any]:
        return self.service.client.get_workflow_handle(ids.case_id(creditor, number))

    async def case(self, number: str = NUMBER, creditor: str = "ACME") -> Case:
        return cast(Case, await self.handle(number, creditor).query(InvoiceCase.case))

    async def run_id(self, number: str = NUMBER, creditor: str = "ACME") -> str:
        """Which run of the workflow is the present one."""
        history = await self.handle(number, creditor).fetch_history()
        return history.events[0].workflow_execution_started_event_attributes.original_execution_run_id

    async def show(self, number: str = NUMBER) -> dict[str, Any]:
        return await self.service.show("ACME", number)

    async def steps(self, number: str = NUMBER) -> list[tuple[str, datetime]]:
        """What was performed and when, to the minute of the calendar."""
        case = await self.case(number)
        return [(done.step, done.performed_at.replace(second=0, microsecond=0)) for done in case.performed]

    def head(self, number: str = NUMBER) -> Any:
        """The case as the ledger lists it."""
        return self.ledger.find(number, "ACME")[0]

    def open_tasks(self, number: str = NUMBER) -> list[str]:
        return [row.task for row in self.ledger.tasks(ids.case_id("ACME", number))]

    # --- what must hold after every story ---------------------------------------------------------------------------

    async def audit(self) -> None:
        """Every case is the fold of its events in the ledger, and what left is there exactly once."""
        await self.settle()
        for case_id in self.case_ids:
            creditor, number = ids.split_case_id(case_id)
            case = await self.case(number, creditor)
            known = self.ledger.rebuild(case_id)
            if case.closed and known is not None and known.sequence > case.sequence:
                case = known  # What came after the close, the ledger alone has seen.
            assert not (differ := self._differ(case, known)), f"{case_id}: {differ}"
            assert len(self.events(case_id)) == case.sequence - 1
            done = [(d.step, d.occurrence) for d in case.performed]
            assert len(done) == len(set(done)), f"{case_id}: a step was performed twice"
            head = self.ledger.find(number, creditor)[0]
            assert (head.sequence, head.stage, head.closed) == (case.sequence, case.stage, case.closed)
        arrived = [letter.message_id for letter in self.mail.letters]
        assert len(arrived) == len(set(arrived)), "a letter was sent twice"
        assert set(arrived) == set(sent := self._sent()), "mail and ledger differ"
        for message_id, keys in sent.items():
            # What serves one buyer may bear the name of a step that was settled before it left.
            steps = {key.removeprefix(case_id) for key in keys for case_id in self.case_ids}
            names = {ids.mail_message_id(case_id + step) for case_id in self.case_ids for step in steps}
            assert message_id in names, f"{message_id} serves {keys}"
        later = datetime.now(UTC) + timedelta(days=1)  # when nothing is under way any more
        assert [str(fault) for fault in Verification(self.ledger.engine, later).findings()] == []

    def _sent(self) -> dict[str, list[str]]:
        """The mails that left, each with the keys it serves."""
        query = sa.select(NOTICE_STEPS).join(NOTICES, NOTICES.c.message_id == NOTICE_STEPS.c.message_id)
        found: dict[str, list[str]] = {}
        with self.ledger.engine.connect() as connection:
            mailed = query.where(NOTICES.c.channel == "email", NOTICES.c.status.in_(DEPARTED))
            for row in connection.execute(mailed):
                found.setdefault(row.message_id, []).append(row.key)
        return found

    def events(self, case_id: str) -> list[e.Event]:
        """The events of a case after its opening, from a chain that holds."""
        mine = sa.select(EVENTS).where(EVENTS.c.case_id == case_id).order_by(EVENTS.c.sequence)
        with self.ledger.engine.connect() as connection:
            rows = list(connection.execute(mine))
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        previous = ""
        for row in rows:
            assert row.previous == previous
            previous = row.hash
            assert previous == ids.digest(f"{row.previous}\n{case_id}\n{row.sequence}\n{row.content}")
        return [e.read_event(row.content) for row in rows[1:]]


def raw(content: str | bytes, encoding: str = "json/plain") -> RawValue:
    """An argument exactly as given, whatever it is."""
    data = content.encode() if isinstance(content, str) else content
    return RawValue(Payload(metadata={"encoding": encoding.encode()}, data=data))


@asynccontextmanager
async def open_world(
    env: WorkflowEnvironment, folder: Path, begin: datetime = BEGIN, factor: float = 1
) -> AsyncIterator[World]:
    """A world on a server, with its files in `folder`."""
    mail = MailServer()
    settings = Settings(
        data_dir=str(folder), smtp=SmtpSettings(host="127.0.0.1", port=mail.port), allow_time_lapse=factor != 1
    )
    ledger = open_ledger(settings)
    await register_search_attributes(env.client)
    clock = CaseClock(wall=await env.get_current_time(), business=begin, factor=factor)
    now: Callable[[], datetime] = lambda: world.wall  # noqa: E731
    service = Service(settings, ledger, env.client, now)
    world = World(env, service, mail, clock)
    try:
        await world.work()
        yield world
    finally:
        await world.rest()
        ledger.engine.dispose()
        mail.down()
