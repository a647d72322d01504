"""`arrears interest`, as a clerk types it: no server, and but for the last test no case and no ledger."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.connection import open_ledger
from gateway.environment import load_settings
from gateway.policy_files import PACKAGED
from models import view
from tests.cases import Walk

UK = ("--amount", "12000", "--currency", "GBP", "--due", "2025-09-01", "--as-of", "2026-10-08", "--jurisdiction", "UK")
DE = ("--amount", "10000", "--currency", "EUR", "--due", "2025-05-31", "--as-of", "2025-09-30", "--jurisdiction", "DE")


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_DATA_DIR", str(tmp_path / "data"))


def interest(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["interest", *arguments])


def computed(*arguments: str) -> Any:
    result = interest(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def changed(given: tuple[str, ...], **options: str) -> list[str]:
    found = list(given)
    for name, value in options.items():
        found[found.index(f"--{name.replace('_', '-')}") + 1] = value
    return found


def test_json_has_the_statement_with_amounts_as_strings() -> None:
    found = computed(*UK)

    assert {key: found[key] for key in ("principal", "interest", "compensation", "total", "currency")} == {
        "principal": "12000.00", "interest": "1619.01", "compensation": "100.00", "total": "13719.01",
        "currency": "GBP",
    }  # fmt: skip
    (segment,) = found["segments"]
    assert segment.pop("source").startswith("Late Payment of Commercial Debts (Interest) Act 1998: ")
    assert segment == {
        "from": "2025-09-02", "to": "2026-10-08", "days": 402, "balance": "12000.00", "rate": "12.25%/year act/365",
        "amount": "1619.01", "verified": True,
    }  # fmt: skip
    assert found["unverified"] == []


def test_payments_follow_the_order_of_the_jurisdiction() -> None:
    found = computed(*DE, "--paid", "2025-08-31:3000", "--paid", "2025-08-31:2000.00")

    assert found["payments"] == [
        {
            "date": "2025-08-31",
            "compensation": "40.00",
            "interest": "267.08",
            "principal": "4692.92",
            "unapplied": "0.00",
        }
    ]
    assert (found["interest"], found["paid"], found["total"]) == ("311.88", "5000.00", "5351.88")
    assert found["open"] == {"principal": "5307.08", "interest": "44.80", "compensation": "0.00"}


def test_payments_settle_the_principal_first_on_request() -> None:
    found = computed(*DE, "--paid", "2025-08-31:5000", "--principal-first")

    # 267.08 + 5,000 x 10.27 % x 30 / 365 = 42.2055
    assert (found["segments"][2]["balance"], found["interest"]) == ("5000.00", "309.29")
    assert found["open"] == {"principal": "5000.00", "interest": "309.29", "compensation": "40.00"}


def test_the_contract_rate_needs_no_jurisdiction_and_is_compared_with_one() -> None:
    debt = ("--amount", "100000", "--currency", "cny", "--due", "2026-01-01", "--as-of", "2026-02-15")

    alone = computed(*debt, "--contract-rate", "0.05%/day")
    assert (alone["interest"], alone["jurisdiction"], alone["warnings"]) == ("2250.00", None, [])
    china = computed(*debt, "--contract-rate", "0.1%/day", "--jurisdiction", "CN")
    assert china["interest"] == "4500.00" and "1.3 times the creditor's loss" in china["warnings"][0]


def test_yen_have_no_minor_unit() -> None:
    found = computed(*changed(DE, currency="JPY", jurisdiction="JP", due="2025-06-22"))

    assert (found["interest"], found["principal"]) == ("82", "10000")  # 10,000 x 3 % x 100 / 365 = 82.19


def test_the_table_marks_what_is_unverified_and_gives_no_advice() -> None:
    lines = interest(*DE, "--paid", "2025-08-31:5000").stdout.splitlines()

    assert lines[0] == "10,000.00 EUR overdue, at the end of 2025-09-30 (DE, Germany)"
    assert lines[3].split() == [
        "2025-06-01", "2025-06-30", "30", "10,000.00", "EUR", "11.27%/year", "act/365", "*", "92.63", "EUR",
    ]  # fmt: skip
    assert "Paid 2025-08-31: 40.00 EUR costs, 267.08 EUR interest, 4,692.92 EUR principal" in lines
    assert any(line.startswith("Rate *: BGB § 288 (2): German base rate 2.27 %") for line in lines)
    assert lines[-1].startswith("Not legal advice.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (changed(UK, jurisdiction="XX"), "unknown jurisdiction 'XX' (known: AT, BE, CN, "),
        (changed(UK, as_of="2025-08-31"), "--as-of 2025-08-31 lies before --due 2025-09-01"),
        (changed(UK, as_of="08/31/2025"), "--as-of '08/31/2025': not a date"),
        (changed(UK, due="2025-02-30"), "--due '2025-02-30': there is no such day"),
        (changed(UK, amount="12,000"), "--amount '12,000': write the amount without thousands separators"),
        (changed(UK, amount="-1"), "the amount must be more than zero"),
        (changed(UK, amount="nan"), "--amount 'nan': not an amount"),
        (changed(UK, amount="1.001"), "more decimals than GBP has"),
        (changed(UK, currency="QQQ"), "--currency 'QQQ': not a currency code"),
        ([*UK, "--contract-rate", "5%"], "--contract-rate '5%': write a late fee as 0.05%/day, 12%/year"),
        ([*UK, "--contract-rate", "9999%/day"], "--contract-rate '9999%/day': "),
        ([*UK, "--paid", "2025-12-31"], "--paid '2025-12-31': write it as DATE:AMOUNT"),
        ([*UK, "--paid", "2026-12-31:5"], "the payment lies after --as-of 2026-10-08"),
        ([*UK, "--paid", "2025-12-31:0"], "--paid '0': the amount must be more than zero"),
        (changed(DE, as_of="2026-07-01"), "rate table 'de_base' (German base rate) has no rate for 2026-07-01"),
        (changed(DE, jurisdiction="CN"), "CN (China) has no statutory rate for ordinary debts"),
    ],
)
def test_bad_input_is_refused_with_the_reason(arguments: list[str], message: str) -> None:
    result = interest(*arguments)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (UK[:-2], "whose law holds? give --jurisdiction CODE"),
        (UK[2:], "name an invoice, or give --amount"),
        ((*UK[:-1], "./nope.yaml"), "there is no file ./nope.yaml"),
    ],
)
def test_wrong_usage_is_told_apart(arguments: tuple[str, ...], message: str) -> None:
    result = interest(*arguments)

    assert result.exit_code == 2
    assert message in result.stderr


def test_policy_check_takes_jurisdictions_and_rate_tables_by_file_or_name(tmp_path: Path) -> None:
    bad = tmp_path / "mine.yaml"
    bad.write_text("id: mine\ntitle: Mine\nrates:\n  - {percent: 1, valid_from: soon, verified: true, source: a}\n")
    result = CliRunner().invoke(app, ["policy", "check", "DE", "ecb_main_refinancing", "plain", str(bad)])

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "DE: ok", "ecb_main_refinancing: ok", "plain: ok",
        f"{bad}:4: rates.0.valid_from: 'soon' is not a date such as 2026-01-31",
    ]  # fmt: skip


def test_a_case_is_reckoned_with_the_rates_published_since_it_began(tmp_path: Path) -> None:
    case = Walk("plain", law="DE", due="2026-06-15").case
    open_ledger(load_settings(str(tmp_path))).open_cases([(case, view.head(case))])
    asked = (case.invoice.number, "--as-of", "2026-07-31", "--data-dir", str(tmp_path))
    # 15 d to the end of the packaged table @ 10.27 % = 4.2205
    assert (computed(*asked)["interest"], computed(*asked)["left_out_from"]) == ("4.22", "2026-07-01")

    row = "{percent: 1.77, valid_from: 2026-07-01, valid_until: 2026-12-31, verified: false, source: of this test}"
    rates = tmp_path / "policies" / "rates" / "de_base.yaml"
    rates.parent.mkdir(parents=True)
    # What the case has pinned stays, also where the table says something else now.
    table = (PACKAGED / "rates" / "de_base.yaml").read_text().replace("percent: 1.27", "percent: 5.55")
    rates.write_text(f"{table.rstrip()}\n  - {row}\n")

    # then 31 d @ 10.77 % = 9.1471
    assert (computed(*asked)["interest"], computed(*asked)["left_out_from"]) == ("13.37", None)
    rates.write_text("rates: [")
    assert computed(*asked)["left_out_from"] == "2026-07-01", "a file that cannot be read changes nothing"
