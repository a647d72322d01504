"""Everything the ledger holds on one case, as it is stored, and the case at any moment of its life.

Nothing is judged here: whether the chain holds is in chain.py, what it all means in account.py and export.py.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from activities.database import reading
from activities.tables import CASES, EVENTS, MESSAGES, NOTICE_STEPS, NOTICES, POLICIES, RECEIPTS, REPLIES, TASKS
from models import events as e
from models import ids
from models.case import Case
from models.changes import apply, open_case
from models.invoice import Invoice
from models.policy import Policy

LIGHT = [column for column in NOTICES.c if column.name != "content"]

CONTENT = sa.cast(NOTICES.c.content, sa.LargeBinary).label("content")
"""The bytes of a notice, even where somebody put text: SQLite gives back what was put there."""


@dataclass(frozen=True)
class Moment:
    """An entry of a case's chain: the stored row, the event, and the case right after it."""

    row: Any
    event: e.Event
    case: Case


@dataclass(frozen=True)
class CaseRecord:
    """The rows of a case. `notices` are without their bytes, each with the step it serves."""

    head: Any
    entries: Sequence[Any]
    messages: Sequence[Any]
    notices: Sequence[Any]
    tasks: Sequence[Any]
    policy: Any
    """The policy of the opening; None if it is missing."""
    receipts: Sequence[Any] = ()
    """What became of the notices, the oldest first."""
    replies: Sequence[Any] = ()
    """The mails that came in and belong to the case, the oldest first; their bytes lie in the data folder."""

    @property
    def case_id(self) -> str:
        """The case's id."""
        return str(self.head.case_id)

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """The life of the case, entry by entry.

        Raises:
            ValueError: The entries cannot be read, or do not follow from one another (pydantic's error, `Refused`).
        """
        return tuple(self.lived())

    def lived(self) -> Iterator[Moment]:
        """As `moments`, one after the other: what came before a fault is told before it is raised."""
        case: Case | None = None
        for event, row in zip(self.events(), self.entries, strict=True):
            case = open_case(event) if isinstance(event, e.CaseOpened) else apply(_begun(case), event)
            case = case.but(journal=())
            yield Moment(row, event, case)

    def events(self) -> Iterator[e.Event]:
        """The stored events."""
        for place, row in enumerate(self.entries):
            if place:
                yield e.read_event(row.content)
                continue
            if self.policy is None:
                raise ValueError("the policy of its opening is missing")
            opening = e.StoredOpening.model_validate_json(row.content)
            invoice = Invoice.model_validate_json(self.head.content)
            yield opening.restore(invoice, _policy(self.policy.content))


@lru_cache(maxsize=64)
def _policy(content: str) -> Policy:
    return Policy.model_validate_json(content)


def _begun(case: Case | None) -> Case:
    if case is None:
        raise ValueError("the first event of a case must be its opening")
    return case


def load(engine: Engine, case_id: str) -> CaseRecord | None:
    """All that the ledger holds on a case, as of one moment; None if there is no such case."""
    creditor, number = ids.split_case_id(case_id)
    with reading(steady(engine)) as connection:
        head = connection.execute(sa.select(CASES).where(CASES.c.case_id == case_id)).first()
        if head is None:
            return None
        return CaseRecord(
            head=head,
            entries=_all(connection, sa.select(EVENTS).where(EVENTS.c.case_id == case_id).order_by(EVENTS.c.sequence)),
            messages=_all(
                connection,
                sa.select(MESSAGES).where(MESSAGES.c.creditor == creditor, MESSAGES.c.number == number)
                .order_by(MESSAGES.c.id),
            ),
            notices=_all(
                connection,
                sa.select(*LIGHT, NOTICE_STEPS.c.step, NOTICE_STEPS.c.occurrence, NOTICE_STEPS.c.key)
                .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
                .where(NOTICE_STEPS.c.case_id == case_id)
                .order_by(NOTICES.c.composed_at, NOTICES.c.message_id),
            ),
            tasks=_all(
                connection, sa.select(TASKS).where(TASKS.c.case_id == case_id).order_by(TASKS.c.opened_at, TASKS.c.task)
            ),
            policy=connection.execute(sa.select(POLICIES).where(POLICIES.c.digest == head.policy_digest)).first(),
            receipts=_all(
                connection,
                sa.select(RECEIPTS)
                .where(RECEIPTS.c.message_id.in_(
                    sa.select(NOTICE_STEPS.c.message_id).where(NOTICE_STEPS.c.case_id == case_id)
                ))
                .order_by(RECEIPTS.c.at, RECEIPTS.c.id),
            ),
            replies=_all(
                connection,
                sa.select(REPLIES).where(REPLIES.c.case_ids.contains(json.dumps(case_id), autoescape=True))
                .order_by(REPLIES.c.filed_at, REPLIES.c.sha256),
            ),
        )  # fmt: skip


def notice_bytes(engine: Engine, message_id: str) -> bytes | None:
    """The stored bytes of a notice."""
    with reading(engine) as connection:
        found = connection.execute(sa.select(CONTENT).where(NOTICES.c.message_id == message_id)).scalar()
        return None if found is None else bytes(found)


class Served(NamedTuple):
    """A notice (None if unknown), the steps it serves, and what became of it."""

    notice: Any
    steps: list[Any]
    receipts: list[Any]


def served(engine: Engine, message_id: str) -> Served:
    """What the ledger holds on one notice."""
    with reading(engine) as connection:
        notice = connection.execute(sa.select(*LIGHT, CONTENT).where(NOTICES.c.message_id == message_id)).first()
        steps = sa.select(NOTICE_STEPS).where(NOTICE_STEPS.c.message_id == message_id).order_by(NOTICE_STEPS.c.key)
        receipts = sa.select(RECEIPTS).where(RECEIPTS.c.message_id == message_id)
        return Served(
            notice, _all(connection, steps), _all(connection, receipts.order_by(RECEIPTS.c.at, RECEIPTS.c.id))
        )


def steady(engine: Engine) -> Engine:
    """The engine, such that all that one transaction reads is of one moment."""
    # In SQLite every transaction is so; PostgreSQL's default looks anew with every statement.
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def _all(connection: Connection, query: sa.Select[Any]) -> list[Any]:
    return list(connection.execute(query))
