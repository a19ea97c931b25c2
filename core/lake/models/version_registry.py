"""Every version of every initiative in one query, with what was filled in later and what it is."""

from __future__ import annotations

from core.domain.models.model_versions import AMENDABLE, LINKED_LATER
from core.domain.moment import Moment
from core.lake.query import Rows, asking, fetch
from core.lake.store import Store

_REGISTERED = tuple(column for column in AMENDABLE if column not in LINKED_LATER)
# The last word that is not empty: arg_max leaves out where there is none.
_LATER = ", ".join(f"arg_max({column}, seq) AS {column}" for column in AMENDABLE)
_LINKS = ", ".join(
    [f"coalesce(a.{column}, m.{column}) AS {column}" for column in _REGISTERED]
    + [f"coalesce(a.{column}, '') AS {column}" for column in LINKED_LATER]
)
_VERSIONS = asking(
    f"""
    , later AS (
        SELECT initiative, version, {_LATER} FROM version_amendment
        WHERE seq <= $seq GROUP BY initiative, version
    ), last_turn AS (
        SELECT initiative, version, max(seq) AS seq FROM (
            SELECT m.initiative, m.version, m.seq FROM model_version m WHERE m.seq <= $seq AND NOT EXISTS (
                SELECT 1 FROM version_state c WHERE c.state = 'challenger' AND c.seq <= $seq
                    AND c.initiative = m.initiative AND c.version = m.version)
            UNION ALL
            SELECT initiative, version, seq FROM version_state WHERE seq <= $seq AND state = 'champion'
        ) GROUP BY initiative, version
    ), last_retired AS (
        SELECT initiative, version, max(seq) AS seq FROM version_state
        WHERE seq <= $seq AND state = 'retired' GROUP BY initiative, version
    ), predicted AS (
        SELECT initiative, version, sum(rows)::BIGINT AS rows FROM prediction_batch
        WHERE seq <= $seq GROUP BY initiative, version
    )
    SELECT m.initiative, i.name, i.team, c.class_id, m.version, m.algorithm, m.task, m.recorded_at,
        coalesce(p.rows, 0) AS predictions, {_LINKS},
        CASE
            WHEN v.version = m.version THEN 'champion'
            WHEN r.seq > coalesce(t.seq, 0) THEN 'retired'
            WHEN t.seq IS NOT NULL THEN 'superseded'
            ELSE 'challenger'
        END AS state
    FROM model_version m
    JOIN current_initiative i ON i.initiative = m.initiative
    JOIN current_classification c ON c.initiative = m.initiative
    LEFT JOIN current_version v ON v.initiative = m.initiative
    LEFT JOIN later a ON a.initiative = m.initiative AND a.version = m.version
    LEFT JOIN last_turn t ON t.initiative = m.initiative AND t.version = m.version
    LEFT JOIN last_retired r ON r.initiative = m.initiative AND r.version = m.version
    LEFT JOIN predicted p ON p.initiative = m.initiative AND p.version = m.version
    WHERE m.seq <= $seq
    ORDER BY i.name, m.initiative, m.seq DESC
    """,
    "current",
)


def all_versions(store: Store, moment: Moment) -> Rows:
    """Versions of all initiatives by name, newest first, with state, links and number of predictions."""
    return fetch(store.cursor(), _VERSIONS, {"seq": moment.seq})
