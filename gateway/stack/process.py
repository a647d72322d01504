"""Knowing a process again: its number alone says nothing, since numbers are given out anew.

Nothing here starts a process; that is `gateway.stack.child`.
"""

import time
from pathlib import Path

import psutil

from models.base import Value

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SAME_START_S = 0.5
_POLL_S = 0.02


class ProcessMark(Value):
    """A process as it can be recognised later, by another process, even after the machine was restarted."""

    pid: int
    started_s: float
    """When it was created, in seconds since boot: the wall clock may be set meanwhile, this does not move."""
    boot: str

    @classmethod
    def of(cls, pid: int) -> "ProcessMark | None":
        """The mark of a running process; None when there is none of that number."""
        started_s = _started_s(pid)
        return None if started_s is None else cls(pid=pid, started_s=started_s, boot=_boot())

    def alive(self) -> bool:
        """Whether this very process still runs. A stranger under the same number does not count."""
        if self.boot != _boot():
            return False
        started_s = _started_s(self.pid)
        return started_s is not None and abs(started_s - self.started_s) < _SAME_START_S

    def end(self, grace_s: float) -> bool:
        """Stops the process if it still runs: politely first, by force after `grace_s`.

        Returns:
            Whether there was anything to stop.
        """
        if not self.alive():
            return False
        for stop, patience_s in ((psutil.Process.terminate, grace_s), (psutil.Process.kill, 5.0)):
            try:
                stop(psutil.Process(self.pid))
            except psutil.NoSuchProcess:
                return True
            deadline = time.monotonic() + patience_s
            while self.alive() and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            if not self.alive():
                break
        return True


def _started_s(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        # Where nobody collects orphans (many containers) a dead one stays listed as a zombie for ever.
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round(process.create_time() - psutil.boot_time(), 2)
    except psutil.NoSuchProcess:
        return None


def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
