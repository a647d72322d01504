"""The outbox: what leaves is in the ledger, under its key, before the first attempt to send it.

The key is `case/step/occurrence`; over retries, crashes and workers it keeps one notice with one Message-ID.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from activities.database import reading, writing
from activities.tables import CASES, DEPARTED, EVENTS, MESSAGES, NOTICE_STEPS, NOTICES
from models import ids
from models.events import StepPerformed
from models.orders import StepOrder
from models.policy import DUNNING

_THIS: sa.BindParameter[str] = sa.bindparam("this")
_THERE = sa.select(NOTICE_STEPS.c.key).where(NOTICE_STEPS.c.key == _THIS)
_FIND = (
    sa.select(NOTICES)
    .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
    .where(NOTICE_STEPS.c.key == _THIS)
)
_REPLACE = (
    sa.update(NOTICES)
    .where(NOTICES.c.message_id == _THIS, NOTICES.c.status.not_in(DEPARTED))
    .values(attempts=NOTICES.c.attempts + 1)
)
_CLOSE = sa.update(NOTICES).where(NOTICES.c.message_id == _THIS)
_ONCE_MORE = sa.update(NOTICES).where(NOTICES.c.message_id == _THIS).values(attempts=NOTICES.c.attempts + 1)
_THIS_BUYER = (
    CASES.c.creditor == sa.bindparam("its_creditor"), CASES.c.buyer_id == sa.bindparam("its_buyer"),
    CASES.c.case_id != sa.bindparam("not_this"),
)  # fmt: skip
_KEYS_OF_BUYER = (
    sa.select(NOTICE_STEPS.c.key, NOTICE_STEPS.c.message_id)
    .join(CASES, CASES.c.case_id == NOTICE_STEPS.c.case_id)
    .where(CASES.c.creditor == sa.bindparam("its_creditor"), CASES.c.buyer_id == sa.bindparam("its_buyer"))
)
_SERVED = sa.select(NOTICE_STEPS.c.key).where(NOTICE_STEPS.c.message_id == _THIS)
_WRITTEN = sa.select(NOTICES.c.message_id).where(NOTICES.c.message_id == _THIS)
_BOUND = sa.select(NOTICE_STEPS.c.key, NOTICE_STEPS.c.message_id).where(
    NOTICE_STEPS.c.key.in_(sa.bindparam("these", expanding=True))
)
_LET_GO = sa.delete(NOTICE_STEPS).where(
    NOTICE_STEPS.c.message_id == _THIS, NOTICE_STEPS.c.key.not_in(sa.bindparam("these", expanding=True))
)
_SEQUENCES = sa.select(CASES.c.case_id, CASES.c.sequence, CASES.c.number).where(
    CASES.c.case_id.in_(sa.bindparam("these", expanding=True))
)
_UNHEARD = sa.select(MESSAGES.c.number).where(
    MESSAGES.c.creditor == sa.bindparam("its_creditor"), MESSAGES.c.status == "stored",
    MESSAGES.c.number.in_(sa.bindparam("these", expanding=True)),
)  # fmt: skip
_LEFT_AT = sa.func.coalesce(NOTICES.c.sent_at, NOTICES.c.composed_at)
_RECENT_NOTICES = (
    sa.select(NOTICES.c.message_id, NOTICES.c.sent_at, NOTICES.c.composed_at)
    .distinct()
    .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
    .join(CASES, CASES.c.case_id == NOTICE_STEPS.c.case_id)
    .where(
        *_THIS_BUYER, NOTICES.c.kind.in_(sorted(DUNNING)), NOTICES.c.status.in_(("pending", *DEPARTED)),
        _LEFT_AT >= sa.bindparam("since", type_=NOTICES.c.composed_at.type),
        NOTICES.c.message_id.not_in(
            sa.select(NOTICE_STEPS.c.message_id).where(NOTICE_STEPS.c.case_id == sa.bindparam("not_this"))
        ),
    )
)  # fmt: skip
_RECENT_STEPS = (
    sa.select(EVENTS.c.content)
    .join(CASES, CASES.c.case_id == EVENTS.c.case_id)
    .where(*_THIS_BUYER, EVENTS.c.type == "step_performed", EVENTS.c.at >= sa.bindparam("since"))
)


class RecentContacts(NamedTuple):
    """When a buyer was contacted in other cases: `notices` on the wall, `others` (calls, visits) in business time.

    A notice that is about to leave counts like one that has left.
    """

    notices: tuple[datetime, ...] = ()
    others: tuple[datetime, ...] = ()


class Outbox:
    """The notices of the ledger, from composing to proof."""

    def __init__(self, engine: Engine) -> None:
        """Over an engine of `database.open_engine`."""
        self.engine = engine

    def find(self, key: str) -> sa.Row[Any] | None:
        """The notice of a step, whatever became of it."""
        with reading(self.engine) as connection:
            return connection.execute(_FIND, {"this": key}).first()

    def put(
        self, key: str, order: StepOrder, creditor: str, buyer: str, notice: dict[str, Any], *,
        admits: Callable[[RecentContacts], bool] | None = None, since: datetime | None = None,
    ) -> bool:  # fmt: skip
        """Store a notice before it is sent; one that was stored and never sent is replaced (the balance moved).

        It counts as an attempt, for the next thing is to send it.

        Args:
            key: The key of the step.
            order: The step.
            creditor: The creditor's code.
            buyer: The buyer's id.
            notice: What is sent.
            admits: Whether the buyer may hear from us once more, given what other cases sent since `since`. It is
                asked with nobody else writing, so that of two cases one sees the other.
            since: From when on, on the wall; without it `admits` is not asked.

        Returns:
            Whether it was stored.
        """
        values = _values([order], creditor, buyer, notice)
        with writing(self.engine) as connection:
            if admits and since and not admits(self._recent(connection, creditor, buyer, order.case_id, since)):
                return False
            if self._there(connection, key):
                connection.execute(_REPLACE, {"this": notice["message_id"], **values})
                return True
            connection.execute(sa.insert(NOTICES), {**values, "attempts": 1, "proof": ""})
            connection.execute(sa.insert(NOTICE_STEPS), _served_row(key, order, notice["message_id"]))
        return True

    # --- one notice for several cases -------------------------------------------------------------------------

    def put_gathered(
        self, orders: Sequence[StepOrder], creditor: str, buyer: str, notice: dict[str, Any], *,
        admits: Callable[[RecentContacts], bool], since: datetime | None,
    ) -> bool:  # fmt: skip
        """Store one notice for the steps of several cases, and claim their keys, in one transaction.

        A notice of that Message-ID that was never sent is replaced; keys that it no longer serves are free again.

        Args:
            orders: The steps; the first is the one that is being carried out.
            creditor: The creditor's code.
            buyer: The buyer's id.
            notice: What is sent.
            admits: As in `put`.
            since: As in `put`.

        Returns:
            Whether it was stored. It is not if any of this was overtaken: a key belongs to another notice, or one of
            the other cases is no longer what the letter says, or money has come that it has not heard of.
        """
        values, message_id = _values(orders, creditor, buyer, notice), notice["message_id"]
        keys = {ids.step_key(order.case_id, order.step.id, order.occurrence): order for order in orders}
        others = {order.case_id: order.head.sequence for order in orders[1:]}
        with writing(self.engine) as connection:
            if since and not admits(self._recent(connection, creditor, buyer, orders[0].case_id, since)):
                return False
            bound = {row.key: row.message_id for row in connection.execute(_BOUND, {"these": list(keys)})}
            if any(other != message_id for other in bound.values()):
                return False
            rows = connection.execute(_SEQUENCES, {"these": list(others)}).all() if others else []
            numbers = [row.number for row in rows]
            if {row.case_id: row.sequence for row in rows} != others or _unheard(connection, creditor, numbers):
                return False
            if connection.execute(_WRITTEN, {"this": message_id}).first() is not None:
                connection.execute(_REPLACE, {"this": message_id, **values})
                connection.execute(_LET_GO, {"this": message_id, "these": list(keys)})
            else:
                connection.execute(sa.insert(NOTICES), {**values, "attempts": 1, "proof": ""})
            new = [_served_row(key, order, message_id) for key, order in keys.items() if key not in bound]
            if new:
                connection.execute(sa.insert(NOTICE_STEPS), new)
        return True

    def keys_of_buyer(self, creditor: str, buyer: str) -> dict[str, str]:
        """All keys of a buyer's cases, each with the Message-ID of the notice that it belongs to."""
        with reading(self.engine) as connection:
            rows = connection.execute(_KEYS_OF_BUYER, {"its_creditor": creditor, "its_buyer": buyer})
            return {row.key: row.message_id for row in rows}

    def unheard(self, creditor: str, numbers: Sequence[str]) -> set[str]:
        """Those of these invoices whose cases have not been told yet what the ledger knows."""
        with reading(self.engine) as connection:
            return _unheard(connection, creditor, numbers)

    def served(self, message_id: str) -> set[str]:
        """The keys that a notice serves."""
        with reading(self.engine) as connection:
            return set(connection.execute(_SERVED, {"this": message_id}).scalars())

    def new_message_id(self, key: str) -> str:
        """The Message-ID for a step that has no notice: that of its key, unless the notice of others bears it."""
        nth, message_id = 1, ids.mail_message_id(key)
        with reading(self.engine) as connection:
            while connection.execute(_WRITTEN, {"this": message_id}).first() is not None:
                nth += 1
                message_id = ids.mail_message_id(f"{key}#{nth}")
        return message_id

    # --- what is known, and what became of it -----------------------------------------------------------------

    def recent(self, creditor: str, buyer: str, case_id: str, since: datetime) -> RecentContacts:
        """When a buyer was contacted since an instant (on the wall), other than in the case given."""
        with reading(self.engine) as connection:
            return self._recent(connection, creditor, buyer, case_id, since)

    def once_more(self, message_id: str) -> None:
        """What an earlier attempt left goes out as it is: it is counted before, for a crash may come."""
        with writing(self.engine) as connection:
            connection.execute(_ONCE_MORE, {"this": message_id})

    def sent(self, message_id: str, proof: str) -> None:
        """The counterpart has taken the notice; `proof` is what it answered."""
        self._close(message_id, status="sent", proof=proof, sent_at=datetime.now(UTC))

    def refused(self, message_id: str, reason: str) -> None:
        """The counterpart refused the notice for good."""
        self._close(message_id, status="refused", proof=reason)

    def earlier(self, case_id: str) -> list[sa.Row[Any]]:
        """The notices of a case that were sent, oldest first."""
        query = (
            sa.select(NOTICES, NOTICE_STEPS.c.step)
            .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
            .where(NOTICE_STEPS.c.case_id == case_id, NOTICES.c.status.in_(DEPARTED))
            .order_by(NOTICES.c.sent_at)
        )
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    def _close(self, message_id: str, **values: Any) -> None:
        with writing(self.engine) as connection:
            connection.execute(_CLOSE, {"this": message_id, **values})

    @staticmethod
    def _recent(
        connection: Connection, creditor: str, buyer: str, case_id: str, since: datetime
    ) -> RecentContacts:  # fmt: skip
        this = {"its_creditor": creditor, "its_buyer": buyer, "not_this": case_id, "since": since}
        notices = [row.sent_at or row.composed_at for row in connection.execute(_RECENT_NOTICES, this)]
        steps = (StepPerformed.model_validate_json(row.content) for row in connection.execute(_RECENT_STEPS, this))
        others = [done.performed_at for done in steps if done.kind in DUNNING and done.notice is None]
        return RecentContacts(tuple(sorted(notices)), tuple(sorted(others)))

    @staticmethod
    def _there(connection: Connection, key: str) -> bool:
        return connection.execute(_THERE, {"this": key}).first() is not None


def _unheard(connection: Connection, creditor: str, numbers: Sequence[str]) -> set[str]:
    if not numbers:
        return set()
    return set(connection.execute(_UNHEARD, {"its_creditor": creditor, "these": list(numbers)}).scalars())


def _values(orders: Sequence[StepOrder], creditor: str, buyer: str, notice: dict[str, Any]) -> dict[str, Any]:
    order, content = orders[0], notice["content"]
    return {
        "channel": "email", **notice, "creditor": creditor, "buyer_id": buyer, "sha256": ids.digest(content),
        "policy_digest": order.policy_digest, "pursued_minor": sum(each.pursued.minor for each in orders),
        "currency": order.pursued.currency, "approved_by": order.approved_by, "status": "pending",
        "composed_at": datetime.now(UTC),
    }  # fmt: skip


def _served_row(key: str, order: StepOrder, message_id: str) -> dict[str, Any]:
    return {
        "key": key, "message_id": message_id, "case_id": order.case_id, "step": order.step.id,
        "kind": order.step.kind, "occurrence": order.occurrence,
    }  # fmt: skip
