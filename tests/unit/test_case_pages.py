"""The two pages of a case for people: the one in the Temporal UI, and what `show` prints."""

from typing import Any

from gateway.cli.case_page import case_lines
from models import events as e
from models import view
from models.page import page
from tests.cases import Walk, after_due, day, on, policy, step

CLAIMING = policy(
    step("reminder", after_due(1)), step("demand", after_due(5), "formal_demand"),
    claim_interest={"from_step": "demand", "rest": "pursue"},
)  # fmt: skip


def told() -> Walk:
    """Reminded, demanded, partly paid, partly disputed; a promise and a hold pause it, one message was refused."""
    walk = Walk(CLAIMING, law="DE").until(day(5))
    walk.tell(day(6), e.PaymentReceived, amount="200.00 EUR", received_on=on(6))
    walk.tell(day(6, 10), e.DisputeRaised, amount="100.00 EUR", category="quality", reason="two pallets | damaged")
    walk.tell(day(6, 11), e.PromiseMade, pay_by=on(20), amount="500.00 EUR")
    return walk.tell(day(6, 12), e.HoldPlaced, reason="ask *sales* first")


def lines(walk: Walk) -> str:
    shown: dict[str, Any] = {**view.show(walk.case, walk.now), "buyer_cash": []}
    return "\n".join(case_lines(shown))


def test_the_page_of_the_ui_says_where_a_case_stands_and_why_it_stands_still() -> None:
    shown = page(told().case)

    assert shown.startswith("### 0017 · demanded\n")
    assert "The ladder stands still: hold " in shown and r"ask \*sales\* first" in shown
    assert "promise to pay 500.00 EUR by 2026-03-22" in shown
    assert "100.00 EUR is disputed; " in shown and " is pursued." in shown
    assert "- **200.00 EUR**, received 2026-03-08" in shown
    assert "**Done**\n\n- **reminder**, 2026-03-03 09:00 UTC\n- **demand**, 2026-03-07 09:00 UTC" in shown
    assert "- **limitation** 2029-12-31, open: " in shown
    assert "answer the dispute by" in shown.split("**To do**")[1].split("**Done**")[0]


def test_the_page_of_the_ui_says_what_comes_next_and_when_all_is_over() -> None:
    assert "Next: **reminder** (reminder) at 2026-03-03 09:00 UTC." in page(Walk(CLAIMING).case)

    paid = Walk(CLAIMING).tell(day(0), e.PaymentReceived, amount="1000.00 EUR", received_on=on(0)).until(day(1)).case
    assert page(paid).startswith("### 0017 · closed (paid)\n") and "The case is closed." in page(paid)


def test_show_prints_money_agreements_interest_and_deadlines_for_people() -> None:
    shown = lines(told())

    # Paid on day 6, after the demand of day 5 claimed 40.00 and interest: 10.27 % of 1,000.00 a year, 0.28 a day.
    assert "stage        demanded\noutstanding  8" in shown
    assert "costs 0.00 EUR (booked through 2026-03-08)" in shown
    assert "on hold      the ladder stands still" in shown
    assert ": ask *sales* first" in shown
    assert "dispute      100.00 EUR since 2026-03-08 (quality), to be answered by 2026-03-22: two pallets | da" in shown
    assert "promise      500.00 EUR by 2026-03-22, broken at 2026-03-23T00:00:00+00:00" in shown
    assert "interest     1.69 for 2026-03-03 to 2026-03-08, 6 days, on 1000.00 at " in shown
    assert "deadline     limitation 2029-12-31, 1394 days left (" in shown
    assert "task         " in shown and "not claimed" not in shown


def test_show_says_what_speaks_against_the_contracts_rate() -> None:
    dear = Walk("plain", law="CN", late_fee="0.1%/day")

    assert "warning      0.1%/day (36.5 % a year) lies above 0.05%/day: " in lines(dear)
    assert "warning" not in lines(Walk("plain", law="CN", late_fee="0.05%/day"))


def test_show_marks_a_deadline_that_was_not_verified() -> None:
    def limitation(walk: Walk) -> str:
        return next(line for line in lines(walk).splitlines() if "limitation" in line)

    assert limitation(Walk("plain", law="MX")).endswith(", not verified)")
    assert "not verified" not in limitation(told())


def test_show_prints_what_is_over() -> None:
    walk = told()
    walk.tell(day(7), e.CreditNoteIssued, amount="50.00 EUR")
    walk.tell(day(8), e.PaymentReceived, amount="500.00 EUR", received_on=on(8)).until(day(9))

    shown = lines(walk)

    assert "credit       " in shown and ": 50.00 EUR on 2026-03-09 (credit note)" in shown
    assert "\npromise      " in shown and ": 500.00 EUR, kept on 2026-03-10" in shown
    assert "promise      500.00 EUR by" not in shown, "a kept promise is no longer agreed"


def test_show_says_where_no_rate_is_known() -> None:
    late = Walk(CLAIMING, day(0).replace(year=2099), law="DE", due="2099-03-02").until(day(9).replace(year=2099))

    assert "interest     0.00 for 2099-03-03 to 2099-03-11, 9 days, on 1000.00 none: rate table" in lines(late)
