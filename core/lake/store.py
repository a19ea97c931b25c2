"""The store: one DuckDB file, its migrations, its Parquet and evidence folders; opened and appended to."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import duckdb

from core.domain.chain import Entry, Fact, Row, canonical, content_digest, entry_digest
from core.domain.errors import BadInput, BrokenRecord, Busy, Cancelled, Conflict
from core.domain.facts import measured, models, process, record, rules, work
from core.domain.facts.recorded import ORIGIN, Recorded, columns_of, name_of
from core.domain.moment import Moment, require_utc
from core.ground import NumberAside, with_values, without_values
from core.lake.memory import KeptFacts, KeptTables, Memory, Part

TABLES: Mapping[str, type[Recorded]] = {
    kind.table: kind
    for room in (process, rules, models, measured, work, record)
    for kind in vars(room).values()
    if isinstance(kind, type) and issubclass(kind, Recorded) and "table" in vars(kind)
}
"""Every fact table with its class."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_ALTERS = re.compile(r"^[ \t]*(ALTER\b.*)", re.MULTILINE | re.IGNORECASE)
_ADDS = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+) [A-Z]+(?:\[\])?(?: DEFAULT ('[^']*'|\d+))?;")
_KINDS: Mapping[object, tuple[str, ...]] = {
    str: ("VARCHAR",),
    int: ("BIGINT", "INTEGER"),
    float: ("DOUBLE",),
    bool: ("BOOLEAN",),
    datetime: ("TIMESTAMP",),
    date: ("DATE", "VARCHAR"),  # the days of business KPIs are kept as YYYY-MM-DD
}
"""Type of a field -> types of a column."""


def migrate(cursor: duckdb.DuckDBPyConnection, folder: Path = _MIGRATIONS) -> bool:
    """Bring the tables up to the newest migration, and say whether anything was missing."""
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


@cache
def added_columns(folder: Path = _MIGRATIONS) -> Mapping[str, Mapping[str, object]]:
    """Fact table -> column that a later migration added -> what it gave to the rows that were there."""
    added: dict[str, dict[str, object]] = {}
    for file in sorted(folder.glob("[0-9]*.sql")):
        for statement in _ALTERS.findall(file.read_text(encoding="utf-8")):
            found = _ADDS.fullmatch(statement)
            if found is None:
                raise BrokenRecord(
                    f"migration {file.name} alters a table in a way that no digest allows for",
                    remedy="Add a column: ALTER TABLE finding ADD COLUMN cause VARCHAR DEFAULT '';",
                )
            table, column, default = found.groups()
            added.setdefault(table, {})[column] = ast.literal_eval(default or "None")
    return added


def told(table: str, row: Row) -> Row:
    """What the digest of a row is over: all of it but what is empty in a column that was added later.

    So a row keeps the digest that it was recorded with, whatever columns its table gets.
    """
    empty = added_columns().get(table)
    if not empty:
        return row
    return {name: value for name, value in row.items() if name not in empty or value != empty[name]}


def require_classes(tables: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse tables as migrated that are not those of the classes in `core.domain.facts`.

    Parameters
    ----------
    tables
        Fact table -> column -> type, without the columns that every fact has.
    """
    for table in sorted({*tables, *TABLES}):
        columns, fields = tables.get(table, {}), _fields(table) if table in TABLES else {}
        if set(columns) != set(fields) or any(columns[name] not in fields[name] for name in columns):
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


DATABASE = "governance.duckdb"
NOT_FACTS = ("record", "head", "directory", "known_name", "migration", "answered")
"""Tables beside the facts."""
WORKROOM = ".work-"
STOPPED = "it was stopped, and nothing of it is kept"
_POLL_SECONDS = 0.1
_OPEN_SECONDS = 10.0
_ATTEMPTS = 5
_LINES = 200
"""Rows that one statement inserts."""


_FOLLOW = """
    UPDATE directory SET team = coalesce(m.team, directory.team), roles = coalesce(m.roles, directory.roles)
    FROM (
        SELECT person, arg_max(team, seq) AS team, arg_max(roles, seq) AS roles FROM membership
        WHERE list_contains(?, person) GROUP BY person
    ) m WHERE m.person = directory.actor AND (m.team <> directory.team OR m.roles <> directory.roles)
"""
# What the directory says of teams and roles follows the record, so that an edit by hand is found.

Cursor = duckdb.DuckDBPyConnection
Beside = Callable[[Cursor], None]


class Store:
    """An open store. One process holds it; `cursor()` per request and rerun.

    Parameters
    ----------
    connection
        DuckDB connection, migrated.
    folder
        Where Parquet batches and evidence files lie.
    catalog
        Attached database that keeps the tables, such as a DuckLake; empty for the connection's own.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path, catalog: str = "") -> None:
        self._connection = connection
        self._catalog = catalog
        self._appending = threading.Lock()
        self.folder = folder
        self.salt: Callable[[], str] = partial(secrets.token_hex, 16)  # a demo is the same in every build
        self.stopping = threading.Event()
        self.columns = _columns(self.cursor())
        self.kept = KeptFacts()
        self.memory = Memory()
        self.counts = KeptTables(folder / "counts")

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of one's own to the same database."""
        return _cursor(self._connection, self._catalog)

    def close(self) -> None:
        """Let go of the file, and of what rests on it."""
        self.memory.forget()
        self._connection.close()

    def head(self) -> int:
        """Last `seq` of the record; 0 while it is empty."""
        return _head(self.cursor())[0]

    def present(self, clock: datetime) -> Moment:
        """All that is on record, seen from `clock` (UTC), or from the newest entry if that lies ahead of it.

        The order of the entries decides what is read; a clock only says on which day we stand. We never stand
        before what is read: that is the time which the next entry gets, so that what is decided now and
        decided again from the record is decided on one day.
        """
        require_utc(clock)
        return _present(_head(self.cursor()), clock)

    def moment(self, at: datetime) -> Moment:
        """What was recorded up to `at` (UTC), seen from `at`."""
        require_utc(at)
        query = "SELECT coalesce(max(seq), 0) FROM record WHERE recorded_at <= ?"
        return Moment(int(_row(self.cursor(), query, [_naive(at)])[0]), at)

    @contextmanager
    def workroom(self) -> Iterator[Path]:
        """A folder on the store's own disk, so that a file moves from there at once; gone afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=WORKROOM) as made:
            yield Path(made)

    @contextmanager
    def stoppable(self, cancelled: threading.Event | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose queries end when `cancelled` is set, or when the store is about to close.

        Raises
        ------
        Cancelled
            It was stopped.
        """
        cursor, done = self.cursor(), threading.Event()
        asked = [event for event in (self.stopping, cancelled) if event]

        def watch() -> None:
            while not done.wait(_POLL_SECONDS):
                if any(event.is_set() for event in asked):
                    cursor.interrupt()  # again and again: between two queries it is forgotten

        watching = threading.Thread(target=watch, name="stoppable", daemon=True)
        watching.start()
        try:
            yield cursor
            require_going(*asked)
        except duckdb.InterruptException as error:
            raise Cancelled(STOPPED) from error
        finally:
            done.set()
            watching.join()
            cursor.close()

    def append(
        self,
        facts: Sequence[Fact],
        *,
        actor: str,
        at: datetime,
        unchanged: Mapping[str, int] | None = None,
        credential: str = "",
        beside: Beside | None = None,
    ) -> None:
        """Append facts to the record, all or none.

        The one way to write a fact. The head row is updated inside the transaction, so that two writers
        cannot both succeed; the loser tries again. Time never runs backwards in the record: an entry
        carries the later of `at` and its predecessor's time.

        `unchanged` maps subjects to the entry up to which they were read: if anything was recorded of one
        since, the first decision stands and this one is refused. `credential` is by what the actor was known;
        `beside` writes what stands beside the record in the same transaction, such as a name.

        Raises
        ------
        Conflict
            A fact marked `first` was recorded before, a subject has changed, or others kept writing.
        """
        self.append_next(
            lambda _: facts, actor=actor, at=at, unchanged=unchanged, credential=credential, beside=beside
        )

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
        """Append the facts that `make` gives from all that is on record, and return them.

        As `append`, for what rests on what is there already, such as the next number: nobody else's entry
        comes between what `make` reads and what it leads to. It may be asked again where another process
        wrote meanwhile, and must not append itself.
        """
        require_utc(at)
        with self._appending:
            for _ in range(_ATTEMPTS):
                cursor, laid = self.cursor(), list[Path]()
                cursor.begin()
                try:
                    _refuse_changed(cursor, unchanged or {})
                    head = _head(cursor)
                    moment = _present(head, at)
                    facts = [self._without_values(fact, laid) for fact in make(moment)]
                    seq = self._append_all(cursor, facts, actor, credential, moment, head[2])
                    _keep_key(cursor, moment.seq, seq, moment.at)
                    if beside is not None and facts:
                        beside(cursor)
                    cursor.commit()
                    self.kept.settle(seq)
                    return facts
                except duckdb.TransactionException:
                    self._undo(cursor, laid)
                except BaseException:
                    self._undo(cursor, laid)
                    raise
                finally:
                    cursor.close()
        raise Busy("others kept writing to the record", remedy="Try again.")

    def _append_all(
        self,
        cursor: duckdb.DuckDBPyConnection,
        facts: Sequence[Fact],
        actor: str,
        credential: str,
        moment: Moment,
        previous: str,
    ) -> int:
        """Put facts after all that the moment holds, each with its time; the new head."""
        if not facts:
            return moment.seq
        seq, at = moment.seq, _naive(moment.at)
        _refuse_second(cursor, facts)
        entries: list[list[object]] = []
        rows: dict[str, list[list[object]]] = {}
        parts: set[Part] = set()
        for fact in facts:
            seq += 1
            stored = [self._as_stored(fact.table, row) for row in fact.rows]
            content = content_digest(fact.table, [told(fact.table, row) for row in stored])
            header = (seq, at, actor, fact.action, fact.subject, content)
            digest = entry_digest(previous, Entry(*header, credential=credential))
            said = [seq, at, actor, fact.action, fact.subject, fact.table, content, previous, digest]
            entries.append([*said, credential])
            rows.setdefault(fact.table, []).extend([seq, at, actor, *row.values()] for row in stored)
            parts |= {(fact.table, str(row.get("initiative") or "")) for row in stored}
            previous = digest
        _insert(cursor, "record", entries)
        for table, lines in rows.items():
            names = ", ".join(("seq", "recorded_at", "actor", *self.columns[table]))
            _insert(cursor, f"{table} ({names})", lines)
        if people := [row[3] for row in rows.get("membership", ())]:
            cursor.execute(_FOLLOW, [people])
        cursor.execute("UPDATE head SET seq = ?, recorded_at = ?, digest = ?", [seq, at, previous])
        self.kept.grows(parts, moment.seq, seq)
        return seq

    def _without_values(self, fact: Fact, laid: list[Path]) -> Fact:
        """A fact as the record keeps it: values out of files go beside it, where its table names a file."""
        bare = [{name: _bare(value) for name, value in row.items()} for row in fact.rows]
        if all(kept == row for kept, row in zip(bare, fact.rows, strict=True)):
            return fact
        if "beside" in self.columns[fact.table]:
            left = {
                name_of(TABLES[fact.table], row): {
                    name: _full(value) for name, value in row.items() if kept[name] != value
                }
                for kept, row in zip(bare, fact.rows, strict=True)
            }
            content = canonical({"salt": self.salt(), "rows": left}).encode()
            file = beside_file(self.folder, str(bare[0]["initiative"]), hashlib.sha256(content).hexdigest())
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            laid.append(file)
            bare = [{**row, "beside": file.stem} for row in bare]
        return replace(fact, rows=tuple(bare))

    def _undo(self, cursor: duckdb.DuckDBPyConnection, laid: Sequence[Path]) -> None:
        for file in laid:
            file.unlink(missing_ok=True)
        self.kept.forget_growth()
        cursor.rollback()

    def _as_stored(self, table: str, row: Row) -> Row:
        """The row as it will be read back, so that its digest is that of what is kept."""
        columns = self.columns[table]
        if set(row) != set(columns):
            raise ValueError(f"{table} keeps {sorted(columns)}, not {sorted(row)}")
        return {column: _typed(row[column], kind) for column, kind in columns.items()}


def require_going(*stopped: threading.Event) -> None:
    """End work here where it is to stop.

    Raises
    ------
    Cancelled
        One of the events is set.
    """
    if any(event.is_set() for event in stopped):
        raise Cancelled(STOPPED, remedy="Start it again when it suits.")


def open_store(folder: Path) -> Store:
    """Open the store in `folder`, making it if there is none, and bring its tables up to date.

    Raises
    ------
    Busy
        Another process holds the file.
    BrokenRecord
        The file is damaged, or made by a newer version of the portal.
    """
    try:
        _made_private(folder)
    except OSError as error:
        raise BadInput(
            f"the store folder cannot be made: {error.strerror}",
            where=str(folder),
            remedy="Set GOVERNANCE_STORE to a folder that you may write to.",
        ) from error
    return migrated(_connect(folder / DATABASE), folder)


def _made_private(folder: Path) -> None:
    """A folder that its owner alone opens, and so all that lies in it; what is made from now on, too."""
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, *folder.iterdir()):
        with suppress(FileNotFoundError):  # what another process lays there and takes away
            known = place.is_dir() or place.name.startswith(DATABASE)  # a key that others could read is told
            if known and place.stat().st_mode & 0o077 and not place.is_symlink():
                place.chmod(0o700 if place.is_dir() else 0o600)


def open_memory_store(folder: Path) -> Store:
    """Open a store in memory, with its files in `folder`; what the tests use."""
    # One thread: what is asked here is small, and more threads only wait for each other.
    return migrated(duckdb.connect(":memory:", config={"threads": 1}), folder)


def migrated(connection: duckdb.DuckDBPyConnection, folder: Path, catalog: str = "") -> Store:
    """The store with its tables up to date: they are compared with their classes when they have changed."""
    changed = migrate(_cursor(connection, catalog))
    store = Store(connection, folder, catalog)
    if changed:
        require_classes(store.columns)
    return store


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + _OPEN_SECONDS
    while True:
        try:
            return duckdb.connect(str(path))
        except duckdb.IOException as error:
            if "could not set lock" not in str(error).lower():
                raise _damaged(path, error) from error
            if time.monotonic() > deadline:
                raise Busy(
                    "another process holds the store",
                    where=str(path),
                    remedy="Try again when it is done, or stop it.",
                ) from error
            time.sleep(0.1)
        except duckdb.Error as error:
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> BrokenRecord:
    reason = str(error).splitlines()[0]
    return BrokenRecord(
        f"the store cannot be read: {reason}", where=str(path), remedy="Restore it from a backup."
    )


def _cursor(connection: duckdb.DuckDBPyConnection, catalog: str) -> duckdb.DuckDBPyConnection:
    """A connection of one's own; a cursor does not take over which catalog was chosen before it."""
    cursor = connection.cursor()
    if catalog:
        cursor.execute(f"USE {catalog}")
    return cursor


def _columns(cursor: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Fact table -> column -> type, without the three that every fact carries."""
    rows = cursor.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal AND database_name = current_database() ORDER BY table_name, column_index"
    ).fetchall()
    kept: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        if table not in NOT_FACTS and column not in ("seq", "recorded_at", "actor"):
            kept.setdefault(table, {})[column] = kind
    return kept


def beside_file(folder: Path, initiative: str, sha256: str) -> Path:
    """Where values lie that stand beside the record."""
    return folder / "beside" / initiative / f"{sha256}.json"


def _bare(value: object) -> object:
    """A value without what is marked as out of somebody's file."""
    if isinstance(value, str):
        return without_values(value)
    if isinstance(value, NumberAside):
        return None
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return tuple(map(_bare, value))
    return value


def _full(value: object) -> object:
    """A value with what is marked so, as it is told."""
    if isinstance(value, str):
        return with_values(value)
    return [_full(one) for one in value] if isinstance(value, tuple) else value


def _typed(value: object, kind: str) -> object:
    if value is None:
        return None
    if kind == "DOUBLE":
        return float(value)  # type: ignore[arg-type]
    if kind == "VARCHAR[]":
        return list(value)  # type: ignore[call-overload]
    if isinstance(value, datetime):
        return _naive(value) if value.tzinfo else value
    return value


_KEY: ContextVar[tuple[str, str] | None] = ContextVar("key", default=None)


@contextmanager
def keyed(key: str, asked: str) -> Iterator[None]:
    """What is appended within is kept with the key that it came with, and the digest of what was asked."""
    token = _KEY.set((key, asked))
    try:
        yield
    finally:
        _KEY.reset(token)


def _keep_key(cursor: duckdb.DuckDBPyConnection, before: int, seq: int, at: datetime) -> None:
    """Keep the key in the transaction of the first entry that it leads to."""
    known = _KEY.get()
    if known is not None and seq > before:
        query = "INSERT INTO answered SELECT ?, ?, ?, ?, NULL WHERE ? NOT IN (SELECT key FROM answered)"
        cursor.execute(query, [*known, seq, _naive(at), known[0]])


def _refuse_changed(cursor: duckdb.DuckDBPyConnection, unchanged: Mapping[str, int]) -> None:
    query = "SELECT count(*) FROM record WHERE seq > ? AND split_part(subject, '/', 1) = ?"
    for subject, seq in unchanged.items():
        if _row(cursor, query, [seq, subject])[0]:
            raise Conflict(
                f"somebody else changed '{subject}' at the same moment",
                remedy="Look at it again, then decide.",
            )


def _refuse_second(cursor: duckdb.DuckDBPyConnection, facts: Sequence[Fact]) -> None:
    query = "SELECT count(*) FROM record WHERE action = ? AND subject = ?"
    said: set[tuple[str, str]] = set()
    for fact in facts:
        named = (fact.action, fact.subject)
        if fact.first and (named in said or _row(cursor, query, list(named))[0]):
            raise Conflict(
                f"'{fact.subject}' is there already ({fact.action.replace('_', ' ')})",
                remedy="Choose another name, or go on with what is there.",
            )
        said.add(named)


def _insert(cursor: duckdb.DuckDBPyConnection, target: str, lines: Sequence[Sequence[object]]) -> None:
    """Insert lines of values, many a statement: each statement takes longer than what it inserts."""
    for start in range(0, len(lines), _LINES):
        part = lines[start : start + _LINES]
        one = f"({', '.join('?' * len(part[0]))})"
        # Table and column names come from the migrations, never from a user.
        cursor.execute(
            f"INSERT INTO {target} VALUES {', '.join([one] * len(part))}",
            [value for line in part for value in line],
        )


def _head(cursor: duckdb.DuckDBPyConnection) -> tuple[int, datetime, str]:
    """Number, time and digest of the last entry, also where the head was broken: verifying tells of that."""
    found = cursor.execute("SELECT seq, recorded_at, digest FROM head").fetchall()
    if not found or None in found[0]:
        found = cursor.execute(
            "SELECT seq, recorded_at, digest FROM record ORDER BY seq DESC LIMIT 1"
        ).fetchall()
    seq, newest, digest = found[0]
    return int(seq), newest, digest


def _present(head: tuple[int, datetime, str], clock: datetime) -> Moment:
    return Moment(head[0], max(clock, head[1].replace(tzinfo=UTC)))


def _row(cursor: duckdb.DuckDBPyConnection, query: str, values: list[object] | None = None) -> tuple:  # type: ignore[type-arg]
    return cursor.execute(query, values or []).fetchall()[0]


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def save_store(store: Store) -> None:
    """Write the tables of a store in memory beside its files, where `open_store` finds them.

    Building in memory spares a wait for the disk per entry; rows keep their order.
    """
    store.folder.mkdir(parents=True, exist_ok=True)
    # ATTACH takes no parameters; the path is ours, not a user's text, and is quoted all the same.
    path = str(store.folder / DATABASE).replace("'", "''")
    cursor = store.cursor()
    cursor.execute(f"ATTACH '{path}' AS saved")
    cursor.execute("COPY FROM DATABASE memory TO saved")
    cursor.execute("DETACH saved")
    cursor.close()
