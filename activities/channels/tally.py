"""What the channels of one step come to: performed, refused, or tried again."""

from datetime import datetime
from typing import NamedTuple

from activities.channels.ports import ChannelRefused
from activities.mail import MailRefused, NoSuchAddress, SenderRefused
from activities.refusals import CameBack, Undeliverable
from models import events as e
from models import ids
from models.orders import StepOrder, StepReport

MAX_NOTE = 2_000


class Sent(NamedTuple):
    """A notice left by a channel. `task` is what a person has to do yet."""

    channel: str
    notice: str
    note: str = ""
    task: str = ""
    sha256: str | None = None


class Tally:
    """Counts the outcomes of a step's channels, in their order."""

    def __init__(self, order: StepOrder) -> None:
        """For one step; nothing has happened yet."""
        self._order = order
        self._sent: list[Sent] = []
        self._refused: list[tuple[str, Exception]] = []
        self._troubled: list[tuple[str, Exception]] = []

    def sent(self, sent: Sent) -> None:
        """A channel has taken the notice."""
        self._sent.append(sent)

    def refused(self, channel: str, why: Exception) -> None:
        """A channel will never take it."""
        self._refused.append((channel, why))

    def troubled(self, channel: str, why: Exception) -> None:
        """A channel did not take it now."""
        self._troubled.append((channel, why))

    @property
    def has_left(self) -> bool:
        """Whether the notice is out by some channel."""
        return bool(self._sent)

    def trouble(self, last_try: bool) -> Exception | None:
        """Why the step is to be tried again.

        On the last try a step that went out by one channel is performed; the other way is left to a person.
        """
        if not self._troubled or (last_try and self._sent):
            return None
        return self._troubled[0][1]

    @property
    def given_up(self) -> list[tuple[str, str]]:
        """The channels that did not take it in the end, and why."""
        return [(channel, str(why)) for channel, why in self._troubled]

    def report(self, at: datetime, stored: int, by_hand: str) -> StepReport:
        """The report of the step; `by_hand` is the task for the channels that people serve."""
        if not self._sent and not (by_hand and all(_falls_back(why) for _, why in self._refused)):
            return StepReport(status="refused", note=self._refusals(), stored=stored)
        to_do = [*(sent.task for sent in self._sent if sent.task), by_hand]
        to_do += [
            f"The notice by {channel} did not go out ({why}): reach the debtor another way."
            for channel, why in (*self._refused, *self._troubled)
            if not (_unreachable(why) or isinstance(why, CameBack))
        ]
        notes = dict.fromkeys(sent.note for sent in self._sent if sent.note)
        text = " ".join(part for part in (*to_do, *notes, *self._failed()) if part)
        task = f"{self._order.step.id}-{self._order.occurrence}" if any(to_do) else None
        return StepReport(
            status="performed", performed_at=at, notice=self._sent[0].notice if self._sent else None,
            sha256=self._sent[0].sha256 if self._sent else None, task=task,
            note=text[:MAX_NOTE], told=self._lost(), stored=stored,
        )  # fmt: skip

    def _refusals(self) -> str:
        if len(self._refused) == 1:
            return str(self._refused[0][1])
        return "; ".join(f"by {channel}: {why}" for channel, why in self._refused)[:MAX_NOTE]

    def _failed(self) -> list[str]:
        return [f"Not by {c}: {why}." for c, why in self._refused if _unreachable(why) or isinstance(why, CameBack)]

    def _lost(self) -> tuple[e.AnyMessage, ...]:
        """The debtor cannot be reached by a channel: the case hears of it once (R23)."""
        key = ids.step_key(self._order.case_id, self._order.step.id, self._order.occurrence)
        return tuple(
            e.ContactLost(
                id=ids.digest(f"{key}/{channel}"), note=f"{channel}: {why}"[:MAX_NOTE], source="channels"
            )
            for channel, why in self._refused
            if _unreachable(why)
        )  # fmt: skip


def _unreachable(why: Exception) -> bool:
    """Whether a refusal is news about the debtor: they cannot be reached there."""
    return isinstance(why, Undeliverable | NoSuchAddress) and not isinstance(why, CameBack)


def _falls_back(why: Exception) -> bool:
    """Whether a refusal leaves the step to its next channel; any other has to be mended first."""
    return isinstance(why, Undeliverable | MailRefused | ChannelRefused) and not isinstance(why, SenderRefused)
