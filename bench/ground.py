"""The ground both sides stand on: one server and one mail sink, and a worker process for whoever's turn it is."""

import asyncio
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from temporalio.client import Client

from gateway.stack.calls import worker_environment
from gateway.stack.child import Child
from gateway.stack.supervisor import Stack
from models.settings import Settings
from workflows.plugin import arrears_plugin

TALLY = "BENCH_TALLY"
"""Names the file that gets a byte for every activity of the bare worker, so that nobody need ask the server."""

_PATIENCE_S = 120.0
# The stack wants a worker; ours come and go by themselves, so it gets one that does nothing.
_IDLE = "import os, signal; open(os.environ['ARREARS_READY_FILE'], 'w').write(str(os.getpid())); signal.pause()"
_MODULES = {"ours": "worker", "bare": "bench.bare_worker"}


class WorkerProcess:
    """A worker process, ours or the bare one."""

    def __init__(self, child: Child) -> None:
        """Wraps a child that is ready."""
        self._child = child
        self.process = psutil.Process(child.mark.pid)

    @property
    def memory(self) -> int:
        """What it alone holds of the machine's memory, in bytes."""
        return int(self.process.memory_full_info().uss)

    @property
    def cpu(self) -> float:
        """Processor seconds it has used."""
        return _cpu(self.process)

    def kill(self) -> None:
        """SIGKILL."""
        self._child.kill()

    async def stop(self) -> None:
        """Politely."""
        await self._child.stop(30)

    async def rest(self, quiet: float = 1.0) -> None:
        """Wait until it has nothing left to do: until it used next to no processor time for a while."""
        used, since, deadline = _cpu(self.process), time.monotonic(), time.monotonic() + _PATIENCE_S
        while time.monotonic() - since < quiet and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            now = _cpu(self.process)
            if now - used > 0.015:
                used, since = now, time.monotonic()


class Ground:
    """A fresh stack in a folder of its own, gone afterwards."""

    def __init__(self, beside: Path) -> None:
        """Make the folder beside a file: benchmarks of a disk should run on the disk that is meant."""
        home = beside / "bench"
        home.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(dir=home)).resolve()
        self.settings = Settings(data_dir=str(self.folder), allow_time_lapse=True, log_level="warning")
        self.scratch = self.folder / "bench"
        self.tally = self.scratch / "tally"
        self._stack = Stack(self.settings, worker=(sys.executable, "-c", _IDLE), say=lambda _: None)
        self._workers = 0

    async def __aenter__(self) -> Self:
        """Start server and sink."""
        await self._stack.__aenter__()
        self.scratch.mkdir()
        state = self._stack.state
        self.client = await Client.connect(
            state.temporal_address, namespace=state.namespace, plugins=[arrears_plugin()]
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop them and remove what they kept; what failed leaves its logs."""
        await self._stack.__aexit__(kind, error, trace)
        if error is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def mail(self) -> Path:
        """Where the sink files mail."""
        return self._stack.folder.mail

    async def worker(self, kind: str, queue: str) -> WorkerProcess:
        """A worker on a task queue, taking work."""
        self._workers += 1
        ready = self.scratch / f"ready-{self._workers}"
        settings = self.settings.but(task_queue=queue)
        environment = worker_environment(settings, self._stack.state, self._stack.folder)
        environment |= {"ARREARS_READY_FILE": str(ready), TALLY: str(self.tally)}
        call = [sys.executable, "-P", "-m", _MODULES[kind]]
        child = await Child.start(kind, call, log=self.scratch / f"{kind}.log", environment=environment)

        async def reported() -> None:
            while not ready.exists():
                await asyncio.sleep(0.01)

        await child.answering(reported(), _PATIENCE_S)
        return WorkerProcess(child)

    @asynccontextmanager
    async def working(self, kind: str, queue: str) -> AsyncIterator[WorkerProcess]:
        """A worker for the length of a block."""
        worker = await self.worker(kind, queue)
        try:
            yield worker
        finally:
            await worker.stop()

    def cpu(self) -> float:
        """Processor seconds that server and sink have used."""
        marks = self._stack.state.children
        return sum(_cpu(psutil.Process(marks[name].pid)) for name in ("server", "sink"))

    def database_bytes(self) -> dict[str, int]:
        """What the databases hold, free pages left out."""
        return {name: _held(self.folder / f"{name}.db") for name in ("temporal", "ledger")}


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _held(file: Path) -> int:
    if not file.exists():
        return 0
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as database:
        pages, free, size = (
            int(database.execute(f"pragma {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size
