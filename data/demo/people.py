"""Who does what: the people of the recipe, found by team and role."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from core.domain.actors import Actor
from core.domain.chain import Fact, Row
from core.lake.directory import introducing
from core.lake.store import Beside, Cursor, Store
from core.services.record.people import membership_of
from data.demo.recipe import PersonRecipe, Recipe

if TYPE_CHECKING:
    from data.demo.plans import InitiativePlan
    from data.demo.workdays import Workdays
    from data.demo.world import Timed, World

VALIDATION = "Model Risk"
PLATFORM = "Data Platform"


@dataclass(frozen=True)
class Crew:
    """The people who work on one initiative.

    `owner` speaks for the business, `builder` makes the model; `by_role` names who hands in the evidence
    that a role is responsible for. Validators neither own nor build.
    """

    owner: Actor
    builder: Actor
    validator: Actor
    by_role: dict[str, Actor]

    def named(self, part: str) -> Actor:
        """Who has a part in it."""
        return {"owner": self.owner, "builder": self.builder, "validator": self.validator}[part]


class People:
    """The cast of the recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self._people = recipe.people

    @property
    def founder(self) -> Actor:
        """Who founds the store."""
        return self._first("administrator", PLATFORM)

    @property
    def pipeline(self) -> Actor:
        """The build pipeline."""
        return self._first("pipeline", PLATFORM)

    def enter(self, store: Store, at: datetime) -> None:
        """Write everybody into the directory, personas first; their teams and roles go on record."""
        entries: list[Row] = []
        beside: list[Beside] = []
        for person in sorted(self._people, key=lambda person: not person.persona):
            salt = hashlib.sha256(f"demo {person.id}".encode()).hexdigest()[:32]  # the same in every build
            digest, write = introducing(person.actor(), persona=person.persona, salt=salt)
            entries += membership_of(person.actor(), digest).rows
            beside.append(write)

        def names(cursor: Cursor) -> None:
            for write in beside:
                write(cursor)

        entered = Fact("membership_recorded", "directory", "membership", tuple(entries))
        store.append([entered], actor=self.founder.id, at=at, beside=names)

    def holding(self, role: str) -> list[Actor]:
        """Everybody with a role, in the order of the recipe."""
        return [person.actor() for person in _with_role(self._people, role)]

    def crew(self, team: str, rng: Random, *, has_model: bool) -> Crew:
        """Choose the people for an initiative of a team; without a model an analyst owns it alone."""
        own = [person for person in self._people if person.team == team]
        lead = _with_role(own, "business_stakeholder") or own
        scientists = _with_role(own, "data_scientist") or own
        analysts = _with_role(own, "business_analyst") or own
        builder = rng.choice(scientists if has_model else analysts).actor()
        owner = rng.choice(lead).actor() if has_model else builder
        by_role = {
            "business_stakeholder": owner,
            "business_analyst": rng.choice(analysts).actor(),
            "data_scientist": builder,
            "data_ops": self._anyone("data_ops", PLATFORM, rng),
            "production": self._anyone("production", PLATFORM, rng),
        }
        validator = self._anyone("risk_audit", VALIDATION, rng)
        return Crew(owner, builder, validator, {**by_role, "risk_audit": validator})

    def _anyone(self, role: str, team: str, rng: Random) -> Actor:
        return rng.choice(_with_role([p for p in self._people if p.team == team], role)).actor()

    def _first(self, role: str, team: str) -> Actor:
        return next(p.actor() for p in self._people if p.team == team and role in p.roles)


def _with_role(people: Sequence[PersonRecipe], role: str) -> list[PersonRecipe]:
    return [person for person in people if role in person.roles]


_LEAVES, _AWAY, _ACTS_FOR, _CLOSED = "tom-ashworth", "sophie-laurent", "bruno-costa", "Staff turnover outlook"
_MOMENT = 0.01
"""Share of a working day: who leaves has done by then what they were to do."""


def people_acts(world: World, plans: Sequence[InitiativePlan], days: Workdays) -> Iterator[Timed]:
    """What becomes of people today: one leaves, one acts for another, one use case is closed to most."""
    now = days.last
    while days.moment(now) > days.now:
        now -= _MOMENT
    yield now - 3 * _MOMENT, partial(_appoint, world)
    for plan in plans:
        if plan.recipe.name == _CLOSED:
            yield now - 2 * _MOMENT, partial(_close, world, plan)
    yield now - _MOMENT, partial(_leave, world)


def _appoint(world: World, at: datetime) -> None:
    away = next(one.actor() for one in world.recipe.people if one.id == _AWAY)
    until = (at + timedelta(days=12)).date()
    world.do(away, at, "appoint_deputy", deputy=_ACTS_FOR, until=until, reason="Away for two weeks.")


def _close(world: World, plan: InitiativePlan, at: datetime) -> None:
    world.do(plan.crew.owner, at, "amend_initiative", initiative=plan.key, reading="restricted")


def _leave(world: World, at: datetime) -> None:
    reason = "Moves to another company."
    world.do(world.people.founder, at, "leave_person", person=_LEAVES, reason=reason)
