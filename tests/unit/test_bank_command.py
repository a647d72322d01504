"""`arrears bank --dry-run`: what it prints, counts and writes, and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from tests.bank_files import OWN, document, entry, mt940, statement


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def put(name: str, content: str) -> None:
        (tmp_path / name).write_text(content, "utf-8")

    given = (
        entry("100", "<RmtInf><Ustrd>INV 1</Ustrd></RmtInf>", reference="R1"),
        entry("20", "<RtrInf/>", sign="DBIT", reference="R2"),
        entry("7", sign="DBIT"),
        entry("0"),
    )
    put("good.xml", document(statement(*given, opening="0", closing="73")))
    put("again.sta", mt940([":61:2603020302C100,NTRFNONREF//R1"], closing="C260302EUR100,"))
    put("off.xml", document(statement(entry("10"), opening="0", closing="11")))
    put("empty.xml", document(statement(opening="0", closing="0", number="9")))
    return tmp_path


def run(folder: Path, *arguments: object, status: int = 0) -> Result:
    ran = CliRunner().invoke(app, ["bank", *map(str, arguments), "--data-dir", str(folder / "var")])
    assert ran.exit_code == status, ran.output
    return ran


def test_the_report_counts_what_was_found_without_server_or_ledger(folder: Path) -> None:
    out = folder / "entries.jsonl"
    names = [folder / name for name in ("good.xml", "again.sta", "off.xml", "empty.xml")]
    report = json.loads(run(folder, *names, "--dry-run", "--json", "--entries", out, status=1).stdout)
    good, again, off, empty = report["files"]
    assert good == {
        "file": str(names[0]), "format": "camt.053.001.08", "accepted": 2, "unchanged": 0, "refused": 0, "ignored": 2,
        "rejects": [], "notes": ["1 ignored: our own payment", "1 ignored: amount zero"],
    }  # fmt: skip
    assert (again["format"], again["accepted"], again["unchanged"]) == ("mt940", 0, 1)  # known by the bank's reference
    assert off["refused"] == 1 and off["rejects"] == [
        {
            "line": 2, "field": "closing balance", "value": "11.00 EUR",
            "reason": "opening balance 0.00 EUR and 1 entries make 10.00 EUR, the statement closes with 11.00 EUR: "
            "difference 1.00 EUR",
        }
    ]  # fmt: skip
    assert empty["notes"] == ["nothing to take: the file has no entries"]
    totals = {key: value for key, value in report.items() if key not in ("files", "errors")}
    assert totals == {
        "accepted": 2, "unchanged": 1, "refused": 1, "ignored": 2,
        "matched": 0, "proposed": 0, "unmatched": 1, "amounts": {"EUR": "100.00"},
    }  # fmt: skip
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [(line["entry"], line["status"], line["kind"]) for line in lines] == [
        ("1", "accepted", "payment"), ("2", "accepted", "reversal"), ("3", "ignored", "outgoing"),
        ("4", "ignored", "payment"), ("1", "unchanged", "payment"),
    ]  # fmt: skip
    first = lines[0]
    assert (first["amount"], first["currency"], first["date"], first["matches"], first["remittance"]) == (
        "100.00", "EUR", "2026-03-02", [], ["INV 1"],
    )  # fmt: skip
    assert first["key"] == lines[4]["key"]
    assert not (folder / "var").exists()


def test_the_report_for_people_says_why(folder: Path) -> None:
    said = run(folder, folder / "off.xml", folder / "good.xml", "--dry-run", status=1).stdout
    assert "off.xml: camt.053.001.08: 0 accepted, 0 unchanged, 1 refused, 0 ignored\n" in said
    assert "  refused, line 2: closing balance: opening balance 0.00 EUR and 1 entries make 10.00 EUR" in said
    assert "  note: 1 ignored: our own payment\n" in said
    assert said.endswith("2 accepted, 0 unchanged, 1 refused, 2 ignored; 1 to be matched (100.00 EUR)\n")


def test_a_missing_file_keeps_none_of_the_others_from_being_read(folder: Path) -> None:
    ran = run(folder, folder / "missing.xml", folder / "good.xml", "--dry-run", "--json", status=2)
    report = json.loads(ran.stdout)
    assert report["accepted"] == 2 and report["errors"][0]["file"].endswith("missing.xml")
    assert "there is no such file" in ran.stderr


def test_a_collective_entry_and_its_details_in_another_file_are_the_same_money(folder: Path) -> None:
    parts = [f'<Amt Ccy="EUR">{v}</Amt><CdtDbtInd>CRDT</CdtDbtInd>' for v in ("60", "40")]
    (folder / "054.xml").write_text(
        document(statement(entry("100", *parts, reference="C1"), tag="Ntfctn"), message="054"), "utf-8"
    )
    (folder / "053.xml").write_text(
        document(statement(entry("100", reference="C1"), opening="0", closing="100")), "utf-8"
    )
    for names, accepted, unchanged in ((("054.xml", "053.xml"), 2, 1), (("053.xml", "054.xml"), 1, 2)):
        report = json.loads(run(folder, *(folder / n for n in names), "--dry-run", "--json").stdout)
        assert (report["accepted"], report["unchanged"]) == (accepted, unchanged)
        assert report["amounts"] == {"EUR": "100.00"}


def test_wrong_usage_is_told_apart(folder: Path) -> None:
    strange = run(folder, folder / "good.xml", status=1)
    assert "is no creditor's: name it in the creditor's file" in strange.stdout
    unknown = run(folder, folder / "good.xml", "--dry-run", "--profile", "nobody", status=1)
    assert "unknown bank profile 'nobody'" in unknown.stderr
    assert "is a directory" in run(folder, folder / "good.xml", "--dry-run", "--entries", folder, status=2).stderr


def test_the_samples_of_this_repository_are_read_as_a_folder(folder: Path) -> None:
    report = json.loads(run(folder, OWN, "--dry-run", "--json", status=1).stdout)
    assert report["amounts"] == {"EUR": "2837.75", "PLN": "0.03"}
    assert report["unchanged"] == 3  # the intraday report holds what the statement of the day holds
