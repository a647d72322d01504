"""How the calendar of a preview is printed: as JSON, and as a table."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.preview import Planned, Preview, conditions_in_words, trigger_in_words
from models.calendar import PinnedCalendar
from models.invoice import Invoice
from models.policy import Policy, Step


def as_json_value(invoice: Invoice, policy: Policy, plan: Preview) -> dict[str, Any]:
    """The calendar with stable field names."""
    return {
        "policy": {
            "id": policy.id,
            "version": policy.version,
            "title": policy.title,
            "digest": policy.digest,
        },
        "invoice": {
            "creditor": invoice.creditor,
            "number": invoice.number,
            "amount": {"amount": str(invoice.amount.amount), "currency": invoice.amount.currency},
            "issued": invoice.issued.isoformat() if invoice.issued else None,
            "due": invoice.due.isoformat(),
        },
        "timezone": plan.zone,
        "opened": plan.opened_at.isoformat(),
        "calendar": None if plan.calendar is None else _calendar_json(plan.calendar),
        "steps": [
            {
                "step": planned.step.id,
                "occurrence": planned.occurrence,
                "at": planned.at.isoformat(),
                "local": planned.local.isoformat(),
                "day": planned.day,
                "why": list(planned.why.why) if planned.why else [],
                "channels": list(planned.step.channels),
                **_of_step(planned.step),
            }
            for planned in plan.planned
        ],
        "skipped": [{"step": s.step, "occurrence": s.occurrence, "reason": s.reason} for s in plan.skipped],
        "waiting": [{"step": step.id, **_of_step(step)} for step in plan.waiting],
    }


def _calendar_json(calendar: PinnedCalendar) -> dict[str, Any]:
    return {
        "country": calendar.country,
        "weekend": list(calendar.weekend),
        "library": calendar.library,
        "version": calendar.version,
        "first": calendar.first.isoformat(),
        "last": calendar.last.isoformat(),
        "known_until": calendar.known_until.isoformat() if calendar.known_until else None,
    }


def _of_step(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "mode": step.mode,
        "trigger": trigger_in_words(step.when),
        "requires": list(step.requires),
        "cure_period": f"P{step.cure_period}D",
        "conditions": conditions_in_words(step.only_if),
        "sources": list(step.sources),
    }


def as_text(invoice: Invoice, policy: Policy, plan: Preview) -> Iterable[str]:
    """The calendar, line by line."""
    opened = plan.opened_at.astimezone(ZoneInfo(plan.zone))
    yield f"{policy.id} version {policy.version}: {policy.title}"
    yield f"{invoice.creditor}/{invoice.number}: {invoice.amount}, due {invoice.due}, zone {plan.zone}"
    yield f"The case begins {_moment(opened)}. Nobody pays or answers; what is proposed is approved at once."
    yield ""
    yield from _table([_HEAD, *map(_row, plan.planned)])
    moved = [planned for planned in plan.planned if planned.why and planned.why.moved]
    if moved:
        yield from ("", "Moved:")
        names = [p.step.id + _nth(p.occurrence, p.step.occurrences) for p in moved]
        yield from (f"  {name}: {planned.why}" for name, planned in zip(names, moved, strict=True))
    if plan.calendar is not None:
        yield from ("", _calendar_text(plan.calendar))
    if plan.skipped:
        yield from ("", "Falls away:")
        yield from (f"  {skip.step}{_nth(skip.occurrence)}: {skip.reason}" for skip in plan.skipped)
    if plan.waiting:
        yield from ("", "Waits for something to happen:")
        yield from (f"  {step.id} ({step.kind}): {trigger_in_words(step.when)}" for step in plan.waiting)


def _calendar_text(calendar: PinnedCalendar) -> str:
    weekend = " and ".join(day.capitalize() for day in calendar.weekend) or "no day"
    if not calendar.holidays and calendar.known_until is None:
        place = f"no holidays are known for {calendar.country}" if calendar.country else "no country is given"
        return f"Calendar: {place}, so that only the weekend counts ({weekend})."
    known = "complete"
    if calendar.known_until is None:
        known = "not published yet: only those that the law names are among them"
    elif calendar.known_until < calendar.last:
        known = f"complete up to {calendar.known_until}"
    return (
        f"Calendar of {calendar.country}: weekend {weekend}; {len(calendar.holidays)} holidays from {calendar.first} "
        f"to {calendar.last} ({calendar.library} {calendar.version}), {known}."
    )


_HEAD = (
    "local time",
    "UTC",
    "day",
    "step",
    "kind",
    "mode",
    "requires",
    "cure",
    "only if",
    "sources",
    "trigger",
)


def _row(planned: Planned) -> tuple[str, ...]:
    step = planned.step
    return (
        _moment(planned.local),
        f"{planned.at:%Y-%m-%d %H:%M}",
        f"{planned.day:+d}",
        step.id + _nth(planned.occurrence, step.occurrences),
        step.kind,
        "executes" if step.mode == "execute" else "proposes",
        ", ".join(step.requires) or "-",
        f"{step.cure_period} d" if step.cure_period else "-",
        ", ".join(conditions_in_words(step.only_if)) or "-",
        " ".join(step.sources),
        trigger_in_words(step.when) + (f", every {step.repeat.every} days" if step.repeat else ""),
    )


def _moment(local: datetime) -> str:
    return f"{local:%a %Y-%m-%d %H:%M}"


def _nth(occurrence: int, of: int = 1) -> str:
    return f" #{occurrence}" if occurrence > 1 or of > 1 else ""


def _table(rows: list[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
