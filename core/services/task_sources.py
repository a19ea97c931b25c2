"""Where tasks come from: each source reads the record at a moment and gives what is to be done then.

A new kind of task is one more function in `SOURCES`, and its name in `core.domain.work.TaskKind`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from core.domain.moment import Moment
from core.domain.policy import Policy
from core.domain.requirement_list import Requirement, requirements_of
from core.domain.requirements import Status, requirement_states
from core.domain.work import Place, Routes, Task, TaskState, requirement_key
from core.lake import comments as lake_comments
from core.lake import hand_offs as lake_hand_offs
from core.lake import initiatives as lake_initiatives
from core.lake import inventory as lake_inventory
from core.services.governance import Governance
from core.services.routing import Cast
from core.services.training import training_standings

Known = Mapping[str, Mapping[str, str]]
"""Initiative -> its name, team, owner and builder."""
_OPEN = {Status.EXPIRING, Status.CANNOT_TELL, Status.MISSING, Status.FAILED}


@dataclass(frozen=True)
class Reading:
    """What a source reads: the record at a moment, the people then, and whose initiatives.

    `only` names one initiative; empty means all.
    """

    governance: Governance
    moment: Moment
    cast: Cast
    known: Known
    only: str = ""

    @property
    def policy(self) -> Policy:
        """The policy in force then."""
        return self.governance.policy(self.moment)

    def state(self, due_on: date) -> TaskState:
        """State of an open task by its due day alone."""
        days = (due_on - self.moment.day).days
        if days < 0:
            return "overdue"
        return "due_soon" if days <= self.governance.work.due_soon_days else "waiting"


TaskSource = Callable[[Reading], Iterator[Task]]


@dataclass(frozen=True)
class OpenRequirement:
    """A requirement that asks for something to be done: not met, or about to expire."""

    initiative: str
    class_id: str
    requirement: Requirement
    status: Status
    due_on: date
    expires_on: date | None


def requirement_tasks(reading: Reading) -> Iterator[Task]:
    """What the matrix asks for and is not proved, or not for long; signatures are a source of their own."""
    for asked in open_requirements(reading):
        if asked.requirement.sign_off is None:
            yield _requirement_task(reading, asked)


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


def _requirement_task(reading: Reading, asked: OpenRequirement) -> Task:
    requirement, measure = asked.requirement, asked.requirement.measure
    initiative = reading.known[asked.initiative]
    raci_task = reading.governance.raci.task_of_measure(
        requirement.step, measure.responsible, requirement.consideration.id
    )
    doers = reading.cast.responsible(measure.responsible, initiative, independent=measure.independent)
    due_on = _due_on(asked)
    gate = gate_that_asks(reading.policy, asked.class_id, requirement.step)
    return Task(
        key=requirement_key(asked.initiative, requirement.id),
        kind="requirement",
        title=requirement.title,
        why=requirement.consideration.why,
        how=_next_step(asked),
        waits=f"“{gate}” asks for it" if gate else "",
        state=_state(reading, asked.status, due_on),
        due_on=due_on,
        place=Place("initiative", {"id": asked.initiative, "tab": "Requirements"}),
        owner=doers[0] if len(doers) == 1 else "",
        routes=reading.cast.routes(raci_task, doers, initiative),
        initiative=asked.initiative,
        name=initiative["name"],
        team=initiative["team"],
        role=measure.responsible,
        step=requirement.step,
        raci_task=raci_task.id if raci_task else "",
        independent=measure.independent,
    )


def _due_on(asked: OpenRequirement) -> date:
    """The due day; what was proved once and has expired is due since it expired."""
    if asked.status is Status.EXPIRING and asked.expires_on is not None:
        return asked.expires_on
    return max(asked.due_on, asked.expires_on) if asked.expires_on is not None else asked.due_on


def _state(reading: Reading, status: Status, due_on: date) -> TaskState:
    by_day = reading.state(due_on)
    if by_day == "overdue":
        return by_day
    match status:
        case Status.FAILED:
            return "failed"
        case Status.CANNOT_TELL:
            return "cannot_tell"
        case Status.EXPIRING:
            return "expiring"
    return by_day


def _next_step(asked: OpenRequirement) -> str:
    measure = asked.requirement.measure
    match asked.status:
        case Status.FAILED:
            return "A check failed: open it, mend what it names, and run the checks again."
        case Status.CANNOT_TELL:
            return "A check cannot tell: open it, give it what it lacks, and run the checks again."
        case Status.EXPIRING:
            renewed = f"submit {measure.evidence} again" if measure.evidence else "run the checks again"
            return f"Its proof expires on {asked.expires_on}: {renewed}."
    if measure.evidence is None:
        return "Run the checks; they say what is lacking."
    return f"Submit {measure.evidence}."


def gate_that_asks(policy: Policy, class_id: str, step: str) -> str:
    """Title of the first gate of a class that asks for what belongs to a step; empty where none does."""
    place = policy.step_order[step]
    return next((g.title for g in policy.gates_of(class_id) if policy.step_order[g.step] >= place), "")


def hand_off_tasks(reading: Reading) -> Iterator[Task]:
    """Offers that wait for an answer: for the person named, else for everybody of the team named."""
    days = timedelta(days=reading.governance.work.answer_days)
    for offer in lake_hand_offs.hand_offs(
        reading.governance.store, reading.moment, initiative=reading.only, open_only=True
    ):
        doers = receivers(reading.cast, offer["to_team"], offer["to_person"])
        due_on = offer["offered_at"].date() + days
        giver = reading.cast.name(offer["offered_by"])
        yield Task(
            key=f"hand_off:{offer['hand_off']}",
            kind="hand_off",
            title=f"Accept or return: {offer['what']}",
            why=f"{giver} ({offer['from_team'] or 'no team'}) hands it over: {offer['reason']}",
            how="Accept it to make it yours, or return it with a reason.",
            waits=f"{giver} waits for the answer",
            state=reading.state(due_on),
            due_on=due_on,
            place=Place("my_work", {"task": f"hand_off:{offer['hand_off']}"}),
            owner=doers[0] if len(doers) == 1 else "",
            routes=Routes(doers, (offer["offered_by"],)),
            initiative=offer["initiative"],
            name=offer["name"] or offer["initiative"],
            team=offer["to_team"],
        )


def receivers(cast: Cast, team: str, person: str) -> tuple[str, ...]:
    """Who may answer an offer: the person named, else everybody of the team."""
    if person:
        return (person,)
    return tuple(known.id for known in cast.people if known.team == team)


def mention_tasks(reading: Reading) -> Iterator[Task]:
    """Comments that name somebody who has neither read nor written there since."""
    days = timedelta(days=reading.governance.work.mention_days)
    for row in lake_comments.unread_mentions(reading.governance.store, reading.moment):
        if reading.only and row["initiative"] != reading.only:
            continue
        due_on = row["recorded_at"].date() + days
        yield Task(
            key=f"mention:{row['comment']}:{row['person']}",
            kind="mention",
            title=f"Read what {row['actor_name']} wrote",
            why=row["text"],
            how="Answer there, or mark it as read.",
            waits=f"{row['actor_name']} waits for you",
            state=reading.state(due_on),
            due_on=due_on,
            place=Place("my_work", {"task": f"mention:{row['comment']}:{row['person']}"}),
            owner=row["person"],
            routes=Routes((row["person"],)),
            initiative=row["initiative"],
            name=row["name"] or row["initiative"],
            team=row["team"] or "",
        )


def training_tasks(reading: Reading) -> Iterator[Task]:
    """Trainings that a person's roles ask for and that are not attested, or not for long."""
    if reading.only:
        return
    for standing in training_standings(reading.governance, reading.moment, cast=reading.cast):
        person = reading.cast.find(standing.person)
        if standing.state == "current" or person is None:
            continue
        training = standing.training
        renewal = standing.attested_on is not None
        yield Task(
            key=f"training:{training.id}:{standing.person}",
            kind="training",
            title=f"{'Renew' if renewal else 'Take'} the training “{training.title}”",
            why=training.why,
            how=f"{training.minutes} minutes; then attest it for yourself.",
            waits="Gates may ask for current training",
            state=reading.state(standing.due_on),
            due_on=standing.due_on,
            place=Place("training"),
            owner=standing.person,
            routes=Routes((standing.person,)),
            team=person.team,
        )


SOURCES: tuple[TaskSource, ...] = (requirement_tasks, hand_off_tasks, mention_tasks, training_tasks)
"""All sources, in no order that matters."""
