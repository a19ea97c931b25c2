"""What the record can be filtered by, and how many entries a filter leaves."""

from __future__ import annotations

from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates
from core.domain.process.inventory import InitiativeChoice
from core.lake.query import asking, fetch, fetch_as
from core.lake.store import Store

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
