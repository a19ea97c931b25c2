"""What a source of tasks reads: the record at a moment, the people then, and what is open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import Requirement, requirements_of
from core.domain.process.requirements import Status, requirement_states
from core.domain.work.work import Held, Task, TaskState
from core.lake.process import initiatives as lake_initiatives
from core.lake.process import inventory as lake_inventory
from core.services.governance import Governance
from core.services.work.routing import Cast

_OPEN = {Status.EXPIRING, Status.CANNOT_TELL, Status.MISSING, Status.FAILED}


@dataclass(frozen=True)
class OpenRequirement:
    """A requirement that asks for something to be done: not met, or about to expire."""

    initiative: str
    class_id: str
    requirement: Requirement
    status: Status
    due_on: date
    expires_on: date | None


@dataclass(frozen=True)
class Reading:
    """What a source reads: the record at a moment, the people then, and whose initiatives.

    `only` names one initiative; empty means all.
    """

    governance: Governance
    moment: Moment
    cast: Cast
    known: Mapping[str, Held]
    only: str = ""

    @property
    def policy(self) -> Policy:
        """The policy in force then."""
        return self.governance.policy(self.moment)

    @cached_property
    def open_requirements(self) -> tuple[OpenRequirement, ...]:
        """Requirements that ask for something to be done; read once for all sources."""
        return tuple(open_requirements(self))

    def answer_by(self, asked_on: date) -> date:
        """Day by which somebody who was asked has to have answered."""
        return asked_on + timedelta(days=self.governance.work.answer_days)

    def state(self, due_on: date) -> TaskState:
        """State of an open task by its due day alone."""
        days = (due_on - self.moment.day).days
        if days < 0:
            return "overdue"
        return "due_soon" if days <= self.governance.work.due_soon_days else "waiting"


TaskSource = Callable[[Reading], Iterator[Task]]


def open_requirements(reading: Reading) -> Iterator[OpenRequirement]:
    """Requirements that ask for something to be done, of one initiative or of all in one query."""
    policy, moment, store = reading.policy, reading.moment, reading.governance.store
    if reading.only:
        yield from _open_of_one(reading)
        return
    asked = {(c.id, r.id): r for c in policy.classes for r in requirements_of(policy, c.id)}
    for row in lake_inventory.requirement_rows(store, policy, moment):
        status = Status(row["status"])
        if status in _OPEN:
            requirement = asked[row["class_id"], row["requirement"]]
            yield OpenRequirement(
                row["initiative"],
                row["class_id"],
                requirement,
                status,
                row["due_on"],
                row["expires_on"],
            )


def _open_of_one(reading: Reading) -> Iterator[OpenRequirement]:
    facts = lake_initiatives.initiative_facts(reading.governance.store, reading.only, reading.moment)
    for state in requirement_states(reading.policy, facts, reading.moment.day) if facts else ():
        if facts and state.status in _OPEN:
            asked = state.requirement
            yield OpenRequirement(
                reading.only, facts.class_id, asked, state.status, state.due_on, state.expires_on
            )


def gate_that_asks(policy: Policy, class_id: str, step: str) -> str:
    """Title of the first gate of a class that asks for what belongs to a step; empty where none does."""
    place = policy.step_order[step]
    return next((g.title for g in policy.gates_of(class_id) if policy.step_order[g.step] >= place), "")
