"""Reading and verifying the record."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from core.domain.errors import NotFound
from core.domain.moment import Moment
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
) -> list[dict[str, Any]]:
    """Show entries of the record, newest first."""
    return lake.entries(
        governance.store, moment, initiative=initiative, action=action, actor=actor, most=most, skip=skip
    )


def record_entry(
    governance: Governance, moment: Moment, *, seq: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An entry of the record, and the rows that it put there.

    Raises
    ------
    NotFound
        The record had no such entry at the moment.
    """
    found = lake.entry_rows(governance.store, seq) if seq <= moment.seq else None
    if found is None:
        raise NotFound(f"the record has no entry {seq}", remedy=f"Its last one is {moment.seq}.")
    return found


def verify_record(governance: Governance) -> Verification:
    """Recompute the chain, every entry's content and the digests of all files."""
    return verify_store(governance.store)
