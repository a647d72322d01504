"""Listens for HTTP inside of the worker, for as long as that runs."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from starlette.applications import Starlette

from models.settings import HookSettings

AGAIN_S = 5.0
"""Seconds until a port that is taken is tried again: of several workers one listens, and if it dies another does."""
_AT_ONCE = 64

log = structlog.get_logger("arrears.hooks")


class _Server(uvicorn.Server):
    """One that leaves the signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def listen(app: Starlette, settings: HookSettings) -> None:
    """Serve until cancelled. What is being answered then is answered first."""
    listening = await _port(settings)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, log_level="warning", server_header=False, lifespan="off",
        limit_concurrency=_AT_ONCE, timeout_keep_alive=5, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = _Server(config)
    log.info("hooks_open", host=settings.host, port=settings.port)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


async def _port(settings: HookSettings) -> socket.socket:
    """The port, once it is free."""
    said = ""
    while True:
        try:
            family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
            return socket.create_server((settings.host, settings.port), family=family)
        except OSError as error:
            if said != str(error):
                said = str(error)
                log.warning("hooks_not_open", host=settings.host, port=settings.port, reason=said)
        await asyncio.sleep(AGAIN_S)
