"""Records the golden histories anew: `python -m tests.workflows.record [STORY ...]`.

To be done when a change of the workflow is meant; cases that run on in earnest need `workflow.patched` for it.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from tests.cases import day
from tests.workflows.servers import LAPSE, real_server, skipping_server
from tests.workflows.stories import STORIES, Story
from tests.workflows.world import BEGIN, World, open_world

HISTORIES = Path(__file__).parents[1] / "histories"

_MACHINE = ("workerVersion", "binaryChecksum", "deployment", "deploymentVersion", "workerDeploymentName")


async def record(name: str, story: Story) -> list[Path]:
    """Tell a story in a world of its own, and keep the history of each of its runs."""
    begin, factor = (day(0, 0), LAPSE) if story.real_server else (BEGIN, 1.0)
    with tempfile.TemporaryDirectory() as folder:
        async with await (real_server() if story.real_server else skipping_server()) as env:
            async with open_world(env, Path(folder), begin, factor) as world:
                await story.tell(world)
                await world.audit()
                histories = await _histories(world)
    if len(histories) != story.runs:
        raise SystemExit(f"{name} took {len(histories)} runs instead of {story.runs}: try again")
    return [_keep(name, n, history) for n, history in enumerate(histories, start=1)]


async def _histories(world: World) -> list[WorkflowHistory]:
    """The histories of the only case, in the order of its runs."""
    (case_id,) = world.case_ids
    run, last = world.first_runs[case_id], await world.run_id()
    found = [await world.service.client.get_workflow_handle(case_id, run_id=run).fetch_history()]
    while run != last:
        end = found[-1].events[-1]
        run = end.workflow_execution_continued_as_new_event_attributes.new_execution_run_id or last
        found.append(await world.service.client.get_workflow_handle(case_id, run_id=run).fetch_history())
    return found


def _keep(name: str, run: int, history: WorkflowHistory) -> Path:
    path = HISTORIES / f"{name}-{run}.json"
    events = [json.dumps(scrubbed(event), ensure_ascii=False) for event in history.to_json_dict()["events"]]
    path.write_text('{"events": [\n' + ",\n".join(events) + "\n]}\n")
    return path


def scrubbed(value: Any, key: str = "") -> Any:
    """A piece of a history without the names and paths of the machine it was made on."""
    if key == "identity":
        return "worker"
    if key == "stackTrace":
        return ""
    if isinstance(value, dict):
        if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
            value = {**value, "name": "sticky"}
        return {k: scrubbed(v, k) for k, v in value.items() if k not in _MACHINE}
    if isinstance(value, list):
        return [scrubbed(item) for item in value]
    return value


async def main(names: list[str]) -> None:
    """Record the stories with these names, or all."""
    HISTORIES.mkdir(exist_ok=True)
    for name in names or STORIES:
        for path in await record(name, STORIES[name]):
            print(f"{path.name}: {path.read_text().count(chr(10)) - 2} events, {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
