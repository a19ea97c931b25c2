"""The record itself, page by page, and what each entry holds."""

from __future__ import annotations

from datetime import datetime

from core.domain.chain import EntryLine, OpenedEntry
from core.domain.facts.record import StoreCreated
from core.domain.facts.recorded import Recorded
from core.domain.facts.tables import TABLES
from core.domain.moment import Moment
from core.lake.facts import select
from core.lake.query import fetch
from core.lake.store import Store

_NAMED = """
    SELECT r.seq, r.recorded_at, r.actor, coalesce(d.name, r.actor) AS actor_name, r.action, r.subject,
        coalesce(i.name, r.subject) AS subject_name, r.fact_table, r.content_digest, r.digest{more}
    FROM ({chosen}) r
    LEFT JOIN directory d ON d.actor = r.actor
    LEFT JOIN (SELECT initiative, arg_max(name, seq) AS name FROM initiative GROUP BY initiative) i
        ON i.initiative = split_part(r.subject, '/', 1)
    ORDER BY r.seq DESC
"""
_ENTRIES = _NAMED.format(
    more="",
    chosen="""
        SELECT * FROM record
        WHERE seq <= $seq
            AND ($initiative = '' OR split_part(subject, '/', 1) = $initiative)
            AND ($action = '' OR action = $action)
            AND ($actor = '' OR actor = $actor)
        ORDER BY seq DESC LIMIT $most OFFSET $skip
    """,
)
_ENTRY = _NAMED.format(more=", r.previous_digest", chosen="SELECT * FROM record WHERE seq = $seq")


def entries(
    store: Store,
    moment: Moment,
    *,
    initiative: str = "",
    action: str = "",
    actor: str = "",
    most: int = 200,
    skip: int = 0,
) -> list[EntryLine]:
    """Entries up to the moment, newest first; empty filters let all through."""
    values = {"initiative": initiative, "action": action, "actor": actor, "most": most, "skip": skip}
    return [EntryLine(**row) for row in fetch(store.cursor(), _ENTRIES, {"seq": moment.seq, **values})]


def opened_entry(store: Store, seq: int) -> tuple[OpenedEntry, tuple[Recorded, ...]] | None:
    """An entry and the facts that it recorded, or None."""
    found = fetch(store.cursor(), _ENTRY, {"seq": seq})
    if not found:
        return None
    entry = OpenedEntry(**found[0])
    kind = TABLES.get(entry.fact_table)
    return entry, select(store, kind, "WHERE seq = $seq", seq=seq) if kind else ()


def entries_ahead(store: Store, clock: datetime) -> tuple[int, int] | None:
    """The first entry whose time lies ahead of a clock, and how many do; None where none does."""
    query = "SELECT min(seq) AS first_seq, count(*) AS entries FROM record WHERE recorded_at > $clock"
    found = fetch(store.cursor(), query, {"clock": clock.replace(tzinfo=None)})[0]
    return (found["first_seq"], found["entries"]) if found["entries"] else None


def store_kind(store: Store) -> StoreCreated | None:
    """How the store was made, or None while it is empty."""
    return next(iter(select(store, StoreCreated, "ORDER BY seq LIMIT 1")), None)
