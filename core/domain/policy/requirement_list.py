"""What the matrix asks of a class, and what a gate asks for as tokens that signatures are bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from core.domain.chain import canonical
from core.domain.policy.policy import Consideration, Gate, Measure, Policy, SignOffPlan
from core.ground import LEARNED


@dataclass(frozen=True)
class Requirement:
    """A cell of the matrix for one class: the measure asked for, and those that satisfy it.

    Attributes
    ----------
    sign_off
        Where the measure is a signature: at which gate, by whom.
    gate_title
        Title of that gate.
    """

    consideration: Consideration
    measure: Measure
    satisfied_by: tuple[Measure, ...]
    sign_off: SignOffPlan | None = None
    gate_title: str = ""
    gate_step: str = ""

    @property
    def id(self) -> str:
        """The measure's id; with the gate's where a measure is signed at several."""
        return f"{self.measure.id}:{self.sign_off.gate}" if self.sign_off else self.measure.id

    @property
    def title(self) -> str:
        """Title as people read it."""
        return f"{self.measure.title}, at “{self.gate_title}”" if self.sign_off else self.measure.title

    @property
    def step(self) -> str:
        """Process step at whose end it is asked for."""
        return self.gate_step or self.measure.step

    @property
    def watched(self) -> tuple[Measure, ...]:
        """Measures whose evidence, when it changes, is a change of what was signed."""
        return self.consideration.rungs if self.consideration.ladder == "replaces" else (self.measure,)

    @property
    def due_days(self) -> int:
        """Days after registration, classification or model version by which it is due."""
        return self.sign_off.due_days if self.sign_off else self.measure.due_days


@lru_cache(maxsize=1024)
def requirements_of(policy: Policy, class_id: str) -> tuple[Requirement, ...]:
    """List what the matrix asks of a class, in the order of the considerations and rungs.

    Examples
    --------
    A cell of 0 asks for nothing; on a ladder that replaces, a cell of 2 asks for rung 2 and takes rung 3
    for it; on a ladder that adds, it asks for rungs 1 and 2. A measure that is signed at three gates is
    three requirements, and only its own signatures satisfy them.
    """
    asked: list[Requirement] = []
    for ladder in policy.considerations:
        rung = policy.matrix[class_id][ladder.id]
        if rung and ladder.ladder == "replaces":
            asked.extend(_asked(policy, ladder, ladder.rungs[rung - 1], ladder.rungs[rung - 1 :]))
        elif rung:
            for measure in ladder.rungs[:rung]:
                asked.extend(_asked(policy, ladder, measure, (measure,)))
    return tuple(asked)


def _asked(
    policy: Policy, ladder: Consideration, measure: Measure, satisfied_by: tuple[Measure, ...]
) -> list[Requirement]:
    if not measure.sign_offs:
        proved = tuple(known for known in satisfied_by if not known.sign_offs)
        return [Requirement(ladder, measure, proved)]
    return [
        Requirement(ladder, measure, (measure,), plan, gate.title, gate.step)
        for plan in measure.sign_offs
        if (gate := policy.gate(plan.gate)) is not None
    ]


def demands_of(policy: Policy, class_id: str, gate: Gate) -> frozenset[str]:
    """List what a class is asked for at a gate: measures with a digest of their proof, and signatures."""
    measures = {measure_token(r.measure) for r in asked_at(policy, class_id, gate) if r.sign_off is None}
    plan = plan_at(policy, class_id, gate.id)
    return frozenset(measures | (_plan_tokens(plan) if plan else set()))


LIMIT = "limit:"
"""Begins the demand that an ethical limit is, in its words."""


def is_limited(policy: Policy, class_id: str, gate: Gate) -> bool:
    """Whether a gate asks for the check of an ethical limit."""
    return any("bias_limit" in asked.measure.checks for asked in asked_at(policy, class_id, gate))


def limit_in(demands: Iterable[str]) -> str:
    """The ethical limit among demands, in words; empty where there is none."""
    return next((token.removeprefix(LIMIT) for token in demands if token.startswith(LIMIT)), "")


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


@dataclass(frozen=True)
class Easing:
    """How a policy that followed another judges the deadlines of a requirement, so that nobody is late for
    what was not asked then.

    Attributes
    ----------
    floor
        Nothing of it is due before this day; None where the policy before asked for it, too.
    most_days, most_floor
        Where it only comes sooner, its days and floor by the policy before: it is not due later than by them.
    by, before
        What was asked in its place by the policy before: while the transition lasts, whoever was late for
        that still is.
    """

    floor: date | None = None
    most_days: int | None = None
    most_floor: date | None = None
    by: Policy | None = None
    before: tuple[str, ...] = ()


_UNEASED = Easing()


@lru_cache(maxsize=1024)
def easings(policy: Policy, class_id: str) -> Mapping[str, Easing]:
    """Requirement of a class -> how its deadlines are eased; empty for a policy that followed none."""
    if policy.before is None:
        return {}
    earlier, _ = policy.before
    known = class_id in earlier.class_order
    asked = {r.id: r for r in requirements_of(earlier, class_id)} if known else {}
    before = easings(earlier, class_id) if known else {}
    return {r.id: _easing(policy, class_id, r, asked, before) for r in requirements_of(policy, class_id)}


def _easing(
    policy: Policy,
    class_id: str,
    asked_now: Requirement,
    asked: Mapping[str, Requirement],
    before: Mapping[str, Easing],
) -> Easing:
    assert policy.before is not None
    earlier, since = policy.before
    places = [old for old in asked.values() if _takes_the_place(asked_now, old)]
    known = [asked[asked_now.id]] if asked_now.id in asked else places
    floor = _transition_ends(policy, class_id, since, asked_now.due_days)
    if not known or any(_is_stricter(policy, class_id, asked_now, old) for old in known):
        return Easing(floor, by=earlier, before=tuple(old.id for old in known))
    held = before.get(known[0].id, _UNEASED)
    if asked_now.due_days < known[0].due_days:
        return Easing(floor, known[0].due_days, held.floor)
    return held


def _takes_the_place(asked_now: Requirement, old: Requirement) -> bool:
    """Whether a requirement stands where another of the same ladder stood: there only one rung is asked."""
    same = asked_now.consideration.id == old.consideration.id and old.consideration.ladder == "replaces"
    return same and (old.sign_off is None) == (asked_now.sign_off is None)


def _is_stricter(policy: Policy, class_id: str, asked_now: Requirement, old: Requirement) -> bool:
    """Whether what met the old requirement may not meet the one of now."""
    assert policy.before is not None
    earlier, _ = policy.before
    plan, signed = asked_now.sign_off, old.sign_off
    if plan is not None and signed is not None:
        gate, was = policy.gate(plan.gate), earlier.gate(signed.gate)
        covered = gate and was and covers(demands_of(earlier, class_id, was), policy, class_id, gate)
        lapsing = {one.check for one in policy.breaches if one.revalidate}
        more = lapsing - {one.check for one in earlier.breaches if one.revalidate}
        return not covered or bool(more) or _shorter(plan.valid_days, signed.valid_days)
    return not any(_met_by(measure, old.measure) for measure in asked_now.satisfied_by)


def _met_by(measure: Measure, old: Measure) -> bool:
    """Whether proofs of an old measure prove this one: the same, with no more proofs, valid as long."""
    return (
        measure.id == old.id
        and (measure.evidence is None or old.evidence is not None)
        and set(measure.checks) <= set(old.checks)
        and not _shorter(measure.valid_days, old.valid_days)
    )


def _shorter(days: int | None, old: int | None) -> bool:
    return days is not None and (old is None or days < old)


@dataclass(frozen=True)
class Term:
    """On what term a measure is waived: by which role, for how many days at most.

    By rules that no longer hold it is so for what was granted before a day, through the end of the transition
    to those that do.
    """

    role: str
    max_days: int
    granted_before: date | None = None
    ends_on: date | None = None


@lru_cache(maxsize=4096)
def waiver_terms(policy: Policy, class_id: str, measure_id: str) -> tuple[Term, ...]:
    """List the terms on which a measure may be waived for a class, those of the rules of now first.

    Where a policy followed one that allowed more, a waiver granted by the rules of its day lasts as long as
    what a new policy asks is not due yet: nobody is late for rules that did not hold then.
    """
    measure, rule = policy.measures.get(measure_id), policy.waiver_rule(class_id)
    if measure is None:
        return ()
    own: list[Term] = []
    if rule is not None and measure.waivable and not measure.sign_offs:
        own = [Term("emergency", policy.emergency_days)]
        own += [Term(role, rule.max_days) for role in rule.approvers]
    if policy.before is None:
        return tuple(own)
    (earlier, since), longest = policy.before, {term.role: term.max_days for term in own}
    ends = _transition_ends(policy, class_id, since, measure.due_days)
    return (
        *own,
        *(
            Term(
                was.role,
                was.max_days,
                min(was.granted_before or since, since),
                min(was.ends_on or ends, ends),
            )
            for was in waiver_terms(earlier, class_id, measure_id)
            if was.max_days > longest.get(was.role, 0)
        ),
    )


def _transition_ends(policy: Policy, class_id: str, since: date, due_days: int) -> date:
    """Before which day nothing is due of what a policy asks anew since a day."""
    days = policy.risk_class(class_id).transition_days
    return since + timedelta(days=due_days if days is None else days)


def in_transition(policy: Policy, day: date) -> bool:
    """Whether something of any kind may still be judged by what the policy before asked for."""
    return any(
        eased.before and eased.floor is not None and eased.floor >= day for eased in _all_easings(policy)
    )


def _all_easings(policy: Policy) -> Iterator[Easing]:
    for asks in {policy, *map(policy.of, policy.admitted)}:
        for class_id in policy.class_order:
            yield from easings(asks, class_id).values()


def transitions_end(policy: Policy, day: date) -> date:
    """The day after the last transition that runs on a day; that day itself where none does."""
    floors = (eased.floor for eased in _all_easings(policy))
    return max(
        (floor + timedelta(days=1) for floor in floors if floor is not None and floor >= day), default=day
    )


Rows = list[dict[str, object]]


@dataclass(frozen=True)
class PolicyRows:
    """What a set-based decision needs of a policy.

    Attributes
    ----------
    proofs
        One row per kind, measure and proof it needs: `gate` stands for signatures, `check_id` for a check,
        and neither for its evidence.
    asked
        One row per class, requirement and measure that satisfies it; `place` 0 is the measure asked for.
        A measure that is signed stands with the gate, as its requirement does.
    eased
        One row per kind, class and requirement whose deadlines are eased; see `Easing`.
    gates
        One row per class and gate, with the number of its step.
    seats
        One row per class, gate and role that has to sign there.
    waivers
        One row per class, measure and term on which it may be waived; see `Term`.
    breaches
        Checks whose failure makes signatures lapse.
    watched
        One row per class, requirement and measure whose change of evidence makes signatures lapse.
    steps
        Id and number of each step.
    """

    proofs: Rows
    asked: Rows
    eased: Rows
    gates: Rows
    seats: Rows
    waivers: Rows
    breaches: Rows
    watched: Rows
    steps: Rows


def policy_rows(policy: Policy, kinds: Iterable[str] = (LEARNED,)) -> PolicyRows:
    """Flatten a policy for the kinds of model that there are; the set-based form of `requirement_states` and
    `decide` reads nothing else of it.
    """
    of = {kind: policy.of(kind) for kind in kinds}
    classes = [risk_class.id for risk_class in policy.classes]
    return PolicyRows(
        [{"kind": kind, **row} for kind, asks in of.items() for row in _proofs(asks)],
        [row for risk_class in policy.classes for row in _asked_rows(policy, risk_class.id)],
        [{"kind": kind, **row} for kind, asks in of.items() for c in classes for row in _eased(asks, c)],
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
        [row for risk_class in policy.classes for row in _waivers(policy, risk_class.id)],
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


def _asked_rows(policy: Policy, class_id: str) -> Rows:
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
            "kept": requirement.consideration.id in policy.retired_keeps,
        }
        for requirement in requirements_of(policy, class_id)
        for place, measure in enumerate(requirement.satisfied_by)
    ]


def _waivers(policy: Policy, class_id: str) -> Iterator[dict[str, object]]:
    asked = (one.measure.id for one in requirements_of(policy, class_id) if one.sign_off is None)
    for measure in dict.fromkeys(asked):
        for term in waiver_terms(policy, class_id, measure):
            days = {"granted_before": term.granted_before, "ends_on": term.ends_on}
            yield {
                "class_id": class_id,
                "measure": measure,
                "role": term.role,
                "max_days": term.max_days,
                **{name: day and day.isoformat() for name, day in days.items()},
            }


def _eased(policy: Policy, class_id: str) -> Iterator[dict[str, object]]:
    for requirement, easing in easings(policy, class_id).items():
        days = {"floor": easing.floor, "most_floor": easing.most_floor}
        if easing.most_days is not None or any(days.values()):
            yield {
                "class_id": class_id,
                "requirement": requirement,
                "most_days": easing.most_days,
                **{name: day and day.isoformat() for name, day in days.items()},
            }


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
