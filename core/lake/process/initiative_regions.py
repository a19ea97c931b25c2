"""Where the people live whom an initiative concerns, as recorded last."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import fetch
from core.lake.store import Store


def regions_of(store: Store, initiative: str, moment: Moment) -> tuple[str, ...] | None:
    """Regions recorded for an initiative; None where it has recorded none."""
    rows = fetch(
        store.cursor(),
        "SELECT regions FROM initiative_regions WHERE initiative = $initiative AND seq <= $seq "
        "ORDER BY seq DESC LIMIT 1",
        {"initiative": initiative, "seq": moment.seq},
    )
    return tuple(rows[0]["regions"]) if rows else None
