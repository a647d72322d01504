"""Connecting to Temporal and to the ledger, with the errors a person can act on."""

from functools import lru_cache
from pathlib import Path

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError

from activities.database import LedgerUnreachable, open_engine
from activities.ledger import Ledger
from gateway.errors import Unreachable
from gateway.stack.address import connection as server_address
from models.settings import Settings
from workflows.attributes import SEARCH_ATTRIBUTES
from workflows.plugin import arrears_plugin

log = structlog.get_logger("arrears.connection")


@lru_cache(maxsize=1)
def _quiet() -> Runtime:
    """The SDK without lines of its own on stdout for every try: the command says once what went wrong."""
    errors = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=errors)))


async def connect_server(settings: Settings, wait: float = 30.0, runtime: Runtime | None = None) -> Client:
    """A client for the server that the environment names, else for the data folder's stack.

    Args:
        settings: Of this process.
        wait: Seconds to wait for a stack that is starting.
        runtime: The SDK's, where its own warnings are wanted, as in a worker.

    Raises:
        Unreachable: with the address that was tried and what to check.
    """
    config = server_address(Path(settings.data_dir), timeout=wait)
    target = config.setdefault("target_host", "localhost:7233")
    config.setdefault("namespace", settings.namespace)
    try:
        return await Client.connect(**config, plugins=[arrears_plugin()], runtime=runtime or _quiet())
    except (RuntimeError, ValueError, RPCError) as error:
        raise Unreachable(
            f"the Temporal server at {target} does not answer ({str(error).splitlines()[0][:200]}): "
            "check that it runs and that TEMPORAL_ADDRESS is right"
        ) from error


def open_ledger(settings: Settings) -> Ledger:
    """The ledger of the settings.

    Raises:
        Unreachable: with the address (without password) and what to check.
    """
    try:
        return Ledger(open_engine(settings.ledger))
    except LedgerUnreachable as error:
        raise Unreachable(f"{error}: check ARREARS_LEDGER_URL, and that the database runs") from error


async def register_search_attributes(client: Client) -> None:
    """Make the case's search attributes known to the server; those that exist are left alone."""
    types = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=types)
        )
    except RPCError as error:
        if "already exist" not in str(error):
            # Where the operator's service is closed to us, an administrator has to register them.
            log.warning("search_attributes_not_registered", reason=str(error)[:300], needed=sorted(types))
