"""The note a stack leaves in its data folder: where it answers, and which processes it consists of.

`up` writes it; every other command reads it to find the stack. How to choose between this stack and a
Temporal server named in the environment is in `gateway.stack.address`.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from gateway.stack.errors import StackUnreachable
from gateway.stack.process import ProcessMark
from models.base import Value

STATE_FILE = "stack.json"
_POLL_S = 0.1


class StackState(Value):
    """One stack, as it is written to `stack.json`."""

    supervisor: ProcessMark
    children: dict[str, ProcessMark] = {}
    """By name: `server`, `sink`, `worker`; as far as they have been started."""
    temporal_address: str = ""
    namespace: str = "default"
    task_queue: str = "arrears"
    ui_url: str = ""
    smtp_host: str = ""
    smtp_port: int = 0
    ready: bool = False
    """Whether everything answers: not while starting or stopping, nor while a part is being restarted."""


def read_state(data_dir: Path | str) -> StackState | None:
    """The note as it stands, whether or not its processes still run; None when none can be read."""
    try:
        return StackState.model_validate_json(Path(data_dir, STATE_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def write_state(data_dir: Path | str, state: StackState) -> None:
    """Replaces the note as a whole, so that a reader never sees half of one."""
    file = Path(data_dir, STATE_FILE)
    draft = file.with_name(f".{STATE_FILE}.{os.getpid()}")
    draft.write_text(state.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(draft, file)


def running_stack(data_dir: Path | str) -> StackState | None:
    """The stack that runs on this data folder, ready or still starting; None when there is none."""
    state = read_state(data_dir)
    if state is None or not state.supervisor.alive():
        return None
    if state.ready and not all(child.alive() for child in state.children.values()):
        # The supervisor has not noticed yet; to a caller this is a stack that is not ready.
        return state.but(ready=False)
    return state


def await_stack(
    data_dir: Path | str,
    timeout: float = 30.0,
    *,
    absent: float = 10.0,
    on_wait: Callable[[str], None] | None = None,
) -> StackState:
    """Waits (blocking) until the stack on this data folder is ready.

    Args:
        data_dir: The data folder.
        timeout: How many seconds to wait for a stack that is starting.
        absent: How many seconds to wait for the first sign of one: enough for an `up` started just before.
        on_wait: Told once, in a sentence for people, that there is something to wait for.

    Raises:
        StackUnreachable: None became ready in time.
    """
    begun = time.monotonic()
    told = False
    while True:
        state = running_stack(data_dir)
        if state is not None and state.ready:
            return state
        waited = time.monotonic() - begun
        if waited >= (min(absent, timeout) if state is None else timeout):
            raise StackUnreachable(_complaint(data_dir, state, timeout))
        if on_wait is not None and not told:
            on_wait(f"waiting for the stack in {data_dir}")
            told = True
        time.sleep(_POLL_S)


def _complaint(data_dir: Path | str, state: StackState | None, timeout: float) -> str:
    if state is None:
        return (
            f"No stack is running in {data_dir}. Start one there with `arrears up`, name its folder with"
            " --data-dir, or set TEMPORAL_ADDRESS to a Temporal server of your own."
        )
    return (
        f"The stack in {data_dir} (process {state.supervisor.pid}) was not ready in {timeout:.0f} seconds."
        f" What holds it up is said where `arrears up` runs, and in {Path(data_dir, 'logs')}."
    )
