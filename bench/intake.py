"""What the ledger takes: a table of invoices read, judged and written, then a statement booked against all of them.

No case is started and none is told: how fast the engine does that are other figures. Both parts run in processes of
their own (`python -m bench.intake FOLDER PART`), so that time and memory are theirs.
"""

import csv
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from activities.ledger import Ledger
from bench.figures import Figure, compared
from bench.matching import peak_mb
from bench.statement_noise import statement
from bench.trade import CREDITOR, trade
from gateway.bank.booking import Bookkeeper
from gateway.bank.statement import BankFile, Statement
from gateway.connection import open_ledger
from gateway.environment import load_settings
from gateway.intake.entries import Accepted
from gateway.intake.invoices import InvoiceFile
from gateway.openings import Lapse, Openings
from gateway.receiving import BATCH
from gateway.service import Opening, Service, batches
from gateway.service.starting import opened
from models import view
from models.bank import BankEntry

_TABLE, _ENTRIES, _COST = "invoices.csv", "entries.jsonl", "cost.txt"
_COLUMNS = ("creditor", "number", "buyer_id", "buyer_name", "country", "currency", "amount", "issued", "due")


def intake_figures(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """100,000 invoices and a statement of 10,000 entries; a tenth of both if it must be quick."""
    invoices, entries = (10_000, 1_000) if quick else (100_000, 10_000)
    with TemporaryDirectory() as name:
        folder = Path(name)
        written = _write(folder, invoices, entries)
        costs = {}
        for part in ("open", "book"):
            subprocess.run([sys.executable, "-m", "bench.intake", name, part], check=True)
            seconds, megabytes, count = (folder / _COST).read_text().split()
            costs[part] = (float(seconds), float(megabytes), int(count))
            say(f"intake: {part}: {seconds} s, {megabytes} MB, {count}")
    opened, booked = costs["open"], costs["book"]
    sound = opened[2] == written and booked[2] == entries
    against = f"{entries:,} entries against {written:,} open invoices in the ledger, matched and stored"
    return [
        compared(
            "intake_time", "s", [opened[0]], [], f"{written:,} CSV invoices read, judged and in the ledger", sound
        ),
        compared("intake_memory", "MB", [opened[1]], [], "peak of the whole process"),
        compared("booking_time", "s", [booked[0]], [], against, sound),
        compared("booking_memory", "MB", [booked[1]], [], "peak of the whole process"),
    ]


def _write(folder: Path, invoices: int, entries: int) -> int:
    made = trade(1, invoices)
    booked = statement(made, 1, entries)
    countries = {trader.id: trader.country for trader in made.traders}
    count = 0
    with (folder / _TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for one in made.invoices:
            if one.outstanding:
                count += 1
                writer.writerow((
                    CREDITOR, one.number, one.buyer, one.buyer_name, countries.get(one.buyer, ""),
                    one.amount.currency, one.outstanding.amount, one.issued or "", one.due,
                ))  # fmt: skip
    with (folder / _ENTRIES).open("w", encoding="utf-8") as file:
        file.writelines(f"{entry.model_dump_json()}\n" for entry, _ in booked)
    return count


# --- the parts that are measured ------------------------------------------------------------------------------


def _opened(folder: Path, ledger: Ledger) -> int:
    """As `Reception` and `Service.start` do it, but for starting the workflows."""
    settings = load_settings(str(folder))
    openings, count = Openings(settings.data_dir, None, Lapse()), 0
    with InvoiceFile(folder / _TABLE, None) as file:
        for batch in batches(file, BATCH):
            found = [openings.of(entry) for entry in batch if isinstance(entry, Accepted)]
            wanted = [opening for opening in found if isinstance(opening, Opening)]
            known = ledger.known([opening.invoice.case_id for opening in wanted])
            cases = [opened(opening, settings.data_dir) for opening in wanted if opening.invoice.case_id not in known]
            count += len(ledger.open_cases([(case, view.head(case)) for case in cases]))
    return count


def _booked(folder: Path, ledger: Ledger) -> int:
    with (folder / _ENTRIES).open(encoding="utf-8") as file:
        entries = tuple(BankEntry.model_validate_json(line) for line in file)
    whole = Statement(file=_ENTRIES, format="camt.053", account=entries[0].account, currency="EUR", entries=entries)
    keeper = Bookkeeper(Service(load_settings(str(folder)), ledger), (), CREDITOR)
    return sum(1 for one in keeper.book(BankFile(_ENTRIES, "camt.053", (whole,))) if one.new)


def _measured(folder: Path, part: str) -> None:
    begun = time.perf_counter()
    ledger = open_ledger(load_settings(str(folder)))
    count = _opened(folder, ledger) if part == "open" else _booked(folder, ledger)
    seconds = time.perf_counter() - begun
    (folder / _COST).write_text(f"{seconds:.2f} {peak_mb():.0f} {count}")


if __name__ == "__main__":
    _measured(Path(sys.argv[1]), sys.argv[2])
