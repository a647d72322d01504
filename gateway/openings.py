"""From a row to the opening of a case: creditor, policy, law and clock found for each invoice.

How rows are read is in `intake/`; how cases are started, in service.py.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from gateway.creditor_files import load_creditor
from gateway.errors import GatewayError, WrongUsage
from gateway.intake.entries import Accepted, Rejected, shown
from gateway.policy_files import load_policy
from gateway.service import Opening
from gateway.terms import Terms, TermsFinder
from models.clock import CaseClock
from models.invoice import Invoice
from models.parties import Creditor
from models.policy import Policy

DEFAULT_POLICY = "plain"
"""The policy by which a dry run takes the invoices of a creditor that it does not know."""

_BEGIN = re.compile(r"(?P<anchor>due|issued)(?:(?P<sign>[+-])(?P<days>\d{1,4})d)?")


class Lapse(NamedTuple):
    """A time-lapse: the factor, and where in business time each case begins."""

    factor: float = 1.0
    begin: str = "now"


class Openings:
    """Turns rows into openings: creditor, policy and clock found for each."""

    def __init__(self, data_dir: str, policy: str | None, lapse: Lapse, dry_run: bool = False) -> None:
        """With the policy that overrides all others, and the time-lapse; a dry run needs no creditor."""
        self._override, self._lapse, self._dry_run = policy, lapse, dry_run
        self.creditor = lru_cache(maxsize=1000)(lambda code: load_creditor(code, data_dir))
        self.policy = lru_cache(maxsize=1000)(lambda name: load_policy(name, data_dir))
        self._terms = TermsFinder(data_dir)

    def of(self, entry: Accepted) -> Opening | Rejected:
        """The opening of a row, or the row refused (unknown creditor or policy)."""
        invoice = entry.row.invoice
        field = "creditor"
        try:
            default = self._default_policy(invoice.creditor)
            field = "policy"
            policy: Policy = self.policy(self._override or entry.row.policy or default)
            field = "jurisdiction"
            terms = self._terms.of(invoice, self._creditor_of(invoice.creditor))
        except GatewayError as error:
            value = {"creditor": invoice.creditor, "policy": entry.row.policy}.get(field, invoice.jurisdiction) or ""
            return Rejected(entry.line, field, shown(value), str(error).splitlines()[0], entry.original)
        return self._opening(invoice, policy, terms)

    def _default_policy(self, code: str) -> str:
        creditor = self._creditor_of(code)
        return str(creditor.policy) if creditor else DEFAULT_POLICY

    def _creditor_of(self, code: str) -> Creditor | None:
        """The creditor; None if a dry run does without."""
        try:
            return self.creditor(code)
        except GatewayError:
            if self._dry_run:
                return None
            raise

    def _opening(self, invoice: Invoice, policy: Policy, terms: Terms) -> Opening:
        now = datetime.now(UTC)
        at = begins_at(self._lapse.begin, invoice.due, invoice.issued, now)
        return Opening(invoice, policy, CaseClock(wall=now, business=at, factor=self._lapse.factor), at, terms=terms)


def begins_at(begin: str, due: date, issued: date | None, now: datetime) -> datetime:
    """The business instant at which a case begins.

    Raises:
        WrongUsage: if `begin` is none of now, a day, issued, due, due-4d.
    """
    if begin == "now":
        return now
    match = _BEGIN.fullmatch(begin)
    try:
        day = date.fromisoformat(begin) if match is None else (issued or due) if match["anchor"] == "issued" else due
    except ValueError:
        raise WrongUsage(f"--begin {begin!r}: write now, YYYY-MM-DD, issued, due or due-4d") from None
    if match is not None and match["days"]:
        day += timedelta(days=int(match["days"]) * (-1 if match["sign"] == "-" else 1))
    return datetime.combine(day, time(0), UTC)
