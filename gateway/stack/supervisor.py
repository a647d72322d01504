"""Starts the parts of the stack in order, keeps them running, and stops them in order.

How each part is called and recognised lies next door: `server`, `calls`, `child`, `folder`, `ports`, `state`.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.stack.calls import clean_environment, sink_call, worker_call, worker_environment
from gateway.stack.child import Child
from gateway.stack.errors import PortTaken, StackError, StackFailed
from gateway.stack.folder import DataFolder
from gateway.stack.ports import HOST, PortWishes, StackPorts, choose_ports
from gateway.stack.process import ProcessMark
from gateway.stack.server import server_call, set_up_server
from gateway.stack.state import StackState, read_state, write_state
from gateway.stack.stopping import to_the_end, until_told
from models.settings import Settings

_STOP_ORDER = ("worker", "sink", "server")
# The worker finishes what it is sending; the others have nothing to finish.
_STOP_GRACE_S = {"worker": 25.0, "sink": 5.0, "server": 10.0}
_LEFTOVER_GRACE_S = 10.0
_START_S = 60.0
_BACKOFF_S = (0.2, 1.0, 2.0, 4.0, 8.0)
_STEADY_S = 60.0
_PORT_ATTEMPTS = 4
_POLL_S = 0.02


def _print(line: str) -> None:
    print(line, flush=True)


class Stack:
    """The embedded stack on one data folder.

    As a context manager it is ready inside the block and stopped after it. `run_forever` is the same for a
    process that does nothing else. It serves for one run, in a thread that outlives it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        fresh: bool = False,
        ports: PortWishes | None = None,
        worker: Sequence[str] | None = None,
        say: Callable[[str], None] = _print,
    ) -> None:
        """Describes a stack; nothing is started yet.

        Args:
            settings: What it runs with. Mail goes to the sink whatever they say, and time-lapse is allowed.
            fresh: Wipe the state of earlier runs first.
            ports: Ports that must be exactly so.
            worker: The worker's command, beginning with the path of its program; by default the engine's own.
                It must write its process number to the file that ARREARS_READY_FILE names once it takes work.
            say: Takes each line meant for people.
        """
        self.settings = settings
        self.folder = DataFolder(settings.data_dir)
        self._fresh = fresh
        self._wishes = ports or PortWishes()
        self._worker = tuple(worker or worker_call(self.folder))
        self._say = say
        self._children: dict[str, Child] = {}
        self._down: set[str] = set()
        self._watchers: list[asyncio.Task[None]] = []
        self._ports: StackPorts | None = None
        self._state: StackState | None = None
        self._given_up: asyncio.Future[None] | None = None

    @property
    def state(self) -> StackState:
        """Where it answers and what it consists of, as other commands see it."""
        if self._state is None:
            raise RuntimeError("the stack has not been started")
        return self._state

    async def __aenter__(self) -> Self:
        """Starts everything; returns when all of it answers.

        Raises:
            StackError: It could not; whatever had been started is stopped again.
        """
        self.folder.claim(fresh=self._fresh)
        try:
            await self._start()
        except BaseException:
            await to_the_end(self._stop())
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops everything: the worker first, once it has finished what it was doing, the server last."""
        await to_the_end(self._stop())

    async def stay(self) -> None:
        """Never returns; fails when a part of the stack would not stay up.

        Raises:
            StackFailed: A part ended too often.
        """
        if self._given_up is None:
            raise RuntimeError("the stack has not been started")
        await asyncio.shield(self._given_up)

    async def run_forever(self, body: "Callable[[Stack], Awaitable[None]] | None" = None) -> None:
        """Starts the stack, stays until told to stop (Ctrl-C, SIGTERM, the terminal's end), and stops it.

        Told twice, it does not wait for its parts to finish.

        Args:
            body: What to do meanwhile; once it returns the stack is stopped, and when told to stop it is
                cancelled. By default it just stays.

        Raises:
            StackError: It could not be started, or a part would not stay up.
        """
        await until_told(self._run(body or Stack.stay), at_once=self._kill)

    async def _run(self, body: "Callable[[Stack], Awaitable[None]]") -> None:
        async with self:
            tasks = [asyncio.ensure_future(self.stay()), asyncio.ensure_future(body(self))]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    # Starting

    async def _start(self) -> None:
        await asyncio.to_thread(self._clear_leftovers)
        if self._fresh:
            self.folder.wipe()
        me = ProcessMark.of(os.getpid())
        assert me is not None, "this process runs"
        self._given_up = asyncio.get_running_loop().create_future()
        self._state = StackState(supervisor=me, namespace=self.settings.namespace, task_queue=self.settings.task_queue)
        self._note()
        await self._start_server_and_sink()
        await self._start_worker()
        self._watchers = [asyncio.create_task(self._watch(name)) for name in _STOP_ORDER]
        for watcher in self._watchers:
            watcher.add_done_callback(self._watcher_ended)
        self._note(ready=True)
        self._announce()

    def _clear_leftovers(self) -> None:
        # The folder is ours alone by now: whatever an earlier stack left running has nobody to look after it.
        left = read_state(self.folder.path)
        if left is None:
            return
        self._say("The last run here was cut off" + ("." if self._fresh else "; going on where it stopped."))
        for name in _STOP_ORDER:
            if name in left.children and left.children[name].end(_LEFTOVER_GRACE_S):
                self._say(f"Ended the {name} it had left running (process {left.children[name].pid}).")

    async def _start_server_and_sink(self) -> None:
        # A port that was free a moment ago can be gone, when another stack starts beside this one.
        avoid: set[int] = set()
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self._ports = ports = choose_ports(self._wishes, avoid)
            self._note(
                temporal_address=f"{HOST}:{ports.temporal}",
                ui_url=f"http://{HOST}:{ports.ui}",
                smtp_host=HOST,
                smtp_port=ports.smtp,
            )
            try:
                await self._start_server()
                await self._start_sink()
                return
            except PortTaken:
                if attempt == _PORT_ATTEMPTS:
                    raise
                avoid.update(ports.model_dump().values())
                for child in self._children.values():
                    await child.stop(_STOP_GRACE_S[child.name])
                self._children.clear()

    async def _start_server(self) -> None:
        assert self._ports is not None
        call = server_call(self.folder, self._ports, self.settings.namespace)
        # A Go program cannot be made to ignore Ctrl-C, and the worker needs its server while it winds up.
        server = await self._spawn("server", call, clean_environment(), spared=True)
        for port in (self._ports.temporal, self._ports.ui):
            await server.answering(server.listening(port), _START_S)
        await server.answering(set_up_server(self.state.temporal_address, self.settings.namespace), _START_S)

    async def _start_sink(self) -> None:
        assert self._ports is not None
        sink = await self._spawn("sink", sink_call(self.folder, self._ports.smtp), clean_environment())
        await sink.answering(sink.listening(self._ports.smtp), _START_S)

    async def _start_worker(self) -> None:
        self.folder.ready_file.unlink(missing_ok=True)
        environment = worker_environment(self.settings, self.state, self.folder)
        worker = await self._spawn("worker", self._worker, environment)

        async def reported() -> None:
            while self.folder.ready_process() != worker.mark.pid:
                await asyncio.sleep(_POLL_S)

        await worker.answering(reported(), _START_S)

    async def _spawn(
        self, name: str, call: Sequence[str], environment: Mapping[str, str], *, spared: bool = False
    ) -> Child:
        log = self.folder.log({"server": "temporal"}.get(name, name))
        child = await Child.start(name, call, log=log, environment=environment, spared=spared)
        self._children[name] = child
        # Noted before anything is waited for: should we be killed now, the next run must know of it.
        self._note()
        return child

    # Keeping

    async def _watch(self, name: str) -> None:
        """Starts a part again when it ends by itself; gives the stack up when that happens too often."""
        start = {"server": self._start_server, "sink": self._start_sink, "worker": self._start_worker}[name]
        failures = 0
        while True:
            answered = time.monotonic()
            status = await self._children[name].wait()
            reason = f"The {name} ended unexpectedly (status {status}). {self._children[name].last_words()}"
            # Who kills a part that works does not say that it cannot work: that is never once too often.
            if status == -signal.SIGKILL or time.monotonic() - answered > _STEADY_S:
                failures = 0
            self._down.add(name)
            self._note(ready=False)
            while name in self._down:
                failures += 1
                if failures > len(_BACKOFF_S):
                    raise StackFailed(f"{reason} That was once too often; the stack stops.")
                self._say(f"{reason} Starting it again.")
                await asyncio.sleep(_BACKOFF_S[failures - 1])
                try:
                    await start()
                    self._down.discard(name)
                except StackError as error:
                    await self._children[name].stop(grace_s=0)
                    reason = str(error)
            self._note(ready=not self._down)
            self._say(f"The {name} is back.")

    def _watcher_ended(self, watcher: "asyncio.Task[None]") -> None:
        error = None if watcher.cancelled() else watcher.exception()
        if error is not None and self._given_up is not None and not self._given_up.done():
            self._given_up.set_exception(error)

    # Stopping

    async def _stop(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        if self._state is not None:
            self._note(ready=False)
        for name in _STOP_ORDER:
            if name in self._children and not await self._children[name].stop(_STOP_GRACE_S[name]):
                self._say(f"The {name} did not stop in {_STOP_GRACE_S[name]:.0f} seconds and was ended by force.")
        if self._given_up is not None:
            self._given_up.cancel()
        if self._state is not None:
            self.folder.forget_state()
        self.folder.release()

    def _kill(self) -> None:
        for child in self._children.values():
            child.kill()

    # Telling

    def _note(self, **changes: Any) -> None:
        """Brings the note for other commands up to date."""
        marks = {name: child.mark for name, child in self._children.items()}
        self._state = self.state.but(children=marks, **changes)
        with suppress(OSError):  # a full disk or a removed folder is no reason to leave our parts alone
            write_state(self.folder.path, self._state)

    def _announce(self) -> None:
        state = self.state
        self._say(f"Temporal     {state.temporal_address}")
        self._say(f"Temporal UI  {state.ui_url}")
        self._say(f"Mail sink    {state.smtp_host}:{state.smtp_port}, filing in {Path(self.folder.shown, 'mail')}")
        self._say(f"Data folder  {self.folder.shown}")
        self._say("ready")
