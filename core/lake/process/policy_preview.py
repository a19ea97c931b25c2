"""What another policy would change over the whole inventory: both are decided by one query, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping

from core.domain.errors import BadInput
from core.domain.moment import Moment
from core.domain.policy.policy import Policy, classify
from core.domain.policy.policy_changes import Effects, Fallen, Reopened, Spared, Totals, Work
from core.domain.policy.requirement_list import requirements_of
from core.lake.memory import remembered
from core.lake.query import asking, fetch
from core.lake.standing import Standing
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
