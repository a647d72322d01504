"""Looks after the inbox: time and again in the worker, once by hand."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from temporalio.client import Client

from activities.database import LedgerUnreachable
from activities.ledger import Ledger
from gateway.bank.booking import deliver
from gateway.connection import connect_server, open_ledger
from gateway.errors import GatewayError, Unreachable
from gateway.inbox.folder import Inbox, Look
from gateway.inbox.taking import Taken, Takings
from gateway.service import Service
from models.settings import Settings

EVERY = 2.0
"""Seconds between two looks: a file that has not changed from one to the next has stood still."""
REST = 30.0
"""Seconds to leave a server alone that did not answer."""
STOPS_WITHIN = 0.5

log = structlog.get_logger("arrears.inbox")


class Watchman:
    """Looks at an inbox and takes what has stood still since the last look."""

    def __init__(self, settings: Settings, ledger: Ledger, told: Callable[[Taken], None]) -> None:
        """Everything that is taken is told of, file by file."""
        self.inbox = Inbox(settings.data_dir)
        self.inbox.prepare()
        self._settings, self._ledger, self._told = settings, ledger, told
        self._takings = Takings(settings, self.inbox, ledger)
        self._seen: dict[str, Look] = {}
        self._client: Client | None = None
        self.away = False
        """Whether the server did not answer the last time it was needed."""

    async def round(self) -> list[Taken]:
        """One look at the folder; what has stood still since the last one is taken."""
        self.inbox.recover()
        looks = self.inbox.looks()
        ready = {name: look for name, look in looks.items() if self._seen.get(name) == look}
        self._seen = looks
        return await self._take(ready) if ready else []

    async def _take(self, ready: dict[str, Look]) -> list[Taken]:
        service = await self._service()
        taken: list[Taken] = []
        with self.inbox.taker() as taker:
            files = [file for name, look in ready.items() if (file := taker.take(name, look)) is not None]
            kinds = {file: self._takings.purpose_of(file) for file in files}
            # Invoices before the money that pays them.
            for file in sorted(files, key=lambda file: (kinds[file] == "bank", file.name)):
                one = await self._takings.take(taker, file, kinds[file], service)
                taken.append(one)
                if one.outcome != "waits":
                    self._told(one)
                elif service is not None:
                    self.away = True
                    service = await self._service()
        if any(one.purpose == "bank" for one in taken):
            await self._deliver(service)
        return taken

    async def _service(self) -> Service | None:
        """The service with its server; None while that does not answer."""
        try:
            if self._client is None or self.away:
                self._client = await connect_server(self._settings, wait=3)
        except Unreachable:
            self._client, self.away = None, True
            return None
        self.away = False
        return Service(self._settings, self._ledger, self._client)

    async def _deliver(self, service: Service | None) -> None:
        """Tell the cases of the money; what cannot be told now, the reconciler delivers."""
        if service is None:
            return
        with suppress(GatewayError):
            delivery = await deliver(service, self._ledger.undelivered())
            if delivery.waiting:
                log.warning("messages_wait", count=len(delivery.waiting), first=delivery.waiting[0])


async def look_once(settings: Settings, told: Callable[[Taken], None]) -> list[Taken]:
    """Take what has stood still for a moment.

    Raises:
        Unreachable: the ledger does not answer.
    """
    ledger = open_ledger(settings)
    try:
        watchman = Watchman(settings, ledger, told)
        await watchman.round()
        await asyncio.sleep(EVERY)
        return await watchman.round()
    except LedgerUnreachable as error:
        raise Unreachable(f"{error}: check ARREARS_LEDGER_URL, and that the database runs") from error
    finally:
        ledger.engine.dispose()


async def watch(settings: Settings, told: Callable[[Taken], None], stopped: Callable[[], bool]) -> None:
    """Look after the inbox until told to stop; nothing that goes wrong with a file ends it.

    A file that is being taken in then goes back: large ones would keep a worker from ending for minutes.
    """
    ledger = open_ledger(settings)
    try:
        watching = asyncio.create_task(_rounds(Watchman(settings, ledger, told)))
        while not stopped() and not watching.done():
            await asyncio.wait([watching], timeout=STOPS_WITHIN)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    finally:
        ledger.engine.dispose()


async def _rounds(watchman: Watchman) -> None:
    while True:
        try:
            taken = await watchman.round()
            waits = watchman.away or any(one.outcome == "waits" for one in taken)
        except (GatewayError, LedgerUnreachable, OSError) as error:
            log.warning("inbox_not_read", reason=str(error)[:500])
            waits = True
        await asyncio.sleep(REST if waits else EVERY)


async def watch_aside(settings: Settings, stopped: Callable[[], bool]) -> None:
    """As `watch`, in a thread of its own: large files must not keep the worker's cases waiting."""

    def told(taken: Taken) -> None:
        log.info("inbox_refused" if taken.outcome == "refused" else "inbox_taken", text=taken.sentence)

    try:
        await asyncio.to_thread(lambda: asyncio.run(watch(settings, told, stopped)))
    except Exception as error:
        # A folder that cannot be watched must not end the worker: the cases go on.
        log.exception("inbox_not_watched", reason=str(error)[:500])
