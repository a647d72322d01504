"""A mail server inside the test: it keeps what it is given, and can refuse, stall or be down."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Letter(NamedTuple):
    """One mail as it arrived."""

    message_id: str
    to: str
    subject: str
    message: EmailMessage

    @property
    def text(self) -> str:
        """What the debtor reads."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())


class MailServer:
    """Listens on one port for its whole life, though not always."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.tries = 0
        """How often a mail was announced, taken or not."""
        self.refusals: list[str] = []
        """What the next recipients are answered: `550 ...` refuses for good, `451 ...` for now."""
        self.knocked = threading.Event()
        """A letter stands before the closed door of `stalling`."""
        self._door = threading.Event()
        self._door.set()
        self._controller: Controller | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.up()

    def up(self) -> None:
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, server_hostname="localhost", enable_SMTPUTF8=True
        )
        self._controller.start()

    def down(self) -> None:
        if self._controller is not None:
            self._controller.stop()
        self._controller = None

    @contextmanager
    def stalling(self) -> Iterator[None]:
        """Whoever brings a letter has to wait until the block is left."""
        self.knocked.clear()
        self._door.clear()
        try:
            yield
        finally:
            self._door.set()

    # --- what the SMTP library calls ------------------------------------------------------------------------------

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.tries += 1
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 known here"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if not self._door.is_set():
            self.knocked.set()
            await asyncio.to_thread(self._door.wait)
        content: Any = envelope.content
        message = BytesParser(policy=policy.default).parsebytes(content)
        self.letters.append(Letter(str(message["Message-ID"]), envelope.rcpt_tos[0], str(message["Subject"]), message))
        return "250 2.0.0 kept"
