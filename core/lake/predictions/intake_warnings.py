"""What is odd about a batch and legal all the same: told, kept with the batch, and no reason to refuse it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from core.domain.models.column_mapping import ColumnMapping, features_of, score_column
from core.lake.predictions.intake_columns import in_parts, quoted

MANY_COLUMNS = 1_000
MANY_GROUPS = 1_000
FEW_ROWS = 500
_SHOWN = 3
_MOST_COMPARED = 20_000
_SUM_TOLERANCE = 0.05


@dataclass(frozen=True)
class WrittenBatch:
    """A canonical file as it is about to be kept, with what is known of it."""

    file: str
    types: dict[str, str]
    rows: int
    labelled: int
    last_at: datetime | None

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
    texts = [name for name in batch.features if batch.types[name] == "VARCHAR"]
    found += _empty_columns(cursor, batch)
    for name in mapping.sensitive:
        found += _sensitive_warnings(cursor, batch, name)
    found += _text_warnings(cursor, batch, texts)
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
        found.append(f"Every row has the same prediction, {distinct[1]}.")
    if mapping.task == "multiclass" and mapping.scores:
        columns = " + ".join(quoted(score_column(label)) for label in mapping.scores)
        query = f"SELECT count(*) FROM read_parquet($file) WHERE abs({columns} - 1) > {_SUM_TOLERANCE}"
        off = _one(cursor, query, batch)[0]
        if off:
            found.append(f"The class scores of {off:,} rows do not add up to 1.")
    if mapping.task == "binary" and batch.labelled:
        auc = _one(cursor, _AUC, batch)[0]
        if auc is not None and auc < 0.5:
            found.append(
                f"The scores rank backwards (ROC AUC {auc:.3f}, below 0.5): "
                "they may be those of the other class."
            )
    return found


_AUC = """
    WITH counted AS (SELECT y_score AS s, count(*) FILTER (WHERE y_true = 1) AS p,
            count(*) FILTER (WHERE y_true = 0) AS n
        FROM read_parquet($file) WHERE y_true IS NOT NULL GROUP BY y_score),
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
        shown = ", ".join(f"'{group[:30]}'" for group in names) + (", …" if alone > len(names) else "")
        word = "group has" if alone == 1 else "groups have"
        found.append(f"Sensitive column '{name}': {alone:,} {word} one row only ({shown}).")
    if groups >= MANY_GROUPS and batch.types[name] != "VARCHAR":
        found.append(
            f"Sensitive column '{name}' has {groups:,} different values; most slices will be too small."
        )
    return found


def _text_warnings(cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, texts: Sequence[str]) -> list[str]:
    found: list[str] = []
    for part in in_parts(texts):
        asked = []
        for name in part:
            column = quoted(name)
            asked += [
                f"approx_count_distinct({column})",
                f"coalesce(bool_or(strlen({column}) > length({column})), false)",
            ]
        row = _one(cursor, f"SELECT {', '.join(asked)} FROM read_parquet($file)", batch)
        for place, name in enumerate(part):
            distinct, foreign = row[2 * place : 2 * place + 2]
            if distinct >= 0.8 * MANY_GROUPS:
                found += _many_groups(cursor, batch, name)
            if foreign and distinct <= _MOST_COMPARED:
                found += _same_but_for_form(cursor, batch, name)
    return found


def _many_groups(cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, name: str) -> list[str]:
    groups = _one(cursor, f"SELECT count(DISTINCT {quoted(name)}) FROM read_parquet($file)", batch)[0]
    if groups < MANY_GROUPS:
        return []
    return [f"Column '{name}' has {groups:,} different values; most slices will be too small to judge."]


def _same_but_for_form(cursor: duckdb.DuckDBPyConnection, batch: WrittenBatch, name: str) -> list[str]:
    query = f"SELECT DISTINCT {quoted(name)} FROM read_parquet($file) WHERE {quoted(name)} IS NOT NULL"
    values = [row[0] for row in cursor.execute(query, {"file": batch.file}).fetchall()]
    by_form: dict[str, list[str]] = {}
    for value in sorted(values):
        by_form.setdefault(unicodedata.normalize("NFKC", value).strip(), []).append(value)
    alike = [group for group in by_form.values() if len(group) > 1]
    if not alike:
        return []
    shown = ", ".join(f"'{group[0][:30]}' ({len(group)} ways)" for group in alike[:_SHOWN])
    return [
        f"Column '{name}' has values that look alike and differ only in how their characters are encoded: "
        f"{shown}; they count as different groups."
    ]


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"Column {shown} has" if len(names) == 1 else f"Columns {shown}{more} have"


def _one(cursor: duckdb.DuckDBPyConnection, query: str, batch: WrittenBatch) -> tuple[Any, ...]:
    row: tuple[Any, ...] = cursor.execute(query, {"file": batch.file}).fetchall()[0]
    return row
