"""Bank statements booked: matched, told once, taken back, decided by people, and safe against being cut off."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bank_statement import Line, camt053
from tests.e2e.command import CommandLine, row, today, up, written


@pytest.fixture
def invoices(arrears: CommandLine, tmp_path: Path) -> str:
    """Three invoices of a buyer, under a prefix of the test's own."""
    prefix = f"RE-{time.time_ns() % 10**9}"
    rows = [
        row(f"{prefix}-{n}", amount=amount, buyer_id=prefix, buyer_name=f"Beispiel {prefix} GmbH")
        for n, amount in ((1, "1000.00"), (2, "250.50"), (3, "77.77"))
    ]
    assert arrears.start(written(tmp_path / "invoices.csv", *rows))["accepted"] == 3
    return prefix


def book(arrears: CommandLine, file: Path, *options: object, status: int = 0) -> Any:
    return arrears("bank", file, "--json", *options, status=status).json


def outstanding(arrears: CommandLine, number: str) -> str:
    return str(arrears.show(number)["outstanding"]["amount"])


def test_a_statement_is_booked_once_and_its_cases_are_told(arrears: CommandLine, invoices: str, tmp_path: Path) -> None:
    payer = f"Beispiel {invoices} GmbH"
    file = camt053(tmp_path / "one.xml", [
        Line("1000.00", f"Rechnung {invoices}-1", f"S1{invoices}", payer),
        Line("100.00", f"Teilzahlung zu {invoices}-2", f"S2{invoices}", payer),
        Line("-12.00", "Entgelt", f"S3{invoices}", payer),
        Line("5.55", "Spende", f"S4{invoices}", "Jemand Anders"),
    ], today())  # fmt: skip
    told = book(arrears, file, "--entries", tmp_path / "entries.jsonl")
    assert {k: told[k] for k in ("accepted", "unchanged", "refused", "ignored", "matched", "proposed", "waiting")} == {
        "accepted": 3, "unchanged": 0, "refused": 0, "ignored": 1, "matched": 1, "proposed": 1, "waiting": 0,
    }  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "entries.jsonl").read_text().splitlines()]
    assert [(m["invoice"], m["amount"]) for line in lines for m in line["matches"]] == [
        (f"{invoices}-1", "1000.00")
    ]  # fmt: skip
    assert arrears.show(f"{invoices}-1")["outcome"] == "paid"
    (waits,) = [w for w in arrears("match", "--buyer", invoices, "--json").lines]
    assert (waits["amount"], waits["proposed"][0]["invoice"]) == ("100.00", f"{invoices}-2"), "a part of it: asked"

    again = book(arrears, file)
    assert (again["accepted"], again["unchanged"]) == (0, 3)
    assert outstanding(arrears, f"{invoices}-2") == "250.50"
    arrears("match", waits["entry"][:10], "--accept", "--by", "anna")
    assert outstanding(arrears, f"{invoices}-2") == "150.50"


def test_a_returned_debit_opens_the_case_again(arrears: CommandLine, invoices: str, tmp_path: Path) -> None:
    payer = f"Beispiel {invoices} GmbH"
    book(arrears, camt053(tmp_path / "in.xml", [Line("77.77", f"{invoices}-3", f"R1{invoices}", payer)], today(-1)))
    assert arrears.show(f"{invoices}-3")["outcome"] == "paid"
    back = Line("-77.77", "Rueckgabe", f"R2{invoices}", payer, returns=f"E2E-R1{invoices}")
    told = book(arrears, camt053(tmp_path / "back.xml", [back], today()))
    assert told["accepted"] == 1
    shown = arrears.show(f"{invoices}-3")
    assert (shown["outcome"], shown["outstanding"]["amount"]) == (None, "77.77")
    assert [payment["reversed"] for payment in shown["payments"]] == [True]


def test_charges_that_were_let_go_are_owed_again_when_the_payment_comes_back(
    arrears: CommandLine, invoices: str, tmp_path: Path
) -> None:
    payer = f"Beispiel {invoices} GmbH"
    paid = Line("990.00", f"Rechnung {invoices}-1", f"C1{invoices}", payer)
    book(arrears, camt053(tmp_path / "in.xml", [paid], today(-1)))
    shown = arrears.show(f"{invoices}-1")
    assert (shown["outcome"], [c["kind"] for c in shown["balance"]["credits"]]) == ("paid", ["bank_charges"])

    back = Line("-990.00", "Rueckgabe", f"C2{invoices}", payer, returns=f"E2E-C1{invoices}")
    book(arrears, camt053(tmp_path / "back.xml", [back], today()))
    shown = arrears.show(f"{invoices}-1")
    assert (shown["outcome"], shown["outstanding"]["amount"], shown["balance"]["credits"]) == (None, "1000.00", [])


def test_a_cash_discount_that_was_agreed_settles_the_invoice(arrears: CommandLine, tmp_path: Path) -> None:
    number = f"SK-{time.time_ns() % 10**9}"
    terms = {"issued": today(-3), "terms": "2% Skonto 10 Tage"}
    agreed = row(number, buyer_id=number, buyer_name=f"Rasch {number} GmbH", **terms)
    assert arrears.start(written(tmp_path / "invoices.csv", agreed))["accepted"] == 1
    line = Line("980.00", f"Rechnung {number} abzgl. Skonto", f"D{number}", f"Rasch {number} GmbH")
    told = book(arrears, camt053(tmp_path / "in.xml", [line], today()))
    assert told["matched"] == 1
    shown = arrears.show(number)
    assert shown["outcome"] == "paid"
    assert [(c["kind"], c["amount"]) for c in shown["balance"]["credits"]] == [("cash_discount", "20.00")]


def test_what_is_not_certain_waits_for_a_person_and_can_be_undone(
    arrears: CommandLine, invoices: str, tmp_path: Path
) -> None:
    payer = "Vollkommen Unbekannt AG"
    book(arrears, camt053(tmp_path / "open.xml", [Line("300.00", "Zahlung", f"W{invoices}", payer)], today()))
    waiting = [w for w in arrears("match", "--json").lines if w["payer"] == payer and w["amount"] == "300.00"]
    key = waiting[-1]["entry"]
    assert waiting[-1]["status"] == "unmatched"
    arrears("match", key, f"{invoices}-1", status=2)  # Nobody says so: --by is missing.
    arrears("match", key, f"{invoices}-1=222.23", f"{invoices}-3=77.77", "--by", "anna")
    assert outstanding(arrears, f"{invoices}-1") == "777.77"
    assert arrears.show(f"{invoices}-3")["outcome"] == "paid"
    assert "is matched: undo it first" in arrears("match", key, f"{invoices}-2", "--by", "anna", status=1).err

    arrears("unmatch", key, "--by", "berta", "--reason", "wrong customer")
    assert outstanding(arrears, f"{invoices}-1") == "1000.00"
    assert outstanding(arrears, f"{invoices}-3") == "77.77"
    arrears("match", key, f"{invoices}-2=250.50", "--by", "anna")
    assert arrears.show(f"{invoices}-2")["outcome"] == "paid"


def test_a_statement_of_a_strange_account_is_refused_whole(arrears: CommandLine, tmp_path: Path) -> None:
    line = [Line("1.00", "x", "STRANGE")]
    file = camt053(tmp_path / "strange.xml", line, today(), account="DE89370400440532013000")
    refused = book(arrears, file, status=1)
    assert refused["refused"] == 1 and "is no creditor's" in refused["files"][0]["rejects"][0]["reason"]


def test_without_the_server_everything_is_stored_and_delivered_later(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    arrears = CommandLine(folder)
    file = camt053(tmp_path / "down.xml", [Line("400.00", "Invoice OFF-4711-1", "OFF1", "Offline Ltd")], today())
    with up(folder):
        arrears.start(written(tmp_path / "i.csv", row("OFF-4711-1", amount="400.00", buyer_name="Offline Ltd")))
    stored = arrears("bank", file, "--json", status=3)
    assert (stored.json["accepted"], stored.json["matched"], stored.json["waiting"]) == (1, 1, 1)
    with up(folder):
        told = arrears("reconcile", "--json").json
        assert told["delivered"] == 1
        assert arrears.show("OFF-4711-1")["outcome"] == "paid"


def test_killed_in_the_middle_every_entry_is_booked_once_and_every_case_told_once(tmp_path: Path) -> None:
    folder, count = tmp_path / "var", 300
    arrears = CommandLine(folder)
    rows = [
        row(f"KILL-{n:05d}", amount=f"{100 + n}.00", buyer_id=f"K{n}", buyer_name=f"Kunde {n}") for n in range(count)
    ]
    lines = [Line(f"{100 + n}.00", f"Invoice KILL-{n:05d}", f"KR{n}", f"Kunde {n}") for n in range(count)]
    file = camt053(tmp_path / "kill.xml", lines, today())
    with up(folder):
        arrears.start(written(tmp_path / "i.csv", *rows))
        for pause in (1.4, 2.2, 3.0):
            with arrears.running("bank", file) as process:
                time.sleep(pause)
                process.send_signal(signal.SIGKILL)
        told = book(arrears, file)
        assert told["accepted"] + told["unchanged"] == count
        assert told["waiting"] == 0
        cases = arrears("list", "--json").lines
        assert [case["outcome"] for case in cases] == ["paid"] * count
        with arrears.ledger() as ledger:
            assert ledger.totals()["received"]["EUR"].amount == sum(100 + n for n in range(count))
