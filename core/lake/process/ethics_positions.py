"""Published ethical positions: the one in force, and all of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.record.parts import rows_of
from core.lake.store import Store

_PUBLISHED = """
    SELECT e.seq, e.recorded_at, e.actor, coalesce(d.name, e.actor) AS actor_name,
        e.version, e.title, e.sha256, e.text
    FROM ethics e LEFT JOIN directory d ON d.actor = e.actor
    WHERE e.seq <= $seq ORDER BY e.seq DESC
"""


def ethics_in_force(store: Store, seq: int) -> dict[str, Any] | None:
    """The position published last up to `seq`: version, sha256 and text; None where there was none."""
    rows = rows_of(store, "ethics", Moment(seq, datetime.fromtimestamp(0, UTC)))
    return rows[-1] if rows else None


def published_ethics(store: Store, moment: Moment) -> Rows:
    """Every published position up to the moment, newest first, with who published it and when."""
    return fetch(store.cursor(), _PUBLISHED, {"seq": moment.seq})
