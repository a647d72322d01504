"""What can go wrong with the embedded stack; each text says what was wrong and what to do."""

from gateway.errors import GatewayError, Unreachable


class StackError(GatewayError):
    """The stack cannot do what was asked (exit status 1)."""


class AlreadyRunning(StackError):
    """Another `up` holds this data folder."""


class PortTaken(StackError):
    """A port that was asked for by number is in use."""


class FolderNotOurs(StackError):
    """The data folder holds things that are not the stack's, so nothing in it is wiped."""


class StackFailed(StackError):
    """A part of the stack did not start, or would not stay up."""


class StackUnreachable(Unreachable):
    """No stack answers, and nothing else was named to talk to (exit status 3)."""
