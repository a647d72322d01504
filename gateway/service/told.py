"""What a case answered."""

from typing import NamedTuple

from models.orders import Head


class Told(NamedTuple):
    """What a case answered. `unapplied`: there was no running case; the money waits in the ledger with a task."""

    text: str
    head: Head | None
    duplicate: bool = False
    unapplied: bool = False

    @property
    def said(self) -> str:
        """The answer for people. The text of a duplicate is that of the first time, and may not hold any more."""
        return KNOWN.text if self.duplicate else self.text


KNOWN = Told("already known; nothing changed", None, duplicate=True)
"""The answer to what was told before, or twice at once."""
