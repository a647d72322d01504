"""Ledger and cases compared: what waits is delivered, what is missing starts again from the ledger."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from temporalio.client import WorkflowUpdateFailedError

from activities.database import writing
from activities.tables import CASES
from gateway import reconcile as reconciling
from gateway.newer_tables import newer_laws
from gateway.policy_files import PACKAGED
from gateway.reconcile import Report, reconcile
from gateway.service import Opening
from gateway.service.case_server import NoRunningCase
from gateway.service.starting import opened
from gateway.terms import Terms
from models import events as e
from models import view
from models.changes import stored
from models.money import Money
from tests.cases import after_due, euros, invoice, law_of, on, policy, step
from tests.workflows.world import NUMBER, World

RULES = policy(step("late", after_due(400)))
ID = f"invoice/ACME/{NUMBER}"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "SETTLING", timedelta(0))


async def listed(world: World, repair: bool = False) -> Report:
    """A reconciliation, once the server lists the case as it is."""
    for _ in range(100):
        report = await reconcile(world.service, repair)
        if report.differences or report.delivered:
            return report
        await asyncio.sleep(0.05)
    return report


def kinds(report: Report) -> list[tuple[str, bool]]:
    return [(difference.kind, difference.repaired) for difference in report.differences]


async def test_what_agrees_is_left_alone(real_world: World) -> None:
    await real_world.start(RULES)
    report = await reconcile(real_world.service, repair=True)
    assert (report.cases, report.delivered, report.differences) == (1, 0, ())


async def test_a_payment_that_no_case_was_told_is_delivered_once(real_world: World) -> None:
    world = real_world
    await world.start(RULES)
    payment = e.PaymentReceived(id="BANK-1", amount=euros(400), received_on=on(0))
    world.ledger.receive("ACME", NUMBER, payment)
    assert (await reconcile(world.service)).delivered == 1
    assert (await reconcile(world.service)).delivered == 0
    case = await world.case()
    assert (case.outstanding, [p.id for p in case.payments]) == (euros(600), ["BANK-1"])


async def test_a_case_whose_workflow_was_ended_goes_on_from_the_ledger(real_world: World) -> None:
    world = real_world
    await world.start(RULES)
    await world.tell(e.PaymentReceived, id="BANK-1", amount="400.00 EUR", received_on=on(0))
    before = await world.case()
    await world.handle().terminate()
    assert kinds(await listed(world)) == [("closed_too_early", False)]
    assert kinds(await listed(world, repair=True)) == [("closed_too_early", True)]
    after = await world.case()
    assert (after.sequence, after.outstanding, after.opened_at) == (before.sequence, euros(600), before.opened_at)
    told = await world.tell(e.PaymentReceived, id="BANK-2", amount="600.00 EUR", received_on=on(0))
    assert told.head is not None and told.head.outcome == "paid"


async def test_an_event_that_never_reached_the_ledger_is_taken_over(real_world: World) -> None:
    world = real_world
    await world.start(RULES)
    await world.case()  # it has begun, and hands over nothing more by itself
    for nth in (1, 2):
        payment = e.PaymentReceived(id=f"BANK-{nth}", amount=euros(300), received_on=on(0))
        world.ledger.receive("ACME", NUMBER, payment)
        answer = await world.service.cases.tell(ID, payment)
        # What the first answer brought along is lost; its message counts as told.
        head, events = (answer.head, answer.events) if nth == 2 else (None, ())
        whole = world.ledger.answered("ACME", NUMBER, payment, answer.text, head, events)
        assert whole == (nth == 1)
    known = world.ledger.rebuild(ID)
    assert known is not None and known.outstanding == euros(1000)

    assert kinds(await listed(world)) == [("behind", False)]
    assert kinds(await listed(world, repair=True)) == [("behind", True)]

    assert (await reconcile(world.service)).differences == ()
    known = world.ledger.rebuild(ID)
    assert known is not None and known.outstanding == euros(400)


async def test_a_case_whose_workflow_was_ended_is_pursued_again_when_money_comes(real_world: World) -> None:
    world = real_world
    await world.start(RULES)
    await world.handle().terminate()
    told = await world.tell(e.PaymentReceived, id="BANK-1", amount="400.00 EUR", received_on=on(0))
    assert (told.unapplied, told.text) == (False, "600.00 EUR outstanding")
    assert (await world.case()).outstanding == euros(600)
    assert world.open_tasks() == []


async def test_money_that_was_kept_though_its_case_is_open_settles_it(real_world: World) -> None:
    world = real_world
    await world.start(RULES)
    kept = e.PaymentReceived(id="BANK-1", amount=euros(400), received_on=on(0))
    world.ledger.receive("ACME", NUMBER, kept)
    assert world.ledger.keep("ACME", NUMBER, kept, "the case is closed", "refund it")
    assert (await reconcile(world.service)).delivered == 1
    assert (await world.case()).outstanding == euros(600)
    assert (world.open_tasks(), world.ledger.kept_for_open_cases()) == ([], [])


async def test_a_case_that_was_written_but_never_started_is_started(real_world: World) -> None:
    world = real_world
    await world.start(RULES)
    await world.handle().terminate()
    with writing(world.ledger.engine) as connection:
        connection.execute(sa.update(CASES).values(started=False))
    assert kinds(await listed(world)) == [("not_started", False)]
    world.case_ids.clear()  # There is no case to audit.


async def test_what_was_cut_off_before_its_start_begins_as_the_ledger_has_it(real_world: World) -> None:
    world = real_world
    rules = policy(step("late", after_due(1)), step("later", after_due(400)))
    sent = (e.PriorNotice(step="late", performed_on=on(2)),)
    pursued = invoice(number=NUMBER)
    opening = Opening(pursued, rules, world.clock, await world.now(), sent)
    case = opened(opening, world.service.settings.data_dir)
    world.ledger.open_cases([(case, view.head(case))])
    world.case_ids.append(case.id)

    assert kinds(await listed(world, repair=True)) == [("not_started", True)]
    running = await world.case()
    assert running == stored(case, case.sequence)
    assert [done.step for done in running.performed] == ["late"]


async def test_a_line_of_the_ledger_that_shows_another_stage_is_mended(real_world: World) -> None:
    world = real_world
    await world.start(RULES)
    with writing(world.ledger.engine) as connection:
        connection.execute(sa.update(CASES).values(stage="lawyer", outstanding_minor=1))
    assert kinds(await listed(world)) == [("behind", False)]
    assert kinds(await listed(world, repair=True)) == [("behind", True)]
    assert (world.head().stage, world.head().outstanding_minor) == ("not_due", 100_000)


def publish_a_half_year(world: World) -> None:
    """The operator adds the rate of the second half of 2026 to the data folder."""
    table = (PACKAGED / "rates" / "de_base.yaml").read_text()
    row = '{percent: 1.77, valid_from: 2026-07-01, valid_until: 2026-12-31, verified: false, source: "of this test"}'
    file = Path(world.service.settings.data_dir) / "policies" / "rates" / "de_base.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f"{table.rstrip()}\n  - {row}\n")


async def test_a_newer_rate_reaches_a_case_that_claims_interest_and_has_no_further_step(real_world: World) -> None:
    world = real_world
    world.begin_at(datetime(2026, 8, 1, 12, tzinfo=UTC))
    due = date(2026, 6, 15)
    rules = policy(step("demand", after_due(30), "formal_demand"), claim_interest={"from_step": "demand"})
    terms = Terms(law_of("DE", due), None)
    await world.start(rules, terms=terms, due=due)
    await world.start(RULES, terms=terms, number="claims nothing", due=due)
    before = await world.until(lambda case: case.claim is not None)
    # 15 d to the end of the table @ 10.27 % = 4.2205
    assert (before.owed.interest, [t.kind for t in before.tasks]) == (euros("4.22"), ["missing_rate"])
    assert (await reconcile(world.service)).newer_rates == 0

    publish_a_half_year(world)
    assert [(await reconcile(world.service)).newer_rates for _ in range(2)] == [1, 0]

    after = await world.until(lambda case: case.claim is not None and case.claim.left_out_from is None)
    assert after.claim is not None and before.claim is not None
    # then each day up to that of the demand @ 10.77 %
    days = (before.claim.through - date(2026, 6, 30)).days
    more = Money(
        amount=(1000 * Decimal("0.1077") * days / 365).quantize(Decimal("0.01"), ROUND_HALF_UP), currency="EUR"
    )
    assert (after.owed.interest, after.claim.through) == (euros("4.22") + more, before.claim.through)
    assert after.tasks[0].done_at is not None
    assert after.sequence == before.sequence + 1, "one event, in the chain that the audit reads"
    other = await world.case("claims nothing")
    assert other.law == terms.law
    shown = await world.service.show("ACME", "claims nothing")
    assert shown["interest"]["left_out_from"] is None, "to look at, the rates of today count in every case"


async def test_a_newer_rate_is_not_brought_to_a_case_that_is_closed(real_world: World) -> None:
    world = real_world
    terms = Terms(law_of("DE"), None)
    rules = policy(step("late", after_due(400)), claim_interest={"from_step": "late"})
    await world.start(rules, terms=terms)
    told = await world.tell(e.PaymentReceived, amount="1000.00 EUR", received_on=on(0))
    assert told.head is not None and told.head.closed
    publish_a_half_year(world)

    assert (await reconcile(world.service)).newer_rates == 0
    newer = newer_laws(world.service.settings.data_dir)(law_of("DE"))
    assert newer is not None and newer.known_until == date(2026, 12, 31)
    with pytest.raises(NoRunningCase):
        await world.service.cases.continue_law(ID, newer)


async def test_rates_that_are_none_or_known_leave_a_case_alone(real_world: World) -> None:
    world = real_world
    known = law_of("DE")
    await world.start(RULES, terms=Terms(known, None))
    before = await world.case()

    for law in (known, law_of("UK")):
        assert not await world.service.cases.continue_law(ID, law)
    nonsense: list[list[Any]] = [[], ["rates"], [{"law": {"basis": "invoice"}}], [{}, {}]]
    for garbage in nonsense:
        with pytest.raises(WorkflowUpdateFailedError):
            await world.handle().execute_update("law_updated", args=garbage)

    assert await world.case() == before
