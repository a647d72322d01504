"""The e-invoice inside a PDF (Factur-X, ZUGFeRD, Order-X): its XML attachment, taken out in a process apart.

PDF is too large a language to trust a reader with: a child process does it, with bounded memory and time, and is killed
when it overstays. It serves one file after another, and ends when this process does.
"""

import atexit
import io
import json
import logging
import multiprocessing
import resource
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from gateway.intake.entries import Fault

MAX_BYTES = 64 * 1024 * 1024
"""The largest PDF."""
SECONDS = 20.0
"""How long one PDF may take."""
MEMORY = 2 * 1024**3
MAX_ATTACHMENTS = 100
MAX_ATTACHMENT = 32 * 1024 * 1024

NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "order-x.xml", "cida.xml")
"""The names the standards give the attachment, in the order in which they are looked for."""


class Attachment(NamedTuple):
    """The XML of an e-invoice, and what it was called in the PDF."""

    name: str
    content: bytes


def extract_invoice(pdf: bytes) -> Attachment:
    """The e-invoice of a PDF: the attachment with a name of the standards, else the only XML there is.

    Raises:
        Fault: if there is none, several could be meant, or the PDF cannot be read.
    """
    if len(pdf) > MAX_BYTES:
        raise Fault("", "", f"the PDF has {len(pdf):,} bytes; at most {MAX_BYTES:,} are read")
    with _LOCK:
        found = _READER.ask(pdf)
    for name in NAMES:
        for attachment in found:
            if attachment.name.lower() == name:
                return attachment
    if not found:
        raise Fault("", "", "the PDF holds no e-invoice (no XML is attached): a picture of an invoice is not read")
    if len(found) > 1:
        raise Fault("", "", f"the PDF holds {len(found)} XML files, and none has the name of an e-invoice")
    return found[0]


# --- on this side ---------------------------------------------------------------------------------------------


class _Reader:
    """The child process, begun with the first PDF."""

    def __init__(self) -> None:
        self._process: Any = None
        self._pipe: Connection | None = None

    def ask(self, pdf: bytes) -> list[Attachment]:
        try:
            pipe = self._begun()
            pipe.send_bytes(pdf)
            in_time = pipe.poll(SECONDS)
            head: dict[str, Any] = json.loads(pipe.recv_bytes()) if in_time else {}
            found = [Attachment(name, pipe.recv_bytes()) for name in head.get("names", ())]
        except (OSError, EOFError, ValueError):
            self.end()
            raise Fault("", "", "the PDF is damaged: it brought its reader down") from None
        if not in_time:
            self.end()
            raise Fault("", "", f"the PDF could not be read within {SECONDS:.0f} seconds")
        if "refused" in head:
            raise Fault("", "", str(head["refused"]))
        return found

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _begun(self) -> Connection:
        if self._pipe is None or not self._process.is_alive():
            self.end()
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            self._process = context.Process(target=_serve, args=(other,), name="arrears-pdf", daemon=True)
            self._process.start()
            other.close()
        return self._pipe


_READER = _Reader()
_LOCK = threading.Lock()
atexit.register(_READER.end)


# --- in the child ---------------------------------------------------------------------------------------------


def _serve(pipe: Connection) -> None:
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable()  # what the PDF library has to say would stand between the lines of the command
    while True:
        try:
            pdf = pipe.recv_bytes()
        except (EOFError, OSError, KeyboardInterrupt):
            return
        try:
            found = _attachments(pdf)
        except Exception as error:
            reason = f"the PDF is damaged or not one ({type(error).__name__})"
            pipe.send_bytes(json.dumps({"refused": str(error) if isinstance(error, Fault) else reason}).encode())
            continue
        pipe.send_bytes(json.dumps({"names": [name for name, _ in found]}).encode())
        for _, content in found:
            pipe.send_bytes(content)


def _attachments(pdf: bytes) -> list[tuple[str, bytes]]:
    """The XML files attached; other attachments are passed over."""
    from pypdf import PdfReader  # Only the child needs it.

    reader = PdfReader(io.BytesIO(pdf))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Fault("", "", "the PDF is encrypted; save it without a password")
    found: list[tuple[str, bytes]] = []
    for number, attachment in enumerate(reader.attachment_list):
        if number >= MAX_ATTACHMENTS:
            raise Fault("", "", f"the PDF has more than {MAX_ATTACHMENTS} attachments")
        if not attachment.name.lower().endswith(".xml"):
            continue
        try:
            content = attachment.content
        except Exception:
            raise Fault("", "", f"the attachment {attachment.name[:60]!r} of the PDF is damaged") from None
        if len(content) > MAX_ATTACHMENT:
            raise Fault("", "", f"the attachment {attachment.name[:60]!r} of the PDF is too large")
        if content:
            found.append((attachment.name, bytes(content)))
    return found
