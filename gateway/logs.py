"""Logging: structlog for ourselves and for the libraries, JSON lines or, on a terminal, something to read."""

import logging
import sys

import structlog
from structlog.typing import Processor
from temporalio.exceptions import ApplicationError

from activities.database import LedgerUnreachable
from models.settings import Settings


def in_a_sentence(record: logging.LogRecord) -> bool:
    """A counterpart that does not answer is an everyday matter: the log tells its reason, and no traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, ApplicationError | LedgerUnreachable):
        record.msg, record.exc_info, record.exc_text = f"{record.msg}: {error}", None, None
    return True


def configure_logging(settings: Settings) -> None:
    """Set up logging to stderr in the format of the settings."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    console = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    renderer: Processor = structlog.processors.JSONRenderer(default=str)
    if console:
        # Plain: the other kind prints the values of local variables, and those are people's data.
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        shared.remove(structlog.processors.format_exc_info)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(in_a_sentence)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
