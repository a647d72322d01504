"""From the paths of the command line to files in memory: files, folders and zip archives, all bounded.

Nothing is unpacked to disk, and no name in an archive leads anywhere.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from gateway.bank.statement import Refused, Reject
from gateway.errors import WrongUsage
from gateway.intake.opening import open_file

MAX_FILE = 256 * 1024 * 1024
MAX_MEMBERS = 10_000
MAX_UNPACKED = 512 * 1024 * 1024
MAX_RATIO = 200
_RATIO_FROM = 1024 * 1024
"""Small members may be packed as well as they like: a statement without entries is mostly blanks."""

_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_PASSED_OVER = ("__MACOSX",)


class Source(NamedTuple):
    """A file: its name for people, and its content or the reason why it is refused."""

    name: str
    data: bytes
    refused: Reject | None = None


def sources(path: Path) -> Iterator[Source]:
    """The files at a path: the file itself, those of a folder and below, or those in a zip archive.

    Raises:
        WrongUsage: if there is no such file, or it may not be read.
    """
    if not path.is_dir():
        yield from _file(path)
        return
    found = sorted(p for p in path.rglob("*") if not any(part.startswith(".") for part in p.relative_to(path).parts))
    files = [file for file in found if file.is_file() and not file.is_symlink()]
    if len(files) > MAX_MEMBERS:
        raise WrongUsage(f"{path} has more than {MAX_MEMBERS:,} files: name a smaller folder")
    for file in files:
        yield from _file(file)


def _file(path: Path) -> Iterator[Source]:
    try:
        with open_file(path) as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_FILE:
        yield Source(str(path), b"", Reject("", "", f"larger than {MAX_FILE >> 20} MiB", 1))
    elif data.startswith((_ZIP, _EMPTY_ZIP)):
        yield from _archive(str(path), data)
    else:
        yield Source(str(path), data)


def _archive(name: str, data: bytes) -> Iterator[Source]:
    try:
        members = list(_members(data))
    except Refused as error:
        yield Source(name, b"", error.rejects[0])
        return
    if not members:
        yield Source(name, b"", Reject("", "", "the archive is empty", 1))
    for member, content in members:
        yield Source(f"{name}/{member}", content)


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in an archive; all of them are looked at before one is used."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_MEMBERS:
                raise Refused(Reject("", "", f"the archive has more than {MAX_MEMBERS:,} files", 1))
            names = [entry.filename for entry in entries]
            if "[Content_Types].xml" in names:
                raise Refused(Reject("", "", "an Excel workbook: export it as CSV, or ask the bank for camt.053", 1))
            left = MAX_UNPACKED
            for entry in entries:
                path = _safe(entry.filename)
                if any(part.startswith(".") or part in _PASSED_OVER for part in path.parts):
                    continue
                content = _unpacked(archive, entry, min(left, MAX_FILE))
                left -= len(content)
                yield str(path), content
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = f"the archive cannot be unpacked: {error}"
        raise Refused(Reject("", "", reason, 1)) from None


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not name.isprintable():
        raise Refused(Reject("name", name[:200], "the archive has a file whose name leads out of it", 1))
    return path


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    if entry.flag_bits & 0x1:
        raise Refused(Reject("name", entry.filename, "the archive is encrypted: unpack it first", 1))
    # What the archive says about sizes may be a lie: what counts is what comes out.
    most = min(limit, max(_RATIO_FROM, entry.compress_size * MAX_RATIO))
    with archive.open(entry) as member:
        content = member.read(most + 1)
    if len(content) > most:
        reason = f"unpacks to more than {most:,} bytes ({entry.compress_size:,} packed): refused as a zip bomb"
        raise Refused(Reject("name", entry.filename, reason, 1))
    return content
