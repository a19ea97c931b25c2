"""The record itself: its entries page by page, what it can be filtered by, its digests and keys."""

from __future__ import annotations

from datetime import datetime

from core.domain.chain import EntryLine, OpenedEntry
from core.domain.facts.record import StoreCreated
from core.domain.facts.recorded import Recorded
from core.domain.facts.tables import TABLES
from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates
from core.domain.process.facts import InitiativeChoice
from core.lake.facts import select
from core.lake.query import asking, fetch, fetch_as
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


def digest_at(store: Store, seq: int) -> str | None:
    """Digest of an entry, or None where the record has no such entry."""
    rows = fetch(store.cursor(), "SELECT digest FROM record WHERE seq = $seq", {"seq": seq})
    return str(rows[0]["digest"]) if rows else None


def known_keys(store: Store) -> list[str]:
    """Public keys on record, oldest first."""
    rows = fetch(store.cursor(), "SELECT public_key FROM signing_key ORDER BY seq", {})
    return [row["public_key"] for row in rows]


_COUNT = """
    SELECT count(*) AS entries FROM record
    WHERE seq <= $seq
        AND ($initiative = '' OR split_part(subject, '/', 1) = $initiative)
        AND ($action = '' OR action = $action)
        AND ($actor = '' OR actor = $actor)
"""
_INITIATIVES = (
    "SELECT initiative AS id, arg_max(name, seq) AS name FROM initiative WHERE seq <= $seq "
    "GROUP BY initiative ORDER BY name, id"
)
_CHOICES = asking(
    """
    SELECT i.initiative, i.name, i.team, coalesce(l.live, false)
        AND i.initiative IN (SELECT initiative FROM model_version WHERE seq <= $seq) AS live
    FROM (
        SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team FROM initiative
        WHERE seq <= $seq GROUP BY initiative
    ) i
    LEFT JOIN current_live l USING (initiative)
    ORDER BY i.name, i.initiative
    """,
    "live",
)
_PEOPLE = (
    "SELECT DISTINCT r.actor AS id, coalesce(d.name, r.actor) AS name FROM record r "
    "LEFT JOIN directory d ON d.actor = r.actor WHERE r.seq <= $seq ORDER BY name, id"
)
_TEAMS = (
    "SELECT DISTINCT team FROM (SELECT arg_max(team, seq) AS team FROM initiative WHERE seq <= $seq "
    "GROUP BY initiative) ORDER BY team"
)
_ACTIONS = "SELECT DISTINCT action AS id FROM record WHERE seq <= $seq ORDER BY id"


def entry_count(
    store: Store, moment: Moment, *, initiative: str = "", action: str = "", actor: str = ""
) -> int:
    """Number of entries up to the moment; empty filters let all through."""
    values = {"seq": moment.seq, "initiative": initiative, "action": action, "actor": actor}
    return int(fetch(store.cursor(), _COUNT, values)[0]["entries"])


def named_initiatives(store: Store, moment: Moment) -> dict[str, str]:
    """Newest names of the initiatives on record, by id."""
    rows = fetch(store.cursor(), _INITIATIVES, {"seq": moment.seq})
    return {row["id"]: row["name"] for row in rows}


def initiative_choices(store: Store, moment: Moment, live_gates: LiveGates) -> list[InitiativeChoice]:
    """Initiatives to choose from, by name."""
    values = {"seq": moment.seq, "live_gates": live_gates}
    return fetch_as(store.cursor(), InitiativeChoice, _CHOICES, values)


def owning_teams(store: Store, moment: Moment) -> list[str]:
    """Teams that have initiatives, by name."""
    return [row["team"] for row in fetch(store.cursor(), _TEAMS, {"seq": moment.seq})]


def acting_people(store: Store, moment: Moment) -> dict[str, str]:
    """Names of those who acted, by id; the id where the directory no longer knows them."""
    return {row["id"]: row["name"] for row in fetch(store.cursor(), _PEOPLE, {"seq": moment.seq})}


def recorded_actions(store: Store, moment: Moment) -> list[str]:
    """Kinds of entry up to the moment."""
    return [row["id"] for row in fetch(store.cursor(), _ACTIONS, {"seq": moment.seq})]
