"""Two policies compared, cell by cell: what is asked for now that was not, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from core.domain.policy.checks import Kind
from core.domain.policy.policy import Consideration, Gate, Measure, Policy, RiskClass, SignOffPlan
from core.domain.policy.requirement_list import measure_token

Direction = Literal["stricter", "lighter", "other"]


@dataclass(frozen=True)
class PolicyChange:
    """One difference between two policies.

    Attributes
    ----------
    part
        Where it is: matrix, measures, kinds, signatures, gates, questions, classes, waivers, breaches, other.
    subject
        What it is about, as people read it.
    before, after
        In words; empty where there was or is nothing.
    """

    part: str
    subject: str
    before: str
    after: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Totals:
    """Initiatives; requirements asked, those open, initiatives with any overdue: before and after."""

    initiatives: int
    asked_before: int
    asked_after: int
    open_before: int
    open_after: int
    out_before: int
    out_after: int


@dataclass(frozen=True)
class Spared:
    """A requirement that so many initiatives would no longer have to prove."""

    requirement: str
    title: str
    initiatives: int


@dataclass(frozen=True)
class Work(Spared):
    """A requirement that initiatives would have to prove anew; of some it is overdue at once."""

    overdue_at_once: int


@dataclass(frozen=True)
class Fallen:
    """An initiative that falls out of policy: in policy before, with something overdue after."""

    initiative: str
    name: str
    team: str
    class_id: str
    class_title: str
    overdue: int
    due_on: date


@dataclass(frozen=True)
class Reopened:
    """A gate that was passed and would be shut, of so many in all."""

    initiative: str
    name: str
    team: str
    gate: str
    gate_title: str
    of_all: int


@dataclass(frozen=True)
class Effects:
    """What another policy changes over the whole inventory; long lists are cut, the totals are not."""

    totals: Totals
    work: tuple[Work, ...]
    spared: tuple[Spared, ...]
    fallen: tuple[Fallen, ...]
    reopened: tuple[Reopened, ...]


def policy_changes(before: Policy, after: Policy) -> tuple[PolicyChange, ...]:
    """List what differs between two policies, the matrix first, in the order of the newer one."""
    return (
        *_cells(before, after),
        *_measures(before, after),
        *_kinds(before, after),
        *_signatures(before, after),
        *_gates(before, after),
        *_questions(before, after),
        *_classes(before, after),
        *_rules(before, after),
    )


def _cells(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    ladders = {ladder.id: ladder for ladder in before.considerations}
    for ladder in after.considerations:
        for risk_class in after.classes:
            now = after.matrix[risk_class.id][ladder.id]
            then = before.matrix.get(risk_class.id, {}).get(ladder.id, 0)
            if now != then:
                subject = f"{risk_class.title} × {ladder.title}"
                old = ladders.get(ladder.id)
                yield PolicyChange(
                    "matrix",
                    subject,
                    _cell(old, then) if old else "",
                    _cell(ladder, now),
                    "stricter" if now > then else "lighter",
                )
    gone = [ladder for ladder in before.considerations if ladder.id not in after.matrix[after.classes[0].id]]
    for ladder in gone:
        yield PolicyChange("matrix", ladder.title, "asked for", "", "lighter")


def _cell(ladder: Consideration, rung: int) -> str:
    if not rung or rung > len(ladder.rungs):
        return "nothing"
    titles = (
        [m.title for m in ladder.rungs[:rung]] if ladder.ladder == "adds" else [ladder.rungs[rung - 1].title]
    )
    return f"{rung}: {' + '.join(titles)}"


def _measures(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    for measure in after.measures.values():
        old = before.measures.get(measure.id)
        if old is None:
            yield PolicyChange("measures", measure.title, "", "a new rung", "other")
            continue
        for what, was, is_now in _measure_parts(old, measure):
            yield PolicyChange("measures", f"{measure.title}: {what}", was, is_now, "other")
    for known in before.measures.values():
        if known.id not in after.measures:
            yield PolicyChange("measures", known.title, "a rung", "", "other")


def _measure_parts(old: Measure, new: Measure) -> Iterator[tuple[str, str, str]]:
    if measure_token(old) != measure_token(new):
        if (old.evidence, old.checks) != (new.evidence, new.checks):
            yield "what proves it", _proof(old), _proof(new)
        if (old.step, old.responsible) != (new.step, new.responsible):
            yield "step and role", f"{old.step}, {old.responsible}", f"{new.step}, {new.responsible}"
        if old.independent != new.independent:
            yield "independent", str(old.independent).lower(), str(new.independent).lower()
        if old.valid_days != new.valid_days:
            yield "valid for", _days(old.valid_days), _days(new.valid_days)
    if old.due_days != new.due_days:
        yield "due after", _days(old.due_days), _days(new.due_days)
    if old.title != new.title:
        yield "title", old.title, new.title
    if old.waivable != new.waivable:
        yield "may be waived", str(old.waivable).lower(), str(new.waivable).lower()


def _kinds(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    """Kinds of model that came, went or are made of something else; what proves a rung for one alone."""
    old, new = ({kind.id: kind for kind in policy.kinds} for policy in (before, after))
    for name in dict.fromkeys([*new, *old]):
        was, is_now = (_made_of(known[name]) if name in known else "" for known in (old, new))
        if was != is_now:
            yield PolicyChange("kinds", (new.get(name) or old[name]).title, was, is_now, "other")
    for measure in after.measures.values():
        for (was, is_now), titles in _proofs_by_kind(before, after, measure).items():
            subject = f"{measure.title}: what proves it for {'; '.join(titles)}"
            yield PolicyChange("measures", subject, was, is_now, "other")


def _proofs_by_kind(before: Policy, after: Policy, measure: Measure) -> dict[tuple[str, str], list[str]]:
    """What proved a rung before and proves it now, other than the rung's own -> the kinds it is so for."""
    found: dict[tuple[str, str], list[str]] = {}
    for key in after.admitted if after.kinds and measure.id in before.measures else ():
        old = before.measures[measure.id]
        was, is_now = _proof(old.of(key)), _proof(measure.of(key))
        if was != is_now and (was, is_now) != (_proof(old), _proof(measure)):
            found.setdefault((was, is_now), []).append(after.kind(key).title.lower())
    return found


def _made_of(kind: Kind) -> str:
    rows = ", with predictions as rows" if kind.predictions else ""
    return f"made of {', '.join(part.replace('_', ' ') for part in kind.made_of)}{rows}"


def _proof(measure: Measure) -> str:
    parts = ([measure.evidence] if measure.evidence else []) + [
        check.replace("_", " ") for check in measure.checks
    ]
    return ", ".join(parts) or "signatures"


def _days(days: int | None) -> str:
    return "no end" if days is None else f"{days} days"


def _signatures(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    for measure in after.measures.values():
        old = (
            {plan.gate: plan for plan in before.measures[measure.id].sign_offs}
            if measure.id in before.measures
            else {}
        )
        new = {plan.gate: plan for plan in measure.sign_offs}
        for gate in dict.fromkeys([*new, *old]):
            was, is_now = _plan(old.get(gate)), _plan(new.get(gate))
            if was != is_now:
                direction: Direction = (
                    "stricter" if gate not in old else "lighter" if gate not in new else "other"
                )
                yield PolicyChange("signatures", f"{measure.title}, at {gate}", was, is_now, direction)


def _plan(plan: SignOffPlan | None) -> str:
    if plan is None:
        return ""
    signed = ", ".join(f"{a.quorum} {a.role.replace('_', ' ')}" for a in plan.approvals)
    heard = f"; feedback of {', '.join(plan.feedback)}" if plan.feedback else ""
    return f"{signed} ({plan.order}){heard}; due {_days(plan.due_days)}, valid {_days(plan.valid_days)}"


def _gates(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    old = {gate.id: _gate(before, gate) for gate in before.gates}
    new = {gate.id: _gate(after, gate) for gate in after.gates}
    for gate in dict.fromkeys([*new, *old]):
        if old.get(gate, "") != new.get(gate, ""):
            yield PolicyChange("gates", gate, old.get(gate, ""), new.get(gate, ""), "other")


def _gate(policy: Policy, gate: Gate) -> str:
    return ", ".join(gate.classes) + ("; makes live" if gate == policy.live_gate else "")


def _questions(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    old = {(q.id, o.id): (q, o) for q in before.questions for o in q.options}
    new = {(q.id, o.id): (q, o) for q in after.questions for o in q.options}
    for key in dict.fromkeys([*new, *old]):
        was, is_now = old.get(key), new.get(key)
        said = [
            f"weight {o.weight}, {o.at_least or 'no class'}" if o else ""
            for o in (was and was[1], is_now and is_now[1])
        ]
        if said[0] != said[1]:
            question, option = is_now or was or (None, None)
            assert question is not None and option is not None
            yield PolicyChange("questions", f"{question.text} {option.label}", said[0], said[1], "other")


def _classes(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    old = {c.id: c for c in before.classes}
    new = {c.id: c for c in after.classes}
    for class_id in dict.fromkeys([*new, *old]):
        was, is_now = (_class_words(known[class_id]) if class_id in known else "" for known in (old, new))
        if was != is_now:
            title = (new.get(class_id) or old[class_id]).title
            yield PolicyChange("classes", title, was, is_now, "other")


def _class_words(risk_class: RiskClass) -> str:
    days = risk_class.newest_chunk_days
    said = f"from score {risk_class.from_score}; the newest chunk is at most {days} days old"
    if risk_class.review_percent:
        said += f"; {risk_class.review_percent}% looked at by a second person"
    if risk_class.review_days:
        said += f"; reviewed every {risk_class.review_days} days"
    if risk_class.transition_days is None:
        return said
    return f"{said}; what is new falls due after {_days(risk_class.transition_days)}"


def _rules(before: Policy, after: Policy) -> Iterator[PolicyChange]:
    pairs = (
        ("waivers", _by(before.waivers, "class_id"), _by(after.waivers, "class_id")),
        ("breaches", _by(before.breaches, "check"), _by(after.breaches, "check")),
        ("other", _settings(before), _settings(after)),
    )
    for part, old, new in pairs:
        for name in dict.fromkeys([*new, *old]):
            if old.get(name, "") != new.get(name, ""):
                yield PolicyChange(
                    part, name.replace("_", " "), old.get(name, ""), new.get(name, ""), "other"
                )


def _by(rules: tuple[object, ...], key: str) -> dict[str, str]:
    named = {}
    for known in rules:
        values = dict(vars(known))
        name = str(values.pop(key))
        named[name] = ", ".join(f"{field.replace('_', ' ')} {value}" for field, value in values.items())
    return named


def _settings(policy: Policy) -> dict[str, str]:
    return {
        "proofs_expire_soon_within": f"{policy.expiring_days} days",
        "longest_delegation": f"{policy.delegation_days} days",
        "longest_request": f"{policy.request_days} days",
        "classes_confirmed_by": f"{', '.join(policy.confirmed_by)}, within {policy.confirm_days} days",
        "retired_use_cases_keep": f"{', '.join(policy.retired_keeps)}, {policy.retention_days} days",
        "longest_emergency": f"{policy.emergency_days} days",
        "purposes_alike_from": f"{policy.alike_percent}%" if policy.alike_percent else "",
        "naming_standard": policy.naming.pattern,
    }
