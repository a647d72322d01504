"""The accounts file: packaged, overridden in part, and its errors named by line."""

from pathlib import Path

import pytest

from gateway.accounts import load_accounts
from gateway.errors import InputRefused
from gateway.jurisdiction_files import check_file
from gateway.policy_files import policy_names
from models.journal import ACCOUNTS


def own(folder: Path, content: str) -> Path:
    file = folder / "policies" / "accounts.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


def test_every_purpose_has_an_account_and_the_file_is_no_policy(tmp_path: Path) -> None:
    assert set(load_accounts().accounts) == set(ACCOUNTS)
    own(tmp_path, "accounts:\n  bad_debt: '6930'\n")
    assert "accounts" not in policy_names(tmp_path)


def test_own_numbers_count_before_the_packaged_and_those_of_a_creditor_before_them(tmp_path: Path) -> None:
    own(tmp_path, "accounts:\n  receivables: '1200'\ncreditors:\n  ACME:\n    receivables: '1210'\n")
    accounts = load_accounts(tmp_path)
    numbers = [accounts.number(code, "receivables") for code in ("ACME", "OTHER")]
    assert (numbers, accounts.number("ACME", "bad_debt")) == (["1210", "1200"], "bad_debt")


@pytest.mark.parametrize(
    ("content", "line", "field"),
    [
        ("accounts:\n  receivable: '1200'\n", 2, "accounts.receivable"),
        ("accounts:\n  bad_debt: '=1+1'\n", 2, "accounts.bad_debt"),
        ("accounts:\n  bad_debt: '1'\ncreditors:\n  acme:\n    bad_debt: '2'\n", 4, "creditors.acme"),
    ],
)
def test_errors_are_named_by_line_and_field(tmp_path: Path, content: str, line: int, field: str) -> None:
    file = own(tmp_path, content)
    (fault,) = check_file(file, tmp_path)
    assert (fault.line, fault.field[: len(field)]) == (line, field)
    with pytest.raises(InputRefused, match=f"accounts.yaml:{line}: "):
        load_accounts(tmp_path)
