"""Tasks to prove what the matrix asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from core.domain.process.requirements import Status
from core.domain.work.work import Place, Task, TaskState, requirement_key
from core.services.work.task_reading import OpenRequirement, Reading, gate_that_asks


def requirement_tasks(reading: Reading) -> Iterator[Task]:
    """What the matrix asks for and is not proved, or not for long; signatures are a source of their own."""
    for asked in reading.open_requirements:
        if asked.requirement.sign_off is None:
            yield _requirement_task(reading, asked)


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
        name=initiative.name,
        team=initiative.team,
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
