"""Which law each open case that claims interest has pinned, as the ledger's chains say."""

import sqlalchemy as sa
from pydantic import BaseModel
from sqlalchemy.engine import Engine

from activities.database import reading
from activities.tables import CASES, EVENTS, POLICIES
from models.law import CaseLaw, PinnedLaw
from models.policy import PinnedPolicy, Policy

_TELLING = ("case_opened", "law_updated", "policy_changed")
_LAWS = (
    sa.select(EVENTS.c.case_id, EVENTS.c.content)
    .join(CASES, CASES.c.case_id == EVENTS.c.case_id)
    .where(CASES.c.started, CASES.c.closed.is_(False), EVENTS.c.type.in_(_TELLING))
    .order_by(EVENTS.c.case_id, EVENTS.c.sequence)
)


class _Said(BaseModel):
    """What such an event says of law and policy; the rest of it is passed over."""

    law: PinnedLaw | None = None
    policy: PinnedPolicy | None = None
    policy_digest: str | None = None


def pinned_laws(engine: Engine) -> dict[str, CaseLaw]:
    """The laws of the open cases that claim interest and whose rates are known until a day, by case."""
    laws: dict[str, CaseLaw] = {}
    claims: dict[str, bool] = {}
    with reading(engine) as connection:
        rows = connection.execute(sa.select(POLICIES.c.digest, POLICIES.c.content))
        claiming = {row.digest for row in rows if Policy.model_validate_json(row.content).claim_interest}
        for row in connection.execution_options(yield_per=1000).execute(_LAWS):
            said = _Said.model_validate_json(row.content)
            if said.law is not None:
                laws[row.case_id] = said.law
            if said.policy is not None:
                claims[row.case_id] = said.policy.claim_interest is not None
            elif said.policy_digest is not None:
                claims[row.case_id] = said.policy_digest in claiming
    return {case: law for case, law in laws.items() if law.known_until is not None and claims.get(case)}
