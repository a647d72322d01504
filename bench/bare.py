"""The bare engine: a workflow of the same shape as a case, and an activity that does nothing.

It waits for the same absolute instants, under the same retry policies; what it lacks is everything else. Its worker is
in `bare_worker.py`.
"""

from datetime import timedelta

from temporalio import workflow

from models.base import Value
from workflows import counterparts


class Shape(Value):
    """When the steps fall due, in seconds after the start."""

    steps: tuple[float, ...]


@workflow.defn(name="Bare")
class Bare:
    """Waits, does nothing, waits again; stays open afterwards, as a case after the last step of `plain` does."""

    @workflow.run
    async def run(self, shape: Shape) -> None:
        """Climb the empty ladder."""
        began = workflow.info().start_time
        for step in shape.steps:
            delay = began + timedelta(seconds=step) - workflow.now()
            if delay > timedelta(0):
                await self._wait(delay)
            await workflow.execute_activity("nothing", step == shape.steps[-1], **counterparts.mail("nothing"))
        await self._wait(None)

    async def _wait(self, delay: timedelta | None) -> None:
        try:
            await workflow.wait_condition(lambda: False, timeout=delay)
        except TimeoutError:
            pass

    @workflow.update
    async def nothing(self) -> None:
        """An empty update."""
