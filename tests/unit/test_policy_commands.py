"""`policy check`, `policy preview` and `creditor`, as a credit manager types them."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from tests.cases import Walk, day

SOUND = "id: mine\nsteps:\n  - {id: a, kind: reminder, when: {after_due: P1D}}\n"
ROWS = """\
creditor,number,buyer_id,currency,amount,due,timezone
ACME,0017:3,B1,EUR,100.00,2026-03-02,Asia/Shanghai
ACME,18,B1,EUR,ten,2026-03-02,UTC
"""


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_DATA_DIR", str(tmp_path / "var"))


def arrears(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def preview(*words: object) -> Any:
    result = arrears("policy", "preview", *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def file(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


# --- check ----------------------------------------------------------------------------------------------------


def test_check_says_ok_to_sound_files_and_known_names(tmp_path: Path) -> None:
    sound = file(tmp_path, "mine.yaml", SOUND)
    result = arrears("policy", "check", sound, "plain")

    assert (result.exit_code, result.stdout) == (0, f"{sound}: ok\nplain: ok\n")


def test_check_names_every_fault_and_fails(tmp_path: Path) -> None:
    bad = file(tmp_path, "bad.yaml", SOUND.replace("P1D", "-P1D").replace("reminder", "reminde"))
    result = arrears("policy", "check", bad, "plain")

    assert result.exit_code == 1
    first, second, sound = result.stdout.splitlines()
    assert first.startswith(f"{bad}:3: steps.0.kind: 'reminde' is not one of")
    assert second == f"{bad}:3: steps.0.when.after_due: '-P1D' is negative; a duration is at least P0D"
    assert sound == "plain: ok"


def test_check_prints_json(tmp_path: Path) -> None:
    bad = file(tmp_path, "bad.yaml", SOUND.replace("id: mine", "id: mine\nversion: 0"))
    result = arrears("policy", "check", bad, "plain", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {"file": str(bad), "line": 2, "field": "version", "message": "must be at least 1"}
    ]
    assert json.loads(arrears("policy", "check", "plain", "--json").stdout) == []


def test_check_of_a_missing_file_is_wrong_usage_and_the_rest_is_checked(tmp_path: Path) -> None:
    result = arrears("policy", "check", tmp_path / "nope.yaml", "plain")

    assert (result.exit_code, result.stdout) == (2, "plain: ok\n")
    assert f"there is no file {tmp_path / 'nope.yaml'}" in result.stderr


# --- preview --------------------------------------------------------------------------------------------------


def test_preview_is_what_the_case_would_do() -> None:
    shown = preview("plain", "--due", "2026-03-02")
    walk = Walk("plain").until(day(200))

    assert [(s["step"], s["at"]) for s in shown["steps"]] == [
        (done.step, done.performed_at.isoformat()) for done in walk.case.performed
    ]
    assert (shown["skipped"], shown["waiting"]) == ([], [])


def test_preview_gives_local_time_day_and_reasons() -> None:
    shown = preview("s0-24h-7-90", "--due", "2026-03-27", "--timezone", "Europe/Berlin", "--insured")
    first = shown["steps"][0]

    assert first["local"] == "2026-03-30T09:00:00+02:00" and first["at"] == "2026-03-30T07:00:00+00:00"
    assert (first["day"], first["kind"], first["mode"], first["sources"]) == (3, "reminder", "execute", ["R6"])
    assert [s["step"] for s in shown["steps"]][2:] == ["insurer_notice", "referral", "insurance_claim"]
    assert shown["steps"][1]["trigger"] == "the first of: 7 days after reminder_24h if unanswered, 21 days after due"
    assert [(s["step"], s["reason"]) for s in shown["skipped"]] == [("guarantee", "there is no guarantee")]


def test_preview_lists_apart_what_waits_for_something_to_happen(tmp_path: Path) -> None:
    text = SOUND + "  - {id: b, kind: call, when: {on_event: contact_lost}}\n"
    result = arrears("policy", "preview", file(tmp_path, "mine.yaml", text), "--due", "2026-03-02")

    assert result.stdout.endswith("\nWaits for something to happen:\n  b (call): as soon as contact_lost\n")


def test_preview_shows_a_late_arrival() -> None:
    shown = preview("plain", "--due", "2026-03-02", "--opened", "2026-04-11")

    assert [(s["step"], s["day"]) for s in shown["steps"]][:2] == [("formal_demand_15", 40), ("lawyer_letter_30", 50)]
    assert shown["skipped"][0]["reason"] == "late entry: the invoice was 40 days overdue when the case opened"


def test_preview_prints_a_table() -> None:
    lines = arrears("policy", "preview", "s2-weekly-15-30", "--due", "2026-03-02").stdout.splitlines()

    assert lines[0].startswith("s2-weekly-15-30 version 2: ")
    assert lines[4].split()[:4] == ["local", "time", "UTC", "day"]
    assert lines[5].startswith("Tue 2026-03-03 09:00  2026-03-03 09:00  +1   reminder_twice_weekly #1  reminder")


GOLDEN_WEEK = ("s2-7-15-30", "--due", "2026-09-18", "--country", "CN", "--timezone", "Asia/Shanghai")


def test_preview_says_why_a_step_was_moved() -> None:
    shown = preview(*GOLDEN_WEEK)
    demand = next(s for s in shown["steps"] if s["step"] == "formal_demand_15")

    # China's notice for 2026: 1 to 7 October off, Sunday 20 September a working day.
    assert (shown["steps"][0]["local"], demand["local"]) == ("2026-09-20T09:00:00+08:00", "2026-10-08T09:00:00+08:00")
    assert demand["why"] == [
        "day 15 = Sat 3 Oct", "Golden Week (Sat 3 Oct to Wed 7 Oct)", "moved to Thu 8 Oct 09:00 Asia/Shanghai",
    ]  # fmt: skip
    assert (shown["calendar"]["country"], shown["calendar"]["library"]) == ("CN", "holidays")
    lines = arrears("policy", "preview", *GOLDEN_WEEK).stdout.splitlines()
    assert f"  formal_demand_15: {'; '.join(demand['why'])}" in lines
    assert any(line.startswith("Calendar of CN: weekend Saturday and Sunday; ") for line in lines)


def test_preview_says_of_holidays_that_count_that_they_are_not_published() -> None:
    told = arrears("policy", "preview", "s2-7-15-30", "--due", "2048-01-20", "--country", "CN").stdout.splitlines()[-1]
    assert told.startswith("Calendar of CN: weekend Saturday and Sunday; ")
    assert told.endswith("not published yet: only those that the law names are among them.")


def test_preview_of_a_policy_without_rules_of_contact_has_no_calendar() -> None:
    shown = preview("plain", "--due", "2026-09-18", "--country", "CN")

    assert shown["calendar"] is None
    assert shown["steps"][3]["why"] == ["day 15 = Sat 3 Oct", "at 09:00 UTC"]


def test_preview_takes_the_zone_of_the_country_where_none_is_given() -> None:
    assert preview("s3-immediate", "--due", "2026-09-18", "--country", "CN")["timezone"] == "Asia/Shanghai"


def test_preview_keeps_to_the_creditors_closing_days(tmp_path: Path) -> None:
    creditor = "code: NORTH\nname: Nordwind\nsender: a@north.example\nclosing_days: [2026-08-03..2026-08-14]\n"
    assert arrears("creditor", "add", file(tmp_path, "north.yaml", creditor)).exit_code == 0
    rows = "creditor,number,buyer_id,currency,amount,due,country\nNORTH,1,B1,EUR,100.00,2026-08-06,DE\n"
    shown = preview("s3-immediate", "--invoice", file(tmp_path, "rows.csv", rows))

    assert shown["steps"][1]["local"] == "2026-08-17T09:00:00+02:00"
    assert "the creditor is closed (Fri 7 Aug to Fri 14 Aug)" in shown["steps"][1]["why"]


def test_preview_takes_an_invoice_from_a_file(tmp_path: Path) -> None:
    rows = file(tmp_path, "rows.csv", ROWS)

    for where in (rows, f"{rows}:0017:3"):
        shown = preview("s3-immediate", "--invoice", where)
        assert (shown["invoice"]["number"], shown["timezone"]) == ("0017:3", "Asia/Shanghai")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["plain"], 2, "give the invoice either with --invoice FILE[:NUMBER] or with --due DATE"),
        (["plain", "--due", "2026-13-01"], 2, "--due: "),
        (["plain", "--due", "2026-03-02", "--amount", "1.234 EUR"], 2, "--amount: 1.234 has more decimals than EUR"),
        (["plain", "--due", "2026-03-02", "--timezone", "Mars/Base"], 2, "'Mars/Base' is not a time zone"),
        (["plain", "--due", "2026-03-02", "--opened", "soon"], 2, "'soon' is not a date"),
        (["plan", "--due", "2026-03-02"], 1, "unknown policy 'plan' (known: plain,"),
        (["plain", "--invoice", "ROWS:19"], 1, "there is no invoice '19' in it"),
        (["plain", "--invoice", "ROWS:18"], 1, "line 3: amount 'ten'"),
        (["plain", "--invoice", "nope.csv:1"], 2, "nope.csv"),
    ],
)
def test_preview_says_what_is_wrong_with_the_question(
    tmp_path: Path, words: list[str], status: int, message: str
) -> None:
    rows = str(file(tmp_path, "rows.csv", ROWS))
    result = arrears("policy", "preview", *(word.replace("ROWS", rows) for word in words))

    assert (result.exit_code, result.stdout) == (status, "")
    assert message in result.stderr


# --- creditors ------------------------------------------------------------------------------------------------


def test_creditors_are_added_and_listed(tmp_path: Path) -> None:
    north = file(tmp_path, "north.yaml", "code: NORTH\nname: Nordwind\nsender: a@north.example\n")

    assert arrears("creditor", "add", north).stdout == "NORTH (Nordwind): added\n"
    assert json.loads(arrears("creditor", "add", north, "--json").stdout)["change"] == "unchanged"
    assert "NORTH  Nordwind  policy plain\n" in arrears("creditor", "list").stdout
    listed = {c["code"]: c["sample"] for c in json.loads(arrears("creditor", "list", "--json").stdout)}
    assert listed["NORTH"] is False


def test_a_faulty_creditor_is_refused(tmp_path: Path) -> None:
    bad = file(tmp_path, "bad.yaml", "code: NORTH\nsender: a@north.example\n")
    result = arrears("creditor", "add", bad)

    assert result.exit_code == 1
    assert result.stderr == f"arrears: {bad}:1: name: is required\n"
