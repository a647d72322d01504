"""`arrears deadlines`: what must be done by when, or cover, a guarantee or the claim itself is lost (R20)."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from gateway.cli.output import AsJson, DataDir, emit, reporting, say
from gateway.cli.session import with_ledger
from gateway.errors import InputRefused
from gateway.service import Service
from models import ids
from models.deadlines import name
from models.statement import deadlines_json


@reporting
def deadlines(
    invoice: Annotated[
        str | None, typer.Argument(metavar="[INVOICE]", help="All deadlines of this case, with their source.")
    ] = None,
    within: Annotated[
        int | None, typer.Option("--within", min=0, max=40_000, metavar="DAYS", help="Only those in so many days.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the hard deadlines: of one case all of them, else what was missed, then of every open case the next one.

    They count from the contractual due date, and nothing pauses them. Not legal advice.
    """
    if invoice is not None:
        found = with_ledger(data_dir, lambda service: _of_case(service, *service.resolve(invoice)))
    else:
        found = with_ledger(data_dir, lambda service: _next_ones(service, within))
    if within is not None and invoice is not None:
        found = [line for line in found if line["days_left"] <= within]
    for line in found:
        if as_json:
            emit(line)
        else:
            say(_text(line))
    if found or as_json:
        return
    if within is not None:
        say(f"no hard deadline within {within} days, and none was missed")
    else:
        say("no hard deadline is known: it needs a jurisdiction, the terms of the insurance, or a guarantee's end")


def _of_case(service: Service, creditor: str, number: str) -> list[dict[str, Any]]:
    case = service.ledger.rebuild(ids.case_id(creditor, number))
    if case is None:
        raise InputRefused(f"there is no case {creditor}/{number}")
    found = deadlines_json(case, service.business_now(case))
    return [{"creditor": creditor, "invoice": number, **deadline} for deadline in found]


def _next_ones(service: Service, within: int | None) -> list[dict[str, Any]]:
    """What was missed and nobody has seen to, then the next one of each open case."""
    today = datetime.now(UTC).date()
    alarms = dict.fromkeys(task.case_id for task in service.ledger.tasks() if task.kind == "deadline_missed")
    missed = [
        {field: line[field] for field in _SHORT}
        for case_id in alarms
        for line in _of_case(service, *ids.split_case_id(case_id))
        if line["state"] == "missed" and not line["met"]
    ]
    rows = service.ledger.deadlines(None if within is None else today + timedelta(days=within))
    following = [
        {
            "creditor": row.creditor, "invoice": row.number, "kind": row.deadline, "name": name(row.deadline),
            "day": row.deadline_day.isoformat(), "days_left": (row.deadline_day - today).days,
            "state": "missed" if row.deadline_day < today else "open",
        }
        for row in rows
    ]  # fmt: skip
    return sorted(missed, key=lambda line: str(line["day"])) + following


_SHORT = ("creditor", "invoice", "kind", "name", "day", "days_left", "state")


def _text(line: dict[str, Any]) -> str:
    left = line["days_left"]
    when = "met" if line["state"] == "met" else f"{-left} days ago" if left < 0 else f"{left} days left"
    mark = "MISSED" if line["state"] == "missed" else line["state"]
    text = f"{line['day']}  {when:<14} {mark:<7} {line['creditor']}/{line['invoice']}  {line['name']}"
    if "why" not in line:
        return text
    unverified = "" if line["verified"] else ", not verified"
    return f"{text}: {line['why']} [{line['source']}{unverified}]" + _met(line)


def _met(line: dict[str, Any]) -> str:
    if not line["met"]:
        return ""
    return f", late: {line['met']}" if line["state"] == "missed" else f", {line['met']}"
