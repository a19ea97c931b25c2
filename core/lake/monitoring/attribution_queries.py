"""Questions to attributions as kept: one row, a feature along its values, groups against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core.analytics.explanations.steps import GroupMeans
from core.lake.monitoring.attribution_files import RAW_SCORE, ROW_ID, quoted
from core.lake.query import Rows, fetch
from core.lake.store import Store

MISSING = "missing"
BINS, BANDS, FEW_VALUES, MOST_VALUES = 20, 4, 12, 40
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NUMERIC = ("DOUBLE", "FLOAT", *_INTEGERS, *(f"U{kind}" for kind in _INTEGERS))
_JOINED = f"read_parquet($file) a JOIN read_parquet($batch) b ON b.{ROW_ID}::VARCHAR = a.{ROW_ID}"


@dataclass(frozen=True)
class FeaturePoint:
    """A feature's contributions at one value, or between two.

    `label` names the value or band; `low` and `high` are its ends for numbers, None for texts and missing.
    `p10` and `p90`: a tenth of the rows contribute less, a tenth more.
    """

    label: str
    low: float | None
    high: float | None
    rows: int
    mean: float
    p10: float
    p90: float


@dataclass(frozen=True)
class Files:
    """An attribution file and the batch whose rows it explains."""

    file: Path
    batch: Path

    @property
    def values(self) -> dict[str, Any]:
        """Parameters by which a query reads the two."""
        return {"file": str(self.file), "batch": str(self.batch)}


def row_contributions(store: Store, file: Path, row_id: str) -> dict[str, Any] | None:
    """Contributions of one row with its raw score; None where the row is not explained."""
    query = f"SELECT * FROM read_parquet($file) WHERE {ROW_ID} = $row"
    rows = fetch(store.cursor(), query, {"file": str(file), "row": row_id})
    return rows[0] if rows else None


def batch_row(store: Store, batch: Path, row_id: str) -> dict[str, Any] | None:
    """One row of a batch: values, score and outcome; None where there is no such row."""
    query = f"SELECT * FROM read_parquet($batch) WHERE {ROW_ID}::VARCHAR = $row LIMIT 1"
    rows = fetch(store.cursor(), query, {"batch": str(batch), "row": row_id})
    return rows[0] if rows else None


def notable_rows(store: Store, files: Files, each: int = 6) -> Rows:
    """Explained rows worth a look: the highest and lowest scores, and the largest mistakes.

    Columns `row_id`, `raw_score`, `kind` (highest, lowest, mistake), `y_pred`, `y_true`.
    """
    labelled = "y_true" in columns_of(store.cursor(), files.batch)
    truth = "b.y_true" if labelled else "NULL"
    wrong = "b.y_true IS NOT NULL AND b.y_true <> b.y_pred" if labelled else "false"
    query = f"""
        WITH scored AS (
            SELECT a.{ROW_ID} AS row_id, a.{RAW_SCORE} AS raw_score, b.y_pred, {truth} AS y_true,
                {wrong} AS wrong, row_number() OVER (ORDER BY a.{RAW_SCORE} DESC, a.{ROW_ID}) AS from_top,
                row_number() OVER (ORDER BY a.{RAW_SCORE}, a.{ROW_ID}) AS from_bottom
            FROM {_JOINED}
        ), mistakes AS (
            SELECT *, row_number() OVER (ORDER BY abs(raw_score - m.middle) DESC, row_id) AS place
            FROM scored, (SELECT median(raw_score) AS middle FROM scored) m WHERE wrong
        )
        SELECT row_id, raw_score, 'highest' AS kind, y_pred, y_true FROM scored WHERE from_top <= $each
        UNION ALL SELECT row_id, raw_score, 'lowest', y_pred, y_true FROM scored WHERE from_bottom <= $each
        UNION ALL SELECT row_id, raw_score, 'mistake', y_pred, y_true FROM mistakes WHERE place <= $each
    """
    return fetch(store.cursor(), query, {**files.values, "each": each})


def along_values(store: Store, files: Files, feature: str) -> tuple[FeaturePoint, ...]:
    """A feature's contributions along its own values: by value where there are few, else by twenty bands."""
    cursor = store.cursor()
    numeric = _is_number(cursor, files.batch, feature)
    distinct = _distinct(cursor, files, feature)
    if numeric and distinct > FEW_VALUES:
        return _by_bands(cursor, files, feature)
    value = _text(feature)
    ends = f"min(b.{quoted(feature)})::DOUBLE" if numeric else "NULL::DOUBLE"
    order = "low NULLS LAST" if numeric else "rows DESC, label"
    query = (
        f"SELECT {value} AS label, {ends} AS low, {ends} AS high, {_spread(feature)} FROM {_JOINED} "
        f"GROUP BY {value} ORDER BY {order} LIMIT $most"
    )
    return _points(fetch(cursor, query, {**files.values, "most": MOST_VALUES}))


def _by_bands(cursor: duckdb.DuckDBPyConnection, files: Files, feature: str) -> tuple[FeaturePoint, ...]:
    """Bands of about equal rows; a value never falls into two of them."""
    column = quoted(feature)
    query = f"""
        WITH ranked AS (
            SELECT b.{column}::DOUBLE AS v, a.{column} AS c,
                CASE WHEN b.{column} IS NOT NULL AND NOT isnan(b.{column}::DOUBLE)
                    THEN floor((rank() OVER (ORDER BY b.{column}) - 1) * $bins / count(*) OVER ())
                END AS band
            FROM {_JOINED}
        )
        SELECT min(v) AS low, max(v) AS high, count(*) AS rows, avg(c) AS mean,
            quantile_cont(c, 0.1) AS p10, quantile_cont(c, 0.9) AS p90, band
        FROM ranked GROUP BY band ORDER BY band NULLS LAST
    """
    rows = fetch(cursor, query, {**files.values, "bins": BINS})
    for row in rows:
        known = row.pop("band") is not None
        row["label"] = band_label(row["low"], row["high"]) if known else MISSING
        if not known:
            row["low"] = row["high"] = None
    return _points(rows)


def _spread(feature: str) -> str:
    c = f"a.{quoted(feature)}"
    return (
        f"count(*) AS rows, avg({c}) AS mean, quantile_cont({c}, 0.1) AS p10, quantile_cont({c}, 0.9) AS p90"
    )


def _points(rows: Rows) -> tuple[FeaturePoint, ...]:
    return tuple(FeaturePoint(**row) for row in rows)


def group_means(store: Store, files: Files, features: Sequence[str], by: str) -> tuple[GroupMeans, ...]:
    """Mean contributions of every group that the values of `by` make; numbers in four bands."""
    cursor = store.cursor()
    values: dict[str, Any] = dict(files.values)
    if _is_number(cursor, files.batch, by) and _distinct(cursor, files, by) > FEW_VALUES:
        label, parameters = _band_sql(cursor, files, by)
        values |= parameters
    else:
        label = _text(by)
    parts = ", ".join(f"avg(a.{quoted(name)}), var_samp(a.{quoted(name)})" for name in features)
    query = (
        f"SELECT {label} AS label, count(*) AS n, avg(a.{RAW_SCORE}) AS raw, min(b.{quoted(by)}) AS first, "
        f"{parts} FROM {_JOINED} GROUP BY 1"
    )
    rows = cursor.execute(query, values).fetchall()
    texts = any(isinstance(row[3], str) for row in rows)
    rows.sort(
        key=lambda row: (row[0] == MISSING, str(row[0]) if texts or row[3] is None else "", row[3] or 0)
    )
    return tuple(
        GroupMeans(
            str(row[0]),
            int(row[1]),
            None if row[2] is None else float(row[2]),
            {
                name: (float(row[4 + 2 * at]), None if row[5 + 2 * at] is None else float(row[5 + 2 * at]))
                for at, name in enumerate(features)
            },
        )
        for row in rows
    )


def _band_sql(cursor: duckdb.DuckDBPyConnection, files: Files, by: str) -> tuple[str, dict[str, Any]]:
    """SQL that names the band of a number, with the ends of the bands as parameters."""
    column = f"b.{quoted(by)}"
    shares = ", ".join(str(at / BANDS) for at in range(1, BANDS))
    query = f"SELECT quantile_disc({column}::DOUBLE, [{shares}]) AS cuts FROM {_JOINED}"
    cuts = sorted(set(fetch(cursor, query, files.values)[0]["cuts"] or []))
    values: dict[str, Any] = {}
    lines = []
    for at, cut in enumerate(cuts):
        values[f"cut_{'abcdefgh'[at]}"] = cut
        under = "up to" if at == 0 else f"above {number(cuts[at - 1])}, up to"
        values[f"name_{'abcdefgh'[at]}"] = f"{under} {number(cut)}"
        lines.append(f"WHEN {column}::DOUBLE <= $cut_{'abcdefgh'[at]} THEN $name_{'abcdefgh'[at]}")
    values["name_top"] = f"above {number(cuts[-1])}"
    label = f"CASE WHEN {column} IS NULL THEN '{MISSING}' {' '.join(lines)} ELSE $name_top END"
    return label, values


def columns_of(cursor: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    """Columns of a Parquet file with their types."""
    rows = cursor.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _is_number(cursor: duckdb.DuckDBPyConnection, batch: Path, feature: str) -> bool:
    kind = columns_of(cursor, batch)[feature]
    return kind in _NUMERIC or kind.startswith("DECIMAL")


def _distinct(cursor: duckdb.DuckDBPyConnection, files: Files, feature: str) -> int:
    query = f"SELECT count(DISTINCT b.{quoted(feature)}) AS n FROM {_JOINED}"
    return int(fetch(cursor, query, files.values)[0]["n"])


def _text(feature: str) -> str:
    return f"coalesce(b.{quoted(feature)}::VARCHAR, '{MISSING}')"


def number(value: float) -> str:
    """A number as it stands in the name of a band."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def band_label(low: float, high: float) -> str:
    """The name of a band from its lowest and highest value."""
    return number(low) if low == high else f"{number(low)} to {number(high)}"
