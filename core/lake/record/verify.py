"""Recompute the chain and every digest, and name the first entry that is not what was recorded."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import duckdb

from core.domain.chain import GENESIS, Entry, content_digest, entry_digest, single_step_digest
from core.lake.directory import changed_outside
from core.lake.store import Store, told


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
    "batch_reading": FileTable("predictions"),
    "batch_intake": FileTable(
        "predictions", path="given_path", sha256="given_sha256", where="given_path <> ''"
    ),
    "decay_fit": FileTable("decay"),
    "prediction_outcomes": FileTable("decay"),
    "decay_run": FileTable(
        "decay", path="slices_path", sha256="slices_sha256", where="slices_path IS NOT NULL"
    ),
    "model_file": FileTable("models"),
    "explanation": FileTable("explanations"),
    "trade_off": FileTable("trade-offs"),
    "evaluation": FileTable("evaluations"),
}
"""Fact table -> its files. A table that keeps files adds one line; its rows have `initiative`."""


_BESIDE = FileTable(
    "beside", "'beside/' || initiative || '/' || beside || '.json'", sha256="beside", where="beside <> ''"
)
"""Values out of files that stand beside a table's rows."""


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
    beside = [(table, _BESIDE) for table, columns in store.columns.items() if "beside" in columns]
    for table, kept in (*FILE_TABLES.items(), *beside):
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
    named = {"evidence_purged": "p.sha256 = f.sha256", "data_purge": "list_contains(p.files, f.sha256)"}
    asked = [
        f"EXISTS (SELECT 1 FROM {table} p WHERE p.initiative = f.initiative AND {same} AND p.seq > f.seq)"
        for table, same in named.items()
        if table in store.columns
    ]
    return " OR ".join(asked) or "false"


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
        for kept in (*FILE_TABLES.values(), _BESIDE)
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


def drop_purged_rows(store: Store, initiative: str) -> None:
    """Remove the files of an initiative that the record says are purged and that nobody holds any more."""
    files = known_files(store.cursor(), store)
    held = {file.path for file in files if not file.purged}
    for file in files:
        if file.purged and file.initiative == initiative and file.path not in held:
            (store.folder / file.path).unlink(missing_ok=True)
            for joined in (store.folder / "joined").glob(f"*-{file.sha256[:16]}-*"):
                joined.unlink(missing_ok=True)
    shutil.rmtree(store.folder / "counts", ignore_errors=True)  # worked out of rows; made anew when asked


Tuples = list[tuple]  # type: ignore[type-arg]
_MOST_NOTES = 20


@dataclass(frozen=True)
class Break:
    """The first broken entry; `seq` is None where what is broken belongs to no entry."""

    seq: int | None
    subject: str
    problem: str


@dataclass(frozen=True)
class Verification:
    """What was verified.

    Attributes
    ----------
    entries, files, purged
        Entries of the record, files hashed or made again, and files forgotten on purpose, which are not
        missed.
    first_break
        The first entry that is not what was recorded, by itself or by its file; None where all is whole.
    notes
        What is no break but worth a look: files in the store's folders that no entry names, a clock that
        lies behind the record.
    """

    entries: int
    files: int
    first_break: Break | None
    purged: int = 0
    notes: tuple[str, ...] = field(default=())


def verify_store(store: Store) -> Verification:
    """Recompute the whole chain, the content of every entry, and the digests of all files.

    Reads each fact table once. Where an entry is broken, only files of entries before it are hashed: what
    comes after it cannot be trusted to name the right ones.
    """
    cursor = store.cursor()
    try:
        entries = cursor.execute("SELECT * FROM record ORDER BY seq").fetchall()
        found = _first_broken_entry(cursor, store, entries)
        known = known_files(cursor, store)
        forged, unrecorded = _unrecorded(cursor) if "membership" in store.columns else (None, [])
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        return Verification(0, 0, Break(None, "record", f"its tables cannot be read: {reason}"))
    if found is not None:
        known = [file for file in known if found.seq is not None and file.seq < found.seq]
    files, purged, broken, problem = verified_files(store, known)
    if broken is not None:
        found = Break(broken.seq, broken.initiative, problem)
    found = found or forged
    from core.lake.monitoring.readings import joined_files  # numbers: nothing that only decides needs them

    joined = joined_files(store) if found is None else {}
    files += len(joined)
    for path in (path for path, right in joined.items() if not right):
        found = found or Break(None, path, "holds other rows than its predictions and outcomes: delete it")
    lost = unknown_files(store, known) if found is None else []
    notes = [f"file {path} belongs to no entry of the record" for path in lost[:_MOST_NOTES]]
    if len(lost) > _MOST_NOTES:
        notes.append(f"and {len(lost) - _MOST_NOTES:,} more files that belong to no entry")
    if unrecorded:
        notes += [f"directory, {person}: {what}" for person, what in unrecorded[:_MOST_NOTES]]
    return Verification(len(entries), files, found, purged, tuple(notes))


def _unrecorded(cursor: duckdb.DuckDBPyConnection) -> tuple[Break | None, list[tuple[str, str]]]:
    """Where the directory says what the record does not: a break where the founder's roles stand there.

    In an older store it is a note: its directory was there before anybody's roles were recorded.
    """
    known = (
        "SELECT count(*), count(*) FILTER (person = (SELECT actor FROM record WHERE seq = 1)) FROM membership"
    )
    some, founder = cursor.execute(known).fetchall()[0]
    found = changed_outside(cursor) if some else []
    if not found or not founder:
        return None, found
    person, what = found[0]
    return Break(None, f"directory, {person}", what), []


def _first_broken_entry(cursor: duckdb.DuckDBPyConnection, store: Store, entries: Tuples) -> Break | None:
    contents = _contents(cursor, store)
    in_chain, previous, last = _broken_link(entries, contents)
    stray = _stray_row(entries, contents)
    if stray is not None and (in_chain is None or 0 < (stray.seq or 0) < (in_chain.seq or 0)):
        return stray
    return in_chain or _broken_head(cursor, entries, last, previous)


def _broken_link(entries: Tuples, contents: dict[str, dict[int, object]]) -> tuple[Break | None, str, int]:
    """The first entry that is broken in itself or does not follow, the last digest, and its number."""
    previous, last = GENESIS, 0
    for seq, at, actor, action, subject, table, content, previous_digest, digest, by in entries:
        problem, expected = "", last + 1
        if seq is None or seq > expected:
            return Break(expected, subject, f"entry {expected} is missing"), previous, last
        if seq < expected:
            return Break(seq, subject, f"there are two entries {seq}"), previous, last
        recorded = contents.get(table, {}).get(seq)
        if recorded is None:
            problem = f"its row in {table} is gone"
        elif recorded != ((at, actor), content):
            problem = f"its row in {table} is not what was recorded"
        elif previous_digest != previous:
            problem = "it does not follow the entry before it"
        elif not _follows(previous, Entry(seq, at, actor, action, subject, content, credential=by), digest):
            problem = "its own digest does not match"
        if problem:
            return Break(seq, subject, problem), previous, last
        previous, last = digest, seq
    return None, previous, last


def _follows(previous: str, entry: Entry, digest: str) -> bool:
    return digest == entry_digest(previous, entry) or digest == single_step_digest(previous, entry)


def _stray_row(entries: Tuples, contents: dict[str, dict[int, object]]) -> Break | None:
    """The first row that no entry speaks of."""
    owner = {entry[0]: entry[5] for entry in entries}
    stray = [(seq, table) for table, rows in contents.items() for seq in rows if owner.get(seq) != table]
    if not stray:
        return None
    # A row without a place in the order comes last: where it was moved from is the first thing broken.
    seq, table = min(stray, key=lambda pair: ((pair[0] or 0) < 1, pair[0] or 0))
    return Break(seq, table, f"a row in {table} belongs to no entry")


def _broken_head(cursor: duckdb.DuckDBPyConnection, entries: Tuples, last: int, digest: str) -> Break | None:
    heads = cursor.execute("SELECT seq, digest, recorded_at FROM head").fetchall()
    if len(heads) == 1 and heads[0][:2] == (last, digest) and (not last or heads[0][2] == entries[-1][1]):
        return None
    if len(heads) == 1 and heads[0][0] is not None and heads[0][0] > last:
        return Break(last + 1, "head", f"entry {last + 1} is missing: the head counts {heads[0][0]:,}")
    return Break(last, "head", "the head of the record does not match its last entry")


def _contents(cursor: duckdb.DuckDBPyConnection, store: Store) -> dict[str, dict[int, object]]:
    """Table -> seq -> ((recorded_at, actor), content digest), recomputed from the fact rows."""
    contents: dict[str, dict[int, object]] = {}
    for table, columns in store.columns.items():
        names = ", ".join(("seq", "recorded_at", "actor", *columns))
        grouped: dict[int, Tuples] = {}
        for row in cursor.execute(f"SELECT {names} FROM {table} ORDER BY seq").fetchall():
            grouped.setdefault(row[0], []).append(row)
        contents[table] = {seq: _content(table, columns, rows) for seq, rows in grouped.items()}
    return contents


def _content(table: str, columns: Iterable[str], rows: Tuples) -> object:
    origins = {row[1:3] for row in rows}
    try:
        kept = [dict(zip(columns, row[3:], strict=True)) for row in rows]
        digest = content_digest(table, [told(table, row) for row in kept])
    except (TypeError, ValueError):  # a value that nothing could have recorded, such as NaN
        digest = ""
    return (origins.pop() if len(origins) == 1 else None, digest)
