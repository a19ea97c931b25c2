"""Versioned migrations: numbered SQL files, each applied once, in one transaction."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from core.domain.errors import BrokenRecord

_FOLDER = Path(__file__).parent / "migrations"


def migrate(connection: duckdb.DuckDBPyConnection, folder: Path = _FOLDER) -> int:
    """Bring the tables up to the newest migration and return its number.

    Raises
    ------
    BrokenRecord
        The store was made by a newer version, or a migration that was applied has been changed since.
    """
    cursor = connection.cursor()
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
    return len(files)


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
