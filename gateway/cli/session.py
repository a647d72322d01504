"""How a command gets at the service layer: settings, ledger, server, in that order, and back out cleanly."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import uuid4

from pydantic import ValidationError

from activities.database import LedgerUnreachable
from activities.ledger import Ledger
from gateway.connection import connect_server, open_ledger
from gateway.environment import load_settings
from gateway.errors import InputRefused, Unreachable, WrongUsage
from gateway.intake.cells import iso_date
from gateway.service import Service
from models.base import Value
from models.money import Money

T = TypeVar("T")
M = TypeVar("M", bound=Value)


def with_service(data_dir: str | None, work: Callable[[Service], Awaitable[T]]) -> T:
    """Run `work` with a service that is connected to the ledger and the server."""

    async def run() -> T:
        settings = load_settings(data_dir)
        client = await connect_server(settings)
        with closing(open_ledger(settings)) as ledger:
            return await work(Service(settings, ledger, client))

    return _guarded(lambda: asyncio.run(run()))


def with_ledger(data_dir: str | None, work: Callable[[Service], T]) -> T:
    """Run `work` with a service that has only the ledger."""

    def run() -> T:
        settings = load_settings(data_dir)
        with closing(open_ledger(settings)) as ledger:
            return work(Service(settings, ledger))

    return _guarded(run)


@contextmanager
def closing(ledger: Ledger) -> Iterator[Ledger]:
    """The ledger, its connections closed afterwards."""
    try:
        yield ledger
    finally:
        ledger.engine.dispose()


def _guarded(run: Callable[[], T]) -> T:
    try:
        return run()
    except LedgerUnreachable as error:
        raise Unreachable(f"{error}: check ARREARS_LEDGER_URL, and that the database runs") from error


def message(model: type[M], **fields: object) -> M:
    """A message from command line options, or an error that names the option."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        name = str(next(iter(detail["loc"]), ""))  # none where what is wrong is how the options go together
        option = {"id": "reference", "received_on": "date", "pay_by": "date"}.get(name, name)
        reason = detail["msg"].removeprefix("Value error, ")
        raise InputRefused(f"--{option}: {reason}" if option else reason) from error


def money(amount: str | None, currency: str | None) -> Money | None:
    """`--amount` with its `--currency`."""
    if amount is None:
        return None
    if not currency:
        raise WrongUsage("--amount needs --currency: there is no such invoice yet to take it from")
    if not re.fullmatch(r"-?\d{1,15}(\.\d+)?", amount.strip()):
        raise InputRefused(f"--amount {amount!r}: write it as 1234.50, at most 15 digits before the point")
    try:
        return Money.model_validate({"amount": amount.strip(), "currency": currency.strip().upper()})
    except ValidationError as error:
        raise InputRefused(f"--amount: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from error


def day(text: str | None, option: str = "--date") -> date | None:
    """A day as YYYY-MM-DD."""
    if text is None:
        return None
    try:
        return iso_date(text)
    except ValueError as error:
        raise InputRefused(f"{option} {text!r}: {error}; write the day as YYYY-MM-DD") from error


def today() -> date:
    """The current day, UTC."""
    return datetime.now(UTC).date()


def new_reference() -> str:
    """A reference for a message that was given none: such a message can be told apart from any other."""
    return f"cli-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
