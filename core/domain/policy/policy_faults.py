"""What only the whole policy shows to be wrong: missing cells, unknown names, gates nobody can open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from core.domain.actors import Roles
from core.domain.errors import Fault, Path
from core.domain.policy.checks import CHECKS, Kind
from core.domain.policy.policy import (
    Consideration,
    Gate,
    Measure,
    Policy,
    Proof,
    Question,
    RiskClass,
    SignOffPlan,
)
from core.domain.policy.requirement_list import requirements_of
from core.ground import Checked


def policy_faults(policy: Policy, roles: Roles) -> tuple[Fault, ...]:
    """Find every fault of a policy that parses.

    Looks for ids used twice, references to what does not exist, missing or extra cells of the matrix, rungs
    that do not exist, heavier answers that lift less, stricter classes that ask for less or for it later, or
    are looked at less,
    requirements that no gate asks for, gates that nobody can open, and measures that nothing can prove. An
    empty result means that the policy may be put in force.
    """
    faults = list(_duplicate_ids(policy))
    faults += _unknown_references(policy, roles)
    faults += _matrix_faults(policy)
    faults += _kind_references(policy)
    if not faults:  # the rest reads the matrix, so it has to be whole
        faults += _order_faults(policy)
        faults += process_order_faults(policy)
        faults += _gate_faults(policy, roles)
        faults += _kind_faults(policy)
    return tuple(faults)


def live_gate_faults(policy: Policy) -> Iterator[Fault]:
    """Find out whether exactly one gate makes live, for every class.

    No part of `policy_faults`: policies on record from before gates were marked are read without it.
    """
    marked = [place for place, gate in enumerate(policy.gates) if gate.live]
    if not marked:
        remedy = "Write 'live: true' on the gate behind which a model is live."
        yield Fault(("gates",), "no gate makes live", remedy)
        return
    first = policy.gates[marked[0]]
    for place in marked[1:]:
        what = f"gate {policy.gates[place].id} makes live, and so does {first.id}"
        yield Fault(("gates", place, "live"), what, "Keep 'live: true' on one of them.")
    lightest = policy.classes[0].id  # a stricter class passes every gate of a lighter one
    if lightest not in first.classes and policy.gates_of(lightest):
        what = f"class {lightest} passes no gate that makes live"
        yield Fault(("gates", marked[0], "classes"), what, f"Add {lightest} to its classes.")


def _duplicate_ids(policy: Policy) -> Iterator[Fault]:
    lists: dict[Path, Iterable[Checked]] = {
        (name,): getattr(policy, name)
        for name in ("questions", "classes", "modes", "steps", "considerations", "gates", "kinds")
    }
    lists |= {("questions", i, "options"): q.options for i, q in enumerate(policy.questions)}
    for path, parts in lists.items():
        seen: set[str] = set()
        for place, part in enumerate(parts):
            yield from _seen_before(part, seen, (*path, place, "id"))
    seen = set()
    for i, ladder in enumerate(policy.considerations):
        for j, measure in enumerate(ladder.rungs):
            yield from _seen_before(measure, seen, ("considerations", i, "rungs", j, "id"))


def _seen_before(part: Checked, seen: set[str], path: Path) -> Iterator[Fault]:
    name = str(getattr(part, "id"))  # noqa: B009 - parts differ in type, all that reach here have an id
    if name in seen:
        yield Fault(path, f"id '{name}' is used twice", "Give each its own id.")
    seen.add(name)


def _unknown_references(policy: Policy, roles: Roles) -> Iterator[Fault]:
    classes = [risk_class.id for risk_class in policy.classes]
    modes = [mode.id for mode in policy.modes]
    steps = [step.id for step in policy.steps]
    role_ids = [role.id for role in roles.roles]
    for i, question in enumerate(policy.questions):
        for j, option in enumerate(question.options):
            path: Path = ("questions", i, "options", j)
            yield from unknown((*path, "at_least"), "class", option.at_least, classes)
            yield from unknown((*path, "mode"), "mode", option.mode, modes)
    for i, ladder in enumerate(policy.considerations):
        for j, measure in enumerate(ladder.rungs):
            path = ("considerations", i, "rungs", j)
            yield from unknown((*path, "step"), "step", measure.step, steps)
            yield from unknown((*path, "responsible"), "role", measure.responsible, role_ids)
            for k, check in enumerate(measure.checks):
                yield from unknown((*path, "checks", k), "check", check, list(CHECKS))
            yield from sign_off_references(policy, roles, measure, path)
    for i, gate in enumerate(policy.gates):
        yield from unknown(("gates", i, "step"), "step", gate.step, steps)
        for j, class_id in enumerate(gate.classes):
            yield from unknown(("gates", i, "classes", j), "class", class_id, classes)
    yield from waiver_and_breach_references(policy, roles)
    yield from _life_references(policy, roles)
    yield from _naming_faults(policy)


def _life_references(policy: Policy, roles: Roles) -> Iterator[Fault]:
    """Who confirms classes, and what a retired use case keeps."""
    may = roles.allowed_roles("confirm_class")
    yield from _twice(policy.confirmed_by, ("confirmed_by",), "role")
    for i, role in enumerate(policy.confirmed_by):
        yield from unknown(("confirmed_by", i), "role", role, [known.id for known in roles.roles])
        if role not in may and role in [known.id for known in roles.roles]:
            yield Fault(
                ("confirmed_by", i), f"role '{role}' may not confirm a class", "Let it do 'confirm_class'."
            )
    looked_at = [one.id for one in policy.classes if one.review_percent]
    if looked_at and not policy.confirmed_by:
        what = f"a second person looks at class {looked_at[0]}, and no role confirms classes"
        yield Fault(("confirmed_by",), what, "Name the roles that do.")
    yield from _twice(policy.retired_keeps, ("retired_keeps",), "consideration")
    for i, kept in enumerate(policy.retired_keeps):
        known = [ladder.id for ladder in policy.considerations]
        yield from unknown(("retired_keeps", i), "consideration", kept, known)


def _kind_references(policy: Policy) -> Iterator[Fault]:
    """Kinds and checks that a proof names and nobody knows; traits without a kind to stand beside."""
    if policy.kinds and all(kind.trait for kind in policy.kinds):
        yield Fault(("kinds",), "there is no kind, only what stands beside one", "Add a kind.")
    known = [kind.id for kind in policy.kinds]
    for path, _, proof in _proofs_of(policy):
        for place, key in enumerate(proof.kinds):
            for name in key.split("+"):
                yield from unknown((*path, "kinds", place), "kind", name, known)
        for place, check in enumerate(proof.checks):
            yield from unknown((*path, "checks", place), "check", check, list(CHECKS))


def _proofs_of(policy: Policy) -> Iterator[tuple[Path, Measure, Proof]]:
    for i, ladder in enumerate(policy.considerations):
        for j, measure in enumerate(ladder.rungs):
            for k, proof in enumerate(measure.proofs):
                yield ("considerations", i, "rungs", j, "proofs", k), measure, proof


def _kind_faults(policy: Policy) -> Iterator[Fault]:
    """Rungs that a kind of model cannot prove, or that ask it for no more than the rung below."""
    for path, measure, proof in _proofs_of(policy):
        if measure.sign_offs:
            yield Fault(path, f"{measure.id} is signed, whatever the kind", "Leave the proof out.")
        elif proof.evidence is None and not proof.checks:
            what = f"this proof of {measure.id} has neither evidence nor a check"
            yield Fault(path, what, "Give it an 'evidence' text or 'checks'.")
    for key, kind in policy.admitted.items() if policy.kinds else ():
        for i, ladder in enumerate(policy.considerations):
            for j, measure in enumerate(ladder.rungs):
                yield from _unlike_its_kind(kind, measure.of(key), _place_of(measure, key, i, j))
                if j and ladder.ladder == "replaces" and not measure.sign_offs:
                    yield from _no_more(kind, ladder.rungs[j - 1], measure, _place_of(measure, key, i, j))


def _place_of(measure: Measure, key: str, ladder: int, rung: int) -> Path:
    """Where the proof of a rung for a kind stands."""
    found = next((k for k, proof in enumerate(measure.proofs) if proof.fits(key)), None)
    place: Path = ("considerations", ladder, "rungs", rung)
    return place if found is None else (*place, "proofs", found)


def _unlike_its_kind(kind: Kind, measure: Measure, path: Path) -> Iterator[Fault]:
    for check in measure.checks:
        if why := kind.cannot_have(check):
            yield Fault(
                path,
                f"no proof of {measure.id} for {kind.id}: it {why}, so check {check} cannot pass",
                f"Give {measure.id} a proof for {kind.id} without that check.",
            )


def _no_more(kind: Kind, lower: Measure, higher: Measure, path: Path) -> Iterator[Fault]:
    less, more = lower.of(kind.id), higher.of(kind.id)
    if (less.evidence, less.checks) == (more.evidence, more.checks):
        what = f"{higher.id} asks {kind.id} for no more than the lower {lower.id}"
        yield Fault(path, what, "Let it ask for more: a stricter class never asks for less.")


def _naming_faults(policy: Policy) -> Iterator[Fault]:
    pattern, example = policy.naming.pattern, policy.naming.example
    try:
        kept = re.fullmatch(pattern, example)
    except re.error as error:
        yield Fault(("naming", "pattern"), f"not a regular expression: {error}", "Mend the pattern.")
        return
    if not kept:
        what = f"the example '{example}' does not keep to the pattern"
        yield Fault(("naming", "example"), what, "Mend the example or the pattern.")


def _matrix_faults(policy: Policy) -> Iterator[Fault]:
    ladders = {ladder.id: ladder for ladder in policy.considerations}
    for class_id in policy.matrix:
        yield from unknown(("matrix", class_id), "class", class_id, list(policy.class_order))
    for class_id in policy.class_order:
        row = policy.matrix.get(class_id)
        if row is None:
            yield Fault(
                ("matrix",), f"class '{class_id}' has no row", "Add a row with a cell per consideration."
            )
            continue
        for consideration in row:
            yield from unknown(
                ("matrix", class_id, consideration), "consideration", consideration, list(ladders)
            )
        for ladder in ladders.values():
            if ladder.id not in row:
                yield Fault(
                    ("matrix", class_id),
                    f"cell {class_id} x {ladder.id} is missing",
                    f"Add '{ladder.id}: 0' or a higher rung.",
                )
            elif row[ladder.id] > len(ladder.rungs):
                yield Fault(
                    ("matrix", class_id, ladder.id),
                    f"rung {row[ladder.id]} of {ladder.id} does not exist",
                    f"Use 0 to {len(ladder.rungs)}.",
                )


def _order_faults(policy: Policy) -> Iterator[Fault]:
    for place, question in enumerate(policy.questions):
        yield from _lift_faults(policy, place, question)
    if policy.classes[0].from_score != 0:
        yield Fault(("classes", 0, "from_score"), "no class starts at score 0", "Let the first start at 0.")
    for i, (lighter, stricter) in enumerate(zip(policy.classes, policy.classes[1:], strict=False)):
        if stricter.from_score <= lighter.from_score:
            yield Fault(
                ("classes", i + 1, "from_score"),
                f"{stricter.id} starts no higher than {lighter.id}",
                "List classes from light to strict, each with a higher score.",
            )
        if stricter.newest_chunk_days > lighter.newest_chunk_days:
            yield Fault(
                ("classes", i + 1, "newest_chunk_days"),
                f"{stricter.id} allows older predictions than {lighter.id}",
                f"Use {lighter.newest_chunk_days} days or fewer.",
            )
        yield from _review_faults(("classes", i + 1), lighter, stricter)
        for ladder in policy.considerations:
            yield from _cell_faults(policy, ladder, lighter, stricter)
        dropped = {g.id for g in policy.gates_of(lighter.id)} - {g.id for g in policy.gates_of(stricter.id)}
        for gate in sorted(dropped):
            yield Fault(
                ("gates", [g.id for g in policy.gates].index(gate), "classes"),
                f"gate {gate} asks {lighter.id} but not the stricter {stricter.id}",
                f"Add {stricter.id} to its classes.",
            )


def _review_faults(path: Path, lighter: RiskClass, stricter: RiskClass) -> Iterator[Fault]:
    """A stricter class is looked at wherever a lighter one is, and its answers are given anew as often."""
    if lighter.confirmed and not stricter.confirmed:
        what = f"class {lighter.id} has to be confirmed, and the stricter {stricter.id} has not"
        yield Fault((*path, "confirmed"), what, "Let it be confirmed, or neither.")
    elif stricter.review_percent < lighter.review_percent:
        what = f"fewer of {stricter.id} are drawn for a look than of the lighter {lighter.id}"
        yield Fault((*path, "drawn_percent"), what, f"Draw {lighter.drawn_percent} percent or more.")
    if lighter.review_days and (stricter.review_days is None or stricter.review_days > lighter.review_days):
        seldom = f"after {stricter.review_days} days" if stricter.review_days else "never"
        what = f"answers of {stricter.id} are given anew {seldom}, those of the lighter {lighter.id} sooner"
        yield Fault((*path, "review_days"), what, f"Use {lighter.review_days} days or fewer.")


def _lift_faults(policy: Policy, place: int, question: Question) -> Iterator[Fault]:
    """A heavier answer has to lift at least as far as a lighter one, or it could lower the class."""
    for i, heavy in enumerate(question.options):
        lift = policy.class_order[heavy.at_least] if heavy.at_least else 0
        for light in question.options:
            if light.weight < heavy.weight and light.at_least and policy.class_order[light.at_least] > lift:
                yield Fault(
                    ("questions", place, "options", i),
                    f"{heavy.id} weighs more than {light.id} but lifts to less than {light.at_least}",
                    f"Give {heavy.id} 'at_least: {light.at_least}' or a stricter class.",
                )
                break


def _cell_faults(
    policy: Policy, ladder: Consideration, lighter: RiskClass, stricter: RiskClass
) -> Iterator[Fault]:
    """What opens a gate for the stricter class has to open it for the lighter one, so nothing comes later."""
    path = ("matrix", stricter.id, ladder.id)
    less, more = policy.matrix[lighter.id][ladder.id], policy.matrix[stricter.id][ladder.id]
    if more < less:
        yield Fault(
            path,
            f"{stricter.id} asks for rung {more} of {ladder.id}, the lighter {lighter.id} for {less}",
            f"Ask for {less} or more: a stricter class never asks for less.",
        )
    elif less and ladder.ladder == "replaces":
        earlier, later = ladder.rungs[less - 1], ladder.rungs[more - 1]
        if policy.step_order[later.step] > policy.step_order[earlier.step]:
            yield Fault(
                path,
                f"{stricter.id} asks for {later.id} at {later.step}, later than {lighter.id} asks",
                f"Move {later.id} to step '{earlier.step}' or earlier.",
            )


def _gate_faults(policy: Policy, roles: Roles) -> Iterator[Fault]:
    if not roles.allowed_roles("decide_gate"):
        yield Fault(("gates",), "no role may ask for a gate decision", "Let a role do 'decide_gate'.")
    asked: set[str] = set()
    for risk_class in policy.classes:
        gates = policy.gates_of(risk_class.id)
        if not gates:
            yield Fault(("gates",), f"class {risk_class.id} passes no gate", "Name it in a gate's classes.")
            continue
        for requirement in requirements_of(policy, risk_class.id):
            asking = _first_gate_asking(policy, gates, requirement.step)
            if asking is None:
                yield Fault(
                    ("matrix", risk_class.id, requirement.consideration.id),
                    f"no gate of {risk_class.id} asks for {requirement.measure.id}",
                    f"Add a gate at step '{requirement.step}' or later for this class.",
                )
            elif requirement.measure.id not in asked:
                path: Path = ("gates", policy.gates.index(asking))
                prefix = f"nobody can open gate {asking.id}: "
                yield from _unprovable(roles, requirement.measure, path, prefix)
                asked.add(requirement.measure.id)
    for i, ladder in enumerate(policy.considerations):
        for j, measure in enumerate(ladder.rungs):
            if measure.id not in asked:  # it may stand in for a lower rung
                yield from _unprovable(roles, measure, ("considerations", i, "rungs", j), "")


def _first_gate_asking(policy: Policy, gates: tuple[Gate, ...], step: str) -> Gate | None:
    place = policy.step_order[step]
    return next((gate for gate in gates if policy.step_order[gate.step] >= place), None)


def _unprovable(roles: Roles, measure: Measure, path: Path, prefix: str) -> Iterator[Fault]:
    if measure.evidence is None and not measure.checks and not measure.sign_offs:
        yield Fault(
            path,
            f"{prefix}{measure.id} has neither evidence nor a check",
            f"Give {measure.id} an 'evidence' text or 'checks'.",
        )
    if measure.evidence is not None and measure.responsible not in roles.allowed_roles("submit_evidence"):
        yield Fault(
            path,
            f"{prefix}{measure.responsible} is to prove {measure.id} but may not submit evidence",
            f"Let another role be responsible for it, or let {measure.responsible} submit evidence.",
        )
    if measure.checks and not roles.allowed_roles("run_checks"):
        yield Fault(
            path,
            f"{prefix}{measure.id} needs checks, and no role may run them",
            "Let a role do 'run_checks'.",
        )


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
    shortest = min(policy.waivers, key=lambda rule: rule.max_days, default=None)
    if shortest is not None and shortest.max_days < policy.emergency_days:
        what = f"one person alone waives for longer than anybody may for class {shortest.class_id}"
        yield Fault(("emergency_days",), what, f"Use {shortest.max_days} days or fewer.")
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
