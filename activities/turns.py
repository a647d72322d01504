"""Whose turn it is to write to a buyer: one case at a time, for a while that ends by itself if its worker is killed."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from activities.database import writing
from activities.tables import TURNS

LEASE = timedelta(seconds=30)
"""On the wall; it is renewed while a step is alive. So long the others wait for a case whose worker was killed, unless
that case itself comes back first."""

_OF_BUYER = (TURNS.c.creditor == sa.bindparam("its_creditor"), TURNS.c.buyer_id == sa.bindparam("its_buyer"))
_HELD = sa.select(TURNS).where(*_OF_BUYER)
_OVER = sa.delete(TURNS).where(*_OF_BUYER)
_MINE = (TURNS.c.case_id == sa.bindparam("this"), TURNS.c.attempt == sa.bindparam("nth"))


class Turns:
    """The turns of all buyers, in the ledger, so that every worker knows of them."""

    def __init__(self, engine: Engine) -> None:
        """Over an engine of `database.open_engine`."""
        self._engine = engine

    def take(self, creditor: str, buyer: str, case_id: str, attempt: int) -> bool:
        """Whether it is the turn of a case from now on. Its earlier attempts have failed, and give way."""
        now = datetime.now(UTC)
        with writing(self._engine) as connection:
            whose = {"its_creditor": creditor, "its_buyer": buyer}
            held = connection.execute(_HELD, whose).first()
            if held is not None and held.until > now and held.case_id != case_id:
                return False
            connection.execute(_OVER, whose)
            row = {"creditor": creditor, "buyer_id": buyer, "case_id": case_id, "attempt": attempt}
            connection.execute(sa.insert(TURNS), {**row, "until": now + LEASE})
            return True

    def keep(self, case_id: str, attempt: int) -> None:
        """Go on with a turn, if it is one's own."""
        with writing(self._engine) as connection:
            until = datetime.now(UTC) + LEASE
            connection.execute(sa.update(TURNS).where(*_MINE), {"this": case_id, "nth": attempt, "until": until})

    def leave(self, case_id: str, attempt: int) -> None:
        """Let the next one have it."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(TURNS).where(*_MINE), {"this": case_id, "nth": attempt})
