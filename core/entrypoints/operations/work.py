"""Operations on work: tasks, hand-offs, comments, notices, trainings, responsibilities, perspectives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from core.domain.commands import make
from core.domain.errors import BadInput
from core.domain.work.work import Task
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Parameters
from core.entrypoints.operations.results import moment_result
from core.services.measured.loads import loads
from core.services.plain import plain
from core.services.work.comments import (
    MarkCommentsRead,
    WriteComment,
    comments_on,
    mark_comments_read,
    write_comment,
)
from core.services.work.hand_offs import (
    AnswerHandOff,
    OfferHandOff,
    WithdrawHandOff,
    answer_hand_off,
    hand_offs,
    offer_hand_off,
    withdraw_hand_off,
)
from core.services.work.notices import news, said, standing_notices, when
from core.services.work.perspectives import perspectives_of
from core.services.work.raci_view import observed_matrix
from core.services.work.routing import Cast, cast_of
from core.services.work.tasks import AssignTask, assign_task, open_tasks, team_tasks, work_list
from core.services.work.training import AttestTraining, attest_training, trained_people


class WorkToRead(Parameters):
    """Whose work: one person's, one team's, or all."""

    person: str = ""
    team: str = ""
    as_of: AsOf = ""


class NewAssignment(Parameters):
    """A task, and the person to put on it; without one, the acting person takes it."""

    task: str
    person: str = ""
    reason: str = ""


class NewOffer(Parameters):
    """An initiative or a task, to a team or a person, with the reason."""

    initiative: str = ""
    task: str = ""
    to_team: str = ""
    to_person: str = ""
    reason: str


class NewAnswer(Parameters):
    """An answer to an offer."""

    hand_off: str
    answer: Literal["accept", "return"]
    reason: str = ""


class OfferToWithdraw(Parameters):
    """An offer to take back."""

    hand_off: str
    reason: str


class OffersToRead(Parameters):
    """Offers of an initiative or a team; empty filters let all through."""

    initiative: str = ""
    team: str = ""
    open_only: bool = False
    as_of: AsOf = ""


class NewComment(Parameters):
    """A comment; `@id` names people."""

    initiative: str
    text: str


class CommentsToMark(Parameters):
    """The initiative whose comments were read."""

    initiative: str


class CommentsToRead(Parameters):
    """The initiative whose comments to show."""

    initiative: str
    as_of: AsOf = ""


class MatrixToRead(Parameters):
    """How many days back, 0 = the whole record, and whose initiatives."""

    days: Annotated[int, Field(ge=0, le=36_500)] = 0
    team: str = ""
    as_of: AsOf = ""


class TrainingsToRead(Parameters):
    """Whose trainings: one team's, or all."""

    team: str = ""
    as_of: AsOf = ""


class NewAttestation(Parameters):
    """A training that the acting person took."""

    training: str


class PerspectivesToRead(Parameters):
    """A gate of an initiative."""

    initiative: str
    gate: str
    as_of: AsOf = ""


def _list_tasks(call: Call, asked: WorkToRead) -> Any:
    moment = call.moment(asked.as_of)
    if asked.person and asked.team:
        raise BadInput("the work of one person or of one team", remedy="Name one of the two.")
    cast = cast_of(call.governance, moment)
    if asked.person:
        found = work_list(call.governance, moment, person=asked.person)
        tasks = (*found.own, *found.shared)
    elif asked.team:
        tasks = team_tasks(call.governance, moment, team=asked.team)
    else:
        tasks = open_tasks(call.governance, moment, cast=cast)
    return {"moment": moment_result(moment), "tasks": [_task(cast, task) for task in tasks]}


def _task(cast: Cast, task: Task) -> dict[str, Any]:
    who = cast.name(task.owner) if task.owner else cast.names(task.routes.responsible)
    return {**plain(task), "owner_name": who, "shared": not task.owner}


def _assign_task(call: Call, asked: NewAssignment) -> Any:
    values = {**asked.model_dump(), "person": asked.person or call.actor.id}
    assign_task(call.governance, make(AssignTask, **call.origin, **values))
    return {"task": asked.task, "person": values["person"]}


def _offer_hand_off(call: Call, asked: NewOffer) -> Any:
    hand_off = offer_hand_off(call.governance, make(OfferHandOff, **call.origin, **asked.model_dump()))
    return {"hand_off": hand_off, "to": asked.to_person or asked.to_team}


def _answer_hand_off(call: Call, asked: NewAnswer) -> Any:
    answer_hand_off(call.governance, make(AnswerHandOff, **call.origin, **asked.model_dump()))
    return {"hand_off": asked.hand_off, "answer": "accepted" if asked.answer == "accept" else "returned"}


def _withdraw_hand_off(call: Call, asked: OfferToWithdraw) -> Any:
    withdraw_hand_off(call.governance, make(WithdrawHandOff, **call.origin, **asked.model_dump()))
    return {"hand_off": asked.hand_off, "answer": "withdrawn"}


def _list_hand_offs(call: Call, asked: OffersToRead) -> Any:
    moment = call.moment(asked.as_of)
    found = hand_offs(call.governance, moment, **asked.model_dump(exclude={"as_of"}))
    return {"moment": moment_result(moment), "hand_offs": found}


def _write_comment(call: Call, asked: NewComment) -> Any:
    comment = write_comment(call.governance, make(WriteComment, **call.origin, **asked.model_dump()))
    return {"comment": comment}


def _mark_comments_read(call: Call, asked: CommentsToMark) -> Any:
    mark_comments_read(call.governance, make(MarkCommentsRead, **call.origin, **asked.model_dump()))
    return {"initiative": asked.initiative}


def _list_comments(call: Call, asked: CommentsToRead) -> Any:
    moment = call.moment(asked.as_of)
    found = comments_on(call.governance, moment, initiative=asked.initiative)
    return {"moment": moment_result(moment), "comments": found}


def _list_notices(call: Call, asked: WorkToRead) -> Any:
    moment = call.moment(asked.as_of)
    cast = cast_of(call.governance, moment)
    found = standing_notices(call.governance, moment, person=asked.person, team=asked.team)
    notices = [
        {
            "kind": notice.kind,
            "said": said(notice),
            "letter": notice.letter,
            "to": notice.to,
            "to_names": cast.names(notice.to),
            "task": notice.task.key,
            "title": notice.task.title,
            "name": notice.task.name,
            "team": notice.task.team,
            "since": notice.since,
            "days": notice.days,
            "when": when(notice),
            "level": notice.level,
        }
        for notice in found
    ]
    told = [
        {**plain(one), "actor_name": cast.name(one.actor), "to_names": cast.names(one.to)}
        for one in news(call.governance, moment, person=asked.person, team=asked.team)
    ]
    return {"moment": moment_result(moment), "notices": notices, "news": told}


def _read_raci(call: Call, asked: MatrixToRead) -> Any:
    moment, governance = call.moment(asked.as_of), call.governance
    found = observed_matrix(governance, moment, days=asked.days, team=asked.team)
    tasks = [
        {
            "task": one.task.id,
            "title": one.task.title,
            "letters": one.task.letters,
            "acts": one.acts,
            "people": one.people,
            "deviating": sorted(one.deviating),
        }
        for one in found.tasks
    ]
    return {
        "moment": moment_result(moment),
        "since": found.since,
        "roles": [{"id": role, "title": governance.roles.title(role)} for role in governance.raci.roles],
        "tasks": tasks,
        "deviations": found.deviations,
        "loads": loads(governance, moment, team=asked.team),
    }


def _list_trainings(call: Call, asked: TrainingsToRead) -> Any:
    moment = call.moment(asked.as_of)
    people = [
        {
            "person": one.person.id,
            "name": one.person.name,
            "team": one.person.team,
            "current": one.current,
            "trainings": [
                {
                    "training": standing.training.id,
                    "title": standing.training.title,
                    "state": standing.state,
                    "due_on": standing.due_on,
                    "attested_on": standing.attested_on,
                    "valid_until": standing.valid_until,
                }
                for standing in one.standings
            ],
        }
        for one in trained_people(call.governance, moment, team=asked.team)
    ]
    return {"moment": moment_result(moment), "people": people}


def _attest_training(call: Call, asked: NewAttestation) -> Any:
    command = make(AttestTraining, **call.origin, training=asked.training)
    return {"training": asked.training, "valid_until": attest_training(call.governance, command)}


def _read_perspectives(call: Call, asked: PerspectivesToRead) -> Any:
    moment = call.moment(asked.as_of)
    found = perspectives_of(call.governance, moment, initiative=asked.initiative, gate=asked.gate)
    views = [
        {
            "perspective": view.perspective.id,
            "title": view.perspective.title,
            "missing": view.missing,
            "people": view.people,
            "names": [found.names[person] for person in view.people],
            "acts": view.acts,
            "did": view.did,
            "last_at": view.last_at,
            "to_ask": found.to_ask.get(view.perspective.id, ""),
        }
        for view in found.views
    ]
    return {
        "moment": moment_result(moment),
        "initiative": asked.initiative,
        "gate": found.gate,
        "gate_title": found.gate_title,
        "decided_at": found.decided_at,
        "outcome": found.outcome,
        "perspectives": views,
    }


OPERATIONS: Mapping[str, Operation] = {
    "list_tasks": Operation(WorkToRead, _list_tasks),
    "assign_task": Operation(NewAssignment, _assign_task),
    "offer_hand_off": Operation(NewOffer, _offer_hand_off),
    "answer_hand_off": Operation(NewAnswer, _answer_hand_off),
    "withdraw_hand_off": Operation(OfferToWithdraw, _withdraw_hand_off),
    "list_hand_offs": Operation(OffersToRead, _list_hand_offs),
    "write_comment": Operation(NewComment, _write_comment),
    "mark_comments_read": Operation(CommentsToMark, _mark_comments_read),
    "list_comments": Operation(CommentsToRead, _list_comments),
    "list_notices": Operation(WorkToRead, _list_notices),
    "read_raci": Operation(MatrixToRead, _read_raci),
    "list_trainings": Operation(TrainingsToRead, _list_trainings),
    "attest_training": Operation(NewAttestation, _attest_training),
    "read_perspectives": Operation(PerspectivesToRead, _read_perspectives),
}
"""What this area adds to the operations."""
