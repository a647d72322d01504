"""The inbox without a server: what a file is for, who may take it, and where it goes."""

import fcntl
import os
import zipfile
from pathlib import Path

import pytest

from gateway.bank.csv_profiles import bank_profiles
from gateway.errors import InputRefused
from gateway.inbox.content import purpose
from gateway.inbox.folder import Inbox, free_name, moved
from tests.bank_statement import Line, camt053
from tests.cases import DUE
from tests.einvoices import ubl

BANK = Path(__file__).parents[1] / "data" / "bank"
EINVOICES = Path(__file__).parents[1] / "data" / "einvoice"


@pytest.mark.parametrize("file", sorted(p.name for p in BANK.iterdir() if p.suffix in (".xml", ".sta", ".txt")))
def test_bank_files_are_told_by_their_content(file: str) -> None:
    assert purpose(BANK / file, bank_profiles()) == "bank"


@pytest.mark.parametrize("file", sorted(p.name for p in EINVOICES.iterdir() if p.suffix in (".xml", ".pdf")))
def test_e_invoices_are_told_by_their_content(file: str) -> None:
    assert purpose(EINVOICES / file, bank_profiles()) == "invoices"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("creditor,number,buyer_id,currency,amount,due\nACME,1,B,EUR,1.00,2026-01-01\n", "invoices"),
        ("number;buyer_id;currency;amount;due;Buchungstag;Betrag;Verwendungszweck\n", "invoices"),
        ("Rechnungsnummer;Kunde;Betrag;Fälligkeit;Rechnungsdatum\n1;B;1,00;01.02.2026;01.01.2026\n", "invoices"),
        ("Buchungstag;Valuta;Verwendungszweck;Betrag\n01.02.2026;01.02.2026;RE 1;1,00\n", "bank"),
        ("Date,Description,Amount\n2026-02-01,Invoice 1,1.00\n", "bank"),
        (":20:X\n:25:DE\n:28C:1\n:60F:C260101EUR1,00\n", "bank"),
        ("just a letter\nto somebody\n", "invoices"),
        ("", "invoices"),
    ],
)
def test_tables_and_texts_are_told_by_their_columns(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "x"
    file.write_text(content, encoding="utf-8")
    assert purpose(file, bank_profiles()) == told


def test_an_archive_holds_one_or_the_other(tmp_path: Path) -> None:
    statement = camt053(tmp_path / "s.xml", [Line("1.00", "x", "R")], DUE).read_bytes()
    for names, told in ((("s",), "bank"), (("u",), "invoices")):
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name in names:
                archive.writestr(name, statement if name == "s" else ubl())
        assert purpose(tmp_path / "a.zip", bank_profiles()) == told
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("s", statement)
        archive.writestr("u", ubl())
    with pytest.raises(InputRefused, match="holds invoices and bank statements"):
        purpose(tmp_path / "a.zip", bank_profiles())


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    made = Inbox(tmp_path)
    made.prepare()
    return made


def test_a_file_goes_to_the_first_who_takes_it_and_back_if_it_is_left(inbox: Inbox) -> None:
    (inbox.path / "a.csv").write_text("x")
    look = inbox.looks()["a.csv"]
    with inbox.taker() as one, inbox.taker() as other:
        assert one.take("a.csv", look) is not None
        assert other.take("a.csv", look) is None
        assert inbox.recover() == [], "both live"
        assert inbox.looks() == {}
    assert list(inbox.looks()) == ["a.csv"]
    assert list((inbox.path / ".taking").iterdir()) == []


def test_a_file_that_has_changed_since_the_look_is_not_taken(inbox: Inbox) -> None:
    (inbox.path / "a.csv").write_text("x")
    look = inbox.looks()["a.csv"]
    (inbox.path / "a.csv").write_text("xy")
    with inbox.taker() as taker:
        assert taker.take("a.csv", look) is None
    assert (inbox.path / "a.csv").read_text() == "xy"


def test_what_a_dead_taker_had_comes_back_beside_what_came_since(inbox: Inbox) -> None:
    left = inbox.path / ".taking" / "4711-dead"
    (left / "rejects").mkdir(parents=True)
    (left / "rejects" / "a.rejects.csv").write_text("half")
    (left / ".lock").touch()
    (left / "a.csv").write_text("old")
    (inbox.path / "a.csv").write_text("new")
    assert inbox.recover() == ["a~2.csv"]
    assert (inbox.path / "a.csv").read_text() == "new"
    assert (inbox.path / "a~2.csv").read_text() == "old"
    assert not left.exists()


def test_a_living_taker_keeps_what_it_has(inbox: Inbox) -> None:
    left = inbox.path / ".taking" / "4711-busy"
    left.mkdir()
    (left / "a.csv").write_text("mine")
    lock = os.open(left / ".lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert inbox.recover() == []
        assert (left / "a.csv").exists()
    finally:
        os.close(lock)
    assert inbox.recover() == ["a.csv"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    for n in (1, 2, 3):
        (tmp_path / "a.csv").write_text(str(n))
        moved(tmp_path / "a.csv", tmp_path / "done")
    assert {p.name: p.read_text() for p in (tmp_path / "done").iterdir()} == {
        "a.csv": "1", "a~2.csv": "2", "a~3.csv": "3"
    }  # fmt: skip
    assert free_name(tmp_path / "done", "b.csv") == "b.csv"


def test_links_folders_and_unfinished_files_do_not_wait(inbox: Inbox) -> None:
    (inbox.path / "link.csv").symlink_to("/etc/hostname")
    (inbox.path / "folder").mkdir()
    for name in (".hidden", "a.part", "b.csv.TMP"):
        (inbox.path / name).touch()
    assert inbox.looks() == {}
