"""The files that the record knows: where each lies, what its digest is, and whether it is still so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from core.lake.store import Store


@dataclass(frozen=True)
class FileTable:
    """How a fact table names its files. All parts but `folder` are SQL over the table's own columns.

    Attributes
    ----------
    folder
        Folder below the store's in which the files lie; a file there that no row names is noted.
    path
        Path below the store's folder.
    sha256
        Digest of the content.
    where
        Which rows have a file.
    """

    folder: str
    path: str = "path"
    sha256: str = "sha256"
    where: str = "true"


FILE_TABLES: Mapping[str, FileTable] = {
    "evidence": FileTable("evidence", path="'evidence/' || sha256", where="file_name IS NOT NULL"),
    "prediction_batch": FileTable("predictions"),
    "decay_fit": FileTable("decay"),
    "prediction_outcomes": FileTable("decay"),
    "decay_run": FileTable(
        "decay", path="slices_path", sha256="slices_sha256", where="slices_path IS NOT NULL"
    ),
    "model_file": FileTable("models"),
    "explanation": FileTable("explanations"),
}
"""Fact table -> its files. A table that keeps files adds one line; its rows have `initiative`."""


@dataclass(frozen=True)
class KnownFile:
    """A file that an entry of the record names; `purged` when it was forgotten on purpose since."""

    seq: int
    initiative: str
    table: str
    path: str
    sha256: str
    purged: bool


def known_files(
    cursor: duckdb.DuckDBPyConnection, store: Store, most_seq: int | None = None
) -> list[KnownFile]:
    """Every file that the record names, in the order of its entries, up to `most_seq` where given."""
    found = []
    for table, kept in FILE_TABLES.items():
        if table in store.columns:
            query = (
                f"SELECT f.seq, f.initiative, '{table}', f.path, f.sha256, {_purged(store)} "
                f"FROM (SELECT seq, initiative, {kept.path} AS path, {kept.sha256} AS sha256 FROM {table} "
                f"WHERE {kept.where} AND ($most IS NULL OR seq <= $most)) f"
            )
            found += cursor.execute(query, {"most": most_seq}).fetchall()
    return [KnownFile(*row) for row in sorted(found)]


def _purged(store: Store) -> str:
    """Whether the initiative had its copy of this content forgotten after the entry that brought it."""
    if "evidence_purged" not in store.columns:
        return "false"
    return (
        "EXISTS (SELECT 1 FROM evidence_purged p "
        "WHERE p.initiative = f.initiative AND p.sha256 = f.sha256 AND p.seq > f.seq)"
    )


def problem_with(store: Store, file: KnownFile) -> str:
    """What is wrong with a file, or nothing."""
    path = store.folder / file.path
    if not path.is_file():
        return f"file {path.name} is gone"
    with path.open("rb") as opened:
        if hashlib.file_digest(opened, "sha256").hexdigest() != file.sha256:
            return f"file {path.name} is not what was recorded"
    return ""


def unknown_files(store: Store, known: Iterable[KnownFile]) -> list[str]:
    """Files in the folders of the registry that no entry names, or that should be there no more."""
    wanted = {file.path for file in known if not file.purged}
    lying = (
        path.relative_to(store.folder).as_posix()
        for kept in FILE_TABLES.values()
        for path in (store.folder / kept.folder).rglob("*")
        if path.is_file()
    )
    return sorted(path for path in set(lying) if path not in wanted)


def verified_files(store: Store, files: Iterable[KnownFile]) -> tuple[int, int, KnownFile | None, str]:
    """Hash each file once: files verified, files purged, and the first broken one with what is wrong."""
    expected = list(files)
    still = {(file.path, file.sha256) for file in expected if not file.purged}
    purged = {(file.path, file.sha256) for file in expected} - still
    done: set[tuple[str, str]] = set()
    for file in expected:
        key = (file.path, file.sha256)
        if key in still and key not in done:
            done.add(key)
            problem = problem_with(store, file)
            if problem:
                return len(done), len(purged), file, problem
    return len(done), len(purged), None, ""


def drop_if_purged(store: Store, sha256: str) -> bool:
    """Remove an evidence file that nobody holds any more; False where somebody still does."""
    files = [file for file in known_files(store.cursor(), store) if file.sha256 == sha256]
    if any(not file.purged for file in files):
        return False
    for path in {file.path for file in files if file.table == "evidence"}:
        (store.folder / path).unlink(missing_ok=True)
    return True
