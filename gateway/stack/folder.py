"""The data folder of a stack: what lies where, who holds it, and what may be wiped.

Nothing here starts or stops anything.
"""

import fcntl
import os
import shutil
from pathlib import Path
from typing import BinaryIO

from gateway.stack.errors import AlreadyRunning, FolderNotOurs, StackFailed
from gateway.stack.state import STATE_FILE, read_state

_MARKER = ".arrears"
_LOCK = ".stack.lock"
# State of earlier runs. What people wrote (creditors, policies, profiles) and measured is not.
_DATABASES = ("temporal.db", "ledger.db")
_DATABASE_PARTS = ("", "-wal", "-shm", "-journal")
_STATE_FILES = (*(db + part for db in _DATABASES for part in _DATABASE_PARTS), STATE_FILE, "worker.ready")
_STATE_FOLDERS = ("mail", "logs", "rejects", "archive", "evidence", "exports", "demo")
_KEPT = ("creditors", "policies", "profiles", "bench", "bench.json")
_LOG_LIMIT_BYTES = 16 * 2**20


class DataFolder:
    """The folder a stack keeps everything in."""

    def __init__(self, path: Path | str) -> None:
        """Names the folder; it need not exist yet."""
        self.path = Path(path)
        self.shown = str(path)
        self.temporal_db = self._absolute("temporal.db")
        self.mail = self._absolute("mail")
        self.logs = self._absolute("logs")
        self.ready_file = self._absolute("worker.ready")
        self._held: BinaryIO | None = None

    def claim(self, *, fresh: bool = False) -> None:
        """Makes the folder where needed and holds it until `release` or until this process is gone.

        Args:
            fresh: The caller means to wipe it; refused, before anything is touched, where it is not ours.

        Raises:
            AlreadyRunning: Another process holds it.
            FolderNotOurs: It is to be wiped, and holds what no stack has put there.
            StackFailed: It cannot be made or written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            strangers = self._strangers()
            if fresh and strangers:
                raise FolderNotOurs(self._not_ours(strangers))
            self._hold()
            if not strangers:
                (self.path / _MARKER).touch()
            self._make_folders()
        except OSError as error:
            self.release()
            raise StackFailed(
                f"The data folder {self.shown} cannot be used ({error.strerror or error})."
                " Make it a folder that can be written to, or name another with --data-dir."
            ) from None

    def release(self) -> None:
        """Lets go of the folder. The lock file stays: without it, two processes could hold one each."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def wipe(self) -> None:
        """Removes the state of earlier runs, and nothing else. The folder must be claimed."""
        for name in _STATE_FILES:
            (self.path / name).unlink(missing_ok=True)
        for name in _STATE_FOLDERS:
            folder = self.path / name
            if folder.is_symlink():
                folder.unlink()
            elif folder.exists():
                shutil.rmtree(folder)
        self._make_folders()

    def forget_state(self) -> None:
        """Removes the notes that say a stack runs here."""
        (self.path / STATE_FILE).unlink(missing_ok=True)
        self.ready_file.unlink(missing_ok=True)

    def ready_process(self) -> int | None:
        """The number of the worker process that says it is ready; None while none does."""
        try:
            return int(self.ready_file.read_text())
        except (OSError, ValueError):
            return None

    def log(self, name: str) -> Path:
        """The log file of one part. One that has grown large makes room first; its past is kept beside."""
        file = self.logs / f"{name}.log"
        if file.exists() and file.stat().st_size > _LOG_LIMIT_BYTES:
            os.replace(file, file.with_suffix(".log.1"))
        return file

    def _hold(self) -> None:
        # Stays open, and no child inherits it: the lock goes when this process does, however it ends.
        held = (self.path / _LOCK).open("ab")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            raise AlreadyRunning(self._occupied()) from None
        self._held = held

    def _make_folders(self) -> None:
        self.mail.mkdir(exist_ok=True)
        self.logs.mkdir(exist_ok=True)

    def _absolute(self, name: str) -> Path:
        # Children may run elsewhere.
        return Path(os.path.abspath(self.path / name))

    def _strangers(self) -> list[str]:
        """What no stack has put there; nothing once a stack has found the folder clean."""
        if (self.path / _MARKER).exists():
            return []
        names = {entry.name for entry in self.path.iterdir() if not entry.name.startswith(".")}
        strangers = names - {*_STATE_FILES, *_STATE_FOLDERS, *_KEPT}
        if not strangers and not names & set(_STATE_FILES):
            # A folder `mail` or `exports` alone is no sign of ours.
            strangers = names & set(_STATE_FOLDERS)
        return sorted(strangers)

    def _not_ours(self, strangers: list[str]) -> str:
        some = ", ".join(strangers[:3]) + (", …" if len(strangers) > 3 else "")
        return (
            f"{self.shown} holds what no stack has put there ({some}), so --fresh wipes nothing in it."
            " Remove by hand what is not needed, or give the stack a folder of its own with --data-dir."
        )

    def _occupied(self) -> str:
        state = read_state(self.path)
        where = f" (process {state.supervisor.pid}, {state.ui_url or 'starting'})" if state else ""
        return (
            f"A stack already runs in {self.shown}{where}."
            " Use that one, stop it first, or start another in a folder of its own with --data-dir."
        )
