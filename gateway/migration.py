"""Moves running cases to another policy, or to another version of theirs: an explicit step that is shown first.

Each case gets the calendar that the new rules of contact need; what it has been through stays as it was.
"""

from typing import Any, NamedTuple

from gateway.calendars import pinned
from gateway.errors import InputRefused
from gateway.service import Service
from models import events as e
from models import ids, view
from models.case import Case, Refused
from models.changes import apply
from models.policy import Policy


class Move(NamedTuple):
    """What the move does, or would do, to a case; `reason` says why it is refused."""

    invoice: str
    result: str
    before: str
    after: str
    next_before: str
    next_after: str
    falls_away: tuple[str, ...] = ()
    reason: str = ""


async def moved(service: Service, invoice: str, policy: Policy, by: str, reason: str, dry_run: bool) -> Move:
    """Move the case of an invoice; one that is governed by this very policy already is unchanged.

    Raises:
        InputRefused: there is no such invoice.
    """
    creditor, number = service.resolve(invoice)
    name = f"{creditor}/{number}"
    case = service.ledger.rebuild(ids.case_id(creditor, number))
    if case is None:
        raise InputRefused(f"there is no case {name}")
    to = f"{policy.id} version {policy.version}"
    move = Move(name, "unchanged", f"{case.policy.id} version {case.policy.version}", to, _next(case), _next(case))
    if case.policy.digest == policy.digest:
        return move
    message = _message(service, case, policy, by, reason)
    try:
        after = apply(case, message.but(at=service.business_now(case)))
        if not dry_run:
            await service.tell(creditor, number, message)
    except (Refused, InputRefused) as refusal:
        return move._replace(result="refused", reason=str(refusal))
    gone = tuple(f"{skip.step}: {skip.reason}" for skip in after.skipped[len(case.skipped) :])
    return move._replace(result="accepted", next_after=_next(after), falls_away=gone)


def _message(service: Service, case: Case, policy: Policy, by: str, reason: str) -> e.PolicyChanged:
    """The same move has the same name: a command that was cut off is completed by the same command."""
    name = f"{case.policy.digest[:12]}-{policy.digest[:12]}-{case.sequence}"
    creditor, number = ids.split_case_id(case.id)
    for told in service.ledger.told(creditor, number, tuple(case.applied), only_money=False):
        if isinstance(told, e.PolicyChanged) and told.policy.digest == policy.digest:
            return told
    calendar = pinned(case.invoice, policy, service.business_now(case), service.settings.data_dir)
    return e.PolicyChanged(id=name, policy=policy, calendar=calendar, by=by, reason=reason)


def _next(case: Case) -> str:
    upcoming = view.upcoming_step(case)
    if upcoming is None:
        return "none while it stands still" if case.on_hold else "none"
    return f"{upcoming[0].id} at {upcoming[1]:%Y-%m-%d %H:%M} UTC"


def as_lines(move: Move) -> list[str]:
    """A move for people."""
    if move.result == "unchanged":
        return [f"{move.invoice}: unchanged, it is under {move.after}"]
    if move.reason:
        return [f"{move.invoice}: refused: {move.reason}"]
    lines = [f"{move.invoice}: {move.before} -> {move.after}; next {move.next_before} -> {move.next_after}"]
    return [*lines, *(f"  falls away: {gone}" for gone in move.falls_away)]


def as_json(move: Move) -> dict[str, Any]:
    """A move for programs."""
    return move._asdict()
