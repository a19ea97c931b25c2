"""What the KPIs and leaderboards count: cases of each kind as of a moment, one query a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from core.domain.moment import Moment
from core.domain.policy.checks import CheckTally
from core.domain.policy.policy import LiveGates, Policy
from core.domain.process.kpis import Case, CheckStand, Deadline, Deployment, FirstTry, LiveModel
from core.lake.memory import remembered
from core.lake.process.inventory import inventory_lines, requirement_lines
from core.lake.query import asking, fetch_as, moment_values
from core.lake.standing import standing
from core.lake.store import Store

_BELONGS = "i.initiative, i.name, i.team, i.domain, k.class_id, coalesce(d.name, i.owner) AS owner_name"
_BELONGING = (
    "current_initiative i JOIN current_classification k USING (initiative) "
    "LEFT JOIN directory d ON d.actor = i.owner"
)
_DEADLINES = """
    , proof_day AS (
        SELECT c.initiative, c.cell, p.measure, min(e.recorded_at::DATE) AS first_on
        FROM counting_evidence e
        JOIN classified c USING (initiative)
        JOIN measure_proof p ON p.cell = c.cell AND p.evidence = e.measure
        GROUP BY c.initiative, c.cell, p.measure
        UNION ALL
        SELECT c.initiative, c.cell, p.measure, r.first_on
        FROM (SELECT initiative, check_id, min(recorded_at::DATE) AS first_on FROM counting_check_run
            WHERE verdict = 'pass' GROUP BY initiative, check_id) r
        JOIN classified c USING (initiative)
        JOIN measure_proof p USING (cell, check_id)
        UNION ALL
        SELECT s.initiative, s.cell, p.measure, s.signed_on
        FROM sign_off_state s JOIN measure_proof p USING (cell, gate) WHERE s.severity <= 2
    ), measure_day AS (
        SELECT initiative, measure,
            CASE WHEN count(*) = any_value(w.wanted) THEN max(first_on) END AS first_on
        FROM proof_day JOIN proofs_wanted w USING (cell, measure) GROUP BY initiative, measure
    ), deadline AS (
        SELECT s.initiative, s.requirement, s.due_on, s.class_place = 0 AS light,
            coalesce(min(m.first_on) <= s.due_on, false) AS on_time
        FROM ever_due s
        JOIN policy_asked a ON a.class_id = s.class_id AND a.requirement = s.requirement
        LEFT JOIN measure_day m ON m.initiative = s.initiative AND m.measure = a.measure
        WHERE s.due_on BETWEEN $since AND $until AND (s.asked OR s.due_on <= s.retired_on)
        GROUP BY s.initiative, s.requirement, s.due_on, light
    )
"""
_DEADLINES_MET = asking(
    _DEADLINES
    + f"""
    SELECT {_BELONGS}, requirement, due_on, light, on_time FROM deadline JOIN {_BELONGING} USING (initiative)
    ORDER BY due_on, i.initiative, requirement
    """,
    "current",
    "policy",
    "due",
)
_FIRST_TRIES = asking(
    f"""
    , asked AS (
        SELECT DISTINCT a.class_id, a.class_place, p.kind, p.check_id
        FROM policy_asked a JOIN policy_proof p USING (measure) WHERE a.place = 0
    ), proven AS (SELECT DISTINCT initiative FROM evidence WHERE seq <= $seq)
    SELECT {_BELONGS}, c.check_id AS "check", a.class_place = 0 AS light, c.verdict
    FROM check_run c JOIN proven USING (initiative) JOIN {_BELONGING} USING (initiative)
    JOIN asked a ON a.class_id = k.class_id AND a.kind = i.kind AND a.check_id = c.check_id
    WHERE c.seq <= $seq AND c.first_try AND c.version IS NOT NULL
        AND c.recorded_at::DATE BETWEEN $since AND $until
    ORDER BY c.seq
    """,
    "current",
    "policy",
)
_CHECKS = asking(
    f"""
    , ran AS (SELECT c.initiative, r.check_id, r.verdict FROM newest_run r JOIN classified c USING (key)),
    asked AS (
        SELECT DISTINCT a.class_id, p.kind, p.check_id
        FROM policy_asked a JOIN policy_proof p USING (measure) WHERE a.place = 0 AND p.check_id IS NOT NULL
    ), wanted AS (
        SELECT initiative, check_id FROM current_classification
        JOIN registration USING (initiative) JOIN asked USING (class_id, kind)
    )
    SELECT {_BELONGS}, r.check_id AS "check", w.initiative IS NOT NULL AS asked,
        v.version IS NOT NULL AS versioned, coalesce(r.verdict, 'not_run') AS verdict
    FROM (SELECT * FROM ran FULL JOIN wanted w USING (initiative, check_id)) r
    JOIN {_BELONGING} USING (initiative)
    LEFT JOIN wanted w ON w.initiative = i.initiative AND w.check_id = r.check_id
    LEFT JOIN current_version v ON v.initiative = i.initiative
    WHERE i.initiative NOT IN (SELECT initiative FROM retired)
    ORDER BY i.initiative, r.check_id
    """,
    "current",
    "policy",
)
_DEPLOYMENTS = asking(
    f"""
    , opened AS (
        SELECT initiative, min(recorded_at) AS opened_at FROM production_turn
        WHERE state = 'deployed' AND role = 'production' GROUP BY initiative
    )
    SELECT {_BELONGS}, date_diff('day', r.registered_at, opened_at) AS days
    FROM opened JOIN registration r USING (initiative) JOIN {_BELONGING} USING (initiative)
    WHERE opened_at::DATE BETWEEN $since AND $day ORDER BY days, i.initiative
    """,
    "current",
    "live",
)
_LIVE_MODELS = asking(
    f"""
    SELECT {_BELONGS}, EXISTS (
        SELECT 1 FROM decay_chunk m WHERE m.initiative = i.initiative AND m.version = l.version
            AND m.seq <= $seq AND m.part = 'analysis') AS monitored
    FROM {_BELONGING} JOIN current_live l ON l.initiative = i.initiative AND l.live
    WHERE list_contains($classes, k.class_id) ORDER BY i.initiative
    """,
    "current",
    "live",
)
_CHECKS_OF_TEAM = asking(
    """
    , tries AS (
        SELECT check_id, count(*) AS first_tries, count(*) FILTER (verdict = 'pass') AS passes
        FROM check_run JOIN current_initiative i USING (initiative)
        WHERE check_run.seq <= $seq AND i.team = $team AND first_try
            AND check_run.recorded_at::DATE BETWEEN $since AND $day
        GROUP BY check_id
    ), latest AS (
        SELECT check_id, count(*) FILTER (verdict = 'pass') AS passing,
            count(*) FILTER (verdict = 'fail') AS failing,
            count(*) FILTER (verdict = 'cannot_tell') AS cannot_tell
        FROM current_check_run JOIN current_initiative i USING (initiative)
        WHERE i.team = $team GROUP BY check_id
    )
    SELECT check_id, coalesce(first_tries, 0) AS first_tries, coalesce(passes, 0) AS passes,
        coalesce(passing, 0) AS passing, coalesce(failing, 0) AS failing,
        coalesce(cannot_tell, 0) AS cannot_tell
    FROM tries FULL JOIN latest USING (check_id) ORDER BY check_id
    """,
    "current",
)


C = TypeVar("C")


@remembered(room=32)
def first_tries(store: Store, policy: Policy, moment: Moment, window_days: int) -> tuple[FirstTry, ...]:
    """First runs of a check in the window.

    A run counts that looked at a model version, on an initiative for which something was proved by evidence,
    of a check that the policy of its day asks of the class: what nobody asked for is no try.
    """
    since = moment.day - timedelta(days=window_days)
    return _over(store, policy, moment, (since, moment.day), FirstTry, _FIRST_TRIES)


@remembered(room=32)
def deadlines(store: Store, policy: Policy, moment: Moment, window_days: int) -> tuple[Deadline, ...]:
    """Requirements that fell due in the window: what the policy of that day asked for.

    What fell due before a use case was retired stays counted.
    """
    span = moment.day - timedelta(days=window_days), moment.day - timedelta(days=1)
    return _over(store, policy, moment, span, Deadline, _DEADLINES_MET, "sign_off_state")


def _over(
    store: Store,
    policy: Policy,
    moment: Moment,
    span: tuple[date, date],
    kind: type[C],
    query: str,
    *tables: str,
) -> tuple[C, ...]:
    """What a query finds, over the policies that held in a span."""
    return tuple(
        case
        for held, first, last in _held(policy, *span)
        for case in standing(store, held, moment).fetch_as(kind, query, *tables, since=first, until=last)
    )


def _held(policy: Policy | None, since: date, until: date) -> Iterator[tuple[Policy, date, date]]:
    """The policies that held in a span, each with its days: a deadline is judged by the rules of its day."""
    while policy is not None and since <= until:
        before, first = policy.before or (None, since)
        if first <= until:
            yield policy, max(first, since), until
        policy, until = before, min(until, first - timedelta(days=1))


def _window(moment: Moment, window_days: int) -> dict[str, Any]:
    return {**moment_values(moment), "since": moment.day - timedelta(days=window_days)}


def checks_of_team(store: Store, moment: Moment, team: str, window_days: int) -> list[CheckTally]:
    """Per check of a team: first tries and passes in the window, and the latest verdicts."""
    values = {**_window(moment, window_days), "team": team}
    return fetch_as(store.cursor(), CheckTally, _CHECKS_OF_TEAM, values)


@dataclass(frozen=True)
class Counted:
    """What cases are read from: the record up to a moment, by its policy."""

    store: Store
    policy: Policy
    moment: Moment
    live_gates: LiveGates


def _deployments(at: Counted, window_days: int) -> Sequence[Case]:
    values = {**_window(at.moment, window_days), "live_gates": at.live_gates}
    return fetch_as(at.store.cursor(), Deployment, _DEPLOYMENTS, values)


def _live_models(at: Counted) -> Sequence[Case]:
    classes = list(at.policy.class_order)[1:]
    values = {**moment_values(at.moment), "classes": classes, "live_gates": at.live_gates}
    return fetch_as(at.store.cursor(), LiveModel, _LIVE_MODELS, values)


def _initiatives(at: Counted) -> Sequence[Case]:
    lines = inventory_lines(at.store, at.policy, at.moment, at.live_gates)
    return [line for line in lines if not line.retired]


def _requirements(at: Counted) -> Sequence[Case]:
    active = {line.initiative for line in _initiatives(at)}
    lines = requirement_lines(at.store, at.policy, at.moment)
    return [line for line in lines if line.initiative in active]


def _checks(at: Counted) -> Sequence[Case]:
    return standing(at.store, at.policy, at.moment).fetch_as(CheckStand, _CHECKS, "newest_run", "classified")


READ: Mapping[str, Callable[[Counted, int], Sequence[Case]]] = {
    "initiatives": lambda at, _: _initiatives(at),
    "requirements": lambda at, _: _requirements(at),
    "deadlines": lambda at, days: deadlines(at.store, at.policy, at.moment, days),
    "first_tries": lambda at, days: first_tries(at.store, at.policy, at.moment, days),
    "checks": lambda at, _: _checks(at),
    "live_models": lambda at, _: _live_models(at),
    "deployments": _deployments,
}
"""Kind of case -> what reads it; people are read from the directory, see `core.services.oversight.kpis`."""
