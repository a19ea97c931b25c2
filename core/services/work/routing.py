"""Who is behind each letter of the responsibility matrix, for one initiative at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from core.domain.actors import Actor
from core.domain.moment import Moment
from core.domain.work.raci import RaciTask
from core.domain.work.work import InHands, Routes, people_for
from core.lake.directory import people_then
from core.services.governance import Governance


class Cast:
    """The people of a moment, found by id and by role; what was routed once is remembered."""

    def __init__(self, people: Sequence[Actor], since: Mapping[str, date]) -> None:
        self.people = tuple(people)
        self.since = dict(since)
        self._known = {person.id: person for person in people}
        self._holders: dict[str, tuple[Actor, ...]] = {}
        self._routed: dict[tuple[str, str, str, str, bool], tuple[str, ...]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cast) and (self.people, self.since) == (other.people, other.since)

    def __hash__(self) -> int:
        return hash(self.people)

    def find(self, person: str) -> Actor | None:
        """Somebody by id, or None."""
        return self._known.get(person)

    def name(self, person: str) -> str:
        """Name of a person; the id where the directory does not know them any more."""
        known = self._known.get(person)
        return known.name if known else person

    def names(self, people: Iterable[str], *, most: int = 3) -> str:
        """Names of several people in a row; what goes beyond `most` is counted."""
        known = [self.name(person) for person in people]
        more = f" and {len(known) - most} more" if len(known) > most else ""
        return ", ".join(known[:most]) + more

    def holders(self, role: str) -> tuple[Actor, ...]:
        """Everybody with a role, by name."""
        if role not in self._holders:
            self._holders[role] = tuple(person for person in self.people if role in person.roles)
        return self._holders[role]

    def responsible(self, role: str, initiative: InHands, *, independent: bool = False) -> tuple[str, ...]:
        """Who does what a role is responsible for, on an initiative."""
        owner, builder, team = initiative.owner, initiative.builder, initiative.team
        asked = (role, owner, builder, team, independent)
        if asked not in self._routed:
            self._routed[asked] = people_for(
                role, self.holders(role), owner=owner, builder=builder, team=team, independent=independent
            )
        return self._routed[asked]

    def routes(self, task: RaciTask | None, doers: tuple[str, ...], initiative: InHands) -> Routes:
        """The people behind the letters of a task; `doers` are those who may do it.

        What stands in no task of the matrix is escalated to the owner of the initiative.
        """
        if task is None:
            return Routes(doers, (initiative.owner,) if initiative.owner else ())
        return Routes(
            doers,
            self._behind((task.accountable,), initiative),
            self._behind(task.consulted, initiative),
            self._behind(task.informed, initiative),
        )

    def _behind(self, roles: Sequence[str], initiative: InHands) -> tuple[str, ...]:
        return tuple(dict.fromkeys(who for role in roles for who in self.responsible(role, initiative)))


def names_of(governance: Governance, moment: Moment) -> dict[str, str]:
    """Id -> name of everybody in the directory at a moment, by name."""
    return {person.id: person.name for person in cast_of(governance, moment).people}


def cast_of(governance: Governance, moment: Moment) -> Cast:
    """The people at a moment."""
    known = people_then(governance.store, moment)
    return Cast([one.actor for one in known], {one.actor.id: one.since for one in known})
