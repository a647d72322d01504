"""The ways in for mail: the drop folder and the IMAP mailbox, emptied by hand or once a minute by the worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import structlog

from gateway.errors import GatewayError
from gateway.replies.filing import Filed, ReplyDesk
from gateway.replies.imap import ImapBox, ImapUnreachable
from gateway.replies.reading import MAX_BYTES, too_big
from models import ids
from models.settings import ImapSettings

EVERY_S = 60.0
"""Seconds between two looks of the worker."""

SETTLED_S = 2.0
"""A file that changed less than so many seconds ago may still be written."""

_IN_A_ROW = 3
"""Nobody answers at all: then the mails wait for the next look."""

log = structlog.get_logger("arrears.replies")


class Arrival(NamedTuple):
    """A mail and where it came from."""

    origin: str
    filed: Filed


class _Troubles:
    """What went wrong with single mails: the others are filed all the same, unless it goes on and on."""

    def __init__(self) -> None:
        """Nothing has gone wrong yet."""
        self._first: Exception | None = None
        self._in_a_row = 0

    def passed(self) -> None:
        """A mail was filed, or refused."""
        self._in_a_row = 0

    def met(self, error: Exception) -> None:
        """A mail could not be filed now; the third in a row is the last that is tried."""
        self._first, self._in_a_row = self._first or error, self._in_a_row + 1
        if self._in_a_row == _IN_A_ROW:
            raise self._first

    def tell(self) -> None:
        """Raise the first of them, once all others are filed."""
        if self._first is not None:
            raise self._first


async def from_file(desk: ReplyDesk, path: Path, invoice: str | None = None) -> Filed:
    """File one mail from a file, which stays where it is.

    Raises:
        OSError: if it cannot be read.
    """
    raw = await asyncio.to_thread(_bytes, path)
    return Filed("refused", reason=too_big(raw)) if isinstance(raw, int) else await desk.file(raw, invoice)


def _bytes(path: Path) -> bytes | int:
    """What a file holds; its size, if that is too much for a mail."""
    size = path.stat().st_size
    return size if size > MAX_BYTES else path.read_bytes()


async def from_folder(desk: ReplyDesk, settled_s: float = 0.0) -> AsyncIterator[Arrival]:
    """File what lies in the drop folder; each mail leaves it once it is filed or refused.

    Raises:
        Exception: what went wrong with a mail, once the others are filed; it stays, and is tried at the next look.
    """
    troubles = _Troubles()
    for path in await asyncio.to_thread(desk.folder.waiting):
        try:
            if time.time() - path.stat().st_mtime < settled_s:
                continue
            raw = await asyncio.to_thread(_bytes, path)
        except FileNotFoundError:
            continue  # another worker was faster
        except OSError as error:
            filed = Filed("refused", reason=f"it cannot be read: {error.strerror}")
        else:
            try:
                filed = Filed("refused", reason=too_big(raw)) if isinstance(raw, int) else await desk.file(raw)
            except Exception as error:
                troubles.met(error)
                continue
        if filed.result == "refused":
            await asyncio.to_thread(desk.folder.refused, path, filed.reason)
        else:
            await asyncio.to_thread(desk.folder.done, path)
        troubles.passed()
        yield Arrival(path.name, filed)
    troubles.tell()


async def from_imap(desk: ReplyDesk, settings: ImapSettings) -> AsyncIterator[Arrival]:
    """File what is new in the mailbox; each mail is marked there once it is filed or refused.

    Raises:
        ImapUnreachable: if the server does not answer or the connection breaks; what was not marked comes again.
        Exception: what went wrong with a mail, once the others are filed; it comes again.
    """
    box, troubles = ImapBox(settings), _Troubles()
    try:
        for uid in await asyncio.to_thread(box.new):
            raw = await asyncio.to_thread(box.fetch, uid, MAX_BYTES)
            if raw is None:
                continue
            try:
                filed = Filed("refused", reason=too_big(raw)) if isinstance(raw, int) else await desk.file(raw)
            except Exception as error:
                troubles.met(error)
                continue
            if filed.result == "refused":
                kept = raw if isinstance(raw, bytes) else await asyncio.to_thread(box.headers, uid)
                name = f"imap-{uid}-{ids.digest(kept)[:16]}"
                await asyncio.to_thread(desk.folder.keep_refused, name, kept, filed.reason)
            await asyncio.to_thread(box.done, uid)
            troubles.passed()
            yield Arrival(f"{settings.host} {settings.folder} {uid}", filed)
        troubles.tell()
    finally:
        await asyncio.to_thread(box.close)


async def arrivals(desk: ReplyDesk, imap: ImapSettings | None, settled_s: float = 0.0) -> AsyncIterator[Arrival]:
    """File all that waits, in the folder and in the mailbox.

    Raises:
        ImapUnreachable: if the mailbox cannot be emptied; what lay in the folder has been filed.
        Unreachable: if the cases cannot be told.
    """
    trouble: Exception | None = None
    try:
        async for arrival in from_folder(desk, settled_s):
            yield arrival
    except Exception as error:  # the mailbox is emptied all the same
        trouble = error
    if imap is not None:
        async for arrival in from_imap(desk, imap):
            yield arrival
    if trouble is not None:
        raise trouble


async def sweep(desk: ReplyDesk, imap: ImapSettings | None, settled_s: float = 0.0) -> list[Arrival]:
    """As `arrivals`, all at once."""
    return [arrival async for arrival in arrivals(desk, imap, settled_s)]


async def watch(desk: ReplyDesk, imap: ImapSettings | None, every_s: float = EVERY_S) -> None:
    """File what comes, for ever. Whatever goes wrong is said and tried again at the next look."""
    while True:
        try:
            async for origin, filed in arrivals(desk, imap, SETTLED_S):
                log.info("mail_filed", origin=origin, result=filed.result, kind=filed.kind, cases=len(filed.cases))
        except (GatewayError, ImapUnreachable) as error:
            log.warning("replies_not_read", reason=str(error))
        except Exception:  # one strange mail must not end the watch over all others
            log.exception("replies_not_read")
        await asyncio.sleep(every_s)
