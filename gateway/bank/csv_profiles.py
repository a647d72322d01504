"""Profiles of bank CSV: what the columns are called and how figures are written. Data, in YAML.

The packaged ones know the headers of a language; whoever has a bank with others writes his own.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.errors import InputRefused
from gateway.intake.cells import Decimals, date_reader
from gateway.intake.opening import EncodingName
from gateway.yaml_source import parse_source, read_source
from models.base import Value

PACKAGED = Path(__file__).resolve().parents[2] / "policies" / "bank-profiles"
FOLDER = "bank-profiles"

Column = Literal[
    "booked_on", "value_on", "amount", "debit", "credit", "direction", "currency", "account", "payer", "payer_iban",
    "remittance", "reference", "end_to_end", "creditor_reference", "type", "balance", "status",
]  # fmt: skip


def _date_form(form: str) -> str:
    date_reader(form)
    return form


Name = Annotated[str, Field(min_length=1, max_length=200)]
DateForm = Annotated[str, AfterValidator(_date_form)]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]


class Directions(Value):
    """What the column `direction` says."""

    credit: Names
    debit: Names


class Kinds(Value):
    """Words in the column `type` that tell what a debit is; all other debits are our own payments."""

    reversal: tuple[Name, ...] = ()
    charge: tuple[Name, ...] = ()


class BankProfile(Value):
    """What the columns of a bank's CSV mean. Columns it does not mention are passed over, if they decide nothing."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    title: str = ""
    columns: dict[Column, Names] = Field(description="field to the names its column may have; the first found counts")
    date_formats: Annotated[tuple[DateForm, ...], Field(min_length=1)] = ("%Y-%m-%d",)
    decimal: Decimals = "point"
    encodings: Annotated[tuple[EncodingName, ...], Field(min_length=1)] = ("utf-8", "cp1252")
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$", description="of a file that does not say it")
    account: str | None = Field(default=None, min_length=1, max_length=64, description="of a file that does not say it")
    directions: Directions | None = None
    kinds: Kinds = Kinds()
    balance_rows: tuple[Name, ...] = Field(
        default=(), description="a row with one of these cells is a balance, no entry"
    )
    booked: tuple[Name, ...] = Field(default=(), description="what `status` says of booked entries; others are ignored")

    @model_validator(mode="after")
    def _says_what_is_needed(self) -> Self:
        if "booked_on" not in self.columns:
            raise ValueError("columns: booked_on is required")
        if "amount" not in self.columns and not {"debit", "credit"} <= self.columns.keys():
            raise ValueError("columns: either amount, or both debit and credit are required")
        if "direction" in self.columns and self.directions is None:
            raise ValueError("directions: say which words of the column direction mean credit and debit")
        if "status" in self.columns and not self.booked:
            raise ValueError("booked: say what the column status has for booked entries")
        return self


def load_bank_profile(name_or_path: str | Path, data_dir: str | Path | None = None) -> BankProfile:
    """A profile by its name, or from a file (anything with a folder or `.yaml` in it).

    Args:
        name_or_path: One of the packaged profiles, of the data folder's `bank-profiles/`, or the path of a file.
        data_dir: The data folder; without it only the packaged profiles have names.

    Raises:
        WrongUsage: There is no such file.
        InputRefused: No profile has that name, or it has faults; each is named with its file, line and field.
    """
    text = str(name_or_path)
    if not (isinstance(name_or_path, Path) or "/" in text or text.endswith((".yaml", ".yml"))):
        known = bank_profile_names(data_dir)
        if text not in known:
            raise InputRefused(f"unknown bank profile {text!r} (known: {', '.join(known)}; or the path of a YAML file)")
        text = str(known[text])
    return _load(text)


def bank_profiles(data_dir: str | Path | None = None) -> list[BankProfile]:
    """Every profile that has a name, own ones first."""
    return [_load(str(path)) for path in bank_profile_names(data_dir).values()]


def bank_profile_names(data_dir: str | Path | None = None) -> dict[str, Path]:
    """The profiles that have a name, and their files; own ones first, the packaged ones keep their names."""
    own = sorted((Path(data_dir) / FOLDER).glob("*.yaml")) if data_dir is not None else []
    return {file.stem: file for file in (*own, *sorted(PACKAGED.glob("*.yaml")))}


def _load(path: str) -> BankProfile:
    profile: BankProfile = parse_source(read_source(path), BankProfile.model_validate, BankProfile)
    return profile
