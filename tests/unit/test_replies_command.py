"""`arrears replies` without mails lists what waits for a person, from the ledger alone."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from activities.correspondence import Correspondence, StoredReply
from activities.database import open_engine
from gateway.cli import app


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ARREARS_LEDGER_URL", raising=False)
    return tmp_path


def replies(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["replies", "--data-dir", str(folder), *arguments])


def waiting(folder: Path, **fields: object) -> None:
    engine = open_engine(f"sqlite:///{folder}/ledger.db")
    given = {
        "sha256": "ab" * 32, "message_id": "<1@x.example>", "sender": "x@stranger.example",
        "subject": "Re: \x1b[31mhello", "at": None,
        "filed_at": datetime(2026, 3, 2, 9, tzinfo=UTC), "kind": "reply", "cases": (), "notice": None,
        "text": "hello", "status": "unfiled", "reason": "it answers no notice",
    }  # fmt: skip
    Correspondence(engine).put(StoredReply.model_validate({**given, **fields}))
    engine.dispose()


def test_nothing_waits_in_a_new_folder(folder: Path) -> None:
    result = replies(folder)
    assert (result.exit_code, result.stdout) == (0, "no mail waits for a person\n")
    assert replies(folder, "--json").stdout == ""


def test_what_waits_is_listed_with_the_reason_and_cannot_draw_on_the_terminal(folder: Path) -> None:
    waiting(folder)
    waiting(folder, sha256="cd" * 32, message_id="<2@x.example>", status="filed")
    text = replies(folder).stdout
    assert "x@stranger.example" in text and "it answers no notice" in text and f"{'ab' * 32}.eml" in text
    assert "\x1b" not in text and "cd" * 32 not in text
    (line,) = replies(folder, "--json").stdout.splitlines()
    listed = json.loads(line)
    assert (listed["from"], listed["kind"], listed["cases"]) == ("x@stranger.example", "reply", [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--dismiss"], "name the mail"), (["--invoice", "1"], "name the mail"),
     (["x.eml", "--invoice", "1", "--dismiss"], "choose one")],
)  # fmt: skip
def test_a_wrong_call_says_what_to_write(folder: Path, arguments: list[str], said: str) -> None:
    result = replies(folder, *arguments)
    assert result.exit_code == 2 and said in result.stderr
