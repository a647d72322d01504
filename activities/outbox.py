"""The outbox: what leaves is in the ledger, under its key, before the first attempt to send it.

The key is `case/step/occurrence`; over retries, crashes and workers it keeps one notice with one Message-ID.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from activities.database import reading, writing
from activities.tables import CASES, DEPARTED, EVENTS, NOTICE_STEPS, NOTICES
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
_REPLACE = sa.update(NOTICES).where(NOTICES.c.message_id == _THIS, NOTICES.c.status.not_in(DEPARTED))
_CLOSE = sa.update(NOTICES).where(NOTICES.c.message_id == _THIS).values(attempts=NOTICES.c.attempts + 1)
_THIS_BUYER = (
    CASES.c.creditor == sa.bindparam("its_creditor"), CASES.c.buyer_id == sa.bindparam("its_buyer"),
    CASES.c.case_id != sa.bindparam("not_this"),
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
        content: bytes = notice["content"]
        values = {
            "channel": "email", **notice, "creditor": creditor, "buyer_id": buyer, "sha256": ids.digest(content),
            "policy_digest": order.policy_digest, "pursued_minor": order.pursued.minor,
            "currency": order.pursued.currency, "approved_by": order.approved_by, "status": "pending",
            "composed_at": datetime.now(UTC),
        }  # fmt: skip
        with writing(self.engine) as connection:
            if admits and since and not admits(self._recent(connection, creditor, buyer, order.case_id, since)):
                return False
            if self._there(connection, key):
                connection.execute(_REPLACE, {"this": notice["message_id"], **values})
                return True
            connection.execute(sa.insert(NOTICES), {**values, "attempts": 0, "proof": ""})
            step = {
                "key": key, "message_id": notice["message_id"], "case_id": order.case_id, "step": order.step.id,
                "kind": order.step.kind, "occurrence": order.occurrence,
            }  # fmt: skip
            connection.execute(sa.insert(NOTICE_STEPS), step)
        return True

    def recent(self, creditor: str, buyer: str, case_id: str, since: datetime) -> RecentContacts:
        """When a buyer was contacted since an instant (on the wall), other than in the case given."""
        with reading(self.engine) as connection:
            return self._recent(connection, creditor, buyer, case_id, since)

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
