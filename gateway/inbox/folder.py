"""The folder itself: which files have stood still, who has taken which, and where they go afterwards.

A file is taken by renaming it into a folder of the taker's own, so that no two takers get the same one. Whether a
taker still lives, its lock tells: the kernel lets go of it when the process ends, however it ends. What is in the files
is not known here.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from gateway.errors import WrongUsage

DONE, REFUSED, TAKING = "done", "refused", ".taking"
UNFINISHED = (".part", ".tmp", ".partial", ".filepart", ".crdownload")
"""How names end while a file is still on its way."""
_LOCK = ".lock"
_MOST_NAMES = 100_000


class Look(NamedTuple):
    """What tells whether a file has changed since it was last looked at."""

    inode: int
    size: int
    changed_ns: int


class Inbox:
    """The folder of a data folder, with `done/` and `refused/` in it."""

    def __init__(self, data_dir: str | Path) -> None:
        """Nothing is made before `prepare`."""
        self.path = Path(data_dir) / "inbox"

    def prepare(self) -> None:
        """Make the folders that are missing.

        Raises:
            WrongUsage: they cannot be made.
        """
        try:
            for place in (self.path, self.path / DONE, self.path / REFUSED):
                place.mkdir(parents=True, exist_ok=True)
            # Whoever may drop files must not reach those that are being read.
            (self.path / TAKING).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise WrongUsage(f"{self.path} cannot be used: {error.strerror or error}") from None

    def looks(self) -> dict[str, Look]:
        """The files that wait, by their names. Folders, links, names with a dot in front and unfinished ones do not."""
        found = {}
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.lower().endswith(UNFINISHED):
                    continue
                with suppress(FileNotFoundError):
                    told = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(told.st_mode):
                        found[entry.name] = Look(told.st_ino, told.st_size, told.st_mtime_ns)
        return dict(sorted(found.items()))

    @contextmanager
    def taker(self) -> Iterator["Taker"]:
        """A folder of one's own, locked while one lives; what is left in it at the end goes back."""
        taker = Taker(self, *self._own_folder())
        try:
            yield taker
        finally:
            taker.leave()

    def _own_folder(self) -> tuple[Path, int]:
        while True:
            name = f"{os.getpid()}-{uuid4().hex[:8]}"
            making = self.path / TAKING / f".{name}"
            making.mkdir()
            lock = os.open(making / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # It appears under its name when it is locked: nobody can take it for one that was left behind.
                own = making.rename(self.path / TAKING / name)
            except OSError:
                os.close(lock)
                continue
            return own, lock

    def recover(self) -> list[str]:
        """Put back what takers had who are gone; the names of those files."""
        back: list[str] = []
        for left in sorted((self.path / TAKING).iterdir()):
            try:
                lock = os.open(left / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
            except OSError:
                continue  # it has just been tidied away
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue  # its taker lives
            else:
                back += self._emptied(left)
            finally:
                os.close(lock)
        return back

    def _emptied(self, folder: Path) -> list[str]:
        """The files of a taker's folder put back under free names; the folder goes."""
        back = []
        with suppress(FileNotFoundError):
            for file in sorted(folder.iterdir()):
                if file.is_dir():
                    # What was refused is refused again when its file is taken again.
                    _swept(file)
                elif file.name != _LOCK:
                    back.append(moved(file, self.path).name)
            (folder / _LOCK).unlink(missing_ok=True)
            folder.rmdir()
        return back


class Taker:
    """Who takes files at the moment, in a folder of its own."""

    def __init__(self, inbox: Inbox, folder: Path, lock: int) -> None:
        """Over a folder that is locked."""
        self.inbox, self.folder, self._lock = inbox, folder, lock

    def take(self, name: str, look: Look) -> Path | None:
        """The file in the taker's own folder; None if another was faster, or it is not what was looked at."""
        there, here = self.inbox.path / name, self.folder / name
        try:
            there.rename(here)
        except OSError:
            return None
        if self.looks(here) != look:
            self.put_back(here)
            return None
        return here

    @staticmethod
    def looks(file: Path) -> Look | None:
        """How a file that was taken looks now; somebody may still have it open and write."""
        told = file.lstat()
        return Look(told.st_ino, told.st_size, told.st_mtime_ns) if stat.S_ISREG(told.st_mode) else None

    def put_back(self, file: Path) -> None:
        """It waits again."""
        moved(file, self.inbox.path)

    def leave(self) -> None:
        """Put back what is left, and go."""
        try:
            self.inbox._emptied(self.folder)
        finally:
            os.close(self._lock)


def free_name(folder: Path, name: str) -> str:
    """The name, or the first of name~2, name~3, … that nothing in the folder has."""
    plain = Path(name)
    for number in range(1, _MOST_NAMES):
        tried = name if number == 1 else f"{plain.stem}~{number}{plain.suffix}"
        if not os.path.lexists(folder / tried):
            return tried
    raise WrongUsage(f"{folder} has too many files named {name}: tidy it up")


def moved(file: Path, folder: Path, name: str | None = None) -> Path:
    """Move a file into a folder, under its name or the first free one; nothing there is overwritten."""
    while True:
        target = folder / free_name(folder, name or file.name)
        try:
            # Unlike a renaming, a link fails if the name was given away meanwhile.
            os.link(file, target, follow_symlinks=False)
        except FileExistsError:
            continue
        except OSError:
            file.rename(target)  # a file system without links
            return target
        file.unlink()
        return target


def _swept(folder: Path) -> None:
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            Path(place, name).unlink(missing_ok=True)
        for name in folders:
            Path(place, name).rmdir()
    folder.rmdir()
