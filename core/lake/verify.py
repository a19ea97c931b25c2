"""Recompute the chain and every digest, and name the first entry that is not what was recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from core.domain.chain import GENESIS, Entry, content_digest, entry_digest
from core.lake.store import Store


@dataclass(frozen=True)
class Break:
    """The first broken entry; `seq` is None where a file or the head is broken, not an entry."""

    seq: int | None
    subject: str
    problem: str


@dataclass(frozen=True)
class Verification:
    """What was verified: entries and files counted, and the first break or None."""

    entries: int
    files: int
    first_break: Break | None


def verify_store(store: Store) -> Verification:
    """Recompute the whole chain, the content of every entry, and the digests of all files.

    Reads each fact table once. The order of breaks is that of the record; files come after it.
    """
    cursor = store.cursor()
    entries = cursor.execute("SELECT * FROM record ORDER BY seq").fetchall()
    found = _first_broken_entry(cursor, store, entries)
    files = 0
    for path, sha256, subject, seq in _files(cursor):
        if found is not None:
            break
        files += 1
        found = _broken_file(store.folder / path, sha256, subject, seq)
    return Verification(len(entries), files, found)


def _first_broken_entry(
    cursor: duckdb.DuckDBPyConnection,
    store: Store,
    entries: list[tuple],  # type: ignore[type-arg]
) -> Break | None:
    contents = _contents(cursor, store)
    previous, expected = GENESIS, 1
    for seq, at, actor, action, subject, table, content, previous_digest, digest in entries:
        problem = ""
        if seq != expected:
            return Break(expected, subject, f"entry {expected} is missing; {seq} follows")
        recomputed = contents.get(table, {}).pop(seq, None)
        if recomputed is None:
            problem = f"its row in {table} is gone"
        elif recomputed != ((at, actor), content):
            problem = f"its row in {table} is not what was recorded"
        elif previous_digest != previous:
            problem = "it does not follow the entry before it"
        elif entry_digest(previous, Entry(seq, at, actor, action, subject, content)) != digest:
            problem = "its own digest does not match"
        if problem:
            return Break(seq, subject, problem)
        previous, expected = digest, expected + 1
    left = sorted((seq, table) for table, rows in contents.items() for seq in rows)
    if left:
        return Break(left[0][0], left[0][1], f"a row in {left[0][1]} belongs to no entry")
    head = cursor.execute("SELECT seq, digest FROM head").fetchall()
    if head != [(expected - 1, previous)]:
        return Break(expected - 1, "head", "the head of the record does not match its last entry")
    return None


def _contents(cursor: duckdb.DuckDBPyConnection, store: Store) -> dict[str, dict[int, object]]:
    """Table -> seq -> ((recorded_at, actor), content digest), recomputed from the fact rows."""
    contents: dict[str, dict[int, object]] = {}
    for table, columns in store.columns.items():
        names = ", ".join(("seq", "recorded_at", "actor", *columns))
        grouped: dict[int, list[tuple]] = {}  # type: ignore[type-arg]
        for row in cursor.execute(f"SELECT {names} FROM {table} ORDER BY seq").fetchall():
            grouped.setdefault(row[0], []).append(row)
        contents[table] = {seq: _content(table, columns, rows) for seq, rows in grouped.items()}
    return contents


def _content(table: str, columns: Iterable[str], rows: list[tuple]) -> object:  # type: ignore[type-arg]
    origins = {row[1:3] for row in rows}
    digest = content_digest(table, [dict(zip(columns, row[3:], strict=True)) for row in rows])
    return (origins.pop() if len(origins) == 1 else None, digest)


def _files(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, str, int]]:
    yield from cursor.execute(
        "SELECT 'evidence/' || sha256, sha256, initiative, seq FROM evidence WHERE file_name IS NOT NULL "
        "UNION ALL SELECT path, sha256, initiative, seq FROM prediction_batch ORDER BY seq"
    ).fetchall()


def _broken_file(path: Path, sha256: str, subject: str, seq: int) -> Break | None:
    if not path.is_file():
        return Break(seq, subject, f"file {path.name} is gone")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            return Break(seq, subject, f"file {path.name} is not what was recorded")
    return None
