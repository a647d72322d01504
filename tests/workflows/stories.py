"""The paths a case can take, each as short as it can be: what the golden histories are recorded from."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.terms import Terms
from models import events as e
from models.insurance import InsuranceTerms
from tests.cases import after_due, day, law_of, on, policy, step
from tests.workflows.world import World

BRIEF = policy(
    step("first", after_due(1)), step("second", after_due(7)), step("demand", after_due(15), "formal_demand")
)  # fmt: skip
GUARDED = policy(step("first", after_due(1)), step("demand", after_due(5), "formal_demand", mode="propose"))
DAILY = policy(step("daily", after_due(1), repeat={"every": "P1D", "times": 5}))


async def full_ladder(world: World) -> None:
    await world.start()
    await world.pass_until(day(100))


async def paid(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(2))


async def part_paid(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    await world.tell(e.PaymentReceived, amount="400.00 EUR", received_on=on(2))
    await world.signal("payment_received", {"id": "UI-1", "amount": "100.00 EUR", "received_on": "2026-03-04"})
    await world.pass_until(day(8))


async def disputed_and_resolved(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    await world.tell(e.DisputeRaised, reason="never arrived")
    await world.pass_until(day(12))
    await world.tell(e.DisputeResolved)
    await world.pass_until(day(18))


async def promise_broken(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    await world.tell(e.PromiseMade, pay_by=on(5))
    await world.pass_until(day(20))


async def hold(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    await world.tell(e.HoldPlaced, reason="waiting for sales")
    await world.pass_until(day(5))
    await world.tell(e.HoldReleased)
    await world.pass_until(day(11))


async def approval(world: World) -> None:
    await world.start(GUARDED)
    await world.pass_until(day(6))
    await world.tell(e.StepApproved, step="demand", by="berta")


async def rejected_signal(world: World) -> None:
    await world.start(BRIEF)
    await world.signal("payment_received", {"id": "P-1"})
    await world.signal("hold_placed", {"id": "H-1"}, {"id": "H-2"})
    await world.signal("make_coffee")
    await world.pass_until(day(2))


async def late_arrival(world: World) -> None:
    await world.pass_until(day(100))
    await world.start()
    await world.pass_until(day(120))


async def deferred(world: World) -> None:
    await world.start(BRIEF)
    world.mail.down()
    await world.pass_until(day(1, 9.1))
    world.mail.up()
    await world.pass_until(day(2))


async def long_outage(world: World) -> None:
    await world.start(BRIEF)
    world.mail.down()
    await world.pass_until(day(1, 18))
    world.mail.up()
    await world.pass_until(day(2))


async def reopened(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    await world.tell(e.PaymentReceived, id="BANK-1", amount="1000.00 EUR", received_on=on(2))
    await world.pass_until(day(5))
    await world.tell(e.PaymentReversed, payment="BANK-1")
    await world.pass_until(day(8))


async def new_run(world: World) -> None:
    await world.start(DAILY, factor=world.clock.factor)
    await world.until(lambda case: len(case.performed) == 5)


CLAIMING = policy(
    step("first", after_due(1)), step("demand", after_due(15), "formal_demand", cure_period="P10D"),
    claim_interest={"from_step": "demand", "rest": "waive"}, tolerance=["1.00 EUR"],
)  # fmt: skip
"""Interest by law from the demand on; what is left of it once the invoice is paid is waived."""

INSURED = InsuranceTerms.model_validate({
    "source": "policy 4711, cl. 4", "maximum_extension": "P30D", "notice": "execute",
    "duties": {"insurer_notice": {"within": "P15D", "of": "due"}, "claim_filing": {"within": "P240D"}},
})  # fmt: skip


async def interest_claimed(world: World) -> None:
    await world.start(CLAIMING, terms=Terms(law_of("DE"), None))
    await world.pass_until(day(16))
    await world.tell(e.PaymentReceived, amount="600.00 EUR", received_on=on(16))
    await world.pass_until(day(20))
    await world.tell(e.PaymentReceived, amount="400.00 EUR", received_on=on(20))


async def plan_kept(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    parts = [{"due": on(10), "amount": "500.00 EUR"}, {"due": on(20), "amount": "500.00 EUR"}]
    await world.tell(e.PlanAgreed, instalments=parts)
    await world.pass_until(day(9))
    await world.tell(e.PaymentReceived, amount="500.00 EUR", received_on=on(9))
    await world.pass_until(day(19))
    await world.tell(e.PaymentReceived, amount="500.00 EUR", received_on=on(19))


async def plan_broken(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    parts = [{"due": on(10), "amount": "500.00 EUR"}, {"due": on(20), "amount": "500.00 EUR"}]
    await world.tell(e.PlanAgreed, instalments=parts, plan="P-1", with_cases=["invoice/ACME/0017", "invoice/ACME/X"])
    await world.pass_until(day(20))


async def dispute_upheld(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(2))
    await world.tell(e.DisputeRaised, category="quality", reason="scratched", amount="300.00 EUR")
    await world.pass_until(day(20))
    await world.tell(e.DisputeResolved, upheld=True)
    await world.pass_until(day(21))


async def deadline_on_hold(world: World) -> None:
    await world.start(BRIEF, terms=Terms(law_of("DE"), INSURED), cover={"insurer": "Sample Credit Insurance plc"})
    await world.pass_until(day(2))
    await world.tell(e.HoldPlaced, reason="waiting for sales")
    await world.pass_until(day(40))


async def written_off(world: World) -> None:
    await world.start(BRIEF)
    await world.pass_until(day(8))
    await world.tell(e.WrittenOff, reason="insolvent, no assets")
    await world.tell(e.StepApproved, step="write_off", by="berta")
    await world.pass_until(day(30))


class Story(NamedTuple):
    """A path, how many runs of the workflow it takes, and whether only the real server can tell it."""

    tell: Callable[[World], Awaitable[None]]
    runs: int = 1
    real_server: bool = False


STORIES: dict[str, Story] = {
    "full_ladder": Story(full_ladder),
    "paid": Story(paid),
    "part_paid": Story(part_paid),
    "disputed_and_resolved": Story(disputed_and_resolved),
    "promise_broken": Story(promise_broken),
    "hold": Story(hold),
    "interest_claimed": Story(interest_claimed),
    "plan_kept": Story(plan_kept),
    "plan_broken": Story(plan_broken),
    "dispute_upheld": Story(dispute_upheld),
    "deadline_on_hold": Story(deadline_on_hold),
    "written_off": Story(written_off),
    "approval": Story(approval),
    "rejected_signal": Story(rejected_signal),
    "late_arrival": Story(late_arrival),
    "deferred": Story(deferred),
    "long_outage": Story(long_outage),
    "reopened": Story(reopened, runs=2),
    "new_run": Story(new_run, runs=2, real_server=True),
}
