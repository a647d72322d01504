"""Reads XML of unknown origin: no DOCTYPE, no entities, no network, bounded in size and depth.

It yields the elements one after the other, so that a large file need not be held as a tree.
"""

import io
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from gateway.bank.statement import Refused, Reject

MAX_BYTES = 256 * 1024 * 1024

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = re.compile(r"utf-?(8|16)([lb]e)?|us-ascii|iso-8859-\d{1,2}|windows-125\d|cp125\d", re.IGNORECASE)

_DOCTYPE = Reject("DOCTYPE", "", "a bank file has no DOCTYPE and no entities: they are refused", 1)


def is_xml(data: bytes) -> bool:
    """Whether the file begins as XML does."""
    head = _plain(data[:400]).lstrip()
    return head.startswith(b"<")


def beginnings(data: bytes) -> Iterator[etree._Element]:
    """Each element when it begins: enough to find out what a file is.

    Raises:
        Refused: if it is not well-formed as far as it is read, has a DOCTYPE, or is too large.
    """
    _harmless(data)
    first = True
    for element in _parsed(data, ("start",), None):
        about: Any = element.getroottree().docinfo if first else None
        if about is not None and about.doctype:
            raise Refused(_DOCTYPE)
        first = False
        yield element


def complete(data: bytes, *tags: str) -> Iterator[etree._Element]:
    """Each element of these tags when it is complete; who has read it may clear it.

    Raises:
        Refused: if the file is not well-formed. What it begins with, `beginnings` has looked at.
    """
    return _parsed(data, ("end",), tags)


def _harmless(data: bytes) -> None:
    if len(data) > MAX_BYTES:
        raise Refused(Reject("", "", f"larger than {MAX_BYTES >> 20} MiB", 1))
    head = _plain(data)
    at = head.find(b"<!DOCTYPE")
    if at >= 0 or b"<!ENTITY" in head:
        raise Refused(_DOCTYPE._replace(line=head.count(b"\n", 0, max(at, 0)) + 1))
    declared = _DECLARED.match(head[:400].lstrip())
    if declared and not _ENCODINGS.fullmatch(declared[1].decode()):
        raise Refused(Reject("encoding", declared[1].decode(), "write UTF-8, UTF-16 or ISO 8859", 1))


def _parsed(data: bytes, events: tuple[str, ...], tags: tuple[str, ...] | None) -> Iterator[etree._Element]:
    try:
        # Without huge_tree, libxml2 bounds depth (256 elements), names and the text of an element.
        source = etree.iterparse(
            io.BytesIO(data),
            events=events,
            tag=tags,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for _, element in source:
            yield element
    except etree.XMLSyntaxError as error:
        line, _ = error.position
        raise Refused(Reject("", "", f"not well-formed XML: {error.msg}", line or 1)) from None


def _plain(data: bytes) -> bytes:
    """The bytes without byte order mark and without the NUL bytes of UTF-16: enough to search for ASCII in."""
    for mark in _BOMS:
        if data.startswith(mark):
            data = data[len(mark) :]
            break
    return data.replace(b"\0", b"") if b"\0" in data[:400] else data
