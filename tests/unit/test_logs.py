"""What the log says when something goes wrong."""

import logging

import pytest
from temporalio.exceptions import ApplicationError

from gateway.logs import configure_logging
from models.settings import Settings


@pytest.fixture(autouse=True)
def handlers_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)


def failed(error: Exception, wording: str = "console") -> None:
    configure_logging(Settings.model_validate({"log_format": wording}))
    debtor = "debtor@buyer.example"
    try:
        raise error
    except Exception:
        logging.getLogger("temporalio.activity").warning("Completing activity as failed", exc_info=True)
    assert debtor


@pytest.mark.parametrize("wording", ["console", "json"])
def test_a_counterpart_that_does_not_answer_is_told_in_one_line(
    capfd: pytest.CaptureFixture[str], wording: str
) -> None:
    failed(ApplicationError("mail.example:25 answered 451 busy", type="MailUnavailable"), wording)

    (line,) = capfd.readouterr().err.splitlines()
    assert "Completing activity as failed: MailUnavailable: mail.example:25 answered 451 busy" in line


def test_a_fault_of_ours_is_told_with_its_traceback_but_without_the_data_it_met(
    capfd: pytest.CaptureFixture[str],
) -> None:
    failed(ZeroDivisionError("a fault"))

    said = capfd.readouterr().err
    assert "Traceback (most recent call last)" in said and "ZeroDivisionError" in said
    assert "debtor@buyer.example" not in said
