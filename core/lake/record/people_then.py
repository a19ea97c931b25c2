"""The people of a moment: their team and roles as given on record by then, else as the directory has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from core.domain.actors import Actor
from core.domain.facts.record import Membership, StoreCreated
from core.domain.moment import Moment
from core.lake.directory import people
from core.lake.facts import history
from core.lake.query import fetch
from core.lake.store import Store

_AFTERWARDS = "SELECT DISTINCT person FROM membership WHERE seq > $seq"
_ACTED = "SELECT DISTINCT actor FROM record WHERE seq <= $seq"


@dataclass(frozen=True)
class KnownPerson:
    """Somebody of the directory as of a moment, and the day since when they have been there."""

    actor: Actor
    since: date


def people_then(store: Store, moment: Moment) -> list[KnownPerson]:
    """Everybody who was in the directory at a moment and still is, by name.

    Names and titles are those of today: they are kept beside the record and have no history. People who
    came without a recorded membership count from the founding of the store.
    """
    memberships = history(store, Membership, moment)
    given = {one.person: one for one in memberships}
    since = {one.person: one.recorded_at for one in reversed(memberships)}
    founded = min((one.recorded_at for one in history(store, StoreCreated, moment)), default=None)
    absent = _not_yet_there(store, moment, given)
    return [
        KnownPerson(_as_given(person, given.get(person.id)), first.date() if first else moment.day)
        for person in sorted(people(store), key=lambda person: (person.name, person.id))
        if person.id not in absent
        for first in [since.get(person.id, founded)]
    ]


def _not_yet_there(store: Store, moment: Moment, given: Mapping[str, object]) -> set[str]:
    """People whose first membership came later, and who had done nothing by then."""
    values = {"seq": moment.seq}
    later = {row["person"] for row in fetch(store.cursor(), _AFTERWARDS, values)} - set(given)
    return later - {row["actor"] for row in fetch(store.cursor(), _ACTED, values)} if later else set()


def _as_given(person: Actor, membership: Membership | None) -> Actor:
    if membership is None:
        return person
    given = {"team": membership.team, "roles": membership.roles}
    return person.model_copy(update={name: value for name, value in given.items() if value is not None})
