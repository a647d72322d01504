"""The archive of Temporal histories: kept in the ledger, with the evidence of their cases.

How they are fetched from the server is in `gateway/history_archive.py`.
"""

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from activities.database import reading, writing
from activities.tables import CASES, HISTORIES
from models import ids

MAX_HISTORY_BYTES = 256 * 1024 * 1024
"""Far above what a server lets a history grow to (50 MB); what unpacks to more is not one of ours."""


@dataclass(frozen=True, slots=True)
class History:
    """The history of one run as JSON, as the Temporal UI and replayer read it."""

    run_id: str
    started_at: datetime
    content: bytes
    ended: bool = True
    """False while the run is under way: then it goes on growing, and is not for the archive."""


class HistoryArchive:
    """The histories of closed cases in the ledger."""

    def __init__(self, engine: Engine) -> None:
        """Over an engine of `database.open_engine`."""
        self.engine = engine

    def pending(self) -> Iterator[tuple[str, int]]:
        """The closed cases whose end is not in the archive, with their sequence."""
        archived = sa.select(HISTORIES.c.case_id).where(
            HISTORIES.c.case_id == CASES.c.case_id, HISTORIES.c.sequence >= CASES.c.sequence
        )
        query = (
            sa.select(CASES.c.case_id, CASES.c.sequence)
            .where(CASES.c.closed, ~archived.exists())
            .order_by(CASES.c.case_id)
        )
        after = ""
        while True:
            with reading(self.engine) as connection:
                rows = connection.execute(query.where(CASES.c.case_id > after).limit(500)).all()
            if not rows:
                return
            yield from ((row.case_id, row.sequence) for row in rows)
            after = rows[-1].case_id

    def put(self, case_id: str, sequence: int, histories: Sequence[History]) -> int:
        """Keep the histories of a case that had come to `sequence`; those that are there stay as they are.

        Returns:
            How many are new.
        """
        with writing(self.engine) as connection:
            mine = HISTORIES.c.case_id == case_id
            there = set(connection.execute(sa.select(HISTORIES.c.run_id).where(mine)).scalars())
            new = [history for history in histories if history.run_id not in there]
            rows = [
                {
                    "case_id": case_id, "run_id": history.run_id, "sequence": sequence,
                    "started_at": history.started_at, "sha256": ids.digest(history.content),
                    # Without a time stamp: the same history is the same row.
                    "content": gzip.compress(history.content, mtime=0), "archived_at": datetime.now(UTC),
                }
                for history in new
            ]  # fmt: skip
            if rows:
                connection.execute(sa.insert(HISTORIES), rows)
            if histories:
                # The case is archived up to here, even if its last run was there already.
                connection.execute(sa.update(HISTORIES).where(mine).values(sequence=sequence))
        return len(new)

    def of(self, case_id: str) -> list[History]:
        """The archived histories of a case, oldest run first.

        Raises:
            ValueError: One of them is not what was put there.
        """
        query = sa.select(HISTORIES).where(HISTORIES.c.case_id == case_id)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(HISTORIES.c.started_at, HISTORIES.c.run_id)).all()
        found = []
        for row in rows:
            content = unpacked(bytes(row.content))
            if content is None or ids.digest(content) != row.sha256:
                raise ValueError(f"the archived history of run {row.run_id} is not what was put there")
            found.append(History(row.run_id, row.started_at, content))
        return found


def unpacked(content: bytes) -> bytes | None:
    """An archived history as it was; None if these bytes are none."""
    try:
        with gzip.open(io.BytesIO(content)) as file:
            found = file.read(MAX_HISTORY_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        return None
    return found if len(found) <= MAX_HISTORY_BYTES else None
