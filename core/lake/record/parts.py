"""One initiative's rows of a fact table, read once and kept until more are recorded."""

from __future__ import annotations

from typing import Any

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store


def rows_of(store: Store, table: str, moment: Moment, initiative: str = "") -> Rows:
    """Rows of a fact table up to a moment, in the order of the record, with all their columns.

    Parameters
    ----------
    table
        A fact table; never a user's text.
    initiative
        Whose rows; left out for a table whose rows belong to no initiative.
    """
    part = (table, initiative)
    found = store.kept.find(part, moment.seq)
    if found is not None:
        return found
    # Asked before the rows are read: what is recorded meanwhile counts as unread.
    whole_to = moment.seq if store.kept.is_settled(moment.seq) else min(moment.seq, store.head())
    where = " WHERE initiative = $initiative" if "initiative" in store.columns[table] else ""
    # No name here comes from a user. Sorted here: in the query that takes as long as all the rest.
    rows = fetch(store.cursor(), f"SELECT * FROM {table}{where}", {"initiative": initiative})
    rows.sort(key=_seq)
    store.kept.keep(part, whole_to, rows)
    return [dict(row) for row in rows if row["seq"] <= moment.seq]


def _seq(row: dict[str, Any]) -> int:
    return int(row["seq"])
