"""Reads XML of unknown origin: no DOCTYPE, no entities, no network, bounded in size and depth.

It yields the elements as they begin and end, so that a large file need not be held as a tree.
"""

import io
import re
from collections.abc import Iterator

from lxml import etree

from gateway.bank.statement import Refused, Reject

MAX_BYTES = 256 * 1024 * 1024
MAX_DEPTH = 64

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = re.compile(r"utf-?(8|16)([lb]e)?|us-ascii|iso-8859-\d{1,2}|windows-125\d|cp125\d", re.IGNORECASE)

Event = tuple[str, etree._Element]


def is_xml(data: bytes) -> bool:
    """Whether the file begins as XML does."""
    head = _plain(data[:400]).lstrip()
    return head.startswith(b"<")


def events(data: bytes) -> Iterator[Event]:
    """Each element when it begins ("start") and when it is complete ("end").

    Raises:
        Refused: if it is not well-formed, has a DOCTYPE, is too large or nested too deeply.
    """
    if len(data) > MAX_BYTES:
        raise Refused(Reject("", "", f"larger than {MAX_BYTES >> 20} MiB", 1))
    head = _plain(data)
    at = head.find(b"<!DOCTYPE")
    if at >= 0 or b"<!ENTITY" in head:
        line = head.count(b"\n", 0, max(at, 0)) + 1
        raise Refused(Reject("DOCTYPE", "", "a bank file has no DOCTYPE and no entities: they are refused", line))
    declared = _DECLARED.match(head[:400].lstrip())
    if declared and not _ENCODINGS.fullmatch(declared[1].decode()):
        raise Refused(Reject("encoding", declared[1].decode(), "write UTF-8, UTF-16 or ISO 8859", 1))
    depth = 0
    try:
        source = etree.iterparse(
            io.BytesIO(data),
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for event, element in source:
            if event == "start":
                if depth == 0 and element.getroottree().docinfo.doctype:
                    raise Refused(Reject("DOCTYPE", "", "a bank file has no DOCTYPE: it is refused", 1))
                depth += 1
                if depth > MAX_DEPTH:
                    raise Refused(Reject("", "", f"nested deeper than {MAX_DEPTH} elements", element.sourceline))
            else:
                depth -= 1
            yield event, element
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
