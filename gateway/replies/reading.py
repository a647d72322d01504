"""Reads a raw mail of unknown origin: its headers as text, its body as text, its reports. Nothing here judges.

Mail from outside may be anything. What cannot be read is refused with a reason; what can be read in part is read in
part. How bytes become text is in `text.py`.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime

from activities.mime import one_line
from gateway.replies.text import decoded, html_to_text, without_quotes
from models import ids

MAX_BYTES = 10 * 2**20
"""What a mail may weigh."""
MAX_PARTS = 200
MAX_LINES = 300_000
"""Ten megabytes of attachments have half as many."""
MAX_TEXT = 100_000
"""How many characters of a body are looked at."""

_MAX_HEADER = 10_000
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_PARSER = BytesParser(policy=compat32)  # the newer policies raise on headers that are broken enough
_REPORTS = {
    "message/delivery-status": "delivery",
    "message/global-delivery-status": "delivery",
    "message/disposition-notification": "disposition",
    "message/global-disposition-notification": "disposition",
}
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")


class MailUnreadable(Exception):
    """The mail cannot be read at all; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """One block of fields of a machine-readable report (RFC 3464, RFC 8098), its names in lower case."""

    kind: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """A mail as far as it could be read."""

    sha256: str
    message_id: str
    """As in its header, angle brackets included; made from its digest when it has none."""
    sender: str
    """The bare address in small letters; empty if there is none."""
    subject: str
    at: datetime | None
    answers: tuple[str, ...]
    """The Message-IDs it refers to, the one it answers first."""
    headers: dict[str, str]
    """The first of each header, names in lower case."""
    text: str
    """Its body as text, quotes included."""
    reports: tuple[Report, ...] = ()
    returned: dict[str, str] | None = None
    """The headers of the mail that a report returns."""

    @property
    def said(self) -> str:
        """The body without what it quotes."""
        return without_quotes(self.text)


def read_mail(raw: bytes) -> IncomingMail:
    """The mail in `raw`.

    Raises:
        MailUnreadable: It is too big, too deeply nested, or no mail.
    """
    if len(raw) > MAX_BYTES:
        raise MailUnreadable(too_big(len(raw)))
    if not re.match(rb"(From |>From |[!-9;-~]{1,100}:)", raw.lstrip(b"\r\n\xef\xbb\xbf")[:200]):
        raise MailUnreadable("it is no mail: it does not begin with a header such as `From: name@example.com`")
    if raw.lower().count(b"boundary") > MAX_PARTS:
        raise MailUnreadable(f"it is nested too deeply (more than {MAX_PARTS} boundaries)")
    if raw.count(b"\n") > MAX_LINES:
        raise MailUnreadable(f"it has more than {MAX_LINES:,} lines, which nobody wrote: look at it yourself")
    try:
        parsed = _PARSER.parsebytes(raw.lstrip(b"\r\n\xef\xbb\xbf"))
        parts = list(_parts(parsed))
        headers, text, (reports, returned) = _headers(parsed), _body(parts), _reports(parts)
    except (RecursionError, ValueError, LookupError, AttributeError, TypeError, IndexError) as error:
        raise MailUnreadable(f"its structure cannot be read ({type(error).__name__})") from error
    if not headers.keys() & {"from", "to", "subject", "message-id", "received", "date"}:
        raise MailUnreadable("it is no mail: it has neither From, To, Subject, Date nor Message-ID")
    sha256 = ids.digest(raw)
    found = _MESSAGE_ID.search(headers.get("message-id", ""))
    return IncomingMail(
        sha256=sha256, message_id=found[0] if found else f"<{sha256[:40]}@no-message-id.invalid>",
        sender=address_of(headers.get("from", "")), subject=headers.get("subject", "")[:500],
        at=_instant(headers.get("date", "")), answers=_answers(headers), headers=headers, text=text,
        reports=reports, returned=returned,
    )  # fmt: skip


def too_big(size: int) -> str:
    """Why a mail of so many bytes is not read."""
    return (
        f"it has {size / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB are read. Read it yourself, and record what it "
        "says with `arrears reply`"
    )


def address_of(header: str) -> str:
    """The first address of a header, in small letters; empty if there is none."""
    with suppress(ValueError, IndexError, TypeError, AttributeError, RecursionError):
        for _, address in getaddresses([header[:2_000]]):
            if "@" in address:
                return one_line(address).lower()[:254]
    return ""


def _headers(part: Message) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in part.raw_items():  # `items` would replace what is not ASCII
        headers.setdefault(str(name).lower(), _header(value))
    return headers


def _header(value: object) -> str:
    text = str(value)[:_MAX_HEADER]
    if "=?" in text:
        with suppress(Exception):  # encoded words can be broken in more ways than the library documents
            text = "".join(
                decoded(word, charset) if isinstance(word, bytes) else word for word, charset in decode_header(text)
            )
    elif any("\udc80" <= c <= "\udcff" for c in text):
        text = decoded(text.encode("utf-8", "surrogateescape"), None)
    return one_line(re.sub(r"\s+", " ", text))


def _instant(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _answers(headers: dict[str, str]) -> tuple[str, ...]:
    found = _MESSAGE_ID.findall(headers.get("in-reply-to", ""))
    # The last reference is the mail that is answered, those before it are its ancestors.
    found += reversed(_MESSAGE_ID.findall(headers.get("references", ""))[-50:])
    return tuple(dict.fromkeys(found))


def _parts(mail: Message) -> Iterator[tuple[Message, bool]]:
    """Every leaf of a mail, in order, with whether it lies inside a mail that is enclosed or returned."""
    waiting: list[tuple[Message, bool]] = [(mail, False)]
    seen = 0
    while waiting:
        part, enclosed = waiting.pop()
        seen += 1
        if seen > MAX_PARTS:
            raise ValueError("too many parts")
        kind = part.get_content_type()
        if kind in _REPORTS or kind in _RETURNED or not part.is_multipart():
            yield part, enclosed
        if part.is_multipart() and kind not in _REPORTS:
            inside = enclosed or kind.startswith("message/")
            waiting.extend((inner, inside) for inner in reversed(_inner(part)))


def _inner(part: Message) -> list[Message]:
    payload = part.get_payload() if part.is_multipart() else []
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _body(parts: list[tuple[Message, bool]]) -> str:
    """The first plain text that says something, else the first HTML as text."""
    for kind in ("text/plain", "text/html"):
        for part, enclosed in parts:
            if enclosed or part.get_content_type() != kind or part.get_content_disposition() == "attachment":
                continue
            text = _text(part)
            text = html_to_text(text) if kind == "text/html" else text
            if text.strip():
                return text[:MAX_TEXT].strip()
    return ""


def _text(part: Message) -> str:
    payload = b""
    with suppress(Exception):  # a broken transfer encoding leaves an empty body, not a broken inbox
        payload = part.get_payload(decode=True) or b""  # type: ignore[assignment]
    charset = None
    with suppress(Exception):
        charset = part.get_content_charset()
    return decoded(payload, charset)


def _reports(parts: list[tuple[Message, bool]]) -> tuple[tuple[Report, ...], dict[str, str] | None]:
    reports: list[Report] = []
    returned: dict[str, str] | None = None
    for part, enclosed in parts:
        kind = part.get_content_type()
        if kind in _REPORTS and not enclosed:
            found = [_headers(block) for block in _inner(part)]
            if not any(found):
                found = [_fields(block) for block in re.split(r"\r?\n\s*\r?\n", _text(part))]
            reports += [Report(_REPORTS[kind], fields) for fields in found if fields]
        elif kind in _RETURNED and returned is None and not enclosed:
            inner = _inner(part)
            returned = (_headers(inner[0]) if inner else _fields(re.split(r"\r?\n\r?\n", _text(part))[0])) or None
    return tuple(reports), returned


def _fields(block: str) -> dict[str, str]:
    """`Name: value` lines, continued ones joined."""
    fields: dict[str, str] = {}
    lines = re.sub(r"\r?\n[ \t]+", " ", block[:MAX_TEXT]).splitlines()
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[!-9;-~]{1,100}", name):
            fields.setdefault(name.lower(), one_line(value))
    return fields
