"""What is odd about a batch and legal all the same: told, kept with the batch, and no reason to refuse it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from core.domain.models.column_mapping import (
    EXACT_SUM,
    PREDICTED,
    TRUE,
    ColumnMapping,
    Kind,
    alike,
    features_of,
    score_column,
)
from core.ground import aside
from core.lake.predictions.batches import column_types
from core.lake.predictions.intake_columns import (
    FEW,
    NUMERIC,
    TIMES,
    Staged,
    TextProfile,
    in_parts,
    placeholders,
    quoted,
    values_of,
    words_among,
)

MANY_COLUMNS = 1_000
MANY_GROUPS = 1_000
FEW_ROWS = 500
_SHOWN = 3
_MOST_COMPARED = 20_000


def guessed_words(
    cursor: duckdb.DuckDBPyConnection,
    read: Staged,
    mapping: ColumnMapping,
    name: str,
    profile: TextProfile,
    known: Kind | None,
) -> tuple[list[str], list[str]]:
    """Words of a column that stand for no value, and what is to be told of those and of the likely ones."""
    target = name == mapping.target
    as_number = known == "number" or (known is None and read.from_csv and not profile.leading_zero)
    if as_number and profile.nearly_number:
        most = 0 if known else FEW * profile.filled
        words = placeholders(cursor, read, name, number=True, most_unknown=most)
        if words:
            told = ", ".join(word.told for word in words)
            note = (
                f"Column '{name}' holds numbers, and {told}: read as missing. If that is a value, declare "
                f"the column a category (--kind {name}=category)."
            )
            return [word.text for word in words], [note]
        if known is None and profile.filled - profile.numbers <= FEW * profile.filled:
            return [], [_nearly_numbers(cursor, read, name, profile)]
    if known not in (None, "text", "ordered") or not profile.worded:
        return [], []
    found = placeholders(cursor, read, name, number=False)
    words = [word for word in found if not (target and word.text in mapping.labels)]
    nulls, likely = [w for w in words if w.is_null], [w for w in words if not w.is_null]
    notes = []
    if nulls:
        told = ", ".join(word.told for word in nulls)
        remedy = "the classes (--class)" if target else f"the column a code (--kind {name}=code)"
        notes.append(f"Column '{name}' says {told}: read as missing. If that is a value, declare {remedy}.")
    if likely:
        told = ", ".join(word.told for word in likely)
        notes.append(
            f"Column '{name}' says {told}, which may stand for no value; if so, declare it "
            f"(--missing '{name}={likely[0].text}')."
        )
    return [word.text for word in nulls], notes


def _nearly_numbers(cursor: duckdb.DuckDBPyConnection, read: Staged, name: str, profile: TextProfile) -> str:
    words = words_among(cursor, read, name, numbers=True)
    told = ", ".join(word.told for word in words[:_SHOWN]) + (", …" if len(words) > _SHOWN else "")
    return (
        f"Column '{name}' is read as text: {profile.numbers:,} of {profile.filled:,} values are numbers, but "
        f"{told}. Correct these, or declare the column a number and what stands for no value (--kind "
        f"{name}=number --missing '{name}={aside(words[0].text[:40])}')."
    )


@dataclass(frozen=True)
class WrittenBatch:
    """A canonical file as it is about to be kept, with what is known of it, and the version's other files."""

    file: str
    types: dict[str, str]
    rows: int
    labelled: int
    last_at: datetime | None
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that stand for no role."""
        return features_of(self.types)


def batch_warnings(
    cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, mapping: ColumnMapping, now: datetime
) -> list[str]:
    """Everything odd about a batch, one sentence each."""
    found = [*_size_warnings(batch), *_label_warnings(cursor, batch, mapping)]
    if batch.last_at is not None and batch.last_at > now.replace(tzinfo=None):
        found.append(f"The newest time, {batch.last_at:%Y-%m-%d %H:%M} UTC, lies ahead of now.")
    found += _empty_columns(cursor, batch)
    found += _sentinel_warnings(cursor, batch, mapping)
    for name in mapping.sensitive:
        found += _sensitive_warnings(cursor, batch, name)
    found += _text_warnings(cursor, batch, mapping)
    return found


def _size_warnings(batch: WrittenBatch) -> list[str]:
    found = []
    if batch.rows < FEW_ROWS:
        found.append(f"Only {batch.rows:,} rows: most figures will have wide intervals.")
    if len(batch.types) >= MANY_COLUMNS:
        found.append(f"{len(batch.types):,} columns: figures over all of them take their time.")
    return found


def _label_warnings(
    cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, mapping: ColumnMapping
) -> list[str]:
    found = []
    if not batch.labelled:
        found.append("No row has a true outcome: performance can be estimated, not measured.")
    elif batch.labelled < batch.rows:
        missing = batch.rows - batch.labelled
        found.append(f"{missing:,} of {batch.rows:,} rows have no true outcome yet.")
    if mapping.task == "regression":
        return found
    distinct = _one(
        cursor, "SELECT count(DISTINCT y_pred), any_value(y_pred) FROM read_parquet($file)", batch
    )
    if distinct[0] == 1:
        found.append(f"Every row has the same prediction, {_class(mapping, distinct[1])}.")
    if mapping.task == "multiclass" and mapping.scores:
        columns = " + ".join(quoted(score_column(label)) for label in mapping.scores)
        query = f"SELECT count(*) FROM read_parquet($file) WHERE abs({columns} - 1) > {EXACT_SUM}"
        off = _one(cursor, query, batch)[0]
        if off:
            found.append(
                f"The class scores of {off:,} rows do not add up to 1, by more than the "
                f"{mapping.rounding:.3f} that rounding to two digits brings: estimates will be refused. Give "
                "one probability a class, of all classes, or divide each by the sum of its row."
            )
    if batch.labelled:
        query = "SELECT count(DISTINCT y_true), any_value(y_true) FROM read_parquet($file)"
        outcomes, only = _one(cursor, query, batch)
        if outcomes == 1:
            found.append(
                f"Every row that has a true outcome has the same, {_class(mapping, only)}: nothing tells "
                "classes apart."
            )
    if mapping.task == "multiclass" and batch.labelled:
        found += _never_predicted(cursor, batch, mapping)
    if mapping.task == "binary" and mapping.scores:
        found += _backward_warnings(cursor, batch)
    return found


def _class(mapping: ColumnMapping, label: object) -> str:
    """A class as it is told: of two it is 0 or 1, of several what stands in the file."""
    return str(label) if mapping.task == "binary" else aside(str(label))


def _never_predicted(
    cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, mapping: ColumnMapping
) -> list[str]:
    query = """SELECT y_true, count(*) FROM read_parquet($file) WHERE y_true IS NOT NULL
        AND y_true NOT IN (SELECT y_pred FROM read_parquet($file)) GROUP BY 1 ORDER BY 2 DESC, 1"""
    never = cursor.execute(query, {"file": batch.file}).fetchall()
    if not never:
        return []
    shown = ", ".join(f"'{aside(name[:30])}' in {rows:,} rows" for name, rows in never[:_SHOWN])
    more = f" and {len(never) - _SHOWN:,} more" if len(never) > _SHOWN else ""
    return [
        f"Column '{mapping.target}' has outcomes that are never predicted: {shown}{more}. If '"
        f"{mapping.prediction}' calls them otherwise, call them alike in both."
    ]


def _backward_warnings(cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch) -> list[str]:
    found = []
    auc = _one(cursor, _AUC.format(label=TRUE), batch)[0] if batch.labelled else None
    if auc is not None and auc < 0.5:
        found.append(
            f"The scores rank backwards (ROC AUC {auc:.3f}, below 0.5): they may be those of the other class."
        )
    agreed = _one(cursor, _AUC.format(label=PREDICTED), batch)[0]
    if agreed is not None and agreed < 0.5:
        found.append(
            f"The predictions are inverted against their scores: in {1 - agreed:.0%} of pairs the row "
            "predicted 0 has the higher score; the scores may be those of the other class."
        )
    return found


_AUC = """
    WITH counted AS (SELECT y_score AS s, count(*) FILTER (WHERE {label} = 1) AS p,
            count(*) FILTER (WHERE {label} = 0) AS n
        FROM read_parquet($file) WHERE {label} IS NOT NULL GROUP BY y_score),
    ranked AS (SELECT p, n, sum(n) OVER (ORDER BY s) - n AS below FROM counted)
    SELECT sum(p * (below + n / 2.0)) / nullif(sum(p) * sum(n), 0) FROM ranked
"""


def _empty_columns(cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch) -> list[str]:
    empty: list[str] = []
    endless: list[str] = []
    for part in in_parts(batch.features):
        asked = [f"count({quoted(name)})" for name in part]
        numbers = [name for name in part if batch.types[name] in ("DOUBLE", "FLOAT")]
        asked += [f"bool_or(isinf({quoted(name)}))" for name in numbers]
        row = _one(cursor, f"SELECT {', '.join(asked)} FROM read_parquet($file)", batch)
        empty += [name for name, filled in zip(part, row, strict=False) if not filled]
        endless += [name for name, holds in zip(numbers, row[len(part) :], strict=True) if holds]
    found = []
    if empty:
        found.append(f"{_columns(empty)} no value in any row.")
    if endless:
        found.append(f"{_columns(endless)} infinite values; they count as missing.")
    return found


def _sensitive_warnings(cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, name: str) -> list[str]:
    column = quoted(name)
    query = f"""
        WITH groups AS (SELECT CAST({column} AS VARCHAR) AS g, count(*) AS n FROM read_parquet($file)
            GROUP BY ALL)
        SELECT coalesce(sum(n) FILTER (WHERE g IS NULL), 0), count(*) FILTER (WHERE n = 1 AND g IS NOT NULL),
            min(g, {_SHOWN}) FILTER (WHERE n = 1 AND g IS NOT NULL), count(g) FROM groups
    """
    missing, alone, names, groups = _one(cursor, query, batch)
    found = []
    if missing:
        found.append(f"Sensitive column '{name}': {int(missing):,} of {batch.rows:,} rows have no value.")
    if alone:
        shown = ", ".join(f"'{aside(group[:30])}'" for group in names) + (", …" if alone > len(names) else "")
        word = "group has" if alone == 1 else "groups have"
        found.append(f"Sensitive column '{name}': {alone:,} {word} one row only ({shown}).")
    if groups >= MANY_GROUPS and batch.types[name] != "VARCHAR":
        found.append(
            f"Sensitive column '{name}' has {groups:,} different values; most slices will be too small."
        )
    return found


def _text_warnings(
    cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, mapping: ColumnMapping
) -> list[str]:
    found: list[str] = []
    columns = (*batch.features, *(name for name in (PREDICTED, TRUE) if name in batch.types))
    texts = [name for name in columns if batch.types[name] == "VARCHAR"]
    for part in in_parts(texts):
        asked = ", ".join(f"approx_count_distinct({quoted(name)})" for name in part)
        row = _one(cursor, f"SELECT {asked} FROM read_parquet($file)", batch)
        for name, distinct in zip(part, row, strict=True):
            if distinct >= 0.8 * MANY_GROUPS:
                found += _many_groups(cursor, batch, name)
        few = [name for name, distinct in zip(part, row, strict=True) if distinct <= _MOST_COMPARED]
        if few:
            found += _alike_warnings(cursor, batch, mapping, few)
    return found


def _many_groups(cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, name: str) -> list[str]:
    groups = _one(cursor, f"SELECT count(DISTINCT {quoted(name)}) FROM read_parquet($file)", batch)[0]
    if groups < MANY_GROUPS:
        return []
    return [f"Column '{name}' has {groups:,} different values; most slices will be too small to judge."]


def _alike_warnings(
    cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, mapping: ColumnMapping, names: Sequence[str]
) -> list[str]:
    """Values that look like one, here or beside those of the version's first and newest file."""
    own = values_of(cursor, "read_parquet($file)", {"file": batch.file}, names)
    known: list[set[str]] = [set(counted) for counted in own]
    for file in dict.fromkeys((*batch.others[:1], *batch.others[-1:])):
        there = column_types(cursor, Path(file))
        both = [name for name in names if there.get(name) == "VARCHAR"]
        if both:
            found = values_of(cursor, "read_parquet($file)", {"file": file}, both)
            for name, counted in zip(both, found, strict=True):
                known[names.index(name)] |= set(counted)
    called = {PREDICTED: mapping.prediction, TRUE: mapping.target}
    notes = []
    for name, counted, values in zip(names, own, known, strict=True):
        groups: dict[str, list[str]] = {}
        for value in sorted(values):
            groups.setdefault(alike(value), []).append(value)
        groups = {
            key: group for key, group in groups.items() if len(group) > 1 and counted.keys() & set(group)
        }
        zeros = {key for key in groups if key.isdigit()}
        words = [group for key, group in groups.items() if key not in zeros]
        if words:
            notes.append(_told_alike(called.get(name, name), words, "blanks, capitals or form of characters"))
        if zeros and batch.kinds.get(name) != "code":
            codes = [groups[key] for key in zeros]
            code = f", or declare the column a code (--kind {name}=code)" if name in batch.features else ""
            notes.append(_told_alike(called.get(name, name), codes, "leading zeros", code))
    return notes


def _told_alike(name: str, groups: Sequence[Sequence[str]], how: str, code: str = "") -> str:
    """That values differ in little only, with their blanks to be seen."""
    shown = "; ".join(_ways(group) for group in groups[:_SHOWN])
    more = f"; and {len(groups) - _SHOWN:,} more" if len(groups) > _SHOWN else ""
    return (
        f"Column '{name}' has values that differ only in {how}: {shown}{more}; they count as different "
        f"groups. Join them (--join {name}){code}."
    )


_MOST_WAYS = 4


def _ways(group: Sequence[str]) -> str:
    """The ways in which a value is written; those that look the same are counted."""
    looks = Counter(unicodedata.normalize("NFKC", _visible(value[:30])) for value in group)
    many = {look: f" (encoded in {times} ways)" for look, times in looks.items() if times > 1}
    ways = [f"'{aside(look)}'{many.get(look, '')}" for look in looks]
    return ", ".join(ways[:_MOST_WAYS]) + (", …" if len(ways) > _MOST_WAYS else "")


def _visible(value: str) -> str:
    """A value with blanks around it, and blanks that are no plain ones, to be seen."""
    inner = value.strip()
    before, after = value.partition(inner)[::2] if inner else (value, "")
    middle = re.sub(r"[^\S ]|(?<= ) ", "\u2423", inner)
    return "\u2423" * len(before) + middle + "\u2423" * len(after)


_ONLY_NEGATIVE = re.compile(r"-(1|9+)(\.0)?")
_NINES = re.compile(r"-?9{2,}")
_TIMES_NEAR, _TIMES_ANY, _TIMES_ZERO = 0.25, 5, 10
"""How many times the width of all others a value lies from them: nines or a rare 0; any; a usual 0."""
_RARE = 0.2
_OFTEN = 5
_DIFFERENT = 10


def _sentinel_warnings(
    cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, mapping: ColumnMapping
) -> list[str]:
    """A least or greatest value that many rows hold and that lies far from all others."""
    called = {TRUE: mapping.target, "timestamp": mapping.timestamp}
    kinds, features = (*NUMERIC, *TIMES), set(batch.features)
    columns = [
        name
        for name, kind in batch.types.items()
        if kind.startswith(kinds)
        and (name in features or name == "timestamp" or (name == TRUE and mapping.task == "regression"))
    ]
    found = []
    for part in in_parts(columns):
        for name, low, high in _ends(cursor, batch, part):
            for end, other in ((low, high), (high, low)):
                if _is_sentinel(cursor, batch, name, end, other):
                    title = called.get(name, name)
                    rest = (end.next_shown, other.shown) if end is low else (other.shown, end.next_shown)
                    value, others = aside(end.shown), " to ".join(map(aside, rest))
                    found.append(
                        f"Column '{title}': {end.held} {value}, far from all others ({others}); if it stands "
                        f"for no value, declare it (--missing {title}={value})."
                    )
    return found


@dataclass(frozen=True)
class _End:
    """The least or the greatest value of a column, the rows that hold it, and the value next to it."""

    value: float
    shown: str
    rows: int
    next: float
    next_shown: str

    @property
    def held(self) -> str:
        """How many rows hold it."""
        return "1 row holds" if self.rows == 1 else f"{self.rows:,} rows hold"


def _ends(
    cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, names: Sequence[str]
) -> Iterable[tuple[str, _End, _End]]:
    """Both ends of each column that has four different values or more; all columns below each other."""
    times = [batch.types[name].startswith(TIMES) for name in names]
    numbers = [
        f"epoch({quoted(name)})" if time else f"CAST({quoted(name)} AS DOUBLE)"
        for name, time in zip(names, times, strict=True)
    ]
    query = f"""
        WITH long AS (SELECT unnest([{", ".join(numbers)}]) AS x, unnest(range({len(names)})) AS place
            FROM read_parquet($file)),
        ends AS (SELECT place, min(x) AS low, max(x) AS high FROM long WHERE isfinite(x) GROUP BY place)
        SELECT place, low, count(*) FILTER (WHERE x = low), min(x) FILTER (WHERE x > low AND x < high),
            high, count(*) FILTER (WHERE x = high), max(x) FILTER (WHERE x > low AND x < high)
        FROM long JOIN ends USING (place) GROUP BY place, low, high ORDER BY place
    """
    for place, low, lows, after, high, highs, before in cursor.execute(
        query, {"file": batch.file}
    ).fetchall():
        if after is not None and after != before:
            time = times[place]
            yield names[place], _end(low, lows, after, time), _end(high, highs, before, time)


def _end(value: float, rows: int, beside: float, time: bool) -> _End:
    return _End(value, _written(value, time), rows, beside, _written(beside, time))


def _written(value: float, time: bool) -> str:
    return f"{datetime(1970, 1, 1) + timedelta(seconds=value):%Y-%m-%d}" if time else f"{value:.10g}"  # noqa: DTZ001


def _is_sentinel(
    cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, name: str, end: _End, other: _End
) -> bool:
    nines = _NINES.fullmatch(end.shown) is not None
    if end.rows < (1 if nines and end.value < 0 <= end.next else _OFTEN):
        return False
    rare = not end.value and end.rows < _RARE * batch.rows
    times = _TIMES_NEAR if nines or rare else _TIMES_ANY if end.value else _TIMES_ZERO
    far = abs(end.value - end.next) > times * abs(other.next - end.next)
    alone = end.value < 0 <= end.next and _ONLY_NEGATIVE.fullmatch(end.shown) is not None
    if not (far or alone):
        return False
    query = f"SELECT approx_count_distinct({quoted(name)}) FROM read_parquet($file)"
    return bool(_one(cursor, query, batch)[0] > _DIFFERENT)


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"Column {shown} has" if len(names) == 1 else f"Columns {shown}{more} have"


def _one(cursor: duckdb.DuckDBPyConnection, query: str, batch: WrittenBatch) -> tuple[Any, ...]:
    row: tuple[Any, ...] = cursor.execute(query, {"file": batch.file}).fetchall()[0]
    return row
