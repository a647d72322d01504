"""Which Temporal server a command talks to: the one the environment names, else the data folder's stack."""

import os
from collections.abc import Callable
from pathlib import Path

from temporalio.envconfig import ClientConfig, ClientConnectConfig

from gateway.stack.state import await_stack


def connection(
    data_dir: Path | str, timeout: float = 30.0, *, on_wait: Callable[[str], None] | None = None
) -> ClientConnectConfig:
    """The arguments for `Client.connect`; waits (blocking) for a stack that is starting.

    With TEMPORAL_ADDRESS set, the TEMPORAL_ variables count, and no stack is looked for.

    Raises:
        StackUnreachable: The environment names no server and no stack became ready in time.
    """
    if os.environ.get("TEMPORAL_ADDRESS"):
        return ClientConfig.load_client_connect_config()
    state = await_stack(data_dir, timeout, on_wait=on_wait)
    return ClientConnectConfig(target_host=state.temporal_address, namespace=state.namespace)
