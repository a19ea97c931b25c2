"""Over the whole inventory, in few joins: clauses of frameworks, and what another policy would change."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.domain.errors import BadInput
from core.domain.moment import Moment
from core.domain.policy.policy import Policy, classify
from core.domain.policy.policy_changes import Effects, Fallen, Reopened, Spared, Totals, Work
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.facts import CheckProof
from core.ground import Verdict
from core.lake.memory import remembered
from core.lake.query import Rows, asking, fetch, moment_values
from core.lake.standing import Standing, standing
from core.lake.store import Store

_OPEN = asking(
    """
    SELECT d.key, d.requirement, d.due_on, d.due_on < $day::DATE AS overdue
    FROM nothing, due d
    JOIN requirement_number r USING (class_id, requirement)
    LEFT JOIN met m ON m.key = d.key
    WHERE m.key IS NULL OR get_bit(m.requirements, r.number) = 0
    """,
    "policy",
    "due",
)
_ASKED = asking("SELECT count(*) AS asked FROM due", "policy", "due")
_GATES = asking("SELECT key, gate, step, outcome FROM gate_state", "policy", "gate_state")
_PASSED = """
    SELECT initiative, gate FROM decision WHERE seq <= $seq
    GROUP BY initiative, gate HAVING arg_max(outcome, seq) = 'open'
"""
_NAMED = """
    SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team FROM initiative
    WHERE seq <= $seq GROUP BY initiative
"""
_TOTALS = """
    SELECT (SELECT count(*) FROM classified) AS initiatives,
        (SELECT asked FROM before_asked) AS asked_before,
        (SELECT asked FROM after_asked) AS asked_after,
        (SELECT count(*) FROM before_open) AS open_before,
        (SELECT count(*) FROM after_open) AS open_after,
        (SELECT count(DISTINCT key) FROM before_open WHERE overdue) AS out_before,
        (SELECT count(DISTINCT key) FROM after_open WHERE overdue) AS out_after
"""
_WORK = """
    SELECT requirement, count(*) AS initiatives, count(*) FILTER (a.overdue) AS overdue_at_once
    FROM after_open a ANTI JOIN before_open USING (key, requirement)
    GROUP BY requirement ORDER BY initiatives DESC, requirement
"""
_SPARED = """
    SELECT requirement, count(*) AS initiatives
    FROM before_open ANTI JOIN after_open USING (key, requirement)
    GROUP BY requirement ORDER BY initiatives DESC, requirement
"""
_FALLEN = """
    SELECT c.initiative, n.name, n.team, c.class_id, count(*) AS overdue, min(a.due_on) AS due_on
    FROM after_open a
    JOIN classified c USING (key)
    JOIN named n USING (initiative)
    WHERE a.overdue AND a.key NOT IN (SELECT key FROM before_open WHERE overdue)
    GROUP BY ALL ORDER BY overdue DESC, n.name LIMIT $most
"""
_REOPENED = """
    SELECT c.initiative, n.name, n.team, a.gate, count(*) OVER () AS of_all
    FROM after_gates a
    JOIN before_gates b USING (key, gate)
    JOIN classified c USING (key)
    JOIN passed p ON p.initiative = c.initiative AND p.gate = a.gate
    JOIN named n ON n.initiative = c.initiative
    WHERE a.outcome = 'blocked' AND b.outcome = 'open'
    ORDER BY n.name, a.step LIMIT $most
"""
_ANSWERS = """
    SELECT answers, class_id, list(initiative ORDER BY initiative) AS initiatives FROM (
        SELECT i.initiative, arg_max(i.answers, i.seq) AS answers FROM initiative i
        WHERE i.seq <= $seq GROUP BY i.initiative
    ) JOIN (
        SELECT initiative, arg_max(computed_class_id, seq) AS class_id FROM classification
        WHERE seq <= $seq GROUP BY initiative
    ) USING (initiative) GROUP BY ALL
"""


def preview(store: Store, before: Policy, after: Policy, moment: Moment, *, most: int) -> Effects:
    """Decide all initiatives by two policies and return what differs, the longest lists cut at `most`.

    Everything is compared where it lies; only what differs leaves the store.
    """
    titles = {r.id: r.title for p in (before, after) for c in p.classes for r in requirements_of(p, c.id)}
    gates = {gate.id: gate.title for gate in after.gates}
    everything = Standing(store, before, moment)
    try:
        for name, policy in (("before", before), ("after", after)):
            everything.turn_to(policy)
            everything.keep(f"{name}_open", _OPEN, "met")
            everything.keep(f"{name}_asked", _ASKED, "classified")
            everything.keep(f"{name}_gates", _GATES, "classified", "met")
        everything.keep("passed", _PASSED)
        everything.keep("named", _NAMED)
        work, spared = everything.fetch(_WORK), everything.fetch(_SPARED)
        fallen, reopened = everything.fetch(_FALLEN, most=most), everything.fetch(_REOPENED, most=most)
        return Effects(
            everything.fetch_as(Totals, _TOTALS)[0],
            tuple(Work(title=titles[row["requirement"]], **row) for row in work),
            tuple(Spared(title=titles[row["requirement"]], **row) for row in spared),
            tuple(Fallen(class_title=after.class_title(row["class_id"]), **row) for row in fallen),
            tuple(Reopened(gate_title=gates[row["gate"]], **row) for row in reopened),
        )
    finally:
        everything.close()


@remembered(room=8)
def led_elsewhere(store: Store, policy: Policy, moment: Moment) -> Mapping[str, tuple[str, str]]:
    """Initiative -> the class that its answers led to, and where they lead by a policy; '' where nowhere.

    Every set of answers is classified once, however many initiatives gave it.
    """
    moved: dict[str, tuple[str, str]] = {}
    for row in fetch(store.cursor(), _ANSWERS, {"seq": moment.seq}):
        answers = {question: tuple(options) for question, options in json.loads(row["answers"]).items()}
        try:
            led_to = classify(policy, answers).class_id
        except BadInput:  # a question or an answer that the policy does not have
            led_to = ""
        if led_to != row["class_id"]:
            moved |= dict.fromkeys(row["initiatives"], (row["class_id"], led_to))
    return moved


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
        FROM current_check_run c JOIN classified k USING (initiative)
        JOIN measure_proof p ON p.cell = k.cell AND p.check_id = c.check_id GROUP BY ALL
    )
    SELECT s.initiative, i.name, i.team, i.kind, s.class_id, s.requirement,
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
    kind: str
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
