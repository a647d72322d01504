"""Being told to stop: Ctrl-C, SIGTERM and the terminal's end all mean the same."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

# Some tell a process and then its whole group, which is one wish arriving twice.
_ECHO_S = 0.5


async def until_told(work: Coroutine[Any, Any, None], at_once: Callable[[], None]) -> None:
    """Runs `work` until it ends or this process is told to stop, which cancels it.

    Args:
        work: What to do; it winds up when cancelled.
        at_once: Called when somebody will not wait for the winding up and says so again.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    told: float | None = None

    def stop() -> None:
        nonlocal told
        if told is None:
            told = loop.time()
            task.cancel()
        elif loop.time() - told > _ECHO_S:
            at_once()

    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # else it was started with nohup
        signals.append(signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if told is None:
            raise
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Finishes `work` even if the caller is cancelled meanwhile; the cancellation is passed on afterwards."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
