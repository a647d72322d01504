"""Finding ports on this machine that nothing listens on."""

import socket
from collections.abc import Collection

from gateway.stack.errors import PortTaken, StackFailed
from models.base import Value

HOST = "127.0.0.1"
_SEARCHED = 500


class PortWishes(Value):
    """Ports that somebody asked for by number; None leaves the choice to the stack."""

    temporal: int | None = None
    ui: int | None = None
    smtp: int | None = None


class StackPorts(Value):
    """The ports a stack uses, all of them on the loopback interface."""

    temporal: int
    ui: int
    http: int
    metrics: int
    smtp: int


def choose_ports(wishes: PortWishes, avoid: Collection[int] = ()) -> StackPorts:
    """A free port for everything: the usual numbers where they are free, the next ones up where not.

    Args:
        wishes: Ports that must be exactly so.
        avoid: Ports that look free but turned out not to be.

    Raises:
        PortTaken: A port asked for by number is in use.
    """
    given = (wishes.temporal, wishes.ui, wishes.smtp)
    for port, option in zip(given, ("--port", "--ui-port", "the mail sink's port"), strict=True):
        if port is not None:
            _require(port, option)
    chosen: set[int] = set(avoid) | {port for port in given if port is not None}

    def choose(wish: int | None, usual: int) -> int:
        if wish is not None:
            return wish
        port = _first_free(usual, chosen)
        chosen.add(port)
        return port

    temporal = choose(wishes.temporal, 7233)
    return StackPorts(
        temporal=temporal,
        # Temporal's own habit: people look for the UI a thousand above the server.
        ui=choose(wishes.ui, temporal + 1000 if temporal + 1000 + _SEARCHED < 65536 else 8233),
        http=choose(None, 9233),
        metrics=choose(None, 10233),
        smtp=choose(wishes.smtp, 2525),
    )


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as probe:
        # As servers do it: else a port counts as taken for a minute after its last connection closed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    with socket.socket() as caller:
        # Some systems let a bind to one address pass beside a listener on all of them.
        caller.settimeout(0.2)
        return caller.connect_ex((HOST, port)) != 0


def _require(port: int, option: str) -> None:
    if not 1 <= port <= 65535:
        raise PortTaken(f"{option} {port}: there is no such port; choose one from 1 to 65535.")
    if not is_free(port):
        raise PortTaken(
            f"{option} {port}: this port is taken (or not permitted). Stop what uses it, choose another,"
            " or leave the option out to get a free one."
        )


def _first_free(start: int, chosen: Collection[int]) -> int:
    for port in range(start, start + _SEARCHED):
        if port not in chosen and is_free(port):
            return port
    raise StackFailed(f"No free port between {start} and {start + _SEARCHED}: something holds them all.")
