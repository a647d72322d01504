"""`python -m bench`: measures, prints the table, writes the JSON. Exit status 0 whether or not the targets are met."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bench import (
    crash,
    documents,
    figures,
    footprint,
    gathered,
    intake,
    interest,
    killed_notices,
    ladders,
    letters,
    matching,
    rates,
    rules,
)
from bench.figures import Figure
from bench.ground import Ground

Say = Callable[[str], None]

ON_THE_GROUND: tuple[tuple[tuple[str, ...], Callable[[Ground, bool, Say], Awaitable[list[Figure]]]], ...] = (
    (("start_rate",), rates.start_rate),
    (("payment_rate",), rates.payment_rate),
    (("ladder_rate", "mail_steps_rate"), ladders.ladder_rates),
    (("memory_per_case",), footprint.memory_per_case),
    (("recovery_ratio",), crash.recovery_ratio),
    (("gathered_run",), gathered.gathered_run),
    (("killed_notices",), killed_notices.killed_notices),
)
"""What needs server and sink, with the figures each subject gives; each gets a ground of its own."""
MATCHING = ("matching_time", "matching_memory", "matching_share", "matching_wrong")
INTAKE = ("intake_time", "intake_memory", "booking_time", "booking_memory")
HISTORY = ("events_per_step", "actions_per_ladder", "bytes_per_case")
IN_MEMORY: dict[str, Callable[[bool, Say], list[Figure]]] = {
    "decision_rate": rules.decision_rate,
    "simulate_rate": rules.simulate_rate,
    "ubl_rate": documents.ubl_rate,
    "letters_rate": letters.letters_rate,
    "segment_rate": interest.segment_rate,
}


async def measure(only: Sequence[str], quick: bool, beside: Path, say: Say) -> list[Figure]:
    """The figures that were asked for, in the order of `figures.NAMES`."""
    found: list[Figure] = []
    for name, rule in IN_MEMORY.items():
        if name in only:
            found += rule(quick, say)
    if set(MATCHING) & set(only):
        found += matching.matching_figures(quick, say)
    if set(INTAKE) & set(only):
        found += intake.intake_figures(quick, say)
    for names, subject in ON_THE_GROUND:
        if set(names) & set(only):
            async with Ground(beside) as ground:
                found += await subject(ground, quick, say)
    if set(HISTORY) & set(only):
        found += await footprint.history(lambda: Ground(beside), quick, say)
    return sorted((f for f in found if f.name in only), key=lambda figure: figures.NAMES.index(figure.name))


def main() -> None:
    """Read the options, measure, show."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What Arrears costs, against the bare engine.")
    parser.add_argument("--quick", action="store_true", help="smaller numbers: minutes instead of a quarter of an hour")
    parser.add_argument("--only", metavar="NAME,…", help=f"some of: {', '.join(figures.NAMES)}")
    parser.add_argument("--out", type=Path, default=Path("var/bench.json"), help="the JSON file (default: %(default)s)")
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else list(figures.NAMES)
    unknown = sorted(set(only) - set(figures.NAMES))
    if unknown:
        parser.error(f"there is no figure {', '.join(unknown)}; there are {', '.join(figures.NAMES)}")

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    measured = asyncio.run(measure(only, arguments.quick, arguments.out.parent, say))
    figures.write(measured, arguments.out)
    figures.show(measured)
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
