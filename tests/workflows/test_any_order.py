"""No order of messages loses or doubles a step: workflows and the rules alone are told the same, and do the same."""

import random
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from gateway.errors import InputRefused
from gateway.simulate import drive
from models import events as e
from models.case import Case, Refused
from models.changes import apply, open_case
from models.policy import Policy
from tests.cases import after_due, after_step, day, policy, step
from tests.workflows.world import BEGIN, World

CASES = 6
MESSAGES = 8
UNTIL = day(70, 20)

WINDING = policy(
    step("early", {"before_due": "P2D"}),
    step("weekly", after_due(3), repeat={"every": "P7D", "times": 4}),
    step("call", after_step("weekly", 3, unanswered=True), "call", channels=["phone"]),
    step("demand", after_due(30), "formal_demand", cure_period="P7D"),
    step("agency", after_step("demand", 14), "referral", requires=["demand"]),
    step("closing", {"on_event": "promise_broken"}),
    spacing="P2D",
    promise_tolerance="P1D",
)
"""A ladder with everything that can shift a date."""


class Told(NamedTuple):
    """A message on its way: which door, to which case, when (minutes after the calendar began)."""

    minute: int
    number: str
    by_signal: bool
    kind: type[e.Message]
    body: dict[str, Any]


def any_message(chance: random.Random, minute: int) -> tuple[type[e.Message], dict[str, Any]]:
    """Some message; whether it is possible, the case has to say."""
    today = (BEGIN + timedelta(minutes=minute)).date()
    euros = f"{chance.choice((50, 200, 450, 1000))}.00 EUR"
    kind: type[e.Message] = chance.choice(
        (
            e.PaymentReceived, e.PaymentReceived, e.PaymentReversed, e.CreditNoteIssued,
            e.DisputeRaised, e.DisputeResolved, e.PromiseMade,
            e.ExtensionGranted, e.HoldPlaced, e.HoldReleased, e.DebtorReplied, e.AgencyReported,
        )
    )  # fmt: skip
    bodies: dict[type[e.Message], dict[str, Any]] = {
        e.PaymentReceived: {"amount": euros, "received_on": today},
        e.PaymentReversed: {"payment": f"R-{chance.randrange(MESSAGES)}"},
        e.CreditNoteIssued: {"amount": "50.00 EUR"},
        e.DisputeRaised: {"amount": chance.choice((None, "100.00 EUR"))},
        e.DisputeResolved: {"upheld": chance.random() < 0.3},
        e.PromiseMade: {"pay_by": today + timedelta(days=chance.randrange(12))},
        e.ExtensionGranted: {"until": today + timedelta(days=chance.randrange(6))},
        e.AgencyReported: {"status": "closed"},
    }
    return kind, bodies.get(kind, {})


def any_order(chance: random.Random) -> list[Told]:
    told = []
    minutes = iter(chance.sample(range(1, int((UNTIL - BEGIN).total_seconds()) // 60), CASES * MESSAGES))
    for n in range(CASES):
        for m in range(MESSAGES):
            minute = next(minutes)
            kind, body = any_message(chance, minute)
            # Some arrive twice: a reference that was used before.
            reference = f"R-{m if chance.random() < 0.9 else chance.randrange(MESSAGES)}"
            told.append(Told(minute, f"N-{n}", chance.random() < 0.4, kind, {"id": reference, **body}))
    return sorted(told, key=lambda one: (one.minute, one.number))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rules", ["plain", WINDING], ids=["plain", "winding"])
async def test_any_order_of_messages_gives_the_steps_that_the_rules_alone_give(
    world: World, rules: Policy | str, seed: int
) -> None:
    chance = random.Random(seed)
    numbers = [f"N-{n}" for n in range(CASES)]
    for number in numbers:
        await world.start(rules, number=number)
    opened_at = {number: (await world.case(number)).opened_at for number in numbers}
    refused: list[tuple[str, e.Message]] = []
    for one in any_order(chance):
        await world.pass_until(BEGIN + timedelta(minutes=one.minute, seconds=30))
        if one.by_signal and not world.head(one.number).closed:
            body = one.kind.model_validate({"by": "anna", **one.body}).model_dump(mode="json")
            await world.signal(one.kind.model_fields["type"].default, body, number=one.number)
            continue
        try:
            await world.tell(one.kind, number=one.number, **one.body)
        except InputRefused:
            refused.append((one.number, world.message(one.kind, **one.body).but(at=await world.now())))
    await world.pass_until(UNTIL)
    for number in numbers:
        case = await world.case(number)
        alone = by_rules_alone(world, case, opened_at[number], UNTIL)
        assert facts(case) == facts(alone), f"{number} of seed {seed}"
    for number, message in refused:
        then = by_rules_alone(world, await world.case(number), opened_at[number], message.at or UNTIL)
        with pytest.raises(Refused):
            apply(then, message)


def by_rules_alone(world: World, case: Case, opened_at: datetime, until: datetime) -> Case:
    """The case as it would be with nothing but the messages it took, each at its instant."""
    opened = e.CaseOpened(at=opened_at, invoice=case.invoice, policy=case.policy, clock=case.clock,
        rules_version=case.rules_version, law=case.law, insurance=case.insurance,
    )  # fmt: skip
    stored = world.events(case.id)
    return drive(open_case(opened), [event for event in stored if isinstance(event, e.Message)], until)


def facts(case: Case) -> dict[str, Any]:
    return {
        "steps": [(d.step, d.occurrence, d.planned_at) for d in case.performed],
        "skipped": [(s.step, s.occurrence) for s in case.skipped],
        "outstanding": case.outstanding,
        "stage": case.stage,
        "outcome": case.outcome,
        "progress": case.progress,
    }
