"""Mails that come in: answers, out-of-office notices, delivery reports and receipts, as real programs write them."""

from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from tests.cases import day

DEBTOR = "debtor@buyer.example"
NOTICE = f"<{'0a' * 20}@arrears.invalid>"
"""The Message-ID of a notice, where a test has none that was sent."""


def answer(
    text: str = "We pay on Friday.", *, to: str | None = NOTICE, sender: str = f"Kim Lee <{DEBTOR}>",
    subject: str = "Re: Payment reminder", html: str | None = None, message_id: str | None = "<r1@buyer.example>",
    **headers: str,
) -> bytes:  # fmt: skip
    """A mail by a person, in answer to the notice `to`."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "receivables@acme.example", subject
    mail["Date"] = format_datetime(day(2))
    for name, value in {"Message-ID": message_id, "In-Reply-To": to, "References": to}.items():
        if value is not None:
            mail[name] = value
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html is not None:
        mail.add_alternative(html, subtype="html")
    return mail.as_bytes()


def delivery_report(
    action: str = "failed", status: str = "5.1.1", said: str = "smtp; 550 5.1.1 no such user", *,
    original: str = NOTICE, case: str = "", address: str = DEBTOR, message_id: str = "<d1@mx.buyer.example>",
) -> bytes:  # fmt: skip
    """A report of a mail server (RFC 3464), with the headers of the mail it is about."""
    its_case = f"X-Arrears-Case: {case}\r\n" if case else ""
    its_id = f"Message-ID: {original}\r\n" if original else ""
    return (
        "Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx.buyer.example>\r\n"
        f"To: receivables@acme.example\r\nSubject: Delivery Status Notification\r\nMessage-ID: {message_id}\r\n"
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"\r\n\r\n'
        "--b1\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered to one or more recipients.\r\n"
        "--b1\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.buyer.example\r\nArrival-Date: Mon, 2 Mar 2026 09:00:00 +0000\r\n\r\n"
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: {said}\r\n\r\n"
        "--b1\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"From: receivables@acme.example\r\n{its_id}{its_case}Subject: Payment reminder\r\n\r\n--b1--\r\n"
    ).encode()


def read_receipt(disposition: str = "displayed", original: str = NOTICE) -> bytes:
    """What a mail program sends when its user has opened a mail (RFC 8098)."""
    return (
        f"From: {DEBTOR}\r\nTo: receivables@acme.example\r\nSubject: Read: Payment reminder\r\n"
        "Message-ID: <m1@buyer.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b1"\r\n\r\n'
        "--b1\r\nContent-Type: text/plain\r\n\r\nThe mail was displayed.\r\n"
        "--b1\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Final-Recipient: rfc822; {DEBTOR}\r\nOriginal-Message-ID: {original}\r\n"
        f"Disposition: manual-action/MDN-sent-manually; {disposition}\r\n\r\n--b1--\r\n"
    ).encode()


def raw(*lines: str, **fields: Any) -> bytes:
    """A mail line by line, for what no library would write."""
    return "\r\n".join(line.format(**fields) for line in lines).encode()
