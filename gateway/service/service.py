"""Everything the outside can do with cases."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client

from activities.ledger import Ledger, LedgerConflict
from gateway.errors import InputRefused, Unreachable
from gateway.newer_tables import in_force
from gateway.service.afterwards import Afterwards, RunsAgain
from gateway.service.case_server import CaseServer, NoRunningCase
from gateway.service.showing import shown
from gateway.service.starting import Opened, Opening, Starter
from gateway.service.told import KNOWN, Told
from models import ids, view
from models.case import Case
from models.events import Message, PaymentReversed
from models.settings import Settings


class Service:
    """Starts cases, tells them messages, shows them. `client` may be missing where only the ledger is asked."""

    def __init__(
        self, settings: Settings, ledger: Ledger, client: Client | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        """Over a ledger and a connected client; `now` is the server's clock, where that is not the machine's."""
        self._now = now
        self.settings = settings
        self.ledger = ledger
        self._client = client

    @property
    def client(self) -> Client:
        """The connected client."""
        if self._client is None:
            raise Unreachable("this command needs the Temporal server")
        return self._client

    @property
    def cases(self) -> CaseServer:
        """The cases on the server."""
        return CaseServer(self.client, self.settings.task_queue)

    @property
    def time_lapse_allowed(self) -> bool:
        """Whether cases may run in time-lapse: by setting, or on the embedded stack, which sends no mail out."""
        return self.settings.allow_time_lapse or not os.environ.get("TEMPORAL_ADDRESS")

    def business_now(self, case: Case) -> datetime:
        """The business instant it is in a case."""
        return case.clock.at(self._now())

    async def start(self, openings: Sequence[Opening]) -> list[Opened]:
        """Start a case for each invoice; those that run already are unchanged. Safe to repeat after any crash.

        Raises:
            Unreachable: the server does not answer; what was written is taken up by the next try.
        """
        return await self._starter.start(openings)

    async def resume(self, case_id: str) -> None:
        """Start a case that the ledger has, but that was never started.

        Raises:
            Unreachable: the server does not answer.
            LedgerConflict: the ledger has no opening of it, or its chain is broken.
        """
        await self._starter.resume(case_id)

    @property
    def _starter(self) -> Starter:
        return Starter(self.ledger, self.cases, self.settings.data_dir)

    def resolve(self, invoice: str) -> tuple[str, str]:
        """Creditor and number of INVOICE as written on the command line: the number, or CREDITOR/NUMBER.

        Raises:
            InputRefused: if no case has it, or several creditors have such a number.
        """
        found = self._candidates(invoice)
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(f"{creditor}/{number}" for creditor, number in found)
            raise InputRefused(f"invoice {invoice!r} is ambiguous; name one of: {choices}")
        raise InputRefused(f"there is no invoice {invoice!r}; write its number, or CREDITOR/NUMBER")

    def has_invoice(self, invoice: str) -> bool:
        """Whether INVOICE, as written on the command line, is an invoice's number as a whole."""
        return bool(self._candidates(invoice))

    def resolve_or_new(self, invoice: str) -> tuple[str, str]:
        """As `resolve`, but an invoice that is not here yet is taken as CREDITOR/NUMBER: money may come first."""
        found = self._candidates(invoice)
        if not found and "/" in invoice:
            creditor, number = invoice.split("/", 1)
            try:
                return ids.creditor_code(creditor), ids.invoice_number(number)
            except ValueError as error:
                raise InputRefused(f"invoice {invoice!r}: {error}") from error
        return self.resolve(invoice)

    def _candidates(self, invoice: str) -> list[tuple[str, str]]:
        readings: list[tuple[str | None, str]] = [(None, invoice)]
        if "/" in invoice:
            before, after = invoice.split("/", 1)
            readings.append((before, after))
        found: set[tuple[str, str]] = set()
        for code, text in readings:
            with suppress(ValueError):  # what cannot be an invoice's number, or a creditor's code, names none
                number, creditor = ids.invoice_number(text), None if code is None else ids.creditor_code(code)
                found |= {(row.creditor, row.number) for row in self.ledger.find(number, creditor)}
        return sorted(found)

    async def tell(self, creditor: str, number: str, message: Message) -> Told:
        """Tell a case a message: ledger, case, ledger.

        Raises:
            InputRefused: if the case or the ledger refuses it, with the reason.
            Unreachable: if nobody answers; the message is in the ledger, and the same call again delivers it.
        """
        message = message.but(source=message.source or "service")
        try:
            status = await asyncio.to_thread(self.ledger.receive, creditor, number, message)
        except LedgerConflict as conflict:
            raise InputRefused(str(conflict)) from conflict
        try:
            answer = await self.cases.tell(ids.case_id(creditor, number), message)
        except NoRunningCase as gone:
            afterwards = Afterwards(self.ledger, self.cases, self.business_now)
            try:
                kept = await afterwards.take(creditor, number, message, gone)
                return kept._replace(duplicate=kept.duplicate or status == "unapplied")
            except RunsAgain:
                return await self.tell(creditor, number, message)
        except InputRefused as refusal:
            if self.ledger.refuse(creditor, number, message, str(refusal)):
                raise
            return KNOWN
        whole = await asyncio.to_thread(
            self.ledger.answered, creditor, number, message, answer.text, answer.head, answer.events
        )
        if not whole:
            await self._catch_up(answer.head.case_id)
        told = Told(answer.text, answer.head, duplicate=status == "delivered" or answer.duplicate)
        reopened = isinstance(message, PaymentReversed) and not answer.head.closed
        return await self._tell_late_money(creditor, number, told) if reopened else told

    async def _catch_up(self, case_id: str) -> None:
        """Take over what a case did and the ledger does not know: of two answers the later one may be here first."""
        with suppress(Unreachable):  # the case brings it along with its next step, the reconciliation sooner
            case = await self.cases.case(case_id)
            if case is not None:
                await asyncio.to_thread(self.ledger.record, case_id, case.journal, view.head(case))

    async def _tell_late_money(self, creditor: str, number: str, told: Told) -> Told:
        """What was paid while the case was closing settles what is owed again, if a reversal reopened it in time."""
        for payment in self.ledger.unapplied(creditor, number):
            with suppress(InputRefused):  # the case shows what it refused
                late = await self.tell(creditor, number, payment)
                if not late.unapplied:
                    text = f"{told.text}; payment {payment.id} is applied now: {late.text}"
                    told = Told(text, late.head, told.duplicate)
        return told

    async def show(self, creditor: str, number: str) -> dict[str, Any]:
        """The case as it stands, with what the ledger alone knows (refused messages, unapplied cash).

        Raises:
            InputRefused: there is no such case.
            Unreachable: nobody answers.
        """
        case_id = ids.case_id(creditor, number)
        case = await self.cases.case(case_id)
        if case is None or case.closed:
            # What came after the close is in the ledger alone.
            case = self.ledger.rebuild(case_id) or case
        if case is None:
            raise InputRefused(f"there is no case {creditor}/{number}")
        return shown(in_force(case, self.settings.data_dir), self.business_now(case), self.ledger)
