"""What the environment may say, and what people are told when it says something else."""

import pytest
from pydantic import SecretStr

from gateway.environment import SettingsError, load_settings
from models.settings import HookSettings, Settings, SmtpSettings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in os.environ:
        if name.startswith(("ARREARS_", "TEMPORAL_")):
            monkeypatch.delenv(name)


def test_nothing_set_is_a_folder_called_var_with_a_ledger_in_it_and_no_time_lapse() -> None:
    settings = load_settings()

    assert settings == Settings()
    assert settings.data_dir == "var"
    assert settings.ledger == "sqlite:///var/ledger.db"
    assert settings.smtp is None
    assert not settings.allow_time_lapse


def test_everything_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATA_DIR": "/srv/arrears",
        "LEDGER_URL": "postgresql+psycopg://arrears@db/arrears",
        "SMTP_HOST": "mail.example",
        "SMTP_PORT": "587",
        "SMTP_USERNAME": "arrears",
        "SMTP_PASSWORD": "s3cret",
        "SMTP_STARTTLS": "true",
        "TASK_QUEUE": "second",
        "ALLOW_TIME_LAPSE": "1",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
    }.items():
        monkeypatch.setenv(f"ARREARS_{name}", value)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "receivables")

    assert load_settings() == Settings(
        data_dir="/srv/arrears",
        ledger_url="postgresql+psycopg://arrears@db/arrears",
        smtp=SmtpSettings(
            host="mail.example", port=587, username="arrears", password=SecretStr("s3cret"), starttls=True
        ),
        task_queue="second",
        namespace="receivables",
        allow_time_lapse=True,
        log_format="json",
        log_level="debug",
    )


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_DATA_DIR", "from-environment")

    assert load_settings("from-command-line").data_dir == "from-command-line"


def test_the_ledger_lies_in_the_data_folder_unless_it_is_named() -> None:
    assert Settings(data_dir="/srv/arrears/").ledger == "sqlite:////srv/arrears/ledger.db"
    assert Settings(data_dir="/srv", ledger_url="sqlite:///other.db").ledger == "sqlite:///other.db"


def test_set_to_nothing_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARREARS_SMTP_HOST", "ARREARS_SMTP_PORT", "ARREARS_LEDGER_URL", "TEMPORAL_NAMESPACE"):
        monkeypatch.setenv(name, "")

    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("ARREARS_SMTP_PORT", "smtp", "a port number from 1 to 65535"),
        ("ARREARS_SMTP_PORT", "70000", "a port number from 1 to 65535"),
        ("ARREARS_HOOK_PORT", "0", "a port number from 1 to 65535"),
        ("ARREARS_SMTP_STARTTLS", "perhaps", "true or false"),
        ("ARREARS_ALLOW_TIME_LAPSE", "2", "true or false"),
        ("ARREARS_LOG_FORMAT", "xml", "auto, json or console"),
        ("ARREARS_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("ARREARS_DATA_DIR", "what?", "without a question mark"),
    ],
)
def test_a_bad_value_is_answered_with_variable_value_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv("ARREARS_SMTP_HOST", "mail.example")
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as refusal:
        load_settings()

    told = str(refusal.value)
    assert told.startswith(f"{variable} is {value!r}: expected ")
    assert expected in told
    assert told.endswith("Change it or unset it.")
    assert refusal.value.status == 2


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_LOG_FORMAT", "xml")
    monkeypatch.setenv("ARREARS_LOG_LEVEL", "loud")

    with pytest.raises(SettingsError, match=r"(?s)ARREARS_LOG_FORMAT.*\n.*ARREARS_LOG_LEVEL"):
        load_settings()


def test_a_bad_ledger_address_is_not_repeated_since_it_may_hold_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ARREARS_LEDGER_URL", "mysql://arrears:s3cret@db/arrears")

    with pytest.raises(SettingsError, match="ARREARS_LEDGER_URL .*postgresql") as refusal:
        load_settings()

    assert "s3cret" not in str(refusal.value)


def test_mail_settings_without_a_mail_server_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_SMTP_PORT", "587")

    with pytest.raises(SettingsError, match="ARREARS_SMTP_PORT set, but ARREARS_SMTP_HOST is not"):
        load_settings()


@pytest.mark.parametrize(("given", "absent"), [("USERNAME", "PASSWORD"), ("PASSWORD", "USERNAME")])
def test_a_user_name_and_a_password_go_together(monkeypatch: pytest.MonkeyPatch, given: str, absent: str) -> None:
    monkeypatch.setenv("ARREARS_SMTP_HOST", "mail.example")
    monkeypatch.setenv(f"ARREARS_SMTP_{given}", "s3cret")

    with pytest.raises(SettingsError, match=f"{given} is set, but ARREARS_SMTP_{absent} is not") as refusal:
        load_settings()
    assert "s3cret" not in str(refusal.value)


def test_a_password_does_not_show_in_logs() -> None:
    settings = Settings(smtp=SmtpSettings(host="mail.example", username="u", password=SecretStr("s3cret")))

    assert "s3cret" not in repr(settings)


def test_providers_may_report_once_a_secret_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_HOOK_SECRET", "0123456789abcdef")
    assert load_settings().hooks == HookSettings(secret=SecretStr("0123456789abcdef"))
    monkeypatch.setenv("ARREARS_HOOK_HOST", "0.0.0.0")
    monkeypatch.setenv("ARREARS_HOOK_PORT", "9000")
    found = load_settings().hooks
    assert found is not None and (found.host, found.port) == ("0.0.0.0", 9000)
    assert "0123456789abcdef" not in repr(found)


def test_a_port_for_reports_without_a_secret_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_HOOK_PORT", "9000")
    with pytest.raises(SettingsError, match="ARREARS_HOOK_PORT set, but ARREARS_HOOK_SECRET is not"):
        load_settings()


def test_a_short_secret_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARREARS_HOOK_SECRET", "hunter2")
    with pytest.raises(SettingsError, match="ARREARS_HOOK_SECRET is too short: give at least 16") as refusal:
        load_settings()
    assert "hunter2" not in str(refusal.value)
