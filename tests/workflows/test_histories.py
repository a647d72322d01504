"""Cases that ran before today's workflow was written must be able to go on with it."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory

from models.case import Case
from models.clock import CaseClock
from models.money import Money
from tests.workflows.record import HISTORIES, scrubbed
from tests.workflows.replay import differences, done, replay
from tests.workflows.stories import STORIES

GOLDEN = sorted(HISTORIES.glob("*.json"))
MACHINE = re.compile(r"/(home|tmp|usr|var|opt|Users)/|^\d+@")


def read(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("invoice/ACME/0017", path.read_text())


def test_every_story_has_the_history_of_each_of_its_runs() -> None:
    wanted = {f"{name}-{run}" for name, story in STORIES.items() for run in range(1, story.runs + 1)}
    assert {path.stem for path in GOLDEN} == wanted


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
async def test_a_case_of_old_lives_through_its_history_again(path: Path) -> None:
    history = read(path)
    assert differences(done(history), await replay(history)) == []


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("rules-*/*.json")), ids=lambda path: path.stem)
async def test_a_case_under_earlier_rules_lives_through_its_history_again(path: Path) -> None:
    history = read(path)
    assert differences(done(history), await replay(history), fields_added=True) == []


async def test_a_timer_of_another_length_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    delay = CaseClock.delay
    monkeypatch.setattr(CaseClock, "delay", lambda *given: delay(*given) + timedelta(seconds=1))
    history = read(HISTORIES / "paid-1.json")
    found = differences(done(history), await replay(history))  # Replay itself has no objection.
    assert found and all(text.startswith("timer ") for text in found)


async def test_an_activity_that_is_given_something_else_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Case, "disputed", property(lambda case: Money.model_validate("1.00 EUR")))
    history = read(HISTORIES / "full_ladder-1.json")
    found = differences(done(history), await replay(history))
    assert found and all(text.startswith("activity ") for text in found)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_history_names_no_machine(path: Path) -> None:
    events = json.loads(path.read_text())["events"]
    assert scrubbed(events) == events, "record it again"
    assert not [text for text in texts(events) if MACHINE.search(text)]


def texts(value: Any) -> Iterator[str]:
    """Every text in a history, those in payloads decoded."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts(item)
        case dict():
            for key, item in value.items():
                if key == "data" and isinstance(item, str):
                    yield base64.b64decode(item).decode(errors="replace")
                else:
                    yield from texts(item)
