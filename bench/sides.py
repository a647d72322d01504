"""The two sides: ours, through the doors that everybody uses, and the bare engine; each does the same when asked."""

import asyncio
import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from activities.database import reading
from activities.tables import CASES, EVENTS, NOTICE_STEPS
from bench.bare import Bare, Shape
from bench.ground import Ground
from gateway.connection import open_ledger
from gateway.intake.entries import Accepted
from gateway.intake.invoices import InvoiceFile
from gateway.openings import Lapse, Openings
from gateway.policy_files import load_policy
from gateway.receiving import BATCH
from gateway.service import STARTS_AT_ONCE, Opening, Service, batches
from models import events as e
from models import ids
from models.changes import open_case
from models.clock import CaseClock
from models.entry import calendar
from models.invoice import Invoice
from models.money import Money

CREDITOR = "ACME"
DUE = date(2026, 3, 2)
BEGIN = datetime.combine(DUE - timedelta(days=4), clock_time(0), UTC)
"""Where a ladder is started: at due − 4 days."""
LADDER = timedelta(days=94, hours=9)
"""From there to the last step of `plain`."""
TODAY = datetime.now(UTC).date()
FAR = TODAY + timedelta(days=60)
"""A due date whose ladder no benchmark will see."""


@dataclass(frozen=True)
class Pace:
    """How fast the ladder of a case runs, and where it begins."""

    due: date = FAR
    begin: datetime | None = None
    """Business time at the start; None is now."""
    factor: float = 1.0

    @classmethod
    def ladder_in(cls, seconds: float) -> "Pace":
        """The whole ladder of `plain` in so many seconds."""
        return cls(due=DUE, begin=BEGIN, factor=LADDER.total_seconds() / seconds)

    def clock(self, now: datetime) -> CaseClock:
        """The clock of a case that is started now."""
        return CaseClock(wall=now, business=self.begin or now, factor=self.factor)


class Side(Protocol):
    """Whoever's turn it is, on a task queue of its own."""

    kind: str
    queue: str

    async def start(self, names: Sequence[str], pace: Pace) -> None:
        """Start cases."""

    async def start_file(self, file: Path) -> None:
        """Start cases from a file, as the command does."""

    async def tell(self, name: str, nth: int) -> None:
        """Report a payment to a case."""

    def performed(self) -> int:
        """How many steps were carried out on this side, ever."""

    def finished(self) -> int:
        """How many of them were the last of their case."""


def invoice(name: str, due: date) -> Invoice:
    """An invoice like any other."""
    buyer = {
        "id": f"B-{name}", "name": f"Buyer {name}", "country": "DE",
        "contact": {"email": f"{name.lower()}@buyers.example", "language": "en"},
    }  # fmt: skip
    content = {
        "creditor": CREDITOR, "number": name, "buyer": buyer, "amount": "1234.50 USD",
        "issued": due - timedelta(days=30), "due": due,
    }  # fmt: skip
    return Invoice.model_validate(content)


def write_file(file: Path, names: Sequence[str]) -> None:
    """The same invoices as a file in the canonical format."""
    with file.open("w", encoding="utf-8") as stream:
        stream.write("creditor,number,buyer_id,buyer_name,country,email,currency,amount,issued,due\n")
        for name in names:
            who = f"{CREDITOR},{name},B-{name},Buyer {name},DE,{name.lower()}@buyers.example"
            stream.write(f"{who},USD,1234.50,{FAR - timedelta(days=30)},{FAR}\n")


class Ours:
    """Through the service layer: ledger, server, ledger."""

    kind = "ours"

    def __init__(self, ground: Ground, queue: str) -> None:
        """On a task queue of its own."""
        self.queue = queue
        self._settings = ground.settings.but(task_queue=queue)
        self.service = Service(self._settings, open_ledger(self._settings), ground.client)
        self._policy = load_policy("plain")

    async def start(self, names: Sequence[str], pace: Pace) -> None:
        """Through `Service.start`."""
        now = datetime.now(UTC)
        clock = pace.clock(now)
        openings = [Opening(invoice(name, pace.due), self._policy, clock, clock.business) for name in names]
        for batch in batches(openings, BATCH):
            await self.service.start(batch)

    async def start_file(self, file: Path) -> None:
        """Intake and start, as `arrears start FILE` does once it is running."""
        openings = Openings(self._settings.data_dir, "plain", Lapse())
        with InvoiceFile(file) as rows:
            for batch in batches(rows, BATCH):
                found = [openings.of(entry) for entry in batch if isinstance(entry, Accepted)]
                await self.service.start([opening for opening in found if isinstance(opening, Opening)])

    async def tell(self, name: str, nth: int) -> None:
        """A part payment, through `Service.tell`."""
        amount = Money.model_validate("1.00 USD")
        payment = e.PaymentReceived(id=f"BANK-{nth}", amount=amount, received_on=TODAY, by="bench")
        await self.service.tell(CREDITOR, name, payment)

    def performed(self) -> int:
        """Notices that were put into the outbox: the same moment as the bare activity's byte."""
        return self._count(sa.select(sa.func.count()).select_from(NOTICE_STEPS))

    def finished(self) -> int:
        """Claims among them."""
        claims = NOTICE_STEPS.c.step == "insurance_claim_90"
        return self._count(sa.select(sa.func.count()).select_from(NOTICE_STEPS).where(claims))

    def reminded(self) -> int:
        """Cases whose first step is in the ledger."""
        return self.reached("reminded")

    def reached(self, stage: str) -> int:
        """Cases that stand at a stage."""
        return self._count(sa.select(sa.func.count()).select_from(CASES).where(CASES.c.stage == stage))

    def performed_twice(self) -> int:
        """Steps that the chains of their cases record more than once."""
        content = sa.func.json_extract(EVENTS.c.content, "$.step")
        twice = (
            sa.select(EVENTS.c.case_id)
            .where(EVENTS.c.type == "step_performed")
            .group_by(EVENTS.c.case_id, content)
            .having(sa.func.count() > 1)
        )
        return self._count(sa.select(sa.func.count()).select_from(twice.subquery()))

    def _count(self, query: sa.Select[Any]) -> int:
        with reading(self.service.ledger.engine) as connection:
            return int(connection.execute(query).scalar_one())


class BareSide:
    """Temporal's client and nothing else."""

    kind = "bare"

    def __init__(self, ground: Ground, queue: str) -> None:
        """On a task queue of its own."""
        self.queue = queue
        self._client, self._tally = ground.client, ground.tally
        self._policy = load_policy("plain")

    async def start(self, names: Sequence[str], pace: Pace) -> None:
        """`start_workflow`, as many at once as the service does."""
        clock = pace.clock(datetime.now(UTC))
        case = open_case(
            e.CaseOpened(invoice=invoice(names[0], pace.due), policy=self._policy, clock=clock, at=clock.business)
        )
        shape = Shape(steps=tuple(clock.delay(clock.wall, rung.at).total_seconds() for rung in calendar(case)))
        slots = asyncio.Semaphore(STARTS_AT_ONCE)

        async def one(name: str) -> None:
            async with slots:
                await self._client.start_workflow(Bare.run, shape, id=f"bare/{name}", task_queue=self.queue)

        await asyncio.gather(*(one(name) for name in names))

    async def start_file(self, file: Path) -> None:
        """As many workflows as the file has rows."""
        with file.open(encoding="utf-8") as rows:
            names = [row[1] for row in csv.reader(rows)][1:]
        await self.start(names, Pace())

    async def tell(self, name: str, nth: int) -> None:
        """An empty update."""
        await self._client.get_workflow_handle(f"bare/{name}").execute_update(Bare.nothing, id=f"nothing:{nth}")

    def performed(self) -> int:
        """A byte for every activity."""
        return os.stat(self._tally).st_size if self._tally.exists() else 0

    def finished(self) -> int:
        """The bytes of the last ones."""
        return self._tally.read_bytes().count(b"L") if self._tally.exists() else 0


def both(ground: Ground, queue: str) -> tuple[Ours, BareSide]:
    """The two sides for one subject."""
    return Ours(ground, f"{queue}-ours"), BareSide(ground, f"{queue}-bare")


def case_id(side: Side, name: str) -> str:
    """The workflow id of a case."""
    return ids.case_id(CREDITOR, name) if side.kind == "ours" else f"bare/{name}"
