"""The ways a request can end badly, each with the exit status the command line gives it.

Texts are for people: what was wrong, where, and what to do.
"""


class GatewayError(Exception):
    """Base of the errors that are shown as one message, never as a traceback."""

    status = 1


class InputRefused(GatewayError):
    """The input was read and refused (exit status 1)."""

    status = 1


class WrongUsage(GatewayError):
    """The command was called wrongly: a missing file, an unknown option value (exit status 2)."""

    status = 2


class Unreachable(GatewayError):
    """The server or the ledger does not answer (exit status 3)."""

    status = 3
