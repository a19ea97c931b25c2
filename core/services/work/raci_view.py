"""The responsibility matrix as declared, beside who did what as what; perspectives that a decision lacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from core.connectors.config_files import Rules
from core.domain.facts.process import GateDecision
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.process.gates import find_gate
from core.domain.work.raci import Raci, RaciTask
from core.domain.work.work import PerspectiveView, perspectives
from core.lake import work as lake
from core.lake.facts import latest
from core.lake.work import Acts
from core.services.case import registered
from core.services.governance import Governance
from core.services.work.routing import cast_of

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
