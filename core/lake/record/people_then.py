"""The people of a moment: their team and roles as given on record by then, else as the directory has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.domain.actors import Actor
from core.domain.moment import Moment
from core.lake.query import fetch
from core.lake.store import Store

_PEOPLE = """
    WITH given AS (
        SELECT person, arg_max(team, seq) AS team, arg_max(roles, seq) AS roles, min(recorded_at) AS since
        FROM membership WHERE seq <= $seq GROUP BY person
    ), later AS (
        SELECT person FROM membership GROUP BY person HAVING min(seq) > $seq
    ), founded AS (
        SELECT min(recorded_at) AS recorded_at FROM store_created
    )
    SELECT d.actor, d.name, d.title, coalesce(g.team, d.team) AS team, coalesce(g.roles, d.roles) AS roles,
        coalesce(g.since, f.recorded_at)::DATE AS since
    FROM directory d CROSS JOIN founded f
    LEFT JOIN given g ON g.person = d.actor
    LEFT JOIN later l ON l.person = d.actor
    WHERE l.person IS NULL OR d.actor IN (SELECT actor FROM record WHERE seq <= $seq)
    ORDER BY d.name, d.actor
"""


@dataclass(frozen=True)
class KnownPerson:
    """Somebody of the directory as of a moment, and the day since when they have been there."""

    actor: Actor
    since: date


def people_then(store: Store, moment: Moment) -> list[KnownPerson]:
    """Everybody who was in the directory at a moment and still is, by name.

    Names and titles are those of today: they are kept beside the record and have no history. People who
    came without a recorded membership count from the founding of the store.
    """
    return [
        KnownPerson(
            Actor(
                id=row["actor"],
                name=row["name"],
                team=row["team"] or "",
                title=row["title"] or "",
                roles=tuple(row["roles"] or ()),
            ),
            row["since"] or moment.day,
        )
        for row in fetch(store.cursor(), _PEOPLE, {"seq": moment.seq})
    ]
