"""Which law each open case that claims interest has pinned, as the ledger's chains say."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.engine import Engine

from activities.database import reading
from activities.tables import CASES, EVENTS, POLICIES
from models.law import CaseLaw, PinnedLaw
from models.policy import PinnedPolicy, Policy

_TELLING = ("case_opened", "law_updated", "policy_changed")
_LAWS = (
    sa.select(EVENTS.c.case_id, EVENTS.c.type, EVENTS.c.content, CASES.c.policy_digest)
    .join(CASES, CASES.c.case_id == EVENTS.c.case_id)
    .where(CASES.c.started, CASES.c.closed.is_(False), EVENTS.c.type.in_(_TELLING))
    .order_by(EVENTS.c.case_id, EVENTS.c.sequence)
)


class _Said(BaseModel):
    """What such an event says of law and policy; the rest of it is passed over."""

    law: PinnedLaw | None = None
    policy: PinnedPolicy | None = None


def pinned_laws(engine: Engine) -> dict[str, CaseLaw]:
    """The laws of the open cases that claim interest and whose rates are known until a day, by case."""
    found: dict[str, CaseLaw] = {}
    with reading(engine) as connection:
        policies = connection.execute(sa.select(POLICIES.c.digest, POLICIES.c.content))
        claiming = {row.digest for row in policies if Policy.model_validate_json(row.content).claim_interest}
        rows = connection.execution_options(yield_per=1000).execute(_LAWS)
        for case_id, mine in groupby(rows, key=lambda row: str(row.case_id)):
            law = _law([*mine], claiming)
            if law is not None and law.known_until is not None:
                found[case_id] = law
    return found


def _law(rows: Sequence[Any], claiming: set[str]) -> CaseLaw | None:
    """The last law of a case, if its last policy claims interest. Of others nothing is read: there are many."""
    changed = [row for row in rows if row.type == "policy_changed"]
    if changed:
        policy = _Said.model_validate_json(changed[-1].content).policy
        claims = policy is not None and policy.claim_interest is not None
    else:
        claims = rows[0].policy_digest in claiming
    told = [row for row in rows if row.type != "policy_changed"]
    return _Said.model_validate_json(told[-1].content).law if claims and told else None
