"""Reads the settings from the environment, once, at the composition root.

What the settings are is in `models.settings`; this file only knows how the variables are called and how to
explain a bad one.
"""

import os
import re
from typing import Any, Literal, get_args

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.errors import WrongUsage
from models.parties import ChatChannel
from models.settings import HookSettings, ImapSettings, LogFormat, LogLevel, Provider, Settings, SmtpSettings

_PREFIX = "ARREARS_"
_OWN_NAMES = {"namespace": "TEMPORAL_NAMESPACE"}
_SECRET = {"smtp_password", "imap_password", "ledger_url", "print_token", "chat_token", "hook_secret"}
_EXPECTED = {
    "data_dir": "the path of a folder, without a question mark",
    "ledger_url": "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
    "smtp_port": "a port number from 1 to 65535",
    "smtp_starttls": "true or false",
    "imap_port": "a port number from 1 to 65535",
    "imap_security": "tls, starttls or none",
    "hook_port": "a port number from 1 to 65535",
    "allow_time_lapse": "true or false",
    "log_format": "auto, json or console",
    "log_level": "debug, info, warning or error",
}


class SettingsError(WrongUsage):
    """A setting that cannot be used; the text names each variable, its value and what to do."""


class _Environment(BaseSettings):
    # A variable set to nothing counts as not set: that is what `NAME= command` and compose files mean.
    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="ignore")

    data_dir: str = "var"
    ledger_url: str | None = None
    smtp_host: str | None = None
    smtp_port: int | None = Field(default=None, ge=1, le=65535)
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_starttls: bool | None = None
    print_url: SecretStr | None = None
    print_token: SecretStr | None = None
    chat_token: SecretStr | None = None
    chat_sms: SecretStr | None = None
    chat_whatsapp: SecretStr | None = None
    chat_wecom: SecretStr | None = None
    chat_dingtalk: SecretStr | None = None
    chat_feishu: SecretStr | None = None
    chat_line: SecretStr | None = None
    imap_host: str | None = None
    imap_port: int | None = Field(default=None, ge=1, le=65535)
    imap_username: str | None = None
    imap_password: SecretStr | None = None
    imap_folder: str | None = None
    imap_done_folder: str | None = None
    imap_security: Literal["tls", "starttls", "none"] | None = None
    hook_host: str | None = None
    hook_port: int | None = Field(default=None, ge=1, le=65535)
    hook_secret: SecretStr | None = None
    task_queue: str = "arrears"
    allow_time_lapse: bool = False
    log_format: LogFormat = "auto"
    log_level: LogLevel = "info"


def load_settings(data_dir: str | None = None) -> Settings:
    """The settings in force.

    Args:
        data_dir: The data folder named on the command line, if any; it wins over the environment.

    Raises:
        SettingsError: A variable has a value that cannot be used.
    """
    try:
        found = _Environment()
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(e["loc"], e["input"], e["msg"]) for e in error.errors())) from None
    smtp, imap = _smtp(found), _imap(found)
    folder = found.data_dir if data_dir is None else data_dir
    try:
        return Settings(
            data_dir=folder,
            ledger_url=found.ledger_url,
            smtp=smtp,
            imap=imap,
            printing=_printing(found),
            chat=_chat(found),
            hooks=_hooks(found),
            task_queue=found.task_queue,
            namespace=os.environ.get(_OWN_NAMES["namespace"]) or "default",
            allow_time_lapse=found.allow_time_lapse,
            log_format=found.log_format,
            log_level=found.log_level,
        )
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(e["loc"], e["input"], e["msg"]) for e in error.errors())) from None


def _smtp(found: _Environment) -> SmtpSettings | None:
    rest = {name: getattr(found, f"smtp_{name}") for name in ("port", "username", "password", "starttls")}
    given = {name: value for name, value in rest.items() if value is not None}
    if found.smtp_host is None:
        if given:
            names = ", ".join(_variable(f"smtp_{name}") for name in given)
            raise SettingsError(
                f"{names} set, but {_variable('smtp_host')} is not. Name the mail server or unset the rest."
            )
        return None
    if ("username" in given) != ("password" in given):
        present, absent = ("username", "password") if "username" in given else ("password", "username")
        absent = _variable(f"smtp_{absent}")
        raise SettingsError(f"{_variable(f'smtp_{present}')} is set, but {absent} is not. Set both or neither.")
    return SmtpSettings(host=found.smtp_host, **given)


def _printing(found: _Environment) -> Provider | None:
    if found.print_url is None:
        return None
    variable = _variable("print_url")
    if not _HTTP.match(found.print_url.get_secret_value()):
        raise SettingsError(
            f"{variable} has a value that cannot be used: expected https://HOST/PATH. Change it or unset it."
        )
    return Provider(url=found.print_url, token=found.print_token, variable=variable)


def _chat(found: _Environment) -> dict[ChatChannel, Provider]:
    given: dict[ChatChannel, Provider] = {}
    for channel in get_args(ChatChannel):
        url: SecretStr | None = getattr(found, f"chat_{channel}")
        if url is None:
            continue
        variable, address = _variable(f"chat_{channel}"), url.get_secret_value()
        if not _HTTP.match(address) and ("://" not in address or "{to}" not in address):
            # Without a place for the debtor's own address, all of them would be written to at one.
            raise SettingsError(
                f"{variable} has a value that cannot be used: expected https://HOST/PATH, or an address of apprise "
                "with {to} where that of the debtor goes. Change it or unset it."
            )
        given[channel] = Provider(url=url, token=found.chat_token, variable=variable)
    return given


_HTTP = re.compile(r"https?://[^\s/]+")


def _hooks(found: _Environment) -> HookSettings | None:
    given = {name: value for name in ("host", "port") if (value := getattr(found, f"hook_{name}")) is not None}
    if found.hook_secret is None:
        if given:
            names = ", ".join(_variable(f"hook_{name}") for name in given)
            raise SettingsError(f"{names} set, but {_variable('hook_secret')} is not. Set it, or unset the rest.")
        return None
    try:
        return HookSettings(secret=found.hook_secret, **given)
    except ValidationError:
        raise SettingsError(
            f"{_variable('hook_secret')} is too short: give at least 16 characters (`openssl rand -hex 32` makes some)."
        ) from None


def _imap(found: _Environment) -> ImapSettings | None:
    names = ("host", "port", "username", "password", "folder", "done_folder", "security")
    given = {name: value for name in names if (value := getattr(found, f"imap_{name}")) is not None}
    if not given:
        return None
    absent = [_variable(f"imap_{name}") for name in ("host", "username", "password") if name not in given]
    if absent:
        present = ", ".join(_variable(f"imap_{name}") for name in given)
        raise SettingsError(f"{present} set, but not {', '.join(absent)}. Set host, user name and password, or none.")
    try:
        return ImapSettings(**given)
    except ValidationError as error:
        detail = error.errors()[0]
        name = f"imap_{detail['loc'][0] if detail['loc'] else 'security'}"
        said = detail["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{_variable(name)}: {said}. Change it or unset it.") from None


def _explain(where: tuple[int | str, ...], value: Any, complaint: str) -> str:
    field = str(where[0]) if where else ""
    field = next((name for name, own in _OWN_NAMES.items() if own == field), field)
    shown = "has a value that cannot be used" if field in _SECRET else f"is {str(value)!r}"
    expected = f"expected {_EXPECTED[field]}" if field in _EXPECTED else complaint
    return f"{_variable(field)} {shown}: {expected}. Change it or unset it."


def _variable(field: str) -> str:
    return _OWN_NAMES.get(field, _PREFIX + field.upper())
