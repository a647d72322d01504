"""The watched folder: mixed files taken in by the worker or by hand, once, whatever is cut off in between."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.bank_statement import Line, camt053
from tests.e2e.command import CommandLine, clean_environment, polling, row, today, up, written
from tests.einvoices import creditor, ubl


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_file())


def settled(inbox: Path) -> None:
    """Wait until nothing waits in the inbox and nobody holds anything."""
    for _ in polling(lambda: f"still there: {files(inbox)}"):
        if not files(inbox) and not list((inbox / ".taking").rglob("*")):
            return


def dropped(inbox: Path, name: str, content: bytes) -> None:
    """Put a file in as an upload should: under another name, then renamed."""
    inbox.mkdir(parents=True, exist_ok=True)  # the worker may have just begun
    part = inbox / f"{name}.part"
    part.write_bytes(content)
    part.rename(inbox / name)


def test_the_worker_takes_a_mixed_folder_twice(arrears: CommandLine, tmp_path: Path) -> None:
    inbox, mark = arrears.folder / "inbox", f"IN{time.time_ns() % 10**8}"
    seller = tmp_path / f"{mark}.yaml"
    seller.write_text(creditor(mark, name=mark, vat_id="DE111111125").model_dump_json(exclude_defaults=True))
    arrears("creditor", "add", seller)
    buyer = {"buyer_id": mark, "buyer_name": f"Kunde {mark} GmbH"}
    table = written(tmp_path / "t.csv", row(f"{mark}-1", **buyer), row(f"{mark}-2", amount="1,5"), row(f"{mark}-3"))
    statement = camt053(
        tmp_path / "s.xml", [Line("1000.00", f"{mark}-1", f"{mark}R", f"Kunde {mark} GmbH")], today()
    )  # fmt: skip
    mixed = {
        f"{mark}.csv": table.read_bytes(), f"a-{mark}.xml": statement.read_bytes(),
        f"{mark}-ubl.xml": ubl(f"{mark}-U", vat="DE111111125", due=str(today(20)), issued=str(today(-9))),
        f"{mark}.bin": os.urandom(400), f"{mark}.txt": b"Dear all,\nplease pay\n",
    }  # fmt: skip
    for round_ in (1, 2):
        for name, content in mixed.items():
            dropped(inbox, name, content)
        (inbox / f"{mark}-growing.csv.part").write_bytes(b"creditor,number\n")
        for _ in polling(lambda: f"still there: {files(inbox)}"):
            if files(inbox) == [f"{mark}-growing.csv.part"]:
                break
        (inbox / f"{mark}-growing.csv.part").unlink()
        settled(inbox)
        tail = "" if round_ == 1 else "~2"
        done, refused = files(inbox / "done"), files(inbox / "refused")
        for stem, suffix in ((mark, ".csv"), (f"a-{mark}", ".xml"), (f"{mark}-ubl", ".xml")):
            assert f"{stem}{tail}{suffix}" in done
        assert {f"{mark}{tail}.bin", f"{mark}{tail}.bin.reason.txt", f"{mark}{tail}.txt"} <= set(refused)
    assert arrears.show(f"{mark}-1")["outcome"] == "paid", "the invoice was there before its payment"
    assert [p["amount"] for p in arrears.show(f"{mark}-1")["payments"]] == ["1000.00"]
    assert arrears.show(f"{mark}-U")["creditor"] == mark
    reason = (inbox / "refused" / f"{mark}.csv.reason.txt").read_text()
    assert f"{mark}.csv, line 3: amount '1,5': " in reason and f"Mend the rows in {mark}.rejects.csv" in reason
    mended = (inbox / "refused" / f"{mark}.rejects.csv").read_text().replace('"1,5"', "1.50")
    dropped(inbox, f"{mark}.rejects.csv", mended.encode())
    settled(inbox)
    assert arrears.show(f"{mark}-2")["outstanding"]["amount"] == "1.50"


def test_without_the_server_statements_are_stored_and_invoices_wait(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    arrears, inbox = CommandLine(folder), folder / "inbox"
    inbox.mkdir(parents=True)
    written(inbox / "i.csv", row("W-1", buyer_name="Wartet GmbH"))
    camt053(inbox / "s.xml", [Line("5.00", "nothing", "WREF", "Wartet GmbH")], today())
    (inbox / "link.csv").symlink_to("/etc/passwd")
    told = arrears("inbox", "--once", "--json", status=3).lines
    assert [(one["file"], one["purpose"], one["outcome"]) for one in told] == [
        ("s.xml", "bank", "done"), ("i.csv", "unknown", "waits"),
    ]  # fmt: skip
    assert files(inbox / "done") == ["s.xml"] and (inbox / "i.csv").exists()
    with up(folder):
        for _ in polling(lambda: f"still there: {files(inbox)}"):
            if not (inbox / "i.csv").exists() and "i.csv" in files(inbox / "done"):
                break
        assert arrears.show("W-1")["stage"] == "not_due"
        assert "inbox_taken" in (folder / "logs" / "worker.log").read_text()
        assert (inbox / "link.csv").is_symlink(), "a link is left alone"


def test_two_takers_at_once_and_one_killed_book_everything_once(tmp_path: Path) -> None:
    folder, count = tmp_path / "var", 24
    arrears, inbox = CommandLine(folder), folder / "inbox"
    inbox.mkdir(parents=True)
    for n in range(count):
        lines = [Line(f"{n + 1}.{k:02d}", f"Zahlung {n} {k}", f"T{n}-{k}", f"Kunde {n}") for k in range(40)]
        camt053(inbox / f"s{n:02d}.xml", lines, today())
    call = [sys.executable, "-m", "starter", "inbox", "--once", "--json"]
    environment = clean_environment({"ARREARS_DATA_DIR": str(folder)})
    killed = subprocess.Popen(call, env=environment, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None and json.loads(killed.stdout.readline())["outcome"] == "done"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert list((inbox / ".taking").rglob("s*.xml")), "it had files when it died"

    takers = [subprocess.Popen(call, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [json.loads(line) for taker in takers for line in taker.communicate(timeout=100)[0].splitlines()]
    assert [taker.returncode for taker in takers] == [0, 0]
    names = [one["file"] for one in told]
    assert len(names) == len(set(names)), "a file went to one of them"
    assert [one["outcome"] for one in told] == ["done"] * len(told)
    stems = {name.split(".")[0].split("~")[0] for name in files(inbox / "done")}
    assert len(stems) == count and files(inbox) == [] and files(inbox / "refused") == []
    assert len(arrears("match", "--json").lines) == count * 40, "every entry is booked once"


def test_a_worker_killed_while_it_starts_invoices_starts_each_once(tmp_path: Path) -> None:
    folder, count = tmp_path / "var", 250
    arrears, inbox = CommandLine(folder), folder / "inbox"
    with up(folder) as stack:
        table = written(tmp_path / "k.csv", *(row(f"K-{n:04d}") for n in range(count)), row("K-bad", amount="?"))
        dropped(inbox, "k.csv", table.read_bytes())
        for _ in polling(lambda: "nobody takes it", pause_s=0.01):
            if list((inbox / ".taking").rglob("k.csv")):
                break
        for _ in polling(lambda: "no case is started", pause_s=0.01):
            if arrears("list", "--json").lines:
                break
        stack.signal("worker", signal.SIGKILL)
        assert list((inbox / ".taking").rglob("k.csv")), "it was in the middle of it"
        for _ in polling(lambda: f"done: {files(inbox / 'done')}", within_s=90):
            if files(inbox / "done"):
                break
        assert files(inbox / "done") == ["k.csv"]
        assert files(inbox / "refused") == ["k.csv.reason.txt", "k.rejects.csv"]
        assert len(arrears("list", "--json").lines) == count
        assert arrears("reconcile", "--json").json["differences"] == []
