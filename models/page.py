"""The page of a case in the Temporal UI: where it stands, what comes next, what happened. Markdown, for people.

It is made of lists: the UI sets the columns of a table without any space between them.
"""

from collections.abc import Iterable
from datetime import datetime

from models.case import Case
from models.deadlines import name
from models.ladder import next_end
from models.records import Deadline
from models.view import upcoming_step

REJECTED_SHOWN = 10
"""How many rejected messages the page lists, the latest."""


def page(case: Case) -> str:
    """The case as a page."""
    invoice = case.invoice
    lines = [
        f"### {plain(invoice.number)} · {case.stage}" + (f" ({case.outcome})" if case.outcome else ""),
        "",
        f"**{case.outstanding}** of {invoice.amount} outstanding · due {invoice.due} · "
        f"buyer `{plain(invoice.buyer.id)}` · policy `{case.policy.id}` v{case.policy.version}",
        "",
        _next(case),
    ]
    if case.disputed and case.pursued:
        lines.append(f"{case.disputed} is disputed; {case.pursued} is pursued.")
    if case.claim is not None and not case.closed:
        lines.append(
            f"Claimed, booked to {case.claim.through}: principal {case.owed.principal}, interest {case.owed.interest}, "
            f"costs {case.owed.costs}."
        )
    lines += _list("To do", (f"`{t.id}`: {plain(t.text)}" for t in case.tasks if t.done_at is None))
    lines += _list("Done", (
        f"**{d.step}**" + (f" #{d.occurrence}" if d.occurrence > 1 else "")
        + f", {_at(d.performed_at)}" + (f" (planned {_at(d.planned_at)})" if d.planned_at != d.performed_at else "")
        for d in case.performed
    ))  # fmt: skip
    lines += _list("Skipped", (f"**{s.step}**: {plain(s.reason)}" for s in case.skipped))
    lines += _list("Payments", (
        f"**{p.amount}**, received {p.received_on}, reference {plain(p.id)}" + (" (reversed)" if p.reversed else "")
        for p in case.payments
    ))  # fmt: skip
    lines += _list("Deadlines", map(_deadline, case.deadlines))
    lines += _list("Rejected messages", (
        f"**{plain(r.message)}**: {plain(r.reason)}" for r in case.rejected[-REJECTED_SHOWN:]
    ))  # fmt: skip
    return "\n".join(lines)


def _next(case: Case) -> str:
    upcoming, lapse = upcoming_step(case), next_end(case)
    if case.closed:
        return "The case is closed."
    if case.on_hold:
        end = f" At the latest until {_at(lapse[0])}." if lapse else ""
        return f"The ladder stands still: {', '.join(pausing(case))}.{end}"
    if upcoming:
        return f"Next: **{upcoming[0].id}** ({upcoming[0].kind}) at {_at(upcoming[1])}."
    return "No further step is scheduled."


def pausing(case: Case) -> list[str]:
    """Why the ladder stands still."""
    reasons = [f"hold {plain(h.id)}" + (f" ({plain(h.reason)})" if h.reason else "") for h in case.holds]
    if case.promise and case.promise.pauses:
        reasons.append(f"promise to pay {case.promise.amount} by {case.promise.made.pay_by}")
    if case.plan:
        reasons.append("payment plan")
    if case.extended_until:
        reasons.append("extension")
    if case.dispute and not case.pursued:
        reasons.append("dispute" + (f" ({plain(case.dispute.reason)})" if case.dispute.reason else ""))
    return reasons


def _deadline(deadline: Deadline) -> str:
    state = plain(deadline.met) if deadline.met else "open"
    if deadline.missed:
        state = "**missed**" + (f", late: {plain(deadline.met)}" if deadline.met else "")
    mark = "" if deadline.verified else " (unverified)"
    return f"**{name(deadline.kind)}** {deadline.day}, {state}: {plain(f'{deadline.why}; {deadline.source}')}{mark}"


def _list(title: str, items: Iterable[str]) -> list[str]:
    points = [f"- {item}" for item in items]
    return ["", f"**{title}**", "", *points] if points else []


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def plain(text: str) -> str:
    """Text of unknown origin, harmless in Markdown and on one line."""
    flat = " ".join(text.split())[:300]
    return "".join("\\" + c if c in "\\`*_[]<>|#" else c for c in flat)
