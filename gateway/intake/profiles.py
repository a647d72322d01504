"""Intake profiles: what the columns of somebody's file mean. Data that a user writes, in YAML.

A profile may map the fate of an invoice too (when it was settled, whether it was disputed): simulations and
the demo read it, nothing else does.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.errors import InputRefused
from gateway.intake.cells import Decimals, date_reader
from gateway.intake.columns import DISPUTED, FIELDS, SETTLED
from gateway.intake.opening import EncodingName
from gateway.yaml_source import parse_source, read_source
from models.base import Value
from models.faults import nearest

PACKAGED = Path(__file__).resolve().parents[2] / "policies" / "profiles"

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FILLED_FROM = ("buyer_id", "number")


def _date_form(form: str) -> str:
    date_reader(form)
    return form


def _known_field(name: str) -> str:
    if name not in FIELDS:
        raise ValueError(f"there is no such field{nearest(name, FIELDS)}")
    return name


def _fillable(text: str) -> str:
    for name in _PLACEHOLDER.findall(text):
        if name not in _FILLED_FROM:
            can = " and ".join(f"{{{source}}}" for source in _FILLED_FROM)
            raise ValueError(f"{{{name}}} cannot be filled in; {can} can")
    return text


CanonicalField = Annotated[str, AfterValidator(_known_field)]
ColumnName = Annotated[str, Field(min_length=1, max_length=200)]
Constant = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_fillable)]


class Flag(Value):
    """A column that says yes by one certain value."""

    column: ColumnName
    value: str = Field(min_length=1)


class Profile(Value):
    """What the columns of a file mean. Columns it does not mention are passed over."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    title: str = ""
    columns: dict[CanonicalField, ColumnName] = Field(min_length=1, description="canonical field to column name")
    date_format: Annotated[str, AfterValidator(_date_form)] = "%Y-%m-%d"
    decimal: Decimals = "point"
    encoding: EncodingName = Field(default="utf-8", description="of a file that is not UTF-8")
    constants: dict[CanonicalField, Constant] = Field(default={}, description="used where the file has no value")
    settled: ColumnName | None = Field(default=None, description="the column with the day of full payment")
    disputed: Flag | None = None

    @property
    def mapping(self) -> dict[str, str]:
        """Every field this profile reads, to its column, the fate of the invoice among them."""
        fate = {SETTLED: self.settled, DISPUTED: self.disputed.column if self.disputed else None}
        return {**self.columns, **{field: column for field, column in fate.items() if column is not None}}


class GuessedProfile(Profile):
    """A profile that nobody wrote: what has two readings under it is refused."""


def load_profile(name_or_path: str | Path, data_dir: str | Path | None = None) -> Profile:
    """A profile by its name, or from a file (anything with a folder or `.yaml` in it).

    Args:
        name_or_path: One of the packaged profiles, of the data folder's `profiles/`, or the path of a file.
        data_dir: The data folder; without it only the packaged profiles have names.

    Raises:
        WrongUsage: There is no such file.
        InputRefused: No profile has that name, or it has faults; each is named with its file, line and field.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text or text.endswith((".yaml", ".yml")):
        source = read_source(text)
    else:
        known = profile_names(data_dir)
        if text not in known:
            raise InputRefused(f"unknown profile {text!r} (known: {', '.join(known)}; or the path of a YAML file)")
        source = read_source(known[text])
    profile: Profile = parse_source(source, Profile.model_validate, Profile)
    return profile


def profile_names(data_dir: str | Path | None = None) -> dict[str, Path]:
    """The profiles that have a name, and their files; the packaged ones keep theirs."""
    own = sorted((Path(data_dir) / "profiles").glob("*.yaml")) if data_dir is not None else []
    return {file.stem: file for file in (*own, *sorted(PACKAGED.glob("*.yaml")))}


# --- constants with placeholders -------------------------------------------------------------------------

_NOT_LOCAL = re.compile(r"[^a-z0-9_-]+")


@lru_cache(maxsize=20_000)
def mailbox(text: str) -> str:
    """`text` as the local part of a mail address: lower case, everything unusual replaced by a hyphen."""
    return _NOT_LOCAL.sub("-", text.lower()).strip("-")[:64] or "buyer"


def fill(field: str, pattern: str, row: dict[str, str]) -> str:
    """A constant with the row's values in its placeholders; in a mail address, made fit for one."""

    def value(match: re.Match[str]) -> str:
        found = row.get(match[1], "")
        return mailbox(found) if field == "email" else found

    return _PLACEHOLDER.sub(value, pattern) if "{" in pattern else pattern
