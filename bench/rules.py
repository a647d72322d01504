"""The rules alone, on one core: decisions and simulated invoices per second. There is nothing bare to compare with."""

import csv
import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, compared
from gateway.demo import SAMPLE
from gateway.intake.entries import Accepted
from gateway.intake.invoices import InvoiceFile
from gateway.intake.profiles import load_profile
from gateway.policy_files import load_policy
from gateway.simulate import Simulation, drive, end_of_data, fate, opening
from models.case import Case
from models.changes import open_case
from models.ladder import next_action


def decision_rate(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """`next_action` on real invoices, at every ten days of their lives."""
    policy, profile = load_policy("plain"), load_profile("watson-ar")
    cases: list[Case] = []
    with InvoiceFile(SAMPLE, profile) as file:
        for entry in file:
            if isinstance(entry, Accepted):
                case = open_case(opening(entry.row, policy))
                days = range(0, 140, 10)
                cases += [drive(case, fate(entry.row), case.opened_at + timedelta(days=day)) for day in days]
    asked = [(case, case.opened_at + timedelta(days=100)) for case in cases if not case.closed]
    rounds, repeats = (3, 10) if quick else (7, 40)
    rates = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for case, now in asked * repeats:
            next_action(case, now)
        rates.append(len(asked) * repeats / (time.perf_counter() - begun))
    say("decision_rate: done")
    return [compared("decision_rate", "decisions/s", rates, [], f"on {len(asked)} states of 100 real invoices")]


def simulate_rate(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """Invoices per second from the file to the counts, as `simulate` does it."""
    size, rounds = (2_000, 2) if quick else (10_000, 3)
    profile = load_profile("watson-ar")
    rates = []
    with TemporaryDirectory() as folder:
        file = Path(folder) / "invoices.csv"
        _multiply(SAMPLE, file, size)
        for n in range(rounds):
            begun = time.perf_counter()
            run = Simulation(lambda _: load_policy("plain"), end_of_data(file, profile))
            with InvoiceFile(file, profile) as entries:
                for entry in entries:
                    run.take(entry)
            rates.append(run.invoices / (time.perf_counter() - begun))
            say(f"simulate_rate: round {n + 1} of {rounds}")
    note = f"{size:,} rows, reading included; the file is read twice, once for its last day"
    return [compared("simulate_rate", "invoices/s", rates, [], note)]


def _multiply(sample: Path, file: Path, size: int) -> None:
    """The sample over and over, each time with other numbers."""
    with sample.open(newline="", encoding="utf-8") as source, file.open("w", newline="", encoding="utf-8") as target:
        head, *rows = csv.reader(source)
        number = head.index("invoiceNumber")
        out = csv.writer(target)
        out.writerow(head)
        for n, row in zip(range(size), itertools.cycle(rows), strict=False):
            out.writerow([*row[:number], f"{n:08d}", *row[number + 1 :]])
