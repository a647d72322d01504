"""Files taken in over a ledger: corrected invoices (384) beside their originals, so that no debt is pursued twice."""

import asyncio
import csv
import shutil
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from activities.tables import CASES
from gateway.creditor_files import list_creditors
from gateway.openings import Lapse, Openings
from gateway.receiving import Reception, Wishes
from gateway.reports import Reports, Unwatched
from gateway.service import Service
from gateway.service.starting import Starter
from tests.einvoices import ubl
from tests.evidence import a_ledger

SAMPLE = Path(__file__).resolve().parents[2] / "gateway" / "sample" / "ACME.yaml"


class NoServer:
    """Where the workflows of cases would be started."""

    async def open(self, case: object, told: object) -> None:
        """Nothing runs."""


class Intake:
    """A ledger, one creditor, and folders of e-invoices taken in one after another."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ledger = folder, a_ledger(folder)
        (folder / "creditors").mkdir()
        shutil.copy(SAMPLE, folder / "creditors" / "ACME.yaml")
        self.start = Starter(self.ledger, cast("Any", NoServer()), str(folder)).start

    def __call__(self, dry_run: bool = False, **documents: bytes) -> list[Any]:
        """What became of the documents, which are taken in the order of their names."""
        self.last = self.folder / f"in-{len(list(self.folder.glob('in-*')))}"
        self.last.mkdir()
        for name, content in documents.items():
            (self.last / f"{name}.xml").write_bytes(content)
        return self.take(self.last, dry_run)

    def take(self, path: Path, dry_run: bool = False) -> list[Any]:
        return asyncio.run(self.reception(dry_run).take([str(path)])).all

    def reception(self, dry_run: bool = False) -> Reception:
        openings = Openings(str(self.folder), None, Lapse(), dry_run)
        creditors = [known.creditor for known in list_creditors(str(self.folder))]
        service = None if dry_run else cast("Service", self)
        wishes = Wishes(None, "ACME", dry_run)
        reports = Reports(Unwatched())
        return Reception(str(self.folder), wishes, creditors, openings.of, reports, service)

    def close(self, number: str, outcome: str) -> None:
        with self.ledger.engine.begin() as connection:
            ended = sa.update(CASES).where(CASES.c.number == number).values(closed=True, outcome=outcome)
            connection.execute(ended)


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    return Intake(tmp_path)


def original(number: str = "C-100") -> bytes:
    return ubl(number, payable="1000.00", due="2099-03-31")


def corrected(number: str = "C-101", of: str = "C-100") -> bytes:
    return ubl(number, payable="900.00", due="2099-03-31", code="384", preceding=[of])


def counted(reports: list[Any]) -> list[str]:
    return [next(word for word in ("accepted", "unchanged", "refused") if report[word]) for report in reports]


@pytest.mark.parametrize("dry_run", [False, True])
def test_beside_its_original_a_correction_is_for_an_operator_whichever_comes_first(
    intake: Intake, dry_run: bool
) -> None:
    assert counted(intake(dry_run, a=original(), b=corrected())) == ["accepted", "refused"]
    intake.close("C-100", "withdrawn")
    reports = intake(dry_run, a=corrected("D-101", "D-100"), b=original("D-100"))
    assert counted(reports) == ["refused", "accepted"]
    assert "it corrects D-100, which is pursued here: withdraw that" in reports[0]["rejects"][0]["reason"]


def test_a_correction_that_runs_already_is_unchanged(intake: Intake) -> None:
    assert counted(intake(b=corrected())) == ["accepted"]
    assert counted(intake(a=original())) == ["accepted"]
    assert counted(intake(b=corrected())) == ["unchanged"]


def test_once_the_original_is_withdrawn_its_correction_is_taken(intake: Intake) -> None:
    intake(a=original())
    (refused,) = intake(b=corrected())
    with open(refused["rejects_file"], newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["number"], row["amount"]) == ("C-101", "900.00")
    assert "it corrects C-100, which is pursued here" in row["arrears_reason"]
    intake.close("C-100", "withdrawn")
    assert counted(intake(b=corrected())) == ["accepted"]
    assert counted(intake.take(Path(refused["rejects_file"]))) == ["unchanged"]


def test_a_correction_of_what_was_paid_is_for_an_operator(intake: Intake) -> None:
    intake(a=original())
    intake.close("C-100", "paid")
    (refused,) = intake(b=corrected())
    assert "it corrects C-100, which was closed here as paid" in refused["rejects"][0]["reason"]


def test_of_two_corrections_one_upon_the_other_only_the_first_is_taken(intake: Intake) -> None:
    reports = intake(a=corrected("C-102", "C-101"), b=corrected("C-101", "C-100"))
    assert counted(reports) == ["refused", "accepted"]
    assert "it corrects C-101, which comes with it" in reports[0]["rejects"][0]["reason"]


def test_without_files_there_is_nothing_to_report(intake: Intake) -> None:
    assert asyncio.run(intake.reception().take([])).all == []
