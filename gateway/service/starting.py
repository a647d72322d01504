"""Starting cases: in the ledger first, on the server then; what a crash cut off is taken up as it was written."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from activities.ledger import Ledger
from gateway.calendars import pinned
from gateway.service.case_server import CaseServer
from gateway.terms import NO_TERMS, Terms
from models import events as e
from models import ids, view
from models.calendar import PinnedCalendar
from models.case import RULES_VERSION, Case
from models.changes import open_case
from models.clock import CaseClock
from models.invoice import Invoice
from models.policy import Policy

STARTS_AT_ONCE = 64
CONFLICT = "this number is already pursued with other content"


class Opening(NamedTuple):
    """An invoice to pursue, by which policy, on which clock; `calendar` is one that was pinned before."""

    invoice: Invoice
    policy: Policy
    clock: CaseClock
    at: datetime
    prior_notices: tuple[e.PriorNotice, ...] = ()
    terms: Terms = NO_TERMS
    rules_version: int = RULES_VERSION
    calendar: PinnedCalendar | None = None


class Opened(NamedTuple):
    """What became of an opening: `reason` says why it was refused."""

    result: Literal["accepted", "unchanged", "refused"]
    reason: str = ""


class Starter:
    """Starts cases, each once."""

    def __init__(self, ledger: Ledger, server: CaseServer, data_dir: str) -> None:
        """`data_dir`: where the calendars' own closing days are."""
        self._ledger, self._server, self._data_dir = ledger, server, data_dir

    async def start(self, openings: Sequence[Opening]) -> list[Opened]:
        """What became of each opening, in their order.

        Raises:
            Unreachable: the server does not answer; what was written is taken up by the next try.
        """
        known = self._ledger.known([o.invoice.case_id for o in openings])
        results: list[Opened | None] = [None] * len(openings)
        cases: dict[int, Case] = {}
        seen: dict[str, str] = {}
        for i, opening in enumerate(openings):
            case_id, fingerprint = opening.invoice.case_id, opening.invoice.fingerprint
            there = known.get(case_id) or ((seen[case_id], True) if case_id in seen else None)
            if there is not None and there[0] != fingerprint:
                results[i] = Opened("refused", CONFLICT)
            elif there is not None and there[1]:
                results[i] = Opened("unchanged")
            else:
                seen[case_id] = fingerprint
                cases[i] = opened(opening, self._data_dir) if there is None else self._as_written(case_id)
        new = {i: case for i, case in cases.items() if case.id not in known}
        written = self._ledger.open_cases([(case, view.head(case)) for case in new.values()])
        for i in [i for i, case in new.items() if case.id not in written]:
            # Another starter was faster: what it wrote counts.
            if self._ledger.known([cases[i].id])[cases[i].id][0] != openings[i].invoice.fingerprint:
                results[i] = Opened("refused", CONFLICT)
                del cases[i]
            else:
                cases[i] = self._as_written(cases[i].id)
        await self._run(list(cases.values()))
        for i in cases:
            results[i] = Opened("accepted")
        return [result for result in results if result is not None]

    async def resume(self, case_id: str) -> None:
        """Start a case that the ledger has, but that was never started.

        Raises:
            Unreachable: the server does not answer.
            LedgerConflict: the ledger has no opening of it, or its chain is broken.
        """
        await self._run([self._as_written(case_id)])

    def _as_written(self, case_id: str) -> Case:
        """The case of a try that was cut off: it must begin as its evidence says."""
        return open_case(self._ledger.opening(case_id))

    async def _run(self, cases: Sequence[Case]) -> None:
        told = self._ledger.told_of([case.id for case in cases])
        slots = asyncio.Semaphore(STARTS_AT_ONCE)

        async def run(case: Case) -> None:
            async with slots:
                await self._server.open(case, told.get(case.id, ()))

        await asyncio.gather(*(run(case) for case in cases))
        self._ledger.started([case.id for case in cases])
        self._took(told)

    def _took(self, told: Mapping[str, Sequence[e.AnyMessage]]) -> None:
        """The messages that came before their case were taken with its start."""
        for case_id, messages in told.items():
            creditor, number = ids.split_case_id(case_id)
            for message in messages:
                self._ledger.answered(creditor, number, message, "taken at the start of the case")
                self._ledger.finish_task(case_id, ids.kept_task(message.type, message.id))


def opened(opening: Opening, data_dir: str) -> Case:
    """The case of an opening, as it is written into the ledger; nothing is started."""
    calendar = opening.calendar or pinned(opening.invoice, opening.policy, opening.at, data_dir)
    first = e.CaseOpened(
        at=opening.at, invoice=opening.invoice, policy=opening.policy, clock=opening.clock,
        prior_notices=opening.prior_notices, source="starter", law=opening.terms.law,
        insurance=opening.terms.insurance, rules_version=opening.rules_version, calendar=calendar,
    )  # fmt: skip
    return open_case(first)


def batches(openings: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """The stream in lists of at most `size`."""
    batch: list[Any] = []
    for opening in openings:
        batch.append(opening)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
