"""A connection to the mail server: opened, kept by its thread, used again while it is fresh.

What a refusal means is judged in mail.py.
"""

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

from pydantic import SecretStr

_IDLE_SECONDS = 60.0
"""A connection that rested longer is not trusted: firewalls drop such ones without a word."""


class Server(Protocol):
    """The mail server to use; `models.settings.SmtpSettings` is one."""

    @property
    def host(self) -> str:
        """Its name or address."""

    @property
    def port(self) -> int:
        """Its port."""

    @property
    def username(self) -> str | None:
        """With whom to log in, if at all."""

    @property
    def password(self) -> SecretStr | None:
        """The password that belongs to it."""

    @property
    def starttls(self) -> bool:
        """Whether to encrypt before anything is said."""


class Reply(Exception):
    """The server said no, to `to`, with this code."""

    def __init__(self, to: str, code: int, text: bytes) -> None:
        """Takes the command and the reply to it."""
        super().__init__(f"{code} {text.decode('utf-8', 'replace')}".replace("\n", " ").strip())
        self.to, self.code = to, code


@dataclass(eq=False)
class Line:
    """An open connection, logged in.

    Its methods raise `Reply` where the server says no, `OSError` or `SMTPException` where the connection
    breaks.
    """

    smtp: smtplib.SMTP
    key: tuple[object, ...]
    last_used: float = field(default_factory=time.monotonic)

    def begin(self, sender: str) -> None:
        """Opens a mail."""
        self._expect("MAIL FROM", self.smtp.mail(sender))

    def deliver(self, to: str, content: bytes) -> str:
        """Says whom the mail is for, and the mail; returns the server's last word."""
        self._expect("RCPT TO", self.smtp.rcpt(to))
        try:
            code, text = self.smtp.data(content)
        except smtplib.SMTPDataError as error:
            raise Reply("DATA", error.smtp_code, as_bytes(error.smtp_error)) from error
        self._expect("DATA", (code, text))
        self.last_used = time.monotonic()
        return f"{code} {text.decode('utf-8', 'replace')}".replace("\n", " ")

    def forget(self) -> None:
        """After a refusal: the next mail starts afresh, on this connection if it still works."""
        try:
            code, _ = self.smtp.rset()
        except (OSError, smtplib.SMTPException):
            code = 421
        if code >= 400:
            hang_up()

    def close(self) -> None:
        """Closes it without a word."""
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self.smtp.close()

    def __del__(self) -> None:
        """A thread that ends takes its connection with it."""
        self.close()

    def _expect(self, to: str, reply: tuple[int, bytes]) -> None:
        code, text = reply
        if not 200 <= code < 300:
            raise Reply(to, code, text)


_thread = threading.local()


class Deadline:
    """Ends what this thread says to its server after so many seconds, as if the connection had broken.

    The server has a time for each answer, but one that gives a byte now and then would never use it up.
    """

    def __init__(self, seconds: float) -> None:
        """The clock runs from `with` on."""
        self.over = threading.Event()
        self._calls: list[smtplib.SMTP] = []
        self._clock = threading.Timer(seconds, self._cut)
        self._clock.daemon = True

    def called(self, smtp: smtplib.SMTP) -> None:
        """A connection that is spoken on."""
        self._calls.append(smtp)
        if self.over.is_set():
            raise TimeoutError("there is no time left")

    def _cut(self) -> None:
        self.over.set()
        for smtp in self._calls:
            with contextlib.suppress(OSError):
                if smtp.sock is not None:
                    smtp.sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "Deadline":
        self._clock.start()
        _thread.deadline = self
        return self

    def __exit__(self, *_: object) -> None:
        self._clock.cancel()
        _thread.deadline = None


def _called(smtp: smtplib.SMTP) -> None:
    deadline: Deadline | None = getattr(_thread, "deadline", None)
    if deadline is not None:
        deadline.called(smtp)


def line_to(settings: Server, timeout: float) -> tuple[Line, bool]:
    """This thread's connection, and whether it was used before.

    Raises:
        Reply: The server does not want to be spoken to.
        OSError: It cannot be reached.
        SMTPException: It does not speak as it should, or refused the log-in.
    """
    key = (settings.host, settings.port, settings.username, settings.starttls, timeout)
    line: Line | None = getattr(_thread, "line", None)
    if line is not None and line.key == key and time.monotonic() - line.last_used < _IDLE_SECONDS:
        _called(line.smtp)
        return line, True
    hang_up()
    line = _thread.line = Line(_connect(settings, timeout), key)
    return line, False


def hang_up() -> None:
    """Closes this thread's connection, if it has one."""
    line: Line | None = getattr(_thread, "line", None)
    _thread.line = None
    if line is not None:
        line.close()


def _connect(settings: Server, timeout: float) -> smtplib.SMTP:
    smtp = smtplib.SMTP(timeout=timeout, local_hostname=_our_name())
    _called(smtp)
    try:
        # connect() does not keep the name, and the certificate is checked against it.
        smtp._host = settings.host  # type: ignore[attr-defined]
        code, text = smtp.connect(settings.host, settings.port)
        if code != 220:
            raise Reply("the connection", code, text)
        smtp.ehlo_or_helo_if_needed()
        if settings.starttls:
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
        if settings.username is not None and settings.password is not None:
            smtp.login(settings.username, settings.password.get_secret_value())
    except BaseException:
        smtp.close()
        raise
    return smtp


def as_bytes(text: bytes | str) -> bytes:
    """What smtplib gives now as one, now as the other."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


@lru_cache(maxsize=1)
def _our_name() -> str:
    """How we greet. Not the resolver's name: asking for it can take seconds."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
