"""The evidence of a case that ran on the real embedded stack: asked, checked, archived and exported."""

import json
import zipfile
from pathlib import Path

from activities.histories import HistoryArchive
from models import ids
from tests.e2e.command import CommandLine, polling, row, today, written

RULES = """
id: one-letter
version: 1
schedule: {time: "00:00", zone: UTC, days: every}
steps:
  - {id: demand, kind: formal_demand, when: {after_due: P1D}, cure_period: P10D}
  - {id: later, kind: reminder, when: {after_due: P300D}}
"""


def test_the_evidence_of_a_case_from_its_letter_to_its_archive(arrears: CommandLine, tmp_path: Path) -> None:
    rules, number = tmp_path / "rules.yaml", "EV-1 'odd'"
    rules.write_text(RULES)
    invoice = row(number, due=today(-20), issued=today(-50), email="debtor@buyer.example", buyer_name="Beispiel GmbH")
    arrears.start(written(tmp_path / "in.csv", invoice), "--policy", rules)
    shown = arrears.until(number, lambda case: case["steps"])

    told = arrears("why", shown["steps"][0]["notice"], "--json").json
    assert (told["steps"][0]["invoice"], told["steps"][0]["policy"]["id"]) == (number, "one-letter")
    assert any("late arrival" in fact for fact in told["steps"][0]["planned_because"])
    assert told["notice"]["intact"] and told["notice"]["attempts"] == 1
    assert arrears("audit", "verify", number).status == 0

    # While it runs the export has its history so far, from the server.
    arrears("dispute", number, "--amount", "1.00", "--reason", "one euro", "--reference", "D-1")
    arrears("resolve", number, "--reference", "R-1", "--rejected")
    arrears("resolve", number, "--reference", "R-2", "--rejected", status=1)
    report = arrears("audit", "export", number, "-o", tmp_path / "running.zip", "--json").json
    assert [h["source"] for h in report["histories"]] == ["server"] and report["missing"] is None

    arrears("withdraw", number)
    arrears.until(number, lambda case: case["stage"] == "closed")
    for _ in polling(lambda: "the case is not archived"):
        arrears("audit", "archive")
        with arrears.ledger() as ledger:
            if HistoryArchive(ledger.engine).of(ids.case_id("ACME", number)):
                break
    report = arrears("audit", "export", number, "-o", tmp_path / "closed.zip", "--json").json
    assert [h["source"] for h in report["histories"]] == ["archive"]
    arrears("audit", "export", number, "-o", tmp_path / "again.zip")
    assert (tmp_path / "closed.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    assert arrears("audit", "verify", number, "--json").json["ok"]
    with zipfile.ZipFile(tmp_path / "closed.zip") as archive:
        (history,) = (name for name in archive.namelist() if "/history/" in name)
        assert json.loads(archive.read(history))["events"]
        (spoken,) = (name for name in archive.namelist() if name.endswith("/correspondence.csv"))
        assert "R-2" in archive.read(spoken).decode(), "a refused message is part of the correspondence"
