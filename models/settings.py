"""What can be set from outside, as plain types with their rules.

Nothing here reads the environment or a file: the composition root does that (`gateway.environment`) and hands
the finished value down.
"""

from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from models.base import Value
from models.parties import ChatChannel

LogFormat = Literal["auto", "json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

_LEDGER_SCHEMES = ("sqlite", "postgresql")


class SmtpSettings(Value):
    """The mail server that letters leave through."""

    host: str = Field(min_length=1)
    port: int = Field(default=25, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    starttls: bool = False

    @model_validator(mode="after")
    def _credentials_are_complete(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("a user name and a password go together: give both or neither")
        return self


class ImapSettings(Value):
    """The mailbox that answers come to."""

    host: str = Field(min_length=1)
    port: int = Field(default=993, ge=1, le=65535)
    username: str = Field(min_length=1)
    password: SecretStr
    folder: str = Field(default="INBOX", pattern=r"^[ -~]{1,200}$")
    done_folder: str | None = Field(default=None, pattern=r"^[ -~]{1,200}$")
    """Where filed mails are moved; without one they are marked as seen and stay."""
    security: Literal["tls", "starttls", "none"] = "tls"

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        if self.security == "none" and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("without encryption a mailbox is read on this machine only")
        return self


class HookSettings(Value):
    """Where providers report what became of notices, and the secret that they share with us."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8480, ge=1, le=65535)
    secret: SecretStr = Field(min_length=16)


class Provider(Value):
    """A provider that notices are handed to. `variable` is where its address is set, for messages."""

    url: SecretStr
    token: SecretStr | None = None
    variable: str


class Settings(Value):
    """Everything an installation decides about how the engine runs; what it does is policy, and not here."""

    data_dir: str = Field(default="var", min_length=1)
    """The one folder that holds everything the engine keeps."""

    ledger_url: str | None = None
    """Where the ledger is; None means a SQLite file in the data folder. `ledger` gives the answer."""

    smtp: SmtpSettings | None = None
    imap: ImapSettings | None = None
    printing: Provider | None = None
    """Who prints and posts letters; None means a print queue in the data folder."""

    chat: dict[ChatChannel, Provider] = {}
    """Who takes short messages, by channel; what is not here is a task for people."""

    hooks: HookSettings | None = None
    """Where providers report by HTTP; None means nowhere."""

    task_queue: str = Field(default="arrears", min_length=1)
    namespace: str = Field(default="default", min_length=1)

    allow_time_lapse: bool = False
    """Whether a case may run faster than the calendar: for demonstrations, never with real debtors."""

    log_format: LogFormat = "auto"
    """`auto` is console on a terminal and JSON elsewhere."""

    log_level: LogLevel = "info"

    @field_validator("data_dir")
    @classmethod
    def _data_dir_fits_a_url(cls, value: str) -> str:
        # The ledger's address is made from this path, and a question mark would begin the URL's options.
        if "?" in value:
            raise ValueError("the data folder's path may not contain a question mark")
        return value

    @field_validator("ledger_url")
    @classmethod
    def _ledger_is_one_we_speak(cls, value: str | None) -> str | None:
        if value is not None:
            scheme, separator, _ = value.partition("://")
            if not separator or scheme.partition("+")[0] not in _LEDGER_SCHEMES:
                raise ValueError("the ledger's address begins with sqlite:// or postgresql://")
        return value

    @property
    def ledger(self) -> str:
        """The ledger's address in force."""
        return self.ledger_url or f"sqlite:///{self.data_dir.rstrip('/')}/ledger.db"
