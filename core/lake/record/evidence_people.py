"""Who submitted the evidence of an initiative, with the roles that they held then."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_SUBMITTERS = """
    SELECT e.seq, e.actor, coalesce(d.name, e.actor) AS name, d.actor IS NOT NULL AS known,
        coalesce(
            (SELECT arg_max(m.roles, m.seq) FROM membership m WHERE m.person = e.actor AND m.seq <= e.seq),
            d.roles, []) AS roles
    FROM evidence e LEFT JOIN directory d ON d.actor = e.actor
    WHERE e.initiative = $initiative AND e.seq <= $seq
"""
_PURGED = "SELECT DISTINCT sha256 FROM evidence_purged WHERE initiative = $initiative AND seq <= $seq"


def submitters(store: Store, initiative: str, moment: Moment) -> dict[int, dict[str, object]]:
    """By record entry of the evidence: its submitter, whether the directory has them, their roles then."""
    values = {"initiative": initiative, "seq": moment.seq}
    rows: Rows = fetch(store.cursor(), _SUBMITTERS, values)
    return {row["seq"]: row for row in rows}


def purged_digests(store: Store, initiative: str, moment: Moment) -> frozenset[str]:
    """Digests of files that the initiative had forgotten on purpose."""
    rows = fetch(store.cursor(), _PURGED, {"initiative": initiative, "seq": moment.seq})
    return frozenset(row["sha256"] for row in rows)
