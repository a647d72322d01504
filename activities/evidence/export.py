"""The evidence of one case as a zip that opens, and can be checked, without our software.

The same ledger gives the same bytes, but for the histories of the server, which go on while a case runs. The tables are
made in documents.py; the check that travels with them is verify_export.py.
"""

import email
import email.policy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from activities.bundle import notice_suffix, safe_name, text_file, zipped
from activities.evidence import documents
from activities.evidence.record import CaseRecord, notice_bytes
from activities.evidence.verify_export import MANIFEST, canonical
from activities.histories import History
from activities.rendering import text_template
from activities.tables import DEPARTED
from models import events as e
from models import ids
from models.books import debtor_day

ABOUT = {
    "README.txt": "what this is, and how to check it",
    "SHA256SUMS": "the SHA-256 of every file, for `sha256sum -c`",
    "verify.py": "checks all of it; needs Python 3.8 or later, nothing else",
    "chain.jsonl": "the entries of the case, with the bytes that were hashed",
    "chain/": "an entry each, exactly the bytes that were hashed; SHA256SUMS for `sha256sum -c`",
    "invoice.json": "the invoice with its buyer, the bytes whose SHA-256 entry 1 names",
    "policies/": "the rules that governed the case, the bytes whose SHA-256 is the digest",
    "timeline.csv": "everything that happened, in order",
    "timeline.html": "everything that happened, to read",
    "statement.csv": "statement of account",
    "statement.html": "statement of account, to read",
    "interest.csv": "interest, segment by segment, with the source of each rate",
    "interest.html": "interest, to read",
    "correspondence.csv": "every message, refused ones included",
    "correspondence.html": "every message, to read",
    "messages.json": "every message, as it came in",
    "tasks.csv": "what people had to do",
    "tasks.html": "what people had to do, to read",
    "notices.csv": "every notice with its step, recipient, balance, approver and proof",
    "notices/": "what left, as it left; a PDF that was attached also as a file of its own",
    "receipts.csv": "what became of the notices: delivered, read, posted, came back",
    "receipts.html": "what became of the notices, to read",
    "replies/": "the mails that came in, byte for byte; replies.csv says what each was taken for",
    "replies.csv": "the mails that came in, what each was taken for, and the notice it answers",
    "not-sent/": "notices that were written and never left",
    "history/": "the histories of the case's workflow, for the Temporal UI and replayer",
}
_MAX_ATTACHED = 50


@dataclass(frozen=True, slots=True)
class Export:
    """A finished export, and what it is worth noting down."""

    content: bytes
    files: int
    sequence: int
    head_hash: str
    manifest_sha256: str


def export(
    record: CaseRecord, engine: Engine, histories: Sequence[History], missing: str = "", as_of: date | None = None,
    mails: Mapping[str, bytes] | None = None,
) -> Export:  # fmt: skip
    """Pack the evidence of a case.

    Args:
        record: The case, whose entries hold.
        engine: Where the bytes of its notices are.
        histories: The histories of its runs.
        missing: Why histories are missing; empty if none are.
        as_of: The day up to which interest is counted; the day of the last entry if None.
        mails: The mails of its replies, by their digests.

    Raises:
        ValueError: The entries of the case cannot be read.
    """
    moments = record.moments
    last = moments[-1]
    ended = last.event.at or last.case.opened_at
    letters, digests, names = _notices(record, engine)
    answers, answer_names = _replies(record, mails or {})
    files = {
        **_chain(record), **_policies(record), **letters, **_histories(histories, missing),
        "invoice.json": record.head.content.encode(),
        **documents.timeline(record), **documents.statement(record),
        **documents.interest(record, as_of or debtor_day(last.case.invoice, ended)),
        **documents.correspondence(record), **documents.tasks(record), **documents.notices(record, names),
        **documents.receipts(record, names), **documents.replies(record, answer_names, names), **answers,
        "messages.json": _messages(record),
        "verify.py": Path(__file__).with_name("verify_export.py").read_bytes(),
    }  # fmt: skip
    gone = len(record.replies) - len(answers)
    lacking = f"{gone} of the mails that came in are no longer kept: replies.csv names them." if gone else ""
    files["README.txt"] = _readme(record, files, "\n".join(filter(None, (missing, lacking))))
    files["SHA256SUMS"] = "".join(f"{ids.digest(files[name])}  {name}\n" for name in sorted(files)).encode()
    manifest: dict[str, Any] = {
        "format": 1, "case_id": record.case_id, "creditor": record.head.creditor, "invoice": record.head.number,
        "sequence": last.row.sequence, "head_hash": last.row.hash, "last_entry_at": documents.instant(ended),
        "notices": digests,
        "files": {
            name: {"sha256": ids.digest(content), "bytes": len(content), "about": _about(name)}
            for name, content in files.items()
        },
    }  # fmt: skip
    manifest["digest"] = ids.digest(canonical(manifest))
    packed = {**files, MANIFEST: canonical(manifest)}
    folder = f"evidence-{safe_name(record.head.creditor)}-{safe_name(record.head.number)}"
    return Export(
        zipped(folder, packed, ended), len(packed), last.row.sequence, last.row.hash, ids.digest(packed[MANIFEST])
    )


def _about(name: str) -> str:
    return ABOUT.get(name) or ABOUT.get(name.partition("/")[0] + "/", "")


def _chain(record: CaseRecord) -> dict[str, bytes]:
    """The entries as JSON Lines, and each as the very bytes that were hashed."""
    lines, files, sums = [], {}, []
    for row in record.entries:
        entry = {"sequence": row.sequence, "previous": row.previous, "hash": row.hash, "content": row.content}
        lines.append(json.dumps(entry, ensure_ascii=True) + "\n")
        name = f"{row.sequence:06d}.txt"
        files[f"chain/{name}"] = f"{row.previous}\n{row.case_id}\n{row.sequence}\n{row.content}".encode()
        sums.append(f"{row.hash}  {name}\n")
    return {"chain.jsonl": "".join(lines).encode(), "chain/SHA256SUMS": "".join(sums).encode(), **files}


def _policies(record: CaseRecord) -> dict[str, bytes]:
    """The policy of the opening as stored, and every one that the case was moved to."""
    opening = record.policy
    files = {f"policies/{opening.policy_id}-v{opening.version}-{opening.digest[:12]}.json": opening.content.encode()}
    for moment in record.moments:
        if isinstance(moment.event, e.PolicyChanged):
            policy = moment.event.policy
            files[f"policies/{policy.id}-v{policy.version}-{policy.digest[:12]}.json"] = policy.content.encode()
    return files


def _notices(record: CaseRecord, engine: Engine) -> tuple[dict[str, bytes], dict[str, str], dict[str, str]]:
    """The notices by file name, the digests taken before they left, and the file names by Message-ID."""
    performed = {d.notice: d.performed_at for d in record.moments[-1].case.performed}
    rows = sorted(record.notices, key=lambda r: (performed.get(r.message_id, r.composed_at), r.message_id))
    files: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    names: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        content = notice_bytes(engine, row.message_id) or b""
        folder = "notices" if row.status in DEPARTED else "not-sent"
        # The case's own instants count: under time-lapse a mail's is another one than the server saw.
        day = performed.get(row.message_id, row.composed_at).astimezone(UTC)
        stem = f"{folder}/{number:03d}-{safe_name(row.step)}-{day:%Y%m%d}"
        name = f"{stem}.{notice_suffix(row.channel, content)}"
        files[name], digests[name], names[row.message_id] = content, row.sha256, name
        if row.channel == "email":
            files |= {f"{stem}-{pdf}": attached for pdf, attached in _attached_pdfs(content)}
    return files, digests, names


def _replies(record: CaseRecord, mails: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The mails that came in by file name, and the file names by digest."""
    names = {
        row.sha256: f"replies/{number:03d}-{row.kind}-{row.filed_at.astimezone(UTC):%Y%m%d}.eml"
        for number, row in enumerate(record.replies, 1)
        if row.sha256 in mails
    }
    return {name: mails[sha256] for sha256, name in names.items()}, names


def _attached_pdfs(content: bytes) -> list[tuple[str, bytes]]:
    message = email.message_from_bytes(content, policy=email.policy.default)
    found: list[tuple[str, bytes]] = []
    for part in message.walk():
        if (
            len(found) < _MAX_ATTACHED
            and isinstance(part, EmailMessage)
            and part.get_content_type() == "application/pdf"
        ):
            payload = part.get_payload(decode=True)
            given = Path(str(part.get_filename() or "letter.pdf").replace("\\", "/")).name
            name = f"{len(found) + 1}-{safe_name(given.removesuffix('.pdf'))}.pdf"
            found.append((name, payload if isinstance(payload, bytes) else b""))
    return found


def _messages(record: CaseRecord) -> bytes:
    rows = [
        {
            "type": row.type, "reference": row.reference, "content": row.content, "by": row.by, "source": row.source,
            "status": row.status, "answer": row.answer, "stored_at": documents.instant(row.stored_at),
        }
        for row in record.messages
    ]  # fmt: skip
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def _histories(histories: Sequence[History], missing: str) -> dict[str, bytes]:
    files = {f"history/{n:03d}-{safe_name(h.run_id)}.json": h.content for n, h in enumerate(histories, 1)}
    return {**files, "history/MISSING.txt": text_file(missing)} if missing else files


def _readme(record: CaseRecord, files: dict[str, bytes], missing: str) -> bytes:
    last = record.moments[-1]
    names = {
        f"{name.partition('/')[0]}/" if "/" in name else name for name in (*files, "README.txt", "SHA256SUMS", MANIFEST)
    }
    text = text_template("evidence_readme.txt").render(
        number=record.head.number, creditor=record.head.creditor, case_id=record.case_id, sequence=last.row.sequence,
        last_at=documents.instant(last.event.at), hash=last.row.hash, missing=missing,
        contents=[(name, ABOUT.get(name, "the SHA-256 of every file")) for name in sorted(names)],
    )  # fmt: skip
    return text_file(text)
