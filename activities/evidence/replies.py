"""Checks the mails that came in: the bytes of each lie in the data folder, under the digest that the ledger names."""

import json
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from activities.database import reading
from activities.evidence.findings import Finding
from activities.tables import REPLIES
from models import ids

Archived = Callable[[str], bytes | None]
"""The bytes of a mail by its digest; None if they are not there."""


class ReplyCheck:
    """One check of the mails of a case, or of all. `findings` yields what is wrong; then `replies` is their number."""

    def __init__(self, engine: Engine, archived: Archived, case_id: str | None = None) -> None:
        """Over the ledger's engine and the archive."""
        self._engine, self._archived, self._case_id = engine, archived, case_id
        self.replies = 0

    def findings(self) -> Iterator[Finding]:
        """Every mail that is not what came in, or is not there."""
        query = sa.select(REPLIES.c.sha256, REPLIES.c.case_ids).order_by(REPLIES.c.filed_at, REPLIES.c.sha256)
        if self._case_id is not None:
            query = query.where(REPLIES.c.case_ids.contains(json.dumps(self._case_id), autoescape=True))
        with reading(self._engine) as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                self.replies += 1
                case_id = self._case_id or next(iter(_cases(row.case_ids)), None)
                content = self._archived(row.sha256)
                if content is None:
                    text = f"the mail {row.sha256} is not in the archive of the replies, or cannot be read"
                    yield Finding("missing_reply", text, case_id)
                elif ids.digest(content) != row.sha256:
                    text = f"the mail {row.sha256} in the archive of the replies is not what came in"
                    yield Finding("changed_reply", text, case_id)


def _cases(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:  # a row that was tampered with
        return []
    return [case for case in found if isinstance(case, str)] if isinstance(found, list) else []
