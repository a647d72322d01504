"""Takes the worker's place in tests of the stack: reports ready as it does, and writes down its end."""

import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType


def server_answers() -> bool:
    host, _, port = os.environ["TEMPORAL_ADDRESS"].partition(":")
    with socket.socket() as caller:
        return caller.connect_ex((host, int(port))) == 0


def stop(number: int, frame: FrameType | None) -> None:
    print(f"signal {number}, server answers: {server_answers()}", flush=True)
    if "--stubborn" not in sys.argv:
        sys.exit(0)


signal.signal(signal.SIGTERM, stop)
if "--broken" in sys.argv:
    sys.exit("the worker: no such module")
Path(os.environ["ARREARS_READY_FILE"]).write_text(str(os.getpid()))
if "--short-lived" in sys.argv:
    time.sleep(0.5)  # it has been seen ready by then
    sys.exit("the worker: cannot go on")
while True:
    signal.pause()
