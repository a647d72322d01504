"""What makes the ladder stand still: disputes, promises, plans, extensions and holds."""

from datetime import date, datetime, timedelta

from models import events as e
from models.balance import credited, in_currency, kept
from models.case import Case, Dispute, Hold, Pause, Plan, Promise, Refused
from models.days import local_date, start_of_day
from models.money import Money


def dispute_raised(case: Case, event: e.DisputeRaised, at: datetime) -> Case:
    """All or a part is contested; one dispute at a time."""
    if case.dispute is not None:
        raise Refused(f"dispute {case.dispute.id!r} is still open: resolve it first")
    in_currency(case, event.amount)
    if event.amount is not None and case.outstanding < event.amount:
        raise Refused(f"{event.amount} is more than the outstanding {case.outstanding}")
    return case.but(dispute=Dispute(id=event.id, amount=event.amount, reason=event.reason, since=at))


def dispute_resolved(case: Case, event: e.DisputeResolved, at: datetime) -> Case:
    """Upheld: the invoice shrinks by what was disputed, or by the amount given. Rejected: the ladder goes on."""
    if case.dispute is None:
        raise Refused("there is no open dispute to resolve")
    in_currency(case, event.amount)
    disputed = case.disputed
    if event.amount is not None and not event.upheld:
        raise Refused("an amount goes with an upheld dispute only: it is what the invoice shrinks by")
    if event.amount is not None and disputed < event.amount:
        raise Refused(f"{event.amount} is more than the disputed {disputed}")
    case = case.but(dispute=None)
    if event.upheld:
        credit = event.amount or disputed
        return kept(credited(case, credit, at)) if credit else case
    return case


def promise_made(case: Case, event: e.PromiseMade, at: datetime) -> Case:
    """The ladder waits for the promised day plus the tolerance."""
    if case.promise is not None:
        raise Refused(f"a promise to pay by {case.promise.made.pay_by} is still running")
    _not_past(case, event.pay_by, at)
    in_currency(case, event.amount)
    if event.amount is not None and case.outstanding < event.amount:
        raise Refused(f"{event.amount} is more than the outstanding {case.outstanding}")
    promise = Promise(
        made=event, amount=event.amount or case.outstanding, paid_before=case.paid,
        deadline=_after(case, event.pay_by, case.policy.promise_tolerance),
    )  # fmt: skip
    return case.but(promise=promise)


def promise_broken(case: Case, _: e.PromiseBroken, at: datetime) -> Case:
    """The day passed without the money: the ladder goes on where it was."""
    return case.but(promise=None, happened={**case.happened, "promise_broken": at})


def plan_agreed(case: Case, event: e.PlanAgreed, at: datetime) -> Case:
    """The ladder waits while the instalments, which add up to what is outstanding, come in time."""
    if case.plan is not None:
        raise Refused("a payment plan is already running")
    days = [i.due for i in event.instalments]
    if days != sorted(set(days)):
        raise Refused("the instalments must be in the order of their days, one a day")
    _not_past(case, days[0], at)
    for instalment in event.instalments:
        in_currency(case, instalment.amount)
    total = sum((i.amount for i in event.instalments), Money.zero(case.currency))
    if total != case.outstanding:
        raise Refused(f"the instalments add up to {total}, but {case.outstanding} is outstanding")
    deadlines = tuple(_after(case, day, case.policy.promise_tolerance) for day in days)
    return case.but(plan=Plan(agreed=event, paid_before=case.paid, deadlines=deadlines))


def plan_broken(case: Case, _: e.PlanBroken, at: datetime) -> Case:
    """An instalment did not come: the ladder goes on where it was."""
    return case.but(plan=None, happened={**case.happened, "plan_broken": at})


def extension_granted(case: Case, event: e.ExtensionGranted, at: datetime) -> Case:
    """The ladder waits until the day is over."""
    _not_past(case, event.until, at)
    return case.but(extended_until=_after(case, event.until, 0))


def extension_ended(case: Case, _: e.ExtensionEnded, at: datetime) -> Case:
    """The extension is over: the ladder goes on where it was."""
    return case.but(extended_until=None)


def hold_placed(case: Case, event: e.HoldPlaced, at: datetime) -> Case:
    """An operator stops the ladder; several holds add up."""
    return case.but(holds=(*case.holds, Hold(id=event.id, reason=event.reason, since=at)))


def hold_released(case: Case, event: e.HoldReleased, at: datetime) -> Case:
    """One hold, or all of them, are lifted."""
    if not case.holds:
        raise Refused("there is no hold to release")
    if event.hold is not None and all(h.id != event.hold for h in case.holds):
        raise Refused(f"there is no hold {event.hold!r} (holds: {', '.join(h.id for h in case.holds)})")
    return case.but(holds=tuple(h for h in case.holds if event.hold is not None and h.id != event.hold))


def _not_past(case: Case, day: date, at: datetime) -> None:
    if day < local_date(case, at):
        raise Refused(f"{day} lies in the past")


def _after(case: Case, day: date, tolerance: int) -> datetime:
    """The instant at which `day` and the tolerance are over."""
    return start_of_day(case, day + timedelta(days=tolerance + 1))


def paused(case: Case, at: datetime) -> Case:
    """Open or end the current pause as the reasons for one come and go."""
    fully_disputed = case.dispute is not None and not case.pursued and bool(case.outstanding)
    pausing = bool(case.holds or case.promise or case.plan or case.extended_until or fully_disputed)
    if pausing and case.paused_since is None:
        return case.but(paused_since=at)
    if not pausing and case.paused_since is not None:
        pause = Pause(since=case.paused_since, until=max(at, case.paused_since))
        return case.but(paused_since=None, pauses=(*case.pauses, pause))
    return case
