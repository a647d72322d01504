"""Tells what came in: an answer, a machine's answer, a report on a delivery, a receipt, or our own voice coming back.

It judges one mail by itself, from RFC 3834 (automatic answers), RFC 3464 (delivery reports) and RFC 8098 (receipts),
and from the wording where a program keeps to none of them (`absence.py`). To which case it belongs is found in
`filing.py`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from gateway.replies import absence
from gateway.replies.reading import IncomingMail, Report, address_of
from models.ids import MAIL_MESSAGE_ID

Kind = Literal["reply", "auto_reply", "bounced", "delayed", "delivered", "relayed", "read", "deleted", "loop"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a mail is, why, and which of our notices it speaks of, by its Message-ID, the likeliest first."""

    kind: Kind
    why: str
    notices: tuple[str, ...] = ()
    case: str = ""
    """The case that the returned original names."""
    address: str = ""
    """The address that a report is about."""
    detail: str = ""
    """What the other server said: status code and text."""


def judge(mail: IncomingMail, ours: Collection[str]) -> Judged:
    """What a mail is. `ours` are our own addresses, in small letters."""
    reported = _delivery(mail) or _disposition(mail)
    if reported is not None:
        return reported
    headers = mail.headers
    if "x-arrears-case" in headers:
        return Judged("loop", "it is a mail of ours that came back to us")
    if mail.sender in ours:
        return Judged("loop", f"it comes from our own address {mail.sender}")
    bounced = _informal_bounce(mail)
    if bounced is not None:
        return bounced
    why = _automatic(mail)
    return Judged("auto_reply" if why else "reply", why or "somebody wrote it", mail.answers)


# --- delivery reports ---------------------------------------------------------------------------------------------

_ACTIONS: dict[str, Kind] = {
    "failed": "bounced", "delayed": "delayed", "delivered": "delivered", "expanded": "delivered", "relayed": "relayed",
}  # fmt: skip
_GRAVEST = ("failed", "delayed", "relayed", "expanded", "delivered")
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


def _delivery(mail: IncomingMail) -> Judged | None:
    about = [r.fields for r in mail.reports if r.kind == "delivery" and "action" in r.fields]
    acted = [(fields, fields["action"].split(";")[0].split("(")[0].strip().lower()) for fields in about]
    known = [(fields, action) for fields, action in acted if action in _ACTIONS]
    if not known:
        return None
    fields, action = min(known, key=lambda pair: _GRAVEST.index(pair[1]))
    status = _STATUS.search(fields.get("status", "")) or _STATUS.search(fields.get("diagnostic-code", ""))
    said = _typed(fields.get("diagnostic-code", ""))
    detail = " ".join(part for part in (status[0] if status else "", _MEANS.get(_class(status), ""), said) if part)
    if action == "failed" and status is not None and status[0].startswith("2."):
        action = "delivered"  # Some servers say "failed" of a mail they took; the code counts.
    address = _typed(fields.get("final-recipient", "")) or _typed(fields.get("original-recipient", ""))
    return Judged(
        _ACTIONS[action], f"a delivery report says: {action}", _originals(mail), _named_case(mail),
        address_of(address) or address[:254], detail[:500],
    )  # fmt: skip


def _class(status: re.Match[str] | None) -> str:
    return status[0].partition(".")[2] if status else ""


# RFC 3463, the codes that tell an operator what to do.
_MEANS = {
    "1.1": "no such mailbox", "1.2": "no such domain", "1.3": "not a valid address", "1.10": "takes no mail at all",
    "2.0": "mailbox problem", "2.1": "mailbox closed", "2.2": "mailbox full", "2.3": "message too big for the mailbox",
    "3.4": "message too big", "4.1": "no answer from the host", "4.4": "no route to the host",
    "4.7": "delivery time over", "7.1": "refused by the receiver's rules",
}  # fmt: skip


def _typed(value: str) -> str:
    """A value such as `rfc822; a@b.example` without its type."""
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"[\w.-]{1,40}", kind.strip()) else value.strip()


def _originals(mail: IncomingMail) -> tuple[str, ...]:
    """The Message-IDs that a report may be about."""
    returned = mail.returned or {}
    given = [returned.get("message-id", "")]
    for report in mail.reports:
        given += [report.fields.get(name, "") for name in ("original-message-id", "x-original-message-id")]
    found = [match for text in given for match in re.findall(r"<[^<>\s]+>", text)]
    return tuple(dict.fromkeys([*found, *mail.answers, *MAIL_MESSAGE_ID.findall(mail.text)]))


def _named_case(mail: IncomingMail) -> str:
    return (mail.returned or {}).get("x-arrears-case", "")


_DAEMON = re.compile(r"^(mailer-daemon|postmaster|mail-daemon|mdaemon|noreply-bounce)\b", re.IGNORECASE)
_UNDELIVERED = re.compile(
    r"undeliver|delivery (status|failure|has failed|problem)|returned mail|mail delivery|failure notice|not delivered"
    r"|unzustellbar|nicht zugestellt|zustellung fehlgeschlagen|non remis|échec de la remise|non distribué|no entregad"
    r"|no se ha podido entregar|error de entrega|退信|投递失败|无法投递|未送达|系统退信",
    re.IGNORECASE,
)  # fmt: skip
_REPLY_CODE = re.compile(r"\b(5\d\d[ -]+(?:5\.\d{1,3}\.\d{1,3}\b)?[^\n]{0,200}|5\.\d{1,3}\.\d{1,3}\b[^\n]{0,200})")
_WAITS = re.compile(r"\b(delayed|will retry|retrying|still trying|warning message|verzögert|retardé|retrasad)|延迟")


def _informal_bounce(mail: IncomingMail) -> Judged | None:
    """A bounce in prose, of servers that do not keep to RFC 3464."""
    daemon = _DAEMON.match(mail.sender) is not None or mail.headers.get("return-path", "").strip() == "<>"
    if not (daemon and _UNDELIVERED.search(f"{mail.subject}\n{mail.text[:2_000]}")):
        return None
    failed = mail.headers.get("x-failed-recipients", "")
    address = address_of(failed) or next(iter(re.findall(r"[^\s<>@:,;\"]+@[^\s<>@:,;\"]+\w", mail.text[:5_000])), "")
    said = _REPLY_CODE.search(mail.text[:10_000])
    waits = said is None and _WAITS.search(f"{mail.subject}\n{mail.text[:2_000]}".lower()) is not None
    detail = " ".join(said[0].split()) if said else "the report gives no code"
    why = f"{mail.sender or 'a mail server'} reports in prose"
    kind: Kind = "delayed" if waits else "bounced"
    return Judged(kind, why, _originals(mail), _named_case(mail), address.lower()[:254], detail[:300])


def _disposition(mail: IncomingMail) -> Judged | None:
    report = next((r for r in mail.reports if r.kind == "disposition" and "disposition" in r.fields), None)
    if report is None:
        return None
    done = report.fields["disposition"].partition(";")[2].split("/")[0].strip().lower()
    kind: Kind = {"displayed": "read", "deleted": "deleted"}.get(done, "auto_reply")  # type: ignore[assignment]
    why = f"a receipt says: {done or 'nothing'}"
    return Judged(kind, why, _originals(mail), _named_case(mail), _reader(report), report.fields["disposition"][:300])


def _reader(report: Report) -> str:
    fields = report.fields
    return address_of(_typed(fields.get("final-recipient", "") or fields.get("original-recipient", "")))


# --- machines that answer -----------------------------------------------------------------------------------------

_MARKS = ("x-autoreply", "x-autorespond", "x-autoresponse", "x-autogenerated", "x-vacation", "x-mail-autoreply")
_BULK = frozenset({"bulk", "junk", "auto_reply"})


def _automatic(mail: IncomingMail) -> str:
    """Why a mail was written by a machine; empty if a person wrote it, as far as can be told."""
    headers = mail.headers
    submitted = headers.get("auto-submitted", "no").split(";")[0].strip().lower()
    if submitted not in ("no", ""):
        return f"its header says Auto-Submitted: {submitted}"
    for mark in _MARKS:
        if headers.get(mark, "no").strip().lower() not in ("no", "false", ""):
            return f"it has the header {mark}"
    if headers.get("precedence", "").strip().lower() in _BULK:
        return f"its header says Precedence: {headers['precedence'].strip().lower()}"
    # Where our reply address is a list, answers to us carry its marks, too.
    if not mail.answers and ("list-unsubscribe" in headers or "list-id" in headers):
        return "it went to a mailing list"
    if absence.in_subject(mail.subject, mail.said):
        return f"its subject is that of an automatic answer: {mail.subject[:100]}"
    if absence.and_nothing_else(mail.said):
        return "it says that somebody is away, and nothing else"
    return ""
