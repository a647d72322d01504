"""XML that comes from strangers, parsed so that it can do no harm: no DOCTYPE, no entities, no network, bounded.

What the elements mean is in ubl.py and cii.py.
"""

import re
from typing import Any, NoReturn

from lxml import etree

from gateway.intake.entries import Fault
from models.faults import shown

MAX_BYTES = 32 * 1024 * 1024
"""The largest document, attachments in it included."""
MAX_TAGS = 1_000_000
"""The most opening and closing tags; each costs memory, whatever the size of the file."""
MAX_DEPTH = 200

_ENCODINGS = frozenset(
    ("utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "latin1")
    + ("windows-1252", "cp1252")
)
"""Encodings in which a DOCTYPE cannot hide from the search for it."""
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ROOT = re.compile(rb"<[A-Za-z_:\x80-\xff]")

Element = etree._Element


def looks_like_xml(head: bytes) -> bool:
    """Whether a file that begins so is XML, in one of the encodings above."""
    text = head.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    text = text.lstrip()
    return text.startswith((b"<?xml", b"<!")) or bool(_ROOT.match(text))


def parse_xml(content: bytes) -> Element:
    """The root element, without comments and processing instructions.

    Raises:
        Fault: if it is not well-formed, exceeds the bounds, or has a DOCTYPE.
    """
    if len(content) > MAX_BYTES:
        _refuse(f"the document has {len(content):,} bytes; at most {MAX_BYTES:,} are read")
    if content.count(b"<") > MAX_TAGS:
        _refuse(f"the document has more than {MAX_TAGS:,} tags")
    plain = content.replace(b"\0", b"") if b"\0" in content[:200] else content
    declared = _DECLARED.search(plain[:400])
    if declared is not None and declared[1].decode().lower() not in _ENCODINGS:
        _refuse(f"the encoding {shown(declared[1].decode())} is not read; save it as UTF-8")
    if content[:4] in (b"\0\0\xfe\xff", b"\xff\xfe\0\0", b"\0\0\0<", b"<\0\0\0"):
        _refuse("the encoding UTF-32 is not read; save it as UTF-8")
    if _has_doctype(plain):
        _refuse("it has a DOCTYPE, which no e-invoice has; such files are not opened")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, attribute_defaults=False,
        huge_tree=False, recover=False, remove_comments=True, remove_pis=True, collect_ids=False,
    )  # fmt: skip
    try:
        found = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        _refuse(f"not well-formed XML ({_said(error)})")
    except MemoryError:
        _refuse("it takes more memory than there is")
    docinfo: Any = found.getroottree().docinfo
    if docinfo.doctype:
        _refuse("it has a DOCTYPE, which no e-invoice has; such files are not opened")
    if _too_deep(found):
        _refuse(f"its elements are nested more than {MAX_DEPTH} deep")
    return found


def _has_doctype(content: bytes) -> bool:
    """Whether anything is declared before the root element; looked for before a parser sees the file."""
    at = content.find(b"<")
    while at >= 0:
        if content.startswith(b"<!--", at):
            at = content.find(b"-->", at + 4)
        elif content.startswith(b"<?", at):
            at = content.find(b"?>", at)
        else:
            return content.startswith(b"<!", at)
        at = content.find(b"<", at) if at >= 0 else at
    return False


def _refuse(reason: str) -> NoReturn:
    raise Fault("", "", reason)


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 160 else f"{text[:157]}…"


def _too_deep(root: Element) -> bool:
    """Whether some element lies too deep: the deepest levels are looked for one by one."""
    level = 0
    nodes = [root]
    while nodes:
        level += 1
        if level > MAX_DEPTH:
            return True
        nodes = [child for node in nodes for child in node if len(child)]
    return False
