"""The outbox: what leaves is in the ledger, under its key, before the first attempt to send it.

The key is `case/step/occurrence`; over retries, crashes and workers it keeps one notice with one Message-ID.
"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from activities.database import reading, writing
from activities.tables import DEPARTED, NOTICE_STEPS, NOTICES
from models import ids
from models.orders import StepOrder

_THIS: sa.BindParameter[str] = sa.bindparam("this")
_THERE = sa.select(NOTICE_STEPS.c.key).where(NOTICE_STEPS.c.key == _THIS)
_FIND = (
    sa.select(NOTICES)
    .join(NOTICE_STEPS, NOTICE_STEPS.c.message_id == NOTICES.c.message_id)
    .where(NOTICE_STEPS.c.key == _THIS)
)
_REPLACE = sa.update(NOTICES).where(NOTICES.c.message_id == _THIS, NOTICES.c.status.not_in(DEPARTED))
_CLOSE = sa.update(NOTICES).where(NOTICES.c.message_id == _THIS).values(attempts=NOTICES.c.attempts + 1)


class Outbox:
    """The notices of the ledger, from composing to proof."""

    def __init__(self, engine: Engine) -> None:
        """Over an engine of `database.open_engine`."""
        self.engine = engine

    def find(self, key: str) -> sa.Row[Any] | None:
        """The notice of a step, whatever became of it."""
        with reading(self.engine) as connection:
            return connection.execute(_FIND, {"this": key}).first()

    def put(self, key: str, order: StepOrder, creditor: str, buyer: str, notice: dict[str, Any]) -> None:
        """Store a notice before it is sent; one that was stored and never sent is replaced (the balance moved)."""
        content: bytes = notice["content"]
        values = {
            "channel": "email", **notice, "creditor": creditor, "buyer_id": buyer, "sha256": ids.digest(content),
            "policy_digest": order.policy_digest, "pursued_minor": order.pursued.minor,
            "currency": order.pursued.currency, "approved_by": order.approved_by, "status": "pending",
            "composed_at": datetime.now(UTC),
        }  # fmt: skip
        with writing(self.engine) as connection:
            if self._there(connection, key):
                connection.execute(_REPLACE, {"this": notice["message_id"], **values})
                return
            connection.execute(sa.insert(NOTICES), {**values, "attempts": 0, "proof": ""})
            step = {
                "key": key, "message_id": notice["message_id"], "case_id": order.case_id, "step": order.step.id,
                "kind": order.step.kind, "occurrence": order.occurrence,
            }  # fmt: skip
            connection.execute(sa.insert(NOTICE_STEPS), step)

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
    def _there(connection: Connection, key: str) -> bool:
        return connection.execute(_THERE, {"this": key}).first() is not None
