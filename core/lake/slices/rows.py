"""Which rows of prediction files are sliced and by what: their columns, and the SQL that all counts share."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from core.analytics.slices.curves import ScoreCounts
from core.analytics.slices.rows import MISSING, Band, Condition
from core.domain.errors import BadInput, NotFound
from core.ground import Task
from core.lake.memory import KeptTables, Memory, are_large

Paths = Sequence[str | Path]
Rows = list[tuple[Any, ...]]
T = TypeVar("T")

SCAN = "read_parquet($paths, union_by_name = true, hive_partitioning = false)"
NOT_KEPT = KeptTables()
_FILES = Memory()
FEW_TEXTS = 200

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = (*_INTEGERS, *(f"U{name}" for name in _INTEGERS), "FLOAT", "DOUBLE", "DECIMAL")
WORDS = ("VARCHAR", "BOOLEAN", "ENUM")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def columns_of(cursor: duckdb.DuckDBPyConnection, paths: Paths) -> dict[str, str]:
    """Column names and types; also the one place where a missing or broken file shows."""
    if not paths:
        raise BadInput("there are no predictions to slice", remedy="Register a prediction batch first.")
    query = f"DESCRIBE SELECT * FROM {SCAN}"
    kinds = {tuple(known_of(cursor, [path], query)): path for path in reversed(paths)}
    rows = known_of(cursor, list(reversed(kinds.values())), query)
    return {row[0]: "LIST" if row[1].endswith("]") else row[1] for row in rows}


def type_of(feature: str, columns: Mapping[str, str]) -> str:
    if feature not in columns:
        raise NotFound(
            f"{feature!r} is not a column of these predictions", remedy=f"Use one of: {', '.join(columns)}."
        )
    return columns[feature]


def known_of(cursor: duckdb.DuckDBPyConnection, paths: Paths, query: str, **given: Hashable) -> Rows:
    """What a query over files gives, kept while they do not change: batches never do."""
    parameters = {"paths": [str(path) for path in paths], **given}
    return known(paths, (query, tuple(given.items())), lambda: run(cursor, query, parameters))


def known(paths: Paths, question: Hashable, work_out: Callable[[], Rows]) -> Rows:
    """What is known of files, or is worked out; kept while they do not change."""
    try:
        stats = [(str(path), os.stat(path)) for path in paths]  # noqa: PTH116 - twice as fast
    except OSError:  # files that cannot be told apart by time and size
        return work_out()
    state = tuple((path, stat.st_mtime_ns, stat.st_size, stat.st_ino) for path, stat in stats)
    return _FILES.recall("files", (question, state), work_out, room=4096)


def write_table(cursor: duckdb.DuckDBPyConnection, query: str, given: Mapping[str, Any], table: Path) -> None:
    """Write what a query gives as Parquet."""
    place = str(table).replace("'", "''")
    run(cursor, f"COPY ({query}) TO '{place}' (FORMAT parquet, COMPRESSION uncompressed)", given)


def run(cursor: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any]) -> Rows:
    """Rows of a query over files of predictions."""
    return read(cursor, query, parameters, lambda found: found.fetchall())


def read(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Mapping[str, Any],
    take: Callable[[duckdb.DuckDBPyConnection], T],
) -> T:
    """Run a query over files of predictions, and say what is wrong with them."""
    try:
        return take(cursor.execute(query, parameters))
    except duckdb.IOException as error:
        raise NotFound(
            "a prediction file cannot be opened",
            where=", ".join(parameters.get("paths", ())),
            remedy="Restore the file.",
        ) from error
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(
            f"the predictions cannot be read: {reason}", remedy="Check the batch's file."
        ) from error


def natural_order(values: Sequence[str | int]) -> list[tuple[bool, float, str]]:
    """Natural order: numbers by size, then words, missing last."""
    order = []
    for value in values:
        text = str(value)
        size = float(text) if _PLAIN_NUMBER.fullmatch(text) else math.inf
        order.append((value in (MISSING, -1), size, text))
    return order


def quoted(name: str) -> str:
    """A column name as SQL."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def number_sql(name: str) -> str:
    """SQL of a column as a number; NaN is no value."""
    return as_number(quoted(name))


def text_sql(name: str, kind: str) -> str:
    """SQL of a column as text; blank and NaN are missing, 1.0 reads 1 (a code with gaps became a float)."""
    return as_text(quoted(name), kind)


def as_number(column: str) -> str:
    """SQL of a quoted column, or of an expression, as a number."""
    return f"nullif(CAST({column} AS DOUBLE), CAST('NaN' AS DOUBLE))"


def as_text(column: str, kind: str) -> str:
    """SQL of a quoted column, or of an expression of this type, as text."""
    number = as_number(column)
    if kind in ("FLOAT", "DOUBLE"):
        whole = f"{number} = trunc({number}) AND abs({number}) < 1e15"
        integer = f"CAST(TRY_CAST({number} AS BIGINT) AS VARCHAR)"
        text = f"CASE WHEN {whole} THEN {integer} ELSE CAST({number} AS VARCHAR) END"
        return f"coalesce({text}, '{MISSING}')"
    text = f"CAST({column} AS VARCHAR)"
    return f"CASE WHEN {column} IS NULL OR trim({text}) = '' THEN '{MISSING}' ELSE {text} END"


_Kept = Sequence[object]
Where = Mapping[str, _Kept] | Mapping[Band, _Kept] | Mapping[str | Band, _Kept]


@dataclass(frozen=True)
class Kept:
    """Which rows are kept.

    Parameters
    ----------
    where
        Values kept, by feature or `Band`, as slice labels name them, "(missing)" included.
    conditions
        Further conditions; all hold. "!=" keeps missing values, a comparison of numbers leaves them out.
    since, until
        Days (UTC), both included; rows without a time are outside of any window.
    """

    where: Where = field(default_factory=dict)
    conditions: Sequence[Condition] = ()
    since: date | None = None
    until: date | None = None


EVERY_ROW = Kept()


@dataclass(frozen=True)
class PickedRows:
    """SQL pieces over one scan: `keys` name raw values, `named` makes slice values of them.

    `coded` are the places of keys that are codes of texts, the parameter `$codes0` and so on; `weight` is the
    column that says how many a row stands for.
    """

    task: Task
    by: tuple[str | Band, ...]
    keys: tuple[str, ...]
    named: tuple[str, ...]
    condition: str
    columns: Mapping[str, str]
    parameters: dict[str, Any]
    scan: str = SCAN
    coded: frozenset[int] = frozenset()
    weight: str = ""

    def given(self, query: str, **more: Any) -> dict[str, Any]:
        """The parameters that a query takes; it may not be handed others."""
        known = {**self.parameters, **more}
        return {name: value for name, value in known.items() if f"${name}" in query}

    @property
    def raws(self) -> tuple[str, ...]:
        """Names of the raw keys in what is scanned."""
        return tuple(f"raw{place}" for place in range(len(self.keys)))

    @property
    def values(self) -> str:
        """The raw values under their names, codes as the texts they stand for, with a comma behind each."""
        return "".join(
            f"$codes{place}[enum_code({raw}) + 1] AS {raw}, " if place in self.coded else f"{raw}, "
            for place, raw in enumerate(self.raws)
        )

    @property
    def slices(self) -> dict[str, str]:
        """SQL of the slice values, as `slice0`, `slice1` and so on."""
        return {f"slice{place}": name for place, name in enumerate(self.named)}

    @property
    def labelled(self) -> str:
        """The slice values under their names, with a comma behind each."""
        return "".join(f"{value} AS {name}, " for name, value in self.slices.items())

    def scanned(self, columns: str) -> str:
        """The one scan: raw keys and these columns of the rows that are kept."""
        chosen = "".join(f"{key} AS {raw}, " for key, raw in zip(self.keys, self.raws, strict=True))
        return f"SELECT {chosen}{columns} FROM {self.scan} WHERE {self.condition}"

    def of(self, cursor: duckdb.DuckDBPyConnection, paths: Paths) -> PickedRows:
        """The same of some of the files, with columns as all of them together have them.

        Texts of few values are keyed by a code: DuckDB looks it up once an entry of a dictionary page, and
        counts codes in a plain array.
        """
        own = columns_of(cursor, paths)
        keys, parameters = list(self.keys), {**self.parameters, "paths": [str(path) for path in paths]}
        coded = set()
        for place, item in enumerate(self.by if are_large(*paths) else ()):
            if isinstance(item, str) and own.get(item) == self.columns[item] == "VARCHAR":
                texts = _few_texts(cursor, paths, item)
                if texts:
                    parameters[f"codes{place}"] = texts
                    keys[place] = _code(item, f"codes{place}", len(texts))
                    coded.add(place)
        scan = SCAN if own == self.columns else f"(SELECT {_alike(own, self.columns)} FROM {SCAN})"
        return replace(self, keys=tuple(keys), parameters=parameters, scan=scan, coded=frozenset(coded))

    @property
    def yes(self) -> str:
        """SQL of the value that `outcome` has where it is positive."""
        return "1" if self.task == "multiclass" else "$positive"

    def outcome(self, name: str) -> str:
        """SQL of a prediction or label: a number, or with several classes 1 for the positive one, 0 else."""
        if name not in self.columns:
            return "CAST(NULL AS DOUBLE)"
        if self.task != "multiclass":
            return quoted(name)
        return f"CAST({self._class(name)} = $positive AS TINYINT)"

    @property
    def hit(self) -> str:
        """SQL of whether the class is the right one, behind a comma; nothing where two outcomes tell it."""
        if self.task != "multiclass" or "y_true" not in self.columns:
            return ""
        return f", {self._class('y_pred')} = {self._class('y_true')} AS hit"

    def _class(self, name: str) -> str:
        return f"nullif({text_sql(name, self.columns[name])}, '{MISSING}')"

    @property
    def score(self) -> str | None:
        """SQL of the finite score of the positive class; None where the files hold none."""
        positive = self.parameters["positive"]
        name = f"y_score_{positive}" if self.task == "multiclass" else "y_score"
        if name not in self.columns:
            return None
        score = number_sql(name)
        finite = f"CASE WHEN isfinite({score}) THEN {score} END"
        return f"1 - {finite}" if self.task == "binary" and positive == 0 else finite

    def ranked(self, score: str) -> str:
        """The scan of scores, with the label as a number and whether it is the positive one."""
        actual = as_number(self.outcome("y_true"))
        return self.scanned(f"{score} AS score, {actual} AS actual, {actual} = {self.yes} AS won")


def _few_texts(cursor: duckdb.DuckDBPyConnection, paths: Paths, name: str) -> list[str]:
    """The texts in a column where they are few; none where they are many."""
    query = f"SELECT DISTINCT {quoted(name)} FROM {SCAN} LIMIT {FEW_TEXTS + 2}"
    texts = sorted(text for (text,) in known_of(cursor, paths, query) if text is not None)
    return texts if len(texts) <= FEW_TEXTS else []


def _code(name: str, texts: str, count: int) -> str:
    """SQL of the code of a text. An ENUM, as it alone tells DuckDB how many values there can be."""
    kind = f"ENUM{tuple(map(str, range(count)))}" if count > 1 else "ENUM('0')"
    return f"map(${texts}::VARCHAR[], enum_range(NULL::{kind})::{kind}[])[{quoted(name)}]"


def _alike(own: Mapping[str, str], columns: Mapping[str, str]) -> str:
    """SQL of the columns of some files as all of them together have them."""
    return ", ".join(
        f"CAST({quoted(name) if name in own else 'NULL'} AS {kind}) AS {quoted(name)}"
        for name, kind in columns.items()
        if kind != "LIST"
    )


def pick_rows(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    positive: object | None,
    kept: Kept,
) -> PickedRows:
    """Put together what is to be scanned."""
    columns = columns_of(cursor, paths)
    type_of("y_pred", columns)
    parameters: dict[str, Any] = {"paths": [str(path) for path in paths]}
    if task != "regression":
        parameters["positive"] = _positive(task, positive)
    elif positive is not None:
        raise BadInput("a regression has no positive class", remedy="Leave it out.")
    keys = tuple(_key(item, columns, f"by{place}", parameters) for place, item in enumerate(by))
    named = tuple(
        as_text(f"raw{place}", columns[item]) if isinstance(item, str) else f"raw{place}"
        for place, item in enumerate(by)
    )
    condition = " AND ".join(_conditions(columns, kept, parameters))
    return PickedRows(task, tuple(by), keys, named, condition, columns, parameters)


def slice_keys(by: Sequence[str | Band], row: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Feature and value of each slice value of a row."""
    return tuple(
        (item, str(value)) if isinstance(item, str) else (item.feature, (*item.labels, MISSING)[value])
        for item, value in zip(by, row[: len(by)], strict=True)
    )


def _positive(task: Task, positive: object | None) -> object:
    if task == "multiclass":
        if positive is None:
            raise BadInput("no class was named", remedy="Name the class to hold against all others.")
        return str(positive)
    if str(positive) not in ("None", "0", "1"):
        raise BadInput(f"{positive!r} is not an outcome of a binary model", remedy="Use 0 or 1.")
    return 1.0 if positive is None else float(str(positive))


def _key(item: str | Band, columns: Mapping[str, str], name: str, parameters: dict[str, Any]) -> str:
    """SQL of one slice key: a category's raw value, or the index of a band (-1 when missing)."""
    if isinstance(item, str):
        type_of(item, columns)
        return quoted(item)
    if not type_of(item.feature, columns).startswith(NUMBERS):
        raise BadInput(
            f"{item.feature!r} holds no numbers to cut in bands", remedy="Slice by its values instead."
        )
    number = number_sql(item.feature)
    steps = []
    for place, cut in enumerate(item.cuts):
        parameters[f"{name}_{place}"] = float(cut)
        steps.append(f" + CAST({number} >= ${name}_{place} AS INTEGER)")
    return f"CASE WHEN {number} IS NULL THEN -1 ELSE 0{''.join(steps)} END"


def _conditions(columns: Mapping[str, str], kept: Kept, parameters: dict[str, Any]) -> list[str]:
    found = [
        _where(item, values, columns, f"where{place}", parameters)
        for place, (item, values) in enumerate(kept.where.items())
    ]
    for place, condition in enumerate(kept.conditions):
        found.append(_condition(condition, columns, f"only{place}", parameters))
    if kept.since is not None or kept.until is not None:
        if "timestamp" not in columns:
            raise BadInput(
                "these predictions carry no time", where="time window", remedy="Leave the window out."
            )
        if kept.since is not None:
            parameters["since"] = kept.since
            found.append("timestamp >= CAST($since AS TIMESTAMP)")
        if kept.until is not None:
            parameters["until"] = kept.until + timedelta(days=1)
            found.append("timestamp < CAST($until AS TIMESTAMP)")
    return found or ["true"]


def _where(
    item: str | Band,
    values: Sequence[object],
    columns: Mapping[str, str],
    name: str,
    parameters: dict[str, Any],
) -> str:
    if isinstance(values, str):
        raise BadInput(f"{values!r} is not a list of values", remedy="Give a list, even of one value.")
    if isinstance(item, str):
        parameters[name] = [str(value) for value in values]
        return f"list_contains(CAST(${name} AS VARCHAR[]), {text_sql(item, type_of(item, columns))})"
    key = _key(item, columns, name, parameters)
    places = {**{label: place for place, label in enumerate(item.labels)}, MISSING: -1}
    unknown = [value for value in values if value not in places]
    if unknown:
        raise NotFound(
            f"{unknown[0]!r} is not a band of {item.feature!r}", remedy=f"Use one of: {list(places)}."
        )
    parameters[name] = [places[str(value)] for value in values]
    return f"list_contains(CAST(${name} AS INTEGER[]), {key})"


def _condition(
    condition: Condition, columns: Mapping[str, str], name: str, parameters: dict[str, Any]
) -> str:
    kind = type_of(condition.feature, columns)
    if not condition.compares:
        parameters[name] = condition.value
        sign = "=" if condition.operator == "=" else "<>"
        return f"{text_sql(condition.feature, kind)} {sign} ${name}"
    if not kind.startswith(NUMBERS):
        raise BadInput(
            f"{condition.feature!r} holds no numbers to compare", where="filter", remedy="Use = or !=."
        )
    parameters[name] = float(condition.value)
    return f"{number_sql(condition.feature)} {condition.operator} ${name}"


MAX_SCORES = 2_000_000


def score_counts(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    positive: object | None = None,
    kept: Kept = EVERY_ROW,
) -> list[ScoreCounts]:
    """Count how often each score occurs with either label; everyone first, then each group in natural order.

    Scores are exact; where they make more than two million lines they are rounded to four decimals.

    Raises
    ------
    BadInput, NotFound
        As `slice_counts`; no labelled row has a score.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path, cursor = f"{folder}/batch.parquet", duckdb.connect()
    ...     rows = "('a', 0.5, 1, 1), ('a', 0.5, 1, 0), ('b', 0.2, 0, 0)"
    ...     named = f"SELECT * FROM (VALUES {rows}) t(team, y_score, y_pred, y_true)"
    ...     _ = cursor.execute(f"COPY ({named}) TO '{path}'")
    ...     found = score_counts(cursor, [path], "binary", ["team"])
    >>> [(each.label, each.positives.tolist(), each.negatives.tolist()) for each in found]
    [('everyone', [0, 1], [1, 1]), ('a', [1], [1]), ('b', [0], [1])]
    """
    picked = pick_rows(cursor, paths, task, by, positive, kept)
    table = _scored(cursor, picked, "score")
    if table.num_rows > MAX_SCORES:
        table = _scored(cursor, picked, "round(score, 4)")
    if not table.num_rows:
        raise BadInput("no row has a score and a label", where="curves", remedy="Add scores and outcomes.")
    return _score_counts(by, table)


def _scored(cursor: duckdb.DuckDBPyConnection, picked: PickedRows, score: str) -> Any:
    """An Arrow table with a line a group and score, scores rising."""
    rows = picked.ranked(picked.score or "CAST(NULL AS DOUBLE)")
    query = (
        f"SELECT {picked.labelled} {score} AS seen, count(*) FILTER (WHERE won), "
        f"count(*) FILTER (WHERE NOT won) FROM ({rows}) "
        "WHERE score IS NOT NULL AND actual IS NOT NULL GROUP BY ALL ORDER BY seen LIMIT $most"
    )
    return cursor.execute(query, picked.given(query, most=MAX_SCORES + 1)).to_arrow_table()


def _score_counts(by: Sequence[str | Band], table: Any) -> list[ScoreCounts]:
    import numpy as np

    at, won, lost = (table.column(len(by) + place).to_numpy() for place in range(3))
    named = list(zip(*(table.column(place).to_pylist() for place in range(len(by))), strict=True))
    groups = sorted(set(named), key=natural_order)
    ids = np.array([{group: place for place, group in enumerate(groups)}[name] for name in named])
    scores, place = np.unique(at, return_inverse=True)
    everyone = (np.bincount(place, each).astype(np.int64) for each in (won, lost))
    inside = ((group, np.flatnonzero(ids == number)) for number, group in enumerate(groups))
    return [
        ScoreCounts((), scores, *everyone),
        *(ScoreCounts(slice_keys(by, group), at[rows], won[rows], lost[rows]) for group, rows in inside),
    ]
