"""The policy as a value: questions, classes, modes, ladders of measures, the matrix, gates.

The shape of `config/policy.yaml`. What one field can show to be wrong is refused here; what only the whole
shows (a missing cell, a gate nobody can open) is found by `core.domain.policy.policy_faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, StringConstraints

from core.domain.errors import BadInput
from core.domain.policy.checks import LEARNED_MODEL, Kind
from core.ground import Checked, Id, Task, Text

Stars = Annotated[int, Field(ge=0, le=4)]
Dimension = Literal["audience", "lifetime", "impact"]
KindKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\+[a-z][a-z0-9_]*)*$", max_length=120)]
"""A kind by its id, with the traits it has, as `agent+bought`."""
LiveGates = tuple[tuple[str, str], ...]
"""Pairs of policy version and gate: the gate that made live while that policy was in force."""


class Option(Checked):
    """One answer to a question.

    `weight` adds to the score; `at_least` lifts the class whatever the score; `mode` sets the
    operationalization mode (only the question on availability sets one). What is chosen `alone`, such as
    "none of these", contradicts every other answer.
    """

    id: Id
    label: Text
    weight: Annotated[int, Field(ge=0, le=10)] = 0
    at_least: Id | None = None
    mode: Id | None = None
    alone: bool = False


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
    """A risk class; `from_score` is the lowest score that leads to it.

    `newest_chunk_days` is how old the newest chunk of predictions may be for the decay check to pass. What a
    new policy asks anew or more strictly of the class falls due `transition_days` after the day from which
    it holds at the earliest; where none are given, after the requirement's own days. What is `confirmed`
    passes no gate before a second person has confirmed its class; of the others `drawn_percent` are drawn for
    such a review. Answers are given anew every `review_days`; none means never.
    """

    id: Id
    title: Text
    description: Text
    from_score: Annotated[int, Field(ge=0)]
    newest_chunk_days: Annotated[int, Field(ge=1, le=3650)] = 366
    transition_days: Annotated[int, Field(ge=0, le=1000)] | None = None
    confirmed: bool = False
    drawn_percent: Annotated[int, Field(ge=0, le=99)] = 0
    review_days: Annotated[int, Field(ge=1, le=3650)] | None = None

    @property
    def review_percent(self) -> int:
        """Share of what is put into this class that a second person looks at."""
        return 100 if self.confirmed else self.drawn_percent


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


class Proof(Checked):
    """What proves a rung for some kinds of model, in place of what proves it for a learned one.

    A kind may be named with a trait, as `agent+bought`, or the trait alone. `example` is what would do.
    """

    kinds: Annotated[tuple[KindKey, ...], Field(min_length=1)]
    guide: Text
    evidence: Text | None = None
    checks: tuple[Id, ...] = ()
    example: Text | None = None

    def fits(self, kind: str) -> bool:
        """Whether it is for a kind, with the traits it has."""
        return any(set(named.split("+")) <= set(kind.split("+")) for named in self.kinds)


class Measure(Checked):
    """A rung of a ladder: what is done, by whom, when, and what proves it.

    `evidence` says what to submit and `checks` what runs by itself; where both stand, both are needed.
    `independent` measures are submitted by somebody with the responsible role who neither owns nor
    builds the initiative. `valid_days` counts from the day of the proof; none means for good. A measure
    with `sign_offs` is proved by signatures alone, at each of the gates named. No waiver stands in for
    a signature, nor for a measure that is not `waivable`. `effort_days` says how many person-days it takes
    one initiative, as far as is known; a preview adds them up. Guide, evidence, checks and `example` are
    those of a learned model; of `proofs` the first that fits a kind stands in their place.
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
    effort_days: Annotated[float, Field(gt=0, le=1000)] | None = None
    example: Text | None = None
    proofs: tuple[Proof, ...] = ()

    def of(self, kind: str) -> Measure:
        """This rung as a kind proves it; itself where the kind proves it like a learned model."""
        proof = next((proof for proof in self.proofs if proof.fits(kind)), None)
        if proof is None:
            return self
        said = ("guide", "evidence", "checks", "example")
        return self.model_copy(update={"proofs": (), **{name: getattr(proof, name) for name in said}})


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

    def of(self, kind: str) -> Consideration:
        """This ladder as a kind proves it; itself where nothing differs."""
        rungs = tuple(rung.of(kind) for rung in self.rungs)
        return self if rungs == self.rungs else self.model_copy(update={"rungs": rungs})


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
    """Everything that decides, in one versioned value.

    `confirmed_by` names the roles that confirm a class, within `confirm_days`. A retired use case keeps the
    requirements of `retired_keeps` for `retention_days`, and so long are rows of predictions kept. What one
    person does in an emergency lasts no longer than `emergency_days`. Purposes that share `alike_percent` of
    their words are held for the same; none means that nobody looks for the same use in a lighter class.
    `kinds` are the kinds of model there are.
    """

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
    request_days: Annotated[int, Field(ge=1, le=366)] = 90
    confirmed_by: tuple[Id, ...] = ()
    confirm_days: Annotated[int, Field(ge=1, le=366)] = 14
    retired_keeps: tuple[Id, ...] = ()
    retention_days: Annotated[int, Field(ge=1, le=36500)] = 3650
    emergency_days: Annotated[int, Field(ge=1, le=14)] = 3
    alike_percent: Annotated[int, Field(ge=50, le=100)] | None = None
    kinds: tuple[Kind, ...] = ()

    _of_kind: dict[str, Policy] = PrivateAttr(default_factory=dict)
    _before: tuple[Policy, date] | None = PrivateAttr(default=None)
    _limit_in: Callable[[str, Task], str] | None = PrivateAttr(default=None)

    def after(self, before: Policy, since: date) -> Policy:
        """This policy as the one that followed another, and since which day."""
        followed = self.model_copy()
        followed._before, followed._of_kind = (before, since), {}
        return followed

    def under(self, limit_in: Callable[[str, Task], str]) -> Policy:
        """This policy beside an ethical position, which gives the limit of a domain and task in words."""
        beside = self.model_copy()
        beside._limit_in, beside._of_kind = limit_in, {}
        return beside

    def ethical_limit(self, domain: str, task: Task) -> str:
        """The limit of a domain and task by the position that holds with it, in words; empty without one."""
        return self._limit_in(domain, task) if self._limit_in else ""

    def of(self, kind: str) -> Policy:
        """This policy as it asks of a kind: every rung with the proof that the kind has for it.

        A kind that the policy does not know is judged as a learned model. Itself where nothing differs.
        """
        if kind not in self._of_kind:
            self._of_kind[kind] = self._resolved(kind)
        return self._of_kind[kind]

    def _resolved(self, kind: str) -> Policy:
        ladders = tuple(ladder.of(kind) for ladder in self.considerations)
        before = self._before and (self._before[0].of(kind), self._before[1])
        if ladders == self.considerations and (before and before[0]) is (self._before and self._before[0]):
            return self
        fields = {name: getattr(self, name) for name in Policy.model_fields}
        made = Policy.model_construct(**{**fields, "considerations": ladders})
        made._before, made._limit_in = before, self._limit_in
        return made

    @cached_property
    def admitted(self) -> dict[str, Kind]:
        """Every kind that may be registered, by its key: alone, and with each trait."""
        plain = [kind for kind in self.kinds if not kind.trait] or [LEARNED_MODEL]
        traits = [kind for kind in self.kinds if kind.trait]
        both = [kind.with_trait(trait) for kind in plain for trait in traits]
        return {kind.id: kind for kind in (*plain, *both)}

    def kind(self, key: str) -> Kind:
        """The kind of this key; a learned model where the policy does not know it."""
        return self.admitted.get(key, LEARNED_MODEL)

    @property
    def before(self) -> tuple[Policy, date] | None:
        """The policy that held before, and the first day on which this one does; None for the first."""
        return self._before

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

    def risk_class(self, class_id: str) -> RiskClass:
        """The class with this id."""
        return self.classes[self.class_order[class_id]]

    def class_title(self, class_id: str) -> str:
        """Name of a class as people read it."""
        return self.risk_class(class_id).title

    def gates_of(self, class_id: str) -> tuple[Gate, ...]:
        """Gates that an initiative of this class passes, in the order of the steps."""
        gates = [gate for gate in self.gates if class_id in gate.classes]
        return tuple(sorted(gates, key=lambda gate: self.step_order[gate.step]))


Answers = Mapping[str, tuple[str, ...]]
"""Question id -> chosen option ids (one, unless the question takes many)."""


@dataclass(frozen=True)
class Classification:
    """Risk class and mode of an initiative, and why.

    Attributes
    ----------
    score
        Sum over the questions of the heaviest chosen option's weight.
    reasons
        Sentences: what each answer adds, heaviest first, then how the score leads to a class, then the
        answers that lift it further.
    """

    class_id: str
    mode_id: str
    score: int
    reasons: tuple[str, ...]


def classify(policy: Policy, answers: Answers) -> Classification:
    """Classify complete answers.

    The score leads to the strictest class whose `from_score` it reaches; an option with `at_least` lifts
    the class to that one, and nothing lowers it. The mode is the most demanding that a chosen option sets.
    """
    chosen = check_answers(policy, answers)
    missing = [question.id for question in policy.questions if question.id not in chosen]
    if missing:
        raise BadInput(
            f"no answer to {', '.join(repr(question) for question in missing)}",
            where="answers",
            remedy=f"Answer all {len(policy.questions)} questions.",
        )
    return _classify(policy, chosen)


def classify_so_far(policy: Policy, answers: Answers) -> Classification:
    """Classify what has been answered yet: the least class that the full answers can lead to."""
    return _classify(policy, check_answers(policy, answers))


def check_answers(policy: Policy, answers: Answers) -> dict[str, tuple[Option, ...]]:
    """Look the answers up, refusing unknown questions, unknown options and too many of them."""
    questions = {question.id: question for question in policy.questions}
    for given in answers:
        if given not in questions:
            raise BadInput(
                f"'{given}' is not a question", where="answers", remedy=f"Use: {', '.join(questions)}."
            )
    return {
        question.id: _chosen_options(question, answers[question.id])
        for question in policy.questions
        if answers.get(question.id)
    }


def _chosen_options(question: Question, given: tuple[str, ...]) -> tuple[Option, ...]:
    where = f"question '{question.id}'"
    if question.kind == "one" and len(given) > 1:
        raise BadInput(f"{len(given)} answers where one is asked", where=where, remedy="Choose one.")
    options = []
    for option_id in dict.fromkeys(given):
        option = question.option(option_id)
        if option is None:
            known = ", ".join(option.id for option in question.options)
            raise BadInput(f"'{option_id}' is not an answer", where=where, remedy=f"Use: {known}.")
        options.append(option)
    alone = next((option for option in options if option.alone), None)
    if alone is not None and len(options) > 1:
        raise BadInput(
            f"“{alone.label}” and other answers contradict each other",
            where=where,
            remedy="Choose which holds.",
        )
    return tuple(options)


def _classify(policy: Policy, chosen: Mapping[str, tuple[Option, ...]]) -> Classification:
    order = policy.class_order
    heaviest = {question: max(options, key=lambda o: o.weight) for question, options in chosen.items()}
    score = sum(option.weight for option in heaviest.values())
    by_score = [risk_class for risk_class in policy.classes if risk_class.from_score <= score][-1]
    lifts = [option for options in chosen.values() for option in options if option.at_least is not None]
    lifted = max((order[str(option.at_least)] for option in lifts), default=0)
    final = policy.classes[max(order[by_score.id], lifted)]
    reasons = _weight_reasons(policy, heaviest)
    reasons.append(
        f"Together {score} points; {by_score.title} risk starts at {by_score.from_score}."
        if chosen
        else "Nothing has been answered yet."
    )
    reasons += [
        f"“{option.label}” alone asks for at least {policy.class_title(str(option.at_least))} risk."
        for option in lifts
        if order[str(option.at_least)] > order[by_score.id]
    ]
    return Classification(final.id, _mode_of(policy, chosen), score, tuple(reasons))


def _weight_reasons(policy: Policy, heaviest: Mapping[str, Option]) -> list[str]:
    dimensions = {question.id: question.dimension for question in policy.questions}
    weighted = sorted(heaviest.items(), key=lambda item: -item[1].weight)
    return [
        f"{dimensions[question].capitalize()}: “{option.label}” adds {option.weight}."
        for question, option in weighted
        if option.weight
    ]


def _mode_of(policy: Policy, chosen: Mapping[str, tuple[Option, ...]]) -> str:
    order = {mode.id: rank for rank, mode in enumerate(policy.modes)}
    modes = [str(option.mode) for options in chosen.values() for option in options if option.mode]
    return max(modes, key=lambda mode: order[mode], default=policy.modes[0].id)
