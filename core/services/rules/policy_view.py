"""The policy in force as rows that people read: matrix, measures, answers, modes, gates, responsibilities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.domain.errors import NotFound
from core.domain.facts import rules as recorded
from core.domain.moment import Moment
from core.domain.policy.policy import Consideration, Measure, Option, Policy, SignOffPlan
from core.domain.policy.requirement_list import Requirement, requirements_of
from core.domain.process.checks import CHECKS
from core.domain.work.raci import LETTERS
from core.lake import directory
from core.lake.facts import latest
from core.services.governance import Governance

Rows = list[dict[str, object]]
STAR_COLUMNS = {
    "builder_autonomy": "Autonomy of the builder",
    "versioning": "Versioning",
    "resources_separation": "Separation of resources",
    "sla_support": "Service levels and support",
    "external_integration": "Integration to external systems",
}
"""The five starred columns of Figure 8-1."""


@dataclass(frozen=True)
class PublishedPolicy:
    """The policy in force with where it came from."""

    policy: Policy
    sha256: str
    seq: int
    published_at: datetime
    published_by: str


def published_policy(governance: Governance, moment: Moment) -> PublishedPolicy:
    """The policy in force at a moment, with its digest, its record entry and who put it in force."""
    policy = governance.policy(moment)
    fact = latest(governance.store, recorded.PublishedPolicy, moment)
    assert fact is not None  # the line above raises where there is none
    names = directory.names(governance.store, moment)
    return PublishedPolicy(policy, fact.sha256, fact.seq, fact.recorded_at, names[fact.actor])


def matrix_rows(governance: Governance, moment: Moment) -> Rows:
    """One row per consideration; each class's column names the rung and the measure asked for.

    On a ladder that adds, a cell names every measure up to the rung. A cell that asks for nothing is empty.
    """
    policy = governance.policy(moment)
    return [
        {
            "consideration": ladder.title,
            **{c.id: _cell(ladder, policy.matrix[c.id][ladder.id]) for c in policy.classes},
        }
        for ladder in policy.considerations
    ]


def _cell(ladder: Consideration, rung: int) -> str:
    if not rung:
        return ""
    if ladder.ladder == "replaces":
        return f"{rung} · {ladder.rungs[rung - 1].title}"
    return "  +  ".join(f"{place} · {m.title}" for place, m in enumerate(ladder.rungs[:rung], start=1))


def class_measures(governance: Governance, moment: Moment, *, class_id: str) -> Rows:
    """Every measure that a class is asked for: step, responsible role, proof, due days and validity."""
    policy = governance.policy(moment)
    if class_id not in policy.class_order:
        titles = ", ".join(known.title for known in policy.classes)
        raise NotFound(f"'{class_id[:40]}' is no risk class", remedy=f"Choose one of: {titles}.")
    return [
        {
            "consideration": requirement.consideration.title,
            "measure": requirement.title,
            "guide": requirement.measure.guide,
            "step": policy.steps[policy.step_order[requirement.step]].title,
            "responsible": _responsible(governance, requirement.measure),
            "proof": proof_words(requirement.measure) or _signers(governance, requirement),
            "due_days": requirement.due_days,
            "valid": _validity(policy, requirement.measure),
        }
        for requirement in requirements_of(policy, class_id)
    ]


def _responsible(governance: Governance, measure: Measure) -> str:
    title = governance.roles.title(measure.responsible)
    return f"{title}, independent of the team" if measure.independent else title


def proof_words(measure: Measure) -> str:
    """What proves a measure: the evidence to submit and the checks that run by themselves."""
    checks = ", ".join(CHECKS[check].title for check in measure.checks if check in CHECKS)
    evidence = f"{measure.evidence[:1].upper()}{measure.evidence[1:]}" if measure.evidence else ""
    if evidence and checks:
        return f"{evidence}; checks: {checks}"
    return evidence or (f"Checks: {checks}" if checks else "")


def _signers(governance: Governance, requirement: Requirement) -> str:
    plan = requirement.sign_off
    return f"Signed by {signers(governance, plan)}" if plan else ""


def signers(governance: Governance, plan: SignOffPlan) -> str:
    """Who signs a gate, in words: `2 Risk and audit, 1 Business stakeholder`."""
    titles = governance.roles.title
    parts = [f"{approval.quorum} {titles(approval.role)}" for approval in plan.approvals]
    return ", then ".join(parts) if plan.order == "ordered" else ", ".join(parts)


def _validity(policy: Policy, measure: Measure) -> str:
    days = f"{measure.valid_days} days" if measure.valid_days else "no end"
    return f"{days}, this version" if policy.measure_is_per_version(measure.id) else days


def option_rows(policy: Policy, options: tuple[Option, ...]) -> Rows:
    """Answers of a question with what each adds to the score, lifts to, or sets."""
    return [{"label": o.label, "weight": o.weight, "effect": _effect(policy, o)} for o in options]


def _effect(policy: Policy, option: Option) -> str:
    words = [f"At least {policy.class_title(option.at_least)}"] if option.at_least else []
    words += [mode.operationalization for mode in policy.modes if mode.id == option.mode]
    return "; ".join(words)


def mode_rows(policy: Policy) -> Rows:
    """Figure 8-1: one row per mode, with its stars as text and a dash for none."""
    return [
        {
            "criticality": mode.criticality,
            "operationalization": mode.operationalization,
            **{column: "★" * getattr(mode, column) for column in STAR_COLUMNS},
        }
        for mode in policy.modes
    ]


def gate_rows(policy: Policy) -> Rows:
    """Process steps in order, with the gate at the end of each and the classes that pass it."""
    rows: Rows = []
    for step in policy.steps:
        gates = [gate for gate in policy.gates if gate.step == step.id]
        for gate in gates:
            passing = [c.title for c in policy.classes if c.id in gate.classes]
            everybody = len(passing) == len(policy.classes)
            rows.append(
                {
                    "step": step.title,
                    "activities": step.activities,
                    "gate": gate.title,
                    "classes": "All classes" if everybody else ", ".join(passing),
                    "lapses": "With the model version" if step.per_version else "Never",
                }
            )
        if not gates:
            rows.append({"step": step.title, "activities": step.activities, "gate": "", "classes": ""})
    return rows


def raci_rows(governance: Governance) -> Rows:
    """Figure 8-4: one row per task, one column per role, with the letters as the figure has them."""
    return [{"task": task.title, **task.letters} for task in governance.raci.tasks]


def raci_notes(governance: Governance) -> tuple[str, ...]:
    """What the letters mean, then the notes on the figure by task."""
    letters = ", ".join(f"{letter} = {meaning}" for letter, meaning in LETTERS.items())
    return (letters, *(f"{task.title}: {task.note}" for task in governance.raci.tasks if task.note))
