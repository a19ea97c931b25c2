"""Versioned migrations: numbered SQL files, each applied once, in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import duckdb

from core.domain.errors import BrokenRecord
from core.domain.facts.recorded import ORIGIN, columns_of
from core.domain.facts.tables import TABLES

_FOLDER = Path(__file__).parent / "migrations"
_KINDS: Mapping[object, tuple[str, ...]] = {
    str: ("VARCHAR",),
    int: ("BIGINT", "INTEGER"),
    float: ("DOUBLE",),
    bool: ("BOOLEAN",),
    datetime: ("TIMESTAMP",),
    date: ("DATE", "VARCHAR"),  # the days of business KPIs are kept as YYYY-MM-DD
}
"""Type of a field -> types of a column."""


def migrate(cursor: duckdb.DuckDBPyConnection, folder: Path = _FOLDER) -> bool:
    """Bring the tables up to the newest migration, and say whether anything was missing.

    Raises
    ------
    BrokenRecord
        The store was made by a newer version, or a migration that was applied has been changed since.
    """
    cursor.execute("CREATE TABLE IF NOT EXISTS migration (version INTEGER, name VARCHAR, sha256 VARCHAR)")
    applied = dict(cursor.execute("SELECT name, sha256 FROM migration ORDER BY version").fetchall())
    files = sorted(folder.glob("[0-9]*.sql"))
    unknown = sorted(set(applied) - {file.name for file in files})
    if unknown:
        raise BrokenRecord(
            f"the store was made by a newer version of the portal (migration {unknown[-1]})",
            remedy="Update the portal.",
        )
    for file in files:
        _apply(cursor, file, applied.get(file.name))
    return len(applied) < len(files)


def _apply(cursor: duckdb.DuckDBPyConnection, file: Path, applied_digest: str | None) -> None:
    text = file.read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    if applied_digest == digest:
        return
    if applied_digest is not None:
        raise BrokenRecord(
            f"migration {file.name} was changed after it had been applied",
            remedy="Restore the file, and put the change into a new migration.",
        )
    cursor.begin()
    try:
        cursor.execute(text)
        cursor.execute("INSERT INTO migration VALUES (?, ?, ?)", [int(file.name[:4]), file.name, digest])
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise


def require_classes(tables: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse tables as migrated that are not those of the classes in `core.domain.facts`.

    Parameters
    ----------
    tables
        Fact table -> column -> type, without the columns that every fact has.

    Raises
    ------
    BrokenRecord
        A table, a column or a type differs.
    """
    for table in sorted({*tables, *TABLES}):
        columns, fields = tables.get(table, {}), _fields(table) if table in TABLES else {}
        if list(columns) != list(fields) or any(columns[name] not in fields[name] for name in columns):
            raise BrokenRecord(
                f"table {table} as migrated is not the one that core.domain.facts describes",
                remedy="Bring the class and a new migration together.",
            )


@cache
def _fields(table: str) -> dict[str, tuple[str, ...]]:
    hints = get_type_hints(TABLES[table])
    return {name: _column_types(hints[name]) for name in columns_of(TABLES[table]) if name not in ORIGIN}


def _column_types(hint: object) -> tuple[str, ...]:
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return _KINDS[str]
    if get_origin(hint) is tuple:
        return tuple(f"{kind}[]" for kind in _column_types(inner[0]))
    if inner:  # what may be None
        return _column_types(next(kind for kind in inner if kind is not type(None)))
    return _KINDS[hint]
