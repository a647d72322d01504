"""Where jurisdictions and rate tables come from: packaged, the data folder, or a file named on the command line.

What they may say is in models/jurisdiction.py and models/rates.py; here are names, files and lines.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.accounts import NAME as ACCOUNTS
from gateway.accounts import PACKAGED as PACKAGED_ACCOUNTS
from gateway.accounts import Accounts
from gateway.bank.csv_profiles import FOLDER as BANK_PROFILES
from gateway.bank.csv_profiles import BankProfile
from gateway.errors import InputRefused
from gateway.holiday_library import listed_codes
from gateway.intake.cells import iso_date
from gateway.policy_files import PACKAGED, check_policy
from gateway.yaml_source import Source, SourceFault, SourceRefused, read_source
from models.calendar import WEEKDAYS
from models.faults import Keys, nearest
from models.jurisdiction import Jurisdiction
from models.rates import RateRow, RateTable, continuity_faults

_JURISDICTIONS, _RATES = "jurisdictions", "rates"

# In the place of a table that was not found or has faults, so that the rest of the file can be looked at.
_SOME_DAY = date(2000, 1, 1)
_SOME_ROW = RateRow(percent=Decimal(0), source="-", verified=False, valid_from=_SOME_DAY, valid_until=_SOME_DAY)
_STAND_IN = RateTable(id="unknown", title="unknown", rates=(_SOME_ROW,))


def load_jurisdiction(code_or_path: str | Path, data_dir: str | Path | None = None) -> Jurisdiction:
    """The jurisdiction of a code (`DE`, `GB`, `US-NY`), or of a file (whatever has a `/` or ends in .yaml or .yml).

    A country without a file of its own has the one that names it, or that one's variant; a code with a hyphen is a
    variant.

    Args:
        code_or_path: Codes are read without regard to capitals.
        data_dir: The data folder; a file of its `policies/jurisdictions/` or `policies/rates/` takes the place of
            the packaged one, as the law moves on faster than releases.

    Raises:
        InputRefused: No jurisdiction has that code (the known ones are listed), or a file has faults.
        WrongUsage: There is no such file.
    """
    text = str(code_or_path)
    if isinstance(code_or_path, Path) or "/" in text or text.endswith((".yaml", ".yml")):
        return _jurisdiction(read_source(text), data_dir)
    code, _, key = text.strip().upper().partition("-")
    files = jurisdiction_files(data_dir)
    found = _named(files[code], code, data_dir) if code in files else _by_country(code, files, data_dir)
    if found is None or (key and key not in found.variants):
        known = ", ".join(jurisdiction_codes(data_dir))
        raise InputRefused(f"unknown jurisdiction {text!r} (known: {known}; or give the path of a YAML file)")
    return found.variant(key) if key else found.of_country(code)


def jurisdiction_files(data_dir: str | Path | None = None) -> dict[str, Path]:
    """The codes that have a file, and their files."""
    return _files(_JURISDICTIONS, data_dir)


def jurisdiction_codes(data_dir: str | Path | None = None) -> list[str]:
    """The codes that can be asked for, those of variants included."""
    codes = []
    for code, file in jurisdiction_files(data_dir).items():
        variants = read_source(file).data.get("variants")
        codes += [code, *(f"{code}-{key}" for key in (variants if isinstance(variants, dict) else ()))]
    return codes


def check_file(path: str | Path, data_dir: str | Path | None = None) -> list[SourceFault]:
    """Everything that is wrong with a policy, jurisdiction, rate table, bank profile or list of accounts, by line.

    What it is, its content tells, else the folder it lies in; a file that fits nothing is judged as a policy.

    Raises:
        WrongUsage: There is no such file.
    """
    source = read_source(path)
    match _subject(source):
        case "jurisdictions":
            return _faults_of_law(source, *_resolved(source, data_dir))
        case "rates":
            return _faults(source, RateTable, source.data, [])
        case "bank-profiles":
            return _faults(source, BankProfile, source.data, [])
        case "accounts":
            return _faults(source, Accounts, source.data, [])
        case _:
            return check_policy(path)


def known_files(data_dir: str | Path | None = None) -> dict[str, Path]:
    """The names by which jurisdictions, rate tables and accounts can be checked, and their files."""
    own = Path(data_dir) / "policies" / f"{ACCOUNTS}.yaml" if data_dir is not None else PACKAGED_ACCOUNTS
    accounts = own if own.exists() else PACKAGED_ACCOUNTS
    return {**_files(_RATES, data_dir), **jurisdiction_files(data_dir), ACCOUNTS: accounts}


def _files(folder: str, data_dir: str | Path | None) -> dict[str, Path]:
    own = Path(data_dir) / "policies" / folder if data_dir is not None else None
    places = [PACKAGED / folder, *([own] if own else [])]
    return {file.stem: file for place in places for file in sorted(place.glob("*.yaml"))}


def _subject(source: Source) -> str:
    keys = set(source.data)
    if "steps" in keys:
        return "policies"
    if keys & {"code", "late_payment", "limitation"}:
        return _JURISDICTIONS
    if "rates" in keys:
        return _RATES
    if ACCOUNTS in keys:
        return ACCOUNTS
    if "columns" in keys and isinstance(source.data["columns"], dict) and "booked_on" in source.data["columns"]:
        return BANK_PROFILES
    return Path(source.file).resolve().parent.name


def _by_country(code: str, files: dict[str, Path], data_dir: str | Path | None) -> Jurisdiction | None:
    if not re.fullmatch("[A-Z]{2}", code):
        return None
    for file_code, file in files.items():
        countries = read_source(file).data.get("countries")
        if isinstance(countries, list) and code in countries:
            return _named(file, file_code, data_dir)
    return None


def _named(file: Path, code: str, data_dir: str | Path | None) -> Jurisdiction:
    source = read_source(file)
    found = _jurisdiction(source, data_dir)
    if found.code != code:
        message = f"the jurisdiction calls itself {found.code!r}, but the file is named {code!r}: make them the same"
        raise SourceRefused(source.located([(("code",), message)]))
    return found


def _jurisdiction(source: Source, data_dir: str | Path | None) -> Jurisdiction:
    data, faults = _resolved(source, data_dir)
    faults = _faults_of_law(source, data, faults)
    if faults:
        raise SourceRefused(faults)
    return Jurisdiction.model_validate(data)


def _resolved(source: Source, data_dir: str | Path | None) -> tuple[dict[str, Any], list[SourceFault]]:
    """The content with each rate table in the place of its name, and what is wrong with those."""
    tables = _files(_RATES, data_dir)
    faults: list[SourceFault] = []

    def rule(given: Any, path: Keys) -> Any:
        name = given.get("reference") if isinstance(given, dict) else None
        if not isinstance(name, str):
            return given
        if name not in tables:
            hint = nearest(name, tables) or f" (known: {', '.join(tables)})"
            faults.extend(source.located([((*path, "reference"), f"there is no rate table {name!r}{hint}")]))
            return {**given, "reference": _STAND_IN}
        table = read_source(tables[name])
        found = _faults(table, RateTable, table.data, [])
        if not found and table.data["id"] != name:
            found = table.located([(("id",), f"the table calls itself {table.data['id']!r}, but its file {name!r}")])
        faults.extend(found)
        return {**given, "reference": _STAND_IN if found else RateTable.model_validate(table.data)}

    data = dict(source.data)
    if "late_payment" in data:
        data["late_payment"] = rule(data["late_payment"], ("late_payment",))
    variants = data.get("variants")
    if isinstance(variants, dict):
        data["variants"] = {
            key: {**given, "late_payment": rule(given.get("late_payment"), ("variants", key, "late_payment"))}
            if isinstance(given, dict)
            else given
            for key, given in variants.items()
        }
    return data, faults


def _faults_of_law(source: Source, data: dict[str, Any], before: list[SourceFault]) -> list[SourceFault]:
    faults = _faults(source, Jurisdiction, data, before)
    return faults or source.located(_unsound(Jurisdiction.model_validate(data), source))


def _unsound(law: Jurisdiction, source: Source) -> Iterator[tuple[Keys, str]]:
    """What no file may say, though it can be read. Files only: a law that a case has pinned is not judged again."""
    if len(set(law.calendar.weekend)) == len(WEEKDAYS):
        yield ("calendar", "weekend"), "names all seven days: leave out those on which business is done"
    holidays = law.calendar.holidays
    packaged = PACKAGED in Path(source.file).resolve().parents  # they are checked by the tests, and read often
    if holidays is not None and not packaged and holidays not in listed_codes():
        message = (
            f"no holidays are known for {holidays!r}: write a country or market such as DE or XECB, or leave it out"
        )
        yield ("calendar", "holidays"), message
    seen: set[str] = set()
    for i, move in enumerate(law.limitation.moves if law.limitation else ()):
        if move.event in seen:
            yield ("limitation", "moves", i, "event"), f"{move.event!r} has an entry already: keep one for each event"
        seen.add(move.event)


def _faults(
    source: Source, model: type[BaseModel], data: dict[str, Any], before: list[SourceFault]
) -> list[SourceFault]:
    faults = [*source.faults, *before]
    if source.readable or not faults:
        try:
            model.model_validate(data)
        except ValidationError as error:
            faults += source.invalid(error, model)
            # Where a row cannot be read, the validation does not come to how the rows follow each other.
            said = {fault.field for fault in faults}
            faults += [f for f in source.located(_broken_tables(data, ())) if f.field not in said]
    return sorted(faults, key=lambda fault: (fault.file != source.file, fault.line))


def _broken_tables(given: Any, path: Keys) -> Iterator[tuple[Keys, str]]:
    if not isinstance(given, dict):
        return
    for key, value in given.items():
        if key == "rates" and isinstance(value, list):
            rows = [(_day_in(row, "valid_from"), _day_in(row, "valid_until")) for row in value]
            yield from (((*path, key, *inner), message) for inner, message in continuity_faults(rows))
        else:
            yield from _broken_tables(value, (*path, key))


def _day_in(row: Any, key: str) -> date | None:
    try:
        return iso_date(row[key])
    except (LookupError, TypeError, ValueError):
        return None
