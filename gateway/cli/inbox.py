"""`arrears inbox`: the watched folder, looked after by hand."""

import asyncio
from typing import Annotated

import typer

from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.environment import load_settings
from gateway.errors import InputRefused, Unreachable
from gateway.inbox.folder import Inbox
from gateway.inbox.taking import Taken
from gateway.inbox.watching import look_once, watch

_Once = Annotated[bool, typer.Option("--once", help="Take what is there and has stood still, then end.")]


@reporting
def inbox(once: _Once = False, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Take in what was dropped into the data folder's `inbox/`: invoices and bank statements. The worker does it, too.

    What was taken goes to `inbox/done/`, what was refused to `inbox/refused/` with the reason beside it.

    Exit status with --once: 0 done; 1 something was refused; 3 something waits, as the server could not be reached.
    """
    settings = load_settings(data_dir)

    def told(taken: Taken) -> None:
        if as_json:
            emit(taken.as_json())
        else:
            say(taken.sentence)

    if not once:
        try:
            asyncio.run(watch(settings, told, stopped=lambda: False))
        except KeyboardInterrupt:
            return
    taken = asyncio.run(look_once(settings, told))
    waiting = [one for one in taken if one.outcome == "waits"]
    for one in waiting:
        told(one)
    if not taken and not as_json:
        say(f"nothing to take in {Inbox(settings.data_dir).path}")
    if waiting:
        raise typer.Exit(Unreachable.status)
    if any(one.counts["refused"] for one in taken):
        raise typer.Exit(InputRefused.status)
