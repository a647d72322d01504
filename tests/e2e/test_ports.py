"""The Python interface and the journal on a running stack; the examples of docs/ports.md print what they say."""

import asyncio
import csv
import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from gateway.api import InputRefused, WrongUsage, open_arrears
from tests.bank_statement import Line, camt053
from tests.e2e.command import CommandLine, polling, row, today, written

DOCS = Path(__file__).parents[2] / "docs" / "ports.md"
_EXAMPLE = re.compile(r"```python\n(?P<code>.*?)```.*?```text\n(?P<printed>.*?)```", re.DOTALL)


def test_the_examples_of_the_documentation_print_what_they_say(
    arrears: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARREARS_DATA_DIR", str(arrears.folder))
    monkeypatch.chdir(tmp_path)
    mine = {"buyer_id": "PORTS", "buyer_name": "Ports & Sons Ltd"}
    written(tmp_path / "invoices.csv", row("PORTS-1", **mine), row("PORTS-2", amount="500.00", due=today(40), **mine))
    camt053(tmp_path / "statement.xml", [Line("500.00", "PORTS-2", "PORTS1", "Ports & Sons Ltd")], today())
    names: dict[str, Any] = {}
    examples = list(_EXAMPLE.finditer(DOCS.read_text(encoding="utf-8")))
    assert len(examples) == 2
    for example in examples:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(example["code"], str(DOCS), "exec"), names)
        assert printed.getvalue() == example["printed"]


def test_a_dry_run_and_errors_need_no_server(tmp_path: Path) -> None:
    async def work() -> None:
        async with open_arrears(tmp_path / "var") as arrears:
            told = await arrears.start(written(tmp_path / "i.csv", row("D-1"), row("D-2", amount="x")), dry_run=True)
            assert (told["accepted"], told["refused"], await arrears.list()) == (1, 1, [])
            with pytest.raises(WrongUsage, match="stage 'lost'"):
                await arrears.list(stage="lost")
            with pytest.raises(InputRefused, match="unknown creditor NOBODY"):
                await arrears.start(tmp_path / "i.csv", creditor="NOBODY")

    asyncio.run(work())


def journal(arrears: CommandLine, file: Path, *options: object) -> list[dict[str, str]]:
    told = arrears("journal", "--from", today(-1), "--to", today(1), "-o", file, "--json", *options).json
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert told["entries"] == len(rows)
    for currency in told["totals"]:
        sums = [(a["debit"], a["credit"]) for a in told["accounts"] if a["currency"] == currency]
        assert sum(float(d) for d, _ in sums) == pytest.approx(sum(float(c) for _, c in sums))
    return rows


def test_the_journal_has_what_happened_and_is_the_same_again(arrears: CommandLine, tmp_path: Path) -> None:
    arrears.start(written(tmp_path / "i.csv", row("JR-1"), row("JR-2"), row("JR-3", amount="50.00")))
    arrears("pay", "JR-1", "--amount", "1100.00", "--reference", "P1")
    arrears("refund", "JR-1", "--payment", "P1", "--amount", "100.00", "--reference", "R1")
    arrears("credit", "JR-2", "--amount", "10.00", "--reference", "CN1", "--reason", "=cmd")
    arrears("write-off", "JR-2", "--reason", "insolvent", "--by", "anna")
    arrears("approve", "JR-2", "write_off", "--by", "berta")
    arrears("pay", "JR-2", "--amount", "90.00", "--reference", "P2")
    arrears("pay", "ACME/JR-9", "--amount", "7.00", "--currency", "EUR", "--reference", "EARLY")

    first = journal(arrears, tmp_path / "one.csv")
    mine = [line for line in first if line["invoice"].startswith("JR-")]
    assert [(x["invoice"], x["type"], x["debit"], x["credit"], x["amount"], x["reference"]) for x in mine] == [
        ("JR-1", "payment", "bank_clearing", "receivables", "1000.00", "P1"),
        ("JR-1", "unapplied_cash", "bank_clearing", "unapplied_cash", "100.00", "P1"),
        ("JR-1", "refund", "unapplied_cash", "bank_clearing", "100.00", "P1"),
        ("JR-2", "credit_note", "credit_notes", "receivables", "10.00", "CN1"),
        ("JR-2", "write_off", "bad_debt", "receivables", "990.00", mine[4]["reference"]),
        ("JR-2", "recovery", "bank_clearing", "bad_debt_recovered", "90.00", "P2"),
        ("JR-9", "unapplied_cash", "bank_clearing", "unapplied_cash", "7.00", "EARLY"),
    ]
    assert mine[3]["text"] == "credit note: =cmd"

    arrears.start(written(tmp_path / "j.csv", row("JR-9", amount="7.00")))
    with arrears.ledger() as ledger:
        for _ in polling(lambda: "the ledger does not hold that JR-9 is paid"):
            if [case.stage for case in ledger.find("JR-9")] == ["closed"]:
                break
    again = journal(arrears, tmp_path / "two.csv")
    ids = [line["id"] for line in again]
    assert len(set(ids)) == len(ids)
    assert [line for line in again if line["id"] in {x["id"] for x in first}] == first
    later = [x for x in again if x["invoice"] == "JR-9" and x["id"] not in {y["id"] for y in first}]
    assert sorted((x["debit"], x["credit"]) for x in later) == [
        ("bank_clearing", "receivables"), ("unapplied_cash", "bank_clearing"),
    ]  # fmt: skip


def test_unmatched_bank_money_is_in_the_journal_until_it_is_assigned(arrears: CommandLine, tmp_path: Path) -> None:
    arrears.start(written(tmp_path / "i.csv", row("JB-1", amount="333.00")))
    payer = "Journal Unbekannt AG"
    file = camt053(tmp_path / "open.xml", [Line("333.00", "Zahlung", "JBREF1", payer)], today())
    arrears("bank", file, "--json")
    lines = [x for x in journal(arrears, tmp_path / "one.csv") if x["reference"] == "JBREF1"]
    assert [(x["debit"], x["credit"], x["amount"]) for x in lines] == [("bank_clearing", "unapplied_cash", "333.00")]

    (key,) = [w["entry"] for w in arrears("match", "--json").lines if w["payer"] == payer]
    arrears("match", key, "JB-1", "--by", "anna")
    arrears("unmatch", key, "--by", "berta")
    after = [x for x in journal(arrears, tmp_path / "two.csv") if x["reference"] == "JBREF1"]
    assert after[0] == lines[0]
    assert [(x["debit"], x["credit"]) for x in after[1:]] == [
        ("unapplied_cash", "bank_clearing"), ("bank_clearing", "unapplied_cash"),
    ]  # fmt: skip
