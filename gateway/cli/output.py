"""How the command line speaks: JSON or text on stdout, progress and errors on stderr, exit statuses."""

import functools
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn, ParamSpec, TextIO, TypeVar

import typer
from rich.console import Console

from gateway.errors import GatewayError, WrongUsage

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with stable field names.")]
DataDir = Annotated[
    str | None,
    typer.Option("--data-dir", envvar="ARREARS_DATA_DIR", help="Folder that holds everything (default: var)."),
]

P = ParamSpec("P")
R = TypeVar("R")


def emit(value: Any) -> None:
    """Print a value as one JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def say(text: str) -> None:
    """Print a line as it is: no markup, no wrapping, so that names from invoices cannot draw on the terminal."""
    sys.stdout.write(harmless(text) + "\n")


@contextmanager
def appearing(option: str, path: Path, newline: str | None = None) -> Iterator[TextIO]:
    """The file that an option names; it appears under its name when all of it is written.

    Raises:
        WrongUsage: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.is_dir():
            raise WrongUsage(f"{option} {path} is a directory; name a file")
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline=newline) as file:
            yield file
        os.replace(part, path)
    except OSError as error:
        raise WrongUsage(f"{option} {path} cannot be written: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def harmless(text: str) -> str:
    """Text of unknown origin with its control characters spelled out; line ends and tabs stay."""
    return text if text.isprintable() else _DRAWING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# Control characters, what turns the direction of writing round, and halves of characters, which cannot be written.
_DRAWING = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def fail(error: GatewayError) -> NoReturn:
    """Print the error and leave with its status."""
    sys.stderr.write(f"arrears: {harmless(str(error))}\n")
    raise typer.Exit(error.status)


def reporting(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the gateway's errors into a message and an exit status."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except GatewayError as error:
            fail(error)

    return run


def leave(commands: Callable[[], object]) -> NoReturn:
    """Run the command line and end the process with its status, without winding the interpreter up.

    A thread of Temporal's client may still be busy with a call that was given up. Should it come back while the
    interpreter winds up, the process would abort, with another status than the one that was meant.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name must not fail for want of a letter
    status: object = 0
    try:
        commands()
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status if isinstance(status, int) else status is not None)
