"""The ledger's tables: money, evidence, and everything that is listed or reported.

Amounts are integers of minor units plus currency; instants are UTC. Personal data lies in `cases`, `messages`,
`notices`, `replies` and `receipts`, which are not part of the hash chain, so that it can be erased without breaking
the evidence.
How the tables are read and written is in `activities/ledger.py`.
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, Index, LargeBinary, Text, TypeDecorator, UniqueConstraint
from sqlmodel import Field, SQLModel


class UtcInstant(TypeDecorator[datetime]):
    """An aware instant, stored as UTC: SQLite would drop the zone, and a naive value is a bug."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive instants; hand over UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware UTC instant."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _instant(nullable: bool = False) -> Any:
    return Field(sa_column=Column(UtcInstant(), nullable=nullable), default=None)


def _minor() -> Any:
    return Field(sa_column=Column(BigInteger(), nullable=False), default=0)


class PolicyRow(SQLModel, table=True):
    """The content of every policy that governs a case."""

    __tablename__ = "policies"

    digest: str = Field(primary_key=True)
    policy_id: str
    version: int
    content: str = Field(sa_column=Column(Text(), nullable=False))


class CaseRow(SQLModel, table=True):
    """A case: its invoice, and its head as of `sequence`."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("creditor", "number"),
        Index("cases_number", "number"),
        Index("cases_buyer", "creditor", "buyer_id"),
    )

    case_id: str = Field(primary_key=True)
    creditor: str
    number: str
    buyer_id: str
    currency: str
    amount_minor: int = _minor()
    issued: date | None = None
    due: date
    fingerprint: str
    content: str = Field(sa_column=Column(Text(), nullable=False))
    policy_digest: str
    created_at: datetime = _instant()
    started: bool = False

    sequence: int = 0
    stage: str = "not_due"
    outcome: str | None = None
    outstanding_minor: int = _minor()
    on_hold: bool = False
    closed: bool = False
    next_step: str | None = None
    next_at: datetime | None = _instant(nullable=True)
    deadline: str | None = None
    deadline_day: date | None = None
    """The hard deadline that comes first."""


class EventRow(SQLModel, table=True):
    """An applied event of a case. The entries of a case form a hash chain over the stored bytes."""

    __tablename__ = "case_events"

    case_id: str = Field(primary_key=True)
    sequence: int = Field(primary_key=True)
    type: str
    at: datetime = _instant()
    content: str = Field(sa_column=Column(Text(), nullable=False))
    previous: str
    hash: str


class MessageRow(SQLModel, table=True):
    """A message for a case as it came in. Money is here before any case is told."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("creditor", "number", "type", "reference"),
        Index("messages_undelivered", "status"),
    )

    id: int | None = Field(default=None, primary_key=True)
    creditor: str
    number: str
    type: str
    reference: str
    fingerprint: str
    content: str = Field(sa_column=Column(Text(), nullable=False))
    amount_minor: int | None = Field(sa_column=Column(BigInteger(), nullable=True), default=None)
    currency: str | None = None
    received_on: date | None = None
    by: str = ""
    source: str = ""
    status: str = "stored"
    """stored: not told yet; delivered; refused (by the case); unapplied (closed, unknown or not yet started case);
    refunded (was unapplied, and paid back); reversed (was unapplied, and taken back)."""
    answer: str = ""
    stored_at: datetime = _instant()


class NoticeRow(SQLModel, table=True):
    """A notice: the bytes that leave, stored before the first attempt, and what became of them."""

    __tablename__ = "notices"

    message_id: str = Field(primary_key=True)
    creditor: str
    buyer_id: str
    kind: str
    channel: str
    recipient: str
    subject: str
    language: str
    content: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))
    sha256: str
    policy_digest: str
    pursued_minor: int = _minor()
    currency: str
    approved_by: str | None = None
    status: str = "pending"
    """pending, sent, refused, cancelled (the case closed before it left), bounced (was sent, and came back)."""
    attempts: int = 0
    """How often it was sent, or may have been: counted before each try."""
    proof: str = ""
    composed_at: datetime = _instant()
    sent_at: datetime | None = _instant(nullable=True)


class NoticeStepRow(SQLModel, table=True):
    """Which step of which case a notice serves; the key `case/step/occurrence` is the outbox's unique key."""

    __tablename__ = "notice_steps"
    __table_args__ = (Index("notice_steps_notice", "message_id"), Index("notice_steps_case", "case_id"))

    key: str = Field(primary_key=True)
    message_id: str
    case_id: str
    step: str
    kind: str
    occurrence: int


class BuyerTurnRow(SQLModel, table=True):
    """Which case writes to a buyer at this moment, where one letter may serve several; the others wait for it."""

    __tablename__ = "buyer_turns"

    creditor: str = Field(primary_key=True)
    buyer_id: str = Field(primary_key=True)
    case_id: str
    attempt: int
    until: datetime = _instant()
    """When its turn ends by itself, on the wall: whoever was killed says nothing any more."""


class BankEntryRow(SQLModel, table=True):
    """An entry of a bank statement, once: what became of it, and whose money it is as far as one can tell."""

    __tablename__ = "bank_entries"
    __table_args__ = (
        Index("bank_entries_status", "creditor", "status"),
        Index("bank_entries_buyer", "creditor", "buyer_id", "status"),
        Index("bank_entries_group", "entry_group"),
    )

    key: str = Field(primary_key=True)
    creditor: str
    account: str
    file: str
    entry: str
    statement: str
    entry_group: str = ""
    kind: str
    amount_minor: int = _minor()
    currency: str
    received_on: date
    payer: str = ""
    payer_iban: str = ""
    buyer_id: str | None = None
    status: str
    """matched; proposed, unmatched (a person decides); dismissed (by a person, with the reason); returned (a payment
    that the bank took back)."""
    unapplied_minor: int = _minor()
    score: int = 0
    reason: str = Field(sa_column=Column(Text(), nullable=False))
    by: str = ""
    content: str = Field(sa_column=Column(Text(), nullable=False))
    candidates: str = Field(sa_column=Column(Text(), nullable=False))
    stored_at: datetime = _instant()


class BankMatchRow(SQLModel, table=True):
    """What was decided on an entry: a share for one invoice, or that it is none of ours; and perhaps undone."""

    __tablename__ = "bank_matches"
    __table_args__ = (Index("bank_matches_case", "creditor", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(index=True)
    creditor: str
    number: str
    message: str
    """The type of the message that carries it (payment_received, payment_reversed, credit_note_issued), or dismissed:
    then there is no invoice."""
    reference: str
    amount_minor: int = _minor()
    currency: str
    score: int = 0
    reason: str = Field(sa_column=Column(Text(), nullable=False))
    by: str = ""
    undone: bool = False
    undone_by: str | None = None
    """Who undid it; empty where the bank took the payment back."""
    undone_at: datetime | None = _instant(nullable=True)
    stored_at: datetime = _instant()


class TaskRow(SQLModel, table=True):
    """Something a person has to do, of a case or of money that has no case."""

    __tablename__ = "tasks"

    case_id: str = Field(primary_key=True)
    task: str = Field(primary_key=True)
    kind: str
    text: str = Field(sa_column=Column(Text(), nullable=False))
    opened_at: datetime = _instant()
    done_at: datetime | None = _instant(nullable=True)


class ArchivedHistoryRow(SQLModel, table=True):
    """The Temporal history of a run that has ended, kept with the evidence of its case (the server forgets)."""

    __tablename__ = "archived_histories"

    case_id: str = Field(primary_key=True)
    run_id: str = Field(primary_key=True)
    sequence: int
    """The sequence of the case when this was archived: one that went on since is archived anew."""
    started_at: datetime = _instant()
    sha256: str
    """Of the JSON, before it was compressed."""
    content: bytes = Field(sa_column=Column(LargeBinary(), nullable=False))
    """The history as JSON, as the Temporal UI and replayer read it, compressed by gzip."""
    archived_at: datetime = _instant()


class ReplyRow(SQLModel, table=True):
    """A mail that came in. Its bytes lie in the data folder's `replies/archive/`, under their digest."""

    __tablename__ = "replies"
    __table_args__ = (
        Index("replies_message", "message_id"),
        Index("replies_sender", "sender", "filed_at"),
        Index("replies_status", "status"),
    )

    sha256: str = Field(primary_key=True)
    message_id: str
    sender: str
    subject: str
    at: datetime | None = _instant(nullable=True)
    """When its sender says it was written."""
    filed_at: datetime = _instant()
    kind: str
    """reply, auto_reply, bounced, delayed, delivered, relayed, read, deleted, loop."""
    case_ids: str = Field(sa_column=Column(Text(), nullable=False), default="[]")
    """The cases it belongs to, as a JSON list."""
    notice: str | None = None
    """The Message-ID of the notice it answers or reports on."""
    text: str = Field(sa_column=Column(Text(), nullable=False), default="")
    status: str = "stored"
    """stored: the cases were not told yet; filed; unfiled (waits for a person); ignored (a loop)."""
    reason: str = ""


class ReceiptRow(SQLModel, table=True):
    """What became of a notice after it left: delivered, read, delayed, bounced, answered by a machine."""

    __tablename__ = "receipts"
    __table_args__ = (UniqueConstraint("message_id", "kind", "sha256"), Index("receipts_origin", "sha256"))

    id: int | None = Field(default=None, primary_key=True)
    message_id: str
    """The notice's."""
    kind: str
    at: datetime = _instant()
    sha256: str
    """Of the mail it came with (see `replies`), or of the provider's own id of it."""
    text: str = Field(sa_column=Column(Text(), nullable=False), default="")
