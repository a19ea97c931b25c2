"""The policy as a value: questions, classes, modes, ladders of measures, the matrix, gates.

The shape of `config/policy.yaml`. What one field can show to be wrong is refused here; what only the whole
shows (a missing cell, a gate nobody can open) is found by `core.domain.policy.policy_faults`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from core.ground.checked import Checked

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=600, strip_whitespace=True)]
Stars = Annotated[int, Field(ge=0, le=4)]
Dimension = Literal["audience", "lifetime", "impact"]
LiveGates = tuple[tuple[str, str], ...]
"""Pairs of policy version and gate: the gate that made live while that policy was in force."""


class Option(Checked):
    """One answer to a question.

    `weight` adds to the score; `at_least` lifts the class whatever the score; `mode` sets the
    operationalization mode (only the question on availability sets one).
    """

    id: Id
    label: Text
    weight: Annotated[int, Field(ge=0, le=10)] = 0
    at_least: Id | None = None
    mode: Id | None = None


class Question(Checked):
    """One question of Step 1. With `kind: many` the heaviest chosen option counts."""

    id: Id
    text: Text
    help: Text
    kind: Literal["one", "many"] = "one"
    dimension: Dimension
    options: Annotated[tuple[Option, ...], Field(min_length=2)]

    def option(self, option_id: str) -> Option | None:
        """The option with this id, or None."""
        return next((option for option in self.options if option.id == option_id), None)


class RiskClass(Checked):
    """A risk class; `from_score` is the lowest score that leads to it."""

    id: Id
    title: Text
    description: Text
    from_score: Annotated[int, Field(ge=0)]


class Mode(Checked):
    """A row of Figure 8-1: how a project of this criticality is put to work. Stars run from 0 to 4."""

    id: Id
    criticality: Text
    operationalization: Text
    builder_autonomy: Stars
    versioning: Stars
    resources_separation: Stars
    sla_support: Stars
    external_integration: Stars


class Step(Checked):
    """A process step of Step 5. Evidence of a step `per_version` lapses with the model version."""

    id: Id
    title: Text
    activities: Text
    per_version: bool


class Approval(Checked):
    """How many people of a role have to approve; each of them counts once."""

    role: Id
    quorum: Annotated[int, Field(ge=1, le=9)] = 1


class SignOffPlan(Checked):
    """Who signs at the end of a gate's step.

    `feedback` names roles whose opinion is needed before anybody decides. With `order: ordered` the roles
    sign in the order of the list. Signatures lapse after `valid_days`; none means for good.
    """

    gate: Id
    order: Literal["parallel", "ordered"] = "parallel"
    feedback: tuple[Id, ...] = ()
    approvals: Annotated[tuple[Approval, ...], Field(min_length=1)]
    due_days: Annotated[int, Field(ge=0, le=1000)]
    valid_days: Annotated[int, Field(ge=1, le=3650)] | None = None

    def quorum(self, role: str) -> int:
        """How many of a role have to approve; 0 where none has to."""
        return next((approval.quorum for approval in self.approvals if approval.role == role), 0)


class Measure(Checked):
    """A rung of a ladder: what is done, by whom, when, and what proves it.

    `evidence` says what to submit and `checks` what runs by itself; where both stand, both are needed.
    `independent` measures are submitted by somebody with the responsible role who neither owns nor
    builds the initiative. `valid_days` counts from the day of the proof; none means for good. A measure
    with `sign_offs` is proved by signatures alone, at each of the gates named. No waiver stands in for
    a signature, nor for a measure that is not `waivable`.
    """

    id: Id
    title: Text
    guide: Text
    step: Id
    responsible: Id
    evidence: Text | None = None
    checks: tuple[Id, ...] = ()
    sign_offs: tuple[SignOffPlan, ...] = ()
    due_days: Annotated[int, Field(ge=0, le=1000)]
    valid_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    independent: bool = False
    waivable: bool = True


class Consideration(Checked):
    """A row of Table 8-3 as a ladder; rung 0 asks for nothing.

    On a ladder that `replaces`, a higher rung stands for the lower ones; on one that `adds`, every rung
    up to the cell's is asked for.
    """

    id: Id
    title: Text
    why: Text
    ladder: Literal["replaces", "adds"]
    rungs: Annotated[tuple[Measure, ...], Field(min_length=3)]


class Gate(Checked):
    """The end of a process step for the classes named; behind the one marked `live` a model is live."""

    id: Id
    title: Text
    step: Id
    classes: Annotated[tuple[Id, ...], Field(min_length=1)]
    live: bool = False


class Naming(Checked):
    """The naming standard of initiatives: a regular expression for the whole id, and an example."""

    pattern: Text
    example: Text


class WaiverRule(Checked):
    """Who may waive a requirement of a class, and for how long at most."""

    class_id: Id
    approvers: Annotated[tuple[Id, ...], Field(min_length=1)]
    max_days: Annotated[int, Field(ge=1, le=1000)]


class Breach(Checked):
    """What a failed check on a live model leads to: a finding, and signatures that lapse with it."""

    check: Id
    severity: Literal["blocker", "major", "minor"]
    due_days: Annotated[int, Field(ge=0, le=365)]
    revalidate: bool


class Policy(Checked):
    """Everything that decides, in one versioned value."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*$", max_length=40)]
    title: Text
    expiring_days: Annotated[int, Field(ge=0, le=365)]
    naming: Naming
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]
    classes: Annotated[tuple[RiskClass, ...], Field(min_length=1)]
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    considerations: Annotated[tuple[Consideration, ...], Field(min_length=1)]
    matrix: dict[Id, dict[Id, Annotated[int, Field(ge=0)]]]
    gates: Annotated[tuple[Gate, ...], Field(min_length=1)]
    waivers: tuple[WaiverRule, ...] = ()
    breaches: tuple[Breach, ...] = ()
    delegation_days: Annotated[int, Field(ge=1, le=366)] = 60

    def __hash__(self) -> int:
        return id(self)  # each text is parsed once; to hash every field would take longer than most answers

    @cached_property
    def class_order(self) -> dict[str, int]:
        """Strictness of each class id, 0 = lightest."""
        return {risk_class.id: rank for rank, risk_class in enumerate(self.classes)}

    @cached_property
    def step_order(self) -> dict[str, int]:
        """Place of each step id in the process, 0 = first."""
        return {step.id: place for place, step in enumerate(self.steps)}

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """All measures by id."""
        return {measure.id: measure for ladder in self.considerations for measure in ladder.rungs}

    def measure_is_per_version(self, measure_id: str) -> bool:
        """Whether evidence for this measure belongs to one model version."""
        return self.steps[self.step_order[self.measures[measure_id].step]].per_version

    def waiver_rule(self, class_id: str) -> WaiverRule | None:
        """Who may waive a requirement of a class; None where nobody may."""
        return next((rule for rule in self.waivers if rule.class_id == class_id), None)

    def gate(self, gate_id: str) -> Gate | None:
        """The gate with this id, or None."""
        return next((gate for gate in self.gates if gate.id == gate_id), None)

    @cached_property
    def live_gate(self) -> Gate:
        """The gate behind which a model is live.

        A policy put on record before gates were marked means the gate `deployment`; where it has none, the
        last gate that every class passes.
        """
        marked = [gate for gate in self.gates if gate.live]
        unmarked = [gate for gate in self.gates if gate.id == "deployment"]
        return (marked or unmarked or self.gates_of(self.classes[0].id))[-1]

    def class_title(self, class_id: str) -> str:
        """Name of a class as people read it."""
        return self.classes[self.class_order[class_id]].title

    def gates_of(self, class_id: str) -> tuple[Gate, ...]:
        """Gates that an initiative of this class passes, in the order of the steps."""
        gates = [gate for gate in self.gates if class_id in gate.classes]
        return tuple(sorted(gates, key=lambda gate: self.step_order[gate.step]))
