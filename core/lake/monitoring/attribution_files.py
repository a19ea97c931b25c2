"""Attributions as kept: a Parquet file by digest, read by sums; the rows' values come from their batch."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from core.domain.errors import BadInput
from core.domain.facts.measured import Explanation, PredictionBatch
from core.domain.facts.models import ModelFile
from core.domain.moment import Moment
from core.lake.facts import latest
from core.lake.query import Rows, fetch
from core.lake.record.files import StoredFile
from core.lake.store import Store

ROW_ID, RAW_SCORE, BASE_VALUE = "row_id", "raw_score", "base_value"
_NUMBERS = (
    "DOUBLE",
    "FLOAT",
    "INTEGER",
    "BIGINT",
    "SMALLINT",
    "TINYINT",
    "HUGEINT",
    "UBIGINT",
    "UINTEGER",
    "DECIMAL",
)


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
    """The explanation of a version that counts at a moment; None where there is none."""
    fact = latest(store, Explanation, moment, initiative, version=version)
    if fact is None:
        return None
    of = {"version": version, "part": fact.part, "sha256": fact.batch_sha256}
    return Explained(fact, latest(store, PredictionBatch, moment, initiative, **of))


def explained_versions(store: Store, moment: Moment) -> Rows:
    """Versions with an explanation, with the origin and rows of the newest."""
    query = """
        SELECT initiative, version, arg_max(origin, seq) AS origin, arg_max(rows, seq) AS rows
        FROM explanation WHERE seq <= $seq GROUP BY initiative, version
    """
    return fetch(store.cursor(), query, {"seq": moment.seq})


def newest_model_file(store: Store, initiative: str, version: str, moment: Moment) -> ModelFile | None:
    """The model file kept for a version, with its absolute path; None where there is none."""
    kept = latest(store, ModelFile, moment, initiative, version=version)
    return kept and replace(kept, path=str(store.folder / kept.path))


def keep_model(store: Store, source: Path) -> StoredFile:
    """Copy a model file into the store, named by its digest alone."""
    return _keep(store, source, "models", "")


def keep_attributions(store: Store, source: Path) -> StoredFile:
    """Copy an attribution file into the store, named by its digest."""
    return _keep(store, source, "explanations", ".parquet")


def digest_of(file: Path) -> str:
    """The sha256 of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _keep(store: Store, source: Path, folder: str, ending: str) -> StoredFile:
    sha256 = digest_of(source)
    target = store.folder / folder / f"{sha256}{ending}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".part")
        shutil.copyfile(source, partial)
        partial.replace(target)
    return StoredFile(f"{folder}/{sha256}{ending}", sha256, target.stat().st_size)


def read_columns(store: Store, file: Path, called: str) -> AttributionColumns:
    """Look at the columns of an attribution file.

    Raises
    ------
    BadInput
        It is no Parquet, has no row ids, holds something else than numbers, or names a column twice.
    """
    if _starts(file, b"PAR1") is False:
        raise BadInput(
            f"'{called}' is not a Parquet file", where="attributions", remedy="Write it as Parquet."
        )
    try:
        described = store.cursor().execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
    except duckdb.Error as error:
        raise BadInput(
            f"'{called}' cannot be read as Parquet", where="attributions", remedy="Write it again."
        ) from error
    kinds = {str(row[0]): str(row[1]) for row in described}
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
        if not kinds[name].startswith(_NUMBERS):
            raise BadInput(
                f"column '{name[:60]}' holds {kinds[name][:30]}, not numbers",
                where="attributions",
                remedy="Give one contribution a row and feature.",
            )
    if not features:
        raise BadInput(f"'{called}' has no feature", where="attributions", remedy="Add a column a feature.")
    return AttributionColumns(features, RAW_SCORE in kinds, BASE_VALUE in kinds)


def _starts(file: Path, magic: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(magic)) == magic


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
    rows = int(_one(cursor, "SELECT count(*) FROM read_parquet($file)", values))

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


def quoted(name: str) -> str:
    """A column name as SQL takes it; names come from files, so quotes in them are doubled."""
    return '"' + name.replace('"', '""') + '"'


def _one(cursor: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> Any:
    return next(iter(fetch(cursor, query, values)[0].values()))
