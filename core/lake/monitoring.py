"""Prediction batches, decay estimates and attributions of a model version, as recorded."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store


def batches(store: Store, initiative: str, version: str, moment: Moment) -> Rows:
    """Prediction batches of a version, oldest first; `path` is absolute."""
    query = (
        "SELECT * FROM prediction_batch WHERE initiative = $initiative AND version = $version "
        "AND seq <= $seq ORDER BY seq"
    )
    values = {"initiative": initiative, "version": version, "seq": moment.seq}
    rows = fetch(store.cursor(), query, values)
    return [{**row, "path": str(store.folder / row["path"])} for row in rows]


def modelled_initiatives(store: Store, moment: Moment) -> Rows:
    """Initiatives and versions that have prediction batches, by name, newest version first."""
    query = """
        WITH latest AS (SELECT initiative, arg_max(name, seq) AS name FROM initiative
                        WHERE seq <= $seq GROUP BY initiative)
        SELECT b.initiative, any_value(l.name) AS name, b.version, any_value(b.task) AS task,
            sum(b.rows)::BIGINT AS rows, max(v.seq) AS registered
        FROM prediction_batch b JOIN latest l USING (initiative)
        JOIN model_version v ON v.initiative = b.initiative AND v.version = b.version AND v.seq <= $seq
        WHERE b.seq <= $seq GROUP BY b.initiative, b.version ORDER BY name, registered DESC
    """
    return fetch(store.cursor(), query, {"seq": moment.seq})


def decay_chunks(store: Store, initiative: str, version: str, moment: Moment, metric: str = "") -> Rows:
    """Estimated performance per chunk, from the newest refresh; reference first, then analysis.

    An empty metric gives all.
    """
    query = """
        WITH newest AS (SELECT max(seq) AS seq FROM decay_chunk
            WHERE initiative = $initiative AND version = $version AND seq <= $seq)
        SELECT * FROM decay_chunk WHERE seq = (SELECT seq FROM newest)
            AND ($metric = '' OR metric = $metric)
        ORDER BY metric, part DESC, chunk
    """
    values = {"initiative": initiative, "version": version, "seq": moment.seq, "metric": metric}
    return fetch(store.cursor(), query, values)


def attributions(store: Store, initiative: str, version: str, moment: Moment) -> Rows:
    """Attribution per feature from the newest explanation, strongest first."""
    query = """
        SELECT * FROM attribution WHERE seq = (SELECT max(seq) FROM attribution
            WHERE initiative = $initiative AND version = $version AND seq <= $seq)
        ORDER BY place
    """
    return fetch(store.cursor(), query, {"initiative": initiative, "version": version, "seq": moment.seq})
