"""The folder of filed mail: how one is written so that it is there or not, and how they are read again.

The SMTP side is `gateway.stack.sink`.
"""

import email.policy
import itertools
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from pathlib import Path

from models.base import Value

_SUFFIX = ".eml"
_FROM, _TO = "X-Envelope-From", "X-Envelope-To"
_HEADERS = BytesHeaderParser(policy=email.policy.default)


class FiledMail(Value):
    """One mail in the folder."""

    message_id: str
    """As in its Message-ID header, angle brackets included; empty when it has none."""
    sender: str
    """Who the envelope says it is from."""
    to: tuple[str, ...]
    """Whom the envelope says it is for, which is where a mail server would have taken it."""
    subject: str
    path: Path


class Mailbox:
    """Files mails in a folder, in the order of arrival, each under a name that no other run can take."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder, which is made where needed; drafts a killed run left in it are removed."""
        self._folder = folder
        self._run = secrets.token_hex(4)
        self._count = itertools.count()
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(".*.draft"):
            draft.unlink(missing_ok=True)

    def file(self, sender: str, recipients: Sequence[str], content: bytes) -> Path:
        """Files one mail with its envelope as headers on top; once this returns, it outlives the process.

        It is not forced to the disk: a power cut may take the last seconds with it.

        Raises:
            OSError: It could not be written; nothing of it is left under a mail's name.
        """
        name = f"{time.time_ns():020d}-{self._run}-{next(self._count):06d}{_SUFFIX}"
        draft = self._folder / f".{name}.draft"
        envelope = "".join(
            f"{header}: {_one_line(value)}\r\n" for header, value in ((_FROM, sender), (_TO, ", ".join(recipients)))
        )
        try:
            draft.write_bytes(envelope.encode("utf-8", "surrogateescape") + content)
            filed = self._folder / name
            os.rename(draft, filed)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        return filed


def read_mails(folder: Path) -> list[FiledMail]:
    """All mails of the folder, the oldest first. Nothing but headers is read."""
    return [_read(path) for path in sorted(folder.glob(f"*{_SUFFIX}"))]


def repeated(mails: Iterable[FiledMail]) -> dict[str, int]:
    """How often each Message-ID arrived, for those that arrived more than once."""
    return {mid: n for mid, n in Counter(m.message_id for m in mails if m.message_id).items() if n > 1}


def _read(path: Path) -> FiledMail:
    with path.open("rb") as file:
        headers = _HEADERS.parse(file)
    return FiledMail(
        message_id=_text(headers["Message-ID"]),
        sender=_text(headers[_FROM]),
        to=tuple(address for _, address in getaddresses([_text(headers[_TO])]) if address),
        subject=_text(headers["Subject"]),
        path=path,
    )


def _text(header: object) -> str:
    return "" if header is None else str(header).strip()


def _one_line(value: str) -> str:
    return " ".join(value.split())
