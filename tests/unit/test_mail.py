"""Sending: what the server answers becomes a refusal for good or a trouble that passes, and nothing else."""

import asyncio
import socket
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from io import BytesIO
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from activities import mail, smtp_line
from activities.composing import compose
from activities.mail import MailRefused, MailUnavailable, NoSuchAddress, SenderRefused, send
from activities.mime import Attachment, message
from models.settings import SmtpSettings
from tests.notices import acme, an_invoice, an_order, body, read

HEADERS = (("From", "ACME <receivables@acme.example>"), ("To", "a@buyer.example"), ("Subject", "S"))
MAIL = message(HEADERS, "Text\n.\n..dots\n")
TO = "a@buyer.example"


def _hang_up_on(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()


class Postbox:
    """A mail server on a free port that keeps what it takes. Replies can be set per command."""

    def __init__(self, **options: Any) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.replies: dict[str, str] = {}
        self.connections = 0
        self.hang: threading.Event | None = None
        self.drop_in_data = False
        self._options = options
        self._loop = asyncio.new_event_loop()
        self._servers: list[SMTP] = []
        self._listening = self._loop.run_until_complete(self._loop.create_server(self._answer, "127.0.0.1", 0))
        self.port: int = self._listening.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def _answer(self) -> SMTP:
        self.connections += 1
        server = SMTP(self, hostname="localhost", loop=self._loop, command_call_limit=10**6, **self._options)
        self._servers.append(server)
        return server

    def settings(self, **changes: Any) -> SmtpSettings:
        return SmtpSettings.model_validate({"host": "127.0.0.1", "port": self.port} | changes)

    def drop_connections(self) -> None:
        """As a server that restarts, or lost patience."""

        async def drop() -> None:
            for server in self._servers:
                _hang_up_on(server)

        asyncio.run_coroutine_threadsafe(drop(), self._loop).result(5)

    def close(self) -> None:
        self.drop_connections()
        self._loop.call_soon_threadsafe(self._listening.close)
        self._loop.call_soon_threadsafe(self._loop.call_later, 0.01, self._loop.stop)
        self._thread.join(5)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
            self._loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        self._loop.close()

    # What aiosmtpd calls.

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.replies:
            return self.replies["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.replies:
            return self.replies["RCPT"]
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.drop_in_data:
            _hang_up_on(server)
            return "250 never arrives"
        if self.hang is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.hang.wait)
        if "DATA" in self.replies:
            return self.replies["DATA"]
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content))
        return f"250 2.0.0 queued as {len(self.mails)}"


@pytest.fixture
def boxes() -> Iterator[Callable[..., Postbox]]:
    with ExitStack() as stack:

        def make(**options: Any) -> Postbox:
            box = Postbox(**options)
            stack.callback(box.close)
            return box

        # Called first: the client hangs up before the server goes.
        yield make
        mail.hang_up()


@pytest.fixture
def box(boxes: Callable[..., Postbox]) -> Postbox:
    return boxes()


def test_a_mail_arrives_as_it_is_and_the_last_reply_is_the_proof(box: Postbox) -> None:
    assert send(MAIL, TO, box.settings()) == "250 2.0.0 queued as 1"
    assert box.mails == [("receivables@acme.example", [TO], MAIL)]


def test_a_thread_keeps_its_connection(box: Postbox) -> None:
    for _ in range(5):
        send(MAIL, TO, box.settings())
    assert (len(box.mails), box.connections) == (5, 1)


def test_each_thread_has_its_own_connection(box: Postbox) -> None:
    with ThreadPoolExecutor(4) as pool:
        start = threading.Barrier(4)

        def one(_: int) -> str:
            start.wait(5)
            return send(MAIL, TO, box.settings())

        assert len(set(pool.map(one, range(4)))) == 4
        list(pool.map(lambda _: mail.hang_up(), range(4)))
    assert (len(box.mails), box.connections) == (4, 4)


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_550_is_a_refusal_with_code_text_and_recipient(box: Postbox, command: str) -> None:
    box.replies[command] = "550 5.1.1 no such mailbox"
    with pytest.raises(MailRefused) as caught:
        send(MAIL, TO, box.settings())
    assert caught.value.reason == str(caught.value)
    for part in ("550", "5.1.1 no such mailbox", TO, f"127.0.0.1:{box.port}"):
        assert part in caught.value.reason


@pytest.mark.parametrize(
    ("command", "reply", "nobody"),
    [
        ("RCPT", "550 5.1.1 no such mailbox", True), ("RCPT", "550 no such user here", True),
        ("RCPT", "553 5.1.3 bad address", True), ("RCPT", "550 5.2.1 mailbox closed", True),
        ("RCPT", "554 5.7.1 relay access denied", False), ("RCPT", "550 5.7.1 listed as a spammer", False),
        ("RCPT", "550 5.2.2 mailbox full", False), ("RCPT", "553 5.1.8 sender's domain not found", False),
        ("DATA", "554 5.7.1 this is spam", False), ("DATA", "550 5.1.1 no such mailbox", False),
    ],
)  # fmt: skip
def test_only_a_refusal_that_is_about_the_address_says_that_nobody_is_there(
    box: Postbox, command: str, reply: str, nobody: bool
) -> None:
    box.replies[command] = reply
    with pytest.raises(MailRefused) as caught:
        send(MAIL, TO, box.settings())
    assert isinstance(caught.value, NoSuchAddress) == nobody


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_451_is_a_trouble_that_passes(box: Postbox, command: str) -> None:
    box.replies[command] = "451 4.3.0 try again later"
    with pytest.raises(MailUnavailable) as caught:
        send(MAIL, TO, box.settings())
    for part in ("451", "4.3.0 try again later", f"127.0.0.1:{box.port}"):
        assert part in caught.value.reason


def test_a_refused_sender_is_named(box: Postbox) -> None:
    box.replies["MAIL"] = "553 5.7.1 sender not allowed"
    with pytest.raises(SenderRefused, match=r"refused the sender receivables@acme\.example: 553"):
        send(MAIL, TO, box.settings())


def test_a_demand_for_authentication_blames_the_settings_not_the_mail(box: Postbox) -> None:
    box.replies["MAIL"] = "530 5.7.0 authentication required"
    with pytest.raises(MailUnavailable, match="check the user name, password"):
        send(MAIL, TO, box.settings())


def test_after_a_refusal_the_next_mail_goes_out_on_the_same_connection(box: Postbox) -> None:
    box.replies["gone@buyer.example"] = "550 5.1.1 gone"
    send(MAIL, TO, box.settings())
    with pytest.raises(MailRefused):
        send(MAIL, "gone@buyer.example", box.settings())
    send(MAIL, TO, box.settings())
    assert [to for _, to, _ in box.mails] == [[TO], [TO]]
    assert box.connections == 1


def test_a_connection_dropped_while_it_rested_is_replaced_without_a_word(box: Postbox) -> None:
    send(MAIL, TO, box.settings())
    box.drop_connections()
    send(MAIL, TO, box.settings())
    assert (len(box.mails), box.connections) == (2, 2)


def test_a_421_on_a_rested_connection_is_one_more_try(box: Postbox) -> None:
    send(MAIL, TO, box.settings())
    box.replies["MAIL"] = "421 4.4.2 idle for too long"
    with pytest.raises(MailUnavailable, match="421"):
        send(MAIL, TO, box.settings())
    assert box.connections == 2


def test_a_connection_that_rested_too_long_is_not_used_again(box: Postbox, monkeypatch: pytest.MonkeyPatch) -> None:
    send(MAIL, TO, box.settings())
    monkeypatch.setattr(smtp_line, "_IDLE_SECONDS", -1.0)
    send(MAIL, TO, box.settings())
    assert (len(box.mails), box.connections) == (2, 2)


def test_a_disconnect_in_the_content_is_a_trouble_and_not_tried_again_here(box: Postbox) -> None:
    # Whether the server has the mail is not known: only the caller may decide to send it once more.
    box.drop_in_data = True
    with pytest.raises(MailUnavailable, match=f"connection to 127.0.0.1:{box.port} broke off"):
        send(MAIL, TO, box.settings())
    assert box.connections == 1
    box.drop_in_data = False
    send(MAIL, TO, box.settings())
    assert len(box.mails) == 1


def test_a_slow_server_is_given_up_in_time(box: Postbox) -> None:
    box.hang = threading.Event()
    try:
        with pytest.raises(MailUnavailable, match=r"broke off: .*tim"):
            send(MAIL, TO, box.settings(), timeout=0.2)
    finally:
        box.hang.set()


class RudeServer:
    """A mail server that keeps to the protocol up to a command, and then does not."""

    def __init__(self, at: str, manner: str) -> None:
        self._at, self._manner = at, manner
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        line, _ = self._listening.accept()
        with line, line.makefile("rb") as said, suppress(OSError):
            answers = {"EHLO": b"250 hello", "MAIL": b"250 ok", "RCPT": b"250 ok", "DATA": b"354 go on", ".": b"250 ok"}
            if self._answered(line, "CONNECT", b"220 mail.example"):
                for word in said:
                    command = word.decode().split()[0].upper() if word.split() else ""
                    if command in answers and not self._answered(line, command, answers[command]):
                        return

    def _answered(self, line: socket.socket, command: str, answer: bytes) -> bool:
        """Answers as it should; at the command where it is rude, in its manner."""
        if command != self._at:
            line.sendall(answer + b"\r\n")
            return True
        if self._manner == "silence":
            self._over.wait(10)
        elif self._manner == "rubbish":
            line.sendall(b"\x00\xff hello there\r\n" * 3)
        elif self._manner == "a byte now and then":
            while not self._over.wait(0.02):
                line.sendall(b"2")
        elif self._manner == "half a word":
            line.sendall(answer[:2])
        return False

    def close(self) -> None:
        self._over.set()
        self._thread.join(5)
        self._listening.close()


@pytest.mark.parametrize("manner", ["silence", "rubbish", "half a word", "the line ends"])
@pytest.mark.parametrize("at", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_a_server_that_is_rude_at_any_moment_is_a_trouble_that_passes(at: str, manner: str) -> None:
    server = RudeServer(at, manner)
    try:
        with pytest.raises(MailUnavailable, match=f"127.0.0.1:{server.port}") as caught:
            send(MAIL, TO, SmtpSettings(host="127.0.0.1", port=server.port), timeout=0.2)
        assert "\x00" not in str(caught.value)
    finally:
        mail.hang_up()
        server.close()


@pytest.mark.parametrize("at", ["CONNECT", "MAIL", "."])
def test_a_server_that_gives_a_byte_now_and_then_does_not_hold_a_mail_for_ever(at: str) -> None:
    server = RudeServer(at, "a byte now and then")
    try:
        with pytest.raises(MailUnavailable, match=rf"127.0.0.1:{server.port} took more than 0.5 s over one mail"):
            send(MAIL, TO, SmtpSettings(host="127.0.0.1", port=server.port), timeout=5, whole=0.5)
    finally:
        mail.hang_up()
        server.close()


@pytest.mark.parametrize("greeting", ["421 4.3.2 too busy", "554 5.7.1 go away"])
def test_a_server_that_does_not_want_to_talk_is_quoted(greeting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            line, _ = listening.accept()
            with line:
                line.sendall(f"{greeting}\r\n".encode())

        server = threading.Thread(target=refuse)
        server.start()
        with pytest.raises(MailUnavailable, match=greeting):
            send(MAIL, TO, SmtpSettings(host="127.0.0.1", port=listening.getsockname()[1]), timeout=2)
        server.join(5)


def test_of_two_recipients_the_one_that_is_refused_does_not_hold_up_the_other(box: Postbox) -> None:
    # Each is sent to by itself: what a server says of one is not lost among what it says of the other.
    box.replies["gone@buyer.example"] = "550 5.1.1 gone"
    with pytest.raises(MailRefused, match="5.1.1 gone") as refused:
        send(MAIL, "gone@buyer.example", box.settings())
    assert not isinstance(refused.value, SenderRefused)
    assert send(MAIL, TO, box.settings()).startswith("250")


def test_nobody_listening_says_where_and_what_to_check() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(MailUnavailable) as caught:
            send(MAIL, TO, SmtpSettings(host="127.0.0.1", port=port))
    assert caught.value.reason.startswith(f"no mail server answers at 127.0.0.1:{port}")
    assert "check the host, port" in caught.value.reason


def test_a_host_that_does_not_exist_is_a_trouble() -> None:
    with pytest.raises(MailUnavailable, match=r"no mail server answers at nowhere\.invalid:25"):
        send(MAIL, TO, SmtpSettings(host="nowhere.invalid"), timeout=2)


def test_a_server_without_encryption_is_not_spoken_to_when_it_is_wanted(box: Postbox) -> None:
    with pytest.raises(MailUnavailable, match="STARTTLS"):
        send(MAIL, TO, box.settings(starttls=True))
    assert box.mails == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_log_in_that_fails_blames_the_settings_and_never_shows_the_password(
    boxes: Callable[..., Postbox],
) -> None:
    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, given: LoginPassword) -> AuthResult:
        return AuthResult(success=given.password == b"right", handled=False)

    box = boxes(authenticator=authenticate, auth_require_tls=False, auth_required=True)
    with pytest.raises(MailUnavailable, match="refused the log-in") as caught:
        send(MAIL, TO, box.settings(username="u", password=SecretStr("wrong-secret")))
    assert "wrong-secret" not in caught.value.reason
    assert send(MAIL, TO, box.settings(username="u", password=SecretStr("right"))).startswith("250")


@pytest.mark.parametrize("recipient", ["用户@buyer.example", "a@b.example\r\nRCPT TO:<x@y.example>", "a@" + "é" * 80])
def test_an_address_that_cannot_be_one_is_refused(box: Postbox, recipient: str) -> None:
    with pytest.raises(NoSuchAddress, match="the address"):
        send(MAIL, recipient, box.settings())
    assert box.mails == []


def test_a_mail_without_sender_is_refused(box: Postbox) -> None:
    with pytest.raises(MailRefused, match="no From header"):
        send(b"Subject: x\r\n\r\ntext\r\n", TO, box.settings())


def test_an_international_domain_goes_out_in_ascii(box: Postbox) -> None:
    send(MAIL, "a@例子.example", box.settings())
    assert box.mails[0][1] == ["a@xn--fsqu00a.example"]


def test_a_chinese_letter_survives_a_real_session(box: Postbox) -> None:
    invoice = an_invoice("zh", "上海示例有限公司", number="发票-1")
    order = an_order(invoice, "formal_demand", 15)
    made = compose(order, invoice, acme(), at=order.at)
    send(made.content, made.recipient, box.settings())
    arrived = box.mails[0][2]
    assert read(arrived)["Subject"] == made.subject
    assert "致：上海示例有限公司" in body(arrived) and "致：上海示例有限公司" in body(arrived, "html")


def test_a_chinese_file_name_survives_a_real_session(box: Postbox) -> None:
    invoice = an_invoice(number="发票/1")
    order = an_order(invoice, "referral", 60)
    made = compose(order, invoice, acme(), at=order.at)
    send(made.content, made.recipient, box.settings())
    (attachment,) = read(box.mails[0][2]).iter_attachments()
    name = attachment.get_filename()
    assert name is not None and name.startswith("dossier-ACME-发票_1-") and name.endswith(".zip")
    with zipfile.ZipFile(BytesIO(attachment.get_content())) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize(
    "text", ["", "\n", "a", "x" * 5000, ".\n..\n.x\n", "From me\n", "a=b\t \n", "é" * 2000, "\r\rx\r\n"]
)
def test_any_body_comes_out_as_it_went_in(box: Postbox, text: str) -> None:
    content = message(HEADERS, text, f"<p>{text}</p>", [Attachment('größe;"1".zip', b"\x00\r\n.\r\n\xff" * 99)])
    send(content, TO, box.settings())
    arrived = box.mails[0][2]
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    assert body(arrived) == (wanted if wanted.endswith("\n") else wanted + "\n")
    (attachment,) = read(arrived).iter_attachments()
    assert attachment.get_content() == b"\x00\r\n.\r\n\xff" * 99
    assert attachment.get_filename() == 'größe;"1".zip'
