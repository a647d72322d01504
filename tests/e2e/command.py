"""The command line in tests: in this process where speed counts, as a process of its own where that is the point."""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from temporalio.client import Client
from typer.testing import CliRunner

from activities.database import open_engine
from activities.ledger import Ledger
from gateway.cli import app
from gateway.stack.state import StackState, read_state
from models.ids import case_id

REQUIRED = ("creditor", "number", "buyer_id", "currency", "amount", "due")
_OURS = ("TEMPORAL_", "ARREARS_")


class Result(NamedTuple):
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON documents it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class CommandLine:
    """`arrears` on one data folder. A command that ends otherwise than expected fails the test, with what it said."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """With variables of the environment that differ from the machine's."""
        self.folder = folder
        self._given = {"ARREARS_DATA_DIR": str(folder), **environment}

    def __call__(self, *arguments: object, status: int = 0) -> Result:
        """Run a command in this process."""
        unset: dict[str, str | None] = {name: None for name in os.environ if name.startswith(_OURS)}
        ran = CliRunner().invoke(app, [str(a) for a in arguments], env=unset | self._given, catch_exceptions=False)
        return _checked(arguments, Result(ran.exit_code, ran.stdout, ran.stderr), status)

    def process(self, *arguments: object, status: int = 0, **environment: str) -> Result:
        """Run a command as a process of its own, as a shell would."""
        with self.running(*arguments, **environment) as process:
            out, err = process.communicate(timeout=120)
        return _checked(arguments, Result(process.returncode, out, err), status)

    @contextmanager
    def running(self, *arguments: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """A command under way, as a process of its own; it is killed at the end if it still runs."""
        call = [sys.executable, "-m", "starter", *map(str, arguments)]
        with subprocess.Popen(
            call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
            env=clean_environment(self._given | environment),
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                process.kill()

    def start(self, file: Path, *options: object, status: int = 0) -> Any:
        """Start the invoices of a file; the report."""
        return self("start", file, "--json", *options, status=status).json

    def show(self, invoice: str) -> dict[str, Any]:
        """A case, as `show --json` prints it."""
        shown: dict[str, Any] = self("show", invoice, "--json").json
        return shown

    def until(self, invoice: str, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The case once it has come to something by itself."""
        for _ in polling(lambda: f"the case has not come to it: {self.show(invoice)}"):
            shown = self.show(invoice)
            if condition(shown):
                return shown
        raise AssertionError("unreachable: polling fails by itself")

    def ended(self, invoice: str, creditor: str = "ACME") -> None:
        """Wait until the workflow of a case is over: one that has just closed lives a moment longer."""
        state = read_state(self.folder)
        assert state is not None, "no stack runs on this folder"

        async def wait(address: str) -> None:
            client = await Client.connect(address)
            while (await client.get_workflow_handle(case_id(creditor, invoice)).describe()).close_time is None:
                await asyncio.sleep(0.05)

        asyncio.run(asyncio.wait_for(wait(state.temporal_address), 40))

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger of the folder."""
        engine = open_engine(f"sqlite:///{self.folder}/ledger.db")
        try:
            yield Ledger(engine)
        finally:
            engine.dispose()


def _checked(arguments: Sequence[object], result: Result, status: int) -> Result:
    said = f"arrears {' '.join(map(str, arguments))}\n{result.out}\n{result.err}"
    assert "Traceback" not in result.err, said
    assert result.status == status, f"status {result.status}: {said}"
    return result


def clean_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The machine's environment without anything that speaks to Arrears, and with what is given."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**rest, "TEMPORAL_CONFIG_FILE": os.devnull, **given}


def polling(complaint: Callable[[], str], within_s: float = 40.0, pause_s: float = 0.05) -> Iterator[None]:
    """Comes round until the caller leaves the loop; fails with the complaint when the time is over."""
    deadline = time.monotonic() + within_s
    while True:
        yield
        assert time.monotonic() < deadline, complaint()
        time.sleep(pause_s)


class Up:
    """`arrears up` as a process of its own, ready."""

    def __init__(self, folder: Path) -> None:
        """Start it and wait until it says so."""
        self.folder = folder
        self.log = folder.with_name(f"{folder.name}.up.log")
        call = [sys.executable, "-m", "starter", "up"]
        environment = clean_environment({"ARREARS_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"})
        begun = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                call, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )
        for _ in polling(lambda: f"`up` is not ready:\n{self.log.read_text()}", within_s=90):
            assert self.process.poll() is None, self.log.read_text()
            if "ready\n" in self.log.read_text()[begun:]:
                break

    @property
    def state(self) -> StackState:
        """Where it answers, and its processes."""
        state = read_state(self.folder)
        assert state is not None, self.log.read_text()
        return state

    def signal(self, name: str, number: signal.Signals) -> int:
        """Signal one of its parts; the part's process number."""
        pid = self.state.children[name].pid
        os.kill(pid, number)
        return pid

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=60) == 0, self.log.read_text()


@contextmanager
def up(folder: Path) -> Iterator[Up]:
    """A running stack, stopped at the end; killed if the test kills it, or if it does not stop."""
    stack = Up(folder)
    try:
        yield stack
        if stack.process.poll() is None:
            stack.stop()
    finally:
        if stack.process.poll() is None:
            stack.process.kill()
        stack.process.wait()


def today(days: int = 0) -> date:
    """The current day, UTC, so many days later."""
    return datetime.now(UTC).date() + timedelta(days=days)


def row(number: str, **fields: object) -> dict[str, str]:
    """A row of an invoice that falls due in thirty days."""
    given = {"creditor": "ACME", "buyer_id": "B-1", "currency": "EUR", "amount": "1000.00", "due": today(30)}
    return {name: str(value) for name, value in {**given, "number": number, **fields}.items()}


def written(path: Path, *rows: Mapping[str, str]) -> Path:
    """A CSV file with these rows."""
    names = list(dict.fromkeys([*REQUIRED, *(name for row in rows for name in row)]))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path
