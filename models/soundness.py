"""What is wrong with a policy whose fields are each valid: the checks that need the whole ladder.

They are made as a policy is made (policy.py); what else is wrong with one is gathered in policy_faults.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, get_args

from models.parties import ChatChannel
from models.triggers import named_steps, nominal_day

if TYPE_CHECKING:
    from models.policy import Policy, Step

MAX_POLICY_BYTES = 8 * 1024
IRREVERSIBLE: frozenset[str] = frozenset({"referral", "insurance_claim", "legal_action"})


class PolicyFault(NamedTuple):
    """An error of a policy: where (keys and indexes from the top) and what."""

    path: tuple[str | int, ...]
    message: str


def find_faults(policy: "Policy") -> Iterator[PolicyFault]:
    """Every fault, those of a step together."""
    position: dict[str, int] = {}
    for i, step in enumerate(policy.steps):
        if step.id in position:
            yield PolicyFault(("steps", i, "id"), f"step id {step.id!r} is used twice")
        if step.id.startswith("duty_") or (step.id == "write_off" and step.kind != "write_off"):
            yield PolicyFault(("steps", i, "id"), f"the id {step.id!r} has a meaning of its own: choose another one")
        position.setdefault(step.id, i)
    yield from _of_money(policy, position)
    days = [nominal_day(policy.steps, step.when) for step in policy.steps]
    for i in range(len(policy.steps)):
        yield from _of_names(policy, i, position)
        yield from _of_days(policy, i, position, days)
        yield from _of_kind(policy, i)
    if policy.contact is not None and policy.schedule.zone != "debtor":
        yield PolicyFault(("contact",), "hours of contact are the debtor's: set `zone: debtor` in `schedule`")
    size = len(policy.content.encode())
    if size > MAX_POLICY_BYTES:
        yield PolicyFault((), f"the policy has {size} bytes; at most {MAX_POLICY_BYTES} can be pinned into a case")


def _of_money(policy: "Policy", position: Mapping[str, int]) -> Iterator[PolicyFault]:
    claim = policy.claim_interest
    if claim and claim.from_step not in position:
        yield PolicyFault(("claim_interest", "from_step"), f"the ladder has no step {claim.from_step!r}")
    currencies = [money.currency for money in policy.tolerance]
    for n, money in enumerate(policy.tolerance):
        if money.amount <= 0 or currencies.index(money.currency) != n:
            yield PolicyFault(("tolerance", n), f"{money}: give one amount above zero per currency")


def _of_names(policy: "Policy", i: int, position: Mapping[str, int]) -> Iterator[PolicyFault]:
    """Steps that are named must be there, and come before."""
    step = policy.steps[i]
    named: list[tuple[str, tuple[str | int, ...]]] = [
        (reference, ("steps", i, "requires", n)) for n, reference in enumerate(step.requires)
    ]
    named += named_steps(step.when, ("steps", i, "when"))
    if step.only_if and step.only_if.unanswered_since:
        named.append((step.only_if.unanswered_since, ("steps", i, "only_if", "unanswered_since")))
    for reference, path in named:
        if reference not in position:
            yield PolicyFault(path, f"step {step.id!r} names {reference!r}, but the ladder has no such step")
        elif position[reference] >= i:
            yield PolicyFault(path, f"step {step.id!r} names {reference!r}, which does not come before it")


def _of_days(
    policy: "Policy", i: int, position: Mapping[str, int], days: Sequence[int | None]
) -> Iterator[PolicyFault]:  # fmt: skip
    """Steps stand in the order of their days, and give what they require its cure period."""
    step, day = policy.steps[i], days[i]
    if day is None:
        return
    above = [(known, other.id) for other, known in zip(policy.steps[:i], days, strict=False) if known is not None]
    latest, name = max(above, key=lambda one: one[0], default=(day, ""))
    if day < latest:
        yield PolicyFault(
            ("steps", i, "when"),
            f"step {step.id!r} is triggered on day {day}, before {name!r} (day {latest}), "
            "which stands above it: write the steps in the order of their days",
        )
    for n, reference in enumerate(step.requires):
        place = position.get(reference, i)
        before, cure = days[place], policy.steps[place].cure_period
        if place < i and before is not None and day < before + cure:
            yield PolicyFault(
                ("steps", i, "requires", n),
                f"step {step.id!r} is triggered on day {day}, before {reference!r} "
                f"(day {before}, cure period {cure} days) has run",
            )


def _of_kind(policy: "Policy", i: int) -> Iterator[PolicyFault]:
    """What cannot be undone follows a formal demand, once; what must be served is a letter."""
    step: Step = policy.steps[i]
    demanded = any(other.kind == "formal_demand" for other in policy.steps)
    if step.kind in IRREVERSIBLE and not step.requires and demanded:
        yield PolicyFault(("steps", i), f"step {step.id!r} ({step.kind}) must name the formal demand in `requires`")
    chats = [channel for channel in step.channels if channel in get_args(ChatChannel)]
    if step.kind in ("formal_demand", "lawyer_letter") and chats and len(chats) == len(step.channels):
        yield PolicyFault(
            ("steps", i, "channels"),
            f"step {step.id!r} ({step.kind}) must be served as a letter: add email or post to its channels",
        )
    if step.repeat and step.kind in IRREVERSIBLE:
        yield PolicyFault(("steps", i, "repeat"), f"a {step.kind} cannot be repeated")
