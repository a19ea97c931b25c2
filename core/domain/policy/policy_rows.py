"""The policy as flat rows, for deciding the whole inventory in one query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import requirements_of

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class PolicyRows:
    """What a set-based decision needs of a policy.

    Attributes
    ----------
    proofs
        One row per measure and proof it needs: `gate` stands for signatures, `check_id` for a check, and
        neither for its evidence.
    asked
        One row per class, requirement and measure that satisfies it; `place` 0 is the measure asked for.
        A measure that is signed stands with the gate, as its requirement does.
    gates
        One row per class and gate, with the number of its step.
    seats
        One row per class, gate and role that has to sign there.
    waivers
        One row per class and role that may waive.
    breaches
        Checks whose failure makes signatures lapse.
    watched
        One row per class, requirement and measure whose change of evidence makes signatures lapse.
    steps
        Id and number of each step.
    """

    proofs: Rows
    asked: Rows
    gates: Rows
    seats: Rows
    waivers: Rows
    breaches: Rows
    watched: Rows
    steps: Rows


def policy_rows(policy: Policy) -> PolicyRows:
    """Flatten a policy; the set-based form of `requirement_states` and `decide` reads nothing else of it."""
    return PolicyRows(
        _proofs(policy),
        [row for risk_class in policy.classes for row in _asked(policy, risk_class.id)],
        [
            {
                "class_id": risk_class.id,
                "gate": gate.id,
                "step": policy.step_order[gate.step],
                "per_version": policy.steps[policy.step_order[gate.step]].per_version,
            }
            for risk_class in policy.classes
            for gate in policy.gates_of(risk_class.id)
        ],
        [row for risk_class in policy.classes for row in _seats(policy, risk_class.id)],
        [
            {"class_id": rule.class_id, "role": role, "max_days": rule.max_days}
            for rule in policy.waivers
            for role in rule.approvers
        ],
        [{"check_id": breach.check} for breach in policy.breaches if breach.revalidate],
        [row for risk_class in policy.classes for row in _watched(policy, risk_class.id)],
        [{"step_id": step.id, "step": place} for place, step in enumerate(policy.steps)],
    )


def _proofs(policy: Policy) -> Rows:
    proofs: Rows = []
    for measure in policy.measures.values():
        kept = {"measure": measure.id, "valid_days": measure.valid_days}
        if measure.evidence is not None:
            proofs.append({**kept, "check_id": None, "gate": None})
        proofs.extend({**kept, "check_id": check, "gate": None} for check in measure.checks)
        proofs.extend(
            {"measure": f"{measure.id}:{plan.gate}", "valid_days": None, "check_id": None, "gate": plan.gate}
            for plan in measure.sign_offs
        )
    return proofs


def _asked(policy: Policy, class_id: str) -> Rows:
    return [
        {
            "class_id": class_id,
            "class_place": policy.class_order[class_id],
            "consideration": requirement.consideration.id,
            "requirement": requirement.id,
            "measure": requirement.id if requirement.sign_off else measure.id,
            "place": place,
            "step": policy.step_order[requirement.step],
            "responsible": requirement.measure.responsible,
            "due_days": requirement.due_days,
            "per_version": policy.steps[policy.step_order[requirement.step]].per_version,
            "waivable": requirement.measure.waivable and requirement.sign_off is None,
        }
        for requirement in requirements_of(policy, class_id)
        for place, measure in enumerate(requirement.satisfied_by)
    ]


def _watched(policy: Policy, class_id: str) -> Rows:
    return [
        {"class_id": class_id, "measure": measure.id, "step": policy.step_order[requirement.step]}
        for requirement in requirements_of(policy, class_id)
        for measure in requirement.watched
    ]


def _seats(policy: Policy, class_id: str) -> Rows:
    return [
        {
            "class_id": class_id,
            "gate": plan.gate,
            "role": approval.role,
            "quorum": approval.quorum,
            "valid_days": plan.valid_days,
        }
        for requirement in requirements_of(policy, class_id)
        if (plan := requirement.sign_off) is not None
        for approval in plan.approvals
    ]
