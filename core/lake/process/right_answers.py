"""How rights are answered, as recorded last for each initiative and right."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_CURRENT = """
    SELECT r.*, coalesce(a.name, r.answered_by) AS answered_by_name, coalesce(d.name, r.actor) AS actor_name
    FROM right_answer r
    LEFT JOIN directory a ON a.actor = r.answered_by
    LEFT JOIN directory d ON d.actor = r.actor
    WHERE r.seq <= $seq AND ($initiative = '' OR r.initiative = $initiative)
    QUALIFY row_number() OVER (PARTITION BY r.initiative, r.right_id ORDER BY r.seq DESC) = 1
    ORDER BY r.initiative, r.seq
"""


def right_answers(store: Store, moment: Moment, initiative: str = "") -> Rows:
    """The newest answer to each right; an empty `initiative` gives those of all."""
    return fetch(store.cursor(), _CURRENT, {"seq": moment.seq, "initiative": initiative})
