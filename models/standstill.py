"""What makes the ladder stand still: disputes, promises, plans, extensions and holds."""

from datetime import date, datetime, timedelta

from models import events as e
from models import tasks
from models.balance import in_currency, kept, over
from models.case import Case, Refused
from models.credits import credited
from models.days import local_date, start_of_day
from models.deadlines import barred, crossed, moved, with_deadlines
from models.limitation import LimitationEvent
from models.money import Money
from models.records import Dispute, Hold, Pause, Plan, Promise, SettledOutcome


def dispute_raised(case: Case, event: e.DisputeRaised, at: datetime) -> Case:
    """All or a part is contested; one dispute at a time. Somebody has to answer it in time."""
    if case.dispute is not None:
        raise Refused(f"dispute {case.dispute.id!r} is still open: resolve it first")
    in_currency(case, event.amount)
    if event.amount is not None and case.outstanding < event.amount:
        raise Refused(f"{event.amount} is more than the outstanding {case.outstanding}")
    if case.rules_version < 2:
        return case.but(dispute=Dispute(id=event.id, amount=event.amount, reason=event.reason, since=at))
    answer_by = event.answer_by or local_date(case, at) + timedelta(days=case.policy.dispute_answer)
    _not_past(case, answer_by, at)
    if case.rules_version > 3 and event.answer_by is not None:
        _in_time(case, answer_by)
    dispute = Dispute(
        id=event.id, amount=event.amount, category=event.category, reason=event.reason, evidence=event.evidence,
        since=at, answer_by=answer_by, overdue_at=_after(case, answer_by, 0),
    )  # fmt: skip
    contested = f"{event.amount} of it" if event.amount else "the invoice"
    why = f" ({event.category}{': ' + event.reason if event.reason else ''})"
    text = f"answer the dispute by {answer_by}: the debtor contests {contested}{why}; then `arrears resolve`"
    return tasks.opened(case.but(dispute=dispute), "dispute", text[:2000], at, about=event.id)


def _in_time(case: Case, answer_by: date) -> None:
    """Refuse to answer a dispute so late that the claim would be barred, or cover lost: the ladder waits so long."""
    late = [why for why in (barred(case, answer_by), *crossed(case, answer_by)) if why]
    if late:
        raise Refused(f"answer the dispute sooner than {answer_by}: {'; '.join(late)}")


def dispute_unanswered(case: Case, _: e.DisputeUnanswered, at: datetime) -> Case:
    """The day to answer is over: an alarm that stays until the dispute is resolved."""
    dispute = case.dispute
    if dispute is None or dispute.overdue:
        raise Refused("no dispute waits for an answer")
    text = f"the dispute was to be answered by {dispute.answer_by}: resolve it (`arrears resolve`)"
    case = case.but(dispute=dispute.but(overdue=True))
    return tasks.opened(case, "dispute_unanswered", text, at, about=dispute.id)


def dispute_resolved(case: Case, event: e.DisputeResolved, at: datetime) -> Case:
    """Upheld: the invoice shrinks by what was disputed, or by the amount given.

    What was rejected, all or the rest: the ladder goes on where it was, with fresh cure periods.
    """
    dispute = case.dispute
    if dispute is None:
        raise Refused("there is no open dispute to resolve")
    in_currency(case, event.amount)
    disputed = case.disputed
    if event.amount is not None and not event.upheld:
        raise Refused("an amount goes with an upheld dispute only: it is what the invoice shrinks by")
    if event.amount is not None and disputed < event.amount:
        raise Refused(f"{event.amount} is more than the disputed {disputed}")
    # Interest on what was never owed goes with it: the credit is of principal.
    credit = min(event.amount or min(disputed, case.owed.principal), case.invoice.amount - case.credited)
    outcome: SettledOutcome = "upheld" if event.upheld else "rejected"
    case = over(case.but(dispute=None), "dispute", dispute.id, outcome, credit if event.upheld else disputed, at)
    for kind in ("dispute", "dispute_unanswered"):
        case = tasks.settled(case, kind, dispute.id, at, outcome)
    if not event.upheld or (case.rules_version > 3 and credit < disputed):
        case = case.but(fresh_at=at)
    if not event.upheld or not credit:
        return case
    return kept(credited(case, event.id, "credit_note", credit, local_date(case, at), at), at)


def promise_made(case: Case, event: e.PromiseMade, at: datetime) -> Case:
    """The ladder waits for the promised day plus the tolerance; for one promise too many it no longer does."""
    if case.promise is not None:
        raise Refused(f"a promise to pay by {case.promise.made.pay_by} is still running")
    _not_past(case, event.pay_by, at)
    in_currency(case, event.amount)
    if event.amount is not None and case.outstanding < event.amount:
        raise Refused(f"{event.amount} is more than the outstanding {case.outstanding}")
    case = _within_deadlines(case, event, event.pay_by, ("promise",), at)
    before = sum(1 for settled in case.settled if settled.kind == "promise") if case.rules_version > 1 else 0
    promise = Promise(
        made=event, amount=event.amount or case.outstanding, paid_before=case.paid,
        deadline=_after(case, event.pay_by, case.policy.promise_tolerance), pauses=before < case.policy.max_promises,
    )  # fmt: skip
    return case.but(promise=promise)


def promise_broken(case: Case, _: e.PromiseBroken, at: datetime) -> Case:
    """The day passed without the money, or with a part of it: the ladder goes on where it was."""
    promise = case.promise
    if promise is None:
        raise Refused("no promise is running")
    paid = case.paid - promise.paid_before
    outcome: SettledOutcome = "partly_kept" if paid.amount > 0 else "broken"
    case = over(case.but(promise=None), "promise", promise.made.id, outcome, paid, at)
    return with_deadlines(case.but(happened={**case.happened, "promise_broken": at}))


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
    moves: tuple[LimitationEvent, ...] = ("acknowledgment",)
    if case.rules_version > 2:
        moves = (*moves, "promise")  # It is both; laws name the one or the other.
    case = _within_deadlines(case, event, days[-1], moves, at)
    deadlines = tuple(_after(case, day, case.policy.promise_tolerance) for day in days)
    return case.but(plan=Plan(agreed=event, paid_before=case.paid, deadlines=deadlines))


def plan_broken(case: Case, event: e.PlanBroken, at: datetime) -> Case:
    """An instalment did not come: the ladder goes on where it was."""
    if case.plan is None:
        raise Refused("no payment plan is running")
    paid, others = case.paid - case.plan.paid_before, case.plan.agreed.with_cases
    to_tell = (*case.to_tell, *(other for other in others if other != case.id))
    case = over(case.but(plan=None, to_tell=to_tell), "plan", case.plan.name, "broken", paid, at)
    return with_deadlines(case.but(happened={**case.happened, "plan_broken": at}))


def partner_told(case: Case, event: e.PartnerTold, at: datetime) -> Case:
    """Another case of the plan knows."""
    return case.but(to_tell=tuple(other for other in case.to_tell if other != event.case))


def plan_ended(case: Case, event: e.PlanEnded, at: datetime) -> Case:
    """The plan is over before its time, as it was broken for another invoice or we ended it."""
    if case.plan is None or event.plan not in ("", case.plan.name):
        running = case.plan.name if case.plan else "none"
        raise Refused(f"no plan {event.plan!r} is running (running: {running})")
    paid, plan = case.paid - case.plan.paid_before, case.plan
    # What we end for one invoice ends for all; what another case tells us, that case tells the others, too.
    others = () if event.by in plan.agreed.with_cases else plan.agreed.with_cases
    to_tell = (*case.to_tell, *(other for other in others if other != case.id))
    return over(case.but(plan=None, to_tell=to_tell), "plan", plan.name, "ended", paid, at)


def extension_granted(case: Case, event: e.ExtensionGranted, at: datetime) -> Case:
    """The ladder waits until the day is over; no hard deadline moves."""
    _not_past(case, event.until, at)
    case = _within_deadlines(case, event, event.until, ("negotiations",), at)
    return case.but(extended_until=_after(case, event.until, 0))


def _within_deadlines(
    case: Case, event: e.PromiseMade | e.PlanAgreed | e.ExtensionGranted, day: date,
    moves: tuple[LimitationEvent, ...], at: datetime,
) -> Case:  # fmt: skip
    """The case, its limitation moved where the law lets the debtor's word move it.

    Raises:
        Refused: `day` lies past limitation; or past what the insurance allows, and no second person approved it.
    """
    for word in moves:
        case = moved(case, word, local_date(case, at), f"{event.type} {event.id}")
    why = barred(case, day)
    if why is not None:
        raise Refused(f"{day} cannot be accepted: {why}")
    past = crossed(case, day)
    one, other = event.by.strip().casefold(), event.approved_by.strip().casefold()
    if past and (not one or not other or one == other):
        raise Refused(
            f"{day} needs the approval of a second person (--by NAME --approved-by OTHER), as cover may be "
            f"lost: {'; '.join(past)}"
        )
    return case


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
    promised = case.promise is not None and case.promise.pauses
    pausing = bool(case.holds or promised or case.plan or case.extended_until or fully_disputed)
    if pausing and case.paused_since is None:
        return case.but(paused_since=at)
    if not pausing and case.paused_since is not None:
        pause = Pause(since=case.paused_since, until=max(at, case.paused_since))
        return case.but(paused_since=None, pauses=(*case.pauses, pause))
    return case
