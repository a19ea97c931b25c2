"""What a policy asks for at a gate, as tokens that a signature is bound to.

A signature stands as long as everything that the gate asks for now was asked for when it was given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set
from functools import lru_cache

from core.domain.chain import canonical
from core.domain.policy.policy import Gate, Measure, Policy, SignOffPlan
from core.domain.policy.requirement_list import Requirement, requirements_of


def demands_of(policy: Policy, class_id: str, gate: Gate) -> frozenset[str]:
    """List what a class is asked for at a gate: measures with a digest of their proof, and signatures."""
    measures = {measure_token(r.measure) for r in asked_at(policy, class_id, gate) if r.sign_off is None}
    plan = plan_at(policy, class_id, gate.id)
    return frozenset(measures | (_plan_tokens(plan) if plan else set()))


def demands_digest(demands: Set[str]) -> str:
    """Sha256 of what was asked for, whatever the order."""
    return hashlib.sha256(canonical(sorted(demands)).encode()).hexdigest()


def covers(demands: Set[str], policy: Policy, class_id: str, gate: Gate) -> bool:
    """Tell whether all that a gate asks of a class now was asked for then.

    A measure counts as asked for if it, or a stricter one of its ladder, was.
    """
    for requirement in asked_at(policy, class_id, gate):
        tokens = {measure_token(measure) for measure in requirement.satisfied_by}
        if requirement.sign_off is None and not tokens & demands:
            return False
    plan = plan_at(policy, class_id, gate.id)
    return plan is None or _signatures_cover(demands, plan)


def asked_at(policy: Policy, class_id: str, gate: Gate) -> tuple[Requirement, ...]:
    """Requirements that a gate asks for: those of its step and of the steps before it."""
    last = policy.step_order[gate.step]
    return tuple(r for r in requirements_of(policy, class_id) if policy.step_order[r.step] <= last)


def plan_at(policy: Policy, class_id: str, gate_id: str) -> SignOffPlan | None:
    """Who signs at a gate of a class, or None where nobody has to."""
    plans = (r.sign_off for r in requirements_of(policy, class_id) if r.sign_off is not None)
    return next((plan for plan in plans if plan.gate == gate_id), None)


@lru_cache(maxsize=4096)
def measure_token(measure: Measure) -> str:
    """A measure with a digest of what proves it: another title or guide asks for nothing else."""
    proof = measure.model_dump(
        include={"evidence", "checks", "independent", "responsible", "step", "valid_days"}
    )
    return f"{measure.id}#{hashlib.sha256(canonical(proof).encode()).hexdigest()[:12]}"


def _plan_tokens(plan: SignOffPlan) -> set[str]:
    signatures = {f"signed:{approval.role}:{approval.quorum}" for approval in plan.approvals}
    return signatures | {f"feedback:{role}" for role in plan.feedback}


def _signatures_cover(demands: Set[str], plan: SignOffPlan) -> bool:
    signed = {role: int(quorum) for kind, role, quorum in map(_parts, demands) if kind == "signed"}
    asked = all(signed.get(approval.role, 0) >= approval.quorum for approval in plan.approvals)
    return asked and all(f"feedback:{role}" in demands for role in plan.feedback)


def _parts(token: str) -> tuple[str, str, str]:
    kind, _, rest = token.partition(":")
    role, _, quorum = rest.partition(":")
    return (kind, role, quorum)
