"""A mail as bytes (RFC 5322, MIME): no smuggled headers, and bodies that survive any relay.

Written by hand because the standard library's generator takes several times as long as all the rest of a
letter. The tests read every mail back with the standard library. What a mail says is decided elsewhere.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr
from urllib.parse import quote

from models import ids

# Controls and line breaks of every script, lone surrogates, and the marks that turn the direction of writing.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]+")
_MAX_PLAIN_LINE = 70


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail; `subtype` of `application/`."""

    name: str
    content: bytes
    subtype: str = "zip"


def one_line(text: str) -> str:
    """Text from outside as one line: no control characters, no turned direction of writing."""
    return _UNWANTED.sub(" ", text).strip() if _UNWANTED.search(text) else text.strip()


def ascii_address(address: str) -> str:
    """A mail address as it goes over the wire, its domain in ASCII (IDNA).

    Raises:
        ValueError: What stands before the @ is not ASCII, which few servers accept, or the domain
            cannot be one.
    """
    if address.isascii():
        return address
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        raise ValueError("it has letters outside ASCII before the @, which most mail servers refuse")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        raise ValueError("it has a domain that cannot exist") from None


def mailbox(name: str, address: str) -> str:
    """The value of an address header: display name and address."""
    clean = one_line(name)
    if clean.isascii() and "=?" not in clean:
        return formataddr((clean, address))
    return f"{Header(clean, 'utf-8', maxlinelen=75, header_name='Reply-To').encode()} <{address}>"


def message(
    headers: Sequence[tuple[str, str]],
    text: str,
    html: str | None = None,
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """The whole mail. The same arguments give the same bytes.

    Args:
        headers: Names and values in their order; address values come from `mailbox` and `ascii_address`.
        text: The plain body.
        html: The same as HTML, if there is one.
        attachments: Files.
    """
    seed = ids.digest("\n".join(value for _, value in headers))[:24]
    body = _part("text/plain", text)
    if html is not None:
        body = _multipart("alternative", f"=_a{seed}", [body, _part("text/html", html)])
    if attachments:
        body = _multipart("mixed", f"=_m{seed}", [body, *map(_file, attachments)])
    head = "".join(f"{name}: {_value(name, value)}\r\n" for name, value in headers)
    return f"{head}MIME-Version: 1.0\r\n".encode("ascii") + body


_ADDRESSES = frozenset({"From", "To", "Reply-To"})


def _value(name: str, value: str) -> str:
    if name in _ADDRESSES:
        return value.replace("\r", "").replace("\n", "\r\n")
    clean = one_line(value)
    if clean.isascii() and "=?" not in clean and len(clean) <= _MAX_PLAIN_LINE:
        return clean
    charset = "us-ascii" if clean.isascii() and "=?" not in clean else "utf-8"
    return Header(clean, charset, maxlinelen=75, header_name=name).encode().replace("\n", "\r\n")


def _part(kind: str, text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    content = (lines if lines.endswith("\n") else lines + "\n").replace("\n", "\r\n").encode("utf-8", "replace")
    if len(content) - len(text) > len(text) // 4:
        encoding, encoded = "base64", _base64(content)
    else:
        encoding, encoded = "quoted-printable", binascii.b2a_qp(content, istext=True)
    head = f'Content-Type: {kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode("ascii") + encoded


def _file(attachment: Attachment) -> bytes:
    name = one_line(attachment.name)
    if re.fullmatch(r"[A-Za-z0-9._-]+", name):
        parameter = f'filename="{name}"'
    else:
        parameter = f"filename*=utf-8''{quote(name, safe='')}"
    head = (
        f"Content-Type: application/{attachment.subtype}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; {parameter}\r\n\r\n"
    )
    return head.encode("ascii") + _base64(attachment.content)


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    # Neither transfer encoding can produce "=_", so that no part can contain the boundary.
    edge = boundary.encode("ascii")
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype.encode("ascii"), edge)
    return head + b"".join(b"--%s\r\n%s\r\n" % (edge, part) for part in parts) + b"--%s--\r\n" % edge


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")
