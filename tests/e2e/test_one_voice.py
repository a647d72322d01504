"""One voice per buyer holds whatever is killed: the real server, real processes, SIGKILL while the letters go out."""

import asyncio
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from activities.database import reading
from activities.tables import NOTICE_STEPS, NOTICES
from gateway.stack.mailbox import read_mails
from models import ids
from tests.e2e.command import CommandLine, polling, row, up, written
from tests.e2e.test_durability import from_server, mails, until_back, until_mails

BUYERS, EACH = 50, 10
KILLED = ("worker", "worker", "server", "worker")
PREPARATION = timedelta(seconds=40)
"""In which all cases are started; then all of their letters fall due at once."""


def gathering(at: datetime) -> dict[str, Any]:
    return {
        "id": "gathering",
        "schedule": {"zone": "debtor", "time": f"{at:%H:%M:%S}"},
        "contact": {"gather": True, "days": "every", "holidays": False, "hours": {"any": "00:00-24:00"}},
        "steps": [{"id": "first", "kind": "reminder", "when": {"after_due": "P1D"}}],
    }


def test_each_buyer_hears_once_and_each_case_knows_of_it_whatever_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    arrears = CommandLine(folder)
    policy = tmp_path / "gathering.yaml"

    with up(folder) as stack, arrears.ledger() as ledger:
        at = datetime.now(UTC) + PREPARATION
        policy.write_text(yaml.safe_dump(gathering(at)))
        rows = [
            row(f"G-{n}", buyer_id=f"B-{n % BUYERS}", email=f"buyer{n % BUYERS}@buyer.example",
                due=at.date() - timedelta(days=1))
            for n in range(BUYERS * EACH)
        ]  # fmt: skip
        case_ids = [ids.case_id("ACME", given["number"]) for given in rows]
        assert arrears.start(written(tmp_path / "in.csv", *rows), "--policy", policy)["accepted"] == len(rows)
        assert mails(folder) == 0, "the letters fell due before all cases were there: give more time for preparation"

        for n, name in enumerate(KILLED):
            until_mails(stack, 4 + 9 * n)
            until_back(stack, name, stack.signal(name, signal.SIGKILL))
        for _ in polling(lambda: str(ledger.totals()), within_s=180, pause_s=0.2):
            if [head.stage for head in ledger.heads()] == ["reminded"] * len(rows):
                break
        cases = asyncio.run(from_server(stack, case_ids))
        with reading(ledger.engine) as connection:
            query = sa.select(NOTICE_STEPS, NOTICES.c.status).join(
                NOTICES, NOTICES.c.message_id == NOTICE_STEPS.c.message_id
            )
            served = {step.key: (step.message_id, step.status) for step in connection.execute(query)}
        assert arrears("audit", "verify").status == 0

    told = {case.id: [(done.step, done.notice) for done in case.performed] for case in cases}
    assert all(len(done) == 1 for done in told.values())
    assert {ids.step_key(case_id, "first", 1): (done[0][1], "sent") for case_id, done in told.items()} == served
    arrived = Counter(mail.message_id for mail in read_mails(folder / "mail"))
    assert set(arrived) == {message_id for message_id, _ in served.values()}
    assert len(arrived) == BUYERS
    # Repeats carry the same Message-ID; there are no more of them than there were mails under way.
    repeated = sum(arrived.values()) - len(arrived)
    assert repeated <= len(KILLED) * 24, repeated
