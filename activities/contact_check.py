"""The rules of contact once more, at the moment of sending: a worker may have been away since the step was planned.

What the rules say is in models/contact.py. Here they meet the clock, the order, and what the ledger knows of other
cases of the same buyer.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from activities.outbox import Outbox, RecentContacts
from models import ids
from models.contact import Delayed, Forbidden, Permitted, Verdict, channels_for, may_contact
from models.invoice import Invoice
from models.orders import ContactTerms, StepOrder, StepReport
from models.parties import Channel
from models.policy import DUNNING

PUNCTUAL = timedelta(minutes=1)
"""On the wall. In time-lapse a second may be a day of business: what is no later than this counts as on time."""


class ContactCheck:
    """What the rules say of one order; they are silent where it does not speak to the debtor, or none are pinned."""

    def __init__(self, order: StepOrder, invoice: Invoice, outbox: Outbox, at: datetime) -> None:
        """For an order that is carried out at the business instant `at`."""
        self._order, self._invoice, self._outbox = order, invoice, outbox
        self._terms = order.contact
        self._now = _in_time(order, at)

    def channels(self, served: Collection[str]) -> tuple[Channel, ...]:
        """The channels of the step: by the buyer's choice and the region, as far as we have them (R27).

        What the debtor declined falls away, so that the next one is taken; by what is not set up nobody is sent to.
        """
        step = self._order.step
        if self._terms is None:
            return step.channels
        chosen = channels_for(
            self._terms.rules, step.kind, step.channels, self._invoice.buyer.contact, self._country(self._terms)
        )
        return tuple(c for c in chosen if c in step.channels or c in served) or step.channels

    def by_hand(self) -> StepReport | None:
        """Why a step that a person carries out must wait, or must not be taken; None if it may go ahead."""
        if self._terms is None:
            return None
        step, contact, country = self._order.step, self._invoice.buyer.contact, self._country(self._terms)
        channels = channels_for(self._terms.rules, step.kind, step.channels, contact, country)
        return self._report(self._verdict(self._terms, (channels or step.channels)[0], self._ledger_knows()))

    def before(self, channel: Channel) -> StepReport | None:
        """Why a notice must wait, or must not be sent by a channel; None if it may go out."""
        if self._terms is None:
            return None
        return self._report(self._verdict(self._terms, channel, self._ledger_knows()))

    def before_all(self, channels: Sequence[Channel]) -> StepReport | None:
        """Why a step that goes out by several channels must wait: until all may be used.

        Where their hours do not meet on a day the first of them counts; what the others miss is left to a person.
        """
        if self._terms is None:
            return None
        recent = self._ledger_knows()
        verdicts = [self._verdict(self._terms, channel, recent) for channel in channels]
        delays = [verdict for verdict in verdicts if isinstance(verdict, Delayed)]
        if not delays:
            return None
        last = max(delays, key=lambda delayed: delayed.until)
        contact = self._invoice.buyer.contact
        then = (
            may_contact(self._terms.rules, self._terms.calendar, contact, channel, last.until) for channel in channels
        )
        return self._report(verdicts[0] if any(isinstance(verdict, Delayed) for verdict in then) else last)

    def admits(self, recent: RecentContacts, channel: Channel = "email") -> bool:
        """Whether the contacts with the buyer leave room for one more: asked inside of the transaction."""
        return self._terms is None or isinstance(self._verdict(self._terms, channel, self._mapped(recent)), Permitted)

    @property
    def note(self) -> str:
        """What is worth recording of a contact that was made under these rules."""
        if self._terms is None or self._terms.rules.buyer_limit is None or self._order.clock.factor == 1:
            return ""
        return "time-lapse: of the buyer's contacts only those of this case were counted"

    @property
    def since(self) -> datetime | None:
        """From when on other contacts with the buyer matter, on the wall; None if they do not."""
        limit = self._terms.rules.buyer_limit if self._terms else None
        if limit is None or self._order.clock.factor != 1:
            # In time-lapse every case has a calendar of its own: only its own contacts can be counted.
            return None
        return datetime.now(UTC) - timedelta(days=limit.within + 1)

    def _ledger_knows(self) -> list[datetime]:
        creditor, _ = ids.split_case_id(self._order.case_id)
        since = self.since
        if since is None:
            return self._mapped(RecentContacts())
        return self._mapped(self._outbox.recent(creditor, self._invoice.buyer.id, self._order.case_id, since))

    def _mapped(self, recent: RecentContacts) -> list[datetime]:
        """All contacts as business instants: those of this case, of which it knows itself, and those of the others."""
        own = [done.performed_at for done in self._order.performed if done.kind in DUNNING]
        return [*own, *(self._order.clock.at(wall) for wall in recent.notices), *recent.others]

    def _verdict(self, terms: ContactTerms, channel: Channel, recent: Sequence[datetime]) -> Verdict:
        return may_contact(terms.rules, terms.calendar, self._invoice.buyer.contact, channel, self._now, recent)

    @staticmethod
    def _country(terms: ContactTerms) -> str | None:
        return terms.calendar.country if terms.calendar else None

    @staticmethod
    def _report(verdict: Verdict) -> StepReport | None:
        match verdict:
            case Delayed(until, reason):
                return StepReport(status="deferred", until=until, note=reason)
            case Forbidden(reason):
                return StepReport(
                    status="refused", note=f"{reason}: use another channel and complete this task as done"
                )
            case Permitted():
                return None


def _in_time(order: StepOrder, at: datetime) -> datetime:
    """The instant at which the rules look: the planned one, where only the time-lapse made it late."""
    if order.clock.factor != 1 and (at - order.planned_at) / order.clock.factor < PUNCTUAL:
        return order.planned_at
    return at
