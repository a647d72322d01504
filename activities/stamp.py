"""The stamp that demands bear beside the law firm's contact: a picture from the creditor's folder (R25)."""

import base64
from functools import lru_cache
from pathlib import Path

from activities.refusals import CannotCompose
from models.parties import Creditor

MAX_BYTES = 1024 * 1024
_KINDS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def stamp_of(creditor: Creditor) -> str | None:
    """The stamp as an SVG image; None if the creditor's file names none.

    Raises:
        CannotCompose: The file it names is not there, not a picture, or too large.
    """
    if creditor.stamp is None:
        return None
    where = f"the stamp {creditor.stamp!r} of creditor {creditor.code}"
    if creditor.files is None:
        raise CannotCompose(f"{where} cannot be found: put it into the folder beside the creditor's file")
    folder = Path(creditor.files).resolve()
    file = (folder / creditor.stamp).resolve()
    if folder not in file.parents:
        raise CannotCompose(f"{where} lies outside {folder}: put it in there, and name it by that")
    try:
        stat = file.stat()
        if stat.st_size > MAX_BYTES:
            raise CannotCompose(f"{where} is larger than {MAX_BYTES // 1024} KB: make {file} smaller")
        return _as_svg(file, stat.st_mtime_ns)
    except OSError as error:
        raise CannotCompose(f"{where} cannot be read ({error.strerror}): put the picture at {file}") from None
    except ValueError:
        raise CannotCompose(f"{where} is neither PNG nor JPEG: convert {file}") from None


@lru_cache(maxsize=32)
def _as_svg(file: Path, changed: int) -> str:
    content = file.read_bytes()
    kind = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if kind is None:
        raise ValueError("not a picture")
    picture = base64.b64encode(content).decode("ascii")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="100" height="100">'
        f'<image width="100" height="100" href="data:{kind};base64,{picture}"/></svg>'
    )
