"""Who was put on a task by name."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import fetch
from core.lake.store import Store

_ASSIGNED = """
    SELECT task, arg_max(person, seq) AS person FROM task_assignment
    WHERE seq <= $seq AND ($initiative = '' OR initiative = $initiative) GROUP BY task
"""


def assignments(store: Store, moment: Moment, *, initiative: str = "") -> dict[str, str]:
    """Task key -> id of the person put on it last; of one initiative, or of all."""
    rows = fetch(store.cursor(), _ASSIGNED, {"seq": moment.seq, "initiative": initiative})
    return {row["task"]: row["person"] for row in rows}


_KNOWN = """
    SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team, arg_max(owner, seq) AS owner,
        arg_max(builder, seq) AS builder
    FROM initiative WHERE seq <= $seq AND ($initiative = '' OR initiative = $initiative) GROUP BY initiative
"""


def who_has_what(store: Store, moment: Moment, *, initiative: str = "") -> dict[str, dict[str, str]]:
    """Initiative -> its name, team, owner and builder; of one, or of all."""
    rows = fetch(store.cursor(), _KNOWN, {"seq": moment.seq, "initiative": initiative})
    return {row["initiative"]: {column: row[column] or "" for column in row} for row in rows}
