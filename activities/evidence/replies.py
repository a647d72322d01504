"""Checks the mails that came in: their bytes, and that every one of which a case was told is listed as it was told.

The bytes lie in the data folder, under the digest that the ledger names.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from activities.database import reading
from activities.evidence.findings import Finding
from activities.evidence.record import steady
from activities.tables import EVENTS, MESSAGES, REPLIES
from models import ids

Archived = Callable[[str], bytes | None]
"""The bytes of a mail by its digest; None if they are not there."""

_TOLD = ("debtor_replied", "contact_lost")
"""What a case is told of a mail; its reference is the digest of the mail's Message-ID."""


class ReplyCheck:
    """One check of the mails of a case, or of all. `findings` yields what is wrong; then `replies` is their number."""

    def __init__(self, engine: Engine, archived: Archived, case_id: str | None = None) -> None:
        """Over the ledger's engine and the archive."""
        self._engine, self._archived, self._case_id = engine, archived, case_id
        self.replies = 0

    def findings(self) -> Iterator[Finding]:
        """Every mail that is not what came in, or is not there."""
        columns = (REPLIES.c.sha256, REPLIES.c.case_ids, REPLIES.c.message_id, REPLIES.c.subject, REPLIES.c.text)
        query = sa.select(*columns).order_by(REPLIES.c.filed_at, REPLIES.c.sha256)
        if self._case_id is not None:
            query = query.where(REPLIES.c.case_ids.contains(json.dumps(self._case_id), autoescape=True))
        texts: dict[tuple[str, str], set[str]] = {}
        with reading(steady(self._engine)) as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                self.replies += 1
                cases = _cases(row.case_ids)
                said = (row.text or f"(no text; subject: {row.subject})")[:_MOST]
                for case in cases:
                    texts.setdefault((case, ids.digest(row.message_id)), set()).add(ids.digest(said))
                case_id = self._case_id or next(iter(cases), None)
                content = self._archived(row.sha256)
                if content is None:
                    text = f"the mail {row.sha256} is not in the archive of the replies, or cannot be read"
                    yield Finding("missing_reply", text, case_id)
                elif ids.digest(content) != row.sha256:
                    text = f"the mail {row.sha256} in the archive of the replies is not what came in"
                    yield Finding("changed_reply", text, case_id)
            yield from self._told(connection, texts)

    def _told(self, connection: Connection, texts: dict[tuple[str, str], set[str]]) -> Iterator[Finding]:
        """Every mail of which a case was told is listed, as the case was told. `texts` are the digests of what is."""
        log = sa.select(MESSAGES.c.creditor, MESSAGES.c.number, MESSAGES.c.type, MESSAGES.c.reference)
        log = log.where(MESSAGES.c.source == "replies", MESSAGES.c.type.in_(_TOLD))
        mails = {(ids.case_id(row.creditor, row.number), row.type, row.reference) for row in connection.execute(log)}
        query = sa.select(EVENTS.c.case_id, EVENTS.c.sequence, EVENTS.c.content).where(EVENTS.c.type.in_(_TOLD))
        query = query.order_by(EVENTS.c.case_id, EVENTS.c.sequence)
        if self._case_id is not None:
            query = query.where(EVENTS.c.case_id == self._case_id)
        for row in connection.execution_options(yield_per=1000).execute(query):
            told = _event(row.content)
            if (row.case_id, told.get("type"), told.get("id")) not in mails:
                continue
            listed = texts.get((row.case_id, str(told.get("id"))))
            if listed is None:
                text = "the case was told of a mail that came in, which is not among its mails"
                yield Finding("missing_reply", text, row.case_id, row.sequence)
            elif told.get("type") == "debtor_replied" and ids.digest(str(told.get("text", ""))) not in listed:
                text = "the text of the mail in the list of the replies is not what the case was told"
                yield Finding("changed_reply", text, row.case_id, row.sequence)


_MOST = 2_000
"""How much of a mail's text a case is told."""


def _event(content: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:  # chain.py says so
        return {}
    return found if isinstance(found, dict) else {}


def _cases(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:  # a row that was tampered with
        return []
    return [case for case in found if isinstance(case, str)] if isinstance(found, list) else []
