"""What another policy would change over the whole inventory: both are decided by one query, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.lake.process.policy_parameters import policy_parameters
from core.lake.query import Rows, asking, fetch, moment_values
from core.lake.store import Store

_CLASSIFIED = asking("SELECT * FROM classified", "current", "classified")
_NEWEST = {
    "newest_run": asking("SELECT * FROM newest_run", "newest"),
    "newest_evidence": asking("SELECT * FROM newest_evidence", "newest"),
    "answer": asking("SELECT * FROM answer", "answers"),
    "renewed_evidence": asking("SELECT * FROM renewed_evidence", "renewed_evidence"),
}
"""What counts of each initiative, kept under its own name, so that the queries below find it there."""
_MET = asking("SELECT * FROM met", "current", "policy", "sign_off_state", "proof_state", "met")
_OPEN = asking(
    """
    SELECT d.key, d.requirement, d.due_on, d.due_on < $day::DATE AS overdue
    FROM nothing, due d
    JOIN requirement_number r USING (class_id, requirement)
    LEFT JOIN met m ON m.key = d.key
    WHERE m.key IS NULL OR get_bit(m.requirements, r.number) = 0
    """,
    "policy",
    "requirement_state",
)
_ASKED = asking("SELECT count(*) AS asked FROM due", "policy", "requirement_state")
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
        now = moment_values(moment)
        _keep(cursor, "classified", _CLASSIFIED, now)
        for table, query in _NEWEST.items():
            _keep(cursor, table, query, now)
        for name, policy in (("before", before), ("after", after)):
            values = policy_parameters(store, policy, moment)
            _keep(cursor, "met", _MET, values)
            _keep(cursor, f"{name}_open", _OPEN, values)
            _keep(cursor, f"{name}_asked", _ASKED, values)
            _keep(cursor, f"{name}_gates", _GATES, values)
        _keep(cursor, "passed", _PASSED, now)
        _keep(cursor, "named", _NAMED, now)
        return {
            key: fetch(cursor, query, {"most": most})
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
