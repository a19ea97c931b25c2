"""Running a query: shared fragments in front, only the parameters it names, rows as mappings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from core.domain.moment import Moment

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
