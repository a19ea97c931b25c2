"""The policy as flat rows, for deciding the whole inventory in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.domain.policy import Policy
from core.domain.requirements import requirements_of

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class PolicyRows:
    """What a set-based decision needs of a policy.

    Attributes
    ----------
    proofs
        One row per measure and proof it needs: `check_id` None stands for its evidence.
    asked
        One row per class, requirement and measure that satisfies it; `place` 0 is the measure asked for.
    gates
        One row per class and gate, with the number of its step.
    """

    proofs: Rows
    asked: Rows
    gates: Rows


def policy_rows(policy: Policy) -> PolicyRows:
    """Flatten a policy; the set-based form of `requirement_states` and `decide` reads nothing else of it."""
    proofs = [
        {"measure": m.id, "check_id": check, "valid_days": m.valid_days}
        for m in policy.measures.values()
        for check in ([None] if m.evidence is not None else []) + list(m.checks)
    ]
    asked = [
        {
            "class_id": risk_class.id,
            "class_place": rank,
            "consideration": requirement.consideration.id,
            "requirement": requirement.measure.id,
            "measure": measure.id,
            "place": place,
            "step": policy.step_order[requirement.measure.step],
            "responsible": requirement.measure.responsible,
            "due_days": requirement.measure.due_days,
            "per_version": policy.measure_is_per_version(requirement.measure.id),
        }
        for rank, risk_class in enumerate(policy.classes)
        for requirement in requirements_of(policy, risk_class.id)
        for place, measure in enumerate(requirement.satisfied_by)
    ]
    gates = [
        {"class_id": risk_class.id, "gate": gate.id, "step": policy.step_order[gate.step]}
        for risk_class in policy.classes
        for gate in policy.gates_of(risk_class.id)
    ]
    return PolicyRows(proofs, asked, gates)
