"""The histories of closed cases are fetched from the real server, kept, and outlive what it remembers."""

import json

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from activities.histories import History, HistoryArchive
from gateway.history_archive import Kept, archive_closed, fetch_histories
from models import events as e
from models import ids
from tests.cases import after_due, day, on, policy, step
from tests.evidence import Told
from tests.workflows.servers import LAPSE
from tests.workflows.world import World
from workflows.invoice_case import InvoiceCase
from workflows.plugin import arrears_plugin

DAILY = policy(step("daily", after_due(1), repeat={"every": "P1D", "times": 12}))
ODD = 'O\'Neil "1\\2" 50%'


async def archived(world: World, archive: HistoryArchive) -> list[Kept]:
    """What was archived, once nothing is just ending."""
    while True:
        done = [kept async for kept in archive_closed(world.service.client, archive)]
        if all(kept.state != "running" for kept in done):
            return done
        await world.settle()


def runs(histories: list[History]) -> list[str]:
    return [history.run_id for history in histories]


async def test_every_run_of_a_closed_case_is_kept_and_can_be_replayed(real_world: World) -> None:
    world, archive = real_world, HistoryArchive(real_world.ledger.engine)
    client, case_id = world.service.client, ids.case_id("ACME", ODD)
    await world.start(DAILY, LAPSE, number=ODD)
    await world.start(DAILY, LAPSE, number="open")
    await world.until(lambda case: len(case.performed) >= 5, ODD)
    assert await archived(world, archive) == [], "nothing is closed yet"

    await world.tell(e.PaymentReceived, ODD, id="P", amount="1000.00 EUR", received_on=on(1))
    await world.until(lambda case: case.closed, ODD)
    (kept,) = await archived(world, archive)
    live = await fetch_histories(client, case_id)
    assert len(live) >= 2, "the server should have asked for a new run"
    assert kept == Kept(case_id, len(live))
    assert await archived(world, archive) == []
    assert archive.of(case_id) == live
    assert not (await fetch_histories(client, ids.case_id("ACME", "open")))[-1].ended

    # It opens again, and closes again: the new runs are archived with the old.
    await world.tell(e.PaymentReversed, ODD, payment="P")
    assert await archived(world, archive) == []
    await world.tell(e.Withdrawn, ODD)
    await world.until(lambda case: case.closed, ODD)
    (kept,) = await archived(world, archive)
    assert kept.histories >= 1
    await world.tell(e.Withdrawn, "open")  # or it would send its next letter while the mails are counted
    await world.until(lambda case: case.closed, "open")
    held = archive.of(case_id)
    assert set(runs(live)) < set(runs(held))

    replayer = Replayer(workflows=[InvoiceCase], plugins=[arrears_plugin()])
    for history in held:
        await replayer.replay_workflow(WorkflowHistory.from_json(case_id, history.content.decode()))
        assert json.loads(history.content)["events"][0]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"


async def test_what_the_server_has_forgotten_is_named(real_world: World) -> None:
    world, archive = real_world, HistoryArchive(real_world.ledger.engine)
    walk = Told(world.ledger, number="long ago").told(day(-9), e.Withdrawn).until(day(-9))

    assert await fetch_histories(world.service.client, walk.case.id) == []
    assert await archived(world, archive) == [Kept(walk.case.id, 0, "unknown")]
    assert archive.of(walk.case.id) == []
