"""A statement whose booking is killed again and again: every entry is booked once, every case told once.

`python -m bench.killed_statement [ENTRIES] [KILLS]`, 10,000 and 8 by default: a stack of its own, as many cases, one
statement that pays them all. `arrears bank` is killed with SIGKILL, half the times while it books, half while it
tells (once the worker with it); the last run is left alone. Then ledger and server are counted. Exit status 1 if a
count is wrong.
"""

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bench.ground import Ground, WorkerProcess

_IBAN = "GB53XMPL00000012345678"
"""The account of ACME, the sample creditor."""
_UNREACHABLE = 3
_PATIENCE_S = 300.0
_HEAD = "creditor,number,buyer_id,buyer_name,currency,amount,due\n"
_BOOKED = "select count(*) from bank_entries"
_TOLD = "select count(*) from messages where type = 'payment_received' and status = 'delivered'"
_COUNTS = {
    "entries booked": _BOOKED,
    "entries matched": "select count(*) from bank_entries where status = 'matched'",
    "shares of them": "select count(*) from bank_matches",
    "payments stored": "select count(*) from messages where type = 'payment_received'",
    "payments delivered": _TOLD,
    "payments in the cases": "select count(*) from case_events where type = 'payment_received'",
    "cases with one payment": "select count(*) from (select case_id from case_events where type = 'payment_received' "
    "group by case_id having count(*) = 1)",
    "cases paid": "select count(*) from cases where closed and outcome = 'paid' and outstanding_minor = 0",
}  # fmt: skip


def _write(folder: Path, entries: int) -> tuple[Path, Path]:
    """The invoices, and the statement that pays them; all amounts differ."""
    invoices, statement = folder / "invoices.csv", folder / "statement.xml"
    today, cents = datetime.now(UTC).date(), [10_000 + n for n in range(entries)]
    with invoices.open("w", encoding="utf-8") as file:
        file.write(_HEAD)
        for n, amount in enumerate(cents):
            file.write(f"ACME,K-{n:06d},B{n},Buyer {n} Ltd,EUR,{amount / 100:.2f},{today}\n")
    with statement.open("w", encoding="utf-8") as file:
        file.write(
            '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId>'
            f"<CreDtTm>{today}T18:00:00</CreDtTm></GrpHdr><Stmt><Id>1</Id><CreDtTm>{today}T18:00:00</CreDtTm>"
            f"<Acct><Id><IBAN>{_IBAN}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
        )
        for code, balance in (("OPBD", 0), ("CLBD", sum(cents))):
            file.write(
                f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{balance / 100:.2f}</Amt>'
                f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{today}</Dt></Dt></Bal>"
            )
        for n, amount in enumerate(cents):
            file.write(
                f'<Ntry><Amt Ccy="EUR">{amount / 100:.2f}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
                f"<BookgDt><Dt>{today}</Dt></BookgDt><ValDt><Dt>{today}</Dt></ValDt><AcctSvcrRef>R{n}</AcctSvcrRef>"
                f"<NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Buyer {n} Ltd</Nm></Dbtr></RltdPties>"
                f"<RmtInf><Ustrd>Invoice K-{n:06d}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
            )
        file.write("</Stmt></BkToCstmrStmt></Document>")
    return invoices, statement


class _Run:
    """The commands and the counting, on one stack."""

    def __init__(self, ground: Ground, chance: random.Random) -> None:
        self._chance = chance
        self._folder = ground.folder
        self._environment = {**os.environ, "ARREARS_DATA_DIR": str(ground.folder)}

    def command(self, *arguments: object) -> subprocess.Popen[bytes]:
        call = [sys.executable, "-P", "-m", "starter", *map(str, arguments)]
        return subprocess.Popen(call, env=self._environment, stdout=sys.stderr)

    def finish(self, *arguments: object) -> None:
        """Run a command to its end; again, as it says itself, where the server under this load did not answer."""
        for _ in range(20):
            status = self.command(*arguments).wait()
            if status != _UNREACHABLE:
                break
        if status:
            raise RuntimeError(f"arrears {' '.join(map(str, arguments))} ended with {status}")

    def count(self, query: str) -> int:
        with closing(sqlite3.connect(f"file:{self._folder}/ledger.db?mode=ro", uri=True, timeout=30)) as ledger:
            return int(ledger.execute(query).fetchone()[0])

    async def killed(self, statement: Path, query: str, goal: int, also: WorkerProcess | None) -> None:
        """Book the statement, and kill it as soon as so much is done."""
        process = self.command("bank", statement)
        while process.poll() is None and self.count(query) < goal:
            await asyncio.sleep(0.01)
        await asyncio.sleep(self._chance.random() / 4)  # in the middle of a transaction, as it happens
        process.kill()
        if also is not None:
            also.kill()
        process.wait()
        print(f"killed: {self.count(_BOOKED)} booked, {self.count(_TOLD)} told", file=sys.stderr)


async def _ended(ground: Ground, wanted: int) -> int:
    """How many workflows the server lists as completed; its lists follow with a delay."""
    begun = time.monotonic()
    while True:
        count = (await ground.client.count_workflows("ExecutionStatus = 'Completed'")).count
        if count >= wanted or time.monotonic() - begun > _PATIENCE_S:
            print(f"the server lists {count} as ended after {time.monotonic() - begun:.0f} s", file=sys.stderr)
            return count
        await asyncio.sleep(1)


async def _measure(entries: int, kills: int, beside: Path) -> bool:
    chance = random.Random(entries)
    goals = [sorted(chance.randrange(1, entries) for _ in range(n)) for n in ((kills + 1) // 2, kills // 2)]
    async with Ground(beside) as ground:
        run, queue = _Run(ground, chance), ground.settings.task_queue
        invoices, statement = _write(ground.scratch, entries)
        worker = await ground.worker("ours", queue)
        begun = time.monotonic()
        await asyncio.to_thread(run.finish, "start", invoices)
        print(f"{entries} cases started in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        for goal in goals[0]:
            await run.killed(statement, _BOOKED, goal, None)
        for n, goal in enumerate(goals[1]):
            last = n == len(goals[1]) - 1
            await run.killed(statement, _TOLD, goal, worker if last else None)
            if last:
                worker = await ground.worker("ours", queue)
        await asyncio.to_thread(run.finish, "bank", statement)
        ended = await _ended(ground, entries)  # a case whose letter was on its way closes a moment after its payment
        counts = {what: run.count(query) for what, query in _COUNTS.items()}
        counts["cases ended on the server"] = ended
        await worker.stop()
    for what, count in counts.items():
        print(f"{count:>9,} {what}{'' if count == entries else '   WRONG'}")
    return set(counts.values()) == {entries}


def main(arguments: Sequence[str]) -> int:
    """Count; 1 if something is wrong."""
    entries, kills = (int(a) for a in (*arguments, *("10000", "8")[len(arguments) :]))
    return 0 if asyncio.run(_measure(entries, kills, Path("var"))) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
