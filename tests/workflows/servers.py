"""The two servers that the tests run on, from the binaries that come with the environment."""

import sysconfig
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from workflows.plugin import arrears_plugin

BINARIES = Path(sysconfig.get_path("scripts"))

EVENTS_PER_RUN = 30
"""After how many events the real server asks for a new run here."""

DAY = 0.25
"""Seconds that a business day takes where no time is skipped."""

LAPSE = 86_400 / DAY


async def skipping_server() -> WorkflowEnvironment:
    """A server that skips time whenever nothing is under way."""
    return await _started(
        lambda: WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=str(BINARIES / "temporal-test-server"), plugins=[arrears_plugin()]
        )
    )


async def real_server() -> WorkflowEnvironment:
    """The server that is used in earnest, but for wanting short histories."""
    wanted = f"limit.historyCount.suggestContinueAsNew={EVENTS_PER_RUN}"
    return await _started(
        lambda: WorkflowEnvironment.start_local(
            dev_server_existing_path=str(BINARIES / "temporal"),
            dev_server_extra_args=["--dynamic-config-value", wanted],
            dev_server_log_level="error",
            plugins=[arrears_plugin()],
        )
    )


async def _started(start: Callable[[], Awaitable[WorkflowEnvironment]]) -> WorkflowEnvironment:
    """A server that runs. The SDK waits five seconds for one; on a loaded machine that is too short now and then."""
    for _ in range(2):
        try:
            return await start()
        except RuntimeError:
            pass
    return await start()
