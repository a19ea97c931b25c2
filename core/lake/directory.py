"""People, today and then: team and roles as the record says; names stand beside it and can be forgotten."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from core.domain.actors import Actor
from core.domain.facts.process import Initiative
from core.domain.facts.record import Membership, StoreCreated
from core.domain.facts.recorded import Names, Recorded, V, named
from core.domain.moment import Moment
from core.lake.facts import history, latest, newest
from core.lake.query import asking, fetch, fetch_as
from core.lake.store import Beside, Store

_REGISTERED = """
    SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team FROM initiative
    WHERE seq <= $seq AND list_contains($wanted, initiative) GROUP BY initiative
"""

_PEOPLE = """
    WITH given AS (
        SELECT person, arg_max(team, seq) AS team, arg_max(roles, seq) AS roles,
            CASE WHEN arg_max(has_left, seq) THEN max(recorded_at) END AS left_at
        FROM membership GROUP BY person
    ),
    founder AS (SELECT (SELECT actor FROM record WHERE seq = 1) IN (SELECT person FROM membership) AS known)
    SELECT d.actor, d.name, d.title,
        coalesce(g.team, CASE WHEN f.known THEN '' ELSE d.team END) AS team,
        coalesce(g.roles, CASE WHEN f.known THEN [] ELSE d.roles END) AS roles, g.left_at
    FROM directory d CROSS JOIN founder f LEFT JOIN given g ON g.person = d.actor
    WHERE d.persona OR NOT $personas
    ORDER BY CASE WHEN $personas THEN d.rowid END, d.name
"""
# What the directory says of teams and roles counts in stores alone whose founder has none on record.


def people(store: Store, *, personas_only: bool = False) -> list[Actor]:
    """Everybody in the directory, those who left too, by name; or the demo's personas in their own order."""
    return [
        Actor(
            id=row["actor"],
            name=row["name"],
            team=row["team"],
            title=row["title"],
            roles=tuple(row["roles"]),
            left_on=row["left_at"] and row["left_at"].date(),
        )
        for row in fetch(store.cursor(), _PEOPLE, {"personas": personas_only})
    ]


def person(store: Store, actor: str) -> Actor | None:
    """One person of the directory, or None."""
    return next((known for known in people(store) if known.id == actor), None)


def names_today(store: Store) -> dict[str, str]:
    """Id -> name of everybody in the directory."""
    return {
        row["actor"]: row["name"] for row in fetch(store.cursor(), "SELECT actor, name FROM directory", {})
    }


def _called(store: Store, moment: Moment) -> dict[str, str]:
    """Id -> name of everybody as of today; of those who had left by a moment, with the day."""
    gone = [one for one in newest(store, Membership, moment) if one.has_left and not one.forgotten]
    left = {one.person: one.recorded_at.date() for one in gone}
    known = names_today(store)
    return known | {who: f"{known[who]} (left on {day})" for who, day in left.items() if who in known}


def names(store: Store, moment: Moment, initiatives: Iterable[str] = ()) -> Names:
    """Names of everybody as of today, and of some initiatives as registered by a moment, with their team."""
    wanted, people = sorted(set(initiatives)), _called(store, moment)
    if len(wanted) == 1:
        known = latest(store, Initiative, moment, wanted[0])
        return Names(people, {known.initiative: (known.name, known.team)} if known else {})
    rows = fetch(store.cursor(), _REGISTERED, {"seq": moment.seq, "wanted": wanted}) if wanted else []
    return Names(people, {row["initiative"]: (row["name"], row["team"]) for row in rows})


def signed(
    store: Store, view: type[V], kind: type[Recorded], moment: Moment, initiative: str
) -> tuple[V, ...]:
    """Facts of an initiative as people read them, newest first; `view` is their class with the name."""
    people = names(store, moment)
    return tuple(named(view, fact, people) for fact in reversed(history(store, kind, moment, initiative)))


def put_person(store: Store, actor: Actor, *, persona: bool = False) -> None:
    """Add a person, or replace what is known of them."""
    cursor = store.cursor()
    cursor.begin()
    entering(actor, persona=persona)(cursor)
    cursor.commit()


def entering(actor: Actor, *, persona: bool = False) -> Beside:
    """What writes a person into the directory, within a transaction, in place of what was known of them."""

    def write(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("DELETE FROM directory WHERE actor = ?", [actor.id])
        cursor.execute(
            "INSERT INTO directory VALUES (?, ?, ?, ?, ?, ?)",
            [actor.id, actor.name, actor.title, actor.team, list(actor.roles), persona],
        )

    return write


def introducing(actor: Actor, *, persona: bool = False, salt: str = "") -> tuple[str, Beside]:
    """The digest by which the record holds the name of a person, and what writes that name beside it.

    Names of before stay; team and roles of somebody who is there follow the record. Without a salt one is
    drawn.
    """
    salt = salt or secrets.token_hex(16)
    named = (_sha256(actor.name), _sha256(actor.title))
    digest = _sha256("".join((salt, *named)))

    def write(cursor: duckdb.DuckDBPyConnection) -> None:
        row = [digest, actor.id, salt, actor.name, actor.title]
        cursor.execute("INSERT INTO known_name VALUES (?, ?, ?, ?, ?)", row)
        known = "UPDATE directory SET name = ?, title = ? WHERE actor = ? RETURNING actor"
        if not cursor.execute(known, [actor.name, actor.title, actor.id]).fetchall():
            entering(actor, persona=persona)(cursor)

    return digest, write


def forgetting(person: str, number: int) -> tuple[str, Beside]:
    """What the record holds in place of a name, and what takes the name and all of before from beside it."""
    stands = Actor(id=person, name=f"a person ({number})")
    digest, write = introducing(stands, salt=f"{number}")

    def forget(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("DELETE FROM known_name WHERE actor = ?", [person])
        write(cursor)

    return digest, forget


_WORKED_ON = """
    SELECT initiative FROM initiative WHERE $person IN (owner, builder)
    UNION SELECT split_part(subject, '/', 1) FROM record WHERE actor = $person
"""


def worked_on(store: Store, person: str) -> set[str]:
    """Initiatives that somebody ever owned or built, or of which they put anything on record."""
    return {row["initiative"] for row in fetch(store.cursor(), _WORKED_ON, {"person": person})}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_CHANGED = """
    WITH said AS (
        SELECT person, arg_max(team, seq) AS team, arg_max(roles, seq) AS roles,
            arg_max(name_sha256, seq) FILTER (name_sha256 <> '') AS digest
        FROM membership GROUP BY person
    ),
    held AS (SELECT *, sha256(salt || sha256(name) || sha256(title)) = sha256 AS whole FROM known_name),
    found AS (
        SELECT coalesce(d.actor, m.person) AS person, CASE
            WHEN d.actor IS NULL THEN CASE WHEN m.digest IS NOT NULL
                THEN 'is gone, though the record speaks of them' END
            WHEN m.person IS NULL THEN CASE WHEN len(d.roles) > 0 OR d.team <> ''
                THEN 'has a team or roles that no entry of the record gave' END
            WHEN d.team <> m.team OR d.roles <> m.roles
                THEN 'has a team or roles that no entry of the record gave'
            WHEN m.digest IS NOT NULL AND (h.name, h.title) IS DISTINCT FROM (d.name, d.title)
                THEN 'has another name than was entered'
            END AS what
        FROM directory d FULL JOIN said m ON m.person = d.actor LEFT JOIN held h ON h.sha256 = m.digest
        UNION ALL
        SELECT actor, 'had another name than is kept' FROM held
        WHERE NOT whole AND sha256 IN (SELECT name_sha256 FROM membership)
    )
    SELECT person, what FROM found WHERE what IS NOT NULL ORDER BY person
"""


def changed_outside(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """People of whom the directory says what the record does not, and what."""
    return [(row["person"], row["what"]) for row in fetch(cursor, _CHANGED, {})]


def names_of_before(store: Store, person: str) -> dict[str, str]:
    """Digest on record -> the name that it holds, of what is still kept of a person."""
    query = "SELECT sha256, name FROM known_name WHERE actor = $person"
    return {row["sha256"]: row["name"] for row in fetch(store.cursor(), query, {"person": person})}


@dataclass(frozen=True, slots=True)
class Closed:
    """An initiative that may not be open to all, with what decides who reads it."""

    initiative: str
    owner: str
    domain: str
    team: str
    reading: str
    people: tuple[str, ...]
    teams: tuple[str, ...]


_CLOSED = asking(
    """, tied AS (
        SELECT initiative, person, NULL AS team FROM (
            SELECT * FROM task_assignment WHERE seq <= $seq
            QUALIFY row_number() OVER (PARTITION BY initiative, task ORDER BY seq DESC) = 1)
        WHERE actor <> person OR hand_off IS NOT NULL -- who took a task has it, and no tie by it
        UNION ALL
        SELECT initiative, to_person, to_team FROM hand_off h WHERE seq <= $seq AND NOT EXISTS (
            SELECT 1 FROM hand_off_answer a WHERE a.hand_off = h.hand_off AND a.seq <= $seq)
        UNION ALL
        SELECT initiative, unnest([owner, builder]), team FROM current_initiative
    )
    SELECT i.initiative, i.owner, i.domain, i.team, i.reading, list(DISTINCT t.person) AS people,
        list(DISTINCT t.team) AS teams
    FROM current_initiative i JOIN tied t USING (initiative)
    WHERE $all OR i.reading <> '' OR list_contains($domains::VARCHAR[], i.domain)
    GROUP BY ALL
    """,
    "current",
)


_SAYS_SO = "SELECT 1 FROM initiative WHERE reading <> '' LIMIT 1"
_LAST_TIE = " UNION ALL ".join(
    f"SELECT max(seq) AS seq FROM {table} WHERE seq <= $seq"
    for table in ("initiative", "task_assignment", "hand_off", "hand_off_answer")
)


def last_tie(store: Store, moment: Moment) -> int:
    """The newest entry up to a moment on which ties to initiatives rest: they are the same until another."""
    found = fetch(
        store.cursor(), f"SELECT coalesce(max(seq), 0) AS seq FROM ({_LAST_TIE})", {"seq": moment.seq}
    )
    return int(found[0]["seq"])


def closed_initiatives(
    store: Store, moment: Moment, domains: Iterable[str], *, every: bool = False
) -> list[Closed]:
    """Initiatives that say who may read them, and those of some domains; or every one."""
    values = {"seq": moment.seq, "day": moment.day, "domains": sorted(domains), "all": every}
    if not every and not values["domains"] and not fetch(store.cursor(), _SAYS_SO, {}):
        return []  # asked with every command, and mostly nothing is closed
    return fetch_as(store.cursor(), Closed, _CLOSED, values)


_AFTERWARDS = "SELECT DISTINCT person FROM membership WHERE seq > $seq"
_ACTED = "SELECT DISTINCT actor FROM record WHERE seq <= $seq"


@dataclass(frozen=True)
class KnownPerson:
    """Somebody of the directory as of a moment, and the day since when they have been there."""

    actor: Actor
    since: date


def people_then(store: Store, moment: Moment) -> list[KnownPerson]:
    """Everybody who was in the directory at a moment and still is, those who had left too, by name.

    Names and titles are those of today. People who came without a recorded membership count from the
    founding of the store.
    """
    memberships = history(store, Membership, moment)
    given = {one.person: one for one in memberships}
    since = {one.person: one.recorded_at for one in reversed(memberships)}
    founded = min((one.recorded_at for one in history(store, StoreCreated, moment)), default=None)
    absent = _not_yet_there(store, moment, given)
    return [
        KnownPerson(_as_given(person, given.get(person.id)), first.date() if first else moment.day)
        for person in sorted(people(store), key=lambda person: (person.name, person.id))
        if person.id not in absent
        for first in [since.get(person.id, founded)]
    ]


def _not_yet_there(store: Store, moment: Moment, given: Mapping[str, object]) -> set[str]:
    """People whose first membership came later, and who had done nothing by then."""
    values = {"seq": moment.seq}
    later = {row["person"] for row in fetch(store.cursor(), _AFTERWARDS, values)} - set(given)
    return later - {row["actor"] for row in fetch(store.cursor(), _ACTED, values)} if later else set()


def _as_given(person: Actor, membership: Membership | None) -> Actor:
    if membership is None:
        return person
    given = {"team": membership.team, "roles": membership.roles}
    left = {"left_on": membership.recorded_at.date() if membership.has_left else None}
    return person.model_copy(update=left | {name: one for name, one in given.items() if one is not None})
