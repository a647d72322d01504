"""Finds what one letter to a buyer can serve: the letters that other cases of the buyer owe on the same day.

What is due is decided in models/gathering.py; how it becomes one letter, in gathered_letter.py; how that is sent, in
one_voice.py.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta

from activities.contact_check import ContactCheck
from activities.figures import figures_on
from activities.gathered_letter import STAGES, Due, Gathered
from activities.ledger import Ledger, LedgerConflict
from activities.letter_content import InvoiceLine
from activities.letters import content_of, demandable, line_of
from activities.outbox import Outbox, RecentContacts
from activities.refusals import CannotCompose
from models import ids
from models.case import Case
from models.clock import CaseClock
from models.gathering import due_on_the_day, may_be_told
from models.invoice import Invoice
from models.ordering import order_of
from models.orders import StepOrder
from models.parties import Creditor

MOST = 250
"""Invoices of one letter; what is beyond them gets a letter of its own."""
SAME_TIME = timedelta(seconds=1)
"""On the wall. In time-lapse every case has a clock of its own; those that were started together count as one."""

Renew = Callable[[StepOrder, Invoice], StepOrder]
"""An order with the law as it is known now."""


def step_key(order: StepOrder) -> str:
    """The key of an order in the outbox."""
    return ids.step_key(order.case_id, order.step.id, order.occurrence)


class Gathering:
    """Looks through the open cases of a buyer."""

    def __init__(self, ledger: Ledger, outbox: Outbox, renew: Renew) -> None:
        """Over the ledger."""
        self._ledger, self._outbox, self._renew = ledger, outbox, renew

    def around(
        self, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, notice: str | None
    ) -> Gathered:  # fmt: skip
        """What a letter serves that is written for `order` at `at`.

        Args:
            order: The step that is carried out.
            invoice: Its invoice.
            creditor: On whose behalf.
            at: The business instant.
            notice: The Message-ID of a letter that was written for the step before, sent or not: then only what that
                one served is gathered anew, for it may have got through.
        """
        keys = self._outbox.keys_of_buyer(creditor.code, invoice.buyer.id)
        dues, also_open, contested = [Due(order, invoice)], [], []
        for case in self._others(order, invoice, creditor.code, at):
            found = self._due(case, order, invoice, creditor, at)
            if found is not None and keys.get(step_key(found.order)) == notice and len(dues) < MOST:
                dues.append(found)
            elif may_be_told(case, at) and _same_reader(case.invoice, invoice):
                line = _line(case, at)
                if case.pursued:
                    also_open.append(line)
                if case.disputed:
                    contested.append(line)
        return Gathered(tuple(dues), tuple(also_open[:MOST]), tuple(contested[:MOST]))

    def _others(self, order: StepOrder, invoice: Invoice, creditor: str, at: datetime) -> Iterator[Case]:
        """The buyer's other open cases in the currency, the oldest first, but for those that have yet to hear news."""
        wall = order.clock.wall + (at - order.clock.business) / order.clock.factor
        rows = self._ledger.open_items(creditor, invoice.buyer.id, invoice.amount.currency)
        unheard = self._outbox.unheard(creditor, [row.number for row in rows])
        for row in rows:
            if row.case_id == order.case_id or row.number in unheard:
                continue
            # A day and a half is more than any day lasts, in whichever zone.
            soon = row.next_at is not None and row.next_at < at + timedelta(hours=36)
            if not soon and row.due >= at.date() + timedelta(days=1):
                continue
            try:
                case = self._ledger.rebuild(row.case_id)
            except LedgerConflict:
                continue  # A case with a broken chain speaks for itself, or not at all.
            if case is None or not _together(case.clock, order.clock, wall):
                continue
            if not self._ledger.told(creditor, row.number, (*case.applied, *case.declined)):
                yield case

    def _due(self, case: Case, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime) -> Due | None:
        rules = case.policy.contact
        if rules is None or not rules.gather or not _same_reader(case.invoice, invoice):
            return None
        action = due_on_the_day(case, at)
        if action is None or action.step.kind not in STAGES or "email" not in action.step.channels:
            return None
        other = order_of(case, action.step, action.occurrence, action.planned_at, at)
        other = self._renew(other, case.invoice)
        check = ContactCheck(other, case.invoice, self._outbox, at)
        if "email" in case.invoice.buyer.contact.opt_out or not check.admits(RecentContacts()):
            return None
        try:
            demandable(other, case.invoice, content_of(other, case.invoice, creditor, at))
        except CannotCompose:
            return None  # Its own step says so, in its own case.
        return Due(other, case.invoice)


def _together(one: CaseClock, other: CaseClock, wall: datetime) -> bool:
    return one.factor == other.factor and abs(one.at(wall) - other.at(wall)) / one.factor <= SAME_TIME


def _same_reader(one: Invoice, other: Invoice) -> bool:
    """Whether a letter about the one can speak of the other: the same mailbox, language and day."""
    ours, theirs = one.buyer.contact, other.buyer.contact
    return (ours.email, ours.language, ours.timezone) == (theirs.email, theirs.language, theirs.timezone)


def _line(case: Case, at: datetime) -> InvoiceLine:
    # Any step will do: the figures are those of the case.
    order = order_of(case, case.policy.steps[0], 1, at, at).but(claims_interest=False)
    return line_of(case.invoice, figures_on(order, case.invoice, at))


def keys_of(orders: Collection[StepOrder]) -> set[str]:
    """The keys of orders in the outbox."""
    return {step_key(order) for order in orders}
