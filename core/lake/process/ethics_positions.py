"""Published ethical positions."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_PUBLISHED = """
    SELECT e.seq, e.recorded_at, e.actor, coalesce(d.name, e.actor) AS actor_name,
        e.version, e.title, e.sha256, e.text
    FROM ethics e LEFT JOIN directory d ON d.actor = e.actor
    WHERE e.seq <= $seq ORDER BY e.seq DESC
"""


def published_ethics(store: Store, moment: Moment) -> Rows:
    """Every published position up to the moment, newest first, with who published it and when."""
    return fetch(store.cursor(), _PUBLISHED, {"seq": moment.seq})
