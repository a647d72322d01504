"""The scheduled reconciliation: one activity, so that its runs and what they found can be seen in the UI."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.reconciling import ReconcileActivities, ReconciliationReport


@workflow.defn(name="Reconciliation")
class Reconciliation:
    """Compares ledger and cases, and delivers what waits."""

    @workflow.run
    async def run(self) -> ReconciliationReport:
        """Once; the schedule starts it again."""
        return await workflow.execute_activity_method(
            ReconcileActivities.reconcile,
            start_to_close_timeout=timedelta(hours=2),
            heartbeat_timeout=timedelta(minutes=2),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=10), maximum_attempts=3),
        )
