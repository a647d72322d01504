"""`arrears demo`: the demonstration on a terminal, with a live table and a reconciliation at the end."""

import asyncio
import time
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from gateway.cli.output import DataDir, out, reporting, say
from gateway.connection import connect_server, open_ledger
from gateway.demo import SPAN, Demo, Outcome
from gateway.environment import load_settings
from gateway.service import Service
from gateway.stack.supervisor import Stack
from models.settings import Settings

_STAGES = ("not_due", "reminded", "demanded", "lawyer", "referred", "claimed", "closed")


@reporting
def demo(
    leave: Annotated[bool, typer.Option("--exit", help="End after the reconciliation instead of staying up.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Wipe the state of earlier runs first.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Run real invoices through the plain ladder on the embedded stack, a hundred days in a minute and a half.

    Exit status: 0 if server, ledger and mail sink agree at the end; 1 if they do not.
    """
    settings = load_settings(data_dir)
    stack = Stack(settings, fresh=fresh)
    agreed: list[bool] = []

    async def body(stack: Stack) -> None:
        agreed.append(await _demonstrate(settings, stack))
        if not leave:
            say(f"\nThe cases can be read in the Temporal UI: {stack.state.ui_url}")
            say(f"More: arrears list, arrears show INVOICE (data folder {settings.data_dir}). Ctrl-C ends.")
            await stack.stay()

    asyncio.run(stack.run_forever(body))
    if agreed and not agreed[0]:
        raise typer.Exit(1)


async def _demonstrate(settings: Settings, stack: Stack) -> bool:
    ledger = open_ledger(settings)
    service = Service(settings, ledger, await connect_server(settings))
    demonstration = Demo(service, stack.folder.mail)
    running = asyncio.create_task(demonstration.run())
    await _watch(demonstration, running)
    await running
    result = await demonstration.reconcile()
    _print(result)
    return not result.disagreements


async def _watch(demonstration: Demo, running: "asyncio.Task[None]") -> None:
    """A live table on a terminal, a line every few seconds elsewhere."""
    began = time.monotonic()
    if out.is_terminal:
        with Live(_table(demonstration), console=out, refresh_per_second=2, transient=False) as live:
            while not running.done():
                live.update(_table(demonstration))
                await asyncio.wait([running], timeout=0.5)
            live.update(_table(demonstration))
        return
    while not running.done():
        stages = _stages(demonstration)
        counts = ", ".join(f"{n} {stage}" for stage, n in stages.items() if n)
        say(f"{time.monotonic() - began:5.0f} s  day {demonstration.business_day():+6.1f}  {counts}")
        await asyncio.wait([running], timeout=5)


def _stages(demonstration: Demo) -> dict[str, int]:
    rows = demonstration.heads()
    return {stage: sum(1 for row in rows if row.stage == stage) for stage in _STAGES}


def _table(demonstration: Demo) -> Table:
    day = min(demonstration.business_day(), SPAN)
    table = Table(title=f"{len(demonstration.stories)} invoices, day {day:+.0f} from due", box=None, min_width=60)
    for column, justify in (("stage", "left"), ("cases", "right"), ("", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for stage, count in _stages(demonstration).items():
        table.add_row(stage, str(count), "█" * count)
    table.add_row("", "", "")
    mails = len(list(demonstration.mail.glob("*.eml")))
    table.add_row("mails sent", str(mails), "")
    table.add_row("payments, disputes", str(demonstration.messages_sent), "")
    return table


def _print(result: Outcome) -> None:
    table = Table(title="Reconciliation", box=None)
    for column in ("", "server", "ledger", "mail sink"):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("cases", str(result.cases), str(sum(n for _, n in result.outcomes.values())), "")
    for step, counts in result.notices.items():
        table.add_row(step, *(str(n) for n in counts))
    for outcome, (server, ledger) in result.outcomes.items():
        table.add_row(f"outcome {outcome}", str(server), str(ledger), "")
    for currency, amount in result.received.items():
        table.add_row(f"received {currency}", "", f"{amount.amount:,}", "")
    table.add_row("mails", "", "", str(result.mails))
    out.print(table)
    if result.repeated:
        say(f"{result.repeated} mails arrived more than once, under the same Message-ID.")
    if result.differences:
        say("Other than simulated, because a message came a business day late under time-lapse:")
        for difference in result.differences:
            say(f"  {difference}")
    else:
        say("Every step is the one that simulate gives.")
    for disagreement in result.disagreements:
        say(f"DISAGREEMENT  {disagreement}")
    if not result.disagreements:
        say("Server, ledger and mail sink agree.")
