"""Rules and events in words: triggers, conditions, and what each entry of a chain says.

For people who read evidence and not code; English only. Nothing is decided here.
"""

from typing import Any

from models import events as e
from models.case import Case
from models.conditions import answered_since, unmet
from models.messages import MESSAGES
from models.money import Money
from models.policy import Conditions, Step
from models.triggers import AfterDue, AfterStep, AllOf, AnyOf, BeforeDue, OnEvent, Trigger


def days(number: int) -> str:
    """A number of days."""
    return "1 day" if number == 1 else f"{number} days"


def trigger(when: Trigger) -> str:
    """A trigger in words."""
    match when:
        case BeforeDue():
            return f"{days(when.before_due)} before the contractual due date"
        case AfterDue(after_due=0):
            return "on the contractual due date"
        case AfterDue():
            return (
                f"{days(when.after_due)} after the contractual due date (days on which the ladder stood still excluded)"
            )
        case AfterStep(after_step=after):
            silent = ", if the debtor has not replied since" if after.unanswered else ""
            return f"{days(after.delay)} after {after.step} was performed{silent}"
        case OnEvent():
            return f"as soon as {when.on_event.replace('_', ' ')} is reported"
        case AnyOf():
            return "the earliest of: " + "; ".join(trigger(one) for one in when.any)
        case AllOf():
            return "the latest of: " + "; ".join(trigger(one) for one in when.all)
    # A trigger that this text does not know yet is shown as the policy writes it.
    return str(getattr(when, "model_dump", lambda **_: when)(mode="json"))  # type: ignore[unreachable]


def recurrence(step: Step) -> str:
    """How often a step recurs, in words; empty if it does not."""
    return f"again every {days(step.repeat.every)}, {step.repeat.times} times in all" if step.repeat else ""


def conditions(case: Case, asked: Conditions | None) -> list[dict[str, Any]]:
    """Each condition of a step, how it stood in the case, and whether it held."""
    if asked is None:
        return []
    invoice, buyer = case.invoice, case.invoice.buyer
    stood: dict[str, str] = {
        "min_amount": f"{case.pursued} was pursued", "max_amount": f"{case.pursued} was pursued",
        "tiers": f"the buyer's tier was {buyer.tier or '(none)'}",
        "countries": f"the buyer's country was {buyer.country or '(none)'}",
        "insured": "the invoice was insured" if invoice.cover else "the invoice was not insured",
        "guaranteed": "there was a guarantee" if invoice.guarantee else "there was no guarantee",
    }  # fmt: skip
    if asked.unanswered_since:
        replied = answered_since(case, asked.unanswered_since)
        stood["unanswered_since"] = "the debtor had replied" if replied else "the debtor had not replied"
    found = []
    for name in type(asked).model_fields:
        value = getattr(asked, name)
        if value in (None, ()):
            continue
        failed = unmet(case, Conditions.model_validate({name: value}))
        listed = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
        found.append(
            {"condition": f"{name} {listed}", "held": failed is None, "stood": stood.get(name, failed or "it held")}
        )
    return found


_NOT_SAID = {"type", "v", "id", "at", "by", "source", "policy"}
_LABELS = {"payment": "of payment", "text": "saying", "note": "note", "reason": "reason"}


def event(happened: e.Event) -> str:
    """What an entry of the chain says, in one line of words."""
    match happened:
        case e.CaseOpened():
            invoice, policy = happened.invoice, happened.policy
            prior = (
                f"; notices before: {', '.join(p.step for p in happened.prior_notices)}"
                if happened.prior_notices
                else ""
            )
            rules = f"policy {policy.id} version {policy.version}"
            return f"case opened for {invoice.amount}, due {invoice.due}, under {rules}{prior}"
        case e.StepPerformed():
            what = f"{happened.step} performed ({happened.kind.replace('_', ' ')}{_nth(happened.occurrence)})"
            done = f", sent as {happened.notice}" if happened.notice else ""
            done += f", handed to a person as task {happened.task}" if happened.task else ""
            return what + done + _after(happened.note)
        case e.StepSkipped():
            return f"{happened.step}{_nth(happened.occurrence)} skipped{_after(happened.reason)}"
        case e.StepDeferred():
            until = f"{happened.until:%Y-%m-%d %H:%M} UTC"
            return f"{happened.step}{_nth(happened.occurrence)} put off until {until}{_after(happened.reason)}"
        case e.StepRefused():
            return f"{happened.step}{_nth(happened.occurrence)} could not be carried out{_after(happened.reason)}"
        case e.StepProposed():
            return f"{happened.step}{_nth(happened.occurrence)} put before a second person for approval"
        case e.MessageRejected():
            return f"message {happened.message} could not be taken{_after(happened.reason)}"
        case e.CaseClosed():
            return f"case closed: {happened.outcome.replace('_', ' ')}"
        case e.LawUpdated():
            return f"the rates of {happened.law.code} are known until {happened.law.known_until}"
        case e.PolicyChanged():
            return f"moved to policy {happened.policy.id} version {happened.policy.version}{_after(happened.reason)}"
    return happened.type.replace("_", " ") + _details(happened)


def _nth(occurrence: int) -> str:
    return f", number {occurrence}" if occurrence > 1 else ""


def _after(text: str) -> str:
    return f": {text}" if text else ""


def _details(happened: e.Event) -> str:
    parts = []
    for name, field in type(happened).model_fields.items():
        value = getattr(happened, name)
        if name in _NOT_SAID or value in (None, "", ()) or (value == field.default and not isinstance(value, bool)):
            continue
        if isinstance(value, tuple):
            value = "; ".join(f"{one.amount} due {one.due}" if hasattr(one, "due") else str(one) for one in value)
        shown = str(value) if isinstance(value, Money) else f"{_LABELS.get(name, name.replace('_', ' '))} {value}"
        parts.append(shown)
    return f": {', '.join(parts)}" if parts else ""


def is_message(happened: e.Event) -> bool:
    """Whether somebody told the case this (the case records the rest by itself)."""
    return happened.type in MESSAGES
