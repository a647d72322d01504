"""The embedded stack on the real server: it starts, goes on, heals, and leaves nothing behind."""

import asyncio
import os
import signal
import smtplib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError

from gateway.stack import supervisor
from gateway.stack.errors import AlreadyRunning, PortTaken, StackFailed
from gateway.stack.folder import DataFolder
from gateway.stack.mailbox import read_mails
from gateway.stack.ports import PortWishes, choose_ports
from gateway.stack.server import temporal_binary
from gateway.stack.state import StackState, await_stack, read_state, running_stack
from gateway.stack.supervisor import Stack
from models.settings import Settings
from workflows.attributes import BUYER, SEARCH_ATTRIBUTES

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in_worker.py")))
# `arrears up`, but for the worker.
UP = """
import asyncio, sys
from gateway.stack.supervisor import Stack
from models.settings import Settings
asyncio.run(Stack(Settings(data_dir=sys.argv[1]), worker=sys.argv[2:]).run_forever())
"""


def silent(line: str) -> None:
    pass


def stack(folder: Path, *options: str, fresh: bool = False, ports: PortWishes | None = None) -> Stack:
    worker = (*STAND_IN, *options)
    return Stack(Settings(data_dir=str(folder)), worker=worker, fresh=fresh, ports=ports, say=silent)


@contextmanager
def up(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The stack as a process of its own, ready."""
    call = [sys.executable, "-c", UP, str(folder), *STAND_IN, *options]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            assert "ready\n" in lines
            yield process
        finally:
            process.kill()


async def eventually(condition: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.02)


async def connect(state: StackState) -> Client:
    return await Client.connect(state.temporal_address, namespace=state.namespace)


def text_of(log: Path) -> str:
    return log.read_text() if log.exists() else ""


async def test_it_answers_everywhere_keeps_what_it_had_and_forgets_it_only_when_told(tmp_path: Path) -> None:
    folder = tmp_path / "var"

    async with stack(folder) as first:
        assert running_stack(folder) == first.state
        assert await_stack(folder, timeout=0) == first.state
        client = await connect(first.state)
        described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
        kept = described.config.workflow_execution_retention_ttl.ToTimedelta()
        assert kept == timedelta(days=3650)
        await client.start_workflow("InvoiceCase", id="invoice/ACME/1", task_queue="arrears")
        with smtplib.SMTP(first.state.smtp_host, first.state.smtp_port) as smtp:
            smtp.sendmail("a@acme.example", ["b@debtor.example"], "Subject: kept\n\nhello")
        with urllib.request.urlopen(first.state.ui_url) as page:
            assert page.status == 200
        with pytest.raises(AlreadyRunning, match="already runs"):
            async with stack(folder):
                pass
    assert running_stack(folder) is None
    assert not any(child.alive() for child in first.state.children.values())

    async with stack(folder) as second:
        client = await connect(second.state)
        case = await client.get_workflow_handle("invoice/ACME/1").describe()
        assert case.status is not None and case.status.name == "RUNNING"
        assert [mail.subject for mail in read_mails(folder / "mail")] == ["kept"]

    async with stack(folder, fresh=True) as third:
        client = await connect(third.state)
        with pytest.raises(RPCError, match="not found"):
            await client.get_workflow_handle("invoice/ACME/1").describe()
        assert read_mails(folder / "mail") == []


async def test_a_file_from_before_gets_the_search_attributes_it_lacks(tmp_path: Path) -> None:
    old = [str(temporal_binary()), "server", "start-dev", "--headless"]
    old += ["--port", str(choose_ports(PortWishes()).temporal)]
    old += ["--db-filename", str(tmp_path / "temporal.db"), "--search-attribute", "CaseStage=Keyword"]
    with subprocess.Popen(old, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert any("Temporal Server" in line for line in iter(server.stdout.readline, ""))
        finally:
            server.kill()  # as a power cut would

    async with stack(tmp_path) as healed:
        client = await connect(healed.state)
        listed = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
        assert {key.name for key in SEARCH_ATTRIBUTES} <= listed.custom_attributes.keys()
        buyer = SearchAttributePair(BUYER, "0007")
        await client.start_workflow(
            "InvoiceCase", id="1", task_queue="arrears", search_attributes=TypedSearchAttributes([buyer])
        )


async def test_two_that_start_in_the_same_moment_run_side_by_side(tmp_path: Path) -> None:
    one, two = stack(tmp_path / "one"), stack(tmp_path / "two")
    try:
        await asyncio.gather(one.__aenter__(), two.__aenter__())

        assert one.state.temporal_address != two.state.temporal_address
        assert one.state.ui_url != two.state.ui_url
        assert one.state.smtp_port != two.state.smtp_port
        assert running_stack(tmp_path / "one") == one.state
        assert running_stack(tmp_path / "two") == two.state
        taken = int(one.state.temporal_address.rpartition(":")[2])
        with pytest.raises(PortTaken, match=f"--port {taken}: this port is taken"):
            async with stack(tmp_path / "three", ports=PortWishes(temporal=taken)):
                pass
    finally:
        await asyncio.gather(one.__aexit__(None, None, None), two.__aexit__(None, None, None))
    assert running_stack(tmp_path / "one") is running_stack(tmp_path / "three") is None


async def test_a_part_that_dies_is_started_again(tmp_path: Path) -> None:
    async with stack(tmp_path) as healing:
        client = await connect(healing.state)
        await client.start_workflow("InvoiceCase", id="1", task_queue="arrears")
        for name in ("sink", "worker", "server"):
            before = healing.state.children[name]

            os.kill(before.pid, signal.SIGKILL)

            await eventually(lambda: healing.state.children[name] != before and healing.state.ready)  # noqa: B023
            assert running_stack(tmp_path) == healing.state
        await client.get_workflow_handle("1").describe()  # same client, same address, same file


async def test_a_part_that_ends_by_itself_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_BACKOFF_S", (0.01, 0.01))

    async with stack(tmp_path, "--short-lived") as sick:
        with pytest.raises(StackFailed, match="The worker ended .*cannot go on.*once too often"):
            await asyncio.wait_for(sick.stay(), timeout=30)


async def test_a_part_that_is_killed_while_it_answers_is_started_again_however_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_BACKOFF_S", (0.01, 0.01))

    async with stack(tmp_path) as healing:
        for _ in range(8):
            before = healing.state.children["worker"]
            os.kill(before.pid, signal.SIGKILL)
            await eventually(lambda: healing.state.children["worker"] != before and healing.state.ready)  # noqa: B023


async def test_a_worker_that_does_not_start_ends_the_rest_too_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(StackFailed, match="The worker ended .*no such module"):
        async with stack(tmp_path, "--broken"):
            pass

    assert read_state(tmp_path) is None
    folder = DataFolder(tmp_path)
    folder.claim()  # the next start can have it
    folder.release()


async def test_when_it_is_killed_its_parts_end_too_and_the_next_start_clears_what_would_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_LEFTOVER_GRACE_S", 0.1)
    with up(tmp_path, "--stubborn") as process:
        left = read_state(tmp_path)
        assert left is not None and len(left.children) == 3
        assert {os.getpgid(child.pid) for child in left.children.values()} == {os.getpgid(process.pid)}

        process.kill()

        if sys.platform == "linux":  # elsewhere the next start has more to clear
            ends = [child for name, child in left.children.items() if name != "worker"]
            await eventually(lambda: not any(child.alive() for child in ends))
    assert left.children["worker"].alive()
    assert running_stack(tmp_path) is None

    async with stack(tmp_path) as next_one:
        assert not any(child.alive() for child in left.children.values())
        assert running_stack(tmp_path) == next_one.state


def test_told_to_stop_it_stops_the_worker_while_the_server_still_answers(tmp_path: Path) -> None:
    with up(tmp_path) as process:
        process.terminate()
        process.terminate()  # as some do, who tell a process and then its group
        assert process.wait(timeout=20) == 0

    assert text_of(tmp_path / "logs/worker.log") == "signal 15, server answers: True\n"
    assert read_state(tmp_path) is None


def test_ctrl_c_at_a_terminal_stops_in_order_as_well(tmp_path: Path) -> None:
    at_a_terminal = [sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"]
    call = [*at_a_terminal, sys.executable, "-c", UP, str(tmp_path), *STAND_IN]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            assert b"ready\r\n" in iter(process.stdout.readline, b"")

            process.stdin.write(b"\x03")
            process.stdin.flush()

            assert process.wait(timeout=20) == 0
        finally:
            process.kill()

    assert text_of(tmp_path / "logs/worker.log") == "signal 15, server answers: True\n"
    assert read_state(tmp_path) is None
