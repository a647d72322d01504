"""Opening the ledger's database: SQLite (WAL, safe against power cuts) or PostgreSQL, with one kind of transaction."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlmodel import SQLModel

import models.ledger  # noqa: F401  registers the tables

_LOCKED_S = 60
"""How long a locked SQLite file is waited for."""
_ONE_WRITER = sa.text("select pg_advisory_xact_lock(7265726561727273)")


class LedgerUnreachable(Exception):
    """The ledger cannot be opened or written; the text says where it was looked for."""


def open_engine(url: str, pool_size: int = 10) -> Engine:
    """An engine for the ledger, its tables created if they are missing.

    Raises:
        LedgerUnreachable: with the address (without password) and what to check.
    """
    address = make_url(url)
    sqlite = address.get_backend_name() == "sqlite"
    try:
        if sqlite and address.database not in (None, "", ":memory:"):
            Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
        if not sqlite and address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(
            address, pool_size=pool_size, max_overflow=20, pool_pre_ping=not sqlite,
            connect_args={"timeout": _LOCKED_S, "check_same_thread": False} if sqlite else {"connect_timeout": 10},
        )  # fmt: skip
        if sqlite:
            _tune_sqlite(engine)
            _disks[engine] = _Disk(os.path.abspath(str(address.database)))
        _create_tables(engine)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        shown = address.render_as_string(hide_password=True)
        raise LedgerUnreachable(f"the ledger {shown} cannot be opened: {_short(error)}") from error
    return engine


def _create_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Two processes that start together must not both create the tables.
            connection.execute(_ONE_WRITER)
        SQLModel.metadata.create_all(connection)
        _add_what_is_new(connection)


def _add_what_is_new(connection: Connection) -> None:
    """Columns and indexes that a ledger of an earlier version lacks. They are only ever added; columns may be empty."""
    inspector = sa.inspect(connection)
    for table in SQLModel.metadata.tables.values():
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(dialect=connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE {table.name} ADD COLUMN "{column.name}" {kind}')
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def _tune_sqlite(engine: Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in (f"busy_timeout={_LOCKED_S * 1000}", "synchronous=normal", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")
        _keep_a_log(connection)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads before it writes must hold the write lock from its beginning.
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Turn the log on. SQLite itself does not wait here where another process is just doing the same."""
    deadline = time.monotonic() + _LOCKED_S
    while True:
        try:
            connection.execute("pragma journal_mode=wal")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class _Disk:
    """Makes commits to a SQLite file survive a power cut; those that wait at the same time share one wait.

    With `synchronous=full` each transaction would wait for the disk by itself, holding the write lock. Here it commits
    to the log and lets go; nobody is told that it is over before the log is on the disk.
    """

    def __init__(self, database: str) -> None:
        self.turn = threading.Lock()
        """Who writes. Without it threads would wait for SQLite's lock by sleeping, up to 0.1 s at a time."""
        self._log = f"{database}-wal"
        self._guard, self._syncing = threading.Lock(), threading.Lock()
        self._committed = self._synced = 0

    def sync(self) -> None:
        """Return when everything that this thread has committed is on the disk."""
        with self._guard:
            self._committed += 1
            mine = self._committed
        with self._syncing:
            if self._synced >= mine:
                return
            covered = self._committed
            try:
                # SQLite holds its locks on other files: opening and closing this one releases none of them.
                log = os.open(self._log, os.O_RDONLY)
            except FileNotFoundError:
                return  # It was merged into the database, which SQLite syncs itself.
            try:
                os.fsync(log)
            except OSError as error:
                raise LedgerUnreachable(f"the ledger cannot be made safe: {error.strerror}") from error
            finally:
                os.close(log)
            self._synced = covered


_disks: WeakKeyDictionary[Engine, _Disk] = WeakKeyDictionary()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes; when it is over, what it wrote is safe."""
    disk = _disks.get(engine)
    try:
        with disk.turn if disk else nullcontext(), engine.begin() as connection:
            if disk is None:
                # One writer at a time, as with SQLite: what reads before it writes must not be overtaken.
                connection.execute(_ONE_WRITER)
            yield connection
        if disk:
            disk.sync()
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        raise LedgerUnreachable(f"the ledger cannot be written: {_short(error)}") from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads; it never waits for writers."""
    try:
        with engine.connect().execution_options(reading=True) as connection, connection.begin():
            yield connection
    except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
        raise LedgerUnreachable(f"the ledger cannot be read: {_short(error)}") from error


def _short(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0][:300]
