"""Seals: the state of all chains on one day, in a file outside the ledger, each tied to the one before.

A chain shows what was changed inside it. That its end was cut off, that it was written anew from some entry on, or that
a notice was replaced together with its digest, shows only against what was noted elsewhere: that is a seal. Whoever
deposits its digest with somebody else cannot rewrite the seals either.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import sqlalchemy as sa
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from sqlalchemy.engine import Connection, Engine

from activities.database import reading
from activities.evidence.agreement import IN_FLIGHT
from activities.evidence.findings import Finding
from activities.evidence.record import LIGHT, steady
from activities.tables import DEPARTED, EVENTS, NOTICE_STEPS, NOTICES
from models import ids

SEAL = re.compile(r"(\d{6})-\d{4}-\d{2}-\d{2}\.json")
AT_ONCE = 300

_OVERLAP = timedelta(hours=1)
"""Notices sent this long before the last seal are sealed again: one of them may have been written after it."""

Entry = tuple[str, int, str]
"""A case, the number of its last entry, and that entry's hash."""


class SealError(Exception):
    """The seals cannot be read or written; the text says which and why."""


class Written(NamedTuple):
    """A seal that was written, with the digest of its file, which is what is worth depositing."""

    path: Path
    sha256: str
    cases: int
    notices: int


class Seal(BaseModel):
    """A seal's file. `digest` covers the lists; `previous` is the SHA-256 of the file of the seal before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    number: int
    sealed_at: AwareDatetime
    previous: str
    cases: list[Entry]
    notices: list[tuple[str, str] | tuple[str, str, str]]
    """Message-ID, digest of the bytes, and that of what stands beside them: an older seal, and one that was written
    while the notice was just leaving, does not have the last."""
    digest: str


def seal_files(folder: Path) -> list[Path]:
    """The seals of a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if SEAL.fullmatch(path.name))


def write_seal(engine: Engine, folder: Path, now: datetime) -> Written:
    """Write the next seal.

    Raises:
        SealError: The seal before cannot be read, or the file cannot be written.
    """
    earlier = seal_files(folder)
    last = _read(earlier[-1]) if earlier else None
    number = last[0].number + 1 if last else 1
    path = folder / f"{number:06d}-{now.astimezone(UTC):%Y-%m-%d}.json"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8", newline="\n") as file, reading(steady(engine)) as connection:
            since = last[0].sealed_at - _OVERLAP if last else None
            cases, notices = _write(file, connection, number, now, last[1] if last else "", since)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o444)
        _publish(draft, path)
    except FileExistsError:
        raise SealError(f"{path} is there already: somebody else has just sealed") from None
    except OSError as error:
        raise SealError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return Written(path, ids.digest(path.read_bytes()), cases, notices)


def _publish(draft: Path, path: Path) -> None:
    """Give a finished seal its name, unless another has it already."""
    try:
        os.link(draft, path)  # unlike a rename, it never replaces a seal that somebody wrote meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        draft.rename(path)


def _write(
    file: TextIO, connection: Connection, number: int, now: datetime, previous: str, since: datetime | None
) -> tuple[int, int]:
    """The lines of a seal, one a case and one a notice, so that no list of them is ever held."""
    digest, counts = hashlib.sha256(), []
    head = {"format": 2, "number": number, "sealed_at": now.astimezone(UTC).isoformat(), "previous": previous}
    file.write("{" + ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()))
    for name, rows in (("cases", _ends(connection)), ("notices", _sent(connection, since, now))):
        file.write(f',\n"{name}": [')
        count = 0
        for row in rows:
            line = json.dumps(row, ensure_ascii=False)
            file.write((",\n" if count else "\n") + line)
            digest.update(line.encode() + b"\n")
            count += 1
        file.write("\n]")
        counts.append(count)
    file.write(f',\n"digest": "{digest.hexdigest()}"' + "}\n")
    return counts[0], counts[1]


def _ends(connection: Connection) -> Iterator[list[Any]]:
    """The last entry of every chain."""
    last = sa.select(EVENTS.c.case_id, sa.func.max(EVENTS.c.sequence).label("last")).group_by(EVENTS.c.case_id)
    ends = last.subquery()
    query = (
        sa.select(EVENTS.c.case_id, EVENTS.c.sequence, EVENTS.c.hash)
        .join(ends, sa.and_(ends.c.case_id == EVENTS.c.case_id, ends.c.last == EVENTS.c.sequence))
        .order_by(EVENTS.c.case_id)
    )
    for row in connection.execution_options(yield_per=1000).execute(query):
        yield [row.case_id, row.sequence, row.hash]


def _sent(connection: Connection, since: datetime | None, now: datetime) -> Iterator[list[Any]]:
    """The digests of the notices that were sent since the last seal, and of what is kept beside them."""
    query = sa.select(*LIGHT).where(NOTICES.c.status.in_(DEPARTED))
    if since is not None:
        query = query.where(NOTICES.c.sent_at >= since)
    query = query.order_by(NOTICES.c.sent_at, NOTICES.c.message_id)
    for row in connection.execution_options(yield_per=1000).execute(query):
        settled = row.sent_at is not None and row.sent_at < now - IN_FLIGHT
        yield [row.message_id, row.sha256, *([_beside(row)] if settled else [])]


_BESIDE = (
    "creditor", "buyer_id", "kind", "channel", "recipient", "subject", "language", "policy_digest", "pursued_minor",
    "currency", "approved_by", "proof",
)  # fmt: skip


def _beside(row: Any) -> str:
    """The digest of what is kept beside a notice's bytes, and does not change any more once it has left."""
    values = [getattr(row, name) for name in _BESIDE]
    return ids.digest(json.dumps([*values, row.sent_at.isoformat() if row.sent_at else None]))


def _read(path: Path) -> tuple[Seal, str]:
    try:
        content = path.read_bytes()
        return Seal.model_validate_json(content), ids.digest(content)
    except OSError as error:
        raise SealError(f"the seal {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise SealError(f"the seal {path} is damaged{f' at {place}' if place else ''}: {fault['msg']}") from error


# --- checking -------------------------------------------------------------------------------------------------


class SealCheck:
    """A check of the ledger against its seals. `seals` counts them afterwards."""

    def __init__(self, engine: Engine, folder: Path, case_id: str | None = None, anchor: str | None = None) -> None:
        """Against the seals of a folder; `anchor` is the digest of a seal that was deposited elsewhere."""
        self._engine, self._folder = engine, folder
        self._case_id, self._anchor = case_id, anchor
        self.seals = 0

    def findings(self) -> Iterator[Finding]:
        """Every contradiction: among the seals, and between a seal and the ledger."""
        previous, number, digests = "", 0, set()
        known: dict[str, tuple[int, str]] = {}
        for path in seal_files(self._folder):
            try:
                seal, digest = _read(path)
            except SealError as error:
                yield Finding("broken_seal", str(error))
                previous, number = "", number + 1
                continue
            yield from self._tied(path, seal, previous, number + 1)
            yield from self._kept(path.name, seal, known)
            yield from self._notices(path.name, seal)
            previous, number = digest, seal.number
            digests.add(digest)
            self.seals += 1
        if self._anchor is not None and self._anchor.lower() not in digests:
            yield Finding("broken_seal", f"no seal in {self._folder} has the deposited digest {self._anchor}")

    def _tied(self, path: Path, seal: Seal, previous: str, number: int) -> Iterator[Finding]:
        lines = (json.dumps(row, ensure_ascii=False) for row in (*seal.cases, *seal.notices))
        if ids.digest("".join(f"{line}\n" for line in lines)) != seal.digest:
            yield Finding("broken_seal", f"{path.name}: what it lists is not what was sealed")
        if seal.number != number:
            missing = f"number {number}" if seal.number == number + 1 else f"numbers {number} to {seal.number - 1}"
            yield Finding("broken_seal", f"{path.name}: before it, {missing} is missing")
        elif previous and seal.previous != previous:
            yield Finding("broken_seal", f"{path.name}: the seal before it is not the one it was tied to")

    def _kept(self, name: str, seal: Seal, known: dict[str, tuple[int, str]]) -> Iterator[Finding]:
        """Every entry that was the end of its chain then is still there, as it was."""
        mine = (entry for entry in seal.cases if self._case_id in (None, entry[0]))
        # What a seal before said in the same words was looked up then.
        new = (entry for entry in mine if known.get(entry[0]) != (entry[1], entry[2]))
        while entries := list(islice(new, AT_ONCE)):
            # Not as pairs: SQLite would look through the whole table for them.
            query = sa.select(EVENTS.c.case_id, EVENTS.c.sequence, EVENTS.c.hash).where(
                EVENTS.c.case_id.in_([entry[0] for entry in entries]),
                EVENTS.c.sequence.in_({entry[1] for entry in entries}),
            )
            with reading(self._engine) as connection:
                there = {(row.case_id, row.sequence): row.hash for row in connection.execute(query)}
            for case_id, sequence, digest in entries:
                known[case_id] = (sequence, digest)
                if (case_id, sequence) not in there:
                    text = f"{name} has its chain up to here; this entry and what followed is missing"
                    yield Finding("unlike_its_seal", text, case_id, sequence)
                elif there[case_id, sequence] != digest:
                    text = f"{name} has another hash: the chain was written anew up to here"
                    yield Finding("unlike_its_seal", text, case_id, sequence)

    def _notices(self, name: str, seal: Seal) -> Iterator[Finding]:
        notices = iter(seal.notices)
        while batch := list(islice(notices, AT_ONCE)):
            query = sa.select(*LIGHT).where(NOTICES.c.message_id.in_([entry[0] for entry in batch]))
            if self._case_id is not None:
                mine = sa.select(NOTICE_STEPS.c.message_id).where(NOTICE_STEPS.c.case_id == self._case_id)
                query = query.where(NOTICES.c.message_id.in_(mine))
            with reading(self._engine) as connection:
                there = {row.message_id: (row.sha256, _beside(row)) for row in connection.execute(query)}
            for message_id, digest, *beside in batch:
                now_is, now_beside = there.get(message_id, (digest, None))
                if now_is != digest:
                    text = f"{name} has another digest of the notice {message_id}: it was replaced"
                    yield Finding("unlike_its_seal", text, None, None, message_id)
                elif now_beside is not None and beside and beside != [now_beside]:
                    text = (
                        f"{name} has the notice {message_id} with another recipient, sum, proof or other fact beside "
                        "its bytes"
                    )
                    yield Finding("unlike_its_seal", text, None, None, message_id)
                elif message_id not in there and self._case_id is None:
                    yield Finding(
                        "unlike_its_seal", f"{name} has the notice {message_id}, which is gone", notice=message_id
                    )
