"""Files that are there whole or not at all: a crash leaves the old one or the new one, never half of it."""

import os
import tempfile
from pathlib import Path


def write_whole(target: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file through a draft beside it, forced to the disk before it gets its name.

    Args:
        target: Its folder is made where it is missing.
        content: What it holds.
        mode: Who may read and write it.

    Raises:
        OSError: it cannot be written; what stood there before still does.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(".part", f".{target.name[:100]}.", target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, mode)
        os.replace(draft, target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
