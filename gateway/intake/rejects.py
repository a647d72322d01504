"""The rejects file: refused rows in the format they came in, with reasons, to be mended and fed again."""

import csv
import json
import os
import re
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from gateway.errors import WrongUsage
from gateway.intake.columns import OWN_PREFIX
from gateway.intake.entries import Rejected
from gateway.intake.invoices import Layout
from models import ids

_OWN = tuple(f"{OWN_PREFIX}{name}" for name in ("line", "field", "reason"))
_RAW = f"{OWN_PREFIX}raw"
_ROUND = re.compile(r"(?P<stem>.+)\.rejects(?:-(?P<round>\d+))?")


def rejects_path(data_dir: str | Path, source: Path, layout: Layout, apart: bool = False) -> Path:
    """Where the refused rows of a file go: `<data_dir>/rejects/<name>.rejects.csv` (or .jsonl).

    With `apart`, a mark of its place follows upon the name: files of one name in two folders must not replace each
    other's. A rejects file that is fed again gets a successor (`….rejects-2.csv`), so that it is not overwritten.
    """
    match = _ROUND.fullmatch(source.stem)
    mark = f"-{ids.digest(os.path.abspath(source))[:6]}" if apart else ""
    name = f"{source.stem}{mark}.rejects"
    if match is not None:
        name = f"{match['stem']}.rejects-{int(match['round'] or 1) + 1}"
    return Path(data_dir) / "rejects" / f"{name}.{layout.format}"


class RejectsFile:
    """Collects refused rows; it appears under its name, whole, when the `with` block ends without an error.

    Without refused rows there is no file, and one that an earlier run left is removed. The columns it adds
    come first, so that rows with too many or too few cells stay as they are behind them.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        """Nothing is written before the first row."""
        self.path = path
        self.count = 0
        self._layout = layout
        self._file: TextIO | None = None
        self._part = ""
        self._writer: Any = None

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def add(self, rejected: Rejected) -> None:
        """Add a refused row.

        Raises:
            WrongUsage: if the file cannot be written.
        """
        try:
            if self._file is None:
                self._file = self._begun()
            self._write(rejected, self._file)
        except OSError as error:
            raise self._unwritable(error) from None
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Publish the file, or leave no trace of it if something went wrong."""
        try:
            if self._file is not None:
                self._file.close()
                if error is None:
                    os.replace(self._part, self.path)
                else:
                    os.unlink(self._part)
            elif error is None:
                self.path.unlink(missing_ok=True)
        except OSError as failure:
            if error is None:
                raise self._unwritable(failure) from None

    def _begun(self) -> TextIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        encoding = "utf-8-sig" if self._layout.mark else "utf-8"
        handle, self._part = tempfile.mkstemp(".part", f".{self.path.name}.", self.path.parent)
        file = open(handle, "w", encoding=encoding, errors="backslashreplace", newline="")
        if self._layout.format == "csv":
            self._writer = csv.writer(file, delimiter=self._layout.delimiter, lineterminator="\r\n")
            self._writer.writerow((*_OWN, *self._layout.header))
        return file

    def _write(self, rejected: Rejected, file: TextIO) -> None:
        own = (rejected.line, rejected.field, f"{rejected.value} {rejected.reason}".strip())
        original = rejected.original
        if self._layout.format == "csv":
            cells = original if isinstance(original, tuple) else (str(original),)
            self._writer.writerow((*own, *cells))
            return
        content = original if isinstance(original, dict) else {_RAW: str(original)}
        file.write(json.dumps({**dict(zip(_OWN, own, strict=True)), **content}, ensure_ascii=False) + "\n")

    def _unwritable(self, error: OSError) -> WrongUsage:
        return WrongUsage(f"the rejects file {self.path} cannot be written: {error.strerror or error}")
