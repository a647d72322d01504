"""The mail sink: what it has said yes to is in the folder, whatever happens next."""

import asyncio
import email
import email.policy
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from gateway.stack.mailbox import Mailbox, read_mails, repeated
from gateway.stack.sink import serve


@contextmanager
def sink(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """The sink as a process of its own, listening."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call = [sys.executable, "-m", "gateway.stack.sink", "--port", str(port), "--dir", str(folder)]
    with subprocess.Popen(call) as process:
        try:
            deadline = time.monotonic() + 20
            while True:
                assert process.poll() is None and time.monotonic() < deadline
                try:
                    smtplib.SMTP("127.0.0.1", port, timeout=5).quit()
                    break
                except OSError:
                    pass
            yield port, process
        finally:
            process.kill()


def mail(message_id: str, subject: str = "Reminder", text: str = "please pay") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Accounts <accounts@acme.example>"
    message["To"] = "Buyer <buyer@debtor.example>"
    message["Subject"] = subject
    message["Message-ID"] = message_id
    message.set_content(text)
    return message


def test_a_mail_is_filed_as_it_came_with_its_envelope(tmp_path: Path) -> None:
    subject = "付款提醒 — facture n° 0012, overdue since 31 January, " + "long " * 20
    with sink(tmp_path) as (port, _), smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(
            mail("<1@acme.example>", subject.strip(), "尊敬的客户\n.a line with a dot"),
            from_addr="bounces@acme.example",
            to_addrs=["buyer@debtor.example", "copy@debtor.example"],
        )

    (filed,) = read_mails(tmp_path)
    assert filed.subject == subject.strip()
    assert filed.message_id == "<1@acme.example>"
    assert filed.sender == "bounces@acme.example"
    assert filed.to == ("buyer@debtor.example", "copy@debtor.example")
    assert filed.path.suffix == ".eml"
    whole = email.message_from_bytes(filed.path.read_bytes(), policy=email.policy.default)
    body = whole.get_body()
    assert body is not None
    assert body.get_content() == "尊敬的客户\r\n.a line with a dot\r\n"


def test_addresses_outside_ascii_are_taken(tmp_path: Path) -> None:
    with sink(tmp_path) as (port, _), smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(mail("<1@x>"), "rechnung@müller.example", ["用户@例子.example"])

    (filed,) = read_mails(tmp_path)
    assert (filed.sender, filed.to) == ("rechnung@müller.example", ("用户@例子.example",))


def test_many_senders_at_once_and_many_mails_on_one_connection_lose_nothing(tmp_path: Path) -> None:
    def send(sender: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for number in range(50):
                smtp.send_message(mail(f"<{sender}.{number}@acme.example>"))

    with sink(tmp_path) as (port, _), ThreadPoolExecutor(8) as senders:
        list(senders.map(send, range(8)))

    mails = read_mails(tmp_path)
    assert {m.message_id for m in mails} == {f"<{s}.{n}@acme.example>" for s in range(8) for n in range(50)}
    assert len(mails) == 400
    assert repeated(mails) == {}


def test_what_it_said_yes_to_is_there_after_it_was_killed(tmp_path: Path) -> None:
    accepted = []
    with sink(tmp_path) as (port, process), smtplib.SMTP("127.0.0.1", port) as smtp:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            for number in range(10_000):
                smtp.send_message(mail(f"<{number}@acme.example>"))
                accepted.append(f"<{number}@acme.example>")
                if number == 100:
                    os.kill(process.pid, signal.SIGKILL)

    filed = [m.message_id for m in read_mails(tmp_path)]
    assert len(accepted) > 100
    assert filed[: len(accepted)] == accepted
    assert len(filed) <= len(accepted) + 1, "one may have been filed and not answered"


def test_another_run_files_after_and_beside_what_is_there(tmp_path: Path) -> None:
    for number in range(3):
        Mailbox(tmp_path).file("a@x", ["b@x"], mail(f"<{number}@x>").as_bytes())
    Mailbox(tmp_path).file("a@x", ["b@x"], mail("<0@x>").as_bytes())

    mails = read_mails(tmp_path)
    assert [m.message_id for m in mails] == ["<0@x>", "<1@x>", "<2@x>", "<0@x>"]
    assert repeated(mails) == {"<0@x>": 2}


def test_a_draft_of_a_killed_run_is_no_mail(tmp_path: Path) -> None:
    (tmp_path / ".0001.eml.draft").write_bytes(b"Subject: half")

    assert read_mails(tmp_path) == []
    Mailbox(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_address_cannot_smuggle_a_header(tmp_path: Path) -> None:
    Mailbox(tmp_path).file("a@x\r\nSubject: forged", ["b@x\nX: y"], mail("<1@x>").as_bytes())

    (filed,) = read_mails(tmp_path)
    assert filed.subject == "Reminder"


async def test_a_mail_that_cannot_be_filed_is_refused_for_now(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    server = await serve("127.0.0.1", 0, folder)
    port = server.sockets[0].getsockname()[1]
    folder.rmdir()
    folder.touch()

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            with pytest.raises(smtplib.SMTPDataError) as refusal:
                smtp.send_message(mail("<1@x>"))
            assert refusal.value.smtp_code == 451

    async with server:
        await asyncio.to_thread(send)
