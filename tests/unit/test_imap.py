"""The mailbox is emptied whatever the server does in between, and what goes wrong is said in a sentence."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from gateway.replies.imap import ImapBox, ImapUnreachable
from models.settings import ImapSettings
from tests.imap_server import ImapServer, free_port
from tests.incoming import answer

MOST = 10_000


@pytest.fixture
def servers() -> Iterator[Callable[..., ImapServer]]:
    with ExitStack() as stack:

        def make(**options: Any) -> ImapServer:
            server = ImapServer(**options)
            stack.callback(server.close)
            return server

        yield make


@pytest.fixture
def server(servers: Callable[..., ImapServer]) -> ImapServer:
    return servers()


def emptied(box: ImapBox) -> list[bytes | int | None]:
    """All that is new, each marked as done."""
    found = []
    for uid in box.new():
        found.append(box.fetch(uid, MOST))
        box.done(uid)
    return found


@pytest.fixture
def opened() -> Iterator[Callable[[ImapSettings], ImapBox]]:
    with ExitStack() as stack:

        def make(settings: ImapSettings) -> ImapBox:
            box = ImapBox(settings, timeout=5)
            stack.callback(box.close)
            return box

        yield make


Opened = Callable[[ImapSettings], ImapBox]


def test_new_mail_is_read_once_and_marked_as_seen(server: ImapServer, opened: Opened) -> None:
    server.put(answer("one"), answer("two"))
    assert emptied(opened(server.settings())) == [answer("one"), answer("two")]
    assert (server.unseen(), len(server.folders["INBOX"])) == (0, 2)
    server.put(answer("three"))
    assert emptied(opened(server.settings())) == [answer("three")]
    assert not [c for c in server.commands if "BODY[" in c], "reading alone must not mark a mail as seen"


@pytest.mark.parametrize("move", [True, False])
def test_filed_mail_is_moved_where_a_folder_for_it_is_set(
    servers: Callable[..., ImapServer], opened: Opened, move: bool
) -> None:
    server = servers(move=move)
    server.put(answer("one"))
    server.folders["INBOX"][0].flags.add(r"\Seen")  # a colleague has looked at it
    assert emptied(opened(server.settings(done_folder="Done"))) == [answer("one")]
    assert [m.content for m in server.folders["Done"]] == [answer("one")]
    assert server.folders["INBOX"] == []


def test_a_mail_that_is_too_big_is_not_fetched(server: ImapServer, opened: Opened) -> None:
    server.put(b"Subject: big\r\n\r\n" + b"x" * MOST)
    box = opened(server.settings())
    assert box.fetch("1", MOST) == MOST + 16
    assert box.headers("1") == b"Subject: big\r\n\r\n"
    assert not [c for c in server.commands if "BODY.PEEK[]" in c]


def test_a_mail_that_is_gone_meanwhile_is_nothing(server: ImapServer, opened: Opened) -> None:
    assert opened(server.settings()).fetch("17", MOST) is None


@pytest.mark.parametrize("at", ["LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE"])
def test_a_connection_that_breaks_is_said_and_the_next_look_reads_what_was_left(
    server: ImapServer, opened: Opened, at: str
) -> None:
    server.put(answer("one"), answer("two"))
    server.break_off_at = at
    box = opened(server.settings())
    with pytest.raises(ImapUnreachable, match=rf"the mailbox at localhost:{server.port} cannot be read"):
        emptied(box)
    assert server.unseen() == 2
    assert emptied(box) == [answer("one"), answer("two")]


def test_a_wrong_password_is_said_without_showing_it(server: ImapServer, opened: Opened) -> None:
    with pytest.raises(ImapUnreachable, match="AUTHENTICATIONFAILED") as caught:
        opened(server.settings(password=SecretStr("wrong-one"))).new()
    assert "wrong-one" not in str(caught.value)
    assert "ARREARS_IMAP_" in str(caught.value)


def test_a_folder_that_is_not_there_is_named(server: ImapServer, opened: Opened) -> None:
    with pytest.raises(ImapUnreachable, match=r"there is no folder 'Answers'"):
        opened(server.settings(folder="Answers")).new()
    server.put(answer())
    with pytest.raises(ImapUnreachable, match="no such mailbox"):
        emptied(opened(server.settings(done_folder="Nowhere")))


def test_a_server_that_says_no_is_quoted(server: ImapServer, opened: Opened) -> None:
    server.says["UID SEARCH"] = "NO [UNAVAILABLE] busy"
    with pytest.raises(ImapUnreachable, match="busy"):
        opened(server.settings()).new()


def test_nobody_listening_says_where(opened: Opened) -> None:
    port = free_port()
    given = {"host": "localhost", "port": port, "username": "u", "password": "p", "security": "none"}
    with pytest.raises(ImapUnreachable, match=f"localhost:{port}"):
        opened(ImapSettings.model_validate(given)).new()


def test_a_mailbox_elsewhere_is_read_encrypted_only() -> None:
    given = {"host": "mail.example", "username": "u", "password": "p"}
    assert ImapSettings.model_validate(given).security == "tls"
    with pytest.raises(ValidationError, match="on this machine only"):
        ImapSettings.model_validate({**given, "security": "none"})


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost, and its key, in one file."""
    file = tmp_path / "localhost.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(tmp_path / "key"),
         "-out", str(tmp_path / "certificate")],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("this openssl cannot make a certificate")
    file.write_bytes((tmp_path / "key").read_bytes() + (tmp_path / "certificate").read_bytes())
    return file


def test_tls_is_spoken_with_a_server_that_can_be_trusted_and_with_no_other(
    servers: Callable[..., ImapServer], opened: Opened, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = servers(tls=context)
    server.put(answer("one"))
    with pytest.raises(ImapUnreachable, match="certificate verify failed"):
        opened(server.settings()).new()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert emptied(opened(server.settings())) == [answer("one")]
