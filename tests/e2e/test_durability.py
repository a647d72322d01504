"""Whatever is killed, nothing is lost and nothing is sent twice: the real server, real processes, SIGKILL."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from temporalio.client import Client

from gateway.policy_files import load_policy
from gateway.stack.calls import worker_environment
from gateway.stack.folder import DataFolder
from gateway.stack.mailbox import read_mails
from models import ids
from models.case import Case
from models.settings import Settings
from tests.e2e.command import CommandLine, Up, polling, row, up, written
from workflows.invoice_case import InvoiceCase
from workflows.plugin import arrears_plugin

CASES = 50
STEPS = [step.id for step in load_policy("plain").steps]
BEGIN = date(2026, 3, 1)
DAYS_PER_SECOND = 6


def mails(folder: Path) -> int:
    return len(list((folder / "mail").glob("*.eml")))


def until_mails(stack: Up, count: int) -> None:
    """Wait until so many mails are filed: then steps are firing, and more are on their way."""
    for _ in polling(lambda: f"{mails(stack.folder)} of {count} mails", within_s=120, pause_s=0.005):
        if mails(stack.folder) >= count:
            return


def until_back(stack: Up, name: str, killed: int) -> None:
    for _ in polling(lambda: f"the {name} is not back:\n{stack.log.read_text()}", within_s=60):
        if stack.state.ready and stack.state.children[name].pid != killed:
            return


@contextmanager
def second_worker(stack: Up) -> Iterator[subprocess.Popen[bytes]]:
    """Another worker on the same task queue."""
    folder = DataFolder(stack.folder)
    environment = worker_environment(Settings(data_dir=str(stack.folder)), stack.state, folder)
    ready = stack.folder.with_name("second.ready")
    with stack.folder.with_name("second.log").open("ab") as log, subprocess.Popen(
        [sys.executable, "-m", "worker"], env=environment | {"ARREARS_READY_FILE": str(ready)}, stdout=log, stderr=log
    ) as process:  # fmt: skip
        try:
            for _ in polling(lambda: "the second worker is not ready"):
                if ready.exists():
                    break
            yield process
        finally:
            process.kill()


async def from_server(stack: Up, case_ids: list[str]) -> list[Case]:
    client = await Client.connect(stack.state.temporal_address, plugins=[arrears_plugin()])
    handles = [client.get_workflow_handle(case_id) for case_id in case_ids]
    return await asyncio.gather(*(handle.query(InvoiceCase.case) for handle in handles))


def test_nothing_is_lost_and_nothing_is_sent_twice_whatever_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    arrears = CommandLine(folder)
    rows = [
        row(f"D-{n}", email=f"debtor{n}@buyer.example", due=BEGIN + timedelta(days=4 + n % 20)) for n in range(CASES)
    ]
    case_ids = [ids.case_id("ACME", given["number"]) for given in rows]
    lapse = ("--time-lapse", DAYS_PER_SECOND * 86_400, "--begin", BEGIN)

    with up(folder) as stack, second_worker(stack) as other:
        assert arrears.start(written(tmp_path / "in.csv", *rows), *lapse)["accepted"] == CASES

        until_mails(stack, 20)
        until_back(stack, "worker", stack.signal("worker", signal.SIGKILL))
        assert other.poll() is None

        until_mails(stack, 60)
        killed = stack.signal("server", signal.SIGKILL)
        # Whoever pays meanwhile waits a little, and is heard.
        arrears("pay", "D-0", "--amount", "1.00", "--date", "2026-03-01", "--reference", "meanwhile")
        until_back(stack, "server", killed)

        until_mails(stack, 100)
        os.kill(stack.process.pid, signal.SIGKILL)
        other.kill()
        stack.process.wait()

    with up(folder) as stack, arrears.ledger() as ledger:
        arrears("pay", "D-1", "--amount", "1.00", "--date", "2026-03-01", "--reference", "afterwards")
        for _ in polling(lambda: str(ledger.totals()), within_s=180, pause_s=0.2):
            if {head.stage for head in ledger.heads()} == {"claimed"}:
                break
        cases = asyncio.run(from_server(stack, case_ids))

        expected = {(case_id, step, 1) for case_id in case_ids for step in STEPS}
        arrived = Counter(mail.message_id for mail in read_mails(folder / "mail"))
        on_server = {(case.id, done.step, done.occurrence): done.notice for case in cases for done in case.performed}
        assert [sorted(done.step for done in case.performed) for case in cases] == [sorted(STEPS)] * CASES
        assert set(on_server) == expected == {tuple(step) for step in ledger.sent_steps()}
        assert set(arrived) == set(on_server.values()) == {ids.mail_message_id(ids.step_key(*key)) for key in expected}
        for case in cases:
            assert ledger.rebuild(case.id) == case.but(journal=()), case.id
            assert len(case.payments) == (case.invoice.number in ("D-0", "D-1"))
        # Repeats carry the same Message-ID; there are no more of them than there were mails under way.
        repeated = sum(arrived.values()) - len(arrived)
        assert repeated <= 2 * 2 * 24, repeated


def test_a_start_whose_server_dies_says_so_once_and_the_same_again_completes_it(tmp_path: Path) -> None:
    folder, count = tmp_path / "var", 300
    arrears = CommandLine(folder)
    file = written(tmp_path / "i.csv", *(row(f"S-{n}") for n in range(count)))
    with up(folder) as stack, arrears.ledger() as ledger:
        with arrears.running("start", file) as starting:
            for _ in polling(lambda: "nothing is written", pause_s=0.005):
                if any(ledger.heads()):
                    break
            os.kill(stack.process.pid, signal.SIGKILL)
            stack.process.wait()
            printed, said = starting.communicate(timeout=120)
        assert (starting.returncode, printed) == (3, ""), said
        (line,) = said.splitlines()
        assert line.startswith("arrears: the Temporal server did not answer") and "then repeat" in line

    with up(folder), arrears.ledger() as ledger:
        told = arrears.start(file)
        assert told["accepted"] + told["unchanged"] == count
        assert sum(head.started for head in ledger.heads()) == count
