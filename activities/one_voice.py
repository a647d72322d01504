"""One voice per buyer: one mail for all letters that the buyer's cases owe on a day.

The case that comes first has its turn: it gathers the others, writes, claims the keys of all in one transaction, and
sends. Each of the others comes to its own step later, finds the notice under its own key, and reports it as its own.
Whoever is killed on the way leaves a notice that any of them sends on, under the same Message-ID.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import mail
from activities.composing import CannotCompose, Composition, compose_gathered
from activities.contact_check import ContactCheck
from activities.gathered_letter import STAGES, Gathered
from activities.gathering import Gathering, Renew, keys_of, step_key
from activities.ledger import Ledger
from activities.outbox import Outbox
from activities.tables import DEPARTED
from activities.turns import Turns
from models import ids
from models.invoice import Invoice
from models.jurisdiction import LetterRule
from models.orders import StepOrder, StepReport
from models.parties import Creditor
from models.settings import SmtpSettings

PATIENCE = 2.0
"""Seconds that a case waits for its turn before it leaves its place to another step, and is tried again."""
_LOOK = 0.05
_REWRITES = 3


def gathers(order: StepOrder) -> bool:
    """Whether a step is a letter that may be gathered with those of other cases."""
    return order.contact is not None and order.contact.rules.gather and order.step.kind in STAGES


class OneVoice:
    """Sends the letters of the cases whose policy gathers."""

    def __init__(self, ledger: Ledger, outbox: Outbox, smtp: SmtpSettings, renew: Renew) -> None:
        """Over the ledger and the mail server."""
        self._outbox, self._smtp = outbox, smtp
        self._gathering = Gathering(ledger, outbox, renew)
        self._turns = Turns(ledger.engine)

    def keep(self, order: StepOrder, attempt: int) -> None:
        """The step is still at work: its turn goes on."""
        self._turns.keep(order.case_id, attempt)

    def send(
        self, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, check: ContactCheck,
        rules: Sequence[LetterRule],
    ) -> StepReport:  # fmt: skip
        """Carry out a step: with a letter of its own making, or with one that serves it already.

        Raises:
            ApplicationError: to be tried again: another case is writing to the buyer, or the mail server is away.
        """
        attempt, deadline = activity.info().attempt, time.monotonic() + PATIENCE
        while True:
            notice = self._outbox.find(step_key(order))
            if notice is not None and notice.status in DEPARTED:
                return self._performed(notice.message_id, notice.sha256, at)
            if self._turns.take(creditor.code, invoice.buyer.id, order.case_id, attempt):
                break
            if time.monotonic() > deadline:
                raise ApplicationError("the buyer is being written to in another case: try again", type="ContactTaken")
            time.sleep(_LOOK)
        try:
            return self._in_turn(order, invoice, creditor, at, check, rules)
        finally:
            self._turns.leave(order.case_id, attempt)

    def _in_turn(
        self, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, check: ContactCheck,
        rules: Sequence[LetterRule],
    ) -> StepReport:  # fmt: skip
        for _ in range(_REWRITES):
            notice = self._outbox.find(step_key(order))
            if notice is not None and notice.status in DEPARTED:
                return self._performed(notice.message_id, notice.sha256, at)
            if held := check.before("email"):
                return held
            before = notice.message_id if notice is not None else None
            gathered = self._gathering.around(order, invoice, creditor, at, before)
            if notice is not None and self._still_true(notice, gathered, order):
                self._outbox.once_more(notice.message_id)
                return self._sent(notice.message_id, notice.recipient, notice.content, at, check.note)
            message_id = before or self._outbox.new_message_id(step_key(order))
            try:
                composed = _written(gathered, creditor, at, message_id, rules)
            except CannotCompose as refusal:
                return StepReport(status="refused", note=str(refusal))
            if self._put(composed, creditor, invoice, check):
                made, note = composed[0], "; ".join(filter(None, (composed[0].note, check.note)))
                return self._sent(made.message_id, made.recipient, made.content, at, note)
        raise ApplicationError("what the letter says has changed while it was written: try again", type="ContactTaken")

    def _still_true(self, notice: sa.Row[Any], gathered: Gathered, order: StepOrder) -> bool:
        """Whether a letter that was written before can go out as it is: it may have got through.

        In a retry it always can, while it serves the same steps and the balances are the same; on a later try only
        with today's date on it.
        """
        if self._outbox.served(notice.message_id) != keys_of(gathered.orders):
            return False
        if notice.pursued_minor != sum(each.pursued.minor for each in gathered.orders):
            return False
        info, clock = activity.info(), order.clock
        return info.attempt > 1 or clock.at(notice.composed_at).date() == clock.at(info.started_time).date()

    def _put(
        self, composed: tuple[Composition, Gathered], creditor: Creditor, invoice: Invoice, check: ContactCheck
    ) -> bool:
        made, gathered = composed
        return self._outbox.put_gathered(
            gathered.orders, creditor.code, invoice.buyer.id,
            {"message_id": made.message_id, "recipient": made.recipient, "subject": made.subject,
             "kind": made.kind, "language": made.language, "content": made.content},
            admits=check.admits, since=check.since,
        )  # fmt: skip

    def _sent(self, message_id: str, recipient: str, content: bytes, at: datetime, note: str) -> StepReport:
        try:
            proof = mail.send(content, recipient, self._smtp)
        except mail.MailRefused as refusal:
            self._outbox.refused(message_id, str(refusal))
            return StepReport(status="refused", note=str(refusal))
        except mail.MailUnavailable as trouble:
            raise ApplicationError(str(trouble), type="MailUnavailable") from trouble
        self._outbox.sent(message_id, proof)
        return self._performed(message_id, ids.digest(content), at, note)

    def _performed(self, message_id: str, sha256: str, at: datetime, note: str = "") -> StepReport:
        number = len(self._outbox.served(message_id))
        said = f"one letter for {number} invoices" if number > 1 else ""
        note = "; ".join(filter(None, (said, note)))
        return StepReport(status="performed", performed_at=at, notice=message_id, sha256=sha256, note=note)


def _written(
    gathered: Gathered, creditor: Creditor, at: datetime, message_id: str, rules: Sequence[LetterRule]
) -> tuple[Composition, Gathered]:
    """The letter and what it serves: one invoice, where the letter for all cannot be written."""
    try:
        return compose_gathered(gathered, creditor, at=at, message_id=message_id, rules=rules), gathered
    except CannotCompose:
        if len(gathered.dues) == 1:
            raise
    return compose_gathered(gathered.alone, creditor, at=at, message_id=message_id, rules=rules), gathered.alone
