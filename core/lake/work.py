"""Who has which initiative, what its signatures wait for, and what people did on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.domain.facts.process import SignOff
from core.domain.moment import Moment
from core.domain.work.work import Held, Part
from core.lake.facts import select
from core.lake.query import asking, fetch, moment_values
from core.lake.store import Store

_KNOWN = asking(
    """
    , known AS (
        SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team,
            arg_max(owner, seq) AS owner, arg_max(builder, seq) AS builder
        FROM initiative WHERE seq <= $seq AND ($initiative = '' OR initiative = $initiative)
        GROUP BY initiative
    )
    SELECT k.*, c.class_id, r.initiative IS NOT NULL AS retired FROM known k
    JOIN current_classification c USING (initiative) LEFT JOIN retired r USING (initiative)
    """,
    "current",
)
_ROUNDS = """
    WHERE seq <= $seq AND ($initiative = '' OR initiative = $initiative)
    QUALIFY seq >= max(seq) FILTER (act = 'requested') OVER (PARTITION BY initiative, gate) ORDER BY seq
"""
_SUBMITTERS = asking(
    """
    , submitted AS (
        SELECT initiative, actor FROM counting_evidence
        UNION ALL
        SELECT m.initiative, m.actor FROM model_version m JOIN current_version v
            ON v.initiative = m.initiative AND v.version = m.version WHERE m.seq <= $seq
        UNION ALL
        SELECT b.initiative, b.actor FROM prediction_batch b JOIN current_version v
            ON v.initiative = b.initiative AND v.version = b.version WHERE b.seq <= $seq
        UNION ALL
        SELECT s.initiative, s.actor FROM version_state s JOIN current_version v
            ON v.initiative = s.initiative AND v.version = s.version
            WHERE s.seq <= $seq AND s.state = 'champion'
        UNION ALL
        SELECT initiative, actor FROM document_text WHERE seq <= $seq
        UNION ALL
        SELECT initiative, actor FROM business_kpi WHERE seq <= $seq
        UNION ALL
        SELECT initiative, arg_min(actor, seq) FROM initiative WHERE seq <= $seq GROUP BY initiative
        UNION ALL
        SELECT initiative, unnest([owner, builder]) FROM initiative WHERE seq <= $seq
    )
    SELECT DISTINCT initiative, actor FROM submitted WHERE $initiative = '' OR initiative = $initiative
    """,
    "current",
)


def who_has_what(store: Store, moment: Moment, *, initiative: str = "") -> dict[str, Held]:
    """Initiative -> its name, team, owner, builder and class; of one, or of all."""
    rows = fetch(store.cursor(), _KNOWN, {**moment_values(moment), "initiative": initiative})
    return {row["initiative"]: Held(**row) for row in rows}


def sign_off_rounds(
    store: Store, moment: Moment, *, initiative: str = ""
) -> dict[tuple[str, str], list[SignOff]]:
    """Initiative and gate -> what was said since the signatures were asked for last, the request first."""
    found: dict[tuple[str, str], list[SignOff]] = {}
    for said in select(store, SignOff, _ROUNDS, seq=moment.seq, initiative=initiative):
        found.setdefault((said.initiative, said.gate), []).append(said)
    return found


def submitters(store: Store, moment: Moment, *, initiative: str = "") -> dict[str, set[str]]:
    """Initiative -> who had a part in what a signature would now rest on; see `inventory.involved_people`."""
    found: dict[str, set[str]] = {}
    for row in fetch(store.cursor(), _SUBMITTERS, {**moment_values(moment), "initiative": initiative}):
        found.setdefault(row["initiative"], set()).add(row["actor"])
    return found


@dataclass(frozen=True)
class Acts:
    """Acts of one person of one kind on one initiative.

    `roles` are those that the person had then; `role` the one in which they acted, once that is known.
    """

    actor: str
    actor_name: str
    action: str
    measure: str | None
    gate: str | None
    signed_as: str | None
    initiative: str
    name: str
    team: str
    roles: list[str]
    acts: int
    last_at: datetime
    role: str = ""


_ACTS = """
    WITH act AS (
        SELECT r.seq, r.actor, r.action, split_part(r.subject, '/', 1) AS initiative, e.measure,
            s.gate, s.role AS signed_as, r.recorded_at
        FROM record r LEFT JOIN evidence e ON e.seq = r.seq LEFT JOIN sign_off s ON s.seq = r.seq
        WHERE r.seq <= $seq AND list_contains($actions, r.action) AND r.recorded_at::DATE >= $since
    ), given AS (
        SELECT person, seq, roles FROM membership WHERE seq <= $seq
    ), current_team AS (
        SELECT initiative, arg_max(team, seq) AS team, arg_max(name, seq) AS name FROM initiative
        WHERE seq <= $seq GROUP BY initiative
    )
    SELECT a.actor, coalesce(d.name, a.actor) AS actor_name, a.action, a.measure, a.gate,
        a.signed_as, a.initiative,
        coalesce(t.name, a.initiative) AS name, coalesce(t.team, '') AS team,
        coalesce(g.roles, d.roles, []) AS roles,
        count(*) AS acts, max(a.recorded_at) AS last_at
    FROM act a
    ASOF LEFT JOIN given g ON g.person = a.actor AND a.seq >= g.seq
    LEFT JOIN directory d ON d.actor = a.actor
    LEFT JOIN current_team t ON t.initiative = a.initiative
    WHERE ($team = '' OR t.team = $team)
    GROUP BY ALL ORDER BY a.actor, a.action, a.initiative
"""
_PARTS = """
    WITH act AS (
        SELECT seq, actor, action, recorded_at FROM record
        WHERE seq <= $until AND split_part(subject, '/', 1) = $initiative
            AND NOT list_contains($computed, action)
    ), given AS (
        SELECT person, seq, roles FROM membership WHERE seq <= $until
    )
    SELECT a.actor, a.action AS did, a.recorded_at AS at, coalesce(g.roles, d.roles, []) AS roles
    FROM act a
    ASOF LEFT JOIN given g ON g.person = a.actor AND a.seq >= g.seq
    LEFT JOIN directory d ON d.actor = a.actor
    ORDER BY a.seq
"""


def acts(store: Store, moment: Moment, actions: Sequence[str], since: date, *, team: str = "") -> list[Acts]:
    """Acts of these kinds since a day, counted by actor, action, measure or gate, and initiative.

    `roles` are those that the actor had at the act, by recorded membership, else as the directory has them.
    """
    values = {"seq": moment.seq, "actions": list(actions), "since": since, "team": team}
    return [Acts(**row) for row in fetch(store.cursor(), _ACTS, values)]


def parts(store: Store, initiative: str, until: int, computed: Sequence[str]) -> list[Part]:
    """Everything that people did on one initiative up to an entry, but for what is worked out."""
    values = {"initiative": initiative, "until": until, "computed": list(computed)}
    return [Part(**{**row, "roles": tuple(row["roles"])}) for row in fetch(store.cursor(), _PARTS, values)]
