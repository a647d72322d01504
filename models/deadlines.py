"""Hard deadlines: what must be done by when, or cover, a guarantee or the claim itself is lost.

They count from the contractual due date and nothing pauses them: no hold, dispute, promise, plan or extension. The
limitation date alone moves, by what the law of the case lets move it. The last day is rolled back to a business day.
What a case does as one comes near is decided in ladder.py.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from models import events as e
from models import tasks
from models.calendar import is_business_day
from models.case import Case
from models.days import local_date, moment_of, permitted, start_of_day
from models.insurance import Duty
from models.limitation import Effect, LimitationEvent, limitation_date
from models.policy import DUTY_STEPS, Step, StepKind
from models.records import Deadline, Restart

NOTICE = DUTY_STEPS["duty_insurer_notice"]

_ABOUT: dict[e.DeadlineKind, tuple[str, str]] = {
    "insurer_notice": ("notice of overdue to the insurer", "give the insurer notice of the overdue debt"),
    "adverse_information": ("notice of adverse information", "tell the insurer what became known about the buyer"),
    "collection_mandate": ("collection mandate", "hand the debt over for collection, as the insurance asks"),
    "claim_filing": ("filing of the claim", "file the claim with the insurer, with a complete file"),
    "guarantee_end": ("end of the guarantee", "demand payment of the guarantor, in the form the guarantee asks for"),
    "limitation": ("limitation", "sue, or have the debtor acknowledge the debt in writing"),
}
_MET_BY: dict[StepKind, tuple[e.DeadlineKind, ...]] = {
    "insurer_notice": ("insurer_notice",),
    "insurance_claim": ("insurer_notice", "claim_filing"),
    "referral": ("collection_mandate",),
}
_IN_COURT: tuple[LimitationEvent, ...] = ("suit", "court_order")
BAD_NEWS = ("debtor_insolvent", "contact_lost", "promise_broken", "plan_broken")


class _Term(NamedTuple):
    kind: e.DeadlineKind
    day: date
    why: str
    source: str
    verified: bool = True
    since: datetime | None = None


def name(kind: e.DeadlineKind) -> str:
    """A kind of deadline in words."""
    return _ABOUT[kind][0]


def with_deadlines(case: Case) -> Case:
    """The case with its hard deadlines as they stand; what was met, missed or warned of stays so."""
    before = {deadline.kind: deadline for deadline in case.deadlines}
    found = []
    for term in _terms(case):
        day = previous_business_day(case, term.day)
        known = before.get(term.kind)
        # What became known once is known: a second piece of bad news gives no more time than the first.
        if known is not None and (known.legal_day == term.day or term.since is not None):
            found.append(known)
            continue
        found.append(
            Deadline(
                kind=term.kind, day=day, legal_day=term.day, why=term.why, source=term.source, verified=term.verified,
                met=known.met if known is not None else None, since=term.since,
            )
        )  # fmt: skip
    return case.but(deadlines=tuple(sorted(found, key=lambda d: (d.day, d.kind))))


def _terms(case: Case) -> Iterator[_Term]:
    yield from _of_insurance(case)
    due, law, guarantee = case.invoice.due, case.law.jurisdiction if case.law else None, case.invoice.guarantee
    limitation = law.limitation if law else None
    if guarantee is not None and guarantee.expires is not None:
        yield _Term("guarantee_end", guarantee.expires, "as agreed", "the guarantee")
    elif guarantee is not None and limitation is not None and "guarantee" in limitation.special:
        rule = limitation.special["guarantee"]
        why = f"{rule.period} from {due}, as no end is agreed"
        yield _Term("guarantee_end", limitation_date(rule, due), why, rule.source, rule.verified)
    if limitation is None or law is None:
        return
    last, why = (
        limitation_date(limitation, due),
        f"{limitation.period} from " + (f"the end of {due.year}" if limitation.starts == "year_end" else str(due)),
    )
    source, verified = limitation.source, limitation.verified
    for restart in case.restarts:
        move = limitation.move(restart.event)
        if move is None:
            continue
        if move.effect == "restart":
            # An acknowledgment before the period has begun to run (DE: the end of the year) does not shorten it.
            moved_to = max(last, limitation_date(limitation, due, restart.on))
        elif move.effect == "postpone" and move.by is not None:
            moved_to = max(last, move.by.after(restart.on))
        else:
            continue
        if moved_to != last:
            last, why = moved_to, f"{limitation.period} anew from {restart.on} ({restart.event}: {restart.proof})"
            why = why if move.effect == "restart" else f"postponed by {move.by} from {restart.on} ({restart.proof})"
            source, verified = f"{limitation.source}; {move.source}", limitation.verified and move.verified
    yield _Term("limitation", last, why, source, verified)


def _of_insurance(case: Case) -> Iterator[_Term]:
    terms = case.insurance
    if terms is None:
        return
    due = case.invoice.due
    extension = due + timedelta(days=terms.maximum_extension or 0)
    known = [case.happened[what] for what in BAD_NEWS if what in case.happened]
    for kind, duty in terms.duties.items():
        since = None
        match duty.of:
            case "due":
                base, named = due, f"the due date {due}"
            case "extension":
                base, named = extension, f"{extension}, the end of the maximum extension"
            case _ if known:
                since = min(known)
                base = local_date(case, since)
                named = f"{base}, when it became known"
            case _:
                continue
        unit = "business days" if duty.business_days else "days"
        why = f"{duty.within} {unit} from {named}"
        yield _Term(kind, _later(case, base, duty), why, terms.source, since=since)


def _later(case: Case, base: date, duty: Duty) -> date:
    if not duty.business_days:
        return base + timedelta(days=duty.within)
    day, left = base, duty.within
    while left:
        day += timedelta(days=1)
        left -= day == previous_business_day(case, day)
    return day


def previous_business_day(case: Case, day: date) -> date:
    """`day`, or the last business day before it: by the weekend of the jurisdiction, and the calendar of the case."""
    weekend = case.law.jurisdiction.calendar.weekend if case.law else ("saturday", "sunday")
    calendar = case.calendar.office or case.calendar if case.calendar else None
    while _WEEK[day.weekday()] in weekend or (calendar is not None and not is_business_day(day, calendar)):
        day -= timedelta(days=1)
    return day


_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


# --- what moves and meets them --------------------------------------------------------------------------------


def effect(case: Case, event: LimitationEvent) -> Effect:
    """What an event does to the limitation date by the law of the case."""
    limitation = case.law.jurisdiction.limitation if case.law else None
    move = limitation.move(event) if limitation else None
    return move.effect if move else "none"


def moved(case: Case, event: LimitationEvent, on: date, proof: str) -> Case:
    """Something happened that may move the limitation date; where the law lets it, the proof is kept with it.

    What comes after the last day revives nothing, to be on the safe side.
    """
    last = next((d.legal_day for d in case.deadlines if d.kind == "limitation"), None)
    if last is None or last < on:
        return case
    match effect(case, event):
        case "restart":
            if case.rules_version < 4 and any(restart.on >= on for restart in case.restarts):
                return case
        case "postpone":
            # Once only (e.g. JP Civil Code art. 150); one that came too early to postpone anything does not count.
            limitation = case.law.jurisdiction.limitation if case.law else None
            move = limitation.move(event) if limitation else None
            early = move is None or move.by is None or move.by.after(on) <= last
            if early or any(restart.event == event for restart in case.restarts):
                return case
        case "suspend":
            # Negotiations suspend only as long as they last, and who can say when they ended? The day stays.
            return met(case, "limitation", f"suspended by {proof}") if event in _IN_COURT else case
        case _:
            return case
    restarts = (*case.restarts, Restart(event=event, on=on, proof=proof))
    if case.rules_version > 3:  # All are kept, by their days: one of them may be taken back.
        restarts = tuple(sorted(restarts, key=lambda restart: restart.on))
    return with_deadlines(case.but(restarts=restarts))


def moved_back(case: Case, proof: str, at: datetime) -> Case:
    """What had moved the limitation date did not last (a payment taken back, a letter returned): the day goes back."""
    left = tuple(restart for restart in case.restarts if restart.proof != proof)
    if left == case.restarts:
        return case
    before = case.deadlines
    case = with_deadlines(case.but(restarts=left))
    # Nobody could be warned of an earlier day before now.
    return case.but(deadlines=tuple(d if d in before else d.but(since=at) for d in case.deadlines))


def watched_anew(case: Case, at: datetime) -> Case:
    """A case that was closed is pursued again: of the warnings that it missed meanwhile only the last counts."""
    return case.but(deadlines=tuple(d.but(since=at) for d in case.deadlines))


def met_by_step(case: Case, kind: StepKind, what: str) -> Case:
    """A step that does what deadlines ask for meets them."""
    for deadline in _MET_BY.get(kind, ()):
        case = met(case, deadline, what)
    return case


def met(case: Case, kind: e.DeadlineKind, what: str) -> Case:
    """What a deadline asks for was done."""
    if not any(d.kind == kind and d.met is None for d in case.deadlines):
        return case
    return case.but(deadlines=tuple(d.but(met=what) if d.kind == kind else d for d in case.deadlines))


# --- what time alone makes of them ----------------------------------------------------------------------------


def next_notice(case: Case) -> tuple[datetime, e.AnyEvent] | None:
    """The next warning, or the day that was missed: the earliest over all deadlines."""
    return min((n for n in (_next(case, d) for d in case.deadlines) if n is not None), default=None, key=_instant)


def _instant(notice: tuple[datetime, e.AnyEvent]) -> datetime:
    return notice[0]


def _next(case: Case, deadline: Deadline) -> tuple[datetime, e.AnyEvent] | None:
    if deadline.met is not None or deadline.missed:
        return None
    watched = max(deadline.since or case.opened_at, case.opened_at)
    ahead = _next_warning(case, deadline, local_date(case, watched))
    if ahead is not None:
        at = max(start_of_day(case, deadline.day - timedelta(days=ahead)), watched)
        return at, e.DeadlineNear(deadline=deadline.kind, day=deadline.day, days_left=ahead, at=at)
    at = max(start_of_day(case, deadline.day + timedelta(days=1)), watched)
    return at, e.DeadlineMissed(deadline=deadline.kind, day=deadline.day, at=at)


def _next_warning(case: Case, deadline: Deadline, watched_from: date) -> int | None:
    """How many days ahead the next warning comes; of those that lie before the watch only the last counts."""
    leads = sorted(case.policy.deadline_warnings, reverse=True)
    left = [n for n in leads if deadline.warned is None or n < deadline.warned]
    past = [n for n in left if deadline.day - timedelta(days=n) < watched_from]
    if watched_from > deadline.day:
        return None
    return past[-1] if past else left[0] if left else None


def near(case: Case, event: e.DeadlineNear, at: datetime) -> Case:
    """A person is told; the new warning takes the place of the one before."""
    left = (event.day - local_date(case, at)).days
    case = tasks.settled(case, "deadline", event.deadline, at, "superseded")
    case = _marked(case, event.deadline, warned=event.days_left)
    when = "today is the last day" if left <= 0 else "1 day left" if left == 1 else f"{left} days left"
    return tasks.opened(case, "deadline", f"{_told(case, event.deadline)}: {when}", at, about=event.deadline)


def missed(case: Case, event: e.DeadlineMissed, at: datetime) -> Case:
    """An alarm that stays."""
    case = tasks.settled(case, "deadline", event.deadline, at, "missed")
    case = _marked(case, event.deadline, missed=True)
    text = f"MISSED: {_told(case, event.deadline)}"
    return tasks.opened(case, "deadline_missed", text, at, about=event.deadline)


def _marked(case: Case, kind: e.DeadlineKind, **changes: object) -> Case:
    return case.but(deadlines=tuple(d.but(**changes) if d.kind == kind else d for d in case.deadlines))


def _told(case: Case, kind: e.DeadlineKind) -> str:
    deadline = next(d for d in case.deadlines if d.kind == kind)
    unverified = "" if deadline.verified else ", not verified"
    what, todo = _ABOUT[kind]
    return f"{what}: {todo} by {deadline.day} ({deadline.why}; {deadline.source}{unverified})"


def notice_due(case: Case) -> tuple[Step, datetime] | None:
    """The notice of overdue that the insurance has sent by itself, and when; None if there is none to send."""
    terms = case.insurance
    if terms is None or terms.notice == "task" or NOTICE.id in case.progress or NOTICE.id in case.refused:
        return None
    if NOTICE.id in case.proposed and NOTICE.id not in case.approved:
        return None
    deadline = next((d for d in case.deadlines if d.kind == "insurer_notice"), None)
    if deadline is None or deadline.met is not None:
        return None
    if deadline.missed and NOTICE.id not in case.approved and NOTICE.id not in case.deferred:
        # Late by itself it would pass for one in time; what was approved, or is on its way, still goes out.
        return None
    overdue = case.invoice.due + timedelta(days=1)
    at = moment_of(case, max(deadline.day - timedelta(days=terms.notice_ahead), overdue))
    floor = max(case.opened_at, case.deferred.get(NOTICE.id, case.opened_at))
    mode = "propose" if terms.notice == "propose" else "execute"
    return NOTICE.but(mode=mode), at if at >= floor else permitted(case, floor)


def crossed(case: Case, day: date) -> Sequence[str]:
    """What would pass before `day` is over: the maximum extension of the insurance, and the limitation date."""
    found = []
    terms = case.insurance
    if terms is not None and terms.maximum_extension is not None:
        latest = case.invoice.due + timedelta(days=terms.maximum_extension)
        if day > latest:
            found.append(
                f"the insurance allows an extension until {latest} ({terms.maximum_extension} days from the "
                f"contractual due date {case.invoice.due}; {terms.source})"
            )
    return found


def barred(case: Case, day: date) -> str | None:
    """Why the claim would be barred before `day` is over, or None."""
    limitation = next((d for d in case.deadlines if d.kind == "limitation"), None)
    if limitation is None or limitation.met is not None or day <= limitation.day:
        return None
    last = f"{limitation.legal_day}"
    if limitation.day != limitation.legal_day:
        last += f", and {limitation.day} is the last business day before"
    unverified = "" if limitation.verified else ", not verified"
    return f"the claim is barred after {last} ({limitation.why}; {limitation.source}{unverified})"
