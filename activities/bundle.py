"""A folder of documents as one zip file that always comes out the same, with a list of what is in it.

File names, CSV cells and time stamps are made safe here; what the documents say is in dossier.py and
claim_file.py.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from activities.mime import one_line
from models import ids

_FORMULA = tuple("=+-@\t\r＝＋－＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_MAX_NAME_BYTES = 80


def safe_name(text: str) -> str:
    """Text from outside as a part of a file name: letters of any script, digits and `._-`.

    Two texts never share a name: one that had to be changed carries a piece of its digest.
    """
    name = re.sub(r"[^\w.-]+", "_", text).strip("._-")
    while len(name.encode()) > _MAX_NAME_BYTES:
        name = name[:-1]
    return name if name == text else f"{name or 'x'}-{ids.digest(text)[:8]}"


def notice_suffix(channel: str, content: bytes) -> str:
    """How the file of a notice is to end, so that it opens: a mail, a letter that was printed, or a message."""
    if channel == "email":
        return "eml"
    return "pdf" if content.startswith(b"%PDF") else "txt"


def csv_file(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file for a spreadsheet: UTF-8 with a mark, and no cell that would be taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str:
    text = "" if value is None else one_line(str(value))
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text


def bundle(folder: str, title: str, files: Mapping[str, bytes], about: Mapping[str, str], at: datetime) -> bytes:
    """The zip: the files, a README that lists them, and their SHA-256 sums in the form `sha256sum -c` reads.

    Args:
        folder: The one folder inside, a safe name.
        title: The first line of the README.
        files: Names (with `/` for folders) and contents.
        about: What each file is; files of a folder may share the entry `folder/`.
        at: The instant that all entries carry.
    """
    names = sorted(files)
    sums = {name: ids.digest(files[name]) for name in names}
    lines = [title, f"Made on {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.", "", "Contents", ""]
    for name in names:
        what = about.get(name) or about.get(name.partition("/")[0] + "/", "")
        lines += [
            f"{name}" + (f": {what}" if what else ""),
            f"    {len(files[name])} bytes, SHA-256 {sums[name]}",
        ]
    lines += ["", "CSV files are UTF-8; a cell that a spreadsheet would take for a formula begins with '."]
    manifest = "".join(f"{sums[name]}  {name}\n" for name in names)
    packed = {**files, "README.txt": _text(lines), "SHA256SUMS": manifest.encode()}
    return zipped(folder, packed, at)


def zipped(folder: str, files: Mapping[str, bytes], at: datetime) -> bytes:
    """The files in one folder of a zip, in the order of their names: the same arguments give the same bytes."""
    # Zip knows the years 1980 to 2107 only.
    stamp = (min(max(at.astimezone(UTC).year, 1980), 2107), *at.astimezone(UTC).timetuple()[1:6])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{name}", stamp)
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o644 << 16,
            )
            archive.writestr(entry, files[name])
    return out.getvalue()


def _text(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def text_file(*lines: str) -> bytes:
    """A plain text document."""
    return _text(lines)
