"""The simulation against real receivables, counted a second time by a few independent lines."""

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli.simulate import simulate

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "gateway" / "sample" / "watson-ar-100.csv"
WHOLE = ROOT.parent / "shared" / "data" / "receivables" / "WA_Fn-UseC_-Accounts-Receivable.csv"
DAYS = {
    "reminder_m3": -3, "reminder_1": 1, "reminder_7": 7, "formal_demand_15": 15, "lawyer_letter_30": 30,
    "referral_60": 60, "insurance_claim_90": 90,
}  # fmt: skip

app = typer.Typer()
app.command()(simulate)

files = pytest.mark.parametrize(
    "path",
    [
        pytest.param(SAMPLE, id="sample"),
        pytest.param(WHOLE, id="whole", marks=pytest.mark.skipif(not WHOLE.exists(), reason="the file is not here")),
    ],
)


def expected_steps(path: Path) -> dict[str, list[str]]:
    """Steps by invoice, from the file alone: sent exactly when unsettled and undisputed at that moment."""
    found = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            due = datetime.strptime(row["DueDate"], "%m/%d/%Y")  # noqa: DTZ007
            settled = datetime.strptime(row["SettledDate"], "%m/%d/%Y")  # noqa: DTZ007
            disputed = due + timedelta(days=1) if row["Disputed"] == "Yes" else datetime.max  # noqa: DTZ901
            moments = {step: due + timedelta(days=day, hours=9) for step, day in DAYS.items()}
            sent = [f"{step} {at}" for step, at in moments.items() if at < min(settled, disputed)]
            found[row["invoiceNumber"]] = sent
    return found


@files
def test_simulate_equals_the_independent_count(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "cases.jsonl"
    arguments = [str(path), "--profile", "watson-ar", "--policy", "plain", "--json", "--cases", str(out)]
    result = CliRunner().invoke(app, [*arguments, "--data-dir", str(tmp_path / "var")])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    expected = expected_steps(path)

    assert report["invoices"] == len(expected) == (100 if path == SAMPLE else 2466)
    assert report["refused"] == report["unchanged"] == 0
    counted = [step.split()[0] for steps in expected.values() for step in steps]
    assert report["notices"] == {step: counted.count(step) for step in DAYS}
    assert report["outcomes"] == {"paid": len(expected), "open": 0}

    cases = {case["invoice"]: case for case in map(json.loads, out.read_text().splitlines())}
    found = {
        number: [f"{s['step']} {datetime.fromisoformat(s['at']).replace(tzinfo=None)}" for s in case["steps"]]
        for number, case in cases.items()
    }
    assert found == expected


def test_the_sample_has_what_tests_and_the_demo_need() -> None:
    with SAMPLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    late = [int(row["DaysLate"]) for row in rows]
    assert len(rows) == 100
    assert sum(days > 0 for days in late) >= 40
    assert sum(days > 15 for days in late) >= 20 and sum(days > 30 for days in late) >= 5
    assert sum(row["Disputed"] == "Yes" for row in rows) >= 20
    assert sum(row["invoiceNumber"].startswith("0") for row in rows) >= 20


@pytest.mark.skipif(not WHOLE.exists(), reason="the whole file is not here")
def test_the_sample_is_a_part_of_the_whole_file() -> None:
    assert set(SAMPLE.read_text().splitlines()) <= set(WHOLE.read_text().splitlines())
