"""What a channel is: it takes one finished notice and answers with a proof, a refusal or a trouble that passes.

How a notice is made and kept is in `dispatch.py`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class ChannelRefused(Exception):
    """The notice will never be taken as it is: a person has to mend the address, or choose another way."""


class ChannelUnavailable(Exception):
    """The notice was not taken now; the same may be tried again later. The text says what to check."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished notice on its way. `content` is what is kept as evidence and handed over."""

    key: str
    """The same over retries: a provider that knows it takes the notice once."""
    message_id: str
    name: str
    """A name for files, safe on every system."""
    to: str
    """The address in the channel's own form; empty where a person has to find it."""
    addressee: str
    content: bytes
    media_type: str
    facts: dict[str, Any]
    """What goes with it: creditor, invoice, buyer, kind, language."""

    @property
    def text(self) -> str:
        """A message's text."""
        return self.content.decode("utf-8")


class Taken(NamedTuple):
    """A channel has taken a notice. `task` is what a person has to do yet."""

    proof: str
    task: str = ""


class Channel(Protocol):
    """A way to the debtor."""

    def send(self, delivery: Delivery) -> Taken:
        """Hand a notice over.

        Raises:
            ChannelRefused: It will never be taken.
            ChannelUnavailable: It was not taken now.
        """
