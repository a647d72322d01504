"""How the worker and the mail sink are called, and what environment the parts of a stack live in.

How the server is called is in `gateway.stack.server`.
"""

import os
import sys
from pathlib import Path

import gateway
from gateway.stack.folder import DataFolder
from gateway.stack.ports import HOST
from gateway.stack.state import StackState
from models.settings import Settings

# -P: the folder that `up` was called in may hold a worker.py of somebody else's.
_PYTHON = (sys.executable, "-P", "-m")


def sink_call(folder: DataFolder, port: int) -> list[str]:
    """The command line of the mail sink."""
    return [*_PYTHON, "gateway.stack.sink", "--host", HOST, "--port", str(port), "--dir", str(folder.mail)]


def worker_call(folder: DataFolder) -> list[str]:
    """The command line of the engine's own worker."""
    return [*_PYTHON, "worker", "--data-dir", os.path.abspath(folder.path)]


def worker_environment(settings: Settings, state: StackState, folder: DataFolder) -> dict[str, str]:
    """What a worker has to know of its stack. Its mail goes to the sink, whatever the settings say."""
    environment = clean_environment() | {
        "TEMPORAL_ADDRESS": state.temporal_address,
        "TEMPORAL_NAMESPACE": settings.namespace,
        "ARREARS_DATA_DIR": os.path.abspath(folder.path),
        "ARREARS_SMTP_HOST": state.smtp_host,
        "ARREARS_SMTP_PORT": str(state.smtp_port),
        "ARREARS_TASK_QUEUE": settings.task_queue,
        "ARREARS_LOG_FORMAT": settings.log_format,
        "ARREARS_LOG_LEVEL": settings.log_level,
        "ARREARS_ALLOW_TIME_LAPSE": "1",
        "ARREARS_READY_FILE": str(folder.ready_file),
    }
    if settings.ledger_url is not None:
        environment["ARREARS_LEDGER_URL"] = settings.ledger_url
    return environment


def clean_environment() -> dict[str, str]:
    """Our environment without what would point a part of this stack at some other server."""
    foreign = ("TEMPORAL_", "ARREARS_SMTP_", "ARREARS_IMAP_", "ARREARS_PRINT_", "ARREARS_CHAT_", "ARREARS_LEDGER_URL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment["TEMPORAL_CONFIG_FILE"] = os.devnull
    # The packages lie where this one does, installed or not.
    home = str(Path(gateway.__file__).parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (home, environment.get("PYTHONPATH"))))
    return environment
