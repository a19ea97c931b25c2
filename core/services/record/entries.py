"""Reading and verifying the record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from core.domain.chain import EntryLine, OpenedEntry
from core.domain.errors import NotFound
from core.domain.facts.recorded import Recorded
from core.domain.moment import CLOCK_TOLERANCE, Moment
from core.lake.record import entries as lake
from core.lake.record.verify import Verification, verify_store
from core.services.governance import Governance


def record_page(
    governance: Governance,
    moment: Moment,
    *,
    initiative: Annotated[str, Field(description="Only this initiative.")] = "",
    action: Annotated[str, Field(description="Only this kind of entry.")] = "",
    actor: Annotated[str, Field(description="Only entries by this person.")] = "",
    most: Annotated[int, Field(ge=1, le=10_000, description="How many entries.")] = 50,
    skip: Annotated[int, Field(ge=0, description="How many of the newest to leave out.")] = 0,
) -> list[EntryLine]:
    """Show entries of the record, newest first."""
    return lake.entries(
        governance.store, moment, initiative=initiative, action=action, actor=actor, most=most, skip=skip
    )


def record_entry(
    governance: Governance, moment: Moment, *, seq: int
) -> tuple[OpenedEntry, tuple[Recorded, ...]]:
    """An entry of the record, and the facts that it put there.

    Raises
    ------
    NotFound
        The record had no such entry at the moment.
    """
    found = lake.opened_entry(governance.store, seq) if seq <= moment.seq else None
    if found is None:
        raise NotFound(f"the record has no entry {seq}", remedy=f"Its last one is {moment.seq}.")
    return found


def clock_remark(governance: Governance, clock: datetime) -> str:
    """What is said of a clock (UTC) that lies behind the record by more than the tolerance; else empty."""
    behind = governance.present(clock).at - clock
    ahead = lake.entries_ahead(governance.store, clock) if behind > CLOCK_TOLERANCE else None
    if ahead is None:
        return ""
    first, entries = ahead
    which = f"entry {first:,} lies" if entries == 1 else f"{entries:,} entries, from {first:,} on, lie"
    return (
        f"{which} up to {_span(behind)} ahead of this machine's clock ({clock:%Y-%m-%d %H:%M} UTC). "
        "Nothing is blocked: until the clock has caught up, the time of the newest entry counts as now. "
        "Set the wrong clock right"
    )


def _span(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    for unit, size in (("day", 24 * 60), ("hour", 60)):
        if minutes >= 2 * size:
            return f"{round(minutes / size)} {unit}s"
    return f"{minutes} minutes"


def verify_record(governance: Governance) -> Verification:
    """Recompute the chain, every entry's content and the digests of all files."""
    return verify_store(governance.store)
