"""What is wrong with the signatures, waivers and breaches of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.domain.actors import Roles
from core.domain.faults import Fault, Path
from core.domain.policy.policy import Consideration, Measure, Policy, SignOffPlan
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.checks import CHECKS


def unknown(path: Path, kind: str, given: str | None, known: list[str]) -> Iterator[Fault]:
    """A reference to what does not exist, if it is one."""
    if given is not None and given not in known:
        yield Fault(path, f"'{given}' is not a known {kind}", f"Use one of: {', '.join(known)}.")


def sign_off_references(policy: Policy, roles: Roles, measure: Measure, path: Path) -> Iterator[Fault]:
    """Gates and roles that a measure's sign-offs name and nobody knows, or that may not sign."""
    if measure.sign_offs and (measure.evidence is not None or measure.checks):
        what = f"{measure.id} is to be signed and to be proved otherwise"
        yield Fault(path, what, "Leave out its evidence and checks, or its sign-offs.")
    role_ids = [role.id for role in roles.roles]
    signers = roles.allowed_roles("sign_gate")
    yield from _twice((plan.gate for plan in measure.sign_offs), (*path, "sign_offs"), "gate")
    for i, plan in enumerate(measure.sign_offs):
        place = (*path, "sign_offs", i)
        yield from unknown((*place, "gate"), "gate", plan.gate, [gate.id for gate in policy.gates])
        yield from _twice((approval.role for approval in plan.approvals), (*place, "approvals"), "role")
        named = [((*place, "approvals", j, "role"), a.role) for j, a in enumerate(plan.approvals)]
        named += [((*place, "feedback", j), role) for j, role in enumerate(plan.feedback)]
        for where, role in named:
            yield from unknown(where, "role", role, role_ids)
            if role in role_ids and role not in signers:
                yield Fault(where, f"role '{role}' may not sign", "Let the role do 'sign_gate'.")


def waiver_and_breach_references(policy: Policy, roles: Roles) -> Iterator[Fault]:
    """Classes, roles and checks that waivers and breaches name and nobody knows."""
    grant = roles.allowed_roles("decide_waiver")
    yield from _twice((rule.class_id for rule in policy.waivers), ("waivers",), "class")
    for i, rule in enumerate(policy.waivers):
        yield from unknown(("waivers", i, "class_id"), "class", rule.class_id, [c.id for c in policy.classes])
        for j, role in enumerate(rule.approvers):
            where: Path = ("waivers", i, "approvers", j)
            yield from unknown(where, "role", role, [known.id for known in roles.roles])
            if role not in grant and role in [known.id for known in roles.roles]:
                yield Fault(where, f"role '{role}' may not decide waivers", "Let it do 'decide_waiver'.")
    yield from _twice((breach.check for breach in policy.breaches), ("breaches",), "check")
    for i, breach in enumerate(policy.breaches):
        yield from unknown(("breaches", i, "check"), "check", breach.check, list(CHECKS))


def process_order_faults(policy: Policy) -> Iterator[Fault]:
    """Signatures and waivers by which a stricter class would be asked for less."""
    for i, ladder in enumerate(policy.considerations):
        yield from _ladder_faults(ladder, ("considerations", i))
    for risk_class in policy.classes:
        passed = {gate.id for gate in policy.gates_of(risk_class.id)}
        for requirement in requirements_of(policy, risk_class.id):
            if requirement.sign_off and requirement.sign_off.gate not in passed:
                yield Fault(
                    ("matrix", risk_class.id, requirement.consideration.id),
                    f"{requirement.measure.id} is signed at gate {requirement.sign_off.gate}, which "
                    f"{risk_class.id} does not pass",
                    "Name the class in the gate's classes, or ask for another rung.",
                )
    yield from _waiver_order_faults(policy)


def _ladder_faults(ladder: Consideration, path: Path) -> Iterator[Fault]:
    """On a ladder that replaces, a higher rung has to be signed wherever a lower one is, and by as many."""
    if ladder.ladder != "replaces":
        return
    for j, (lower, higher) in enumerate(zip(ladder.rungs, ladder.rungs[1:], strict=False), start=1):
        where = (*path, "rungs", j)
        if bool(lower.sign_offs) != bool(higher.sign_offs):
            what = f"one of {lower.id} and {higher.id} is signed, the other is not"
            yield Fault(where, what, "Let every rung of the ladder be signed, or none.")
            return
        plans = {plan.gate: plan for plan in higher.sign_offs}
        for plan in lower.sign_offs:
            if not _at_least(plans.get(plan.gate), plan):
                yield Fault(
                    where,
                    f"{higher.id} asks for less at gate {plan.gate} than the lower {lower.id}",
                    "Give it as many signatures of each role, the same feedback, and no longer validity.",
                )


def _at_least(stricter: SignOffPlan | None, lighter: SignOffPlan) -> bool:
    if stricter is None or not set(lighter.feedback) <= set(stricter.feedback):
        return False
    if any(stricter.quorum(approval.role) < approval.quorum for approval in lighter.approvals):
        return False
    if lighter.valid_days is None:
        return True
    return stricter.valid_days is not None and stricter.valid_days <= lighter.valid_days


def _waiver_order_faults(policy: Policy) -> Iterator[Fault]:
    places = {rule.class_id: i for i, rule in enumerate(policy.waivers)}
    for lighter, stricter in zip(policy.classes, policy.classes[1:], strict=False):
        less, more = policy.waiver_rule(lighter.id), policy.waiver_rule(stricter.id)
        if more is None:
            continue
        where: Path = ("waivers", places[stricter.id])
        if less is None or not set(more.approvers) <= set(less.approvers):
            what = f"a role may waive for {stricter.id} but not for the lighter {lighter.id}"
            yield Fault(where, what, f"Name it for {lighter.id} too, or not for {stricter.id}.")
        elif more.max_days > less.max_days:
            what = f"waivers of {stricter.id} last longer than those of the lighter {lighter.id}"
            yield Fault(where, what, f"Use {less.max_days} days or fewer.")


def _twice(names: Iterable[str], path: Path, kind: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            yield Fault((*path, place), f"{kind} '{name}' is named twice", "Keep one of them.")
        seen.add(name)
