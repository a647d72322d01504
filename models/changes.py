"""`apply`: the only way a case changes. One branch per event; an impossible one is refused with a reason.

`apply` looks nothing up: no rate, no clock, no ledger. What it needs is in the case and in the event. The branches live
with their subjects: payments.py, credits.py, standstill.py, steps.py; the small ones are here.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from models import balance, credits, deadlines, payments, standstill, steps, tasks, writing_off
from models import events as e
from models.case import Case, Closed, Refused
from models.days import start_of_day
from models.deadlines import BAD_NEWS, with_deadlines
from models.entry import entered
from models.ladder import next_lapse
from models.money import Money
from models.records import Numbered, Rejection
from models.stranded import without_stranded

AFTER_THE_CLOSE = (e.PaymentReversed, e.Refunded)
"""What may still be told a case that is closed."""

MAX_REJECTED = 200
"""How many rejected messages a case lists; a flood of garbage must not fill its history."""


def open_case(opened: e.CaseOpened) -> Case:
    """The case as it begins, with the ladder entered where its age demands (late arrival)."""
    if opened.at is None:
        raise Refused("the opening of a case needs the instant at which it opens")
    zero = Money.zero(opened.invoice.amount.currency)
    case = Case(
        rules_version=opened.rules_version,
        invoice=opened.invoice, policy=opened.policy, clock=opened.clock, opened_at=opened.at,
        law=opened.law, insurance=opened.insurance, owed=balance.opening_balance(opened.invoice.amount),
        outstanding=opened.invoice.amount, credited=zero, calendar=opened.calendar,
    )  # fmt: skip
    if opened.law is not None or opened.insurance is not None or opened.invoice.guarantee is not None:
        case = with_deadlines(case)
    for prior in opened.prior_notices:
        step = case.policy.by_id.get(prior.step)
        if step is None:
            raise Refused(f"prior notice {prior.step!r}: policy {case.policy.id} has no such step")
        at = start_of_day(case, prior.performed_on)
        case = steps.done(case, step.id, step.kind, case.progress.get(step.id, 0) + 1, at, at)
    case = entered(case, opened.at, "opened")
    return _numbered(without_stranded(case, opened.at) if case.rules_version > 2 else case, opened)


def apply(case: Case, event: e.Event) -> Case:
    """The case after `event`. The same message a second time changes nothing.

    Raises:
        Refused: if the event is impossible, or a message's reference was used before with other content.
    """
    if isinstance(event, e.Message):
        known = case.applied.get(event.update_id)
        if known is not None:
            if known == event.fingerprint:
                return case
            raise Refused(
                f"{event.type} {event.id!r} was already taken with other content; use a new reference for a new message"
            )
        if case.closed and not isinstance(event, AFTER_THE_CLOSE):
            raise Closed(f"the case is closed ({case.outcome})")
    elif case.closed:
        raise Closed(f"the case is closed ({case.outcome})")
    if event.at is None:
        raise Refused(f"{event.type} has no instant at which it counts")
    case = _lapsed(case, event.at)
    changed = _BRANCHES[type(event)](case, event, event.at)
    if isinstance(event, e.Message):
        happened = {**changed.happened, event.type: event.at}
        applied = {**changed.applied, event.update_id: event.fingerprint}
        changed = changed.but(happened=happened, applied=applied)
        if changed.insurance is not None and event.type in BAD_NEWS:
            changed = with_deadlines(changed)
    if case.rules_version > 2 and (changed.skipped is not case.skipped or isinstance(event, e.DebtorReplied)):
        changed = without_stranded(changed, event.at)
    return _numbered(standstill.paused(changed, event.at), event)


def _lapsed(case: Case, before: datetime) -> Case:
    """The case with what ran out before an instant: a late message finds the promise broken already."""
    while not case.closed and (lapse := next_lapse(case)) is not None and lapse[0] < before:
        case = apply(case, lapse[1])
    return case


def fold(events: Iterable[e.Event]) -> Case:
    """A case rebuilt from its stored events, the first of which opened it."""
    stream = iter(events)
    opened = next(stream, None)
    if not isinstance(opened, e.CaseOpened):
        raise Refused("the first event of a case must be its opening")
    case = open_case(opened)
    for event in stream:
        case = apply(case, event)
    return case.but(journal=())


def stored(case: Case, sequence: int) -> Case:
    """The case once the ledger holds its events up to `sequence`."""
    if not case.journal or case.journal[0].sequence > sequence:
        return case
    return case.but(journal=tuple(n for n in case.journal if n.sequence > sequence))


def _numbered(case: Case, event: e.Event) -> Case:
    sequence = case.sequence + 1
    entry = Numbered.assembled(sequence=sequence, event=event)
    return case.but(sequence=sequence, journal=(*case.journal, entry))


def _debtor_replied(case: Case, event: e.DebtorReplied, at: datetime) -> Case:
    """An answer that came by itself is for somebody to read; one that a person recorded has been read."""
    if case.rules_version < 2 or not event.text or event.by:
        return case
    text = f"read the debtor's answer{f' by {event.channel}' if event.channel else ''} and act on it: {event.text}"
    return tasks.opened(case, "reply", text, at, about=event.id)


def _contact_lost(case: Case, event: e.ContactLost, at: datetime) -> Case:
    if case.rules_version > 2 and event.notice:
        for done in case.performed:
            if done.notice == event.notice:
                case = deadlines.moved_back(case, steps.proof_of(done), at)
    text = f"find another contact, check the payment history (R23). {event.note}".strip()
    return tasks.opened(case, "contact_lost", text, at)


def _debtor_insolvent(case: Case, event: e.DebtorInsolvent, at: datetime) -> Case:
    return tasks.opened(case, "insolvency", f"lodge the claim in the insolvency proceedings. {event.note}".strip(), at)


def _agency_reported(case: Case, event: e.AgencyReported, at: datetime) -> Case:
    if event.status == "closed":
        text = f"the agency closed its file ({event.code or 'no code'}): decide how to go on. {event.note}".strip()
        return tasks.opened(case.but(agency_mandate=False), "agency_closed", text, at)
    return case


def _insurer_decided(case: Case, event: e.InsurerDecided, at: datetime) -> Case:
    if not case.insurer_mandate:
        raise Refused("no claim has been filed with the insurer")
    if event.accepted:
        return case.but(claim_settled=True)
    text = f"the insurer refused the claim: decide how to go on. {event.note}".strip()
    return tasks.opened(case.but(insurer_mandate=False), "claim_refused", text, at)


def _withdrawn(case: Case, _: e.Withdrawn, at: datetime) -> Case:
    return case.but(withdrawn=True)


def _policy_changed(case: Case, event: e.PolicyChanged, at: datetime) -> Case:
    for step in case.proposed:
        case = tasks.finished(case, "approval", step, at, "superseded")
    case = case.but(policy=event.policy, calendar=event.calendar or case.calendar)
    case = case.but(proposed={}, approved={}, approved_by={}, deferred={}, refused={})
    return entered(case, at, f"moved to {event.policy.id} version {event.policy.version}")


def _message_rejected(case: Case, event: e.MessageRejected, at: datetime) -> Case:
    if event.reference:
        case = case.but(declined=(*case.declined, event.reference))
    if len(case.rejected) >= MAX_REJECTED:
        return case
    rejection = Rejection(message=event.message, reason=event.reason, at=at)
    return case.but(rejected=(*case.rejected, rejection))


def _case_closed(case: Case, event: e.CaseClosed, at: datetime) -> Case:
    return case.but(closed=True, outcome=event.outcome)


_BRANCHES: dict[type[e.Event], Callable[[Case, Any, datetime], Case]] = {
    e.StepPerformed: steps.step_performed,
    e.StepSkipped: steps.step_skipped,
    e.StepDeferred: steps.step_deferred,
    e.StepRefused: steps.step_refused,
    e.StepProposed: steps.step_proposed,
    e.PromiseBroken: standstill.promise_broken,
    e.PlanBroken: standstill.plan_broken,
    e.ExtensionEnded: standstill.extension_ended,
    e.MessageRejected: _message_rejected,
    e.CaseClosed: _case_closed,
    e.PaymentReceived: payments.payment_received,
    e.PaymentReversed: payments.payment_reversed,
    e.PaymentAllocated: payments.payment_allocated,
    e.Refunded: payments.refunded,
    e.CreditNoteIssued: credits.credit_note_issued,
    e.InterestWaived: credits.interest_waived,
    e.ShortSettled: credits.short_settled,
    e.RestWaived: credits.rest_waived,
    e.LawUpdated: balance.law_updated,
    e.DeadlineNear: deadlines.near,
    e.DeadlineMissed: deadlines.missed,
    e.DisputeRaised: standstill.dispute_raised,
    e.DisputeResolved: standstill.dispute_resolved,
    e.DisputeUnanswered: standstill.dispute_unanswered,
    e.PromiseMade: standstill.promise_made,
    e.PlanAgreed: standstill.plan_agreed,
    e.PartnerTold: standstill.partner_told,
    e.PlanEnded: standstill.plan_ended,
    e.ExtensionGranted: standstill.extension_granted,
    e.HoldPlaced: standstill.hold_placed,
    e.HoldReleased: standstill.hold_released,
    e.DebtorReplied: _debtor_replied,
    e.ContactLost: _contact_lost,
    e.DebtorInsolvent: _debtor_insolvent,
    e.StepApproved: steps.step_approved,
    e.StepRejected: steps.step_rejected,
    e.TaskCompleted: steps.task_completed,
    e.AgencyReported: _agency_reported,
    e.InsurerDecided: _insurer_decided,
    e.Withdrawn: _withdrawn,
    e.WrittenOff: writing_off.proposed,
    e.PolicyChanged: _policy_changed,
}
