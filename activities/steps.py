"""The one activity of a step: settle check, outbox, effect, ledger, in that order.

What a notice says is composed in `composing.py`; how it leaves is in `mail.py`.
"""

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import mail
from activities.composing import CannotCompose, EarlierNotice, compose, goes_by_mail, task_text
from activities.contact_check import ContactCheck
from activities.database import LedgerUnreachable
from activities.ledger import Ledger
from activities.one_voice import OneVoice, gathers
from activities.outbox import Outbox
from models import ids
from models.invoice import Invoice
from models.jurisdiction import Jurisdiction, LetterRule
from models.law import CaseLaw, law_for
from models.orders import RecordOrder, RecordReport, StepOrder, StepReport
from models.parties import Creditor
from models.settings import SmtpSettings

FindCreditor = Callable[[str], Creditor]
"""The creditor with a code; raises an error with a message for operators if there is none."""

FindJurisdiction = Callable[[str], Jurisdiction]
"""The jurisdiction with a code, its rate tables as they are now; raises an error if there is none."""
FindRules = Callable[[str | None], Sequence[LetterRule]]
"""What the law of a debtor's country asks of letters."""

HEARTBEAT = 3.0
"""Seconds between two heartbeats of a step that takes its time."""


class StepActivities:
    """What a case orders from the world."""

    def __init__(
        self, ledger: Ledger, smtp: SmtpSettings, find_creditor: FindCreditor, find_jurisdiction: FindJurisdiction, *,
        time_lapse: bool = False, threads: int = 24, find_rules: FindRules = lambda country: (),
    ) -> None:  # fmt: skip
        """With its counterparts; composed in `worker.py`."""
        self._ledger = ledger
        self._outbox = Outbox(ledger.engine)
        self._smtp = smtp
        self._find_creditor = find_creditor
        self._find_jurisdiction = find_jurisdiction
        self._find_rules = find_rules
        self._one_voice = OneVoice(ledger, self._outbox, smtp, self._renewed)
        self._time_lapse = time_lapse
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="step")

    @activity.defn
    async def perform_step(self, order: StepOrder) -> StepReport:
        """Carry out one step; every part of it can be repeated without a second effect.

        It beats while it waits for its counterpart, so that a killed worker is noticed in seconds, however slow a
        mail server may be.
        """
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, contextvars.copy_context().run, self._perform, order)
        while not (await asyncio.wait({work}, timeout=HEARTBEAT))[0]:
            activity.heartbeat()
            if gathers(order):
                with suppress(LedgerUnreachable):  # the step itself will say so
                    await asyncio.to_thread(self._one_voice.keep, order, activity.info().attempt)
        return await work

    def _perform(self, order: StepOrder) -> StepReport:
        if order.clock.factor != 1 and not self._time_lapse:
            return StepReport(status="refused", note="the case runs in time-lapse; the settings here do not allow it")
        at = order.clock.at(activity.info().started_time)
        creditor_code, number = ids.split_case_id(order.case_id)
        told = self._ledger.told(creditor_code, number, order.known)
        if told:
            return StepReport(status="unsettled", told=tuple(told))
        stored = order.head.sequence
        if order.journal:
            stored, _ = self._ledger.record(order.case_id, order.journal, order.head)
        invoice = self._ledger.invoice(order.case_id)
        if invoice is None:
            raise ApplicationError(f"the ledger does not know {order.case_id}", type="LedgerConflict")
        try:
            creditor = self._find_creditor(creditor_code)
        except Exception as error:  # whatever is wrong with the creditor's file, a person has to mend it
            return StepReport(status="refused", note=str(error), stored=stored)
        newer = self._newer_law(order, invoice)
        if newer is not None:
            order = order.but(law=newer)
        check = ContactCheck(order, invoice, self._outbox, at)
        if not goes_by_mail(order.step) or check.declined("email"):
            if held := check.by_hand():
                return held.but(stored=stored)
            text = task_text(order, invoice, creditor)
            task = f"{order.step.id}-{order.occurrence}"
            return StepReport(status="performed", performed_at=at, task=task, note=text, stored=stored, law=newer)
        return self._send(order, invoice, creditor, at, stored, check).but(law=newer)

    def _renewed(self, order: StepOrder, invoice: Invoice) -> StepOrder:
        newer = self._newer_law(order, invoice)
        return order if newer is None else order.but(law=newer)

    def _newer_law(self, order: StepOrder, invoice: Invoice) -> CaseLaw | None:
        """The law of a case that claims interest, where its rates are known further than the case knows them."""
        law = order.law
        if law is None or law.known_until is None or not (order.claims_interest or order.claim):
            return None
        try:
            newer = law_for(self._find_jurisdiction(law.code), law.basis, invoice.due)
        except Exception:  # a file that cannot be read leaves the case with the law it knows
            return None
        return newer if newer.known_until is not None and newer.known_until > law.known_until else None

    def _send(
        self, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, stored: int, check: ContactCheck
    ) -> StepReport:  # fmt: skip
        if gathers(order):
            rules = self._find_rules(invoice.buyer.country)
            return self._one_voice.send(order, invoice, creditor, at, check, rules).but(stored=stored)
        key = ids.step_key(order.case_id, order.step.id, order.occurrence)
        notice = self._outbox.find(key)
        if notice is not None and notice.status == "sent":
            return StepReport(
                status="performed", performed_at=at, notice=notice.message_id, sha256=notice.sha256,
                stored=stored,
            )  # fmt: skip
        if held := check.by_mail():
            return held.but(stored=stored)
        try:
            mailed = _again(notice, order) or self._composed(key, order, invoice, creditor, at, check)
            if mailed is None:  # Another case of the buyer was faster.
                if held := check.by_mail():
                    return held.but(stored=stored)
                raise ApplicationError("the buyer is being contacted in another case: try again", type="ContactTaken")
            proof = mail.send(mailed.content, mailed.recipient, self._smtp)
        except CannotCompose as refusal:
            return StepReport(status="refused", note=str(refusal), stored=stored)
        except mail.MailRefused as refusal:
            self._outbox.refused(ids.mail_message_id(key), str(refusal))
            return StepReport(status="refused", note=str(refusal), stored=stored)
        except mail.MailUnavailable as trouble:
            raise ApplicationError(str(trouble), type="MailUnavailable") from trouble
        self._outbox.sent(mailed.message_id, proof)
        return StepReport(
            status="performed", performed_at=at, notice=mailed.message_id, sha256=ids.digest(mailed.content),
            note="; ".join(filter(None, (mailed.note, check.note))), stored=stored,
        )  # fmt: skip

    def _composed(
        self, key: str, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, check: ContactCheck
    ) -> "_Mailed | None":  # fmt: skip
        """The mail of a step, written and in the outbox before anything is sent; None if it may not be now."""
        rules = self._find_rules(invoice.buyer.country)
        composed = compose(order, invoice, creditor, at=at, earlier=self._earlier(order), rules=rules)
        stored = self._outbox.put(
            key, order, creditor.code, invoice.buyer.id,
            {"message_id": composed.message_id, "recipient": composed.recipient, "subject": composed.subject,
             "kind": composed.kind, "language": composed.language, "content": composed.content},
            admits=check.admits, since=check.since,
        )  # fmt: skip
        if not stored:
            return None
        return _Mailed(composed.message_id, composed.recipient, composed.content, composed.note)

    def _earlier(self, order: StepOrder) -> list[EarlierNotice]:
        """The notices a dossier or claim file encloses; nothing else needs them."""
        if order.step.kind not in ("referral", "insurance_claim", "insurer_notice"):
            return []
        return [
            EarlierNotice(
                notice_id=row.message_id, step=row.step, kind=row.kind, sent_at=row.sent_at,
                recipient=row.recipient, subject=row.subject, content=row.content,
            )
            for row in self._outbox.earlier(order.case_id)
        ]  # fmt: skip

    @activity.defn
    def record(self, order: RecordOrder) -> RecordReport:
        """Write a case's journal, its head, and a message that came by a signal into the ledger."""
        stored, conflict = self._ledger.record(order.case_id, order.journal, order.head, order.message, order.late)
        return RecordReport(stored=stored, conflict=conflict)


class _Mailed(NamedTuple):
    message_id: str
    recipient: str
    content: bytes
    note: str = ""


def _again(notice: Any, order: StepOrder) -> _Mailed | None:
    """What an earlier attempt left in the outbox, if it can go out as it is: it may have got through.

    In a retry it always can, while the balance is the same; on a later try only with today's date on it.
    """
    if notice is None or notice.pursued_minor != order.pursued.minor:
        return None
    info = activity.info()
    if info.attempt == 1 and order.clock.at(notice.composed_at).date() != order.clock.at(info.started_time).date():
        return None
    return _Mailed(notice.message_id, notice.recipient, notice.content)
