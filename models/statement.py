"""The money and the dates of a case as others read them: balance, interest statement and hard deadlines as JSON.

The rest of a case is in view.py.
"""

from datetime import date, datetime
from typing import Any

from models.books import debtor_day, late_charges
from models.case import Case
from models.days import local_date
from models.deadlines import name
from models.money import Money
from models.statutory_interest import Claim


def balance_json(case: Case) -> dict[str, Any]:
    """What is owed in its three parts, as booked, and whether interest and costs are claimed."""
    claim = case.claim
    return {
        "principal": _money(case.owed.principal), "costs": _money(case.owed.costs),
        "interest": _money(case.owed.interest), "claimed": claim is not None,
        "booked_through": claim.through.isoformat() if claim else None,
        "short": _money(case.short) if case.short else None,
        "waived": [
            {"id": w.id, **_money(w.amount), "on": w.on, "by": w.by, "reason": w.reason} for w in case.waivers
        ],
        "credits": [{"id": c.id, "kind": c.kind, **_money(c.amount), "on": c.on} for c in case.credits],
    }  # fmt: skip


def interest_json(case: Case, now: datetime) -> dict[str, Any] | None:
    """The statement of interest up to today; None where neither a contract nor a jurisdiction is known."""
    if case.law is None and case.invoice.late_fee is None:
        return None
    today = debtor_day(case.invoice, now)
    as_of = min(today, case.claim.through) if case.closed and case.claim else today
    return {**claim_json(late_charges(case.invoice, case, as_of), as_of), "claimed": case.claim is not None}


def deadlines_json(case: Case, now: datetime) -> list[dict[str, Any]]:
    """The hard deadlines with the days that are left and their source."""
    today = local_date(case, now)
    return [
        {
            "kind": d.kind, "name": name(d.kind), "day": d.day.isoformat(), "legal_day": d.legal_day.isoformat(),
            "days_left": (d.day - today).days, "why": d.why, "source": d.source, "verified": d.verified,
            "state": "missed" if d.missed else "met" if d.met else "missed" if d.day < today else "open", "met": d.met,
        }
        for d in case.deadlines
    ]  # fmt: skip


def claim_json(claim: Claim, as_of: date) -> dict[str, Any]:
    """What is claimed for a late debt, for programs; amounts are strings."""
    owed = claim.statement.owed
    return {
        "jurisdiction": claim.jurisdiction,
        "as_of": as_of.isoformat(),
        "principal": _sum(claim.principal),
        "segments": [
            {
                "from": s.start.isoformat(), "to": s.end.isoformat(), "days": s.days, "balance": _sum(s.balance),
                "rate": s.rate, "amount": _sum(s.amount), "source": s.source, "verified": s.verified,
            }
            for s in claim.statement.segments
        ],
        "interest": _sum(claim.interest),
        "compensation": _sum(claim.compensation),
        "paid": _sum(claim.paid),
        "unapplied": _sum(claim.statement.unapplied),
        "total": _sum(claim.total),
        "currency": claim.principal.currency,
        "open": {
            "principal": _sum(owed.principal), "interest": _sum(owed.interest), "compensation": _sum(owed.costs),
        },
        "payments": [
            {
                "date": a.on.isoformat(), "compensation": _sum(a.allocation.costs),
                "interest": _sum(a.allocation.interest), "principal": _sum(a.allocation.principal),
                "unapplied": _sum(a.allocation.unapplied),
            }
            for a in claim.statement.applied
        ],
        "left_out_from": claim.left_out_from.isoformat() if claim.left_out_from else None,
        "unverified": list(claim.unverified), "warnings": list(claim.warnings), "notes": list(claim.notes),
        "disclaimer": "not legal advice",
    }  # fmt: skip


def _sum(money: Money) -> str:
    return str(money.amount)


def _money(value: Money) -> dict[str, str]:
    return {"amount": str(value.amount), "currency": value.currency}
