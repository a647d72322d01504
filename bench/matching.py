"""A bank statement against many open invoices: time, memory, and how much is matched by itself, rightly or wrongly.

The matching runs in a process of its own (`python -m bench.matching FOLDER`), so that its memory is its own: it streams
invoices and entries from files and writes what it matched. The truth stays here.
"""

import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, compared
from bench.statement_noise import Truth, errors, statement
from bench.trade import trade
from models.bank import BankEntry
from models.matches import Matching
from models.matching import apply, match
from models.open_invoices import OpenInvoice
from models.register import Register

_INVOICES, _ENTRIES, _RESULT, _COST = "invoices.jsonl", "entries.jsonl", "matched.jsonl", "cost.txt"


def matching_figures(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """One statement per seed: 10,000 entries against 100,000 invoices; a tenth of both if it must be quick."""
    seeds, invoices, entries = (2, 10_000, 1_000) if quick else (5, 100_000, 10_000)
    times: list[float] = []
    memory: list[float] = []
    shares: list[float] = []
    wrong: list[float] = []
    by_way: dict[str, Counter[str]] = {"all": Counter(), "matched": Counter()}
    for seed in range(1, seeds + 1):
        with TemporaryDirectory() as folder:
            truths = _write(Path(folder), seed, invoices, entries)
            subprocess.run([sys.executable, "-m", "bench.matching", folder], check=True)
            seconds, megabytes = (Path(folder) / _COST).read_text().split()
            lines = (Path(folder) / _RESULT).read_text(encoding="utf-8").splitlines()
        found = [Matching.model_validate_json(line) for line in lines]
        mistakes = [mistake for result, truth in zip(found, truths, strict=True) for mistake in errors(result, truth)]
        for result, truth in zip(found, truths, strict=True):
            by_way["all"][truth.way] += 1
            by_way["matched"][truth.way] += result.status == "matched"
        times.append(float(seconds))
        memory.append(float(megabytes))
        shares.append(100 * sum(result.status == "matched" for result in found) / len(found))
        wrong.append(len(mistakes))
        say(f"matching: seed {seed} of {seeds}" + "".join(f"\n  {mistake}" for mistake in mistakes))
    ways = ", ".join(f"{way} {100 * by_way['matched'][way] / n:.0f} %" for way, n in by_way["all"].most_common())
    size = f"{entries:,} entries against {invoices:,} open invoices"
    return [
        compared("matching_time", "s", times, [], f"{size}, building the index included, reading the files not"),
        compared("matching_memory", "MB", memory, [], "peak of the whole process"),
        compared("matching_share", "%", shares, [], f"matched without a person: {ways}"),
        Figure(
            name="matching_wrong", value=sum(wrong), unit="matches", rounds=tuple(wrong), note=f"in {seeds} statements"
        ),
    ]


def _write(folder: Path, seed: int, invoices: int, entries: int) -> list[Truth]:
    made = trade(seed, invoices)
    booked = statement(made, seed, entries)
    with (folder / _INVOICES).open("w", encoding="utf-8") as file:
        file.writelines(f"{invoice.model_dump_json()}\n" for invoice in made.invoices)
    with (folder / _ENTRIES).open("w", encoding="utf-8") as file:
        file.writelines(f"{entry.model_dump_json()}\n" for entry, _ in booked)
    return [truth for _, truth in booked]


def _measured(folder: Path) -> None:
    """The part that is measured."""
    seconds = 0.0
    register = Register()
    with (folder / _INVOICES).open(encoding="utf-8") as file:
        for line in file:
            invoice = OpenInvoice.model_validate_json(line)
            begun = time.perf_counter()
            register.add(invoice)
            seconds += time.perf_counter() - begun
    with (
        (folder / _ENTRIES).open(encoding="utf-8") as file,
        (folder / _RESULT).open("w", encoding="utf-8") as out,
    ):
        for line in file:
            entry = BankEntry.model_validate_json(line)
            begun = time.perf_counter()
            found = match(entry, register)
            if found.status == "matched":
                apply(found, register, entry)
            seconds += time.perf_counter() - begun
            out.write(f"{found.model_dump_json()}\n")
    (folder / _COST).write_text(f"{seconds} {peak_mb()}")


def peak_mb() -> float:
    """The most memory this process ever had; `ru_maxrss` would count what the parent had when it started this one."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    _measured(Path(sys.argv[1]))
