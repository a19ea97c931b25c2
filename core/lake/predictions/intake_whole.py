"""What the rows of a prediction file have to keep to together: ids once, one way of writing time, a
reference that can be compared with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from core.domain.errors import BadInput
from core.domain.models.column_mapping import ROW_ID, ColumnMapping
from core.lake.predictions.batches import BatchFacts
from core.lake.predictions.intake_columns import Kind, Staged, canonical_sql
from core.lake.predictions.intake_rules import SHOWN, zone_query

_DAYLIGHT_SAVING_MINUTES = 60


@dataclass(frozen=True)
class IntakeRules:
    """What a batch is held to, and what the version's earlier batches say.

    Attributes
    ----------
    part
        `reference` or `analysis`; a reference needs both classes and enough rows.
    min_reference_rows
        Rows that a reference must hold.
    known_kinds
        Feature -> kind in the version's earlier batches; they stay so.
    earlier
        Canonical files of the version whose rows have ids of their own.
    now
        UTC; a time after it is odd.
    """

    part: str
    min_reference_rows: int
    now: datetime
    known_kinds: Mapping[str, Kind] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()


def refuse_doubled_ids(
    cursor: duckdb.DuckDBPyConnection,
    staged: Staged,
    mapping: ColumnMapping,
    rules: IntakeRules,
    name: str,
) -> None:
    """Refuse ids that stand twice, in the file or in an earlier batch of the version."""
    if not mapping.row_id:
        return
    id_sql = canonical_sql(ROW_ID, mapping.row_id, staged, mapping)
    ids = f"SELECT {id_sql} AS id, file_row_number + 1 AS n FROM {staged.scan}"
    (doubled,) = cursor.execute(
        f"SELECT count(*) > count(DISTINCT id) FROM ({ids})", {"file": staged.file}
    ).fetchall()[0]
    query = f"""
        WITH doubled AS (SELECT id, min(n, {SHOWN}) AS places, count(*) AS times FROM ({ids}) GROUP BY id
            HAVING count(*) > 1)
        SELECT id, places, times, count(*) OVER () FROM doubled ORDER BY places[1] LIMIT {SHOWN}
    """
    found = cursor.execute(query, {"file": staged.file}).fetchall() if doubled else []
    if found:
        shown = ", ".join(f"'{row[0][:40]}' (row {_places(*row[1:3])})" for row in found)
        count = found[0][3]
        more = f" and {count - len(found):,} more ids" if count > len(found) else ""
        raise BadInput(
            f"column '{mapping.row_id}' has ids that stand twice: {shown}{more}",
            where=name,
            remedy="Give every row its own id.",
        )
    if not rules.earlier:
        return
    query = f"""
        SELECT count(*), min(n, {SHOWN}), arg_min(id, n, {SHOWN}) FROM ({ids})
        WHERE id IN (SELECT row_id
            FROM read_parquet($earlier, union_by_name = true, hive_partitioning = false))
    """
    values = {"file": staged.file, "earlier": list(rules.earlier)}
    count, places, known = cursor.execute(query, values).fetchall()[0]
    if count:
        shown = ", ".join(f"'{i[:40]}' (row {place:,})" for i, place in zip(known, places, strict=True))
        more = f" and {count - len(places):,} more" if count > len(places) else ""
        raise BadInput(
            f"column '{mapping.row_id}' has ids that an earlier batch of this version holds: {shown}{more}",
            where=name,
            remedy="Leave out the rows that were added before.",
        )


def zone_notes(
    cursor: duckdb.DuckDBPyConnection, staged: Staged, mapping: ColumnMapping, name: str
) -> list[str]:
    """Refuse times that are written in several zones; tell of two offsets as with daylight saving."""
    column = mapping.timestamp
    if not column or staged.types[column] != "VARCHAR":
        return []
    found = cursor.execute(zone_query(column, staged), {"file": staged.file}).fetchall()
    if len(found) < 2:
        return []
    shown = ", ".join(f"'{text[:40]}' (row {row:,})" for _, row, text, _ in found[:SHOWN])
    offsets = [minutes for minutes, *_ in found]
    if None in offsets:
        raise BadInput(
            f"column '{column}' has times with a zone and times without: {shown}",
            where=name,
            remedy="Write all of them with their offset from UTC, or all of them in UTC.",
        )
    if max(offsets) - min(offsets) > _DAYLIGHT_SAVING_MINUTES:
        raise BadInput(
            f"column '{column}' mixes time zones: {shown}",
            where=name,
            remedy="Write all times in UTC, like 2026-03-31T12:00:00Z.",
        )
    return [f"Times in '{column}' have two offsets, as with daylight saving; all are kept in UTC."]


def refuse_unfit_reference(
    cursor: duckdb.DuckDBPyConnection,
    written: Path,
    mapping: ColumnMapping,
    facts: BatchFacts,
    rules: IntakeRules,
    name: str,
) -> None:
    """Refuse a reference of one class, or one that is far too small."""
    if facts.rows < rules.min_reference_rows:
        raise BadInput(
            f"a reference of {facts.rows:,} rows is too small to compare with",
            where=name,
            remedy=f"Give {rules.min_reference_rows:,} rows or more, as they were validated.",
        )
    if mapping.task == "regression" or not facts.labelled:
        return
    query = "SELECT count(DISTINCT y_true), any_value(y_true) FROM read_parquet($file)"
    classes, only = cursor.execute(query, {"file": str(written)}).fetchall()[0]
    if classes < 2:
        raise BadInput(
            f"column '{mapping.target}' holds one class only, {only}, in all {facts.labelled:,} rows of the "
            "reference",
            where=name,
            remedy="Give reference rows of every class; nothing can be learnt from one.",
        )


def _places(places: list[int], times: int) -> str:
    return ", ".join(f"{place:,}" for place in places) + (", …" if times > len(places) else "")
