"""Bad input ends in a message that says what was wrong, the rest goes on, and nothing shows a traceback."""

import asyncio
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from gateway.service import case_server
from models.case import Case
from tests.e2e.command import REQUIRED, CommandLine, Result, Up, clean_environment, polling, row, today, written
from workflows.invoice_case import InvoiceCase
from workflows.plugin import arrears_plugin

HEADER = ",".join(REQUIRED)
DUE = today(30)
BLNS = Path(__file__).parents[3] / "shared" / "data" / "edge" / "blns" / "blns.json"


def good(number: str) -> str:
    return f"ACME,{number},B-1,EUR,10.00,{DUE}"


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of invoices, or of anything."""

    def write(content: str | bytes, name: str = "in.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (None, 2, "there is no such file"),
        (f"{HEADER}\nACME,M\u00fcller,B,EUR,1,2026-01-01\n".encode("latin-1"), 1, "byte 0xFC .*line 2.* is not UTF-8"),
        (b"PK\x03\x04\x00\x00\x08binary", 1, "file-binary.csv: "),
        (f"{HEADER},colour\n", 1, "unknown column 'colour'"),
        ("creditor,number,buyer_id,currency,amount\n", 1, "'?due'? .*missing|lacks .*due"),
    ],
    ids=["missing", "encoding", "binary", "unknown column", "missing column"],
)
def test_a_file_that_cannot_be_used_says_why_and_the_others_go_on(
    arrears: CommandLine, file: Callable[..., Path], content: bytes | str | None, status: int, said: str,
    request: pytest.FixtureRequest, tmp_path: Path,
) -> None:  # fmt: skip
    number = re.sub(r"\W", "-", request.node.callspec.id)
    fine = file(f"{HEADER}\n{good(f'beside-{number}')}\n", "fine.csv")
    bad = tmp_path / f"file-{number}.csv" if content is None else file(content, f"file-{number}.csv")

    result = arrears("start", bad, fine, "--json", status=status)

    assert re.search(said, result.err), result.err
    assert (result.json["accepted"], [e["file"] for e in result.json["errors"]]) == (1, [str(bad)])
    assert arrears.show(f"beside-{number}")["stage"] == "not_due"
    assert arrears("simulate", bad, "--policy", "plain", status=status).err


def test_a_file_without_rows_and_one_with_a_mark_are_fine(arrears: CommandLine, file: Callable[..., Path]) -> None:
    assert "note: the file is empty" in arrears("start", file("")).out
    assert "note: the file has a header and no rows" in arrears("start", file(HEADER + "\n")).out
    marked = file(f"\ufeff{HEADER}\n{good('mark-8')}\n")
    assert arrears.start(marked)["accepted"] == 1
    assert arrears.start(file(f"{HEADER}\n{good('mark-16')}\n".encode("utf-16")))["accepted"] == 1
    assert arrears.start(file(json.dumps(row("mark-json")) + "\n", "in.jsonl"))["accepted"] == 1


def test_an_empty_folder_and_a_file_that_may_not_be_read(arrears: CommandLine, tmp_path: Path) -> None:
    assert "the folder holds no files" in arrears("start", tmp_path).out
    assert "not a regular file" in arrears("start", os.devnull, status=2).err
    locked = written(tmp_path / "locked.csv", row("locked"))
    locked.chmod(0)
    if not os.access(locked, os.R_OK):  # root reads all
        assert "cannot be read" in arrears("start", locked, status=2).err


# --- rows ---------------------------------------------------------------------------------------------------------

BAD_ROWS: dict[str, tuple[dict[str, Any], str, str]] = {
    "zero": ({"amount": "0"}, "amount", "more than zero"),
    "negative": ({"amount": "-5"}, "amount", "more than zero"),
    "words": ({"amount": "ten"}, "amount", "not an amount"),
    "thousands": ({"amount": "1,000.00"}, "amount", "without thousands separators"),
    "cents": ({"amount": "1.001"}, "amount", "more decimals than EUR has"),
    "yen": ({"amount": "1.5", "currency": "JPY"}, "amount", "more decimals than JPY has"),
    "huge": ({"amount": "1" + "0" * 19}, "amount", "larger than any invoice"),
    "nan": ({"amount": "NaN"}, "amount", "not an amount"),
    "currency": ({"currency": "EURO"}, "currency", "not a currency code"),
    "small": ({"currency": "eur"}, "currency", "did you mean EUR"),
    "country": ({"country": "Germany"}, "country", "not a country code"),
    "order": ({"issued": today(31)}, "due", "before the date of issue"),
    "calendar": ({"due": "2026-02-30"}, "due", "no such day"),
    "date": ({"due": "31.12.2026"}, "due", "not a date"),
    "year": ({"due": "9999-12-31"}, "due", "year lies outside"),
    "creditor": ({"creditor": "NOBODY"}, "creditor", "creditor add"),
    "code": ({"creditor": "../etc"}, "creditor", "creditor code has"),
    "policy": ({"policy": "unheard-of"}, "policy", "unknown policy"),
    "path": ({"policy": "../../etc/passwd"}, "policy", "not the name of a policy"),
    "bell": ({"number": "bell\a"}, "number", "U+0007"),
    "name": ({"buyer_name": "a\x1b[31mb"}, "buyer_name", "U+001B"),
    "empty": ({"buyer_id": " "}, "buyer_id", "required and empty"),
    "mail": ({"email": "no address"}, "email", ""),
    "zone": ({"timezone": "Mars/Olympus"}, "timezone", "not a time zone"),
    "fee": ({"late_fee": "much"}, "late_fee", ""),
    "long": ({"number": "9" * 201}, "number", "at most 200 bytes"),
}  # fmt: skip


def test_bad_rows_are_refused_one_by_one_kept_mended_and_fed_again(
    arrears: CommandLine, file: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [row(**{"number": f"row-{name}", **fields}) for name, (fields, _, _) in BAD_ROWS.items()]
    path = written(tmp_path / "rows.csv", row("row-first"), *rows, row("row-last"))
    with path.open("a", encoding="utf-8") as out:
        out.write("too,few,cells\n")
        out.write("x" * 2**20 + "\n")
        out.write(f'ACME,"row-quote,B-1,EUR,10.00,{DUE}\n')
        out.write(good("row-wide") + "," * (len(rows[0]) + 99) + "\n")

    result = arrears("start", path, "--json", status=1)

    report = result.json["files"][0]
    assert (report["accepted"], report["unchanged"], report["refused"]) == (2, 0, len(BAD_ROWS) + 4)
    for line, (rejected, (name, (_, field, reason))) in enumerate(zip(report["rejects"], BAD_ROWS.items()), 3):  # noqa: B905
        assert (rejected["line"], rejected["field"]) == (line, field), name
        assert reason in rejected["reason"], (name, rejected)
    assert all(set(rejected) == {"line", "field", "value", "reason"} for rejected in report["rejects"])
    reasons = [rejected["reason"] for rejected in report["rejects"][-4:]]
    assert "too few cells" in reasons[0] and "longer than" in reasons[1] and "quotation mark" in reasons[2]
    assert "too many cells" in reasons[3]
    assert len(result.err) < 10_000 and "\x1b" not in result.err

    # Mend two of them and feed the rejects file again: only what is mended is new.
    rejects = Path(report["rejects_file"])
    with rejects.open(encoding="utf-8", newline="") as kept:
        header, *lines = list(csv.reader(kept))
    assert len(lines) == len(BAD_ROWS) + 4
    mended = [cells for cells in lines if "row-zero" in cells or "row-currency" in cells]
    for cells in mended:
        cells[header.index("amount")], cells[header.index("currency")] = "12.00", "EUR"
    with rejects.open("w", encoding="utf-8", newline="") as kept:
        csv.writer(kept).writerows([header, *mended, lines[1]])
    again = arrears("start", rejects, "--json", status=1).json
    assert (again["accepted"], again["unchanged"], again["refused"]) == (2, 0, 1)
    assert again["files"][0]["rejects_file"] != str(rejects)
    assert arrears.show("row-zero")["outstanding"] == {"amount": "12.00", "currency": "EUR"}
    assert arrears("list", "--buyer", "B-1", "--json").out.count('"row-first"') == 1


def test_a_number_stands_for_one_content_within_a_file_and_across_files(
    arrears: CommandLine, file: Callable[..., Path], tmp_path: Path
) -> None:
    one = written(tmp_path / "one.csv", row("same-1"), row("same-1"), row("same-1", amount="5.00"))
    two = written(tmp_path / "two.csv", row("same-1", amount="7.00"), row("same-2"))

    first = arrears("start", one, "--json", status=1).json["files"][0]
    second = arrears("start", two, one, "--json", status=1).json

    assert (first["accepted"], first["unchanged"], first["refused"]) == (1, 1, 1)
    assert first["rejects"][0]["reason"] == "line 2 has the same number with other content"
    assert (second["accepted"], second["unchanged"], second["refused"]) == (1, 2, 2)
    assert "already pursued with other content" in second["files"][0]["rejects"][0]["reason"]
    assert arrears.show("same-1")["outstanding"]["amount"] == "1000.00"


@pytest.mark.skipif(not BLNS.exists(), reason="the big list of naughty strings is not here")
def test_naughty_strings_are_taken_and_shown_or_refused(arrears: CommandLine, tmp_path: Path) -> None:
    strings = [text for text in json.loads(BLNS.read_text("utf-8")) if text.strip()]
    path = tmp_path / "blns.jsonl"
    rows = [row(text, buyer_id="naughty", buyer_name=text, notes=text) for text in strings]
    rows += [row(f"blns-{n}", buyer_id=text) for n, text in enumerate(strings[::10])]
    path.write_text("".join(json.dumps(given) + "\n" for given in rows), "utf-8")

    report = arrears("start", path, "--json", status=1).json["files"][0]

    assert report["accepted"] + report["unchanged"] + report["refused"] == len(rows)
    assert report["accepted"] > len(rows) * 0.7
    assert all(rejected["reason"] and rejected["field"] for rejected in report["rejects"])
    with arrears.ledger() as ledger:
        kept = [head.number for head in ledger.heads(buyer="naughty")]
    # Each that was taken can be called by its name, and told something.
    for number in sorted(kept)[::40]:
        name = f"ACME/{number}"
        paid = arrears("pay", "--amount", "1", "--reference", number, "--payer", number, "--", name)
        assert "999.00 EUR outstanding" in paid.out
        assert arrears("show", "--json", "--", name).json["invoice"] == number
    assert arrears("list", "--buyer", "naughty").out.endswith(f"{len(kept)} cases\n")


def test_what_people_type_cannot_draw_on_the_terminal(arrears: CommandLine, tmp_path: Path) -> None:
    arrears.start(written(tmp_path / "in.csv", row("draw-1")))
    arrears("dispute", "draw-1", "--amount", "1", "--reason", "\x1b[31mred\x07 \u202egnp.exe")

    shown = arrears("show", "draw-1").out
    assert ": \\u001b[31mred\\u0007 \\u202egnp.exe\n" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    for reason in ("\udcff", "x" * 2001):
        assert "--reason: " in arrears("hold", "draw-1", "--reason", reason, status=1).err


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--amount", "1e3"), 1, "--amount '1e3'"),
        (("--amount", "1,000.00"), 1, "--amount '1,000.00'"),
        (("--amount", "0"), 1, "more than zero"),
        (("--amount", "1.001"), 1, "more decimals than EUR has"),
        (("--amount", "9" * 16), 1, "at most 15 digits"),
        (("--amount", "1", "--currency", "EURO"), 1, "not a currency code"),
        (("--amount", "1", "--date", "2026-02-30"), 1, "no such day"),
        (("--amount", "1", "--date", "20260201"), 1, "YYYY-MM-DD"),
        (("--amount", "1", "--date", "9999-12-31"), 1, "year lies outside"),
        (("--amount", "1", "--reference", ""), 1, "--reference: "),
        (("--amount", "1", "--reference", "a\nb"), 1, "control characters"),
        (("--amount", "1", "--reference", "x" * 201), 1, "at most 200"),
        (("--amount", "1", "--colour", "red"), 2, "No such option"),
        ((), 2, "Missing option"),
    ],
)
def test_a_payment_that_cannot_be_is_refused(
    arrears: CommandLine, tmp_path: Path, options: tuple[str, ...], status: int, said: str
) -> None:
    arrears.start(written(tmp_path / "in.csv", row("bad-pay")))
    reference = () if "--reference" in options else ("--reference", "X")

    assert said in arrears("pay", "bad-pay", *reference, *options, status=status).err
    assert arrears.show("bad-pay")["payments"] == []


# --- policies, profiles, options ----------------------------------------------------------------------------------


def test_files_and_options_that_are_wrong_are_named(arrears: CommandLine, tmp_path: Path) -> None:
    file = written(tmp_path / "in.csv", row("options-1"))
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        "id: broken\nsteps:\n  - id: a\n    kind: reminder\n    when: {after_due: -P1D}\n    colour: red\n"
    )

    def refused(status: int, *options: object) -> str:
        return arrears("start", file, *options, status=status).err

    said = refused(1, "--policy", broken)
    assert f"{broken}:6" in said and "colour" in said and f"{broken}:5" in said, said
    assert "unknown policy 'unheard-of' (known: plain" in refused(1, "--policy", "unheard-of")
    assert "there is no file" in refused(2, "--policy", tmp_path / "none.yaml")
    assert "unknown profile 'unheard-of'" in refused(1, "--profile", "unheard-of")
    assert "--begin 'soon': write now" in refused(2, "--begin", "soon")
    for factor in ("0.5", "nan", "inf", "1e300"):
        assert "--time-lapse" in refused(2, "--time-lapse", factor)
    assert "there is no invoice 'options-1'" in arrears("show", "options-1", status=1).err, "nothing was started"
    with_server = CommandLine(arrears.folder, TEMPORAL_ADDRESS=_address(arrears))
    assert "ARREARS_ALLOW_TIME_LAPSE" in with_server("start", file, "--time-lapse", "2", status=2).err


def _address(arrears: CommandLine) -> str:
    address: str = json.loads((arrears.folder / "stack.json").read_text())["temporal_address"]
    return address


# --- who does not answer ------------------------------------------------------------------------------------------


def test_without_a_stack_a_command_says_how_to_get_one(tmp_path: Path) -> None:
    begun = time.monotonic()

    said = CommandLine(tmp_path / "nowhere")("show", "1", status=3).err

    assert "No stack is running in" in said and "arrears up" in said
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no-such-host.invalid:7233"])
def test_a_server_that_does_not_answer_is_named(arrears: CommandLine, address: str) -> None:
    elsewhere = CommandLine(arrears.folder, TEMPORAL_ADDRESS=address)

    said = elsewhere.process("show", "1", status=3).err

    assert f"the Temporal server at {address} does not answer" in said and "TEMPORAL_ADDRESS" in said
    assert "Fatal Python error" not in said


def test_a_ledger_that_does_not_answer_is_named(stack: Up) -> None:
    def asked(url: str, status: int = 3) -> Result:
        return CommandLine(stack.folder, ARREARS_LEDGER_URL=url)("list", status=status)

    said = asked("postgresql://anna:secret@127.0.0.1:1/arrears").err
    assert "the ledger postgresql+psycopg://anna:***@127.0.0.1:1/arrears cannot be opened" in said
    assert "ARREARS_LEDGER_URL" in said
    assert "cannot be opened" in asked("sqlite:////proc/none/ledger.db").err
    assert "ARREARS_LEDGER_URL has a value that cannot be used" in asked("mysql://x", status=2).err


def test_a_folder_whose_ledger_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("nothing of the sort " * 100)

    assert "cannot be opened: file is not a database" in CommandLine(tmp_path)("list", status=3).err


def test_a_stack_whose_worker_stands_still_is_told_from_one_that_is_down(
    stack: Up, arrears: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrears.start(written(tmp_path / "in.csv", row("still-1")))
    monkeypatch.setattr(case_server, "PATIENCE", 1.0)
    stack.signal("worker", signal.SIGSTOP)
    try:
        assert "no worker answered: check that one runs" in arrears("show", "still-1", status=3).err
        paid = ("pay", "still-1", "--amount", "10", "--reference", "S-1", "--date", today())
        said = arrears(*paid, status=3).err
        assert "no worker answered within" in said and "with the reference S-1, delivers it" in said
        assert "still-1" in arrears("list").out, "the ledger still answers"
    finally:
        stack.signal("worker", signal.SIGCONT)
    monkeypatch.undo()

    assert "990.00 EUR outstanding" in arrears(*paid).out
    assert len(arrears.show("still-1")["payments"]) == 1


# --- many rows, many starters -------------------------------------------------------------------------------------


ROWS = 500


def many(path: Path, prefix: str, count: int) -> Path:
    with path.open("w", encoding="utf-8") as out:
        out.write(HEADER + "\n")
        out.writelines(f"ACME,{prefix}-{n:06d},{prefix}-buyer,EUR,{n + 1}.00,{DUE}\n" for n in range(count))
    return path


def cases(arrears: CommandLine, prefix: str) -> list[str]:
    with arrears.ledger() as ledger:
        return [head.number for head in ledger.heads(buyer=f"{prefix}-buyer") if head.started]


def same_as_the_ledger(arrears: CommandLine, numbers: list[str]) -> None:
    """Each case on the server is the one that the ledger's evidence says."""

    async def ask() -> list[Case]:
        client = await Client.connect(_address(arrears), plugins=[arrears_plugin()])
        handles = [client.get_workflow_handle(f"invoice/ACME/{number}") for number in numbers]
        return await asyncio.gather(*(handle.query(InvoiceCase.case) for handle in handles))

    running = asyncio.run(ask())
    with arrears.ledger() as ledger:
        for case in running:
            written_down = ledger.rebuild(case.id)
            assert written_down is not None
            assert (written_down.clock, written_down.opened_at) == (case.clock, case.opened_at), case.id


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_cut_off_goes_on_with_what_is_missing(
    arrears: CommandLine, tmp_path: Path, number: signal.Signals
) -> None:
    prefix = f"cut{number.value}"
    file = many(tmp_path / f"{prefix}.csv", prefix, ROWS)
    with arrears.running("start", file, "--json") as cut:
        with arrears.ledger() as ledger:
            for _ in polling(lambda: "nothing was started", pause_s=0.002):
                if any(head.started for head in ledger.heads(buyer=f"{prefix}-buyer")):
                    break
        cut.send_signal(number)
        out, err = cut.communicate(timeout=60)
    assert out == "" and "Traceback" not in err, err
    assert cut.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    before = len(cases(arrears, prefix))
    assert 0 < before < ROWS

    report = arrears.start(file)

    assert report["accepted"] + report["unchanged"] == ROWS and report["refused"] == 0
    assert report["unchanged"] == before
    assert len(cases(arrears, prefix)) == ROWS
    same_as_the_ledger(arrears, [f"{prefix}-{n:06d}" for n in range(before - 10, before + 200, 15)])


def test_two_starters_at_once_start_each_case_once(arrears: CommandLine, tmp_path: Path) -> None:
    file = many(tmp_path / "two.csv", "two", 200)
    with arrears.running("start", file, "--json") as one, arrears.running("start", file, "--json") as other:
        answers = [process.communicate(timeout=120) for process in (one, other)]

    assert (one.returncode, other.returncode) == (0, 0), answers
    for out, _ in answers:
        report = json.loads(out)
        assert (report["accepted"] + report["unchanged"], report["refused"]) == (200, 0)
    assert sorted(cases(arrears, "two")) == [f"two-{n:06d}" for n in range(200)]
    with arrears.ledger() as ledger:
        sequences = {head.sequence for head in ledger.heads(buyer="two-buyer")}
    assert sequences == {1}
    assert arrears.start(file)["unchanged"] == 200


MEASURED = """
import pathlib, resource, sys, typer
from gateway.cli import app
try:
    typer.main.get_command(app)()
finally:
    # On Linux ru_maxrss begins at what the parent had when it started this process.
    status = pathlib.Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    sys.stderr.write(f"peak {peak[0] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}")
"""


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    file = many(tmp_path / "large.csv", "large", 40_000)
    call = [
        sys.executable,
        "-c",
        MEASURED,
        "simulate",
        str(file),
        "--policy",
        "s3-immediate",
        "--as-of",
        str(DUE),
        "--json",
    ]

    ran = subprocess.run(
        call, env=clean_environment({"ARREARS_DATA_DIR": str(tmp_path)}), capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["invoices"] == 40_000
    peak = int(ran.stderr.rpartition("peak ")[2]) / (1024 if sys.platform == "linux" else 1024**2)
    assert peak < 200, f"{peak:.0f} MiB"


# --- known faults ---------------------------------------------------------------------------------------------------


def test_an_amount_that_the_ledger_cannot_hold_is_refused_with_its_row(arrears: CommandLine, tmp_path: Path) -> None:
    large = row("too-large", currency="KWD", amount="9999999999999999.999")

    report = arrears.start(written(tmp_path / "in.csv", large, row("beside-too-large")), status=1)

    assert (report["accepted"], report["refused"]) == (1, 1)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("promise_made", {"pay_by": "9999-12-31"}),
        ("extension_granted", {"until": "9999-12-31"}),
        ("plan_agreed", {"instalments": [{"due": "9999-12-31", "amount": "1000.00 EUR"}]}),
    ],
)
def test_a_signal_with_a_date_beyond_all_reason_is_recorded_as_rejected(
    arrears: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, body: dict[str, Any]
) -> None:
    number = name.replace("_", "-")
    arrears.start(written(tmp_path / "in.csv", row(number)))
    monkeypatch.setattr(case_server, "PATIENCE", 3.0)

    async def signal_and_end() -> dict[str, Any]:
        client = await Client.connect(_address(arrears), plugins=[arrears_plugin()])
        handle = client.get_workflow_handle(f"invoice/ACME/{number}")
        await handle.signal(name, {"id": "far", **body})
        try:
            async with asyncio.timeout(3):
                shown: dict[str, Any] = await handle.query(InvoiceCase.show)
                return shown
        finally:
            await handle.terminate()

    assert [rejected["message"] for rejected in asyncio.run(signal_and_end())["rejected"]] == [name]
