"""The law a case is pinned to: what it needs of its jurisdiction, handed in when the case opens.

Rates are published half a year at a time, so a case may be handed a newer table later (`law_updated`); what was known
before stays as it was. Files are read in gateway/, never here.
"""

from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal
from weakref import WeakValueDictionary

from pydantic import AfterValidator, PlainSerializer

from models import ids
from models.base import Value
from models.jurisdiction import ContractLimit, Jurisdiction, ReferenceInterest

Basis = Literal["invoice", "creditor", "buyer"]


class CaseLaw(Value):
    """The jurisdiction of a case, and who named it; `buyer`: nobody did, it is that of the buyer's country."""

    basis: Basis
    jurisdiction: Jurisdiction

    @property
    def code(self) -> str:
        """The jurisdiction's code."""
        return self.jurisdiction.code

    @property
    def known_until(self) -> date | None:
        """The last day with a statutory rate; None if the law has none, or one without end."""
        rule = self.jurisdiction.late_payment
        return rule.reference.known_until if isinstance(rule, ReferenceInterest) else None

    @cached_property
    def brief(self) -> dict[str, Any]:
        """The content without what is left at its default."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return ids.digest(self.model_dump_json(exclude_defaults=True))


def law_for(jurisdiction: Jurisdiction, basis: Basis, due: date) -> CaseLaw:
    """What a case due on `due` needs of a jurisdiction: no letters, no calendar's notes, no rates long past."""
    rule = jurisdiction.late_payment
    if isinstance(rule, ReferenceInterest):
        rows = rule.reference.rates
        late = tuple(row for row in rows if row.valid_until is None or row.valid_until > due) or rows[-1:]
        rule = rule.but(reference=rule.reference.but(rates=late))
    limits: tuple[ContractLimit, ...] = tuple(
        limit for limit in jurisdiction.contract_limits if limit.valid_until is None or limit.valid_until > due
    )
    trimmed = jurisdiction.but(
        late_payment=rule, contract_limits=limits, letters=(), variants={}, countries=(), notes=()
    )
    return shared(CaseLaw(basis=basis, jurisdiction=trimmed))


def continued(law: CaseLaw, jurisdiction: Jurisdiction) -> CaseLaw | None:
    """The law with the rates that its jurisdiction's table knows beyond it; None if it knows none.

    Everything that is pinned stays, also where the file says otherwise now.
    """
    rule, now, end = law.jurisdiction.late_payment, jurisdiction.late_payment, law.known_until
    if end is None or not isinstance(rule, ReferenceInterest) or not isinstance(now, ReferenceInterest):
        return None
    first = end + timedelta(days=1)
    rows = [row for row in now.reference.rates if row.valid_until is None or row.valid_until >= first]
    if not rows or rows[0].valid_from > first or now.reference.id != rule.reference.id:
        return None
    rows[0] = rows[0].but(valid_from=first)
    table = rule.reference.but(rates=(*rule.reference.rates, *rows))
    longer = law.jurisdiction.but(late_payment=rule.but(reference=table))
    return shared(CaseLaw(basis=law.basis, jurisdiction=longer))


_SHARED: WeakValueDictionary[str, CaseLaw] = WeakValueDictionary()


def shared(law: CaseLaw) -> CaseLaw:
    """The one instance of equal laws in this process: thousands of open cases are under the same few."""
    return _SHARED.setdefault(law.digest, law)


def _brief(law: CaseLaw) -> dict[str, Any]:
    return law.brief


PinnedLaw = Annotated[CaseLaw, AfterValidator(shared), PlainSerializer(_brief)]
"""A law as a field of what is kept for long."""
