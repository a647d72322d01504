"""What a file is, by its content: the name of a file counts for nothing here.

How folders and archives are walked is in sources.py; what is in a document, in ubl.py and cii.py.
"""

import re
from typing import Literal, NamedTuple

from gateway.intake import cii, ubl
from gateway.intake.document import Document
from gateway.intake.xml_source import Element, looks_like_xml, parse_xml
from models.faults import shown

Kind = Literal["xml", "pdf", "zip", "xlsx", "table", "text", "edifact", "other"]

HEAD = 8192
"""How many bytes of a file tell what it is."""

_SIGNATURES = (
    (b"\x89PNG", "a picture (PNG)"), (b"\xff\xd8\xff", "a picture (JPEG)"), (b"GIF8", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF)"), (b"MM\0*", "a picture (TIFF)"),
    (b"\x1f\x8b", "compressed by gzip; unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"), (b"Rar!", "a RAR archive; unpack it first"),
    (b"BZh", "compressed by bzip2; unpack it first"), (b"\xfd7zXZ", "compressed by xz; unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel, Word or Outlook file; save a workbook as XLSX or CSV"),
    (b"SQLite format 3", "a database"), (b"\x7fELF", "a program"), (b"MZ", "a program"),
)  # fmt: skip
_TO_UNPACK = re.compile("unpack|save")


class Recognised(NamedTuple):
    """What a file is; `what` says it in words where nothing can be done with it."""

    kind: Kind
    what: str = ""

    @property
    def may_hold_invoices(self) -> bool:
        """Whether a person should look at it, although it is not read: an archive, an old workbook."""
        return bool(_TO_UNPACK.search(self.what))


def recognise(head: bytes) -> Recognised:
    """What a file is that begins with `head`."""
    if head.lstrip()[:5] == b"%PDF-" or b"%PDF-" in head[:1024]:
        return Recognised("pdf")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Recognised("zip")
    if looks_like_xml(head):
        return Recognised("xml")
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            return Recognised("other", what)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"UNA", b"UNB+")) and b"UNB" in text[:200]:
        return Recognised("edifact")
    if text.startswith((b"{", b"[")) or _like_a_table(text):
        return Recognised("table")
    return Recognised("text", "plain text, no file of invoices")


def _like_a_table(head: bytes) -> bool:
    """Whether the first line has several cells, or the file is in UTF-16 and is looked at more closely later."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or not head:
        return True
    lines = [line for line in head.split(b"\n") if line.strip()][:3]
    if len(lines) > 1 and head.count(b"\n") >= len(lines):
        counts = [[line.count(mark) for line in lines] for mark in (b",", b";", b"\t")]
        return any(min(c) >= 2 or (c[0] >= 2 and c[0] == max(c)) for c in counts)
    return any(lines[0].count(mark) >= 2 for mark in (b",", b";", b"\t")) if lines else False


class Stranger(Exception):
    """An XML document that is no invoice of a syntax that is read.

    `refused` tells whether it could be an invoice all the same, so that a person has to look at it.
    """

    def __init__(self, what: str, refused: bool) -> None:
        """With a sentence about what it is."""
        super().__init__(what)
        self.refused = refused


def read_document(content: bytes) -> Document:
    """The invoice or credit note of an XML file.

    Raises:
        Fault: if it is not well-formed, or dangerous.
        Stranger: if it is something else.
    """
    root = parse_xml(content)
    if root.tag.endswith("}StandardBusinessDocument"):
        # The envelope in which Peppol carries a document.
        root = next((child for child in root if child.tag in _READERS), root)
    reader = _READERS.get(root.tag)
    if reader is None:
        raise _stranger(root)
    return reader(root)


_READERS = {
    ubl.INVOICE: ubl.read_ubl,
    ubl.CREDIT_NOTE: ubl.read_ubl,
    cii.INVOICE: cii.read_cii,
    cii.ZUGFERD_1: cii.read_cii,
}

_INSTEAD = "have it sent as UBL or CII (XRechnung, Peppol BIS, Factur-X)"
_ROOTS = {
    "M_INVOIC": "an EDIFACT invoice in XML (ISO 20625)",
    "FatturaElettronica": "an Italian FatturaPA",
    "Facturae": "a Spanish Facturae",
    "Finvoice": "a Finnish Finvoice",
    "SelfBilledInvoice": "a UBL self-billed invoice",
    "SelfBilledCreditNote": "a UBL self-billed credit note",
    "FreightInvoice": "a UBL freight invoice",
    "INVOIC02": "an SAP IDoc",
    "cXML": "a cXML document",
}


def _stranger(root: Element) -> Stranger:
    tag = root.tag
    namespace, _, name = tag.rpartition("}")
    namespace, title = namespace.removeprefix("{"), shown(name)[1:-1]
    if "SCRDMCCBDACIOMessageStructure" in name:
        return Stranger("an Order-X order, not an invoice", refused=False)
    if name == "CrossIndustryInvoice" or name == "CrossIndustryDocument":
        return Stranger(f"a CII invoice of another version ({shown(namespace)}); {_INSTEAD}", refused=True)
    if name in _ROOTS:
        return Stranger(f"{_ROOTS[name]}, which is not read; {_INSTEAD}", refused=True)
    if tag.startswith(ubl.ANY):
        return Stranger(f"a UBL document of the kind {title}, not an invoice", refused=False)
    if _yellowbill(root, name, namespace):
        return Stranger(f"a Swiss yellowbill, which is not read; {_INSTEAD}", refused=True)
    if "ebinterface" in namespace.lower():
        return Stranger(f"an Austrian ebInterface invoice, which is not read; {_INSTEAD}", refused=True)
    if name in ("Invoice", "CreditNote"):
        return Stranger(f"an {title} in an unknown namespace ({shown(namespace)}); {_INSTEAD}", refused=True)
    if "iso:20022" in namespace and "camt" in namespace:
        return Stranger("a bank statement (camt): read it with `arrears bank`", refused=True)
    return Stranger(f"XML of an unknown kind (its root element is {title}); {_INSTEAD}", refused=True)


def _yellowbill(root: Element, name: str, namespace: str) -> bool:
    if "postfinance" in namespace.lower() or "yellowbill" in namespace.lower():
        return True
    return name == "Envelope" and root.find(".//{*}DeliveryInfo/{*}BillerID") is not None


EDIFACT = f"an EDIFACT message, which is not read; {_INSTEAD}"


def document_format(document: Document, in_pdf: bool) -> str:
    """The name of a format as reports have it, such as ubl-invoice, cii-credit-note, factur-x."""
    syntax = "factur-x" if in_pdf else document.syntax
    if document.credit:
        return f"{syntax}-credit-note"
    return syntax if in_pdf else f"{syntax}-invoice"
