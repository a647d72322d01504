"""From a path to a file that can be read as text: what it is, and how it is encoded."""

import codecs
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, BinaryIO, NamedTuple

from pydantic import AfterValidator

from gateway.errors import InputRefused, WrongUsage

_CHUNK = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_ARCHIVE = b"PK\x03\x04"
_LEGACY = ("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "cp850", "cp1250", "cp1251", "cp1254", "gb18030", "big5")
_HOW_TO_MEND = "save it as UTF-8 (or UTF-16 with a byte order mark) and try again"


def _encoding_name(name: str) -> str:
    if name not in _LEGACY:
        raise ValueError(f"{name!r} is not one of {', '.join(_LEGACY)}")
    return name


EncodingName = Annotated[str, AfterValidator(_encoding_name)]
"""An encoding that a profile may name."""


class Encoding(NamedTuple):
    """How a file encodes its text, and the length of the byte order mark before it."""

    name: str
    mark: int


def open_file(path: Path) -> BinaryIO:
    """The file, open for reading bytes.

    Raises:
        WrongUsage: if there is no such file, it is not a regular one, or it may not be read.
    """
    try:
        if path.is_dir():
            raise WrongUsage(f"{path} is a directory; name a file")
        if path.exists() and not path.is_file():
            raise WrongUsage(f"{path} is not a regular file; save its content to one first")
        return path.open("rb")
    except FileNotFoundError:
        raise WrongUsage(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise WrongUsage(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def detect_encoding(file: BinaryIO, name: str, others: Sequence[str] = ()) -> Encoding:
    """The encoding of the whole file, each byte checked; the file is left at its beginning.

    The check comes before the first row is taken, so that a file in a wrong encoding starts nothing.

    Args:
        file: Open for reading bytes.
        name: Its name, for messages.
        others: Encodings to try in this order, where it is not UTF-8.

    Raises:
        InputRefused: naming the first byte that does not fit UTF-8, its position (from 0) and its line.
    """
    head = file.read(4096)
    marked = (Encoding(codec, len(mark)) for mark, codec in _BOMS if head.startswith(mark))
    encoding = next(marked, Encoding("utf-8", 0))
    if head.startswith(_ARCHIVE):
        raise InputRefused(f"{name}: byte position 0 begins an archive or an Excel workbook; export it as CSV")
    if encoding.mark == 0 and head.count(0) * 4 > len(head):
        raise InputRefused(
            f"{name}: full of NUL bytes from byte position {head.find(0)} on "
            f"(UTF-16 without a byte order mark, or no text at all): {_HOW_TO_MEND}"
        )
    refusal: InputRefused | None = None
    for candidate in (encoding, *(Encoding(other, 0) for other in others if not encoding.mark)):
        try:
            _check(file, name, candidate)
        except InputRefused as error:
            refusal = refusal or error
        else:
            file.seek(candidate.mark)
            return candidate
    assert refusal is not None
    raise refusal


def _check(file: BinaryIO, name: str, encoding: Encoding) -> None:
    decoder = codecs.getincrementaldecoder(encoding.name)()
    position, lines = encoding.mark, 1
    file.seek(position)
    while True:
        chunk = file.read(_CHUNK)
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(chunk, not chunk)
        except UnicodeDecodeError as error:
            at = position - pending + error.start
            line = lines + chunk[: max(0, error.start - pending)].count(b"\n")
            raise InputRefused(
                f"{name}: byte 0x{error.object[error.start]:02X} at byte position {at} (line {line}) "
                f"is not {encoding.name.upper()} ({error.reason}): {_HOW_TO_MEND}"
            ) from None
        if not chunk:
            break
        position += len(chunk)
        lines += chunk.count(b"\n")
