"""`arrears reconcile`: ledger and cases compared, and what waits delivered."""

from typing import Annotated

import typer

from gateway import reconcile as reconciling
from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.cli.session import with_service
from gateway.errors import InputRefused


@reporting
def reconcile(
    repair: Annotated[
        bool, typer.Option("--repair", help="Start what is missing again from the ledger; else only report it.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Deliver what the cases were not told, and compare every case with the ledger.

    The worker does the same every ten minutes. Exit status: 0 they agree; 1 a difference is left for an operator.
    """
    report = with_service(data_dir, lambda service: reconciling.reconcile(service, repair))
    if as_json:
        emit(reconciling.as_json(report))
    else:
        for line in reconciling.as_text(report):
            say(line)
    if report.unrepaired:
        raise typer.Exit(InputRefused.status)
