"""What will happen to each initiative: versions with their defects, drawn before anybody acts.

Times are working days since the start of the simulation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from core.domain.commands import slug
from core.domain.policy.policy import Policy, classify
from core.domain.policy.requirement_list import requirements_of
from data.demo.people import Crew, People
from data.demo.recipe import InitiativeRecipe, Recipe, TeamRecipe
from data.demo.workdays import Workdays, workdays

FOREVER = 1e6
_STRICT = ("high", "very_high")
_LEARNING = 1.7
_SLOWNESS = 1.6
"""Releases come this much slower than the recipe says: enough history, in a build that people wait for."""
_NO_MODEL_BEFORE = ("scoping", "ideation")
_REAL_SECOND_VERSION = {"census_employment": 45}
"""Data set -> days before now on which a second version, trained for the demo, is registered."""


@dataclass(frozen=True)
class Temper:
    """How a team works at a time: chances of care and punctuality, and the length of its work."""

    care: float
    punctual: float
    pace: float


@dataclass(frozen=True)
class VersionPlan:
    """A model version to come.

    `locked` and `data_digest` say whether its links are whole; `uneven` predictions differ between groups
    beyond the limit; `fades` means that its newest predictions are worse. `until` is the day of the next
    version; a draft is replaced before anybody proves it.
    """

    label: str
    at: float
    until: float
    locked: bool = True
    data_digest: bool = True
    uneven: bool = False
    fades: bool = False

    @property
    def draft(self) -> bool:
        """Whether a defect makes its people replace it within days."""
        return self.until - self.at < 15

    @property
    def whole(self) -> bool:
        """Whether nothing about it asks for another version at once."""
        return self.locked and self.data_digest and not self.uneven


@dataclass(frozen=True)
class InitiativePlan:
    """An initiative to come: its people, its class in the end, and its versions."""

    recipe: InitiativeRecipe
    key: str
    seed: int
    crew: Crew
    starts: float
    class_id: str
    mode_id: str
    well_named: bool
    owner_named: bool
    versions: tuple[VersionPlan, ...]

    @property
    def strict(self) -> bool:
        """Whether its class is asked for gates at every step and for checks on predictions."""
        return self.class_id in _STRICT

    @property
    def predicts(self) -> bool:
        """Whether prediction batches are put on record."""
        return bool(self.recipe.groups or self.recipe.dataset)


def make_plan(
    recipe: Recipe,
    wanted: InitiativeRecipe,
    policy: Policy,
    people: People,
    days: Workdays,
    seed: int,
    *,
    trains: bool,
) -> InitiativePlan:
    """Draw the course of one initiative; the same seed and days give the same.

    Without `trains` nobody trains the second version of the census model.
    """
    key = slug(wanted.name)
    rng = Random(f"{seed}/{key}")
    crew = people.crew(wanted.team, rng, has_model=bool(wanted.algorithm))
    starts = days.workday(wanted.starts) + rng.uniform(0, 0.9)
    temper = temper_at(recipe.teams[wanted.team], days.progress(starts))
    computed = classify(policy, recipe.answers(wanted))
    class_id = wanted.override.class_id if wanted.override else computed.class_id
    well_named, owner_named = rng.random() < temper.care, rng.random() < temper.care + 0.2
    versions: tuple[VersionPlan, ...] = ()
    if wanted.algorithm and class_id != policy.classes[0].id and wanted.stalls not in _NO_MODEL_BEFORE:
        versions = _Versions(recipe.teams[wanted.team], wanted, policy, class_id, days, rng).draw(
            starts, trains
        )
    return InitiativePlan(
        wanted, key, seed, crew, starts, class_id, computed.mode_id, well_named, owner_named, versions
    )


def temper_at(team: TeamRecipe, progress: float) -> Temper:
    """A team's way of working when a share of the time has passed; people learn slowly at first."""
    learnt = math.pow(progress, _LEARNING)

    def between(ends: tuple[float, float]) -> float:
        return ends[0] + (ends[1] - ends[0]) * learnt

    return Temper(between(team.care), between(team.punctual), between(team.pace))


class _Versions:
    """Draws the versions of one initiative, one after the other."""

    def __init__(
        self,
        team: TeamRecipe,
        wanted: InitiativeRecipe,
        policy: Policy,
        class_id: str,
        days: Workdays,
        rng: Random,
    ) -> None:
        self._team, self._wanted, self._days, self._rng = team, wanted, days, rng
        checks = {c for r in requirements_of(policy, class_id) for m in r.satisfied_by for c in m.checks}
        self._checks = checks

    def draw(self, starts: float, trains: bool) -> tuple[VersionPlan, ...]:
        if self._wanted.dataset:
            return self._real(starts, trains)
        rng, found = self._rng, list[VersionPlan]()
        at, mended = starts + rng.uniform(10, 20) * self._temper(starts).pace, False
        while at < self._days.last:
            plan = self._one(str(len(found) + 1), at, mended)
            found.append(plan)
            at, mended = plan.until, plan.draft
        return tuple(found)

    def _one(self, label: str, at: float, mended: bool) -> VersionPlan:
        rng, care = self._rng, self._temper(at).care
        slip = 0.0 if mended else 1 - care
        # Drawn in any case, so that one team's care does not change another draw.
        unlocked, undigested, uneven, fades = (rng.random() for _ in range(4))
        made = VersionPlan(
            label,
            at,
            FOREVER,
            locked=unlocked >= slip,
            data_digest=undigested >= slip or "data_digest" not in self._checks,
            uneven=uneven < 0.7 * slip and "bias_limit" in self._checks and bool(self._wanted.groups),
            fades=fades < 0.14 and bool(self._wanted.groups),
        )
        return VersionPlan(**{**vars(made), "until": self._next(made)})

    def _next(self, made: VersionPlan) -> float:
        rng, pace = self._rng, self._temper(made.at).pace
        if not made.whole:
            return made.at + rng.uniform(3, 8) * pace
        if not self._wanted.every or self._wanted.stalls:
            return FOREVER
        regular = workdays(self._wanted.every) * _SLOWNESS * rng.uniform(0.85, 1.15)
        return made.at + (regular * 0.8 if made.fades else regular)

    def _real(self, starts: float, trains: bool) -> tuple[VersionPlan, ...]:
        """Published models have one version; the census gets a second one, trained for the demo."""
        first = starts + self._rng.uniform(12, 18)
        second = _REAL_SECOND_VERSION.get(self._wanted.dataset)
        if second is None or not trains:
            return (VersionPlan("1", first, FOREVER),)
        at = self._days.workday(second) + 0.2
        # The environment of the published model is not known; the second version records its own.
        return (VersionPlan("1", first, at, locked=False), VersionPlan("2", at, FOREVER))

    def _temper(self, at: float) -> Temper:
        return temper_at(self._team, self._days.progress(at))
