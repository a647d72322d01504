"""`start --dry-run`: every format, folders and archives, without a server, a ledger or a trace left behind."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from gateway.cli import app
from tests.einvoices import HERE, credit_note, pdf, ubl

KEYS = {"file", "format", "accepted", "unchanged", "refused", "ignored", "rejects", "notes", "rejects_file"}
CSV = "creditor,number,buyer_id,currency,amount,due\n"


class Answer:
    """What a dry run printed."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        given = ["start", *map(str, arguments), "--dry-run", "--data-dir", str(folder / "var")]
        environment = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "ARREARS_LEDGER_URL": "sqlite:////nowhere/ledger.db"}
        result = CliRunner().invoke(app, [*given, "--json"], env=environment, catch_exceptions=False)
        self.status, self.err = result.exit_code, result.stderr
        self.json: dict[str, Any] = json.loads(result.stdout) if result.stdout else {}
        assert not (folder / "var").exists(), "a dry run leaves nothing behind"

    @property
    def files(self) -> list[dict[str, Any]]:
        return list(self.json["files"])

    @property
    def only(self) -> dict[str, Any]:
        (report,) = self.files
        return dict(report)


def test_every_format_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    book = Workbook()
    sheet: Any = book.active
    sheet.append(CSV.strip().split(","))
    sheet.append(["ACME", "X-1", "B", "EUR", 10, "2026-01-01"])
    book.save(folder / "1.xml")
    (folder / "2.csv").write_bytes(ubl("U-1"))
    (folder / "3.xlsx").write_bytes((HERE / "01.09a-INVOICE_uncefact.xml").read_bytes())
    (folder / "4.json").write_bytes(pdf(("factur-x.xml", ubl("P-1"))))
    (folder / "5.pdf").write_text(CSV + "ACME,C-1,B,EUR,10.00,2026-01-01\n")
    row = {
        "creditor": "ACME",
        "number": "J-1",
        "buyer_id": "B",
        "currency": "EUR",
        "amount": "10.00",
        "due": "2026-01-01",
    }
    (folder / "6.csv").write_text(json.dumps(row) + "\n")
    (folder / "7.pdf").write_bytes(credit_note())
    answer = Answer(tmp_path, folder)
    assert [file["format"] for file in answer.files] == [
        "xlsx", "ubl-invoice", "cii-invoice", "factur-x", "csv", "jsonl", "ubl-credit-note",
    ]  # fmt: skip
    assert (answer.status, answer.json["accepted"]) == (0, 7), answer.json
    assert all(set(file) == KEYS for file in answer.files)


def test_the_answer_has_the_promised_keys_and_totals(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_bytes(ubl())
    (tmp_path / "bad.xml").write_bytes(ubl("R-2", due="", terms="nach Vereinbarung"))
    (tmp_path / "none.xml").write_bytes(ubl("R-3", payable="0"))
    answer = Answer(tmp_path, tmp_path / "good.xml", tmp_path / "bad.xml", tmp_path / "none.xml")
    assert {key: answer.json[key] for key in ("accepted", "unchanged", "refused", "ignored")} == {
        "accepted": 1, "unchanged": 0, "refused": 1, "ignored": 1,
    }  # fmt: skip
    assert answer.status == 1
    good, bad, none = answer.files
    assert good["notes"] == [
        "invoice R-1 of DE123456789: 119.00 EUR, due 2026-03-31; the seller is no creditor here; "
        "taken as DE123456789 in this dry run"
    ]
    (reject,) = bad["rejects"]
    assert (reject["entry"], reject["field"], reject["value"]) == (1, "due", "")
    assert "“nach Vereinbarung” do not settle one" in reject["reason"]
    assert f"{tmp_path / 'bad.xml'}: due: there is no due date" in answer.err
    assert none["notes"] == ["ignored: invoice R-3: nothing to pursue, the payable amount is 0 EUR"]


def test_the_same_document_again_is_unchanged_and_the_same_number_with_other_content_a_conflict(tmp_path: Path) -> None:
    for name, content in (("1.xml", ubl()), ("2.xml", ubl()), ("3.xml", ubl(payable="120.00"))):
        (tmp_path / name).write_bytes(content)
    answer = Answer(tmp_path, tmp_path, "--creditor", "ACME")
    assert [(f["accepted"], f["unchanged"], f["refused"]) for f in answer.files] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert "has the same number with other content" in answer.files[2]["rejects"][0]["reason"]


def test_numbers_of_sellers_nobody_knows_do_not_clash(tmp_path: Path) -> None:
    (tmp_path / "1.xml").write_bytes(ubl())
    (tmp_path / "2.xml").write_bytes(ubl(payable="120.00"))
    answer = Answer(tmp_path, tmp_path)
    assert answer.json["accepted"] == 2
    assert "has the same number with other content" in answer.files[1]["notes"][1]


def test_folders_and_archives_are_walked_and_members_named(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    (folder / ".hidden.xml").write_bytes(ubl())
    shutil.copy(HERE / "01.01a-INVOICE_ubl.xml", folder / "a.xml")
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("more/c.csv", CSV + "ACME,1,B,EUR,1.00,2026-01-01\n")
        archive.writestr("photo.png", b"\x89PNG")
    answer = Answer(tmp_path, tmp_path / "in")
    assert [(file["file"].removeprefix(f"{folder}/"), file["accepted"], file["ignored"]) for file in answer.files] == [
        ("a.xml", 1, 0), ("b.zip/more/c.csv", 1, 0), ("b.zip/photo.png", 0, 1),
    ]  # fmt: skip


def test_nothing_to_take_says_why(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert Answer(tmp_path, tmp_path / "in").only["notes"] == ["the folder holds no files"]
    (tmp_path / "empty.csv").write_text("")
    assert Answer(tmp_path, tmp_path / "empty.csv").only["notes"] == ["the file is empty"]
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    assert Answer(tmp_path, tmp_path / "empty.zip").only["notes"] == ["the archive holds no files"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG): it is not read"),
        (b"\xd0\xcf\x11\xe0", "save a workbook as XLSX or CSV"),
        (b"UNB+UNOC:3+A+B+200101:1200+1'", "an EDIFACT message, which is not read"),
        (b"Dear customer\nplease find attached\n", "no column of the header"),
    ],
)
def test_a_named_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "in").write_bytes(content)
    answer = Answer(tmp_path, tmp_path / "in")
    assert (answer.status, answer.only["refused"]) == (1, 1)
    assert said in answer.only["rejects"][0]["reason"]


def test_a_missing_file_is_wrong_usage_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_bytes(ubl())
    answer = Answer(tmp_path, tmp_path / "missing.xml", tmp_path / "good.xml")
    assert (answer.status, answer.json["accepted"]) == (2, 1)
    assert "there is no such file" in answer.json["errors"][0]["reason"]


def test_a_guess_is_shown_and_taken(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("Rechnungsnummer;Kunde;Betrag EUR;Fälligkeit\n1;Meier;5,00;31.01.2026\n")
    report = Answer(tmp_path, tmp_path / "in.csv").only
    assert report["accepted"] == 1
    assert report["notes"][0].startswith("columns guessed: number = 'Rechnungsnummer', ")


def test_a_wrong_creditor_code_is_wrong_usage(tmp_path: Path) -> None:
    answer = Answer(tmp_path, tmp_path, "--creditor", "acme ltd")
    assert answer.status == 2


def test_how_due_dates_of_a_table_follow_is_told_in_its_report(tmp_path: Path) -> None:
    rows = "".join(f"ACME,{n},B,EUR,5,2026-01-01,{'30 days net' if n < 3 else 'Net 10'}\n" for n in range(4))
    (tmp_path / "in.csv").write_text(f"creditor,number,buyer_id,currency,amount,issued,terms\n{rows}")
    assert Answer(tmp_path, tmp_path / "in.csv").only["notes"] == [
        "3 due dates by the payment terms “30 days net”: 30 days from the date of issue",
        "1 due date by the payment terms “Net 10”: 10 days from the date of issue",
    ]
