"""Clauses of frameworks over the whole inventory: one join of the requirements, whatever their number."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.process.facts import CheckProof
from core.ground import Verdict
from core.lake.query import Rows, asking, fetch, moment_values
from core.lake.standing import standing
from core.lake.store import Store

_INITIATIVES = asking(
    """
    , current_regions AS (
        SELECT * FROM initiative_regions WHERE seq <= $seq
        QUALIFY row_number() OVER (PARTITION BY initiative ORDER BY seq DESC) = 1
    )
    SELECT i.initiative, i.name, i.team, i.domain, i.answers, c.class_id, r.regions
    FROM current_initiative i
    JOIN current_classification c USING (initiative)
    LEFT JOIN current_regions r ON r.initiative = i.initiative
    ORDER BY i.initiative
    """,
    "current",
)
_CLAUSE_STATE = """
    , answering AS (
        SELECT unnest(from_json($answering, '[{"framework":"VARCHAR","clause":"VARCHAR",
            "measure":"VARCHAR"}]'), recursive := true)
    ), scope AS (
        SELECT unnest(from_json($scope, '[{"initiative":"VARCHAR","profile":"INTEGER"}]'), recursive := true)
    ), profile_clause AS (
        SELECT unnest(from_json($clauses, '[{"profile":"INTEGER","framework":"VARCHAR","clause":"VARCHAR",
            "gap":"BOOLEAN"}]'), recursive := true)
    ), clause_proof AS (
        SELECT s.initiative, a.framework, a.clause, bool_and(s.satisfied) AS met
        FROM requirement_state s JOIN answering a ON a.measure = split_part(s.requirement, ':', 1)
        GROUP BY ALL
    ), clause_state AS (
        SELECT o.initiative, k.class_id, c.framework, c.clause,
            CASE WHEN c.gap THEN 'gap' WHEN p.met IS NULL THEN 'not_asked'
                WHEN p.met THEN 'met' ELSE 'open' END AS state
        FROM scope o
        JOIN current_classification k USING (initiative)
        JOIN profile_clause c USING (profile)
        LEFT JOIN clause_proof p
            ON p.initiative = o.initiative AND p.framework = c.framework AND p.clause = c.clause
    )
"""
_TALLY = asking(
    _CLAUSE_STATE
    + "SELECT framework, clause, class_id, state, count(*) AS initiatives FROM clause_state GROUP BY ALL",
    "current",
)
_STATES = asking(
    _CLAUSE_STATE + "SELECT initiative, framework, clause, state FROM clause_state ORDER BY ALL",
    "current",
)
_PROOFS = asking(
    """
    , newest AS (
        SELECT * FROM counting_evidence
        QUALIFY row_number() OVER (PARTITION BY initiative, measure ORDER BY seq DESC) = 1
    ), checked AS (
        SELECT c.initiative, p.measure,
            list({'check_id': c.check_id, 'verdict': c.verdict, 'at': c.recorded_at}
                ORDER BY c.check_id) AS checks
        FROM policy_proof p JOIN current_check_run c USING (check_id) GROUP BY ALL
    )
    SELECT s.initiative, i.name, i.team, s.class_id, s.requirement,
        s.proved_by, s.status, s.satisfied, s.due_on, s.expires_on,
        e.title, e.link, e.file_name, e.sha256, e.recorded_at, e.seq, coalesce(d.name, e.actor) AS actor_name,
        k.checks
    FROM requirement_state s
    JOIN current_initiative i USING (initiative)
    LEFT JOIN newest e ON e.initiative = s.initiative AND e.measure = s.proved_by
    LEFT JOIN checked k ON k.initiative = s.initiative AND k.measure = s.proved_by
    LEFT JOIN directory d ON d.actor = e.actor
    WHERE list_contains($measures, split_part(s.requirement, ':', 1))
        AND ($initiatives IS NULL OR list_contains($initiatives, s.initiative))
    ORDER BY s.satisfied, i.name, s.step, s.requirement
    """,
    "current",
    "policy",
)


@dataclass(frozen=True)
class ClauseScope:
    """Which clauses apply to which initiative, and what answers each.

    Attributes
    ----------
    answering
        Triples (framework, clause, measure).
    profiles
        Initiative -> number of its profile: initiatives to which the same clauses apply share one.
    clauses
        Rows (profile, framework, clause, whether no measure answers it).
    """

    answering: Collection[tuple[str, str, str]]
    profiles: dict[str, int]
    clauses: Collection[tuple[int, str, str, bool]]


@dataclass(frozen=True)
class InScope:
    """An initiative with what rules of applicability look at; `regions` is None where it recorded none."""

    initiative: str
    name: str
    team: str
    domain: str
    answers: Mapping[str, Sequence[str]]
    class_id: str
    regions: Sequence[str] | None


@dataclass(frozen=True)
class Counted:
    """How many initiatives of a class stand where with a clause."""

    framework: str
    clause: str
    class_id: str
    state: str
    initiatives: int


@dataclass(frozen=True, kw_only=True)
class ClauseProof:
    """A requirement that stands for a clause, with its newest evidence, if any, and its checks."""

    initiative: str
    name: str
    team: str
    class_id: str
    requirement: str
    proved_by: str
    status: str
    satisfied: bool
    due_on: date
    expires_on: date | None
    title: str | None
    link: str | None
    file_name: str | None
    sha256: str | None
    recorded_at: datetime | None
    seq: int | None
    actor_name: str | None
    checks: Mapping[str, CheckProof]


def initiatives_in_scope(store: Store, moment: Moment) -> list[InScope]:
    """Every initiative with what rules of applicability look at."""
    rows = fetch(store.cursor(), _INITIATIVES, moment_values(moment))
    return [InScope(**{**row, "answers": json.loads(row["answers"])}) for row in rows]


def clause_tally(store: Store, policy: Policy, moment: Moment, scope: ClauseScope) -> list[Counted]:
    """Number of initiatives by framework, clause, class and state of the clause."""
    rows = standing(store, policy, moment).fetch(_TALLY, "requirement_state", **_values(scope))
    return [Counted(**row) for row in rows]


def clause_states(store: Store, policy: Policy, moment: Moment, scope: ClauseScope) -> Rows:
    """State of every clause for every initiative to which it applies."""
    return standing(store, policy, moment).fetch(_STATES, "requirement_state", **_values(scope))


def clause_proofs(
    store: Store,
    policy: Policy,
    moment: Moment,
    measures: Collection[str],
    initiatives: Collection[str] | None,
) -> list[ClauseProof]:
    """Requirements that stand for the measures, each with its newest evidence and checks; unmet ones first.

    Without `initiatives` those of all are given.
    """
    wanted = None if initiatives is None else list(initiatives)
    everything = standing(store, policy, moment)
    rows = everything.fetch(_PROOFS, "requirement_state", measures=list(measures), initiatives=wanted)
    return [ClauseProof(**{**row, "checks": _checks(row["checks"] or ())}) for row in rows]


def _checks(runs: Iterable[Mapping[str, Any]]) -> dict[str, CheckProof]:
    return {run["check_id"]: CheckProof(Verdict(run["verdict"]), run["at"].date()) for run in runs}


def _values(scope: ClauseScope) -> dict[str, Any]:
    answering = [dict(zip(("framework", "clause", "measure"), row, strict=True)) for row in scope.answering]
    names = ("profile", "framework", "clause", "gap")
    return {
        "answering": json.dumps(answering),
        "scope": json.dumps([{"initiative": i, "profile": p} for i, p in scope.profiles.items()]),
        "clauses": json.dumps([dict(zip(names, row, strict=True)) for row in scope.clauses]),
    }
