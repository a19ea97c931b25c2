"""Attributions as kept: a Parquet file by digest, read by sums; the rows' values come from their batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from core.analytics.explanations.attributions import GroupMeans
from core.domain.errors import BadInput
from core.domain.facts.measured import Explanation, PredictionBatch
from core.domain.facts.models import ModelFile
from core.domain.moment import Moment
from core.lake.facts import latest
from core.lake.monitoring.readings import batches, gone_digests, purges
from core.lake.predictions.batches import column_types
from core.lake.predictions.intake_columns import NUMERIC, kind_of_type, quoted
from core.lake.query import fetch, fetch_as
from core.lake.store import Store

ROW_ID, RAW_SCORE, BASE_VALUE = "row_id", "raw_score", "base_value"
MISSING = "missing"
BINS, BANDS, FEW_VALUES, MOST_VALUES = 20, 4, 12, 40
_JOINED = f"read_parquet($file) a JOIN read_parquet($batch) b ON b.{ROW_ID}::VARCHAR = a.{ROW_ID}"


@dataclass(frozen=True)
class AttributionColumns:
    """What an attribution file holds: features in the file's order, and whether scores and base are there."""

    features: tuple[str, ...]
    has_raw: bool
    has_base: bool


@dataclass(frozen=True)
class Explained:
    """The explanation that counts, and the batch whose rows it explains; None where that is not on record."""

    fact: Explanation
    batch: PredictionBatch | None


def newest_explanation(store: Store, initiative: str, version: str, moment: Moment) -> Explained | None:
    """The explanation of a version that counts at a moment; None where its batch was withdrawn or purged."""
    fact = latest(store, Explanation, moment, initiative, version=version)
    rowless = {one for purge in purges(store, initiative, version, moment).values() for one in purge.files}
    if fact is None or fact.batch_sha256 in gone_digests(store, initiative, version, moment) | rowless:
        return None
    of = {"version": version, "part": fact.part, "sha256": fact.batch_sha256}
    batch = latest(store, PredictionBatch, moment, initiative, **of)
    return Explained(fact, batch or _reading(store, fact, moment))


def _reading(store: Store, fact: Explanation, moment: Moment) -> PredictionBatch | None:
    """The batch of an explanation as it is read since its columns were amended."""
    known = batches(store, fact.initiative, fact.version, moment)
    found = next((batch for batch in known if batch.sha256 == fact.batch_sha256), None)
    return found and replace(found, path=str(Path(found.path).relative_to(store.folder)))


def newest_model_file(store: Store, initiative: str, version: str, moment: Moment) -> ModelFile | None:
    """The model file kept for a version, with its absolute path; None where there is none."""
    kept = latest(store, ModelFile, moment, initiative, version=version)
    return kept and replace(kept, path=str(store.folder / kept.path))


def read_columns(store: Store, file: Path, called: str) -> AttributionColumns:
    """Look at the columns of an attribution file."""
    with file.open("rb") as opened:
        if opened.read(4) != b"PAR1":
            raise BadInput(
                f"'{called}' is not a Parquet file", where="attributions", remedy="Write it as Parquet."
            )
    try:
        kinds = column_types(store.cursor(), file)
    except duckdb.Error as error:
        raise BadInput(
            f"'{called}' cannot be read as Parquet", where="attributions", remedy="Write it again."
        ) from error
    folded = [name.casefold() for name in kinds]
    twice = next((name for name in kinds if folded.count(name.casefold()) > 1 or name.endswith("_1:1")), None)
    if twice is not None:
        raise BadInput(
            f"column '{twice[:60]}' is there twice", where="attributions", remedy="Keep one of them."
        )
    if ROW_ID not in kinds:
        raise BadInput(
            f"'{called}' has no column '{ROW_ID}'",
            where="attributions",
            remedy="Add the ids of the explained rows.",
        )
    features = tuple(name for name in kinds if name not in (ROW_ID, RAW_SCORE, BASE_VALUE))
    for name in (*features, *(one for one in (RAW_SCORE, BASE_VALUE) if one in kinds)):
        if not kinds[name].startswith(NUMERIC):
            raise BadInput(
                f"column '{name[:60]}' holds {kinds[name][:30]}, not numbers",
                where="attributions",
                remedy="Give one contribution a row and feature.",
            )
    if not features:
        raise BadInput(f"'{called}' has no feature", where="attributions", remedy="Add a column a feature.")
    return AttributionColumns(features, RAW_SCORE in kinds, BASE_VALUE in kinds)


@dataclass(frozen=True)
class AttributionFaults:
    """What was found in the rows of an attribution file: counts, and the first offending ids."""

    rows: int
    bad_ids: tuple[str, ...]
    twice: tuple[str, ...]
    unknown: tuple[str, ...]
    bad_column: str
    bad_rows: tuple[str, ...]
    base_values: tuple[float, ...]


def find_faults(store: Store, file: Path, found: AttributionColumns, batch: Path) -> AttributionFaults:
    """Look through the rows: ids missing, twice, or not in the batch; contributions that are no numbers."""
    cursor = store.cursor()
    values = {"file": str(file), "batch": str(batch)}
    rows = int(fetch(cursor, "SELECT count(*) AS n FROM read_parquet($file)", values)[0]["n"])

    def first(query: str) -> tuple[str, ...]:
        return tuple(str(row["id"]) for row in fetch(cursor, query, values))

    given = f"(SELECT {ROW_ID}::VARCHAR AS id FROM read_parquet($file))"
    missing = first(f"SELECT 'row without an id' AS id FROM {given} WHERE id IS NULL OR id = '' LIMIT 1")
    twice = first(f"SELECT id FROM {given} GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 3")
    unknown = first(
        f"SELECT id FROM {given} ANTI JOIN "
        f"(SELECT {ROW_ID}::VARCHAR AS id FROM read_parquet($batch)) USING (id) ORDER BY id LIMIT 3"
    )
    column = ""
    bad: tuple[str, ...] = ()
    for name in (*found.features, *([RAW_SCORE] if found.has_raw else [])):
        query = (
            f"SELECT {ROW_ID}::VARCHAR AS id FROM read_parquet($file) "
            f"WHERE {quoted(name)} IS NULL OR NOT isfinite({quoted(name)}::DOUBLE) LIMIT 3"
        )
        bad = first(query)
        if bad:
            column = name
            break
    bases: tuple[float, ...] = ()
    if found.has_base:
        query = f"SELECT DISTINCT {BASE_VALUE}::DOUBLE AS base FROM read_parquet($file) LIMIT 2"
        bases = tuple(row["base"] for row in fetch(cursor, query, values))
    return AttributionFaults(rows, missing, twice, unknown, column, bad, bases)


def widest_gap(store: Store, file: Path, features: Sequence[str], base: float) -> tuple[float, str]:
    """The largest |base + contributions - raw score| over the rows, and the row where it is."""
    total = " + ".join(f"{quoted(name)}::DOUBLE" for name in features)
    query = (
        f"SELECT abs($base + {total} - {RAW_SCORE}) AS gap, {ROW_ID}::VARCHAR AS id FROM read_parquet($file) "
        "ORDER BY gap DESC LIMIT 1"
    )
    row = fetch(store.cursor(), query, {"file": str(file), "base": base})[0]
    return float(row["gap"]), str(row["id"])


def write_canonical_attributions(
    store: Store, file: Path, found: AttributionColumns, target: Path, batch: Path, raw: str
) -> None:
    """Write an upload as it is kept: `row_id`, `raw_score`, one column a feature, in the order of the ids.

    `raw` says where the raw score comes from: `given`, `log_odds` or `output` of the batch, or nowhere.
    """
    features = ", ".join(f"a.{quoted(name)}::DOUBLE AS {quoted(name)}" for name in found.features)
    scores = {
        "given": f"a.{RAW_SCORE}::DOUBLE",
        "log_odds": "ln(b.y_score::DOUBLE / (1 - b.y_score::DOUBLE))",
        "probability": "b.y_score::DOUBLE",
        "output": "b.y_pred::DOUBLE",
    }
    path = str(target).replace("'", "''")  # COPY takes no parameter for its target; the path is ours
    query = (
        f"COPY (SELECT a.{ROW_ID}::VARCHAR AS {ROW_ID}, {scores.get(raw, 'NULL::DOUBLE')} AS {RAW_SCORE}, "
        f"{features} FROM read_parquet($file) a "
        f"JOIN read_parquet($batch) b ON b.{ROW_ID}::VARCHAR = a.{ROW_ID}::VARCHAR ORDER BY 1) "
        f"TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
    )
    store.cursor().execute(query, {"file": str(file), "batch": str(batch)})


def feature_means(store: Store, file: Path, features: Sequence[str]) -> list[tuple[str, float, float]]:
    """(feature, mean |contribution|, mean contribution) over all rows, in one scan."""
    parts = ", ".join(f"avg(abs({quoted(name)})), avg({quoted(name)})" for name in features)
    row = store.cursor().execute(f"SELECT {parts} FROM read_parquet(?)", [str(file)]).fetchall()[0]
    return [(name, float(row[2 * at]), float(row[2 * at + 1])) for at, name in enumerate(features)]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class RowExplained:
    """Contributions of one row, with the row's raw score where it is known."""

    raw_score: float | None
    contributions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One row of a batch: the values of its features, what the model said, and what came true."""

    values: Mapping[str, object]
    predicted: object
    actual: object
    score: float | None


@dataclass(frozen=True, slots=True)
class NotableRow:
    """A row worth a look; `kind` is highest, lowest or mistake."""

    row_id: str
    kind: str
    raw_score: float | None
    predicted: object
    actual: object


def row_explained(store: Store, files: Files, features: Sequence[str], row_id: str) -> RowExplained | None:
    """Contributions of one row with its raw score; None where the row is not explained."""
    query = f"SELECT * FROM read_parquet($file) WHERE {ROW_ID} = $row"
    for row in fetch(store.cursor(), query, {"file": str(files.file), "row": row_id}):
        return RowExplained(row[RAW_SCORE], {name: row[name] for name in features})
    return None


def batch_row(store: Store, files: Files, features: Sequence[str], row_id: str) -> BatchRow | None:
    """One row of a batch: values, score and outcome; None where there is no such row."""
    query = f"SELECT * FROM read_parquet($batch) WHERE {ROW_ID}::VARCHAR = $row LIMIT 1"
    for row in fetch(store.cursor(), query, {"batch": str(files.batch), "row": row_id}):
        values = {name: row.get(name) for name in features}
        return BatchRow(values, row.get("y_pred"), row.get("y_true"), row.get("y_score"))
    return None


def notable_rows(store: Store, files: Files, each: int = 6) -> tuple[NotableRow, ...]:
    """Explained rows worth a look: the highest and lowest scores, and the largest mistakes."""
    labelled = "y_true" in column_types(store.cursor(), files.batch)
    truth = "b.y_true" if labelled else "NULL"
    wrong = "b.y_true IS NOT NULL AND b.y_true <> b.y_pred" if labelled else "false"
    query = f"""
        WITH scored AS (
            SELECT a.{ROW_ID} AS row_id, a.{RAW_SCORE} AS raw_score, b.y_pred AS predicted, {truth} AS actual,
                {wrong} AS wrong, row_number() OVER (ORDER BY a.{RAW_SCORE} DESC, a.{ROW_ID}) AS from_top,
                row_number() OVER (ORDER BY a.{RAW_SCORE}, a.{ROW_ID}) AS from_bottom
            FROM {_JOINED}
        ), mistakes AS (
            SELECT *, row_number() OVER (ORDER BY abs(raw_score - m.middle) DESC, row_id) AS place
            FROM scored, (SELECT median(raw_score) AS middle FROM scored) m WHERE wrong
        )
        SELECT row_id, raw_score, 'highest' AS kind, predicted, actual FROM scored WHERE from_top <= $each
        UNION ALL SELECT row_id, raw_score, 'lowest', predicted, actual FROM scored WHERE from_bottom <= $each
        UNION ALL SELECT row_id, raw_score, 'mistake', predicted, actual FROM mistakes WHERE place <= $each
    """
    return tuple(fetch_as(store.cursor(), NotableRow, query, {**files.values, "each": each}))


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
    return tuple(fetch_as(cursor, FeaturePoint, query, {**files.values, "most": MOST_VALUES}))


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
    return tuple(FeaturePoint(**row) for row in rows)


def _spread(feature: str) -> str:
    c = f"a.{quoted(feature)}"
    return (
        f"count(*) AS rows, avg({c}) AS mean, quantile_cont({c}, 0.1) AS p10, quantile_cont({c}, 0.9) AS p90"
    )


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


def _is_number(cursor: duckdb.DuckDBPyConnection, batch: Path, feature: str) -> bool:
    return kind_of_type(column_types(cursor, batch)[feature]) == "number"


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
