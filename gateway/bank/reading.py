"""From a path to statements: each file recognised by its content, read, numbered, and checked whole."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.bank import checks, xml
from gateway.bank.camt import NotCamt, read_camt
from gateway.bank.csv_head import Head, find_head
from gateway.bank.csv_profiles import BankProfile
from gateway.bank.csv_statement import read_csv
from gateway.bank.identity import numbered
from gateway.bank.mt940 import read_mt
from gateway.bank.mt_lines import looks_like_mt
from gateway.bank.sources import Source, sources
from gateway.bank.statement import BankFile, Refused, Reject, Statement

_MT_ENCODINGS = ("utf-8", "cp1252", "iso-8859-1")
_SHORT = {b"%PDF": "a PDF", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"\x1f\x8b": "packed with gzip"}


def read_statements(path: Path, profile: BankProfile | None, known: Sequence[BankProfile] = ()) -> Iterator[BankFile]:
    """The bank files at a path, one after the other; each was read whole, and refused whole if it does not add up.

    Args:
        path: A file, a folder or a zip archive.
        profile: What the columns of CSV mean; None to find it out among those known.
        known: The profiles to choose from.

    Raises:
        WrongUsage: if there is no such file, or it may not be read.
    """
    for source in sources(path):
        yield read_file(source, profile, known)


def read_file(source: Source, profile: BankProfile | None = None, known: Sequence[BankProfile] = ()) -> BankFile:
    """A bank file from its content; with rejects if it was refused."""
    if source.refused is not None:
        return BankFile(source.name, "unknown", rejects=(source.refused,))
    kind = recognised(source.data)
    try:
        statements = _statements(kind, source, profile, known)
        form = statements[0].format
    except Refused as error:
        return BankFile(source.name, error.form or kind, rejects=error.rejects)
    faults = checks.faults(statements)
    if faults:
        return BankFile(source.name, form, rejects=tuple(faults))
    notes = dict.fromkeys(note for s in statements for note in s.notes)
    notes.update(dict.fromkeys(checks.missing_numbers(statements)))
    return BankFile(source.name, form, statements=tuple(numbered(statements)), notes=tuple(notes))


def recognised(data: bytes) -> str:
    """What a file looks like from its beginning: `xml`, `mt940`, `csv`, or `unknown`."""
    if xml.is_xml(data):
        return "xml"
    if data.startswith(tuple(_SHORT)) or not data.strip():
        return "unknown"
    return "mt940" if looks_like_mt(data[:8000].decode("latin-1")) else "csv"


def _statements(
    kind: str, source: Source, profile: BankProfile | None, known: Sequence[BankProfile]
) -> list[Statement]:
    data = source.data
    match kind:
        case "xml":
            try:
                return read_camt(data, source.name)
            except NotCamt as error:
                reason = f"an XML file, but not camt.052, 053 or 054: its root is {error.root or 'missing'}"
                raise Refused(Reject("", "", reason, 1)) from None
        case "mt940":
            return _mt(data, source.name)
        case "csv":
            return _csv(data, source.name, profile, known)
        case _:
            what = next((text for mark, text in _SHORT.items() if data.startswith(mark)), "an empty file")
            raise Refused(Reject("", "", f"{what}, not a bank statement (camt, MT940 or CSV)", 1))


def _mt(data: bytes, name: str) -> list[Statement]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(Reject("encoding", "UTF-16", "MT940 is plain text: save it as UTF-8", 1))
    for encoding in _MT_ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        found = read_mt(text, name)
        if encoding != "utf-8":
            first = found[0]
            note = f"not written in UTF-8: read as {encoding}; accented letters may be wrong"
            found[0] = replace(first, notes=(note, *first.notes))
        return found
    raise AssertionError("every byte is a letter of ISO 8859-1")


def _csv(data: bytes, name: str, profile: BankProfile | None, known: Sequence[BankProfile]) -> list[Statement]:
    heads = [head for each in ([profile] if profile else known) if (head := find_head(data, each)) is not None]
    if not heads:
        raise Refused(Reject("", "", _unknown(profile), 1), form="" if profile else "unknown")
    best = max(_fit(head) for head in heads)
    chosen = [head for head in heads if _fit(head) == best]
    if len(chosen) > 1:
        names = ", ".join(head.profile.id for head in chosen)
        raise Refused(Reject("header", "", f"several profiles fit ({names}): name one with --profile", chosen[0].line))
    found = read_csv(chosen[0], name)
    note = f"read with the bank profile {chosen[0].profile.id}"
    return [replace(found[0], notes=(note, *found[0].notes)), *found[1:]]


def _fit(head: Head) -> tuple[int, int]:
    """How well a profile fits: the columns it understands, and how much of the file is below its header."""
    return len(head.places), -head.line


def _unknown(profile: BankProfile | None) -> str:
    if profile is not None:
        return f"none of the first lines is a header that the bank profile {profile.id!r} understands"
    return (
        "not recognised as a bank statement: neither camt.052, 053 or 054 nor MT940 nor CSV with a header that a "
        "bank profile understands (write a profile and name it with --profile)"
    )
