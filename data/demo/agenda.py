"""From a plan to timed acts: when people do what, in time or late."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Measure, Policy
from core.domain.policy.requirement_list import requirements_of
from data.demo import acts
from data.demo.measuring import explain
from data.demo.plans import FOREVER, InitiativePlan, Temper, VersionPlan, temper_at
from data.demo.promises import promise_acts
from data.demo.workdays import Workdays, workdays
from data.demo.world import Timed, World

_STEP_WINDOWS = {
    "development": (3.0, 13.0),
    "preproduction": (9.0, 18.0),
    "deployment": (13.0, 24.0),
    "monitoring": (18.0, 32.0),
}
"""Working days after a version within which its evidence comes when all goes well."""
_FORGOTTEN = 80
"""Working days after which somebody has noticed what was forgotten."""
_ROUTINE = 62
"""Working days between routine runs of the checks that watch."""
_ROUTINE_CHECKS = ("evidence_fresh", "decay_alert")
"""What can change while nobody does anything; estimates of published models come once, with their check."""
_AFTER_REFRESH = ("decay_alert", "drift_alert", "data_quality")
_REAL_ESTIMATES = {"1": 30.0, "2": 12.0}
"""Days before now on which the estimates of published models are recorded: their workers take longest."""


class Agenda:
    """Writes the acts of one initiative."""

    def __init__(self, world: World, plan: InitiativePlan, policy: Policy, days: Workdays) -> None:
        self._world, self._plan, self._policy, self._days = world, plan, policy, days
        self._rng = Random(f"{plan.seed}/{plan.key}/agenda")
        asked = [requirement.measure for requirement in requirements_of(policy, plan.class_id)]
        self._asked = [measure for measure in asked if self._reaches(measure.step)]
        self._checks = self._worth_running({check for measure in asked for check in measure.checks})
        routine = _ROUTINE_CHECKS[:1] if plan.recipe.dataset else _ROUTINE_CHECKS
        self._routine_checks = tuple(check for check in self._checks if check in routine)

    def acts(self) -> Iterator[Timed]:
        """Everything that is to happen, in no order."""
        yield from self._registration()
        yield from self._scope()
        yield from promise_acts(self._world, self._plan, self._days)
        for version in self._plan.versions:
            yield from self._version(version)

    def _worth_running(self, asked: set[str]) -> tuple[str, ...]:
        """The checks that are asked for, and those that can tell something where there are predictions."""
        plan, looked = self._plan, {"evidence_fresh", *asked}
        if plan.predicts and plan.recipe.task != "regression":
            looked.add("bias_limit")
        if self._world.shelf.workshop is None:
            looked.discard("decay_alert")
        elif plan.predicts:
            looked.add("decay_alert")
        return tuple(check for check in CHECKS if check in looked)

    def _reaches(self, step: str) -> bool:
        order = self._policy.step_order
        return not self._plan.recipe.stalls or order[step] < order[self._plan.recipe.stalls]

    def _temper(self, at: float) -> Temper:
        return temper_at(self._world.recipe.teams[self._plan.recipe.team], self._days.progress(at))

    def _registration(self) -> Iterator[Timed]:
        plan, rng, starts = self._plan, self._rng, self._plan.starts
        yield starts, partial(acts.register, self._world, plan)
        mended = starts + rng.uniform(2, 7)
        if not (plan.well_named and plan.owner_named):
            yield mended, partial(acts.mend_registration, self._world, plan)
        if plan.recipe.override is not None:
            at, again = starts + rng.uniform(2, 6), workdays(acts.LOWERED_DAYS - 8)
            yield at, partial(acts.reclassify, self._world, plan)
            while plan.recipe.override.instead and (at := at + again) < self._days.last:
                yield at, partial(acts.reclassify, self._world, plan)
        if plan.class_id == self._policy.classes[0].id:
            yield from self._ask(self._policy.live_gate.id, starts + rng.uniform(1, 6), FOREVER)

    def _scope(self) -> Iterator[Timed]:
        """Evidence that belongs to no version, and the gates that ask for it alone."""
        plan, starts = self._plan, self._plan.starts
        ready = starts + 6.5
        steps = self._policy.step_order
        for measure in sorted(self._asked, key=lambda m: steps[m.step]):
            if measure.evidence is None or self._policy.measure_is_per_version(measure.id):
                continue
            due = workdays(measure.due_days)
            usual = starts + due * self._rng.uniform(0.2, 0.7)
            at = self._late(starts, due) if self._slips(starts) else usual
            if at is None:
                continue
            yield at, partial(acts.submit, self._world, plan, None, measure.id, measure.responsible)
            ready = max(ready, at) + 0.4
            if plan.strict:
                yield from self._ask(measure.step, ready, FOREVER)

    def _version(self, version: VersionPlan) -> Iterator[Timed]:
        plan, world = self._plan, self._world
        yield version.at, partial(acts.register_version, world, plan, version)
        if plan.predicts:
            yield from self._predictions(version)
        if not version.draft:
            yield from self._proofs(version)
            yield from self._routine(version)

    def _predictions(self, version: VersionPlan) -> Iterator[Timed]:
        world, plan, rng = self._world, self._plan, self._rng
        added = version.at + rng.uniform(0.6, 2.0)
        refreshed, more = added + rng.uniform(0.5, 1.5), version.at + rng.uniform(22, 26)
        first = slice(0, 2)
        yield added, partial(acts.add_batches, world, plan, version, first)
        if "attributions_present" in self._checks and not plan.recipe.dataset:
            yield added + 0.2, partial(acts.check, world, plan, ("attributions_present",))
        if "bias_limit" in self._checks:
            yield added + 0.3, partial(acts.check, world, plan, ("bias_limit",))
        if version.draft or world.shelf.workshop is None:
            return
        if plan.recipe.dataset:
            at = self._days.workday(_REAL_ESTIMATES[version.label])
            yield from self._refresh(version, at, whole=True)
            if version.label != "1":
                yield at + 0.3, partial(explain, world, plan, version)
            return
        yield from self._refresh(version, refreshed, whole=False)
        if more + 3 < version.until:
            yield more, partial(acts.add_batches, world, plan, version, slice(2, 3))
            yield from self._refresh(version, more + 0.5, whole=True)

    def _refresh(self, version: VersionPlan, at: float, *, whole: bool) -> Iterator[Timed]:
        yield at, partial(acts.refresh, self._world, self._plan, version, whole)
        looked = tuple(check for check in _AFTER_REFRESH if check in self._checks)
        if looked:
            yield at + 0.2, partial(acts.check, self._world, self._plan, looked)

    def _proofs(self, version: VersionPlan) -> Iterator[Timed]:
        """Evidence of the version, its renewals, and the gates when it is there."""
        usual: dict[str, float] = {}
        late: dict[str, float] = {}
        for measure in self._asked:
            if not self._policy.measure_is_per_version(measure.id):
                continue
            step = measure.step
            planned = self._planned(version, step)
            usual[step] = max(usual.get(step, 0.0), planned)
            if measure.evidence is None:
                continue
            at: float | None = planned
            if self._slips(version.at):
                at = self._late(version.at, workdays(measure.due_days))
                late[step] = max(late.get(step, 0.0), at or 0.0)
            if at is not None and at < version.until:
                yield from self._handed_in(version, measure, at)
        yield from self._gates(version, usual, late)

    def _planned(self, version: VersionPlan, step: str) -> float:
        low, high = _STEP_WINDOWS[step]
        pace = self._temper(version.at).pace * (1.0 if version.label == "1" else 0.75)
        return version.at + pace * self._rng.uniform(low, high)

    def _handed_in(self, version: VersionPlan, measure: Measure, at: float) -> Iterator[Timed]:
        act = partial(acts.submit, self._world, self._plan, version, measure.id, measure.responsible)
        yield at, act
        while measure.valid_days is not None and at < self._days.last:
            valid = workdays(measure.valid_days)
            slips = self._slips(at + valid)
            at += valid + (self._rng.uniform(4, 25) if slips else -self._rng.uniform(1, 8))
            if at < version.until:
                yield at, act

    def _gates(
        self, version: VersionPlan, usual: dict[str, float], late: dict[str, float]
    ) -> Iterator[Timed]:
        order = self._policy.step_order
        ready, after = version.at + 1.0, 0.0
        for gate in self._policy.gates_of(self._plan.class_id):
            if gate.step not in usual and gate.step not in late:
                continue
            if order[gate.step] < order["development"]:
                continue
            ready = max(ready, usual.get(gate.step, 0.0)) + 0.4
            after = max(after, late.get(gate.step, 0.0))
            if gate.step == "preproduction" and "training_current" in self._checks:
                yield ready - 0.2, partial(acts.check, self._world, self._plan, ("training_current",))
            if gate.step == "monitoring":
                yield ready - 0.2, partial(acts.check, self._world, self._plan, self._routine_checks)
            careful = self._rng.random() < self._temper(version.at).care + 0.15
            early = gate.step == "development" and not careful
            yield from self._ask(gate.id, ready - 3 if early else ready, version.until)
            if after > ready and after + 0.5 < version.until:
                yield from self._ask(gate.id, after + 0.5, version.until)

    def _ask(self, gate: str, at: float, until: float) -> Iterator[Timed]:
        if at < until and self._reaches(gate):
            yield at, partial(acts.ask, self._world, self._plan, gate, until - at)

    def _routine(self, version: VersionPlan) -> Iterator[Timed]:
        at = version.at + _ROUTINE * self._rng.uniform(0.9, 1.1)
        while at < min(version.until, self._days.last):
            yield at, partial(acts.check, self._world, self._plan, self._routine_checks)
            at += _ROUTINE

    def _slips(self, at: float) -> bool:
        return self._rng.random() >= self._temper(at).punctual

    def _late(self, start: float, due: float) -> float | None:
        """A day after the due day; None for what nobody has handed in yet."""
        later = start + due + self._rng.uniform(1, 22)
        forgotten = self._rng.random() < 0.25
        return None if forgotten and start > self._days.last - _FORGOTTEN else later
