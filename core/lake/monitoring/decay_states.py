"""How the newest estimate of every model version stands, in one query."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_STATES = """
    WITH newest AS (
        SELECT initiative, version, max(seq) AS seq FROM decay_chunk WHERE seq <= $seq
        GROUP BY initiative, version
    )
    SELECT d.initiative, d.version, coalesce(arg_max(d.worse, d.chunk) FILTER (
        d.part = 'analysis' AND list_contains($metrics, d.metric)), false) AS worse
    FROM decay_chunk d JOIN newest USING (initiative, version, seq)
    GROUP BY d.initiative, d.version
"""


def decay_states(store: Store, moment: Moment, metrics: list[str]) -> Rows:
    """Versions with estimates; `worse` when the newest chunk's estimate of one of `metrics` is worse."""
    return fetch(store.cursor(), _STATES, {"seq": moment.seq, "metrics": metrics})
