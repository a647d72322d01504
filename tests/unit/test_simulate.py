"""Simulation: what a case goes through between its opening and the end of the data."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from gateway.cli.simulate import simulate
from gateway.intake.entries import InvoiceRow
from gateway.policy_files import load_policy
from gateway.simulate import drive, fate, midnight, opening
from models import events as e
from models.changes import open_case
from models.invoice import Invoice
from models.money import Money
from models.parties import Buyer
from models.policy import Policy

DUE = date(2026, 3, 1)
PLAIN = load_policy("plain")
HEADER = "creditor,number,buyer_id,currency,amount,issued,due"

app = typer.Typer()
app.command()(simulate)


def a_row(issued: date | None = DUE - timedelta(days=30), **fate_of_it: Any) -> InvoiceRow:
    invoice = Invoice(
        creditor="ACME",
        number="1",
        buyer=Buyer(id="B"),
        amount=Money(amount=Decimal(100), currency="EUR"),
        issued=issued,
        due=DUE,
    )
    return InvoiceRow(invoice, **fate_of_it)


def steps(row: InvoiceRow, policy: Policy = PLAIN, days: int = 400) -> tuple[list[str], str | None]:
    """The steps (with days from due) and the outcome, `days` after the due date."""
    case = drive(open_case(opening(row, policy)), fate(row), midnight(DUE + timedelta(days=days)))
    return [f"{d.step}@{(d.planned_at - midnight(DUE)).days}" for d in case.performed], case.outcome


def at(day: int, hour: int = 0) -> datetime:
    return datetime(DUE.year, DUE.month, DUE.day, hour, tzinfo=UTC) + timedelta(days=day)


LADDER = [
    "reminder_m3@-3", "reminder_1@1", "reminder_7@7", "formal_demand_15@15", "lawyer_letter_30@30", "referral_60@60",
    "insurance_claim_90@90",
]  # fmt: skip


def test_an_unpaid_invoice_climbs_the_whole_ladder_and_stays_open() -> None:
    assert steps(a_row()) == (LADDER, None)


def test_steps_fall_at_nine_utc() -> None:
    case = drive(open_case(opening(a_row(), PLAIN)), [], midnight(DUE + timedelta(days=2)))
    assert [(d.planned_at, d.performed_at) for d in case.performed] == [(at(-3, 9), at(-3, 9)), (at(1, 9), at(1, 9))]


@pytest.mark.parametrize(("settled", "sent"), [(-4, 0), (-3, 0), (-2, 1), (1, 1), (2, 2), (15, 3), (16, 4), (91, 7)])
def test_payment_at_the_start_of_a_day_comes_before_the_step_of_that_day(settled: int, sent: int) -> None:
    assert steps(a_row(settled=DUE + timedelta(days=settled))) == (LADDER[:sent], "paid")


def test_a_dispute_stops_the_ladder_from_the_day_after_due_for_good() -> None:
    assert steps(a_row(disputed=True)) == (LADDER[:1], None)
    assert steps(a_row(disputed=True, settled=DUE + timedelta(days=40))) == (LADDER[:1], "paid")


@pytest.mark.parametrize("settled", [-10, 0, 1])
def test_what_was_settled_by_the_day_after_due_was_not_disputed(settled: int) -> None:
    row = a_row(disputed=True, settled=DUE + timedelta(days=settled))
    assert [m.type for m in fate(row)] == ["payment_received"]
    assert steps(row)[1] == "paid"


def test_a_payment_before_the_day_of_issue_opens_and_closes_the_case() -> None:
    row = a_row(settled=DUE - timedelta(days=60))
    assert opening(row, PLAIN).at == at(-60)
    assert steps(row) == ([], "paid")


def test_without_a_day_of_issue_the_case_begins_early_enough_for_every_step() -> None:
    early = Policy.model_validate(
        {"id": "early", "steps": [{"id": "advance", "kind": "reminder", "when": {"before_due": "P45D"}}]}
    )
    assert opening(a_row(issued=None), PLAIN).at == at(-30)
    assert steps(a_row(issued=None), early) == (["advance@-45"], None)


def test_the_end_is_exclusive_and_later_messages_are_not_told() -> None:
    case = open_case(opening(a_row(), PLAIN))
    paid = e.PaymentReceived(id="p", at=at(5), amount=case.invoice.amount, received_on=DUE)
    assert [d.step for d in drive(case, [paid], at(-3, 9)).performed] == []
    assert [d.step for d in drive(case, [paid], at(-3, 9) + timedelta(microseconds=1)).performed] == ["reminder_m3"]
    assert drive(case, [paid], at(5)).outcome is None
    assert drive(case, [paid], at(5, 1)).outcome == "paid"


def test_messages_may_come_in_any_order_and_after_the_close() -> None:
    case = open_case(opening(a_row(), PLAIN))
    told = [
        e.DebtorReplied(id="late", at=at(20)),
        e.PaymentReceived(id="p", at=at(2), amount=case.invoice.amount, received_on=DUE),
        e.PaymentReversed(id="r", at=at(9), payment="p"),
        e.HoldPlaced(id="h", at=at(5)),
    ]
    final = drive(case, told, at(12))
    assert final.outcome is None and final.fresh_at == at(9)
    assert not final.holds


def test_a_promise_pauses_and_its_breach_resumes_by_the_clock_alone() -> None:
    case = open_case(opening(a_row(), PLAIN))
    promise = e.PromiseMade(id="p", at=at(2), pay_by=DUE + timedelta(days=11))
    performed = drive(case, [promise], at(30)).performed
    assert [(d.step, d.planned_at) for d in performed][2:] == [
        ("reminder_7", at(17, 9)),
        ("formal_demand_15", at(25, 9)),
    ]


def test_proposals_are_approved_at_once() -> None:
    policy = Policy.model_validate(
        {
            "id": "asks",
            "steps": [{"id": "demand", "kind": "formal_demand", "when": {"after_due": "P5D"}, "mode": "propose"}],
        }
    )
    assert steps(a_row(), policy) == (["demand@5"], None)


# --- the command ----------------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data-dir", str(folder / "var")])


def a_file(folder: Path, *lines: str) -> str:
    path = folder / "in.csv"
    path.write_text("\n".join((HEADER, *lines)) + "\n")
    return str(path)


def test_the_command_counts_and_writes_cases(tmp_path: Path) -> None:
    file = a_file(tmp_path, "ACME,1,B,EUR,5.00,2026-02-01,2026-03-01", "ACME,2,B,EUR,5.00,2026-02-01,2026-03-10")
    out = tmp_path / "cases.jsonl"
    result = run(tmp_path, file, "--json", "--cases", str(out))
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["invoices"] == 2 and report["refused"] == 0
    assert (report["policy"], report["profile"], report["as_of"]) == ("plain", None, "2026-03-10")
    assert report["notices"] == {
        "reminder_m3": 2, "reminder_1": 1, "reminder_7": 1, "formal_demand_15": 0, "lawyer_letter_30": 0,
        "referral_60": 0, "insurance_claim_90": 0,
    }  # fmt: skip
    assert report["outcomes"] == {"open": 2}
    first, second = map(json.loads, out.read_text().splitlines())
    assert first["steps"][0] == {"step": "reminder_m3", "kind": "reminder", "at": "2026-02-26T09:00:00+00:00"}
    assert (second["creditor"], second["invoice"], second["outcome"]) == ("ACME", "2", "open")


def test_refused_rows_are_told_kept_and_give_status_1(tmp_path: Path) -> None:
    bad = [f"ACME,{n},B,EUR,0,2026-02-01,2026-03-01" for n in range(2, 32)]
    file = a_file(tmp_path, "ACME,1,B,EUR,5.00,2026-02-01,2026-03-01", *bad)
    result = run(tmp_path, file, "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["invoices"], report["refused"]) == (1, 30)
    told = result.stderr.splitlines()
    assert told[0] == f"{file}: line 3: amount '0': the amount must be more than zero"
    assert len(told) == 22 and "and 10 more" in told[20] and report["rejects_file"] in told[21]
    assert len(Path(report["rejects_file"]).read_text().splitlines()) == 31


def test_a_row_may_name_its_policy_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(
        f"{HEADER},policy\nACME,1,B,EUR,5.00,2026-02-01,2026-03-01,s2-7-15-30\nACME,2,B,EUR,5,2026-02-01,2026-03-01,nope\n"
    )
    result = run(tmp_path, str(path), "--json", "--as-of", "2026-12-31")
    assert result.exit_code == 1 and "unknown policy 'nope'" in result.stderr
    report = json.loads(result.stdout)
    assert (report["policy"], report["invoices"], report["refused"]) == ("s2-7-15-30", 1, 1)
    overridden = run(tmp_path, str(path), "--json", "--policy", "plain")
    assert overridden.exit_code == 0 and json.loads(overridden.stdout)["policy"] == "plain"


def test_as_of_includes_its_day(tmp_path: Path) -> None:
    file = a_file(tmp_path, "ACME,1,B,EUR,5.00,2026-02-01,2026-03-01")
    for day, sent in (("2026-02-25", 0), ("2026-02-26", 1), ("2026-03-02", 2), ("1999-01-01", 0)):
        report = json.loads(run(tmp_path, file, "--json", "--as-of", day).stdout)
        assert sum(report["notices"].values()) == sent, day


def test_people_get_a_table(tmp_path: Path) -> None:
    result = run(tmp_path, a_file(tmp_path, "ACME,1,B,EUR,5.00,2026-02-01,2026-03-01"), "--as-of", "2026-06-30")
    assert result.exit_code == 0
    assert "insurance_claim_90" in result.stdout and "up to the end of 2026-06-30" in result.stdout


@pytest.mark.parametrize("content", ["", HEADER + "\n"])
def test_nothing_to_simulate_is_fine(tmp_path: Path, content: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(content)
    report = json.loads(run(tmp_path, str(path), "--json").stdout)
    assert report["invoices"] == 0 and report["note"] and report["as_of"] is None
    assert run(tmp_path, str(path)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["absent.csv"], 2, "there is no such file"),
        (["{file}", "--as-of", "tomorrow"], 2, "--as-of 'tomorrow'"),
        (["{file}", "--cases", "{folder}"], 2, "is a directory"),
        (["{file}", "--cases", "{folder}/absent/out"], 2, "cannot be written"),
        (["{file}", "--profile", "nope"], 1, "unknown profile"),
        (["{file}", "--policy", "nope"], 1, "unknown policy"),
        (["{file}", "--profile", "watson-ar"], 1, "the profile reads the column"),
    ],
)
def test_wrong_calls_end_in_a_message(tmp_path: Path, arguments: list[str], status: int, message: str) -> None:
    file = a_file(tmp_path, "ACME,1,B,EUR,5.00,2026-02-01,2026-03-01")
    result = run(tmp_path, *(a.format(file=file, folder=tmp_path) for a in arguments))
    assert result.exit_code == status, result.output
    assert message in result.stderr
    assert not list(tmp_path.glob(".*.part"))
