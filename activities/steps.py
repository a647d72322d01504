"""The one activity of a step: settle check, outbox, effect, ledger, in that order.

What a notice says is composed in `composing.py`; how it leaves is in `mail.py`.
"""

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import mail
from activities.bank_book import BankBook
from activities.bundle import notice_suffix
from activities.channels.dispatch import Channels, Ways, channel_key
from activities.channels.ports import ChannelRefused, ChannelUnavailable
from activities.channels.tally import Sent, Tally
from activities.composing import CannotCompose, EarlierNotice, compose, task_text
from activities.contact_check import ContactCheck
from activities.correspondence import Correspondence
from activities.database import LedgerUnreachable
from activities.ledger import Ledger
from activities.one_voice import OneVoice, gathers
from activities.outbox import Outbox
from activities.refusals import CameBack, ContactTaken
from activities.tables import DEPARTED
from models import ids
from models.invoice import Invoice
from models.jurisdiction import Jurisdiction, LetterRule
from models.law import CaseLaw, continued
from models.money import Money
from models.orders import RecordOrder, RecordReport, StepOrder, StepReport
from models.parties import Channel, Creditor
from models.policy import DUTY_STEPS
from models.settings import SmtpSettings

FindCreditor = Callable[[str], Creditor]
"""The creditor with a code; raises an error with a message for operators if there is none."""

FindJurisdiction = Callable[[str], Jurisdiction]
"""The jurisdiction with a code, its rate tables as they are now; raises an error if there is none."""
FindRules = Callable[[str | None], Sequence[LetterRule]]
"""What the law of a debtor's country asks of letters."""

HOLD_BACK = timedelta(days=1)
"""How long a step waits for money of the buyer that is not matched."""

HEARTBEAT = 3.0
"""Seconds between two heartbeats of a step that takes its time."""

TRIES_OF_THE_OTHERS = 5
"""How often a step that has left by one channel tries the others, before it leaves them to a person; fewer than the
tries it has in all (`workflows/counterparts.py`)."""


class StepActivities:
    """What a case orders from the world."""

    def __init__(
        self, ledger: Ledger, smtp: SmtpSettings, find_creditor: FindCreditor, find_jurisdiction: FindJurisdiction, *,
        time_lapse: bool = False, threads: int = 24, find_rules: FindRules = lambda country: (),
        channels: Channels | None = None,
    ) -> None:  # fmt: skip
        """With its counterparts; composed in `worker.py`."""
        self._ledger = ledger
        self._outbox = Outbox(ledger.engine)
        self._bank = BankBook(ledger.engine)
        self._correspondence = Correspondence(ledger.engine)
        self._channels = channels or Channels(ledger.engine)
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
        if held := self._unmatched_money(order, invoice, at):
            return held.but(stored=stored)
        newer = self._newer_law(order)
        if newer is not None:
            order = order.but(law=newer)
        check = ContactCheck(order, invoice, self._outbox, at)
        order = order.but(step=order.step.but(channels=check.channels(self._channels.names)))
        ways = self._channels.ways(order.step)
        if not ways.served:
            if held := check.by_hand():
                return held.but(stored=stored)
            text = task_text(order, invoice, creditor)
            task = f"{order.step.id}-{order.occurrence}"
            return StepReport(status="performed", performed_at=at, task=task, note=text, stored=stored, law=newer)
        try:
            return self._send(ways, order, invoice, creditor, at, stored, check).but(law=newer)
        except _Held as back:
            return back.report.but(stored=stored)

    def _unmatched_money(self, order: StepOrder, invoice: Invoice, at: datetime) -> StepReport | None:
        """A step waits for a day where money of the buyer came in that nobody matched yet: it may be this invoice's."""
        if order.step.id in DUTY_STEPS:
            return None
        since = datetime.now(UTC) - HOLD_BACK
        money = self._bank.unmatched_since(invoice.creditor, invoice.buyer.id, since)
        until = order.clock.at(money.stored_at) + HOLD_BACK if money is not None else at
        if money is None or until <= at:
            return None
        amount = Money.from_minor(money.unapplied_minor, money.currency)
        text = (
            f"{amount} of the buyer came in on {money.received_on} and is not matched yet: match it (`arrears match "
            f"{money.key[:8]}`); the step waits for a day"
        )
        return StepReport(status="deferred", until=until, note=text)

    def _renewed(self, order: StepOrder, invoice: Invoice) -> StepOrder:
        newer = self._newer_law(order)
        return order if newer is None else order.but(law=newer)

    def _newer_law(self, order: StepOrder) -> CaseLaw | None:
        """The law of a case that claims interest, where its rates are known further than the case knows them."""
        law = order.law
        if law is None or law.known_until is None or not (order.claims_interest or order.claim):
            return None
        try:
            return continued(law, self._find_jurisdiction(law.code))
        except Exception:  # a file that cannot be read leaves the case with the law it knows
            return None

    def _send(
        self, ways: Ways, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, stored: int,
        check: ContactCheck,
    ) -> StepReport:  # fmt: skip
        """By each channel of the step in turn; a retry passes over those by which it has left."""
        if gathers(order) and ways == (("email",), ()):
            rules = self._find_rules(invoice.buyer.country)
            return self._one_voice.send(order, invoice, creditor, at, check, rules).but(stored=stored)
        tally = Tally(order)
        left = {channel for channel in ways.served if self._has_left(channel, order)}
        if not left:
            _hold(check.before_all(cast("tuple[Channel, ...]", ways.served)))
        for channel in ways.served:
            try:
                if channel not in left:
                    _hold(check.before(cast("Channel", channel)))
                heard = bool(left) or tally.has_left
                tally.sent(self._by(channel, order, invoice, creditor, at, check, heard))
            except _Held as back:
                if not tally.has_left:
                    raise
                tally.refused(channel, ChannelRefused(back.report.note))
            except (CannotCompose, mail.MailRefused, ChannelRefused) as refusal:
                tally.refused(channel, refusal)
            except (mail.MailUnavailable, ChannelUnavailable) as unavailable:
                tally.troubled(channel, unavailable)
        trouble = tally.trouble(last_try=activity.info().attempt >= TRIES_OF_THE_OTHERS)
        if trouble is not None:
            raise ApplicationError(str(trouble), type=type(trouble).__name__) from trouble
        for channel, why in tally.given_up:
            key = _key(order) if channel == "email" else channel_key(order, channel)
            self._outbox.refused(ids.mail_message_id(key), f"given up: {why}")
        by_hand = order.but(step=order.step.but(channels=ways.by_hand))
        return tally.report(at, stored, task_text(by_hand, invoice, creditor) if ways.by_hand else "")

    def _by(
        self, channel: str, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, check: ContactCheck,
        heard: bool,
    ) -> Sent:  # fmt: skip
        """By one channel; `heard` is whether the debtor hears of this step already, so that it is no other contact."""
        try:
            if channel == "email":
                return self._by_mail(order, invoice, creditor, at, check)
            rules = self._find_rules(invoice.buyer.country)
            return self._channels.send(channel, order, invoice, creditor, at, None if heard else check, rules)
        except ContactTaken:
            _hold(check.before(cast("Channel", channel)))
            raise ApplicationError(
                "the buyer is being contacted in another case: try again", type="ContactTaken"
            ) from None

    def _has_left(self, channel: str, order: StepOrder) -> bool:
        notice = self._outbox.find(_key(order) if channel == "email" else channel_key(order, channel))
        return notice is not None and notice.status in DEPARTED

    def _by_mail(
        self, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, check: ContactCheck
    ) -> Sent:  # fmt: skip
        key = _key(order)
        notice = self._outbox.find(key)
        if notice is not None and notice.status in DEPARTED:
            return Sent("email", notice.message_id, sha256=notice.sha256)
        mailed = _again(notice, order)
        if mailed is not None:
            self._outbox.once_more(mailed.message_id)
        else:
            mailed = self._composed(key, order, invoice, creditor, at, check)
        if mailed is None:
            raise ContactTaken
        if len(order.step.channels) > 1 and self._correspondence.bounced(creditor.code, "email", mailed.recipient):
            back = CameBack(f"the last mail to {mailed.recipient} came back")
            self._outbox.refused(mailed.message_id, str(back))  # what will not leave must not look as if it would
            raise back
        try:
            proof = mail.send(mailed.content, mailed.recipient, self._smtp)
        except mail.MailRefused as refusal:
            self._outbox.refused(mailed.message_id, str(refusal))
            raise
        self._outbox.sent(mailed.message_id, proof)
        note = "; ".join(filter(None, (mailed.note, check.note)))
        return Sent("email", mailed.message_id, note, sha256=ids.digest(mailed.content))

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
                form=notice_suffix(row.channel, row.content),
            )
            for row in self._outbox.earlier(order.case_id)
        ]  # fmt: skip

    @activity.defn
    def record(self, order: RecordOrder) -> RecordReport:
        """Write a case's journal, its head, and a message that came by a signal into the ledger."""
        stored, conflict = self._ledger.record(order.case_id, order.journal, order.head, order.message, order.late)
        return RecordReport(stored=stored, conflict=conflict)


def _key(order: StepOrder) -> str:
    return ids.step_key(order.case_id, order.step.id, order.occurrence)


class _Held(Exception):
    """The rules of contact hold a notice back."""

    def __init__(self, report: StepReport) -> None:
        """With what is reported of the step."""
        super().__init__(report.note)
        self.report = report


def _hold(report: StepReport | None) -> None:
    if report is not None:
        raise _Held(report)


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
