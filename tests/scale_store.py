"""A store of many initiatives with a correct chain: the demo organisation many times over, in bulk."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from core.domain.chain import GENESIS, Entry, content_digest, entry_digest
from core.lake.store import DATABASE, Store, open_store

INITIATIVES = 1_000
ENTRIES = 200_000
_FILLING = ("check_run", "decision", "comment", "evidence")
"""Tables whose facts may come up again and again; they fill the record up to the number asked for."""


class Draft(NamedTuple):
    """An entry that is not in the chain yet."""

    at: datetime
    order: int
    actor: str
    action: str
    subject: str
    table: str
    rows: list[dict[str, Any]]


def scale_store(demo: Path, folder: Path, *, initiatives: int = INITIATIVES, entries: int = ENTRIES) -> Path:
    """Make a store of so many initiatives and entries out of a demo store; one that is there is kept.

    Every initiative of the demo stands there again and again under ids and names of its own, its acts some
    minutes apart from those of its copies, so that the record is as mixed as a real one. What is then still
    lacking is filled with more check runs, decisions, comments and evidence on later days.
    """
    if (folder / DATABASE).exists():
        return folder
    shutil.copytree(demo, folder, ignore=shutil.ignore_patterns("server.json", "outgoing", "*.wal"))
    store = open_store(folder)
    known = _drafts(store)
    ids = [
        row[0]
        for row in store.cursor().execute("SELECT DISTINCT initiative FROM initiative ORDER BY 1").fetchall()
    ]
    drafts = _times_over(known, ids, initiatives)
    drafts += _filling(drafts, entries - len(drafts))
    _write(store, sorted(drafts, key=lambda draft: (draft.at, draft.order)))
    store.close()
    return folder


def _drafts(store: Store) -> list[Draft]:
    cursor, rows = store.cursor(), {}
    for table, columns in store.columns.items():
        names = list(columns)
        for seq, *values in cursor.execute(f"SELECT seq, {', '.join(names)} FROM {table}").fetchall():
            rows.setdefault(seq, []).append(dict(zip(names, values, strict=True)))
    query = "SELECT recorded_at, seq, actor, action, subject, fact_table FROM record ORDER BY seq"
    return [Draft(*entry, rows[entry[1]]) for entry in cursor.execute(query).fetchall()]


def _times_over(known: list[Draft], ids: list[str], wanted: int) -> list[Draft]:
    own: dict[str, list[Draft]] = {name: [] for name in ids}
    for draft in known:
        name = draft.subject.split("/")[0]
        named = {row.get("initiative") for row in draft.rows} - {None}
        name = name if name in own else named.pop() if len(named) == 1 else ""
        if name in own:
            own[name].append(draft)
    drafts = list(known)
    for place in range(len(ids), wanted):
        name, copy = ids[place % len(ids)], place // len(ids)
        drafts += [_copied(draft, name, copy) for draft in own[name]]
    return drafts


def _copied(draft: Draft, name: str, copy: int) -> Draft:
    """The act again, on the copy of the initiative: ids carry the number of the copy."""

    def renamed(column: str, value: Any) -> Any:
        if isinstance(value, str) and column != "path":  # the files are those of the first
            if name in value:
                return value.replace(name, f"{name}-{copy}")
            if column == "name":
                return f"{value} {copy}"
            return f"{value}-{copy}" if column in (draft.table, "hand_off", "finding", "waiver") else value
        return value

    rows = [{column: renamed(column, value) for column, value in row.items()} for row in draft.rows]
    subject = draft.subject.replace(name, f"{name}-{copy}")
    at = draft.at + timedelta(minutes=7 * copy, microseconds=copy)
    return draft._replace(at=at, subject=subject, rows=rows)


def _filling(drafts: list[Draft], lacking: int) -> Iterator[Draft]:
    again = [draft for draft in drafts if draft.table in _FILLING]
    last = max(draft.at for draft in drafts)
    for place in range(max(0, lacking)):
        draft = again[place % len(again)]
        # A little later than it was, and never after the record's own end: the demo reads as of now.
        yield draft._replace(
            at=min(last, draft.at + timedelta(hours=1 + place // len(again), microseconds=place % 997))
        )


def _write(store: Store, drafts: list[Draft]) -> None:
    """Number and chain the drafts, and put them in place of what the store holds."""
    cursor = store.cursor()
    cursor.execute("SET preserve_insertion_order = true")
    for table in ("record", *store.columns):
        cursor.execute(f"DELETE FROM {table}")
    record: list[tuple[Any, ...]] = []
    facts: dict[str, list[tuple[Any, ...]]] = {table: [] for table in store.columns}
    previous = GENESIS
    for seq, draft in enumerate(drafts, 1):
        content = content_digest(draft.table, draft.rows)
        entry = Entry(seq, draft.at, draft.actor, draft.action, draft.subject, content)
        digest = entry_digest(previous, entry)
        record.append(
            (seq, draft.at, draft.actor, draft.action, draft.subject, draft.table, content, previous, digest)
        )
        facts[draft.table] += ((seq, draft.at, draft.actor, *row.values()) for row in draft.rows)
        previous = digest
    _insert(cursor, "record", record)
    for table, rows in facts.items():
        _insert(cursor, table, rows)
    cursor.execute(
        "UPDATE head SET seq = ?, recorded_at = ?, digest = ?", [len(drafts), drafts[-1].at, previous]
    )
    cursor.execute("CHECKPOINT")


def _insert(cursor: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[Any, ...]]) -> None:
    import pyarrow as pa

    described = cursor.execute(f"DESCRIBE {table}").fetchall()
    if not rows:
        return
    columns = zip(*rows, strict=True)
    arrays = [
        pa.array(column, type=_arrow(kind)) for (_, kind, *_), column in zip(described, columns, strict=True)
    ]
    given = pa.table(arrays, names=[name for name, *_ in described])
    names = ", ".join(given.column_names)
    cursor.register("given", given)
    cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM given")
    cursor.unregister("given")


def _arrow(kind: str) -> Any:
    import pyarrow as pa

    plain = {
        "BIGINT": pa.int64(),
        "INTEGER": pa.int32(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "VARCHAR": pa.string(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"),
    }
    return pa.list_(plain[kind.removesuffix("[]")]) if kind.endswith("[]") else plain[kind]


def counted(store: Store) -> dict[str, int]:
    """Rows by fact table, for a line under the figures."""
    cursor = store.cursor()
    found = Counter[str]()
    for table in store.columns:
        [(rows,)] = cursor.execute(f"SELECT count(*) FROM {table}").fetchall()
        found[table] = rows
    return dict(found.most_common())


def many_initiatives(store: Store, wanted: int, query: str) -> None:
    """Copy every initiative's rows in place until there are so many; for a query only, they have no chain.

    Only the tables that the query names are filled.
    """
    cursor = store.cursor()
    [(there,)] = cursor.execute("SELECT count(DISTINCT initiative) FROM initiative").fetchall()
    for table, columns in store.columns.items():
        if "initiative" in columns and re.search(rf"\b{table}\b", query):
            names = ["seq", "recorded_at", "actor", *columns]
            chosen = ["initiative || '-copy-' || n" if name == "initiative" else name for name in names]
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(chosen)} "
                f"FROM {table}, range(1, ?) copies(n) WHERE initiative IS NOT NULL",
                [-(-wanted // there)],
            )
