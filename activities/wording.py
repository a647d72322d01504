"""How labels, dates, sums and rates read in each language of our letters.

The words are data: `templates/<language>/language.yaml`; the sentences are in the templates beside it. A further
language is one more folder.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from models.interest import LateFee, Segment
from models.money import Money

TEMPLATES = Path(__file__).parent / "templates"
"""Where the words are."""

Forms = tuple[str, str]
"""A phrase for one, and for any other number."""


@dataclass(frozen=True)
class Wording:
    """One language.

    `labels` end in what parts them from their value; `joiner` joins the lines of a paragraph. `says` holds, per
    mandatory statement, the phrases of which any says it (of a phrase, all parts).
    """

    language: str
    name: str
    region: str
    joiner: str
    comma: str
    last_comma: str
    colon: str
    address_joiner: str
    date_form: str
    months: tuple[str, ...]
    day_forms: Forms
    day_forms_dative: Forms
    what_forms: Forms
    instalment_forms: Forms
    money_form: str
    group: str
    decimal: str
    percent_form: str
    per_day: str
    per_year: str
    page: str
    amounts_in: str
    file_names: Mapping[str, str]
    labels: Mapping[str, str]
    says: Mapping[str, tuple[tuple[str, ...], ...]]
    first_of_month: str = ""
    again: str = ""
    """What stands before every further date of a list: `le 4 mars et le 11 mars`."""

    def number(self, money: Money) -> str:
        """The amount without its currency."""
        return self._grouped(f"{money.amount:,}")

    def _grouped(self, english: str) -> str:
        if (self.group, self.decimal) == (",", "."):
            return english
        return english.translate({ord(","): self.group, ord("."): self.decimal})

    def money(self, money: Money) -> str:
        """`USD 1,234.50`: with the code, which no reader can take for another currency."""
        return self.money_form.format(currency=money.currency, amount=self.number(money))

    def calendar_day(self, day: date) -> str:
        """The date in words, so that day and month cannot be confused."""
        form = self.first_of_month if self.first_of_month and day.day == 1 else self.date_form
        return form.format(day=day.day, month=self.months[day.month - 1], year=day.year)

    def span(self, start: date, end: date) -> str:
        """A stretch of days, both ends included."""
        return self.calendar_day(start) if start == end else f"{self.calendar_day(start)} – {self.calendar_day(end)}"

    def listed(self, items: Sequence[str]) -> str:
        """Several things in a sentence: `a, b and c`."""
        return self.last_comma.join(filter(None, (self.comma.join(items[:-1]), *items[-1:])))

    def listed_days(self, days: Sequence[str]) -> str:
        """Several dates behind the word that a sentence has before the first."""
        return self.listed([*days[:1], *(self.again + day for day in days[1:])])

    def days(self, number: int) -> str:
        """A number of days, as figures and sums have it."""
        return _form(self.day_forms, number).format(n=number)

    def days_within(self, number: int) -> str:
        """A number of days behind a preposition, such as `within` or `for`."""
        return _form(self.day_forms_dative, number).format(n=number)

    def instalments(self, number: int) -> str:
        """A number of instalments."""
        return _form(self.instalment_forms, number).format(n=number)

    def what(self, numbers: Sequence[str]) -> str:
        """What a letter is about: one invoice by its number, several by their count."""
        return _form(self.what_forms, len(numbers)).format(number=numbers[0], n=len(numbers))

    def percent(self, fee: LateFee) -> str:
        """A late fee's percentage."""
        return self.percent_form.format(n=self._grouped(f"{fee.percent.normalize():f}"))

    def rate(self, fee: LateFee) -> str:
        """A late fee's rate."""
        return (self.per_day if fee.per == "day" else self.per_year).format(percent=self.percent(fee), basis=fee.basis)

    def calculation(self, segment: Segment) -> str:
        """The sum behind one segment of interest, without its result."""
        fee = segment.fee
        basis = "" if fee.per == "day" else f" ÷ {fee.basis}"
        return f"{self.money(segment.balance)} × {self.percent(fee)} × {self.days(segment.days)}{basis}"

    def formula(self, segment: Segment) -> str:
        """The sum behind one segment of interest, to be checked with a pocket calculator."""
        return f"{self.calculation(segment)} = {self.money(segment.amount)}"


def _form(forms: Forms, number: int) -> str:
    return forms[0] if number == 1 else forms[1]


def _read(file: Path) -> Any:
    return yaml.load(file.read_text("utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@lru_cache(maxsize=64)
def _language(language: str) -> Wording:
    given: dict[str, Any] = dict(_read(TEMPLATES / language / "language.yaml"))
    days = given.pop("days")
    forms = {
        "day_forms": days, "day_forms_dative": given.pop("days_dative", days), "what_forms": given.pop("what"),
        "instalment_forms": given.pop("instalments"), "money_form": given.pop("money"), "date_form": given.pop("date"),
        "percent_form": given.pop("percent"), "months": given.pop("months"),
    }  # fmt: skip
    says = {key: tuple(tuple(way) for way in ways) for key, ways in given.pop("says").items()}
    return Wording(**given, **{key: _texts(value) for key, value in forms.items()}, says=says)


def _texts(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


LANGUAGES: tuple[str, ...] = tuple(sorted(file.parent.name for file in TEMPLATES.glob("*/language.yaml")))
"""The languages of our letters."""
ENGLISH = _language("en")
CHINESE = _language("zh")


def wording_for(language: str, otherwise: str | None = None) -> tuple[Wording, str]:
    """The wording for a contact's language, and a note for the record where it had to be another one.

    Args:
        language: A language tag such as `de` or `zh-CN`.
        otherwise: The creditor's language, for letters in a language that is not ours; without it English.
    """
    known = language.partition("-")[0].lower()
    if known in LANGUAGES:
        return _language(known), ""
    second = (otherwise or "").partition("-")[0].lower()
    wording = _language(second) if second in LANGUAGES else ENGLISH
    # The notes are for operators, who read English.
    called = {"en": "English", "zh": "Chinese", "de": "German", "fr": "French", "es": "Spanish"}
    return wording, f"there are no letters in {language!r}: written in {called.get(wording.language, wording.language)}"


# --- tone (R26) ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HarshWords:
    """What no letter may say in one language: beginnings of words, whole words, stretches of text."""

    stems: tuple[str, ...]
    words: frozenset[str]
    phrases: tuple[str, ...]


@lru_cache(maxsize=64)
def harsh_list(language: str) -> HarshWords:
    """The list of a language; it lies beside its words as `harsh.yaml`, for people to review."""
    given = _read(TEMPLATES / language / "harsh.yaml")
    return HarshWords(tuple(given["stems"]), frozenset(given["words"]), tuple(given["phrases"]))


WORD = re.compile(r"[^\W\d_]+")
"""A word of any script."""
