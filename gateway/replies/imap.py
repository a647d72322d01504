"""The mailbox of the reply address, by IMAP: what is new, its bytes, and a mark when it is filed.

What is done with a mail is none of its business. A connection that breaks is an error; the next look begins anew.
"""

import imaplib
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from models.settings import ImapSettings

TIMEOUT_S = 30.0
R = TypeVar("R")


class ImapUnreachable(Exception):
    """The mailbox cannot be read now; the text says which, why, and what to check."""


class ImapBox:
    """A mailbox. Connects at the first question; not for several threads at a time."""

    def __init__(self, settings: ImapSettings, timeout: float = TIMEOUT_S) -> None:
        """Nothing is asked yet."""
        self._settings, self._timeout = settings, timeout
        self._open: imaplib.IMAP4 | None = None

    def new(self) -> list[str]:
        """The UIDs of the mails that were not filed yet, the oldest first.

        Those are all in the folder where filed ones are moved away, else those without the mark `Seen`.
        """
        wanted = "ALL" if self._settings.done_folder else "UNSEEN"
        _, data = self._asked("search", lambda box: box.uid("SEARCH", wanted))
        found = b" ".join(part for part in data if isinstance(part, bytes)).split()
        return [uid.decode("ascii") for uid in sorted(found, key=int) if uid.isdigit()]

    def fetch(self, uid: str, most: int) -> bytes | int | None:
        """The bytes of a mail; its size if that is more than `most`; None if it is gone meanwhile."""
        _, data = self._asked("fetch", lambda box: box.uid("FETCH", uid, "(UID RFC822.SIZE)"))
        size = re.search(rb"RFC822\.SIZE (\d{1,15})", b" ".join(_flat(data)))
        if size is None:
            return None
        if int(size[1]) > most:
            return int(size[1])
        return self._content(uid, "BODY.PEEK[]")

    def headers(self, uid: str) -> bytes:
        """The headers of a mail that is too big."""
        return self._content(uid, "BODY.PEEK[HEADER]") or b""

    def done(self, uid: str) -> None:
        """A mail was filed: it is marked, and moved if a folder for that is set."""
        self._asked("store", lambda box: box.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"))
        target = self._settings.done_folder
        if target is None:
            return
        capable = self._open is not None and "MOVE" in self._open.capabilities
        if capable:
            self._asked("move", lambda box: box.uid("MOVE", uid, _quoted(target)))
            return
        self._asked("copy", lambda box: box.uid("COPY", uid, _quoted(target)))
        self._asked("store", lambda box: box.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
        self._asked("expunge", lambda box: box.expunge())

    def close(self) -> None:
        """Say goodbye, if anybody is there."""
        box, self._open = self._open, None
        if box is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                box.logout()

    def _content(self, uid: str, part: str) -> bytes | None:
        _, data = self._asked("fetch", lambda box: box.uid("FETCH", uid, f"({part})"))
        return next((piece[1] for piece in data if isinstance(piece, tuple) and len(piece) > 1), None)

    def _asked(self, what: str, ask: Callable[[imaplib.IMAP4], tuple[str, list[Any]]]) -> tuple[str, list[Any]]:
        where = f"{self._settings.host}:{self._settings.port}"
        try:
            box = self._connected()
            status, data = ask(box)
        except (imaplib.IMAP4.error, OSError, ValueError, EOFError) as error:
            with suppress(OSError, imaplib.IMAP4.error):
                if self._open is not None:
                    self._open.shutdown()
            self._open = None
            raise ImapUnreachable(
                f"the mailbox at {where} cannot be read ({what}: {_said(error)}); it will be tried again. Check the "
                "ARREARS_IMAP_ settings, and that the server runs"
            ) from error
        if status != "OK":
            said = b" ".join(_flat(data)).decode("utf-8", "replace")[:200]
            raise ImapUnreachable(f"the mailbox at {where} answered {status} to {what}: {said}")
        return status, data

    def _connected(self) -> imaplib.IMAP4:
        if self._open is not None:
            return self._open
        wanted = self._settings
        box: imaplib.IMAP4
        if wanted.security == "tls":
            trusted = ssl.create_default_context()
            box = imaplib.IMAP4_SSL(wanted.host, wanted.port, ssl_context=trusted, timeout=self._timeout)
        else:
            box = imaplib.IMAP4(wanted.host, wanted.port, timeout=self._timeout)
        try:
            if wanted.security == "starttls":
                box.starttls(ssl.create_default_context())
            box.login(wanted.username, wanted.password.get_secret_value())
            status, data = box.select(_quoted(wanted.folder))
            if status != "OK":
                said = b" ".join(_flat(data)).decode("utf-8", "replace")[:200]
                raise imaplib.IMAP4.error(f"there is no folder {wanted.folder!r}: {said}")
        except BaseException:
            with suppress(OSError, imaplib.IMAP4.error):
                box.shutdown()
            raise
        self._open = box
        return box


def _flat(data: list[Any]) -> list[bytes]:
    return [piece for item in data for piece in (item if isinstance(item, tuple) else (item,)) if piece]


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _said(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:300]
