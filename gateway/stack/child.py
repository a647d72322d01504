"""One part of the stack as a child process: starting it, waiting until it answers, stopping it.

Which parts there are and in what order they come and go is the business of `gateway.stack.supervisor`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from gateway.stack import leash
from gateway.stack.errors import PortTaken, StackFailed
from gateway.stack.process import ProcessMark

_POLL_S = 0.02
_TAIL_BYTES = 2**16


class Child:
    """A running child process, its output going to a log file."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, mark: ProcessMark, log: Path, log_start: int
    ) -> None:
        """Wraps a process that `start` made."""
        self.name = name
        self.mark = mark
        self._process = process
        self._log = log
        self._log_start = log_start

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str],
        spared: bool = False,
    ) -> "Child":
        """Starts a command, tied to this process: it is told to stop should this process be killed.

        Args:
            name: What messages call it.
            command: The command, beginning with the absolute path of its program.
            log: The file its output is appended to.
            environment: Its environment, whole.
            spared: Whether Ctrl-C at a terminal is kept from it, for programs that cannot be told to ignore
                it. It then gets a process group of its own, where otherwise it shares this process's.
        """
        group = "own" if spared and _at_a_terminal() else "shared"
        tied = (sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), group, *command)
        with log.open("ab") as output:
            log_start = output.tell()
            process = await asyncio.create_subprocess_exec(
                *tied,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(environment),
            )
        mark = ProcessMark.of(process.pid)
        if mark is None:
            await process.wait()
            raise StackFailed(f"The {name} ended as soon as it was started; its log is {log}.")
        return cls(name, process, mark, log, log_start)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Waits for its end and returns its exit status (negative: the signal that ended it)."""
        return await self._process.wait()

    async def answering(self, sign: Awaitable[None], within_s: float) -> None:
        """Waits for a sign that it answers, as long as it lives and the time has not run out.

        Raises:
            PortTaken: It ended because somebody else has its port.
            StackFailed: It ended for another reason, or the sign did not come.
        """
        given = asyncio.ensure_future(sign)
        ended = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({given, ended}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                if "address already in use" in self._said():
                    raise PortTaken(f"The {self.name} found a port of its taken meanwhile; see {self._log}.")
                raise StackFailed(
                    f"The {self.name} ended (status {ended.result()}) while starting. {self.last_words()}"
                )
            if not given.done():
                raise StackFailed(f"The {self.name} did not answer within {within_s:.0f} seconds. {self.last_words()}")
            given.result()
        finally:
            for task in (given, ended):
                task.cancel()
            await asyncio.gather(given, ended, return_exceptions=True)

    async def listening(self, port: int) -> None:
        """Returns when this process, and no stranger, listens on the port; never if it has ended."""
        while not self._listens(port):
            await asyncio.sleep(_POLL_S)

    async def stop(self, grace_s: float) -> bool:
        """Stops it: politely first, by force after `grace_s`.

        Returns:
            Whether politeness was enough.
        """
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
            return True
        except TimeoutError:
            self.kill()
            await self._process.wait()
            return False

    def kill(self) -> None:
        """Ends it by force, without waiting for its end."""
        self._signal(signal.SIGKILL)

    def last_words(self) -> str:
        """The last line it has written and where the rest is, as a sentence for people."""
        lines = self._said().strip().splitlines()
        if not lines:
            return f"It said nothing; its log is {self._log}."
        return f"It last said: {lines[-1][:500]!r}; the rest is in {self._log}."

    def _said(self) -> str:
        try:
            with self._log.open("rb") as file:
                file.seek(max(self._log_start, self._log.stat().st_size - _TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def _signal(self, number: signal.Signals) -> None:
        # Not through asyncio: that would collect a child that just ended before its watcher does, which
        # then reports a wrong status.
        if self.mark.alive():
            with suppress(ProcessLookupError):
                os.kill(self.mark.pid, number)

    def _listens(self, port: int) -> bool:
        try:
            sockets = psutil.Process(self.mark.pid).net_connections("tcp")
        except psutil.NoSuchProcess:
            return False
        return any(s.status == psutil.CONN_LISTEN and s.laddr.port == port for s in sockets)


def _at_a_terminal() -> bool:
    """Whether Ctrl-C typed at a terminal would reach this process."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
