"""Runs a command so that it ends when the process that asked for it does, however that one ends.

    python -I -S leash.py PARENT_PID (shared|own) COMMAND...

Stands alone, with nothing of ours imported: it costs every child its start-up time. Where the system has no
such leash (only Linux has this one) the command runs without, and the next `up` clears what is left.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ties this process to its parent and becomes the command."""
    parent, group, *command = sys.argv[1:]
    # Ctrl-C and the terminal's end reach all parts at once, but they are stopped in order, by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if group == "own":
        os.setpgid(0, 0)
    if sys.platform == "linux":
        import ctypes

        # Mind that "parent" means the thread that made us: it has to outlive us too.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != int(parent):  # it died before the leash was on
            sys.exit(1)
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
