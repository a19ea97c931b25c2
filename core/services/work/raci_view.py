"""Who did what, beside the matrix of responsibilities; what a decision lacked; who is trained for a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import Field

from core.connectors.config_files import Rules
from core.domain.actors import Actor
from core.domain.commands import Command
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.facts.process import GateDecision
from core.domain.facts.work import TrainingAttestation
from core.domain.given import argument
from core.domain.moment import Moment
from core.domain.policy.checks import CheckResult
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.gates import find_gate
from core.domain.work.raci import Raci, RaciTask
from core.domain.work.training import TrainingStanding, standing, training_check
from core.domain.work.work import InHands, PerspectiveView, perspectives
from core.lake import work as lake
from core.lake.facts import latest, newest
from core.lake.work import Acts
from core.services.case import begin, registered
from core.services.governance import Governance
from core.services.work.routing import Cast, cast_of


class AttestTraining(Command, may="attest_training"):
    """Attest a training for yourself.

    Attributes
    ----------
    person
        Empty, or the actor's own id.
    """

    training: Annotated[
        str, Field(description="The training, as 'training list' says."), argument("TRAINING")
    ]
    person: str = ""


@dataclass(frozen=True)
class TrainedPerson:
    """Somebody with the trainings that their roles ask for."""

    person: Actor
    standings: tuple[TrainingStanding, ...]

    @property
    def current(self) -> bool:
        """Whether all of them are current."""
        return all(one.current for one in self.standings)


def attest_training(governance: Governance, command: AttestTraining) -> date:
    """Attest a training for oneself; gives the last day on which it holds."""
    case = begin(governance, command)
    if command.person and command.person != command.actor.id:
        raise Forbidden(
            "a training is attested by the person who took it", remedy="Let them attest it themselves."
        )
    training = case.rules.trainings.find(command.training)
    if training is None:
        known = ", ".join(one.id for one in case.rules.trainings.trainings)
        raise NotFound(f"'{command.training[:60]}' is no training", remedy=f"Use one of: {known}.")
    person = cast_of(governance, case.moment).find(command.actor.id)
    if person is None or not set(person.roles) & set(training.roles):
        raise BadInput(
            f"none of your roles asks for “{training.title}”", remedy="Attest the ones on your own list."
        )
    attested = TrainingAttestation(
        training=training.id,
        person=case.actor,
        statement=training.statement,
        valid_until=case.moment.day + timedelta(days=training.valid_days),
    )
    return case.put("training_attested", attested).valid_until


def training_standings(
    governance: Governance, moment: Moment, *, cast: Cast | None = None
) -> tuple[TrainingStanding, ...]:
    """Where everybody stands with each training that their roles ask for, by name of the person."""
    people = cast or cast_of(governance, moment)
    attested = {
        (one.person, one.training): one for one in newest(governance.store, TrainingAttestation, moment)
    }
    found = []
    for person in people.people:
        for training in governance.rules(moment).trainings.asked_of(person.roles):
            said = attested.get((person.id, training.id))
            found.append(
                standing(
                    training,
                    person.id,
                    since=people.since[person.id],
                    attested_on=said.recorded_at.date() if said else None,
                    valid_until=said.valid_until if said else None,
                    renew_days=governance.rules(moment).trainings.renew_days,
                    day=moment.day,
                )
            )
    return tuple(found)


def trained_people(governance: Governance, moment: Moment, *, team: str = "") -> tuple[TrainedPerson, ...]:
    """Everybody whose roles ask for a training, with where they stand; of one team, or of all."""
    cast = cast_of(governance, moment)
    by_person: dict[str, list[TrainingStanding]] = {}
    for one in training_standings(governance, moment, cast=cast):
        by_person.setdefault(one.person, []).append(one)
    people = [cast.find(person) for person in by_person]
    return tuple(
        TrainedPerson(person, tuple(by_person[person.id]))
        for person in people
        if person is not None and team in ("", person.team)
    )


def training_tally(governance: Governance, moment: Moment) -> tuple[int, int]:
    """People whose trainings are all current, and people whose roles ask for any."""
    people = trained_people(governance, moment)
    return sum(person.current for person in people), len(people)


def check_training(governance: Governance, moment: Moment, initiative: InHands, class_id: str) -> CheckResult:
    """Hold owner, builder and the roles that the class needs against the training list.

    Of a role with several people, one whose trainings are current is enough.
    """
    cast = cast_of(governance, moment)
    policy = governance.policy(moment)
    trained = {one.person.id for one in trained_people(governance, moment) if one.current}
    duty_free = {p.id for p in cast.people if not governance.rules(moment).trainings.asked_of(p.roles)}
    named: dict[str, tuple[str, ...]] = {
        "the owner": tuple(who for who in (initiative.owner,) if cast.find(who)),
        "the builder": tuple(who for who in (initiative.builder,) if cast.find(who)),
    }
    for requirement in requirements_of(policy, class_id):
        measure = requirement.measure
        title = governance.rules(moment).roles.title(measure.responsible).lower()
        named[title] = cast.responsible(measure.responsible, initiative, independent=measure.independent)
    return training_check(named, trained | duty_free)


OTHER = "other"
"""Column of acts by people without any role of the matrix."""
_BY_MEASURE = ("evidence_submitted",)
_BY_GATE = ("gate_signed_off", "sign_off_feedback_given")
ALWAYS = date(1970, 1, 1)


@dataclass(frozen=True)
class Deviation:
    """Acts on a task by somebody whom the matrix does not declare: neither responsible nor accountable."""

    task: str
    task_title: str
    person: str
    name: str
    role: str
    role_title: str
    declared: str
    acts: int
    initiatives: tuple[tuple[str, str], ...]
    expected: str
    last_at: datetime


@dataclass(frozen=True)
class ObservedTask:
    """One task of the matrix: its declared letters, and acts by role.

    Attributes
    ----------
    acts
        Role id -> acts in that role; `other` for roles that are no column.
    people
        Role id -> names, the one with most acts first.
    deviating
        Roles with acts that the matrix does not declare.
    """

    task: RaciTask
    acts: Mapping[str, int]
    people: Mapping[str, tuple[str, ...]]
    deviating: frozenset[str]

    @property
    def total(self) -> int:
        """Acts of all roles."""
        return sum(self.acts.values())

    @property
    def off(self) -> int:
        """Acts by roles that the matrix does not declare."""
        return sum(self.acts[role] for role in self.deviating)


@dataclass(frozen=True)
class ObservedMatrix:
    """The whole matrix beside what the record shows since a day, with its deviations, most acts first."""

    since: date | None
    tasks: tuple[ObservedTask, ...]
    deviations: tuple[Deviation, ...]

    @property
    def acts(self) -> int:
        """All acts that stand for a task."""
        return sum(task.total for task in self.tasks)

    @property
    def off(self) -> int:
        """Acts that deviate."""
        return sum(task.off for task in self.tasks)


def observed_matrix(
    governance: Governance, moment: Moment, *, days: int = 0, team: str = ""
) -> ObservedMatrix:
    """Take from the record who did acts of each task, and in which role.

    A person with several roles acts in the one whose letter obliges most. What a pipeline does is shown
    and is no deviation. `days` counts back from the moment, 0 = the whole record; `team` keeps the acts
    on that team's initiatives.
    """
    raci, policy = governance.rules(moment).raci, governance.policy(moment)
    since = moment.day - timedelta(days=days) if days else None
    rows = lake.acts(governance.store, moment, recorded_actions(raci), since or ALWAYS, team=team)
    placed: dict[str, list[Acts]] = {task.id: [] for task in raci.tasks}
    known: dict[tuple[str | None, ...], RaciTask | None] = {}  # thousands of acts are of some dozens of kinds
    for row in rows:
        kind = (row.action, row.gate, row.signed_as, row.measure)
        if kind not in known:
            known[kind] = task_of_act(raci, policy, row)
        task = known[kind]
        if task is not None:
            role = row.signed_as or task.acting_role(row.roles)
            placed[task.id].append(replace(row, role=role))
    tasks = tuple(_observed(raci, task, placed[task.id]) for task in raci.tasks)
    deviations = [
        one for task in raci.tasks for one in _deviations(governance.rules(moment), task, placed[task.id])
    ]
    deviations.sort(key=lambda one: (-one.acts, one.task_title, one.name))
    return ObservedMatrix(since, tasks, tuple(deviations))


def recorded_actions(raci: Raci) -> list[str]:
    """Kinds of entry that can stand for a task of the matrix."""
    return [*(action for task in raci.tasks for action in task.actions), *_BY_MEASURE, *_BY_GATE]


def task_of_act(raci: Raci, policy: Policy, row: Acts) -> RaciTask | None:
    """The task that an act stands for: evidence by measure, signatures by gate and role, else by kind."""
    if row.action in _BY_GATE:
        gate = policy.gate(row.gate or "")
        return raci.task_of_measure(gate.step, row.signed_as or "", "sign_off") if gate else None
    if row.action not in _BY_MEASURE:
        return raci.task_of_action(row.action)
    known = policy.measures.get(row.measure or "")
    if known is None:  # a measure of an older policy
        return None
    ladder = next(c.id for c in policy.considerations if known in c.rungs)
    return raci.task_of_measure(known.step, known.responsible, ladder)


def _is_off(raci: Raci, task: RaciTask, role: str) -> bool:
    return task.deviates(role) and role not in raci.automation


def _observed(raci: Raci, task: RaciTask, rows: list[Acts]) -> ObservedTask:
    acts: dict[str, int] = {}
    by_person: dict[str, dict[str, int]] = {}
    deviating: set[str] = set()
    for row in rows:
        column = row.role if row.role in raci.roles else OTHER
        acts[column] = acts.get(column, 0) + row.acts
        people = by_person.setdefault(column, {})
        people[row.actor_name] = people.get(row.actor_name, 0) + row.acts
        if _is_off(raci, task, row.role):
            deviating.add(column)
    names = {
        column: tuple(sorted(people, key=lambda name: (-people[name], name)))
        for column, people in by_person.items()
    }
    return ObservedTask(task, acts, names, frozenset(deviating))


def _deviations(rules: Rules, task: RaciTask, rows: list[Acts]) -> list[Deviation]:
    found: dict[tuple[str, str], list[Acts]] = {}
    for row in rows:
        if _is_off(rules.raci, task, row.role):
            found.setdefault((row.actor, row.role), []).append(row)
    titles = rules.roles.title
    expected = ", ".join(titles(role) for role in dict.fromkeys((*task.responsible, task.accountable)))
    return [
        Deviation(
            task.id,
            task.title,
            actor,
            own[0].actor_name,
            role,
            titles(role) if role else "no role",
            task.letters.get(role, ""),
            sum(row.acts for row in own),
            tuple(sorted({row.initiative: row.name for row in own}.items())),
            expected,
            max(row.last_at for row in own),
        )
        for (actor, role), own in found.items()
    ]


COMPUTED = ("gate_decided", "initiative_classified", "comments_read", "task_assigned")
"""Facts that nobody's judgement stands behind: worked out, or mere housekeeping."""


@dataclass(frozen=True)
class DecisionPerspectives:
    """The perspectives in the newest recorded decision at a gate, or so far where there is none.

    Attributes
    ----------
    decided_at, outcome
        Time and outcome of the decision; None while nothing is recorded.
    views
        One per perspective, in the configured order.
    to_ask
        Perspective id -> names of the people who could bring it, for those that are missing.
    names
        Id -> name of everybody who took part.
    """

    gate: str
    gate_title: str
    decided_at: datetime | None
    outcome: str | None
    views: tuple[PerspectiveView, ...]
    to_ask: dict[str, str]
    names: dict[str, str]

    @property
    def missing(self) -> tuple[PerspectiveView, ...]:
        """Perspectives that nobody brought."""
        return tuple(view for view in self.views if view.missing)


def perspectives_of(
    governance: Governance, moment: Moment, *, initiative: str, gate: str
) -> DecisionPerspectives:
    """Say who looked at an initiative before the newest decision at a gate, by perspective.

    Everything that a person put on record for the initiative up to the decision counts: evidence, checks,
    versions, sign-offs, feedback, findings, comments. What a pipeline does is nobody's perspective.
    """
    known = registered(governance, initiative, moment)
    found = find_gate(governance.policy(moment), known.class_id, gate)
    decided = latest(governance.store, GateDecision, moment, initiative, gate=gate)
    until = decided.seq if decided else moment.seq
    parts = lake.parts(governance.store, initiative, until, COMPUTED)
    views = perspectives(governance.rules(moment).work.perspectives, parts)
    cast = cast_of(governance, moment)
    to_ask = {
        view.perspective.id: cast.names(
            dict.fromkeys(who for role in view.perspective.roles for who in cast.responsible(role, known))
        )
        for view in views
        if view.missing
    }
    names = {person: cast.name(person) for view in views for person in view.people}
    return DecisionPerspectives(
        gate,
        found.title,
        decided.recorded_at if decided else None,
        decided.outcome if decided else None,
        views,
        to_ask,
        names,
    )
