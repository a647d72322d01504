"""`arrears simulate`: what a policy would have done with a file of invoices."""

import json
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.intake import Refusals, tracked
from gateway.cli.output import AsJson, DataDir, appearing, emit, reporting, say
from gateway.environment import load_settings
from gateway.errors import WrongUsage
from gateway.intake.cells import iso_date
from gateway.intake.entries import Rejected
from gateway.intake.invoices import InvoiceFile
from gateway.intake.profiles import load_profile
from gateway.policy_files import load_policy
from gateway.simulate import Simulation, case_line, end_of_data
from models.policy import Policy

DEFAULT_POLICY = "plain"

_File = Annotated[Path, typer.Argument(help="CSV or JSON Lines.", show_default=False)]
_ProfileName = Annotated[str | None, typer.Option("--profile", help="What the columns mean: name or YAML file.")]
_PolicyName = Annotated[str | None, typer.Option("--policy", help="Policy for all rows: name or YAML file.")]
_Cases = Annotated[Path | None, typer.Option("--cases", help="Write each case with its steps, as JSON Lines.")]
_AsOf = Annotated[
    str | None, typer.Option("--as-of", help="The last day simulated, YYYY-MM-DD (default: end of the data).")
]


@reporting
def simulate(
    file: _File,
    profile: _ProfileName = None,
    policy: _PolicyName = None,
    cases: _Cases = None,
    as_of: _AsOf = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Run a file of invoices through a policy, without server or mail, and count what would have happened.

    Settled dates and disputes come from the profile; proposals count as approved at once. Exit status:
    0 done; 1 some rows were refused; 2 wrong usage.
    """
    folder = load_settings(data_dir).data_dir
    meaning = None if profile is None else load_profile(profile, folder)
    override = None if policy is None else load_policy(policy, folder)
    last = end_of_data(file, meaning) if as_of is None else _day(as_of)

    def choose(name: str | None) -> Policy:
        return override or load_policy(name or DEFAULT_POLICY, folder)

    run = Simulation(choose, last, folder)
    with (
        InvoiceFile(file, meaning) as source,
        Refusals(source, folder) as refusals,
        nullcontext() if cases is None else appearing("--cases", cases) as out,
    ):
        for entry in tracked(source, f"simulating {file.name}"):
            found = run.take(entry)
            if isinstance(found, Rejected):
                refusals.add(found)
            elif found is not None and out is not None:
                out.write(json.dumps(case_line(found), ensure_ascii=False) + "\n")
    summary = {
        **run.summary(),
        "profile": None if meaning is None else meaning.id,
        "rejects_file": None if refusals.path is None else str(refusals.path),
        "note": source.note,
    }
    emit(summary) if as_json else _show(summary)
    if refusals.count:
        raise typer.Exit(1)


def _day(text: str) -> date:
    try:
        return iso_date(text)
    except ValueError as error:
        raise WrongUsage(f"--as-of {text!r}: {error}") from None


def _show(summary: dict[str, Any]) -> None:
    counts = [(f"{kind}", summary[kind]) for kind in ("invoices", "refused", "unchanged")]
    width = max(len(name) for name, _ in (*counts, *summary["notices"].items(), *summary["outcomes"].items()))
    say(f"policy {summary['policy'] or '-'}, up to the end of {summary['as_of'] or '-'}")
    if summary["note"]:
        say(f"note: {summary['note']}")
    for title, rows in (
        ("", counts),
        ("notices", summary["notices"].items()),
        ("outcomes", summary["outcomes"].items()),
    ):
        say("" if not title else f"\n{title}")
        for name, count in rows:
            say(f"  {name:<{width}} {count:>8,}")
