"""A mail server that delivers nothing: it files what it is given and says so only once that is done.

    python -m gateway.stack.sink --port 2525 --dir var/mail

It runs as a process of its own. What the folder looks like is in `gateway.stack.mailbox`.
"""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.stack.mailbox import Mailbox

_SIZE_LIMIT_BYTES = 25 * 2**20
# The library hangs up after twenty mails on one connection; a worker keeps one open for thousands.
_COMMANDS_PER_CONNECTION = 10**9

_log = logging.getLogger("arrears.sink")


class _Filing:
    """What the SMTP library calls for each mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        try:
            # Done right here: a write to the page cache is quicker than handing it to a thread.
            filed = self._mailbox.file(
                envelope.mail_from or "",
                envelope.rcpt_tos,
                content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"),
            )
        except OSError as error:
            _log.error("a mail could not be filed: %s", error)
            return "451 4.3.0 could not be filed, try again later"
        return f"250 2.0.0 filed as {filed.name}"


async def serve(host: str, port: int, folder: Path) -> asyncio.Server:
    """Starts to listen; mails are filed in `folder` from then on.

    Raises:
        OSError: The port is taken.
    """
    handler = _Filing(Mailbox(folder))
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: SMTP(
            handler,
            data_size_limit=_SIZE_LIMIT_BYTES,
            enable_SMTPUTF8=True,
            hostname="localhost",  # else every connection asks the resolver
            ident="Arrears mail sink",
            command_call_limit=_COMMANDS_PER_CONNECTION,
            loop=loop,
        ),
        host,
        port,
        backlog=512,
    )


async def _run(host: str, port: int, folder: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await serve(host, port, folder)
    await stop.wait()
    # Filing is never cut off half-way, so there is nothing to wait for; what was not answered comes again.
    server.close()


def main() -> None:
    """The process: listens until SIGTERM."""
    parser = argparse.ArgumentParser(prog="sink", description="files every mail it is given")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(_run(arguments.host, arguments.port, arguments.dir))
    except OSError as error:
        sys.exit(f"cannot listen on {arguments.host}:{arguments.port}: {error.strerror or error}")


if __name__ == "__main__":
    main()
