"""Checks the evidence of the whole ledger, or of one case: page by page, each as of one moment.

What is checked of a case is in chain.py and agreement.py; against the seals, in seals.py.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from activities.database import reading
from activities.evidence.agreement import IN_FLIGHT, disagreements
from activities.evidence.chain import broken_links
from activities.evidence.findings import Finding
from activities.evidence.notice import unlike_its_mail
from activities.evidence.record import CONTENT, LIGHT, CaseRecord, steady
from activities.histories import unpacked
from activities.tables import CASES, EVENTS, HISTORIES, MESSAGES, NOTICE_STEPS, NOTICES, POLICIES
from models import ids

CASES_AT_ONCE = 250
NOTICES_AT_ONCE = 20
"""Their bytes may be megabytes each."""

Progress = Callable[[str, int, int], None]
"""Is told what is being checked, how much of it is done, and of how much."""


_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)
"""What reading raises where a value was put that no program of ours would write."""


class Checked(NamedTuple):
    """How much was looked at."""

    cases: int
    entries: int
    notices: int


class Verification:
    """One check of the evidence. `findings` yields what is wrong; then `checked` says how much was looked at."""

    def __init__(self, engine: Engine, now: datetime, case_id: str | None = None) -> None:
        """Over the ledger's engine; of one case, or of all."""
        self._engine = engine
        self._now = now
        self._case_id = case_id
        self.checked = Checked(0, 0, 0)

    def findings(self, progress: Progress = lambda *_: None) -> Iterator[Finding]:
        """Every fault, as it is found."""
        missed: set[str | None] = set()
        for finding in self._cases(progress):
            if finding.what == "missing_notice":
                missed.add(finding.notice)
            yield finding
        yield from self._bytes(progress)
        yield from self._histories()
        # A notice that is gone is missed by its case, and its step leads nowhere: that is one fault.
        yield from (f for f in self._strays() if f.what != "missing_notice" or f.notice not in missed)

    # --- the cases --------------------------------------------------------------------------------------------

    def _cases(self, progress: Progress) -> Iterator[Finding]:
        total, after = self._count(CASES), ""
        while True:
            try:
                records = self._page(after)
            except _UNREADABLE:
                records, after = [], (yield from self._one_by_one(after))
            else:
                if not records:
                    return
                after = records[-1].case_id
            for record in records:
                found = list(self._case(record))
                # What a running case was just writing is complete at the second look.
                if found:
                    yield from self._second_look(record.case_id)
                self._counted(cases=1, entries=len(record.entries))
            progress("cases", self.checked.cases, total)

    def _one_by_one(self, after: str) -> Generator[Finding, None, str]:
        """A page of cases of which one has a row that is not even a row; returns the last of them."""
        query = sa.select(CASES.c.case_id).where(self._which(after)).order_by(CASES.c.case_id).limit(CASES_AT_ONCE)
        with reading(self._engine) as connection:
            names = list(connection.execute(query).scalars())
        for name in names:
            yield from self._second_look(name)
            self._counted(cases=1)
        return str(names[-1])

    def _case(self, record: CaseRecord) -> Iterator[Finding]:
        try:
            yield from self._faults(record)
        except _UNREADABLE as error:
            yield _unreadable(record.case_id, error)

    def _faults(self, record: CaseRecord) -> Iterator[Finding]:
        broken = list(broken_links(record.case_id, record.entries, record.head.sequence))
        yield from broken
        only_the_end = all(finding.sequence == record.head.sequence + 1 for finding in broken)
        if record.entries and (not broken or only_the_end):
            try:
                yield from disagreements(record, self._now)
            except ValueError as error:  # an opening that is none
                yield Finding("impossible_entry", " ".join(str(error).split())[:200], record.case_id, 1)

    def _second_look(self, case_id: str) -> list[Finding]:
        try:
            with reading(steady(self._engine)) as connection:
                records = _records(connection, CASES.c.case_id == case_id)
        except _UNREADABLE as error:
            return [_unreadable(case_id, error)]
        return [finding for record in records for finding in self._case(record)]

    def _page(self, after: str) -> list[CaseRecord]:
        with reading(steady(self._engine)) as connection:
            return _records(connection, self._which(after))

    def _which(self, after: str) -> sa.ColumnElement[bool]:
        if self._case_id is not None:
            return sa.and_(CASES.c.case_id == self._case_id, CASES.c.case_id > after)
        return CASES.c.case_id > after

    def _counted(self, cases: int = 0, entries: int = 0, notices: int = 0) -> None:
        before = self.checked
        self.checked = Checked(before.cases + cases, before.entries + entries, before.notices + notices)

    def _count(self, table: sa.Table) -> int:
        if self._case_id is not None:
            return 1
        with reading(self._engine) as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() or 0)

    # --- the bytes that left ----------------------------------------------------------------------------------

    def _bytes(self, progress: Progress) -> Iterator[Finding]:
        """Every notice has the digest that was taken when it was written, and its row says what the mail says."""
        total, after = self._count(NOTICES), ""
        query = sa.select(*LIGHT, CONTENT).order_by(NOTICES.c.message_id)
        if self._case_id is not None:
            mine = sa.select(NOTICE_STEPS.c.message_id).where(NOTICE_STEPS.c.case_id == self._case_id)
            query = query.where(NOTICES.c.message_id.in_(mine))
        while True:
            with reading(self._engine) as connection:
                rows = connection.execute(query.where(NOTICES.c.message_id > after).limit(NOTICES_AT_ONCE)).all()
                wrong = {row.message_id: fault for row in rows if (fault := _fault(row))}
                steps = sa.select(NOTICE_STEPS).where(NOTICE_STEPS.c.message_id.in_(wrong))
                found = list(connection.execute(steps)) if wrong else []
            served = {step.message_id for step in found}
            for step in found:
                text = f"the notice {step.message_id}: {wrong[step.message_id]}"
                yield Finding("changed_notice", text, step.case_id, None, step.message_id)
            for message_id, fault in wrong.items():
                if message_id not in served:
                    yield Finding("changed_notice", fault, notice=message_id)
            if not rows:
                return
            after = rows[-1].message_id
            self._counted(notices=len(rows))
            progress("notices", self.checked.notices, max(total, self.checked.notices))

    def _histories(self) -> Iterator[Finding]:
        """Every archived history has the digest that was taken when it was fetched."""
        content = sa.cast(HISTORIES.c.content, sa.LargeBinary).label("content")  # as with notices: it may be text
        query = sa.select(HISTORIES.c.case_id, HISTORIES.c.run_id, HISTORIES.c.sha256, content)
        query = query.order_by(HISTORIES.c.case_id, HISTORIES.c.run_id)
        if self._case_id is not None:
            query = query.where(HISTORIES.c.case_id == self._case_id)
        with reading(self._engine) as connection:
            for row in connection.execution_options(yield_per=NOTICES_AT_ONCE).execute(query):
                history = unpacked(bytes(row.content))
                if history is None or ids.digest(history) != row.sha256:
                    text = f"the archived history of run {row.run_id} is not what was fetched from the server"
                    yield Finding("changed_history", text, row.case_id)

    # --- what belongs to nothing ------------------------------------------------------------------------------

    def _strays(self) -> Iterator[Finding]:
        """Rows whose case, step or notice is not there."""
        cases = sa.select(CASES.c.case_id).where(CASES.c.case_id == EVENTS.c.case_id).exists()
        entries = (
            sa.select(EVENTS.c.case_id, sa.func.count().label("number")).where(~cases)
            .group_by(EVENTS.c.case_id).order_by(EVENTS.c.case_id)
        )  # fmt: skip
        steps = sa.select(NOTICE_STEPS.c.key).where(NOTICE_STEPS.c.message_id == NOTICES.c.message_id).exists()
        notices = sa.select(NOTICES.c.message_id).where(~steps).order_by(NOTICES.c.message_id)
        there = sa.select(NOTICES.c.message_id).where(NOTICES.c.message_id == NOTICE_STEPS.c.message_id).exists()
        of_case = sa.select(CASES.c.case_id).where(CASES.c.case_id == NOTICE_STEPS.c.case_id).exists()
        lost = sa.select(NOTICE_STEPS).where(~there | ~of_case).order_by(NOTICE_STEPS.c.key)
        if self._case_id is not None:
            entries = entries.where(EVENTS.c.case_id == self._case_id)
            notices = notices.where(sa.false())  # they belong to no case
            lost = lost.where(NOTICE_STEPS.c.case_id == self._case_id)
        with reading(self._engine) as connection:
            connection = connection.execution_options(yield_per=1000)
            for row in connection.execute(entries):
                text = f"{row.number} entries of its chain are there, but the case itself is not"
                yield Finding("missing_case", text, row.case_id)
            for row in connection.execute(notices):
                yield Finding("notice_without_step", "it serves no step of any case", notice=row.message_id)
            for row in connection.execute(lost):
                text = f"the notice {row.message_id} of {row.step} {row.occurrence}, or the case itself, is not there"
                yield Finding("missing_notice", text, row.case_id, None, row.message_id)


def _fault(row: Any) -> str:
    """What is wrong with the bytes of a notice, or with the columns beside them; empty if nothing is."""
    content = bytes(row.content)
    if ids.digest(content) != row.sha256:
        return "its bytes are not those of which its digest was taken"
    if row.sent_at is not None and row.sent_at < row.composed_at - IN_FLIGHT:
        return f"it was sent at {row.sent_at.isoformat()}, before it was written at {row.composed_at.isoformat()}"
    unlike = unlike_its_mail(row, content) if row.channel == "email" else {}
    return "; ".join(f"its {name} is {row_says!r}, the mail says {said!r}" for name, (row_says, said) in unlike.items())


def _unreadable(case_id: str, error: Exception) -> Finding:
    said = " ".join(str(error).split())[:200]
    return Finding("impossible_entry", f"one of its rows has a value that cannot be: {said}", case_id)


def _records(connection: Connection, which: sa.ColumnElement[bool]) -> list[CaseRecord]:
    """The next cases, in the order of their ids, with everything that is checked of them."""
    heads = connection.execute(sa.select(CASES).where(which).order_by(CASES.c.case_id).limit(CASES_AT_ONCE)).all()
    if not heads:
        return []
    names = [head.case_id for head in heads]
    digests = {head.policy_digest for head in heads}
    policies = {p.digest: p for p in connection.execute(sa.select(POLICIES).where(POLICIES.c.digest.in_(digests)))}
    entries = _grouped(
        connection.execute(
            sa.select(EVENTS).where(EVENTS.c.case_id.in_(names)).order_by(EVENTS.c.case_id, EVENTS.c.sequence)
        )
    )
    steps = (NOTICE_STEPS.c.case_id, NOTICE_STEPS.c.step, NOTICE_STEPS.c.occurrence, NOTICE_STEPS.c.key)
    notices = _grouped(
        connection.execute(
            sa.select(*LIGHT, *steps)
            .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
            .where(NOTICE_STEPS.c.case_id.in_(names))
        )
    )
    messages: dict[tuple[str, str], list[Any]] = {}
    for row in connection.execute(sa.select(MESSAGES).where(MESSAGES.c.number.in_({head.number for head in heads}))):
        messages.setdefault((row.creditor, row.number), []).append(row)
    return [
        CaseRecord(
            head, entries.get(head.case_id, ()), messages.get((head.creditor, head.number), ()),
            notices.get(head.case_id, ()), (), policies.get(head.policy_digest),
        )
        for head in heads
    ]  # fmt: skip


def _grouped(rows: Iterable[Any]) -> Mapping[str, Sequence[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.case_id, []).append(row)
    return found
