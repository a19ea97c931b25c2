"""How the newest estimate of every model version stands, in one query."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_STATES = """
    WITH newest AS (
        SELECT initiative, version, max(seq) AS seq FROM decay_chunk WHERE seq <= $seq
        GROUP BY initiative, version
    )
    SELECT d.initiative, d.version, coalesce(d.part = 'analysis' AND d.worse, false) AS worse
    FROM decay_chunk d JOIN newest USING (initiative, version, seq)
    QUALIFY row_number() OVER (PARTITION BY d.initiative, d.version
        ORDER BY list_position($metrics, d.metric) NULLS LAST, d.metric, d.part, d.chunk DESC) = 1
"""


def decay_states(store: Store, moment: Moment, metrics: Sequence[str]) -> Rows:
    """Versions with estimates; `worse`: so is the newest chunk's, by the first of `metrics` estimated."""
    return fetch(store.cursor(), _STATES, {"seq": moment.seq, "metrics": list(metrics)})
