"""Whether a finished letter says everything it must (R25, R6, R77) and nothing it must not (R26).

Judged is the text that the debtor will read, not what the templates were given: a template that forgets an
element, or a creditor's file that lacks one, is found here before anything leaves the house.
"""

import html as html_entities
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from unicodedata import normalize

from activities.letter_content import kind_of
from activities.wording import LANGUAGES, WORD, harsh_list, wording_for


@dataclass(frozen=True, slots=True)
class ExpectedLine:
    """What a letter about several invoices has to say of one."""

    number: str
    amount: str
    due: str
    days_overdue: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a letter has to say, as it must read.

    An empty value means that it is not known, hence cannot be there. Of several invoices, `number`, `due` and
    `days_overdue` are those of the first, and `lines` holds all of them.
    """

    labels: Mapping[str, str]
    number: str
    amount: str
    due: str
    date: str
    days_overdue: int
    deadline: str
    dispute_to: str
    late_fee: tuple[str, ...] = ()
    per_day: str = ""
    law_firm: str = ""
    law_firm_contact: tuple[str, ...] = ()
    account: str = ""
    quoted: Sequence[str] = ()
    """Data that the letter quotes; what is said there is not our wording."""
    lines: tuple[ExpectedLine, ...] = ()
    reference: str = ""
    """What a payment has to quote; empty stands for the number."""
    parties: tuple[str, ...] = ()
    third_party: str = ""
    third_party_contact: tuple[str, ...] = ()
    instalments: tuple[tuple[str, str], ...] = ()
    received: tuple[tuple[str, str], ...] = ()
    has_late_fee: bool = True
    """Whether the invoices have a late fee that is stated; else a demand reserves the interest."""


def _ways(what: str) -> tuple[tuple[str, ...], ...]:
    return tuple(dict.fromkeys(way for language in LANGUAGES for way in wording_for(language)[0].says[what]))


# Any one of these says it; of one, all parts. Plain searches: patterns cost more than rendering the letter.
_DISPUTE, _RESERVATION, _DEMAND = _ways("dispute"), _ways("reservation"), _ways("demand")
MARKUP = re.compile(r"<style.*?</style>|<[^>]*>", re.S)


def missing_elements(
    kind: str, text: str, expected: Expected, *, html: bool = False, needs: Iterable[str] = ()
) -> list[str]:
    """The mandatory elements that a letter does not contain, by name; none if it may be sent.

    Args:
        kind: Which letter, or the step's kind; more is asked of a demand than of a reminder.
        text: The letter as rendered.
        expected: What it has to say.
        html: Whether the text is HTML; then what a reader sees of it is judged.
        needs: Elements that the debtor's jurisdiction asks for besides.
    """
    seen = _as_read(text, html)
    checks = _checks(seen, expected, not (html and expected.lines), _normal, _says)
    return _lacking(kind, checks, expected, needs)


def missing_in_print(kind: str, text: str, expected: Expected, needs: Iterable[str] = ()) -> list[str]:
    """As `missing_elements`, of the text that stands on printed pages.

    There a value stands beside its label or in a column, and any line may end within it: values count, blanks do not.
    """
    bare = replace(expected, labels=dict.fromkeys(expected.labels, ""))
    return _lacking(kind, _checks(_unspaced(text), bare, not expected.lines, _unspaced, _shows), expected, needs)


def _lacking(
    kind: str, checks: Mapping[str, Callable[[], bool]], expected: Expected, needs: Iterable[str]
) -> list[str]:  # fmt: skip
    which = kind_of(kind)
    wanted = ["invoice number", "amount", "due date", "date of the letter", "parties"]
    if which.overdue and expected.days_overdue > 0:
        wanted += ["days overdue", "way to dispute"]
    if which.overdue and which.late_fee and expected.late_fee:
        wanted += ["per-diem"]
    if kind == "statement_of_account":
        wanted += ["way to dispute"]
    if which.demand:
        wanted += ["late-fee formula or reservation", "final deadline", "law firm's name", "law firm's contact",
                   "payment details"]  # fmt: skip
    if which.third_party:
        wanted += ["third party's name"] if which.demand else ["third party's name", "third party's contact"]
    if which.instalments:
        wanted += ["instalments", "payment details"]
    if kind == "correction":
        wanted += ["payment received"]
    return [element for element in dict.fromkeys([*wanted, *needs]) if not checks[element]()]


def _checks(
    seen: str, expected: Expected, labelled: bool, form: Callable[[str], str], says: Callable[[str, str], bool]
) -> dict[str, Callable[[], bool]]:  # fmt: skip
    """Each element with its check. A table of several invoices has its labels in the head, not before each value."""
    labels = expected.labels

    def states(label: str, value: str) -> bool:
        return bool(value) and says(seen, labels[label] + value)

    def each(label: str, values: Iterable[str]) -> bool:
        return all(states(label, value) if labelled else bool(value) and says(seen, value) for value in values)

    def any_of(ways: Iterable[tuple[str, ...]]) -> bool:
        text = seen.lower()
        return any(all(form(part) in text for part in way) for way in ways)

    def all_in(rows: Iterable[tuple[str, ...]]) -> bool:
        return all(says(seen, value) for row in rows for value in row)

    lines = expected.lines
    days = [str(line.days_overdue) for line in lines if line.days_overdue > 0]
    late_fee = expected.late_fee
    reference = expected.reference or expected.number
    return {
        "invoice number": lambda: (
            each("number", (line.number for line in lines)) if lines else states("number", expected.number)
        ),
        "amount": lambda: (
            states("demanded", expected.amount) and (not labelled or each("open", (line.amount for line in lines)))
        ),
        "due date": lambda: each("due", (line.due for line in lines)) if lines else states("due", expected.due),
        "date of the letter": lambda: states("date", expected.date),
        "parties": lambda: all(form(name) in seen for name in expected.parties),
        "days overdue": lambda: (
            each("days_overdue", days) if lines else states("days_overdue", str(expected.days_overdue))
        ),
        "way to dispute": lambda: any_of(_DISPUTE) and form(expected.dispute_to) in seen,
        "late-fee formula or reservation": lambda: (
            all(says(seen, formula) for formula in late_fee) if late_fee else any_of(_RESERVATION)
        ),
        "per-diem": lambda: not expected.per_day or says(seen, expected.per_day),
        "final deadline": lambda: states("deadline", expected.deadline),
        "law firm's name": lambda: states("law_firm", expected.law_firm),
        "law firm's contact": lambda: any(says(seen, contact) for contact in expected.law_firm_contact),
        "payment details": lambda: (
            (states("iban", expected.account) or states("account", expected.account)) and states("reference", reference)
        ),
        "third party's name": lambda: bool(expected.third_party) and form(expected.third_party) in seen,
        "third party's contact": lambda: any(says(seen, contact) for contact in expected.third_party_contact),
        "instalments": lambda: bool(expected.instalments) and all_in(expected.instalments),
        "payment received": lambda: bool(expected.received) and all_in(expected.received),
        "demand": lambda: any_of(_DEMAND),
    }


def _as_read(text: str, html: bool) -> str:
    return _normal(html_entities.unescape(MARKUP.sub(" ", text)) if html else text)


def _normal(text: str) -> str:
    return " ".join(text.split()).replace("： ", "：")


def _unspaced(text: str) -> str:
    return re.sub(r"[\s\u200b\u00ad]+", "", text)


def _shows(seen: str, phrase: str) -> bool:
    """Whether printed pages show the phrase; the result of a sum stands in a column of its own."""
    return all(_unspaced(part) in seen for part in phrase.split(" = "))


def _says(seen: str, phrase: str) -> bool:
    """Whether the phrase stands there in full: `INV-1` is not said by `INV-12`, nor 1 by 1,000."""
    wanted = _normal(phrase)
    at = seen.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if (at == 0 or _parts(seen[at - 1])) and (end == len(seen) or _parts(seen[end]) or _ends(seen, end)):
            return True
        at = seen.find(wanted, at + 1)
    return False


def _parts(sign: str) -> bool:
    """Whether a value may end at this sign: a blank or a bracket, or the punctuation of a Chinese sentence."""
    return sign in " （）()：，。；、" or "\u4e00" <= sign <= "\u9fff"


def _ends(seen: str, end: int) -> bool:
    """Whether a sentence goes on here: a full stop or comma with a blank behind it parts, as in `1,000.00, and`."""
    return seen[end] in ".,;*" and (end + 1 == len(seen) or seen[end + 1] == " ")


# --- tone (R26) ---------------------------------------------------------------------------------------------


def harsh_words(text: str, quoted: Iterable[str] = (), language: str | None = None) -> list[str]:
    """The words of a letter that threaten, accuse or expose; quoted data does not count.

    Args:
        text: Subject and text.
        quoted: Data in it, which is not our wording.
        language: Whose word list counts, besides the English one, as English is understood everywhere; without
            it English and Chinese.
    """
    languages = ("en", "zh") if language is None else tuple(dict.fromkeys((language, "en")))
    if not _harsh(text, languages):
        return []
    for data in sorted(quoted, key=len, reverse=True):
        text = text.replace(data, " ")
    return _harsh(text, languages)


# What does not show in print, and blanks between Chinese characters: neither may hide a word.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
    "|(?<=[\u4e00-\u9fff])[ \u3000]+(?=[\u4e00-\u9fff])"
)


def _harsh(text: str, languages: Sequence[str]) -> list[str]:
    lowered = " ".join(_UNSEEN.sub("", normalize("NFKC", text)).lower().split())
    words = set(WORD.findall(lowered))
    found: list[str] = []
    for given in map(harsh_list, languages):
        found += sorted(word for word in words if word in given.words or word.startswith(given.stems))
        found += [phrase for phrase in given.phrases if phrase in lowered]
    return list(dict.fromkeys(found))
