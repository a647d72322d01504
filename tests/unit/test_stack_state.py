"""How commands find a stack, and how a process, a port and a folder are told from a stranger's."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.stack.address import connection
from gateway.stack.errors import AlreadyRunning, FolderNotOurs, PortTaken, StackFailed, StackUnreachable
from gateway.stack.folder import DataFolder
from gateway.stack.ports import PortWishes, choose_ports
from gateway.stack.process import ProcessMark
from gateway.stack.state import StackState, await_stack, read_state, running_stack, write_state


def mark_of(pid: int) -> ProcessMark:
    mark = ProcessMark.of(pid)
    assert mark is not None
    return mark


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        yield process
        process.kill()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


# Processes


def test_a_process_is_known_again_until_it_ends(sleeper: subprocess.Popen[bytes]) -> None:
    mark = mark_of(sleeper.pid)
    assert mark.alive()

    sleeper.kill()
    sleeper.wait()

    assert not mark.alive()
    assert ProcessMark.of(sleeper.pid) is None


def test_one_that_ended_and_was_not_collected_does_not_count(sleeper: subprocess.Popen[bytes]) -> None:
    mark = mark_of(sleeper.pid)

    assert mark.end(grace_s=5)  # nobody has collected it yet

    assert not mark.alive()


@pytest.mark.parametrize("change", [{"started_s": 1.0}, {"boot": "another"}])
def test_a_stranger_under_the_same_number_is_left_alone(
    sleeper: subprocess.Popen[bytes], change: dict[str, object]
) -> None:
    stranger = mark_of(sleeper.pid).but(**change)

    assert not stranger.alive()
    assert not stranger.end(grace_s=5)
    assert sleeper.poll() is None


def test_one_that_will_not_stop_is_ended_by_force() -> None:
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()

        assert mark_of(process.pid).end(grace_s=0.1)

        assert process.wait() == -9


# The note


def test_no_note_half_a_note_or_a_dead_supervisor_is_no_stack(tmp_path: Path) -> None:
    assert running_stack(tmp_path) is None

    (tmp_path / "stack.json").write_text('{"supervisor": {"pid": 1')
    assert running_stack(tmp_path) is None

    write_state(tmp_path, StackState(supervisor=mark_of(os.getpid()).but(started_s=1.0), ready=True))
    assert running_stack(tmp_path) is None
    assert read_state(tmp_path) is not None


def test_a_stack_with_a_dead_part_is_not_ready(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    me, part = mark_of(os.getpid()), mark_of(sleeper.pid)
    write_state(tmp_path, StackState(supervisor=me, children={"server": part}, ready=True))
    found = running_stack(tmp_path)
    assert found is not None and found.ready

    sleeper.kill()
    sleeper.wait()

    found = running_stack(tmp_path)
    assert found is not None and not found.ready


def test_a_command_waits_for_a_stack_that_is_starting(tmp_path: Path) -> None:
    starting = StackState(supervisor=mark_of(os.getpid()), temporal_address="127.0.0.1:1")
    write_state(tmp_path, starting)
    told: list[str] = []

    def becomes_ready(text: str) -> None:
        told.append(text)
        threading.Thread(target=write_state, args=(tmp_path, starting.but(ready=True))).start()

    found = await_stack(tmp_path, on_wait=becomes_ready)

    assert found == starting.but(ready=True)
    assert told == [f"waiting for the stack in {tmp_path}"]


def test_without_a_stack_a_command_says_how_to_get_one_and_ends_with_status_3(tmp_path: Path) -> None:
    with pytest.raises(StackUnreachable, match=r"No stack is running.*arrears up.*--data-dir") as refusal:
        await_stack(tmp_path, timeout=0)
    assert refusal.value.status == 3

    write_state(tmp_path, StackState(supervisor=mark_of(os.getpid())))
    with pytest.raises(StackUnreachable, match=r"was not ready in 0 seconds.*logs"):
        await_stack(tmp_path, timeout=0)


def test_a_server_named_in_the_environment_wins_over_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    me = mark_of(os.getpid())
    write_state(tmp_path, StackState(supervisor=me, temporal_address="127.0.0.1:1", ready=True))
    assert connection(tmp_path) == {"target_host": "127.0.0.1:1", "namespace": "default"}

    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example:7233")

    assert connection(tmp_path) == {"target_host": "temporal.example:7233", "namespace": "elsewhere"}


# Ports


def test_the_ports_of_a_stack_differ_and_avoid_what_is_known_to_be_taken() -> None:
    first = choose_ports(PortWishes())
    second = choose_ports(PortWishes(), avoid=first.model_dump().values())

    assert len({*first.model_dump().values(), *second.model_dump().values()}) == 10


def test_a_port_asked_for_by_number_is_used_or_said_to_be_taken(taken_port: int) -> None:
    with pytest.raises(PortTaken, match=f"--port {taken_port}: this port is taken"):
        choose_ports(PortWishes(temporal=taken_port))
    with pytest.raises(PortTaken, match=f"--ui-port {taken_port}: this port is taken"):
        choose_ports(PortWishes(ui=taken_port))
    with pytest.raises(PortTaken, match="no such port"):
        choose_ports(PortWishes(temporal=70000))

    free = choose_ports(PortWishes()).temporal
    assert choose_ports(PortWishes(temporal=free)).temporal == free


# The folder


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    first, second = DataFolder(tmp_path / "var"), DataFolder(tmp_path / "var")
    first.claim()

    with pytest.raises(AlreadyRunning, match=r"already runs.*--data-dir"):
        second.claim()

    first.release()
    second.claim()
    second.release()


def test_fresh_wipes_the_state_of_earlier_runs_and_keeps_what_people_wrote(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "var")
    folder.claim()
    for name in ("temporal.db", "temporal.db-wal", "ledger.db", "mail/1.eml", "logs/worker.log"):
        (folder.path / name).touch()
    for name in ("creditors/ACME.yaml", "notes/mine.txt"):
        (folder.path / name).parent.mkdir()
        (folder.path / name).touch()
    folder.release()

    folder.claim(fresh=True)
    folder.wipe()
    folder.release()

    left = {p.relative_to(folder.path).as_posix() for p in folder.path.rglob("[!.]*") if p.is_file()}
    assert left == {"creditors/ACME.yaml", "notes/mine.txt"}


@pytest.mark.parametrize("content", ["thesis.tex", "mail/from-grandmother.eml"])
def test_fresh_is_refused_on_a_folder_of_something_else(tmp_path: Path, content: str) -> None:
    file = tmp_path / content
    file.parent.mkdir(exist_ok=True)
    file.touch()
    folder = DataFolder(tmp_path)
    for _ in range(2):  # not even after a stack has run in it
        with pytest.raises(FolderNotOurs, match=r"--fresh wipes nothing.*--data-dir"):
            folder.claim(fresh=True)
        folder.claim()
        folder.release()

    assert file.exists()


def test_a_data_folder_that_is_a_file_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "var").touch()

    with pytest.raises(StackFailed, match=r"cannot be used .*--data-dir"):
        DataFolder(tmp_path / "var").claim()
