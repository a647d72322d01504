"""The ledger's correspondence: mails that came in, and what became of the notices that left.

How a mail is read and judged is in `gateway/replies/`; what a case makes of it, in `models/changes.py`.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from activities.database import reading, writing
from activities.tables import CASES, DEPARTED, NOTICE_STEPS, NOTICES, RECEIPTS, REPLIES
from models import ids
from models.base import Value
from models.invoice import Invoice

ReceiptKind = Literal[
    "delivered", "relayed", "read", "deleted", "delayed", "bounced", "auto_reply", "posted", "accepted",
]  # fmt: skip

_MOST_CASES = 2_000


class StoredReply(Value):
    """A mail that came in, as the ledger has it."""

    sha256: str
    message_id: str
    sender: str
    subject: str
    at: datetime | None
    filed_at: datetime
    kind: str
    cases: tuple[str, ...]
    notice: str | None
    text: str
    status: Literal["stored", "filed", "unfiled", "ignored"]
    reason: str = ""


class AnsweredNotice(NamedTuple):
    """A notice that something came back about, with the cases it serves."""

    message_id: str
    kind: str
    recipient: str
    status: str
    cases: tuple[str, ...]


class KnownCase(NamedTuple):
    """A case of a known buyer."""

    case_id: str
    number: str
    buyer_id: str
    closed: bool


class Correspondence:
    """Over the engine of a ledger. Thread-safe: every method takes its own connection."""

    def __init__(self, engine: Engine) -> None:
        """Over an engine of `database.open_engine`."""
        self.engine = engine

    # --- mails ------------------------------------------------------------------------------------------------

    def find(self, sha256: str, message_id: str) -> StoredReply | None:
        """A mail that is here already, byte for byte or under its Message-ID."""
        query = (
            sa.select(REPLIES)
            .where((REPLIES.c.sha256 == sha256) | (REPLIES.c.message_id == message_id))
            .order_by(REPLIES.c.sha256 != sha256)
        )
        with reading(self.engine) as connection:
            row = connection.execute(query).first()
        return _stored(row) if row is not None else None

    def put(self, reply: StoredReply) -> None:
        """Store a mail, or what became of it."""
        values = reply.model_dump(exclude={"cases"}) | {"case_ids": json.dumps(reply.cases)}
        with writing(self.engine) as connection:
            if connection.execute(sa.select(REPLIES.c.sha256).where(REPLIES.c.sha256 == reply.sha256)).first():
                connection.execute(sa.update(REPLIES).where(REPLIES.c.sha256 == reply.sha256).values(values))
            else:
                connection.execute(sa.insert(REPLIES), values)

    def listed(self, status: str | None = None, case_id: str | None = None) -> list[StoredReply]:
        """The mails, the oldest first: of a status, of a case."""
        query = sa.select(REPLIES).order_by(REPLIES.c.filed_at, REPLIES.c.sha256)
        if status is not None:
            query = query.where(REPLIES.c.status == status)
        if case_id is not None:
            query = query.where(REPLIES.c.case_ids.contains(json.dumps(case_id), autoescape=True))
        with reading(self.engine) as connection:
            return [_stored(row) for row in connection.execute(query)]

    def sent_by(self, sender: str, since: datetime) -> int:
        """How many mails came from a sender since an instant."""
        query = sa.select(sa.func.count()).where(REPLIES.c.sender == sender, REPLIES.c.filed_at >= since)
        with reading(self.engine) as connection:
            return int(connection.execute(query).scalar_one())

    # --- to which case ----------------------------------------------------------------------------------------

    def notice(self, message_ids: Sequence[str]) -> AnsweredNotice | None:
        """The first of these Message-IDs that is a notice of ours."""
        wanted = list(dict.fromkeys(message_ids))[:100]
        query = (
            sa.select(
                NOTICES.c.message_id, NOTICES.c.kind, NOTICES.c.recipient, NOTICES.c.status, NOTICE_STEPS.c.case_id
            )
            .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
            .where(NOTICES.c.message_id.in_(wanted))
            .order_by(NOTICE_STEPS.c.case_id)
        )  # fmt: skip
        with reading(self.engine) as connection:
            rows = list(connection.execute(query)) if wanted else []
        for message_id in wanted:
            mine = [row for row in rows if row.message_id == message_id]
            if mine:
                cases = tuple(dict.fromkeys(row.case_id for row in mine))
                return AnsweredNotice(message_id, mine[0].kind, mine[0].recipient, mine[0].status, cases)
        return None

    def by_channel(self, channel: str, reference: str) -> AnsweredNotice | None:
        """The notice of a channel under a reference: its key, or its Message-ID with or without brackets."""
        bare = reference.strip().removeprefix("<").removesuffix(">")
        query = (
            sa.select(NOTICES.c.message_id)
            .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
            .where(
                NOTICES.c.channel == channel,
                (NOTICE_STEPS.c.key == reference) | (NOTICE_STEPS.c.message_id == f"<{bare}>"),
            )
        )  # fmt: skip
        with reading(self.engine) as connection:
            message_id = connection.execute(query).scalar()
        return self.notice([message_id]) if message_id is not None else None

    def is_case(self, case_id: str) -> bool:
        """Whether there is such a case."""
        with reading(self.engine) as connection:
            return connection.execute(sa.select(CASES.c.case_id).where(CASES.c.case_id == case_id)).first() is not None

    def cases_of(self, address: str) -> list[KnownCase]:
        """The cases of the buyers that are written to at an address."""
        if "@" not in address:
            return []
        written = sa.select(NOTICES.c.creditor, NOTICES.c.buyer_id).where(
            sa.func.lower(NOTICES.c.recipient) == address,
            NOTICES.c.kind.in_(("reminder", "formal_demand", "lawyer_letter")),
        )
        quoted = json.dumps(address, ensure_ascii=False)
        named = sa.select(CASES.c.creditor, CASES.c.buyer_id, CASES.c.content).where(
            CASES.c.content.icontains(f'"email":{quoted}', autoescape=True)
        )
        with reading(self.engine) as connection:
            buyers = {(row.creditor, row.buyer_id) for row in connection.execute(written.distinct())}
            for row in connection.execute(named.limit(_MOST_CASES)):
                email = Invoice.model_validate_json(row.content).buyer.contact.email or ""
                if email.lower() == address:
                    buyers.add((row.creditor, row.buyer_id))
            found: list[KnownCase] = []
            for creditor, buyer in sorted(buyers):
                mine = sa.select(CASES.c.case_id, CASES.c.number, CASES.c.buyer_id, CASES.c.closed).where(
                    CASES.c.creditor == creditor, CASES.c.buyer_id == buyer
                )
                found += [KnownCase(*row) for row in connection.execute(mine.limit(_MOST_CASES))]
        return found

    # --- receipts ---------------------------------------------------------------------------------------------

    def receive(self, message_id: str, kind: ReceiptKind, text: str, at: datetime, sha256: str = "") -> bool:
        """Note what became of a notice; the same again changes nothing. A bounce marks the notice.

        Returns:
            Whether there is such a notice.
        """
        values = {
            "message_id": message_id, "kind": kind, "at": at, "sha256": sha256 or ids.digest(text), "text": text[:2000],
        }  # fmt: skip
        same = [RECEIPTS.c[name] == values[name] for name in ("message_id", "kind", "sha256")]
        its_notice = NOTICES.c.message_id == message_id
        with writing(self.engine) as connection:
            if connection.execute(sa.select(NOTICES.c.message_id).where(its_notice)).first() is None:
                return False
            if connection.execute(sa.select(RECEIPTS.c.id).where(*same)).first() is None:
                connection.execute(sa.insert(RECEIPTS), values)
            if kind == "bounced":
                departed = its_notice & NOTICES.c.status.in_(DEPARTED)
                connection.execute(sa.update(NOTICES).where(departed).values(status="bounced"))
        return True

    def has_receipt(self, message_id: str, kind: ReceiptKind, sha256: str) -> bool:
        """Whether just this was noted before."""
        values = {"message_id": message_id, "kind": kind, "sha256": sha256}
        query = sa.select(RECEIPTS.c.id).where(*(RECEIPTS.c[name] == value for name, value in values.items()))
        with reading(self.engine) as connection:
            return connection.execute(query).first() is not None

    def reported(self, sha256: str) -> set[str]:
        """The notices that something of this digest was noted with."""
        query = sa.select(RECEIPTS.c.message_id).where(RECEIPTS.c.sha256 == sha256)
        with reading(self.engine) as connection:
            return set(connection.execute(query).scalars())

    def receipts(self, message_id: str) -> list[sa.Row[Any]]:
        """What became of a notice, the oldest first: kind, at, sha256, text."""
        query = sa.select(RECEIPTS).where(RECEIPTS.c.message_id == message_id).order_by(RECEIPTS.c.at, RECEIPTS.c.id)
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    def bounced(self, creditor: str, channel: str, recipient: str) -> bool:
        """Whether the last notice that left by a channel for an address came back."""
        query = (
            sa.select(NOTICES.c.status)
            .where(
                NOTICES.c.creditor == creditor, NOTICES.c.channel == channel, NOTICES.c.recipient == recipient,
                NOTICES.c.status.in_(DEPARTED), NOTICES.c.sent_at.is_not(None),
            )
            .order_by(NOTICES.c.sent_at.desc())
            .limit(1)
        )  # fmt: skip
        with reading(self.engine) as connection:
            return connection.execute(query).scalar() == "bounced"


def _stored(row: sa.Row[Any]) -> StoredReply:
    values = {name: value for name, value in row._mapping.items() if name != "case_ids"}
    return StoredReply(**values, cases=tuple(json.loads(row.case_ids)))
