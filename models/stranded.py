"""Steps that are left behind: what they follow was not performed, or was answered, so that they can never fire.

They fall away with the reason, instead of being waited for; what requires them then falls away in its turn (ladder.py).
"""

from datetime import datetime

from models.case import Case
from models.conditions import answered_since
from models.events import Skip
from models.steps import over
from models.triggers import AfterStep, AllOf, AnyOf, Trigger


def without_stranded(case: Case, at: datetime) -> Case:
    """Steps that can never fire fall away, too: what they follow was not performed, or was answered."""
    while stranded := _stranded(case):
        for skip in stranded:
            case = over(case, skip.step, skip.occurrence, at)
        case = case.but(skipped=(*case.skipped, *stranded))
    return case


def _stranded(case: Case) -> list[Skip]:
    found = []
    for step in case.policy.followers:
        past = case.progress.get(step.id, 0)
        if past >= step.occurrences or step.id in case.proposed or step.id in case.refused:
            continue
        why = _never(case, step.when)
        if why is not None:
            found += [Skip(step=step.id, occurrence=n, reason=why) for n in range(past + 1, step.occurrences + 1)]
    return found


def _never(case: Case, trigger: Trigger) -> str | None:
    """Why a trigger can never fire any more, or None if it still may."""
    match trigger:
        case AfterStep(after_step=after):
            if case.progress.get(after.step, 0) < case.policy.by_id[after.step].occurrences:
                return None
            if case.last_performed(after.step) is None:
                return f"{after.step}, which it follows, was not performed"
            return (
                f"the debtor answered {after.step}" if after.unanswered and answered_since(case, after.step) else None
            )
        case AllOf():
            return next((why for one in trigger.all if (why := _never(case, one)) is not None), None)
        case AnyOf():
            whys = [_never(case, one) for one in trigger.any]
            return None if None in whys else whys[0]
        case _:
            return None
