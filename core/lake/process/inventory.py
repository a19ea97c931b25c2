"""The whole inventory at once: requirements, gates and status of all initiatives in one query each."""

from __future__ import annotations

from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates, Policy
from core.domain.process.inventory import GateLine, InventoryLine, RequirementLine
from core.lake.memory import remembered
from core.lake.query import asking
from core.lake.standing import standing
from core.lake.store import Store

_REQUIREMENTS = asking(
    "SELECT s.*, i.name, i.team, i.owner, coalesce(d.name, i.owner) AS owner_name "
    "FROM requirement_state s JOIN current_initiative i USING (initiative) "
    "LEFT JOIN directory d ON d.actor = i.owner "
    "ORDER BY s.initiative, s.step, s.requirement",
    "current",
)
_GATES = asking(
    "SELECT g.* EXCLUDE (key), d.outcome AS decided, d.recorded_at AS decided_at FROM gate_state g "
    "LEFT JOIN current_decision d USING (initiative, gate) ORDER BY g.initiative, g.step",
    "current",
)
_INVENTORY = asking(
    """
    , tally AS (
        SELECT initiative, count(*) AS asked, count(*) FILTER (satisfied) AS satisfied,
            count(*) FILTER (overdue) AS overdue, count(*) FILTER (status = 'expiring') AS expiring,
            count(*) FILTER (status = 'failed') AS failed, count(*) FILTER (waived) AS waived
        FROM requirement_state GROUP BY initiative
    ), passage AS (
        SELECT g.initiative, count(*) AS gates, count(*) FILTER (d.outcome = 'open') AS passed,
            arg_min(g.gate, g.step) FILTER (d.outcome IS DISTINCT FROM 'open') AS next_gate
        FROM gate_state g LEFT JOIN current_decision d USING (initiative, gate) GROUP BY g.initiative
    ), looked AS (
        SELECT c.initiative, max(r.verdict) FILTER (r.check_id = 'bias_limit') AS bias,
            max(r.verdict) FILTER (r.check_id = 'decay_alert') AS decay
        FROM newest_run r JOIN classified c USING (key) GROUP BY c.initiative
    ), activity AS (
        SELECT split_part(subject, '/', 1) AS initiative, max(recorded_at) AS last_activity
        FROM record WHERE seq <= $seq GROUP BY 1
    )
    SELECT i.initiative, i.name, i.purpose, i.domain, i.team, i.owner,
        coalesce(d.name, i.owner) AS owner_name, r.registered_at,
        c.class_id, c.mode_id, v.version, v.task, coalesce(n.live, false) AS live,
        p.next_gate, coalesce(p.gates, 0) AS gates, coalesce(p.passed, 0) AS passed,
        coalesce(t.asked, 0) AS asked, coalesce(t.satisfied, 0) AS satisfied,
        coalesce(t.overdue, 0) AS overdue, coalesce(t.expiring, 0) AS expiring,
        coalesce(t.failed, 0) AS failed, coalesce(t.waived, 0) AS waived, l.bias, l.decay, a.last_activity
    FROM current_initiative i
    JOIN registration r USING (initiative)
    JOIN current_classification c USING (initiative)
    LEFT JOIN current_version v USING (initiative)
    LEFT JOIN tally t USING (initiative)
    LEFT JOIN passage p USING (initiative)
    LEFT JOIN current_live n USING (initiative)
    LEFT JOIN looked l USING (initiative)
    LEFT JOIN activity a USING (initiative)
    LEFT JOIN directory d ON d.actor = i.owner
    ORDER BY i.name
    """,
    "current",
    "live",
)


@remembered(room=32)
def requirement_lines(store: Store, policy: Policy, moment: Moment) -> tuple[RequirementLine, ...]:
    """Every requirement of every initiative with its status on the moment's day."""
    return standing(store, policy, moment).fetch_as(RequirementLine, _REQUIREMENTS, "requirement_state")


def gate_lines(store: Store, policy: Policy, moment: Moment) -> tuple[GateLine, ...]:
    """Every gate of every initiative: its outcome if decided now, and what was decided last."""
    return standing(store, policy, moment).fetch_as(GateLine, _GATES, "gate_state")


@remembered(room=32)
def inventory_lines(
    store: Store, policy: Policy, moment: Moment, live_gates: LiveGates
) -> tuple[InventoryLine, ...]:
    """Every initiative by name: who, class, version, progress, and what is off."""
    tables = ("newest_run", "requirement_state", "gate_state")
    rows = standing(store, policy, moment).fetch(_INVENTORY, *tables, live_gates=live_gates)
    gates = {gate.id: gate.title for gate in policy.gates}
    return tuple(
        InventoryLine(
            **row,
            class_title=policy.class_title(row["class_id"]),
            next_gate_title=gates.get(row["next_gate"]),
        )
        for row in rows
    )
