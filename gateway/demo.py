"""The demonstration: real invoices on the real embedded server, a hundred days in a minute and a half.

Their true payments and disputes arrive as messages; some payments are withheld, and labelled so, to show the upper
ladder up to the claim. At the end server, ledger and mail sink must agree. How it looks is in `cli/demo.py`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from gateway.errors import GatewayError
from gateway.intake.entries import Accepted, InvoiceRow
from gateway.intake.invoices import InvoiceFile
from gateway.intake.profiles import load_profile
from gateway.policy_files import load_policy
from gateway.service import Opening, Service
from gateway.simulate import drive, fate, midnight
from models import events as e
from models import ids
from models.case import Case
from models.changes import open_case
from models.clock import CaseClock
from models.events import Message
from models.money import Money

SAMPLE = Path(__file__).parent / "sample" / "watson-ar-100.csv"
DAY = 0.85
"""Seconds on the wall that a business day takes."""
SPAN = 95
"""Days after due at which the demonstration ends: past the claim on day 90."""
INVOICES, WITHHELD = 46, 6
LATE = timedelta(days=1)
PATIENCE = 120.0
WITHHELD_NOTE = "demonstration: its true payment is withheld"


@dataclass(frozen=True)
class Story:
    """One invoice of the demonstration: what will be told about it, and what the rules say will happen."""

    case: Case
    opening: Opening
    messages: tuple[Message, ...]
    expected: Case
    withheld: bool


@dataclass
class Outcome:
    """What server, ledger and sink say at the end, and where they differ."""

    cases: int = 0
    notices: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """Step to the count on the server, in the ledger and in the sink."""
    outcomes: dict[str, tuple[int, int]] = field(default_factory=dict)
    mails: int = 0
    repeated: int = 0
    received: dict[str, Money] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    """Where the run differs from what `simulate` says: not an error, but worth telling."""


def stories(now: datetime) -> list[Story]:
    """The invoices of the demonstration with their clocks set: each case begins four days before its due date."""
    policy = load_policy("plain")
    with InvoiceFile(SAMPLE, load_profile("watson-ar")) as file:
        rows = [entry.row for entry in file if isinstance(entry, Accepted)]
    late = [r for r in rows if not r.disputed and r.settled and r.settled > r.invoice.due + timedelta(days=7)]
    withheld = {r.invoice.number for r in late[:WITHHELD]}
    chosen = [r for r in rows if r.invoice.number in withheld]
    chosen += [r for r in rows if r.invoice.number not in withheld][: INVOICES - len(chosen)]
    return [_story(row, policy, now, i, row.invoice.number in withheld) for i, row in enumerate(chosen)]


def _story(row: InvoiceRow, policy: Any, now: datetime, place: int, withheld: bool) -> Story:
    invoice = row.invoice.but(notes=WITHHELD_NOTE) if withheld else row.invoice
    # Spread over a day, so that the cases do not all fall due in the same second.
    begin = midnight(invoice.due) - timedelta(days=4, hours=place % 12)
    clock = CaseClock(wall=now, business=begin, factor=86_400 / DAY)
    case = open_case(e.CaseOpened(at=begin, invoice=invoice, policy=policy, clock=clock))
    told = [m for m in fate(row) if not (withheld and isinstance(m, e.PaymentReceived))]
    messages = tuple(m.but(at=max(m.at or begin, begin), by="demo") for m in told)
    until = midnight(invoice.due) + timedelta(days=SPAN)
    expected = drive(case, [m for m in messages if (m.at or until) < until], until)
    return Story(case, Opening(invoice, policy, clock, begin), messages, expected, withheld)


class Demo:
    """One run of the demonstration on a running stack."""

    def __init__(self, service: Service, mail: Path) -> None:
        """Over a connected service, with the folder in which the sink files mail."""
        self.service = service
        self.mail = mail
        self.stories: list[Story] = []
        self.messages_sent = 0
        self.finished = False

    async def run(self) -> None:
        """Start the cases, tell them what truly happened when its time comes, and wait until all have ended."""
        # The clocks begin a moment from now: starting all cases takes about a second.
        self.stories = stories(datetime.now(UTC) + timedelta(seconds=2))
        await self.service.start([story.opening for story in self.stories])
        self._adopt_clocks()
        await asyncio.gather(*(self._tell(story, message) for story in self.stories for message in story.messages))
        await self._settled()
        self.finished = True

    def _adopt_clocks(self) -> None:
        """A demonstration that was killed goes on with the clocks its cases were started with."""
        for i, story in enumerate(self.stories):
            case = self.service.ledger.rebuild(story.case.id)
            if case is not None and case.clock != story.case.clock:
                self.stories[i] = Story(
                    story.case.but(clock=case.clock), story.opening, story.messages, story.expected, story.withheld
                )

    async def _tell(self, story: Story, message: Message) -> None:
        clock = story.case.clock
        wait = clock.delay(datetime.now(UTC), message.at or clock.business).total_seconds()
        if wait > SPAN * DAY * 2:
            return
        await asyncio.sleep(max(0.0, wait))
        try:
            await self.service.tell(story.case.invoice.creditor, story.case.invoice.number, message.but(at=None))
        finally:
            self.messages_sent += 1

    async def _settled(self) -> None:
        """Wait until every case stands where nothing more will happen."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not any(self._unfinished(row) for row in self.heads()):
                return
            await asyncio.sleep(0.3)
        raise GatewayError("the demonstration did not come to its end in time; the worker's log says more")

    @staticmethod
    def _unfinished(row: Any) -> bool:
        return not (row.closed or row.on_hold or row.stage == "claimed")

    def heads(self) -> list[Any]:
        """The demonstration's cases as the ledger lists them."""
        mine = {story.case.id for story in self.stories}
        return [row for row in self.service.ledger.heads() if row.case_id in mine]

    def business_day(self) -> float:
        """How many days after due it is, for the cases in the middle of the field."""
        if not self.stories:
            return -4.0
        clock = self.stories[0].case.clock
        due = midnight(self.stories[0].case.invoice.due)
        return (clock.at(datetime.now(UTC)) - due).total_seconds() / 86_400

    # --- reconciliation ---------------------------------------------------------------------------------------

    async def reconcile(self) -> Outcome:
        """Ask the server for each case, the ledger for its totals and the sink for its mails, and compare."""
        result = Outcome(cases=len(self.stories))
        shown = await asyncio.gather(
            *(self.service.show(s.case.invoice.creditor, s.case.invoice.number) for s in self.stories)
        )
        heads = {row.case_id: row for row in self.heads()}
        self._compare_notices(result, shown)
        self._compare_outcomes(result, shown, heads)
        self._compare_money(result, shown)
        for story, case in zip(self.stories, shown, strict=True):
            result.differences += _differences(story, case)
        return result

    def _compare_notices(self, result: Outcome, shown: Sequence[dict[str, Any]]) -> None:
        server = Counter(step["step"] for case in shown for step in case["steps"] if step["notice"])
        mine = {story.case.id for story in self.stories}
        ledger: Counter[str] = Counter(
            row.step for row in self.service.ledger.sent_steps() if row.case_id in mine
        )  # fmt: skip
        sink, ids_seen = _mails(self.mail, mine)
        result.mails, result.repeated = sum(ids_seen.values()), sum(n - 1 for n in ids_seen.values())
        for step in load_policy("plain").steps:
            counts = (server[step.id], ledger[step.id], sink[step.id])
            result.notices[step.id] = counts
            if len(set(counts)) != 1:
                result.disagreements.append(
                    f"{step.id}: {counts[0]} on the server, {counts[1]} in the ledger, {counts[2]} in the sink"
                )

    def _compare_outcomes(self, result: Outcome, shown: Sequence[dict[str, Any]], heads: dict[str, Any]) -> None:
        server = Counter(case["outcome"] or "open" for case in shown)
        ledger = Counter((row.outcome if row.closed else "open") for row in heads.values())
        for name in sorted(set(server) | set(ledger)):
            result.outcomes[name] = (server[name], ledger[name])
            if server[name] != ledger[name]:
                text = f"outcome {name}: {server[name]} on the server, {ledger[name]} in the ledger"
                result.disagreements.append(text)
        for story, case in zip(self.stories, shown, strict=True):
            row = heads.get(story.case.id)
            if row is None or row.stage != case["stage"]:
                stage = row.stage if row is not None else "missing"
                text = f"{story.case.id}: stage {case['stage']} on the server, {stage} in the ledger"
                result.disagreements.append(text)

    def _compare_money(self, result: Outcome, shown: Sequence[dict[str, Any]]) -> None:
        """What the cases say they received against what the ledger holds for them."""
        for case in shown:
            owed = Money.model_validate(case["outstanding"])
            paid = sum(
                (Money(amount=p["amount"], currency=p["currency"]) for p in case["payments"] if not p["reversed"]),
                Money.zero(owed.currency),
            )
            stored = sum(
                (m.amount for m in self.service.ledger.told(case["creditor"], case["invoice"])
                 if isinstance(m, e.PaymentReceived)),
                Money.zero(owed.currency),
            )  # fmt: skip
            if paid != stored:
                result.disagreements.append(f"{case['invoice']}: {paid} paid on the server, {stored} in the ledger")
            total = result.received.get(owed.currency, Money.zero(owed.currency))
            result.received[owed.currency] = total + stored


def _mails(folder: Path, case_ids: set[str]) -> tuple[Counter[str], Counter[str]]:
    """The sink's mails of these cases: distinct ones per step, and how often each Message-ID arrived."""
    keys = {ids.mail_message_id(ids.step_key(case_id, step.id, 1)): step.id
            for case_id in case_ids for step in load_policy("plain").steps}  # fmt: skip
    arrived: Counter[str] = Counter()
    parser = BytesHeaderParser()
    for path in folder.glob("*.eml"):
        with path.open("rb") as file:
            message_id = str(parser.parse(file)["Message-ID"] or "").strip()
        if message_id in keys:
            arrived[message_id] += 1
    return Counter(keys[message_id] for message_id in arrived), arrived


def _differences(story: Story, shown: dict[str, Any]) -> list[str]:
    """Where a case went another way than the rules say it would have without any delay of the machine."""
    expected = [(d.step, d.planned_at.isoformat()) for d in story.expected.performed]
    happened = [(s["step"], s["planned_at"]) for s in shown["steps"]]
    number = story.case.invoice.number
    found = [f"{number}: {step} at {at[:16]} was sent, though its message was under way" for step, at in happened
             if (step, at) not in expected]  # fmt: skip
    missing = [(step, at) for step, at in expected if (step, at) not in happened]
    return found + [f"{number}: {step} at {at[:16]} was not sent" for step, at in missing]
