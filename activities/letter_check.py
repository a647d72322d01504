"""Whether a finished letter says everything it must (R25, R6, R77) and nothing it must not (R26).

Judged is the text that the debtor will read, not what the templates were given: a template that forgets an
element, or a creditor's file that lacks one, is found here before anything leaves the house.
"""

import html as html_entities
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.policy import StepKind


@dataclass(frozen=True, slots=True)
class Expected:
    """What a letter has to say, as it must read.

    An empty value means that it is not known, hence cannot be there.
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
    law_firm: str = ""
    law_firm_contact: tuple[str, ...] = ()
    account: str = ""
    quoted: Sequence[str] = ()
    """Data that the letter quotes; what is said there is not our wording."""


# Any one of these says it; of one, all parts. Plain searches: patterns cost more than rendering the letter.
_DISPUTE = (("if you dispute",), ("if you disagree",), ("if you contest",), ("有异议",))
_RESERVATION = (("reserve the right to claim statutory interest",), ("保留", "法定逾期利息"))
_MARKUP = re.compile(r"<style.*?</style>|<[^>]*>", re.S)


def missing_elements(kind: StepKind, text: str, expected: Expected, *, html: bool = False) -> list[str]:
    """The mandatory elements that a letter does not contain, by name; none if it may be sent.

    Args:
        kind: The step; more is asked of a demand than of a reminder.
        text: The letter as rendered.
        expected: What it has to say.
        html: Whether the text is HTML; then what a reader sees of it is judged.
    """
    seen = _as_read(text, html)
    labels = expected.labels

    def states(label: str, value: str) -> bool:
        return bool(value) and _says(seen, labels[label] + value)

    found = {
        "invoice number": states("number", expected.number),
        "amount": states("demanded", expected.amount),
        "due date": states("due", expected.due),
        "date of the letter": states("date", expected.date),
    }
    if expected.days_overdue > 0:
        found["days overdue"] = states("days_overdue", str(expected.days_overdue))
        found["way to dispute"] = _any_of(_DISPUTE, seen) and _normal(expected.dispute_to) in seen
    if kind != "reminder":
        fee = all(_says(seen, formula) for formula in expected.late_fee)
        found["late-fee formula or reservation"] = fee if expected.late_fee else _any_of(_RESERVATION, seen)
        found["final deadline"] = states("deadline", expected.deadline)
        found["law firm's name"] = states("law_firm", expected.law_firm)
        found["law firm's contact"] = any(_says(seen, contact) for contact in expected.law_firm_contact)
        found["payment details"] = (states("iban", expected.account) or states("account", expected.account)) and states(
            "reference", expected.number
        )
    return [element for element, present in found.items() if not present]


def _as_read(text: str, html: bool) -> str:
    return _normal(html_entities.unescape(_MARKUP.sub(" ", text)) if html else text)


def _normal(text: str) -> str:
    return " ".join(text.split()).replace("： ", "：")


def _any_of(ways: Iterable[tuple[str, ...]], seen: str) -> bool:
    text = seen.lower()
    return any(all(part in text for part in way) for way in ways)


def _says(seen: str, phrase: str) -> bool:
    """Whether the phrase stands there in full: `INV-1` is not said by `INV-12`, nor 1 by 1,000."""
    wanted = _normal(phrase)
    at = seen.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if (at == 0 or seen[at - 1] in " （(：") and (end == len(seen) or seen[end] in " ）)"):
            return True
        at = seen.find(wanted, at + 1)
    return False


# --- tone (R26) ---------------------------------------------------------------------------------------------

_WORD = re.compile(r"[a-z]+")
_STEMS = (
    "criminal", "prosecut", "imprison", "prison", "jail", "fraud", "swindl", "scam", "cheat", "dishonest",
    "deadbeat",
    "shame", "publicis", "publiciz", "publicity", "blacklist", "threat", "warning", "ruin", "destroy",
    "bailiff",
    "neighbour", "neighbor", "newspaper",
)  # fmt: skip
_WORDS = frozenset(
    "police arrest arrests arrested theft thief thieves steal stolen family summons crime crimes".split()
)
_PHRASES = (
    "go public", "make this public", "make it public", "black list", "black-list", "social media",
    "the press",
    "the media", "or else", "warn you", "regret it", "regret this", "court order", "your customers",
    "your employees",
    "your bank", "your employer",
    "刑事", "公安", "报警", "报案", "警方", "警察", "坐牢", "监狱", "逮捕", "拘留", "诈骗", "欺诈", "骗子",
    "偷窃", "老赖",
    "失信", "黑名单", "曝光", "公之于众", "公开披露", "媒体", "威胁", "警告", "后果自负", "自食其果",
    "不客气", "无赖",
    "无耻", "上门堵", "家人", "亲属", "邻居", "查封", "传票", "强制执行",
)  # fmt: skip


def harsh_words(text: str, quoted: Iterable[str] = ()) -> list[str]:
    """The words of a letter that threaten, accuse or expose; quoted data does not count."""
    if not _harsh(text):
        return []
    for data in sorted(quoted, key=len, reverse=True):
        text = text.replace(data, " ")
    return _harsh(text)


def _harsh(text: str) -> list[str]:
    lowered = " ".join(text.lower().split())
    words = sorted(w for w in set(_WORD.findall(lowered)) if w in _WORDS or w.startswith(_STEMS))
    return [*words, *(phrase for phrase in _PHRASES if phrase in lowered)]
