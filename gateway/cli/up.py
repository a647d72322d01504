"""`arrears up`: runs the embedded stack until told to stop."""

import asyncio
from typing import Annotated

import typer

from gateway.cli.output import DataDir, reporting
from gateway.environment import load_settings
from gateway.stack.ports import PortWishes
from gateway.stack.supervisor import Stack

_Port = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Temporal's port (default: 7233 or the next free one).")
]
_UiPort = Annotated[
    int | None, typer.Option(min=1, max=65535, help="The UI's port (default: a thousand above Temporal's).")
]
_Fresh = Annotated[bool, typer.Option("--fresh", help="Wipe the state of earlier runs first.")]


@reporting
def up(data_dir: DataDir = None, fresh: _Fresh = False, port: _Port = None, ui_port: _UiPort = None) -> None:
    """Run Temporal, its UI, the worker and a mail sink on this machine; Ctrl-C stops them.

    Prints `ready` once everything answers. Goes on with what was there when it last stopped.

    Exit status: 0 when told to stop; 1 when it cannot start or run; 2 for wrong usage.
    """
    stack = Stack(load_settings(data_dir), fresh=fresh, ports=PortWishes(temporal=port, ui=ui_port))
    asyncio.run(stack.run_forever())
