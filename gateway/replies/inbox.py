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

log = structlog.get_logger("arrears.replies")


class Arrival(NamedTuple):
    """A mail and where it came from."""

    origin: str
    filed: Filed


async def from_file(desk: ReplyDesk, path: Path, invoice: str | None = None) -> Filed:
    """File one mail from a file, which stays where it is.

    Raises:
        OSError: if it cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        return Filed("refused", reason=too_big(size))
    return await desk.file(await asyncio.to_thread(path.read_bytes), invoice)


async def from_folder(desk: ReplyDesk, settled_s: float = 0.0) -> AsyncIterator[Arrival]:
    """File what lies in the drop folder; each mail leaves it once it is filed or refused."""
    for path in await asyncio.to_thread(desk.folder.waiting):
        try:
            if time.time() - path.stat().st_mtime < settled_s:
                continue
            filed = await from_file(desk, path)
        except FileNotFoundError:
            continue  # another worker was faster
        except OSError as error:
            filed = Filed("refused", reason=f"it cannot be read: {error.strerror}")
        if filed.result == "refused":
            await asyncio.to_thread(desk.folder.refused, path, filed.reason)
        else:
            await asyncio.to_thread(desk.folder.done, path)
        yield Arrival(path.name, filed)


async def from_imap(desk: ReplyDesk, settings: ImapSettings) -> AsyncIterator[Arrival]:
    """File what is new in the mailbox; each mail is marked there once it is filed or refused.

    Raises:
        ImapUnreachable: if the server does not answer or the connection breaks; what was not marked comes again.
    """
    box = ImapBox(settings)
    try:
        for uid in await asyncio.to_thread(box.new):
            raw = await asyncio.to_thread(box.fetch, uid, MAX_BYTES)
            if raw is None:
                continue
            filed = Filed("refused", reason=too_big(raw)) if isinstance(raw, int) else await desk.file(raw)
            if filed.result == "refused":
                kept = raw if isinstance(raw, bytes) else await asyncio.to_thread(box.headers, uid)
                name = f"imap-{uid}-{ids.digest(kept)[:16]}"
                await asyncio.to_thread(desk.folder.keep_refused, name, kept, filed.reason)
            await asyncio.to_thread(box.done, uid)
            yield Arrival(f"{settings.host} {settings.folder} {uid}", filed)
    finally:
        await asyncio.to_thread(box.close)


async def sweep(desk: ReplyDesk, imap: ImapSettings | None, settled_s: float = 0.0) -> list[Arrival]:
    """File all that waits, in the folder and in the mailbox.

    Raises:
        ImapUnreachable: if the mailbox cannot be emptied; what lay in the folder has been filed.
        Unreachable: if the cases cannot be told.
    """
    found = [arrival async for arrival in from_folder(desk, settled_s)]
    if imap is not None:
        found += [arrival async for arrival in from_imap(desk, imap)]
    return found


async def watch(desk: ReplyDesk, imap: ImapSettings | None, every_s: float = EVERY_S) -> None:
    """File what comes, for ever. Whatever goes wrong is said and tried again at the next look."""
    while True:
        try:
            for origin, filed in await sweep(desk, imap, SETTLED_S):
                log.info("mail_filed", origin=origin, result=filed.result, kind=filed.kind, cases=len(filed.cases))
        except (GatewayError, ImapUnreachable) as error:
            log.warning("replies_not_read", reason=str(error))
        except Exception:  # one strange mail must not end the watch over all others
            log.exception("replies_not_read")
        await asyncio.sleep(every_s)
