"""The policy as a governed thing: drafted, compared, reviewed by a second person, in force, and read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime

from core.connectors.config_files import parse_policy, parse_recorded_policy
from core.domain.actors import Roles
from core.domain.chain import Fact
from core.domain.commands import DraftPolicy, PublishPolicy
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.recorded import Signed, entry_of, named
from core.domain.facts.rules import PolicyDraft, Published, PublishedPolicy
from core.domain.life_cycles import DRAFT
from core.domain.moment import Moment
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Consideration, Measure, Option, Policy, SignOffPlan
from core.domain.policy.requirement_list import Requirement, requirements_of
from core.domain.rules.ethics import Ethics
from core.domain.work.raci import LETTERS
from core.ground import LEARNED
from core.lake import directory
from core.lake.facts import history, latest, newest_of
from core.services.case import Case, begin
from core.services.governance import Governance


@dataclass(frozen=True, kw_only=True)
class DraftLine(Signed, PolicyDraft):
    """A draft as people read it: `why` is what its author noted."""

    drafted_by: str
    drafted_by_name: str
    drafted_at: datetime
    why: str

    @property
    def first_day(self) -> date | None:
        """The day from which it holds, or is meant to; None where it holds once it is published."""
        return (
            max(self.recorded_at.date(), self.holds_from or date.min) if self.published else self.holds_from
        )

    @property
    def published(self) -> bool:
        """Whether it was published."""
        return self.state == "published"


def draft_policy(governance: Governance, command: DraftPolicy) -> str:
    """Put a draft on record, to be compared, previewed and reviewed; return its name.

    Raises
    ------
    Forbidden
        The actor may not draft policies.
    BadInput
        The text is no sound policy: every fault with its line.
    Conflict
        The text is the one in force, or its version was published before.
    """
    case = begin(governance, command)
    policy = parse_policy(command.text, case.rules.roles, name=command.name)
    return case.put_next("policy_drafted", lambda now: _drafted(now, command, policy)).draft


def _drafted(case: Case, command: DraftPolicy, policy: Policy) -> PolicyDraft:
    require_day_to_come(case, command.holds_from)
    if latest(case.governance.store, PublishedPolicy, case.moment, version=policy.version):
        raise Conflict(
            f"policy version '{policy.version}' was published before",
            where=command.name,
            remedy="Give the new text a new version; a published one never changes.",
        )
    return PolicyDraft(
        draft=case.next_name(PolicyDraft, "P"),
        state="drafted",
        version=policy.version,
        base_version=_newest(case).version,
        title=policy.title,
        sha256=hashlib.sha256(command.text.encode()).hexdigest(),
        text=command.text,
        note=command.note,
        holds_from=command.holds_from,
    )


def _newest(case: Case) -> PublishedPolicy:
    """The policy published last, which may hold from a later day."""
    return history(case.governance.store, PublishedPolicy, case.moment)[-1]


def require_day_to_come(case: Case, holds_from: date | None) -> None:
    """Refuse rules that would hold before anybody could know them."""
    if holds_from is not None and holds_from < case.moment.day:
        raise BadInput(
            f"{holds_from} is past, and rules hold from today at the earliest",
            where="holds from",
            remedy="Give a day to come, or none.",
        )


def publish_policy(governance: Governance, command: PublishPolicy) -> Policy:
    """Put an approved draft in force, from its day on; a published version never changes.

    Raises
    ------
    Forbidden, NotFound
        The actor may not publish; no such draft.
    Conflict
        It is not approved, or the policy published last is not the one it was drafted against.
    BadInput
        It no longer fits the roles as configured.
    """
    case = begin(governance, command)
    draft, step = require_draft(governance, command.draft, case.moment), DRAFT.to("published")
    case.permit(step, draft, state=draft.state)
    if draft.base_version != _newest(case).version:
        raise Conflict(
            f"draft {draft.draft} was made against {draft.base_version}; {_newest(case).version} came since",
            remedy="Draft it again, and look at its preview.",
        )
    policy = parse_recorded_policy(draft.text, case.rules.roles, name=f"draft {draft.draft}")
    published = entry_of(step.action, replace(draft, state="published", note=""))
    in_force = publication(PublishedPolicy, policy, draft.text, draft.holds_from)
    case.append([published, in_force], unchanged=[published.subject])
    since = max(case.moment.day, draft.holds_from or date.min)
    return policy.after(case.policy, since)


def require_draft(governance: Governance, draft: str, moment: Moment) -> PolicyDraft:
    """A draft as it stands."""
    found = latest(governance.store, PolicyDraft, moment, draft=draft)
    if found is None:
        raise NotFound(
            f"there is no policy draft '{draft[:40]}'",
            remedy="'governance policy drafts' lists those there are.",
        )
    return found


def policy_drafts(governance: Governance, moment: Moment) -> list[DraftLine]:
    """List the drafts, newest first."""
    said, names = history(governance.store, PolicyDraft, moment), directory.names(governance.store, moment)
    first = {draft.draft: draft for draft in reversed(said)}
    return [
        named(
            DraftLine,
            draft,
            names,
            drafted_by=first[draft.draft].actor,
            drafted_by_name=names[first[draft.draft].actor],
            drafted_at=first[draft.draft].recorded_at,
            why=first[draft.draft].note,
        )
        for draft in reversed(newest_of(said))
    ]


def read_text_of(governance: Governance, moment: Moment, *, draft: str = "", text: str = "") -> Policy:
    """The policy of a draft on record, or of a text that is none yet."""
    if bool(draft) == bool(text):
        raise BadInput("name a draft or give a policy file", where="policy", remedy="Give one of the two.")
    if draft:
        recorded = require_draft(governance, draft, moment).text
        return parse_recorded_policy(recorded, governance.rules(moment).roles, name=f"draft {draft}")
    return parse_policy(text, governance.rules(moment).roles, name="policy file")


def publication(
    kind: type[Published], rules: Policy | Ethics, text: str, holds_from: date | None = None
) -> Fact:
    """The entry that rules were published, once a version, as they are written."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    said = kind(version=rules.version, title=rules.title, sha256=digest, text=text, holds_from=holds_from)
    return entry_of(f"{kind.table}_published", said, first=True)


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
class PolicyInForce:
    """The policy in force with where it came from."""

    policy: Policy
    sha256: str
    seq: int
    published_at: datetime
    published_by: str


def published_policy(governance: Governance, moment: Moment) -> PolicyInForce:
    """The policy in force at a moment, with its digest, its record entry and who put it in force."""
    policy = governance.policy(moment)
    fact = governance.published(PublishedPolicy, moment)
    assert fact is not None  # the line above raises where there is none
    names = directory.names(governance.store, moment)
    return PolicyInForce(policy, fact.sha256, fact.seq, fact.recorded_at, names[fact.actor])


def matrix_rows(governance: Governance, moment: Moment, *, kind: str = LEARNED) -> Rows:
    """One row per consideration; each class's column names the rung and the measure asked for.

    On a ladder that adds, a cell names every measure up to the rung. A cell that asks for nothing is empty.
    Where a kind proves a rung in its own way, the cell says by what.
    """
    policy = governance.policy(moment)
    asks = policy.of(kind)
    return [
        {
            "consideration": ladder.title,
            **{c.id: _cell(ladder, own, policy.matrix[c.id][ladder.id]) for c in policy.classes},
        }
        for ladder, own in zip(policy.considerations, asks.considerations, strict=True)
    ]


def _cell(ladder: Consideration, own: Consideration, rung: int) -> str:
    rungs = list(enumerate(zip(ladder.rungs, own.rungs, strict=True), start=1))[:rung]
    asked = rungs[-1:] if ladder.ladder == "replaces" else rungs
    return "  +  ".join(f"{place} · {_rung(shipped, proved)}" for place, (shipped, proved) in asked)


def _rung(shipped: Measure, proved: Measure) -> str:
    return shipped.title if proved is shipped else f"{shipped.title}: {proved.evidence or 'the checks'}"


def class_measures(governance: Governance, moment: Moment, *, class_id: str, kind: str = LEARNED) -> Rows:
    """Every measure that a class is asked for: step, responsible role, proof, due days and validity."""
    policy = governance.policy(moment).of(kind)
    if class_id not in policy.class_order:
        titles = ", ".join(known.title for known in policy.classes)
        raise NotFound(f"'{class_id[:40]}' is no risk class", remedy=f"Choose one of: {titles}.")
    roles = governance.rules(moment).roles
    return [
        {
            "consideration": requirement.consideration.title,
            "measure": requirement.title,
            "guide": requirement.measure.guide,
            "step": policy.steps[policy.step_order[requirement.step]].title,
            "responsible": _responsible(roles, requirement.measure),
            "proof": proof_words(requirement.measure) or _signers(roles, requirement),
            "example": requirement.measure.example or "",
            "due_days": requirement.due_days,
            "valid": _validity(policy, requirement.measure),
        }
        for requirement in requirements_of(policy, class_id)
    ]


def _responsible(roles: Roles, measure: Measure) -> str:
    title = roles.title(measure.responsible)
    return f"{title}, independent of the team" if measure.independent else title


def proof_words(measure: Measure) -> str:
    """What proves a measure: the evidence to submit and the checks that run by themselves."""
    checks = ", ".join(CHECKS[check].title for check in measure.checks if check in CHECKS)
    evidence = f"{measure.evidence[:1].upper()}{measure.evidence[1:]}" if measure.evidence else ""
    if evidence and checks:
        return f"{evidence}; checks: {checks}"
    return evidence or (f"Checks: {checks}" if checks else "")


def _signers(roles: Roles, requirement: Requirement) -> str:
    plan = requirement.sign_off
    return f"Signed by {signers(roles, plan)}" if plan else ""


def signers(roles: Roles, plan: SignOffPlan) -> str:
    """Who signs a gate, in words: `2 Risk and audit, 1 Business stakeholder`."""
    titles = roles.title
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


def raci_rows(governance: Governance, moment: Moment) -> Rows:
    """Figure 8-4: one row per task, one column per role, with the letters as the figure has them."""
    return [{"task": task.title, **task.letters} for task in governance.rules(moment).raci.tasks]


def raci_notes(governance: Governance, moment: Moment) -> tuple[str, ...]:
    """What the letters mean, then the notes on the figure by task."""
    letters = ", ".join(f"{letter} = {meaning}" for letter, meaning in LETTERS.items())
    return (
        letters,
        *(f"{task.title}: {task.note}" for task in governance.rules(moment).raci.tasks if task.note),
    )
