"""The commands that only look: show, list, and the tasks that wait for a person."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gateway.cli.case_page import amount, case_lines
from gateway.cli.output import AsJson, DataDir, emit, out, reporting, say
from gateway.cli.session import message, new_reference, with_ledger, with_service
from gateway.cli.telling import By, Note, Reference, tell
from gateway.errors import WrongUsage
from gateway.service import Service
from gateway.service import listed as listed_head
from models import events as e
from models import ids, view

app = typer.Typer()

_WIDE = 1000


@app.command()
@reporting
def show(
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="The number, or CREDITOR/NUMBER.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show a case: where it stands, what happened, what comes next."""

    async def work(service: Service) -> dict[str, Any]:
        return await service.show(*service.resolve(invoice))

    shown = with_service(data_dir, work)
    if as_json:
        emit(shown)
        return
    for line in case_lines(shown):
        say(line)


@app.command(name="list")
@reporting
def list_cases(
    stage: Annotated[str | None, typer.Option("--stage", help="Only cases in this stage.")] = None,
    buyer: Annotated[str | None, typer.Option("--buyer", help="Only cases of this buyer.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only open cases past their due date.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the cases."""
    if stage is not None and stage not in view.STAGES:
        raise WrongUsage(f"--stage {stage!r}: write one of {', '.join(view.STAGES)}")

    def heads(service: Service) -> list[dict[str, Any]]:
        due_before = datetime.now(UTC) if overdue else None
        return [listed_head(row) for row in service.ledger.heads(stage, buyer, due_before)]

    listed = with_ledger(data_dir, heads)
    if as_json:
        for head in listed:
            emit(head)
        return
    table = Table("invoice", "buyer", "due", "stage", "outstanding", "next", box=None)
    for head in listed:
        upcoming = head["next"]
        outcome = f" ({head['outcome']})" if head["outcome"] else ""
        stage_text = head["stage"] + outcome + (" ⏸" if head["on_hold"] else "")
        following = f"{upcoming['step']} {upcoming['at'][:16]}" if upcoming else ""
        cells = (f"{head['creditor']}/{head['invoice']}", head["buyer"], head["due"], stage_text,
                 amount(head["outstanding"]), following)  # fmt: skip
        table.add_row(*(cell.replace("[", "\\[") for cell in cells))
    # Where no terminal sets a width, a case is a line: a program may count them.
    (out if out.is_terminal else Console(width=_WIDE)).print(table)
    say(f"{len(listed)} cases")


@app.command()
@reporting
def task(
    invoice: Annotated[str | None, typer.Argument(metavar="[INVOICE", help="Tasks of this invoice only.")] = None,
    name: Annotated[str | None, typer.Argument(metavar="[TASK]]", help="The task that is finished.")] = None,
    outcome: Annotated[
        str, typer.Option("--outcome", help="done; for a refused step also retry (mended: try again) or drop.")
    ] = "done",
    note: Note = "",
    reference: Reference = None,
    by: By = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks that wait for a person; with INVOICE and TASK, finish one."""
    if outcome not in ("done", "retry", "drop"):
        raise WrongUsage(f"--outcome {outcome!r}: write done, retry or drop")
    if invoice is not None and name is not None:
        if with_ledger(data_dir, lambda service: _finished_in_ledger(service, invoice, name)):
            say(f"{name}: done")
            return
        finished = message(
            e.TaskCompleted, id=reference or new_reference(), task=name, outcome=outcome, note=note, by=by
        )
        tell(data_dir, invoice, as_json, finished)
        return

    def open_tasks(service: Service) -> list[Any]:
        return service.ledger.tasks(ids.case_id(*service.resolve_or_new(invoice)) if invoice else None)

    for row in with_ledger(data_dir, open_tasks):
        creditor, number = ids.split_case_id(row.case_id)
        if as_json:
            emit({"invoice": number, "creditor": creditor, "task": row.task, "kind": row.kind, "text": row.text,
                  "opened_at": row.opened_at.isoformat()})  # fmt: skip
        else:
            say(f"{creditor}/{number}  {row.task}: {row.text}")


def _finished_in_ledger(service: Service, invoice: str, name: str) -> bool:
    """Whether the task was one of unapplied cash that no case knows of, and is now done."""
    case_id = ids.case_id(*service.resolve_or_new(invoice))
    return name.startswith("payment_") and service.ledger.finish_task(case_id, name)
