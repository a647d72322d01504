"""The ledger's tables as SQL sees them; what their columns mean is in `models/ledger.py`."""

import sqlalchemy as sa
from sqlmodel import SQLModel

from models.ledger import (
    ArchivedHistoryRow,
    BankEntryRow,
    BankMatchRow,
    BuyerTurnRow,
    CaseRow,
    EventRow,
    MessageRow,
    NoticeRow,
    NoticeStepRow,
    PolicyRow,
    ReceiptRow,
    ReplyRow,
    TaskRow,
)


def _table(model: type[SQLModel]) -> sa.Table:
    return model.__table__  # type: ignore[attr-defined, no-any-return]


CASES, EVENTS, MESSAGES = _table(CaseRow), _table(EventRow), _table(MessageRow)
NOTICES, NOTICE_STEPS, POLICIES, TASKS = _table(NoticeRow), _table(NoticeStepRow), _table(PolicyRow), _table(TaskRow)
HISTORIES = _table(ArchivedHistoryRow)
TURNS = _table(BuyerTurnRow)
BANK_ENTRIES, BANK_MATCHES = _table(BankEntryRow), _table(BankMatchRow)
REPLIES, RECEIPTS = _table(ReplyRow), _table(ReceiptRow)

DEPARTED = ("sent", "bounced")
"""The status of a notice that has left: what came back was sent, too."""
