"""MT940 and MT942 as text: messages, and the tagged fields in them, each with its line. What they mean lives elsewhere.

A field is never lost: what does not begin with a tag that the standard knows belongs to the field before it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

TAGS = frozenset(
    "13 13D 20 21 25 25P 28 28C 34 34F 60 60F 60M 61 62 62F 62M 64 65 86 90 90C 90D NS".split()
)  # fmt: skip
MAX_LINE = 100_000

_TAG = re.compile(r":(\d{2}[A-Z]?|NS):")
_END = re.compile(r"-(\}.*|XXX)?")
_ENVELOPE = re.compile(r"\{1:.*|\{[2-5]:.*|\}")
_UNSEEN = str.maketrans("", "", "\x01\x02\x03\x1a\ufeff")


class Field(NamedTuple):
    """A tagged field: its tag, its text with line ends, and the line on which it begins."""

    tag: str
    text: str
    line: int


@dataclass(slots=True)
class Message:
    """The fields of one message, from :20: to its end."""

    line: int
    envelope: str = ""
    fields: list[Field] = field(default_factory=list)

    def first(self, *tags: str) -> Field | None:
        """The first field that has one of these tags."""
        return next((f for f in self.fields if f.tag in tags), None)

    def all(self, *tags: str) -> list[Field]:
        """The fields that have one of these tags."""
        return [f for f in self.fields if f.tag in tags]


def looks_like_mt(text: str) -> bool:
    """Whether one of the first lines is a field of MT940."""
    for line in text[:4000].translate(_UNSEEN).splitlines()[:20]:
        match = _TAG.match(line)
        if line.startswith("{1:F") or (match and match[1] in TAGS):
            return True
    return False


def messages(text: str) -> Iterator[Message]:
    """The messages of a file, in their order."""
    message: Message | None = None
    envelope = ""
    tag, begun, collected = "", 0, list[str]()

    def close() -> None:
        if message is not None and tag:
            message.fields.append(Field(tag, "\n".join(collected).rstrip(), begun))

    rows = _rows(text)
    for at, (number, row) in enumerate(rows):
        match = _TAG.match(row)
        begins = match is not None and match[1] in TAGS and not _is_text(match[1], tag, rows, at)
        if _END.fullmatch(row.rstrip()) or (_ENVELOPE.match(row) and not begins and tag != "86"):
            close()
            if message is not None:
                yield message
            message, tag, collected = None, "", []
            envelope = row if row.startswith("{1:") else ""
        elif begins and match is not None:
            close()
            if match[1] == "20" and message is not None:
                yield message
                message = None
            if message is None:
                message, envelope = Message(number, envelope), ""
            tag, begun, collected = match[1], number, [row[match.end() :]]
        elif tag:
            collected.append(row)
    close()
    if message is not None:
        yield message


def _rows(text: str) -> list[tuple[int, str]]:
    """The lines and their numbers. A colon that stands alone is the beginning of a tag that was torn apart."""
    found: list[tuple[int, str]] = []
    torn = 0
    for number, row in enumerate(re.split(r"\r\n|\n|\r", text.translate(_UNSEEN)), 1):
        if torn and _TAG.match(f":{row}"):
            found[-1] = (torn, f":{row}")
        else:
            found.append((number, row[:MAX_LINE]))
        torn = number if row.strip() == ":" else 0
    return found


def _is_text(tag: str, open_tag: str, rows: list[tuple[int, str]], at: int) -> bool:
    """Whether what looks like a tag is free text, such as the time in a line `:20:15`.

    A message that begins goes on with its account (:25:) or a related reference (:21:), soon.
    """
    if open_tag != "86":
        return False
    if tag == "20":
        return not any(row.startswith((":25", ":21:", ":NS:", ":28")) for _, row in rows[at + 1 : at + 4])
    return tag in ("13", "21", "28", "34", "60", "62") and _bare_time(rows[at][1])


def _bare_time(row: str) -> bool:
    return re.match(r":\d{2}:\d{2}(\D|$)", row) is not None and not re.match(r":6\d:[DC]", row)
