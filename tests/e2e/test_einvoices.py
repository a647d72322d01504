"""E-invoices on the running stack: cases started, credit notes told, originals kept, refused ones mended and fed."""

import csv
from hashlib import sha256
from pathlib import Path

from tests.e2e.command import CommandLine
from tests.einvoices import credit_note, ubl


def test_an_e_invoice_becomes_a_case_and_again_changes_nothing(arrears: CommandLine, tmp_path: Path) -> None:
    content = ubl("EI-1", due="2099-03-31")
    (tmp_path / "in.xml").write_bytes(content)
    first = arrears("start", tmp_path / "in.xml", "--creditor", "ACME", "--json").json
    again = arrears("start", tmp_path, "--creditor", "ACME", "--json").json
    assert (first["accepted"], again["accepted"], again["unchanged"]) == (1, 0, 1)
    shown = arrears.show("ACME/EI-1")
    assert (shown["outstanding"]["amount"], shown["stage"]) == ("119.00", "not_due")
    digest = sha256(content).hexdigest()
    assert (arrears.folder / "documents" / digest[:2] / f"{digest}.xml").read_bytes() == content

    (tmp_path / "in.xml").write_bytes(ubl("EI-1", due="2099-03-31", payable="120.00"))
    conflict = arrears("start", tmp_path, "--creditor", "ACME", "--json", status=1).json
    assert "already pursued with other content" in conflict["files"][0]["rejects"][0]["reason"]


def test_a_credit_note_finds_its_invoice_even_if_it_comes_first_in_the_folder(
    arrears: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_bytes(credit_note("EI-G2", "19.00", ["EI-2"]))
    (tmp_path / "b.xml").write_bytes(ubl("EI-2", due="2099-03-31"))
    answer = arrears("start", tmp_path, "--creditor", "ACME", "--json").json
    assert [file["accepted"] for file in answer["files"]] == [1, 1]
    assert arrears.show("ACME/EI-2")["outstanding"]["amount"] == "100.00"
    again = arrears("start", tmp_path, "--creditor", "ACME", "--json").json
    assert [file["unchanged"] for file in again["files"]] == [1, 1]
    assert arrears.show("ACME/EI-2")["outstanding"]["amount"] == "100.00"


def test_a_credit_note_for_an_unknown_invoice_is_refused_and_leaves_nothing(
    arrears: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_bytes(credit_note("EI-G3", "19.00", ["EI-3"]))
    answer = arrears("start", tmp_path / "a.xml", "--creditor", "ACME", "--json", status=1).json
    assert "there is no invoice EI-3 of ACME here" in answer["files"][0]["rejects"][0]["reason"]
    assert answer["files"][0]["rejects_file"] is None
    (tmp_path / "b.xml").write_bytes(ubl("EI-3", due="2099-03-31"))
    arrears("start", tmp_path, "--creditor", "ACME")
    assert arrears.show("ACME/EI-3")["outstanding"]["amount"] == "100.00"


def test_a_refused_invoice_is_mended_in_the_rejects_file_and_fed_again(arrears: CommandLine, tmp_path: Path) -> None:
    content = ubl("EI-4", due="", terms="nach Vereinbarung")
    (tmp_path / "in.xml").write_bytes(content)
    (report,) = arrears("start", tmp_path / "in.xml", "--creditor", "ACME", "--json", status=1).json["files"]
    with open(report["rejects_file"], newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["number"], row["due"], row["document"]) == ("EI-4", "", sha256(content).hexdigest())
    row["due"] = "2099-03-31"
    mended = tmp_path / "mended.csv"
    with mended.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    assert arrears("start", mended, "--json").json["accepted"] == 1
    assert arrears.show("ACME/EI-4")["outstanding"]["amount"] == "119.00"


def test_an_unknown_seller_is_refused(arrears: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "in.xml").write_bytes(ubl("EI-5"))
    (report,) = arrears("start", tmp_path / "in.xml", "--json", status=1).json["files"]
    assert "the seller is no creditor here" in report["rejects"][0]["reason"]


def test_a_correction_of_a_pursued_invoice_is_for_an_operator(arrears: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(ubl("EI-6", due="2099-03-31"))
    arrears("start", tmp_path / "a.xml", "--creditor", "ACME")
    (tmp_path / "b.xml").write_bytes(ubl("EI-6a", due="2099-03-31", code="384", preceding=["EI-6"]))
    (report,) = arrears("start", tmp_path / "b.xml", "--creditor", "ACME", "--json", status=1).json["files"]
    assert "it corrects EI-6, which is pursued here" in report["rejects"][0]["reason"]


def test_guessed_columns_need_a_word_of_consent(arrears: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("Rechnungsnummer;Kunde;Betrag EUR;Fälligkeit\nEI-7;Meier;5,00;31.01.2099\n")
    refused = arrears("start", tmp_path / "in.csv", "--creditor", "ACME", "--json", status=1).json
    assert "repeat with --accept-guess" in refused["errors"][0]["reason"]
    taken = arrears("start", tmp_path / "in.csv", "--creditor", "ACME", "--accept-guess", "--json").json
    assert taken["accepted"] == 1
