"""The single files behind what a person names: a file itself, those of a folder, the members of a zip archive.

Archives come from strangers: nothing is ever unpacked to a path of theirs, and what they hold is bounded.
"""

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import InputRefused, WrongUsage
from gateway.intake.opening import open_file
from gateway.intake.recognise import HEAD, Recognised, recognise
from models.faults import shown

MAX_MEMBERS = 10_000
MAX_UNPACKED = 1024**3
"""The most bytes an archive may hold, unpacked."""
MAX_MEMBER = 128 * 1024**2
MAX_RATIO = 200
"""How much larger a member may be than its packed form; XML hardly ever goes beyond 30."""
SMALL = 1024**2
"""Up to this size, a ratio is no danger."""
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, KeyError)


@dataclass(frozen=True, slots=True)
class Source:
    """A single file: its name as reports have it, what it is, and its bytes on demand."""

    name: str
    found: Recognised
    read: Callable[[int], bytes]
    """Reads the file, up to so many bytes and one more."""
    path: Path | None = None
    """Where it lies, if it is a file of its own."""
    named: bool = False
    """Whether a person named it; what lies beside it in a folder may be anything."""
    refused: str = ""
    """Why it is not opened."""


def sources(path: Path) -> Iterator[Source]:
    """The files behind `path`, in the order of their names.

    Raises:
        WrongUsage: if there is no such file or it cannot be read.
        InputRefused: if an archive that was named is broken, or exceeds the bounds.
    """
    if path.is_dir():
        yield from _of_folder(path)
    else:
        yield from _of_file(path, named=True)


def _of_folder(folder: Path) -> Iterator[Source]:
    """Every regular file below a folder. Links are not followed, and what begins with a dot is passed over."""
    for place, folders, files in os.walk(folder, onerror=_unlisted):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place) / name
            if name.startswith("."):
                continue
            if path.is_symlink() or not path.is_file():
                yield Source(str(path), Recognised("other", "a link or a device, not a regular file"), _nothing, path)
                continue
            try:
                yield from _of_file(path, named=False)
            except (WrongUsage, InputRefused) as error:
                yield Source(str(path), Recognised("zip"), _nothing, path, refused=_bare(str(error), str(path)))


def _unlisted(error: OSError) -> None:
    raise WrongUsage(f"{error.filename} cannot be read: {error.strerror or error}")


def _of_file(path: Path, named: bool) -> Iterator[Source]:
    with open_file(path) as file:
        found = recognise(file.read(HEAD))
    if found.kind != "zip":
        yield Source(str(path), found, _reader(path), path, named)
        return
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise InputRefused(f"{path}: a broken zip archive or workbook ({error})") from None
    with archive:
        members = archive.infolist()
        office = _office([member.filename for member in members[:MAX_MEMBERS]])
        _check_bounds(str(path), members)
        if office is not None:
            yield Source(str(path), office, _reader(path), path, named)
            return
        yield from _members(str(path), archive, members)


def _office(names: list[str]) -> Recognised | None:
    """What an archive is that is a file of an office program."""
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        if "xl/workbook.bin" in names:
            return Recognised("other", "a binary Excel workbook; save it as XLSX or CSV")
        return Recognised("xlsx")
    if "[Content_Types].xml" in names:
        return Recognised("other", "an office document, no workbook")
    if "mimetype" in names and "content.xml" in names:
        return Recognised("other", "an OpenDocument file; save a spreadsheet as XLSX or CSV")
    return None


def _check_bounds(name: str, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise InputRefused(f"{name}: the archive has {len(members):,} members; at most {MAX_MEMBERS:,} are read")
    total = sum(member.file_size for member in members)
    if total > MAX_UNPACKED:
        raise InputRefused(f"{name}: unpacked, the archive has {total:,} bytes; at most {MAX_UNPACKED:,} are read")
    for member in members:
        if member.file_size > SMALL and member.file_size > MAX_RATIO * max(1, member.compress_size):
            raise InputRefused(
                f"{name}: {shown(member.filename)} is packed to less than a {MAX_RATIO}th of its size, as a zip bomb is"
            )


def _members(name: str, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> Iterator[Source]:
    for member in sorted(members, key=lambda m: m.filename):
        why = _suspicious(member)
        if not why and (member.is_dir() or _beside_the_point(member.filename)):
            continue
        label = f"{name}/{member.filename if member.filename.isprintable() else shown(member.filename)[1:-1]}"
        if why:
            yield Source(label, Recognised("other"), _nothing, refused=why)
            continue
        read = _member_reader(archive, member)
        try:
            content = read(MAX_MEMBER)
        except _BROKEN as error:
            yield Source(
                label, Recognised("other"), _nothing, refused=f"the member of the archive is damaged ({error})"
            )
            continue
        found = recognise(content[:HEAD])
        if found.kind == "zip":
            found = _packed_office(content) or Recognised("zip")
        refused = "an archive within an archive is not opened; unpack it first" if found.kind == "zip" else ""
        yield Source(label, found, lambda limit, content=content: content[: limit + 1], refused=refused)  # type: ignore[misc]


def _packed_office(content: bytes) -> Recognised | None:

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as inner:
            _check_bounds("", inner.infolist())
            return _office(inner.namelist())
    except (InputRefused, *_BROKEN):
        return None


def _beside_the_point(name: str) -> bool:
    """What macOS and Windows put into archives by themselves."""
    parts = name.split("/")
    return parts[0] == "__MACOSX" or parts[-1].startswith(".") or parts[-1].lower() in ("thumbs.db", "desktop.ini")


def _suspicious(member: zipfile.ZipInfo) -> str:
    name = member.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or (len(name) > 1 and name[1] == ":"):
        return "its name in the archive leads out of it; such members are not opened"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link in the archive is not followed"
    if member.flag_bits & 0x1:
        return "it is encrypted; unpack it first"
    if member.file_size > MAX_MEMBER:
        return f"unpacked it has {member.file_size:,} bytes; at most {MAX_MEMBER:,} are read"
    return ""


def _member_reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        with archive.open(member) as file:
            return file.read(limit + 1)

    return read


def _reader(path: Path) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        with open_file(path) as file:
            return file.read(limit + 1)

    return read


def _nothing(limit: int) -> bytes:
    return b""


def _bare(message: str, name: str) -> str:
    return message.removeprefix(f"{name}: ")
