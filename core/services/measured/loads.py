"""How much each person has to do, by due day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.moment import Moment
from core.domain.work.work import Task
from core.services.governance import Governance
from core.services.work.routing import Cast, cast_of
from core.services.work.tasks import open_tasks


@dataclass(frozen=True)
class Load:
    """Open tasks of a person by due day; `shared` could be theirs and nobody has taken them."""

    person: str
    name: str
    team: str
    overdue: int
    this_week: int
    this_month: int
    later: int
    shared: int

    @property
    def own(self) -> int:
        """All that is theirs."""
        return self.overdue + self.this_week + self.this_month + self.later


def loads(governance: Governance, moment: Moment, *, team: str = "") -> tuple[Load, ...]:
    """Open tasks of each person by due day, the most overdue first; people with nothing to do included."""
    cast = cast_of(governance, moment)
    return loads_of(open_tasks(governance, moment, cast=cast), cast, moment, team=team)


def loads_of(tasks: Sequence[Task], cast: Cast, moment: Moment, *, team: str = "") -> tuple[Load, ...]:
    """Count tasks per person: overdue, due within 7 days, within 30 days, later."""
    counts = {person.id: [0, 0, 0, 0, 0] for person in cast.people if team in ("", person.team)}
    for task in tasks:
        days = (task.due_on - moment.day).days
        place = 0 if days < 0 else 1 if days <= 7 else 2 if days <= 30 else 3
        for person in task.doers:
            if person in counts:
                counts[person][place if task.owner else 4] += 1
    found = [
        Load(person, cast.name(person), known.team, *tally)
        for person, tally in counts.items()
        if (known := cast.find(person)) is not None
    ]
    return tuple(sorted(found, key=lambda load: (-load.overdue, -load.this_week, -load.own, load.name)))
