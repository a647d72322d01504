"""Which account of the accounting system each entry goes to: a file, packaged with names, overridden with numbers."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from gateway.yaml_source import parse_source, read_source
from models.base import Value
from models.ids import CREDITOR_CODE
from models.journal import Account

NAME = "accounts"
PACKAGED = Path(__file__).resolve().parents[1] / "policies" / f"{NAME}.yaml"

Number = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\s=+@\-][^\x00-\x1f\x7f]*$")]
"""An account as the accounting system writes it; what a spreadsheet would take for a formula is not one."""
Code = Annotated[str, Field(pattern=f"^(?:{CREDITOR_CODE.pattern})$")]


class Accounts(Value):
    """The accounts of all creditors, and those in which one differs."""

    accounts: dict[Account, Number]
    creditors: dict[Code, dict[Account, Number]] = Field(default_factory=dict)

    def number(self, creditor: str, account: Account) -> str:
        """The account of a creditor that is for something."""
        return self.creditors.get(creditor, {}).get(account) or self.accounts[account]


def load_accounts(data_dir: str | Path | None = None) -> Accounts:
    """The packaged accounts, with those of the data folder's `policies/accounts.yaml` in their place.

    Raises:
        InputRefused: the file has faults; each is named with its line and field.
    """
    packaged = _read(PACKAGED)
    own = Path(data_dir) / "policies" / f"{NAME}.yaml" if data_dir is not None else None
    if own is None or not own.exists():
        return packaged
    given = _read(own)
    return given.but(accounts={**packaged.accounts, **given.accounts})


def _read(path: Path) -> Accounts:
    accounts: Accounts = parse_source(read_source(path), Accounts.model_validate, Accounts)
    return accounts
