"""`arrears creditor`: on whose behalf invoices are pursued."""

from typing import Annotated

import typer

from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.creditor_files import add_creditor, list_creditors
from gateway.environment import load_settings

creditor_app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Set up the creditors on whose behalf invoices are pursued."
)

_File = Annotated[str, typer.Argument(metavar="FILE.yaml", help="The creditor: name, address, sender, bank account, …")]


@creditor_app.command("add")
@reporting
def add(file: _File, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Take a creditor's file into the data folder; the same command again after an edit updates it.

    Exit status: 0 if it was added, updated or unchanged; 1 if the file has errors; 2 if it cannot be read.
    """
    creditor, change = add_creditor(file, load_settings(data_dir).data_dir)
    if as_json:
        emit({"code": creditor.code, "name": creditor.name, "change": change})
    else:
        say(f"{creditor.code} ({creditor.name}): {change}")


@creditor_app.command("list")
@reporting
def list_all(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the creditors that are set up, and the sample that comes with the package."""
    found = list_creditors(load_settings(data_dir).data_dir)
    if as_json:
        emit([{**listed.creditor.model_dump(mode="json"), "sample": listed.sample} for listed in found])
        return
    for creditor, sample in found:
        say(f"{creditor.code}  {creditor.name}  policy {creditor.policy}" + ("  (sample)" if sample else ""))
