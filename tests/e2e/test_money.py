"""Money, agreements and deadlines from the command line, on the real embedded stack."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import CommandLine, row, today, written

CLAIMING = """
id: claims-at-once
version: 1
title: A demand that claims interest and costs, at midnight
schedule: {time: "00:00", zone: UTC, days: every}
claim_interest: {from_step: demand, rest: pursue}
tolerance: [1.00 EUR]
steps:
  - {id: demand, kind: formal_demand, when: {after_due: P1D}}
  - {id: call, kind: call, when: {after_due: P300D}, channels: [phone]}
"""


@pytest.fixture
def begin(arrears: CommandLine, tmp_path: Path) -> Any:
    """Starts one case, not due for a month unless told otherwise."""

    def begin(number: str, *options: object, **fields: object) -> None:
        report = arrears.start(written(tmp_path / "in.csv", row(number, **fields)), *options)
        assert report["accepted"] == 1, report

    return begin


@pytest.fixture
def claimed(arrears: CommandLine, begin: Any, tmp_path: Path) -> Any:
    """Starts a case, 20 days overdue in Germany at 0.05 % a day, and waits for its demand: 10.00 and 40.00 claimed."""
    policy = tmp_path / "claiming.yaml"
    policy.write_text(CLAIMING, "utf-8")

    def claimed(number: str) -> None:
        begin(
            number, "--policy", policy, due=today(-20), late_fee="0.05%/day", country="DE", jurisdiction="DE",
            email="accounts@beispiel.example", buyer_name="Beispiel GmbH",
        )  # fmt: skip
        arrears.until(number, lambda case: case["steps"])

    return claimed


def euros(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def outstanding(arrears: CommandLine, number: str) -> str:
    return str(arrears.show(number)["outstanding"]["amount"])


def balance(arrears: CommandLine, number: str) -> tuple[str, str, str]:
    shown = arrears.show(number)["balance"]
    return shown["costs"]["amount"], shown["interest"]["amount"], shown["principal"]["amount"]


# --- interest -----------------------------------------------------------------------------------------------------


def test_interest_is_stated_paid_decided_on_and_waived(arrears: CommandLine, claimed: Any) -> None:
    claimed("int-1")
    # 20 days x 0.5, and the 40 euros of German law.
    stated = arrears("interest", "int-1", "--json").json
    assert (stated["principal"], stated["interest"], stated["compensation"]) == ("1000.00", "10.00", "40.00")
    assert (stated["total"], stated["currency"], stated["claimed"]) == ("1050.00", "EUR", True)
    assert stated["segments"] == [
        {"from": str(today(-19)), "to": str(today()), "days": 20, "balance": "1000.00", "rate": "0.05%/day",
         "amount": "10.00", "source": "contract", "verified": True}
    ]  # fmt: skip
    later = arrears("interest", "int-1", "--as-of", today(10), "--json").json
    assert (later["as_of"], later["interest"]) == (str(today(10)), "15.00")
    assert "Claimed in this case." in arrears("interest", "int-1").out
    assert "lies before the due date" in arrears("interest", "int-1", "--as-of", today(-21), status=1).err
    assert "give nothing but --as-of" in arrears("interest", "int-1", "--amount", "5", status=2).err

    arrears("pay", "int-1", "--amount", "100", "--reference", "P-1", "--designation", "principal")
    assert balance(arrears, "int-1") == ("0.00", "0.00", "950.00")
    assert "is designated to principal" in arrears("task", "int-1").out
    arrears("allocate", "int-1", "--payment", "P-1", "--first", "principal", "--by", "anna")
    assert balance(arrears, "int-1") == ("40.00", "10.00", "900.00")
    assert arrears("task", "int-1").out == ""

    assert "who waives?" in arrears("waive", "int-1", status=1).err
    arrears("waive", "int-1", "--amount", "4", "--by", "anna", "--reason", "goodwill")
    assert balance(arrears, "int-1") == ("40.00", "6.00", "900.00")
    assert (
        "is more than the 46.00 EUR claimed" in arrears("waive", "int-1", "--amount", "47", "--by", "a", status=1).err
    )
    arrears("waive", "int-1", "--by", "anna")
    (first, second) = arrears.show("int-1")["balance"]["waived"]
    assert (first["amount"], first["by"], first["reason"], second["amount"]) == ("4.00", "anna", "goodwill", "46.00")
    # Forty cents short, within the tolerance.
    arrears("pay", "int-1", "--amount", "899.60", "--reference", "P-2")
    shown = arrears.until("int-1", lambda case: case["outcome"])
    assert (shown["outcome"], shown["balance"]["short"]) == ("short_settled", euros("0.40"))


@pytest.mark.parametrize(
    ("arguments", "reason", "status"),
    [
        (("pay", "--amount", "1", "--reference", "x", "--designation", "fees"), "can be for costs, interest", 1),
        (("allocate", "--payment", "x", "--first", "fees"), "a payment can settle costs, interest, principal", 1),
        (("allocate", "--payment", "x", "--first", "costs"), "there is no payment 'x'", 1),
        (("allocate", "--payment", "x", "--rate", "0"), "ACME/bad-1 has no payment 'x' (known: none)", 1),
        (("allocate", "--payment", "x"), "give one of --rate, --amount and --first", 2),
        (("credit", "--amount", "2000", "--reference", "c"), "is more than the 1,000.00 EUR the invoice still", 1),
        (("credit", "--amount", "1", "--reference", "c", "--kind", "gift"), "write one of credit_note, set_off", 2),
        (("allocate", "--payment", "x", "--amount", "0"), "a payment counts for more than zero", 1),
        (("refund", "--payment", "x", "--amount", "1"), "there is no payment 'x'", 1),
        (("set-off", "--amount", "1", "--against", "bad-1"), "name the --payment (unapplied: none)", 1),
        (("waive", "--by", "anna"), "no interest or costs are claimed", 1),
        (("plan",), "give the instalments", 2),
        (("plan", "--instalment", "tomorrow"), "write it as DATE:AMOUNT", 2),
        (("plan", "--instalment", f"{today(5)}:999"), "the instalments add up to 999.00 EUR, but 1,000.00 EUR", 1),
        (("plan", "--instalment", f"{today(9)}:500", "--instalment", f"{today(5)}:500"), "in the order of their", 1),
        (("plan", "--end"), "no plan '' is running", 1),
        (("extend", "--until", today(-1)), "lies in the past", 1),
        (("extend", "--until", today(3000)), "the claim is barred after", 1),
        (("dispute", "--amount", "1000.01"), "is more than the outstanding 1,000.00 EUR", 1),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    arrears: CommandLine, bad: str, arguments: tuple[object, ...], reason: str, status: int
) -> None:
    command, *options = arguments
    assert reason in arrears(command, bad, *options, status=status).err
    assert outstanding(arrears, bad) == "1000.00"


@pytest.fixture
def bad(arrears: CommandLine, tmp_path: Path) -> str:
    """A case that refuses everything; the same one for all that it refuses."""
    arrears.start(written(tmp_path / "in.csv", row("bad-1", jurisdiction="DE")))
    return "bad-1"


# --- too much, too little, in another currency --------------------------------------------------------------------


def test_foreign_money_waits_for_a_rate(arrears: CommandLine, begin: Any) -> None:
    begin("fx-1")
    arrears("pay", "fx-1", "--amount", "500", "--currency", "USD", "--reference", "F-1")
    assert (outstanding(arrears, "fx-1"), len(arrears.show("fx-1")["unapplied"])) == ("1000.00", 1)
    for rate, reason in (
        ("0", "a rate is more than zero"), ("0.000001", "a payment counts for more than zero"),
        ("1e30", "500.00 USD would count for more than any invoice"), ("1e999999", "would count for more than any"),
        ("1e12", "500.00 USD would count for more than any invoice"),
    ):  # fmt: skip
        assert reason in arrears("allocate", "fx-1", "--payment", "F-1", "--rate", rate, status=1).err

    arrears("allocate", "fx-1", "--payment", "F-1", "--rate", "0.92", "--by", "anna")

    assert (outstanding(arrears, "fx-1"), arrears.show("fx-1")["unapplied"]) == ("540.00", [])
    arrears("allocate", "fx-1", "--payment", "F-1", "--amount", "450", "--by", "anna")
    assert outstanding(arrears, "fx-1") == "550.00"


def test_what_is_too_much_is_set_off_or_paid_back(arrears: CommandLine, begin: Any) -> None:
    begin("over-1")
    begin("over-2")
    arrears("pay", "over-1", "--amount", "1100", "--reference", "O-1")
    assert arrears.show("over-1")["outcome"] == "paid"
    arrears.ended("over-1")

    # The case is closed; its money is still there. The same command again changes nothing.
    for _ in range(2):
        arrears("set-off", "over-1", "--amount", "60", "--against", "over-2", "--by", "anna")
    assert outstanding(arrears, "over-2") == "940.00"
    assert [p["amount"] for p in arrears.show("over-1")["unapplied"]] == ["40.00"]
    said = arrears("refund", "over-1", "--payment", "O-1", "--amount", "40", "--reference", "R-1").out
    assert "40.00 EUR of payment O-1 left the closed case" in said
    assert arrears.show("over-1")["unapplied"] == []
    assert "nothing of payment 'O-1' is unapplied" in (
        arrears("refund", "over-1", "--payment", "O-1", "--amount", "1", status=1).err
    )

    # Cut off between its halves the same command completes it, though nothing is unapplied any more.
    begin("over-3")
    arrears("pay", "over-3", "--amount", "1030", "--reference", "O-4")
    for _ in range(2):
        arrears("set-off", "over-3", "--amount", "30", "--against", "over-2")
    assert outstanding(arrears, "over-2") == "910.00"
    itself = arrears("set-off", "over-3", "--payment", "O-4", "--amount", "1", "--against", "over-3", status=1)
    assert "cannot be set off here" in itself.err
    arrears("reverse", "over-2", "--payment", "set-off-O-4-over-2")

    # Of an open case, too: what a credit note left.
    arrears("pay", "over-2", "--amount", "500", "--reference", "O-2")
    arrears("pay", "over-2", "--amount", "9", "--currency", "USD", "--reference", "O-3")
    arrears("refund", "over-2", "--payment", "O-3", "--amount", "9", "--currency", "USD")
    shown = arrears.show("over-2")
    assert (shown["unapplied"], shown["outstanding"]) == ([], euros("440.00"))

    # What came after the close need not be named, either, and leaves whole.
    arrears("pay", "over-1", "--amount", "15", "--reference", "O-5")
    part = arrears("set-off", "over-1", "--amount", "10", "--against", "over-2", status=1).err
    assert "is kept whole: 15.00 EUR can be paid back or set off, no part of it" in part
    first, again = (arrears("set-off", "over-1", "--amount", "15", "--against", "over-2").out for _ in range(2))
    assert "15.00 EUR set off against over-2; it was never applied here" in first
    assert again == "over-1: already known; nothing changed\nover-2: already known; nothing changed\n"
    assert outstanding(arrears, "over-2") == "425.00"


def test_credits_by_kind(arrears: CommandLine, begin: Any) -> None:
    begin("cred-1")
    arrears("credit", "cred-1", "--amount", "100", "--reference", "CN-1", "--reason", "two pallets short")
    arrears("credit", "cred-1", "--amount", "50", "--reference", "GL-1", "--kind", "goods_in_lieu")
    arrears("set-off", "cred-1", "--amount", "25", "--reference", "SO-1")
    arrears("credit", "cred-1", "--amount", "100", "--reference", "CN-1", "--reason", "two pallets short")

    shown = arrears.show("cred-1")
    assert shown["outstanding"] == euros("825.00")
    kinds = [(credit["kind"], credit["amount"]) for credit in shown["balance"]["credits"]]
    assert kinds == [("credit_note", "100.00"), ("goods_in_lieu", "50.00"), ("set_off", "25.00")]


def test_a_payment_for_several_invoices(arrears: CommandLine, tmp_path: Path) -> None:
    rows = [
        row(f"multi-{n}", buyer_id="MULTI", amount=amount, due=today(n)) for n, amount in ((3, 70), (1, 100), (2, 50))
    ]
    assert arrears.start(written(tmp_path / "in.csv", *rows))["accepted"] == 3

    def pay(reference: str, amount: str, *named: str, status: int = 0) -> Any:
        options = [part for name in named for part in ("--for", name)]
        return arrears(
            "pay", "--buyer", "ACME/MULTI", "--amount", amount, "--currency", "EUR", "--reference", reference,
            *options, "--json", status=status,
        )  # fmt: skip

    def left() -> list[str]:
        return [outstanding(arrears, f"multi-{n}") for n in (1, 2, 3)]

    # As the advice says, the rest for the oldest; and told again, the same shares, whatever was paid meanwhile.
    shares = pay("B-1", "120", "multi-3=70").json
    assert [(s["invoice"], s["outstanding"]["amount"]) for s in shares] == [("multi-3", "0.00"), ("multi-1", "50.00")]
    assert left() == ["50.00", "50.00", "0.00"]
    pay("B-2", "60")
    assert left() == ["0.00", "40.00", "0.00"]
    again = pay("B-1", "120", "multi-3=70").json
    assert {s["duplicate"] or s["unapplied"] for s in again} == {True} and left() == ["0.00", "40.00", "0.00"]
    assert "was received before, with 120.00 EUR instead of 121.00 EUR" in pay("B-1", "121", status=1).err
    assert "invoice 'multi-1' is not open" in pay("B-3", "5", "multi-1=5", status=1).err
    assert "the remittance adds up to 6.00 EUR" in pay("B-3", "5", "multi-2=6", status=1).err
    # More than is owed: the last one keeps it.
    pay("B-4", "45")
    assert [p["amount"] for p in arrears.show("multi-2")["unapplied"]] == ["5.00"]
    assert "has no open invoice in EUR" in pay("B-5", "1", status=1).err


# --- agreements ---------------------------------------------------------------------------------------------------


def test_a_plan_for_one_invoice(arrears: CommandLine, begin: Any) -> None:
    begin("plan-1")
    said = arrears(
        "plan", "plan-1", "--instalment", f"{today(5)}:400", "--instalment", f"{today(9)}:600", "--by", "anna"
    ).out
    assert "the ladder stands still" in said
    assert arrears.show("plan-1")["on_hold"]
    arrears("pay", "plan-1", "--amount", "1000", "--reference", "PL-1")
    assert arrears.show("plan-1")["outcome"] == "paid"


def test_a_plan_over_two_invoices_is_one_plan(arrears: CommandLine, begin: Any) -> None:
    begin("plan-2", due=today(10))
    begin("plan-3", due=today(20), amount="500.00")
    begin("plan-4", buyer_id="B-2")
    plan = ("--instalment", f"{today(5)}:700", "--instalment", f"{today(9)}:800")
    assert "of one buyer" in arrears("plan", "plan-2", "plan-4", *plan, status=1).err
    assert "add up to 1,500.00 EUR" not in arrears("plan", "plan-3", "plan-2", *plan, "--reference", "PP").out

    assert arrears.show("plan-2")["plan"] == [
        {"due": str(today(5)), **euros("700.00")}, {"due": str(today(9)), **euros("300.00")},
    ]  # fmt: skip
    assert arrears.show("plan-3")["plan"] == [{"due": str(today(9)), **euros("500.00")}]
    assert "is already running" in arrears("plan", "plan-2", "plan-3", *plan, status=1).err
    arrears("plan", "plan-2", "plan-3", "--end", "--reason", "insolvent")
    assert [arrears.show(number)["on_hold"] for number in ("plan-2", "plan-3")] == [False, False]


def test_an_extension_moves_the_ladder_and_no_deadline(arrears: CommandLine, begin: Any) -> None:
    begin("ext-1", jurisdiction="MX", due=today(1), guarantee="bond", guarantee_expires=today(100))
    before = arrears("deadlines", "ext-1", "--json").lines
    assert [line["kind"] for line in before] == ["guarantee_end", "limitation"]
    assert before[0]["legal_day"] == str(today(100)) and before[0]["source"] == "the guarantee"
    assert (before[1]["state"], before[1]["invoice"]) == ("open", "ext-1")

    arrears("extend", "ext-1", "--until", today(30), "--by", "anna")

    assert arrears.show("ext-1")["on_hold"]
    assert arrears("deadlines", "ext-1", "--json").lines == before
    assert arrears.show("ext-1")["deadlines"] == [
        {name: value for name, value in line.items() if name not in ("creditor", "invoice")} for line in before
    ]
    page = arrears("deadlines", "ext-1").out
    assert "end of the guarantee: as agreed [the guarantee]" in page
    assert "ACME/ext-1  end of the guarantee" in arrears("deadlines", "--within", "100").out
    assert "ext-1" not in arrears("deadlines", "--within", "10").out
    begin("ext-2")
    assert "no hard deadline is known" in arrears("deadlines", "ext-2").out


INSURED = """
code: INSURED
name: Insured Ltd
sender: ar@insured.example
policy: plain
jurisdiction: DE
insurer: {name: Sample Credit Insurance plc, email: claims@sample-insurance.example, reference: POLICY-1}
insurance:
  source: policy 4711, clause 4
  maximum_extension: P60D
  notice: propose
  duties:
    insurer_notice: {within: P15D}
    claim_filing: {within: P240D}
"""


def test_the_terms_of_the_insurance_give_deadlines_and_bounds(arrears: CommandLine, begin: Any, tmp_path: Path) -> None:
    file = tmp_path / "insured.yaml"
    file.write_text(INSURED, "utf-8")
    arrears("creditor", "add", file)
    covered = {"creditor": "INSURED", "insured_percentage": "90", "insurer": "Sample Credit Insurance plc"}
    begin("ins-1", **covered, due=today(-30))
    begin("ins-2", **covered, due=today(20))
    begin("ins-3", creditor="INSURED", due=today(20))

    # Imported when it was too late for the notice: an alarm.
    late = arrears.until("ins-1", lambda case: any(task["kind"] == "deadline_missed" for task in case["tasks"]))
    assert {line["kind"]: line["state"] for line in late["deadlines"]} == {
        "insurer_notice": "missed", "claim_filing": "open", "limitation": "open",
    }  # fmt: skip
    assert "MISSED  INSURED/ins-1  notice of overdue to the insurer: 15 days" in arrears("deadlines", "ins-1").out
    overview = [(line["invoice"], line["kind"], line["state"]) for line in arrears("deadlines", "--json").lines]
    assert ("ins-1", "insurer_notice", "missed") in overview and ("ins-1", "claim_filing", "open") in overview
    # The longest extension is sixty days from the due date: beyond it two people are needed.
    refused = arrears("extend", "ins-2", "--until", today(81), "--by", "anna", status=1).err
    assert f"the insurance allows an extension until {today(80)}" in refused and "second person" in refused
    assert "second person" in arrears(
        "promise", "ins-2", "--date", today(81), "--by", "anna", "--approved-by", "ANNA", status=1
    ).err  # fmt: skip
    arrears("extend", "ins-2", "--until", today(81), "--by", "anna", "--approved-by", "berta")
    assert arrears.show("ins-2")["on_hold"]
    # Not insured, no duties.
    assert [line["kind"] for line in arrears("deadlines", "ins-3", "--json").lines] == ["limitation"]


def test_a_write_off_takes_two_people(arrears: CommandLine, begin: Any) -> None:
    begin("off-1")
    assert "needs a name" in arrears("write-off", "off-1", "--reason", "no assets", status=2).err
    arrears("write-off", "off-1", "--by", "anna", "--reason", "no assets", "--evidence", "court file 7")
    assert "a second person decides on it" in arrears("approve", "off-1", "write_off", "--by", "Anna", status=1).err
    assert arrears.show("off-1")["stage"] == "not_due"
    arrears("approve", "off-1", "write_off", "--by", "berta")
    assert arrears.show("off-1")["stage"] == "recovery"
