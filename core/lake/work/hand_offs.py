"""Offers of work between teams, and their answers."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_OFFERS = """
    SELECT h.hand_off, h.initiative, i.name, h.task, h.what, h.from_team, h.to_team, h.to_person, h.reason,
        h.actor AS offered_by, h.recorded_at AS offered_at, h.seq,
        a.answer, a.reason AS answer_reason, a.actor AS answered_by, a.recorded_at AS answered_at
    FROM hand_off h
    LEFT JOIN hand_off_answer a ON a.hand_off = h.hand_off AND a.seq <= $seq
    LEFT JOIN (SELECT initiative, arg_max(name, seq) AS name FROM initiative WHERE seq <= $seq
        GROUP BY initiative) i ON i.initiative = h.initiative
    WHERE h.seq <= $seq AND ($initiative = '' OR h.initiative = $initiative)
        AND ($hand_off = '' OR h.hand_off = $hand_off)
        AND (NOT $open OR a.answer IS NULL)
    ORDER BY h.seq DESC
"""


def hand_offs(
    store: Store, moment: Moment, *, initiative: str = "", hand_off: str = "", open_only: bool = False
) -> Rows:
    """Offers up to a moment, newest first, with their answer where there is one."""
    values = {"seq": moment.seq, "initiative": initiative, "hand_off": hand_off, "open": open_only}
    return fetch(store.cursor(), _OFFERS, values)
