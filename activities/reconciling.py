"""The activity behind the scheduled reconciliation; what it does is handed in where the engine is wired."""

from collections.abc import Awaitable, Callable

from temporalio import activity

from models.base import Value


class ReconciliationReport(Value):
    """What a reconciliation found, in a few figures."""

    cases: int
    delivered: int
    waiting: int
    repaired: int
    unrepaired: tuple[str, ...] = ()
    """What is left for an operator, at most fifty lines."""


class ReconcileActivities:
    """Compares ledger and cases."""

    def __init__(self, reconcile: Callable[[Callable[[int], None]], Awaitable[ReconciliationReport]]) -> None:
        """With what compares them; it is handed a function to tell its progress to."""
        self._reconcile = reconcile

    @activity.defn
    async def reconcile(self) -> ReconciliationReport:
        """One reconciliation; it beats with every few hundred cases."""
        return await self._reconcile(lambda done: activity.heartbeat(done))
