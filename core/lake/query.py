"""Running a query: fragments in front, only the parameters it names; and a store without what is hidden."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import duckdb

from core.domain.chain import Fact
from core.domain.moment import Moment
from core.lake.memory import KeptFacts, Memory
from core.lake.store import TABLES, Beside, Store

Rows = list[dict[str, Any]]
T = TypeVar("T")
_FOLDER = Path(__file__).parent / "sql"
_PARAMETER = re.compile(r"\$([a-z_]+)")


@cache
def fragment(name: str) -> str:
    """Text of `core/lake/sql/NAME.sql`."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


GATES = (
    "current",
    "policy",
    "classified",
    "newest",
    "answers",
    "renewed_evidence",
    "sign_off_state",
    "proof_state",
    "waivers",
    "met",
    "gate_state",
)
"""Fragments on which one query about all gates stands, in their order; see also `core.lake.standing`."""


def asking(select: str, *fragments: str) -> str:
    """A query that stands on the fragments named: `WITH <fragments> <select>`."""
    return "WITH " + ",\n".join(fragment(name) for name in fragments) + "\n" + select


def fetch(cursor: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> Rows:
    """Run a query with the parameters it names and return its rows, column -> value."""
    used = _parameters(query)
    cursor.execute(query, {name: value for name, value in values.items() if name in used})
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_as(
    cursor: duckdb.DuckDBPyConnection, kind: type[T], query: str, values: Mapping[str, object]
) -> list[T]:
    """Run a query and return its rows as values of a class with slots, whose fields are the columns."""
    used = _parameters(query)
    cursor.execute(query, {name: value for name, value in values.items() if name in used})
    setters = [getattr(kind, column[0]).__set__ for column in cursor.description or ()]
    return [_made(kind, setters, row) for row in cursor.fetchall()]


def _made(kind: type[T], setters: Sequence[Callable[[object, object], None]], row: Sequence[object]) -> T:
    """A value made from a row: past the guard of a frozen class, in a third of the time."""
    made = object.__new__(kind)
    for put, value in zip(setters, row, strict=True):
        put(made, tuple(value) if isinstance(value, list) else value)
    return made


@lru_cache(maxsize=1024)
def _parameters(query: str) -> frozenset[str]:
    return frozenset(_PARAMETER.findall(query))


def moment_values(moment: Moment) -> dict[str, Any]:
    """Parameters `seq` and `day` of a moment."""
    return {"seq": moment.seq, "day": moment.day}


def seen(store: Store, hidden: frozenset[str]) -> Store:
    """The same store without what is of some initiatives: no question that reads it can tell of them.

    Whoever reads through it has a memory of their own; what is appended goes to the whole store.
    """
    if not hidden:
        return store
    with _LAYING:
        path = _lay_views(store.cursor(), store.columns)
    return store.memory.recall("seen", hidden, lambda: _Seen(store, hidden, path), room=_VIEWS)


class _Seen(Store):
    """A store through views that leave out what is of some initiatives."""

    def __init__(self, whole: Store, hidden: frozenset[str], path: str) -> None:
        self._whole, self._hidden, self._path = whole, " ".join(sorted(hidden)), path
        self.folder, self.columns, self.counts = whole.folder, whole.columns, whole.counts
        self.stopping, self.kept, self.memory = whole.stopping, KeptFacts(), Memory()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection that finds the views before the tables."""
        cursor = self._whole.cursor()
        cursor.execute(f"SET search_path = '{self._path}'")  # two names of ours
        cursor.execute("SET VARIABLE hidden = ?", [self._hidden])
        return cursor

    def present(self, clock: datetime) -> Moment:
        """As of the whole store: one moment means the same to everybody."""
        return self._whole.present(clock)

    def moment(self, at: datetime) -> Moment:
        """As of the whole store."""
        return self._whole.moment(at)

    def append_next(
        self,
        make: Callable[[Moment], Sequence[Fact]],
        *,
        actor: str,
        at: datetime,
        unchanged: Mapping[str, int] | None = None,
        credential: str = "",
        beside: Beside | None = None,
    ) -> Sequence[Fact]:
        """To the whole store."""
        return self._whole.append_next(
            make, actor=actor, at=at, unchanged=unchanged, credential=credential, beside=beside
        )


_VIEWS = 64
"""Sets of hidden initiatives whose readers are remembered."""
_LAYING = Lock()
_HIDDEN = "(SELECT unnest(string_split(getvariable('hidden'), ' ')) AS hidden)"


def _lay_views(cursor: duckdb.DuckDBPyConnection, columns: Mapping[str, Mapping[str, str]]) -> str:
    """Views of all tables that hold what is of initiatives; where to look for tables, the views first.

    A row is hidden by its initiative, an entry by what it is about, or by the row that it brought. The views
    are in a database of their own, in memory: nothing of them is in the store's file.
    """
    home = cursor.execute("SELECT current_database() || '.' || current_schema()").fetchall()[0][0]
    path = f"seen.main,{home}"
    if cursor.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = 'seen'").fetchall():
        return path
    apart = [
        f"SELECT seq FROM {home}.{table} SEMI JOIN {_HIDDEN} h ON h.hidden = initiative"
        for table, kind in TABLES.items()
        if "initiative" in columns[table] and not kind.subject.startswith("{initiative}")
    ]
    keys = {table: "f.initiative" for table, names in columns.items() if "initiative" in names}
    keys |= {"record": "split_part(f.subject, '/', 1)", "proposal": "f.about"}
    cursor.execute("ATTACH ':memory:' AS seen")
    for table, key in keys.items():
        more = f"WHERE f.seq NOT IN ({' UNION ALL '.join(apart)})" if table == "record" else ""
        shown = f"SELECT f.* FROM {home}.{table} f ANTI JOIN {_HIDDEN} h ON h.hidden = {key} {more}"
        cursor.execute(f"CREATE VIEW seen.main.{table} AS {shown}")
    return path
