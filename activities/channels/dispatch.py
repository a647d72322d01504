"""Which channels of a step go by themselves, and how a notice goes out by one of them: outbox first, then the channel.

E-mail has its own way in `steps.py`; what the outcomes of several channels come to is in `tally.py`.
"""

import email
import email.policy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from typing import NamedTuple, cast

from sqlalchemy.engine import Engine

from activities.bundle import safe_name
from activities.channels.ports import Channel, ChannelRefused, Delivery
from activities.channels.short_texts import short_text
from activities.channels.tally import Sent
from activities.composing import compose, goes_by_mail
from activities.contact_check import ContactCheck
from activities.correspondence import Correspondence
from activities.letters import LETTER_KINDS
from activities.mime import one_line
from activities.outbox import Outbox
from activities.refusals import CameBack, ContactTaken, Undeliverable
from activities.tables import DEPARTED
from models import ids
from models.invoice import Invoice
from models.jurisdiction import LetterRule
from models.orders import StepOrder
from models.parties import Buyer, Creditor
from models.parties import Channel as Way
from models.policy import Step

PAPER = "undisclosed-recipients:;"
"""The recipient of a mail that is only made to be printed."""


class Ways(NamedTuple):
    """How a step leaves: the channels that go by themselves, and those that people serve, each in the step's order."""

    served: tuple[str, ...]
    by_hand: tuple[str, ...]


class Channels:
    """The channels besides e-mail that are set up."""

    def __init__(self, engine: Engine, channels: Mapping[str, Channel] | None = None) -> None:
        """With the ledger's engine and the channels by their names; without any, all are tasks for people."""
        self._outbox, self._correspondence = Outbox(engine), Correspondence(engine)
        self._channels = dict(channels or {})

    @property
    def names(self) -> frozenset[str]:
        """The channels that are set up."""
        return frozenset(self._channels)

    def ways(self, step: Step) -> Ways:
        """How a step leaves. Documents for counterparts go by mail, all else about them is for people."""
        mailed = goes_by_mail(step)
        if not mailed and step.kind not in LETTER_KINDS:
            return Ways((), step.channels)
        ours = self._channels.keys() if step.kind in LETTER_KINDS else set()
        served = tuple(c for c in dict.fromkeys(step.channels) if c in ours or (c == "email" and mailed))
        return Ways(served, tuple(c for c in dict.fromkeys(step.channels) if c not in served))

    def send(
        self, channel: str, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime,
        check: ContactCheck | None = None, rules: Sequence[LetterRule] = (),
    ) -> Sent:  # fmt: skip
        """Send the notice of a step by a channel, unless it has left already.

        Args:
            channel: By which.
            order: The step.
            invoice: The invoice that is pursued.
            creditor: Whose it is.
            at: The business instant.
            check: The rules of contact; None where the debtor hears of this step by another channel anyway.
            rules: What the debtor's jurisdiction asks of letters.

        Raises:
            ContactTaken: Another case of the buyer was faster, and leaves no room for one more contact.
            CannotCompose: It cannot be made; `Undeliverable` if there is no address, or the last notice there came
                back and the step has another channel.
            ChannelRefused: The channel will never take it.
            ChannelUnavailable: The channel did not take it now.
        """
        key = channel_key(order, channel)
        message_id = ids.mail_message_id(key)
        known = self._outbox.find(key)
        if known is not None and known.status in DEPARTED:
            return Sent(channel, message_id)
        to = _address(channel, invoice.buyer)
        if len(order.step.channels) > 1 and to and self._correspondence.bounced(creditor.code, channel, one_line(to)):
            raise CameBack(f"the last message to {one_line(to)} by {channel} came back")
        made = self._made(channel, order, invoice, creditor, at, rules)
        delivery = Delivery(
            key=key, message_id=message_id, to=to, addressee=one_line(invoice.buyer.name) or invoice.buyer.id,
            name=f"{safe_name(invoice.creditor)}-{safe_name(invoice.number)}-{order.step.id}-{order.occurrence}",
            content=made.content, media_type=made.media_type,
            facts={
                "creditor": invoice.creditor, "invoice": invoice.number, "buyer": invoice.buyer.id,
                "kind": order.step.kind, "language": made.language,
            },
        )  # fmt: skip
        stored = self._outbox.put(
            key, order, creditor.code, invoice.buyer.id,
            {"message_id": message_id, "channel": channel, "recipient": one_line(to), "subject": made.subject,
             "kind": order.step.kind, "language": made.language, "content": made.content},
            admits=partial(check.admits, channel=cast("Way", channel)) if check else None,
            since=check.since if check else None,
        )  # fmt: skip
        if not stored:
            raise ContactTaken
        try:
            taken = self._channels[channel].send(delivery)
        except ChannelRefused as refusal:
            self._outbox.refused(message_id, str(refusal))
            raise
        self._outbox.sent(message_id, taken.proof)
        return Sent(channel, message_id, made.note, taken.task)

    @staticmethod
    def _made(
        channel: str, order: StepOrder, invoice: Invoice, creditor: Creditor, at: datetime, rules: Sequence[LetterRule]
    ) -> "_Made":  # fmt: skip
        if channel != "post":
            text, language, note = short_text(order, invoice, creditor, at)
            return _Made(text.encode(), "text/plain", text[:100], language, note)
        composed = compose(order, invoice, creditor, at=at, rules=rules, recipient=PAPER)
        content, media_type = _paper(composed.content)
        return _Made(content, media_type, composed.subject, composed.language, composed.note)


@dataclass(frozen=True, slots=True)
class _Made:
    content: bytes
    media_type: str
    subject: str
    language: str
    note: str


def channel_key(order: StepOrder, channel: str) -> str:
    """The key of a step's notice by a channel other than e-mail."""
    return f"{ids.step_key(order.case_id, order.step.id, order.occurrence)}/{channel}"


def _paper(mail: bytes) -> tuple[bytes, str]:
    """What of a composed mail is printed: the letter as PDF if it encloses one, else its text."""
    message = email.message_from_bytes(mail, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.iter_attachments():
        if part.get_content_type() == "application/pdf":
            return part.get_content(), "application/pdf"
    body = message.get_body(("plain",))
    return (body.get_content() if body is not None else "").encode(), "text/plain"


def _address(channel: str, buyer: Buyer) -> str:
    """Where a channel reaches a contact.

    Raises:
        Undeliverable: There is no such address. A letter without one is printed all the same.
    """
    if channel == "post":
        return "\n".join(one_line(line) for line in buyer.postal)
    found = next((at for name, at in (buyer.contact.chat or {}).items() if name == channel), None)
    if not found and channel == "sms":
        found = buyer.contact.phone
    if not found:
        raise Undeliverable(f"there is no address for {channel}: add it to the buyer's contact, or use another channel")
    return one_line(found)
