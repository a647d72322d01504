"""How long and how often each counterpart is tried: the one place for timeouts and retry policies."""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig, LocalActivityConfig


def mail(summary: str) -> ActivityConfig:
    """Steps that write to somebody. After the last attempt the step is deferred and a task tells an operator."""
    return ActivityConfig(
        summary=summary,
        start_to_close_timeout=timedelta(minutes=3),
        heartbeat_timeout=timedelta(seconds=10),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(seconds=1),
            maximum_interval=timedelta(seconds=20),
            maximum_attempts=6,
            non_retryable_error_types=["LedgerConflict"],
        ),
    )


DEFER_AFTER_FAILURE = timedelta(minutes=15)
"""How long a step waits, on the wall, after its counterpart could not be reached."""
_LONGEST_DEFERRAL = timedelta(hours=2)


def deferral(put_off: timedelta) -> timedelta:
    """How long a step waits, on the wall, that has been put off for so long: an outage of days must not fill histories.

    For an hour it is tried every quarter of an hour or so, then less and less often.
    """
    return min(max(DEFER_AFTER_FAILURE, put_off / 2), _LONGEST_DEFERRAL)


def ledger(summary: str) -> ActivityConfig:
    """What must be in the ledger before the case goes on: tried until it is."""
    return ActivityConfig(
        summary=summary,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
    )


LEDGER_NOTE = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=10),
    schedule_to_close_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=3),
)
"""What should be in the ledger soon: if it fails, the case keeps it and hands it over with the next step."""
