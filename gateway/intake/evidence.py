"""The originals, kept as they came: each under the hash of its bytes, below `documents/` of the data folder."""

from pathlib import Path

from activities.whole_file import write_whole
from gateway.errors import WrongUsage
from models.ids import digest


def archive_original(content: bytes, suffix: str, data_dir: str | Path) -> Path:
    """Keep a document's bytes; the same bytes are kept once.

    Args:
        content: The file as it came.
        suffix: What its kind calls for: xml, pdf.
        data_dir: The data folder.

    Raises:
        WrongUsage: if it cannot be written.
    """
    path = original_path(digest(content), suffix, data_dir)
    if path.exists():
        return path
    try:
        write_whole(path, content, mode=0o444)
    except OSError as error:
        raise WrongUsage(f"the original cannot be kept as {path}: {error.strerror or error}") from None
    return path


def original_path(sha256: str, suffix: str, data_dir: str | Path) -> Path:
    """Where the original with this hash lies: `<data_dir>/documents/ab/ab….xml`."""
    return Path(data_dir) / "documents" / sha256[:2] / f"{sha256}.{suffix}"
