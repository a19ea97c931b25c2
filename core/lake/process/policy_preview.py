"""What another policy would change over the whole inventory: both are decided by one query, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.lake.process.policy_parameters import policy_parameters
from core.lake.query import GATES, Rows, asking, fetch
from core.lake.store import Store

_REQUIREMENTS = asking(
    "SELECT initiative, class_id, requirement, satisfied, overdue, due_on FROM requirement_state",
    *GATES,
)
_GATES = asking("SELECT initiative, gate, step, outcome FROM gate_state", *GATES)
_PASSED = asking("SELECT initiative, gate FROM current_decision WHERE outcome = 'open'", "current")
_NAMED = """
    SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team FROM initiative
    WHERE seq <= $seq GROUP BY initiative
"""
_TOTALS = """
    SELECT (SELECT count(DISTINCT initiative) FROM {after}_requirements) AS initiatives,
        (SELECT count(*) FROM {before}_requirements) AS asked_before,
        (SELECT count(*) FROM {after}_requirements) AS asked_after,
        (SELECT count(*) FROM {before}_requirements WHERE NOT satisfied) AS open_before,
        (SELECT count(*) FROM {after}_requirements WHERE NOT satisfied) AS open_after,
        (SELECT count(DISTINCT initiative) FROM {before}_requirements WHERE overdue) AS out_before,
        (SELECT count(DISTINCT initiative) FROM {after}_requirements WHERE overdue) AS out_after
"""
_WORK = """
    SELECT a.requirement, count(*) AS initiatives, count(*) FILTER (a.overdue) AS overdue_at_once
    FROM {after}_requirements a
    LEFT JOIN {before}_requirements b ON b.initiative = a.initiative AND b.requirement = a.requirement
    WHERE NOT a.satisfied AND (b.requirement IS NULL OR b.satisfied)
    GROUP BY a.requirement ORDER BY initiatives DESC, a.requirement
"""
_SPARED = """
    SELECT b.requirement, count(*) AS initiatives
    FROM {before}_requirements b
    LEFT JOIN {after}_requirements a ON a.initiative = b.initiative AND a.requirement = b.requirement
    WHERE NOT b.satisfied AND (a.requirement IS NULL OR a.satisfied)
    GROUP BY b.requirement ORDER BY initiatives DESC, b.requirement
"""
_FALLEN = """
    SELECT a.initiative, n.name, n.team, any_value(a.class_id) AS class_id, count(*) AS overdue,
        min(a.due_on) AS due_on
    FROM {after}_requirements a JOIN named n USING (initiative)
    WHERE a.overdue AND a.initiative NOT IN (SELECT initiative FROM {before}_requirements WHERE overdue)
    GROUP BY a.initiative, n.name, n.team ORDER BY overdue DESC, n.name LIMIT $most
"""
_REOPENED = """
    SELECT a.initiative, n.name, n.team, a.gate, count(*) OVER () AS of_all
    FROM {after}_gates a
    JOIN {before}_gates b ON b.initiative = a.initiative AND b.gate = a.gate
    JOIN passed p ON p.initiative = a.initiative AND p.gate = a.gate
    JOIN named n ON n.initiative = a.initiative
    WHERE a.outcome = 'blocked' AND b.outcome = 'open'
    ORDER BY n.name, a.step LIMIT $most
"""
_ANSWERS = """
    SELECT answers, class_id, count(*) AS initiatives FROM (
        SELECT i.initiative, arg_max(i.answers, i.seq) AS answers FROM initiative i
        WHERE i.seq <= $seq GROUP BY i.initiative
    ) JOIN (
        SELECT initiative, arg_max(computed_class_id, seq) AS class_id FROM classification
        WHERE seq <= $seq GROUP BY initiative
    ) USING (initiative) GROUP BY ALL
"""


def preview(store: Store, before: Policy, after: Policy, moment: Moment, *, most: int) -> dict[str, Rows]:
    """Decide all initiatives by two policies and return what differs, the longest lists cut at `most`.

    Everything is compared where it lies; only what differs leaves the store. The keys are totals, work,
    spared, fallen and reopened.
    """
    cursor = store.cursor()
    try:
        for name, policy in (("before", before), ("after", after)):
            values = policy_parameters(store, policy, moment)
            _keep(cursor, f"{name}_requirements", _REQUIREMENTS, values)
            _keep(cursor, f"{name}_gates", _GATES, values)
        _keep(cursor, "passed", _PASSED, {"seq": moment.seq})
        _keep(cursor, "named", _NAMED, {"seq": moment.seq})
        names = {"before": "before", "after": "after"}
        return {
            key: fetch(cursor, query.format(**names), {"most": most})
            for key, query in (
                ("totals", _TOTALS),
                ("work", _WORK),
                ("spared", _SPARED),
                ("fallen", _FALLEN),
                ("reopened", _REOPENED),
            )
        }
    finally:
        cursor.close()


def answer_groups(store: Store, moment: Moment) -> Rows:
    """Each set of answers on record with the class it led to and how many initiatives gave it."""
    return fetch(store.cursor(), _ANSWERS, {"seq": moment.seq})


def _keep(cursor: duckdb.DuckDBPyConnection, table: str, query: str, values: Mapping[str, Any]) -> None:
    """Keep a query's answer for the time of this cursor; the name is ours, never a user's."""
    cursor.execute(f"DROP TABLE IF EXISTS temp.{table}")
    fetch(cursor, f"CREATE TEMP TABLE {table} AS {query}", dict(values))
