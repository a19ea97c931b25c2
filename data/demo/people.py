"""Who does what: the people of the recipe, found by team and role."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from core.domain.actors import Actor
from core.domain.chain import Fact
from core.lake.directory import put_person
from core.lake.store import Store
from core.services.record.people import membership_of
from data.demo.recipe import PersonRecipe, Recipe

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
        for person in sorted(self._people, key=lambda person: not person.persona):
            put_person(store, person.actor(), persona=person.persona)
        rows = tuple(row for person in self._people for row in membership_of(person.actor()).rows)
        entered = Fact("membership_recorded", "directory", "membership", rows)
        store.append([entered], actor=self.founder.id, at=at)

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
