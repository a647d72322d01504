"""Hands a finished mail to the mail server, and tells a refusal for good from a trouble that passes.

What the mail says is none of its business: the bytes go out as they are. When to try again is decided by the
caller's retry policy; the connection is kept in smtp_line.py.
"""

import re
import smtplib
from email import policy
from email.parser import BytesHeaderParser
from email.utils import parseaddr

from activities.mime import ascii_address, one_line
from activities.smtp_line import Deadline, Line, Reply, Server, as_bytes, hang_up, line_to
from models.parties import mail_address

__all__ = ["MailRefused", "MailUnavailable", "NoSuchAddress", "SenderRefused", "Server", "hang_up", "send"]

TIMEOUT_SECONDS = 30.0
"""For each answer of the server."""
WHOLE_SECONDS = 150.0
"""For one mail in all; a step has three minutes (`workflows/counterparts.py`)."""

# Replies that blame our settings, not this mail: authentication wanted, failed, too weak, or encryption
# wanted.
_OUR_SETTINGS = frozenset({530, 534, 535, 538})
_STATUS = re.compile(r"\d{3}[ -]5\.(\d{1,3}\.\d{1,3})\b")
# RFC 3463: no such mailbox, no such domain, no valid address, ambiguous, moved, takes no mail at all; mailbox closed;
# and nothing in particular. 1.7 and 1.8 are about the sender's address.
_NOBODY_THERE = frozenset({"1.0", "1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1", "0.0"})
_HEADERS = BytesHeaderParser(policy=policy.compat32)


class MailRefused(Exception):
    """The server will never take this mail: a person has to mend the address or the content.

    Attributes:
        reason: The server's code and text, and for whom the mail was.
    """

    def __init__(self, reason: str) -> None:
        """Takes the reason."""
        super().__init__(reason)
        self.reason = reason


class NoSuchAddress(MailRefused):
    """There is nobody at the recipient's address: it cannot be one, or its server does not know it."""


class SenderRefused(MailRefused):
    """The server will take no mail from our address: nothing is said about the recipient's."""


class MailUnavailable(Exception):
    """The mail was not taken now; the same bytes may be tried again later.

    Attributes:
        reason: What happened, at which host and port, and what to check.
    """

    def __init__(self, reason: str) -> None:
        """Takes the reason."""
        super().__init__(reason)
        self.reason = reason


def send(
    content: bytes, recipient: str, settings: Server, *, timeout: float = TIMEOUT_SECONDS, whole: float = WHOLE_SECONDS
) -> str:  # fmt: skip
    """Sends one mail to one recipient; returns the server's final reply, such as `250 2.0.0 queued`.

    Args:
        content: The complete mail; its From header gives the envelope's sender.
        recipient: Whom the envelope is for.
        settings: The mail server.
        timeout: Seconds to wait for each answer of the server.
        whole: Seconds for all of it.

    Raises:
        MailRefused: The server refused for good, or the address cannot be one (`NoSuchAddress`).
        MailUnavailable: Anything else. If the connection broke after the content, the server may have the mail: it
            must be sent again as the same bytes, so that the Message-ID tells the two to be one.
    """
    where = f"{settings.host}:{settings.port}"
    with Deadline(whole) as deadline:
        trouble: Exception | None = None
        try:
            proof = _sent(content, recipient, settings, timeout, where)
        except (MailRefused, MailUnavailable) as error:
            trouble = error
        if deadline.over.is_set():
            # What came before the line was cut may look like an answer, even like a good one.
            hang_up()
            said = f"{where} took more than {whole:g} s over one mail: it will be tried again"
            raise MailUnavailable(said) from trouble
    if trouble is not None:
        raise trouble
    return proof


def _sent(content: bytes, recipient: str, settings: Server, timeout: float, where: str) -> str:
    try:
        to = ascii_address(mail_address(recipient))
    except ValueError as error:
        raise NoSuchAddress(f"the address {one_line(recipient)} cannot be written to: {error}") from error
    sender = _sender(content)
    line, used_before = _open(settings, timeout)
    try:
        try:
            line.begin(sender)
        except (Reply, OSError, smtplib.SMTPException) as error:
            stale = not isinstance(error, Reply) or error.code == 421
            if not (used_before and stale):
                raise
            # The server closed while the connection rested; nothing was said about this mail yet.
            hang_up()
            line, _ = _open(settings, timeout)
            line.begin(sender)
        return line.deliver(to, content)
    except Reply as reply:
        line.forget()
        if reply.code < 500 or reply.code in _OUR_SETTINGS:
            raise MailUnavailable(f"{where} answered {reply} to {reply.to}: {_advice(reply.code)}") from reply
        if reply.to == "MAIL FROM":
            raise SenderRefused(f"{where} refused the sender {sender}: {reply}") from reply
        refused = NoSuchAddress if _says_nobody_there(reply) else MailRefused
        raise refused(f"{where} refused the mail to {recipient}: {reply}") from reply
    except (OSError, smtplib.SMTPException) as error:
        hang_up()
        raise MailUnavailable(f"the connection to {where} broke off: {_said(error)}; it will be tried again") from error
    except ValueError as error:
        hang_up()
        raise MailRefused(f"a mail from {sender} to {recipient} cannot be sent: {error}") from error


def _says_nobody_there(reply: Reply) -> bool:
    """Whether a refusal is about the address: rules of relays and filters (5.7) are not, nor what the content met."""
    if reply.to != "RCPT TO" or reply.code not in (550, 551, 553):
        return False
    status = _STATUS.match(str(reply))
    return status is None or status[1] in _NOBODY_THERE


def _open(settings: Server, timeout: float) -> tuple[Line, bool]:
    where = f"{settings.host}:{settings.port}"
    try:
        return line_to(settings, timeout)
    except Reply as reply:
        raise MailUnavailable(f"{where} answered {reply}: {_advice(reply.code)}") from reply
    except smtplib.SMTPAuthenticationError as error:
        raise MailUnavailable(f"{where} refused the log-in ({_said(error)}): {_advice(535)}") from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise MailUnavailable(
            f"no mail server answers at {where} ({_said(error)}): check the host, port and encryption in the "
            "SMTP settings, and that the server runs"
        ) from error


def _advice(code: int) -> str:
    if code in _OUR_SETTINGS:
        return "check the user name, password and encryption in the SMTP settings"
    return "the server is busy or does not take it yet; it will be tried again"


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {as_bytes(error.smtp_error).decode('utf-8', 'replace')}"
    return str(error) or type(error).__name__


def _sender(content: bytes) -> str:
    head, _, _ = content.partition(b"\r\n\r\n")
    _, address = parseaddr(str(_HEADERS.parsebytes(head)["From"] or ""))
    if "@" not in address:
        raise MailRefused("the mail has no From header with an address: check `sender` in the creditor's file")
    return address
