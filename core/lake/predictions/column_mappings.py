"""The column mapping of a model version as recorded, and how its batches came in."""

from __future__ import annotations

import json
from typing import Any

from core.domain.chain import canonical
from core.domain.models.column_mapping import ColumnMapping
from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.record.parts import rows_of
from core.lake.store import Store


def kept_mapping(
    store: Store, initiative: str, version: str, moment: Moment
) -> tuple[ColumnMapping, dict[str, str]] | None:
    """The version's mapping with the kind of each feature, or None where none is kept yet."""
    rows = rows_of(store, "column_mapping", moment, initiative)
    row = next((row for row in reversed(rows) if row["version"] == version), None)
    if row is None:
        return None
    fields = ("task", "row_id", "timestamp", "prediction", "target", "features", "sensitive", "classes")
    mapping = ColumnMapping(**{name: _plain(row[name]) for name in fields}, scores=json.loads(row["scores"]))
    return mapping, dict(zip(row["features"], row["kinds"], strict=True))


def mapping_row(
    initiative: str, version: str, mapping: ColumnMapping, kinds: dict[str, str]
) -> dict[str, Any]:
    """A mapping as a row of its table."""
    fields = mapping.model_dump(exclude={"scores"})
    return {
        "initiative": initiative,
        "version": version,
        **fields,
        "scores": canonical(dict(mapping.scores)),
        "kinds": [kinds[name] for name in mapping.features],
    }


def registered_versions(store: Store, moment: Moment) -> Rows:
    """Every registered model version with its initiative's name and its task, newest of a name first."""
    query = """
        WITH latest AS (SELECT initiative, arg_max(name, seq) AS name FROM initiative
                        WHERE seq <= $seq GROUP BY initiative)
        SELECT v.initiative, l.name, v.version, v.task,
            (SELECT count(*) FROM prediction_batch b WHERE b.initiative = v.initiative
                AND b.version = v.version AND b.seq <= $seq) AS batches
        FROM model_version v JOIN latest l USING (initiative) WHERE v.seq <= $seq
        ORDER BY l.name, v.seq DESC
    """
    return fetch(store.cursor(), query, {"seq": moment.seq})


def intakes(store: Store, initiative: str, version: str, moment: Moment) -> Rows:
    """How the version's batches came in, oldest first; batches from before this was kept are not here."""
    rows = rows_of(store, "batch_intake", moment, initiative)
    return [row for row in rows if row["version"] == version]


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
