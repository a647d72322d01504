"""The Python interface: what the command line does, for programs, over the same service layer.

Examples are in docs/ports.md, and run as tests. Everything that is not in this module may change.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from activities.database import LedgerUnreachable
from activities.ledger import Ledger
from gateway.bank.booking import Bookkeeper, deliver
from gateway.bank.csv_profiles import bank_profiles, load_bank_profile
from gateway.bank.reading import read_statements
from gateway.bank.report import BankReport
from gateway.connection import connect_server, open_ledger
from gateway.creditor_files import list_creditors, load_creditor
from gateway.environment import load_settings
from gateway.errors import GatewayError as GatewayError
from gateway.errors import InputRefused as InputRefused
from gateway.errors import Unreachable as Unreachable
from gateway.errors import WrongUsage as WrongUsage
from gateway.intake.profiles import load_profile
from gateway.openings import Lapse, Openings
from gateway.receiving import Reception, Wishes
from gateway.reports import COUNTS, Reports, Unwatched
from gateway.service import Service, Told, listed
from models import view
from models.messages import Message
from models.settings import Settings

__all__ = ["Arrears", "GatewayError", "InputRefused", "Told", "Unreachable", "WrongUsage", "open_arrears"]

Files = str | Path


@asynccontextmanager
async def open_arrears(data_dir: str | Path | None = None) -> AsyncIterator["Arrears"]:
    """Arrears, over the ledger of a data folder; the server is connected to when it is first needed.

    Args:
        data_dir: The data folder (default: that of the environment, as for the command line).

    Raises:
        WrongUsage: a setting of the environment cannot be used.
        Unreachable: the ledger does not answer.
    """
    settings = load_settings(None if data_dir is None else str(data_dir))
    ledger = open_ledger(settings)
    try:
        yield Arrears(settings, ledger)
    except LedgerUnreachable as error:
        raise Unreachable(str(error)) from error
    finally:
        ledger.engine.dispose()


class Arrears:
    """What can be done from outside. Amounts in answers are texts, days are written 2026-01-31."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        """Use `open_arrears`."""
        self._settings, self._ledger = settings, ledger
        self._offline = Service(settings, ledger)
        self._connected: Service | None = None

    async def _service(self) -> Service:
        if self._connected is None:
            self._connected = Service(self._settings, self._ledger, await connect_server(self._settings))
        return self._connected

    async def start(
        self, *files: Files, profile: str | None = None, creditor: str | None = None, policy: str | None = None,
        accept_guess: bool = False, dry_run: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Start a case for every invoice of the files, as `arrears start` does.

        Returns:
            The report of `arrears start --json`.

        Raises:
            InputRefused: no profile, policy or creditor has that name, or its file has faults.
            WrongUsage: there is no such file of a profile. Invoice files that cannot be read are in the report.
            Unreachable: the server or the ledger does not answer; the same call again does what is missing.
        """
        folder = self._settings.data_dir
        if creditor is not None and not dry_run:
            load_creditor(creditor, folder)
        openings = Openings(folder, policy, Lapse(), dry_run)
        if policy is not None:
            openings.policy(policy)
        wishes = Wishes(load_profile(profile, folder) if profile else None, creditor, dry_run)
        creditors = [known.creditor for known in list_creditors(folder)]
        reports = Reports(Unwatched(accept_guess))
        service = None if dry_run else await self._service()
        taken = await Reception(folder, wishes, creditors, openings.of, reports, service).take(list(map(str, files)))
        errors = [{"file": name, "reason": str(error)} for name, error in taken.failures.items()]
        return {"files": taken.all, "errors": errors, **{key: sum(r[key] for r in taken.all) for key in COUNTS}}

    async def book(self, *files: Files, profile: str | None = None, creditor: str | None = None) -> dict[str, Any]:
        """Book bank statements and tell the cases, as `arrears bank` does.

        Everything is stored before a case is told; `waiting` says how many messages could not be delivered (without
        the server all of them): the worker delivers them within ten minutes of its return.

        Returns:
            The report of `arrears bank --json`.

        Raises:
            InputRefused: no profile or creditor has that name, or its file has faults.
            WrongUsage: there is no such file.
            Unreachable: the ledger does not answer.
        """
        folder = self._settings.data_dir
        chosen = load_bank_profile(profile, folder) if profile else None
        known = [] if chosen else bank_profiles(folder)
        if creditor is not None:
            load_creditor(creditor, folder)
        creditors = [known.creditor for known in list_creditors(folder)]
        keeper, run = Bookkeeper(self._offline, creditors, creditor), BankReport()
        for name in files:
            for file in read_statements(Path(name), chosen, known):
                run.booked(file, keeper, None)
        return {"files": run.files, "errors": [], **run.totals(), "waiting": await self._deliver()}

    async def _deliver(self) -> int:
        messages = self._ledger.undelivered()
        if not messages:
            return 0
        try:
            return len((await deliver(await self._service(), messages)).waiting)
        except Unreachable:
            return len(messages)

    async def tell(self, invoice: str, message: Message) -> Told:
        """Tell the case of an invoice a message; the same message again changes nothing.

        Args:
            invoice: The number, or CREDITOR/NUMBER where it is not unique or not here yet.
            message: One of `models.messages`.

        Raises:
            InputRefused: the case refuses it, with the reason; or there is no such invoice.
            Unreachable: the server does not answer. The message is in the ledger and will be delivered.
        """
        service = await self._service()
        return await service.tell(*service.resolve_or_new(invoice), message)

    async def show(self, invoice: str) -> dict[str, Any]:
        """A case, as `arrears show --json` has it.

        Raises:
            InputRefused: there is no such invoice.
            Unreachable: the server does not answer.
        """
        service = await self._service()
        return await service.show(*service.resolve(invoice))

    async def list(
        self, stage: str | None = None, buyer: str | None = None, overdue: bool = False
    ) -> Sequence[dict[str, Any]]:
        """The cases by their due dates, as `arrears list --json` has them; needs no server.

        Args:
            stage: Only cases in this stage.
            buyer: Only cases of this buyer.
            overdue: Only open cases past their due date.
        """
        if stage is not None and stage not in view.STAGES:
            raise WrongUsage(f"stage {stage!r}: write one of {', '.join(view.STAGES)}")
        before = datetime.now(UTC) if overdue else None
        return [listed(row) for row in self._ledger.heads(stage, buyer, before)]
