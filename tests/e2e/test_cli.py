"""A user's tour of the command line, on the real embedded stack."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway import policy_files
from gateway.stack.mailbox import read_mails
from tests.e2e.command import CommandLine, Up, row, today, up, written
from tests.incoming import answer, delivery_report

ADDRESS = {"buyer_name": "Beispiel GmbH", "email": "accounts@beispiel.example", "country": "DE", "language": "en"}

# What other programs rely on.
HEAD = {"invoice", "creditor", "buyer", "stage", "outcome", "outstanding", "on_hold", "next"}
DOCUMENTED = HEAD | {"steps", "skipped", "payments", "unapplied", "dispute", "promise", "tasks", "rejected"}
MORE = {
    *("amount", "due", "policy", "credited", "plan", "holds", "waiting_for_approval", "deferred"),
    *("balance", "settled", "interest", "jurisdiction", "deadlines", "write_off", "next_why", "buyer_cash"),
}

PROPOSING = """
id: two-pairs-of-eyes
version: 1
title: A demand that a second person approves, then a call
schedule: {time: "00:00", zone: UTC, days: every}
steps:
  - {id: demand, kind: formal_demand, when: {after_due: P1D}, mode: propose, cure_period: P10D}
  - {id: call, kind: call, when: {after_due: P2D}, channels: [phone]}
"""


@pytest.fixture
def early(tmp_path: Path) -> Path:
    """`plain`, but at midnight: what is late at all is late already, whatever the time of day."""
    plain = (Path(policy_files.__file__).parents[1] / "policies" / "plain.yaml").read_text("utf-8")
    path = tmp_path / "early.yaml"
    path.write_text(plain.replace("id: plain", "id: early").replace('"09:00"', '"00:00"'), "utf-8")
    return path


@pytest.fixture
def begin(arrears: CommandLine, tmp_path: Path) -> Any:
    """Starts one case, not due for a month unless told otherwise."""

    def begin(number: str, *options: object, **fields: object) -> None:
        report = arrears.start(written(tmp_path / "in.csv", row(number, **fields)), *options)
        assert (report["accepted"], report["unchanged"], report["refused"]) == (1, 0, 0)

    return begin


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


# --- the tour of the README ---------------------------------------------------------------------------------------


def test_the_tour_of_the_readme(stack: Up, arrears: CommandLine, early: Path, tmp_path: Path) -> None:
    file = written(
        tmp_path / "invoices.csv",
        row("2026-001", **ADDRESS, amount="1200.10", issued=today(-51), due=today(-21)),
        row("2026-002", buyer_id="B2", buyer_name="示例贸易有限公司", country="CN", language="zh", currency="CNY",
            email="accounts@shili.example", amount="5000.00", issued=today(-51), due=today(-21)),
    )  # fmt: skip
    assert arrears("start", file, "--policy", early).out == f"{file}: 2 accepted, 0 unchanged, 0 refused\n"
    assert arrears("start", file, "--policy", early).out == f"{file}: 0 accepted, 2 unchanged, 0 refused\n"

    # Overdue already: one letter, not three.
    shown = arrears.until("2026-001", lambda case: case["stage"] == "demanded")
    assert [step["step"] for step in shown["steps"]] == ["formal_demand_15"]
    assert [skip["step"] for skip in shown["skipped"]] == ["reminder_m3", "reminder_1", "reminder_7"]
    arrears.until("2026-002", lambda case: case["stage"] == "demanded")
    listed = arrears("list").out
    assert re.search(r"ACME/2026-001 +B-1 .*demanded +1,200.10 EUR", listed)
    assert re.search(r"ACME/2026-002 +B2 .*demanded +5,000.00 CNY", listed)
    mails = {mail.message_id: mail for mail in read_mails(stack.folder / "mail")}
    assert mails[shown["steps"][0]["notice"]].to == ("accounts@beispiel.example",)

    said = arrears("pay", "2026-001", "--amount", "200.10", "--date", today(), "--reference", "BANK-1").out
    assert said == "payment_received BANK-1: 1,000.00 EUR outstanding [demanded]\n"
    said = arrears("dispute", "2026-002", "--amount", "1000.00", "--reason", "two pallets damaged").out
    assert "5,000.00 CNY outstanding; task: answer the dispute by" in said and "[demanded]" in said
    said = arrears("promise", "2026-001", "--date", today(7)).out
    assert "the ladder stands still: promise to pay 1,000.00 EUR" in said

    page = arrears("show", "2026-001").out
    assert page.startswith("Invoice ACME/2026-001, buyer B-1, policy early\nstage        demanded\n")
    assert "outstanding  1,000.00 EUR of 1,200.10 EUR" in page and "on hold      the ladder stands still" in page
    assert "payment      BANK-1: 200.10 EUR" in page
    assert "dispute      " in arrears("show", "2026-002").out

    said = arrears("pay", "2026-001", "--amount", "1000.00", "--date", today(), "--reference", "BANK-2").out
    assert "0.00 EUR outstanding; the case is closed (paid) [closed, paid]" in said
    assert arrears.show("2026-001")["outcome"] == "paid"


def test_the_commands_as_a_shell_runs_them(stack: Up, arrears: CommandLine, tmp_path: Path) -> None:
    file = written(tmp_path / "in.csv", row("shell-1"), row("shell-2", amount="-1"))

    started = arrears.process("start", file, status=1)

    assert started.out == f"{file}: 1 accepted, 0 unchanged, 1 refused\n"
    assert f"{file}: line 3: amount '-1': " in started.err
    assert "1 refused; mend them in " in started.err
    assert arrears.process("show", "shell-1", "--json").json["stage"] == "not_due"
    assert "Missing option '--reference'" in arrears.process("pay", "shell-1", "--amount", "1", status=2).err
    assert "No such command" in arrears.process("py", status=2).err
    # The folder named on the command line wins over the environment.
    elsewhere = arrears.process("list", "--data-dir", stack.folder, ARREARS_DATA_DIR=str(tmp_path / "elsewhere"))
    assert "ACME/shell-1" in elsewhere.out


# --- JSON that others rely on -------------------------------------------------------------------------------------


def test_show_has_the_documented_fields(arrears: CommandLine, begin: Any, early: Path) -> None:
    begin("json-1", "--policy", early, **ADDRESS, due=today(-20), amount="1000.50")
    arrears.until("json-1", lambda case: case["steps"])
    arrears("pay", "json-1", "--amount", "100.25", "--date", today(-1), "--reference", "J-1")
    arrears("pay", "json-1", "--amount", "7", "--currency", "USD", "--date", today(-1), "--reference", "J-2")
    arrears("dispute", "json-1", "--amount", "10", "--reason", "scratched", "--reference", "J-3")
    arrears("promise", "json-1", "--date", today(5), "--amount", "50", "--reference", "J-4")
    arrears("release", "json-1", "--reference", "J-5", status=1)

    shown = arrears.show("json-1")

    assert set(shown) == DOCUMENTED | MORE
    assert (shown["invoice"], shown["creditor"], shown["buyer"]) == ("json-1", "ACME", "B-1")
    assert (shown["stage"], shown["outcome"], shown["on_hold"], shown["next"]) == ("demanded", None, True, None)
    assert shown["outstanding"] == euros("900.25")
    (step,) = shown["steps"]
    assert set(step) == {"step", "kind", "occurrence", "planned_at", "performed_at", "notice"}
    assert (step["step"], step["kind"], step["occurrence"]) == ("formal_demand_15", "formal_demand", 1)
    assert {"step", "reason"} <= set(shown["skipped"][0])
    alike = {"reversed": False, "counts_as": None, "returned": None}
    paid = {"id": "J-1", **euros("100.25"), "received_on": str(today(-1)), **alike}
    foreign = {"id": "J-2", "amount": "7.00", "currency": "USD", "received_on": str(today(-1))}
    assert shown["payments"] == [paid, {**foreign, **alike}]
    assert shown["unapplied"] == [foreign]
    assert shown["dispute"] | {"since": ""} == {
        "id": "J-3", "amount": euros("10.00"), "reason": "scratched", "since": "", "category": "other",
        "evidence": [], "answer_by": str(today(14)),
    }  # fmt: skip
    assert shown["promise"] | {"deadline": ""} == {
        "id": "J-4", "amount": euros("50.00"), "pay_by": str(today(5)), "deadline": "", "pauses": True
    }  # fmt: skip
    assert [task["kind"] for task in shown["tasks"]] == ["unapplied_cash", "dispute"]
    assert shown["rejected"] == [{"message": "hold_released", "reason": "there is no hold to release"}]


def test_show_of_a_case_that_waits(arrears: CommandLine, begin: Any) -> None:
    begin("json-2")

    shown = arrears.show("json-2")

    assert shown["next"] == {"step": "reminder_m3", "at": f"{today(27)}T09:00:00+00:00"}
    assert (shown["stage"], shown["outstanding"], shown["on_hold"]) == ("not_due", euros("1000.00"), False)
    assert shown["dispute"] is shown["promise"] is shown["outcome"] is None
    assert all(shown[name] == [] for name in ("steps", "skipped", "payments", "unapplied", "tasks", "rejected"))


def test_list_has_a_head_per_line_and_filters(arrears: CommandLine, begin: Any, early: Path) -> None:
    begin("list-1", "--policy", early, buyer_id="L-1", due=today(-20), **ADDRESS)
    begin("list-2", buyer_id="L-1", due=today(20), amount="0.10")
    begin("list-3", "--policy", early, buyer_id="L-1", due=today(-20), **ADDRESS)
    for number in ("list-1", "list-3"):
        arrears.until(number, lambda case: case["steps"])
    arrears("withdraw", "list-3")

    def listed(*options: object) -> list[str]:
        return [head["invoice"] for head in arrears("list", "--buyer", "L-1", "--json", *options).lines]

    heads = {head["invoice"]: head for head in arrears("list", "--buyer", "L-1", "--json").lines}
    assert all(HEAD <= set(head) <= HEAD | {"due"} for head in heads.values())
    shown = arrears.show("list-2")
    assert {name: heads["list-2"][name] for name in HEAD} == {name: shown[name] for name in HEAD}
    assert heads["list-2"]["outstanding"] == euros("0.10")
    assert (heads["list-3"]["stage"], heads["list-3"]["outcome"]) == ("closed", "withdrawn")
    assert listed() == ["list-1", "list-3", "list-2"], "in the order of their due dates"
    assert listed("--overdue") == ["list-1"]
    assert listed("--stage", "not_due") == ["list-2"]
    assert listed("--stage", "closed", "--overdue") == []
    assert arrears("list", "--buyer", "nobody", "--json").out == ""
    assert "--stage 'open': write one of not_due," in arrears("list", "--stage", "open", status=2).err


def test_messages_answer_in_json(arrears: CommandLine, begin: Any) -> None:
    begin("answer-1")
    call = ("pay", "answer-1", "--amount", "100.00", "--currency", "EUR", "--date", "2026-01-31", "--reference", "A-1")

    first = arrears(*call, "--json").json
    second = arrears(*call, "--json").json

    assert first == {
        "accepted": True, "message": "payment_received", "reference": "A-1", "duplicate": False, "unapplied": False,
        "text": "900.00 EUR outstanding", "stage": "not_due", "outcome": None, "outstanding": euros("900.00"),
        "on_hold": False,
    }  # fmt: skip
    assert second == first | {"duplicate": True}


# --- what a case can be told --------------------------------------------------------------------------------------


def test_a_reference_counts_once_and_stands_for_one_content(arrears: CommandLine, begin: Any) -> None:
    begin("twice-1")
    for _ in range(2):
        arrears("pay", "twice-1", "--amount", "400", "--date", today(), "--reference", "T-1")
    other = arrears("pay", "twice-1", "--amount", "500", "--date", today(), "--reference", "T-1", status=1)
    arrears("reverse", "twice-1", "--payment", "T-1")
    arrears("reverse", "twice-1", "--payment", "T-1")

    assert "'T-1' of ACME/twice-1 is in the ledger with other content; use a new reference" in other.err
    shown = arrears.show("twice-1")
    assert shown["outstanding"] == euros("1000.00")
    assert [(p["id"], p["amount"], p["reversed"]) for p in shown["payments"]] == [("T-1", "400.00", True)]


def test_holds_promises_and_disputes_stop_the_ladder_and_let_it_go(arrears: CommandLine, begin: Any) -> None:
    begin("stop-1")

    def on_hold() -> bool:
        held: bool = arrears.show("stop-1")["on_hold"]
        return held

    arrears("hold", "stop-1", "--reason", "customer called", "--reference", "H-1")
    arrears("hold", "stop-1", "--reference", "H-2")
    arrears("release", "stop-1", "--hold", "H-1")
    assert on_hold()
    assert "the ladder goes on" in arrears("release", "stop-1").out
    assert not on_hold()

    arrears("dispute", "stop-1", "--reason", "never arrived", "--reference", "D-1")
    assert on_hold()
    assert "dispute 'D-1' is still open" in arrears("dispute", "stop-1", status=1).err
    arrears("resolve", "stop-1", "--rejected")
    assert not on_hold()

    arrears("dispute", "stop-1", "--amount", "300")
    assert not on_hold()
    assert "more than the disputed" in arrears("resolve", "stop-1", "--upheld", "--amount", "300.01", status=1).err
    arrears("resolve", "stop-1", "--upheld", "--amount", "300")
    assert arrears.show("stop-1")["outstanding"] == euros("700.00")

    arrears("promise", "stop-1", "--date", today(3), "--amount", "200")
    assert on_hold()
    assert "is still running" in arrears("promise", "stop-1", "--date", today(9), status=1).err
    arrears("pay", "stop-1", "--amount", "200", "--reference", "kept")
    assert not on_hold(), "a promise that is kept is over"
    arrears("reply", "stop-1", "--text", "we pay on Friday", "--channel", "phone", "--by", "anna")
    assert [rejected["message"] for rejected in arrears.show("stop-1")["rejected"]] == [
        "dispute_raised", "dispute_resolved", "promise_made",
    ]  # fmt: skip


def test_a_mail_from_the_debtor_is_filed_by_hand_and_from_the_folder(
    stack: Up, arrears: CommandLine, begin: Any, early: Path, tmp_path: Path
) -> None:
    begin("mail-1", "--policy", early, due=today(-2), **ADDRESS)
    arrears.until("mail-1", lambda case: case["steps"])
    notice = arrears.show("mail-1")["steps"][-1]["notice"]
    (tmp_path / "answer.eml").write_bytes(answer("We pay on Friday.", to=notice))
    (tmp_path / "no mail.eml").write_bytes(b"%PDF-1.7")
    report = arrears("replies", tmp_path / "answer.eml", tmp_path / "no mail.eml", "--json", status=1).json
    assert (report["filed"], report["refused"]) == (1, 1)
    assert report["mails"][0]["cases"] == [{"creditor": "ACME", "invoice": "mail-1"}]
    assert [task["kind"] for task in arrears.show("mail-1")["tasks"]] == ["reply"]
    assert "1 unchanged" in arrears("replies", tmp_path / "answer.eml").out

    inbox = arrears.folder / "replies" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "bounce.eml").write_bytes(delivery_report(original=notice))
    arrears("replies", "--poll")
    assert [task["kind"] for task in arrears.show("mail-1")["tasks"]] == ["reply", "contact_lost"]
    assert list(inbox.iterdir()) == []
    assert arrears("replies").out == "no mail waits for a person\n"


def test_a_proposed_step_waits_for_a_second_person(stack: Up, arrears: CommandLine, begin: Any, tmp_path: Path) -> None:
    policy = tmp_path / "proposing.yaml"
    policy.write_text(PROPOSING)
    for number in ("eyes-1", "eyes-2"):
        begin(number, "--policy", policy, due=today(-1), **ADDRESS)
        arrears.until(number, lambda case: case["waiting_for_approval"] == ["demand"])
    assert "a decision needs a name" in arrears("approve", "eyes-1", "demand", status=2).err
    assert "no proposal of 'call' waits" in arrears("approve", "eyes-1", "call", "--by", "anna", status=1).err
    (waiting,) = arrears("task", "eyes-1", "--json").lines
    assert (waiting["kind"], waiting["text"]) == ("approval", "approve or reject demand")
    refused = arrears("task", "eyes-1", waiting["task"], "--by", "anna", status=1).err
    assert "is an approval: use approve or reject with the step demand" in refused

    arrears("approve", "eyes-1", "demand", "--by", "anna")
    arrears("reject", "eyes-2", "demand", "--by", "anna", "--reason", "too soon")

    approved = arrears.until("eyes-1", lambda case: case["steps"])
    assert [step["step"] for step in approved["steps"]] == ["demand"]
    rejected = arrears.show("eyes-2")
    assert [(s["step"], s["reason"]) for s in rejected["skipped"]] == [("demand", "rejected by anna: too soon")]
    sent = [mail.message_id for mail in read_mails(stack.folder / "mail")]
    assert sent.count(approved["steps"][0]["notice"]) == 1
    assert arrears("task", "eyes-1").out == arrears("task", "eyes-2").out == ""


def test_what_a_person_has_to_do_is_a_task(arrears: CommandLine, begin: Any, tmp_path: Path) -> None:
    policy = tmp_path / "calling.yaml"
    policy.write_text(PROPOSING)
    begin("task-1", "--policy", policy, due=today(-5), buyer_name="Beispiel GmbH")
    arrears.until("task-1", lambda case: case["steps"])

    (task,) = arrears("task", "task-1", "--json").lines
    assert {"invoice", "creditor", "task", "kind", "text", "opened_at"} == set(task)
    assert task["kind"] == "call" and "Phone Beispiel GmbH" in task["text"]
    assert f"ACME/task-1  {task['task']}: Phone" in arrears("task").out
    arrears("task", "task-1", task["task"], "--note", "pays tomorrow", "--by", "anna")

    assert arrears("task", "task-1").out == ""
    done = [(t["id"], t["done"], t["outcome"]) for t in arrears.show("task-1")["tasks"] if t["kind"] == "call"]
    assert done == [(task["task"], True, "done")]
    assert "is already done" in arrears("task", "task-1", task["task"], status=1).err
    assert "write done, retry or drop" in arrears("task", "task-1", "x", "--outcome", "later", status=2).err


def test_a_step_that_cannot_be_sent_is_a_task_and_can_be_dropped(arrears: CommandLine, begin: Any, early: Path) -> None:
    begin("no-address", "--policy", early, due=today(-3))  # no e-mail address
    refused = arrears.until("no-address", lambda case: case["tasks"])

    (task,) = (t for t in refused["tasks"] if not t["done"])
    assert task["kind"] == "refused_step" and "address" in task["text"]
    arrears("task", "no-address", task["id"], "--outcome", "drop", "--by", "anna")

    shown = arrears.show("no-address")
    assert shown["steps"] == [] and shown["skipped"][-1]["step"] == "reminder_1"


# --- how a case ends, and what comes after ------------------------------------------------------------------------


def test_a_reversal_after_the_close_opens_the_case_again(arrears: CommandLine, begin: Any) -> None:
    begin("back-1")
    arrears("pay", "back-1", "--amount", "1000", "--reference", "R-1")
    arrears.ended("back-1")
    late = arrears("pay", "back-1", "--amount", "5", "--reference", "R-2").out
    assert "the case is closed: 5.00 EUR is kept as unapplied cash, with a task" in late
    assert "the case is closed (paid)" in arrears("hold", "back-1", status=1).err
    (task,) = arrears("task", "back-1", "--json").lines
    assert task["kind"] == "unapplied_cash"
    assert [p["id"] for p in arrears.show("back-1")["unapplied"]] == ["R-2"]

    said = arrears("reverse", "back-1", "--payment", "R-1", "--reason", "returned").out

    # What came after the close is no money to give back any more: it settles a part.
    assert "the case is open again: 995.00 EUR outstanding; payment R-2 is applied now [not_due]" in said
    shown = arrears.show("back-1")
    assert (shown["stage"], shown["outcome"], shown["outstanding"]) == ("not_due", None, euros("995.00"))
    assert (shown["unapplied"], arrears("task", "back-1", "--json").lines) == ([], [])
    assert shown["next"]["step"] == "reminder_m3"
    arrears("pay", "back-1", "--amount", "1000", "--reference", "R-3")
    assert arrears.show("back-1")["outcome"] == "paid"


def test_withdrawn_closes_and_written_off_lives_on_until_paid(arrears: CommandLine, begin: Any) -> None:
    begin("end-1")
    begin("end-2")

    assert "the case is closed (withdrawn)" in arrears("withdraw", "end-1", "--reason", "goodwill").out
    arrears("write-off", "end-2", "--by", "anna", "--reason", "no assets")
    arrears("approve", "end-2", "write_off", "--by", "berta")
    recovery = arrears.show("end-2")
    assert (recovery["stage"], recovery["outcome"], recovery["next"]) == ("recovery", "written_off", None)
    arrears("pay", "end-2", "--amount", "1000", "--reference", "E-1")
    assert arrears.show("end-2")["stage"] == "closed"


def test_money_may_come_before_the_invoice(arrears: CommandLine, begin: Any) -> None:
    early = arrears("pay", "ACME/early-1", "--amount", "100", "--currency", "EUR", "--reference", "P-1").out
    assert "there is no such case yet: 100.00 EUR is kept as unapplied cash, with a task" in early
    assert (
        "there is no such invoice yet"
        in arrears("pay", "ACME/early-1", "--amount", "1", "--reference", "x", status=2).err
    )
    assert "there is no invoice 'early-1'" in arrears("show", "early-1", status=1).err
    (task,) = arrears("task", "ACME/early-1", "--json").lines
    assert task["kind"] == "unapplied_cash"

    begin("early-1")

    shown = arrears.show("early-1")
    assert (shown["outstanding"], [p["id"] for p in shown["payments"]]) == (euros("900.00"), ["P-1"])
    assert shown["unapplied"] == shown["tasks"] == []
    again = arrears("pay", "early-1", "--amount", "100", "--reference", "P-1", "--date", today(), "--json").json
    assert again["duplicate"] and again["outstanding"] == euros("900.00")


# --- what an invoice is called ------------------------------------------------------------------------------------


def test_an_invoice_is_named_by_its_number_or_with_its_creditor(
    arrears: CommandLine, begin: Any, tmp_path: Path
) -> None:
    (tmp_path / "globex.yaml").write_text(
        "code: GLOBEX\nname: Globex Ltd\naddress: [1 Road, London]\nsender: ar@globex.example\npolicy: plain\n"
        "currency: EUR\nbank_account: {holder: Globex Ltd, iban: GB26 XMPL 0000 0087 6543 21, bank: Example Bank}\n"
    )
    assert arrears("creditor", "add", tmp_path / "globex.yaml").out == "GLOBEX (Globex Ltd): added\n"
    assert "GLOBEX  Globex Ltd  policy plain" in arrears("creditor", "list").out
    begin("0042")
    begin("42")
    begin("0042", creditor="GLOBEX", amount="7")
    begin("2026/0042")
    begin("GLOBEX/9")
    begin("9", creditor="GLOBEX")
    begin("re\u0301sume\u0301")

    assert arrears.show("42")["invoice"] == "42"
    assert "ambiguous; name one of: ACME/0042, GLOBEX/0042" in arrears("show", "0042", status=1).err
    assert arrears.show("GLOBEX/0042")["outstanding"] == euros("7.00")
    assert arrears.show("ACME/0042")["outstanding"] == euros("1000.00")
    assert arrears.show("2026/0042")["invoice"] == "2026/0042"
    assert arrears.show("ACME/2026/0042")["invoice"] == "2026/0042"
    # A number that reads like another creditor's.
    assert "ambiguous; name one of: ACME/GLOBEX/9, GLOBEX/9" in arrears("show", "GLOBEX/9", status=1).err
    assert arrears.show("ACME/GLOBEX/9")["creditor"] == "ACME"
    # However its letters are composed.
    assert arrears.show("r\u00e9sum\u00e9")["invoice"] == arrears.show("re\u0301sume\u0301")["invoice"]
    for unknown in (
        "00042",
        "",
        "/",
        "ACME/",
        "/42",
        "ACME/00042",
        "acme/42",
        "\udcff",
        "\udcff/1",
        "a\x00b",
        "x" * 300,
    ):
        assert "there is no invoice" in arrears("show", unknown, status=1).err


# --- folders ------------------------------------------------------------------------------------------------------


def test_two_stacks_side_by_side(stack: Up, arrears: CommandLine, begin: Any, tmp_path: Path) -> None:
    begin("side-1")
    with up(tmp_path / "other") as other:
        there = CommandLine(other.folder)
        file = written(tmp_path / "in.csv", row("side-1", amount="5.00"), row("side-2"))
        assert there.start(file)["accepted"] == 2

        assert arrears("show", "side-1", "--data-dir", other.folder, "--json").json["outstanding"] == euros("5.00")
        assert arrears.show("side-1")["outstanding"] == euros("1000.00")
        assert "there is no invoice 'side-2'" in arrears("show", "side-2", status=1).err
        # The environment's server counts before a folder's stack; the folder still gives the ledger.
        elsewhere = CommandLine(other.folder, TEMPORAL_ADDRESS=other.state.temporal_address)
        assert elsewhere.show("side-2")["stage"] == "not_due"
        assert other.state.temporal_address != stack.state.temporal_address


def test_a_case_is_moved_to_another_policy_after_a_look_at_it(arrears: CommandLine, begin: Any) -> None:
    begin("move-1")
    assert "a decision needs a name" in arrears("policy", "migrate", "s2-7-15-30", "move-1", status=2).err
    look = arrears("policy", "migrate", "s2-7-15-30", "move-1", "--dry-run", "--json").json
    assert [(move["result"], move["before"]) for move in look] == [("accepted", "plain version 1")]
    assert arrears.show("move-1")["policy"]["id"] == "plain"

    for result in ("accepted", "unchanged"):
        done = arrears("policy", "migrate", "s2-7-15-30", "move-1", "--by", "anna", "--json").json
        assert done[0]["result"] == result
    assert (arrears.show("move-1")["policy"]["id"], done[0]["next_after"]) == ("s2-7-15-30", look[0]["next_after"])
    arrears("withdraw", "move-1")
    refused = arrears("policy", "migrate", "plain", "move-1", "--by", "anna", status=1).out
    assert refused == "ACME/move-1: refused: the case is closed (withdrawn)\n"


# --- without a server ---------------------------------------------------------------------------------------------


def test_simulate_policies_and_creditors_need_no_stack(tmp_path: Path) -> None:
    alone = CommandLine(tmp_path / "var")
    file = written(tmp_path / "in.csv", row("1", due="2026-03-02"))

    summary = alone("simulate", file, "--policy", "plain", "--as-of", "2026-12-31", "--json").json
    assert (summary["invoices"], summary["refused"], sum(summary["notices"].values())) == (1, 0, 7)
    assert summary["outcomes"]["open"] == 1
    assert "plain" in alone("policy", "check", "plain").out
    assert [creditor["code"] for creditor in alone("creditor", "list", "--json").json] == ["ACME"]
    assert alone("list").out.endswith("0 cases\n")
