"""The use cases of work: tasks, hand-offs, comments, notices, trainings, responsibilities, perspectives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from core.domain.errors import BadInput
from core.domain.given import GateId, InitiativeId, OfTeam
from core.domain.moment import Moment
from core.domain.work.work import Task
from core.ground import Result, plain
from core.services.governance import Governance
from core.services.use_case import Line, asks, does
from core.services.work import hand_offs
from core.services.work import routing as comments
from core.services.work.raci_view import (
    AttestTraining,
    attest_training,
    observed_matrix,
    perspectives_of,
    trained_people,
)
from core.services.work.routing import Cast, cast_of
from core.services.work.tasks import (
    AssignTask,
    assign_task,
    news,
    open_tasks,
    said,
    standing_notices,
    team_tasks,
    when,
    work_list,
)
from core.services.work.team_work import loads

OfPerson = Annotated[str, Field(description="Whose, by id.")]


def list_tasks(governance: Governance, moment: Moment, *, person: OfPerson = "", team: OfTeam = "") -> Result:
    """List what is to be done, by due day: of a person, of a team, or all."""
    if person and team:
        raise BadInput("the work of one person or of one team", remedy="Name one of the two.")
    cast = cast_of(governance, moment)
    if person:
        found = work_list(governance, moment, person=person)
        tasks = (*found.own, *found.shared)
    elif team:
        tasks = team_tasks(governance, moment, team=team)
    else:
        tasks = open_tasks(governance, moment, cast=cast)
    return {"tasks": [_task(cast, task) for task in tasks]}


def _task(cast: Cast, task: Task) -> Result:
    who = cast.name(task.owner) if task.owner else cast.names(task.routes.responsible)
    return {**plain(task), "owner_name": who, "shared": not task.owner}


def list_notices(
    governance: Governance, moment: Moment, *, person: OfPerson = "", team: OfTeam = ""
) -> Result:
    """List reminders, questions, escalations and news as they stand; nothing has to have run before."""
    cast = cast_of(governance, moment)
    found = standing_notices(governance, moment, person=person, team=team)
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
        for one in news(governance, moment, person=person, team=team)
    ]
    return {"notices": notices, "news": told}


def read_raci(
    governance: Governance,
    moment: Moment,
    *,
    days: Annotated[
        int, Field(ge=0, le=36_500, description="Acts of so many days; 0 = the whole record.")
    ] = 0,
    team: OfTeam = "",
) -> Result:
    """Show the responsibility matrix beside what the record shows, and each person's load."""
    rules = governance.rules(moment)
    found = observed_matrix(governance, moment, days=days, team=team)
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
        "since": found.since,
        "roles": [{"id": role, "title": rules.roles.title(role)} for role in rules.raci.roles],
        "tasks": tasks,
        "deviations": found.deviations,
        "loads": loads(governance, moment, team=team),
    }


def list_trainings(governance: Governance, moment: Moment, *, team: OfTeam = "") -> Result:
    """List who has which training, and until when."""
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
        for one in trained_people(governance, moment, team=team)
    ]
    return {"people": people}


def read_perspectives(
    governance: Governance, moment: Moment, *, initiative: InitiativeId, gate: GateId
) -> Result:
    """Show which perspectives took part in the decision at a gate, and which were missing."""
    found = perspectives_of(governance, moment, initiative=initiative, gate=gate)
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
        "initiative": initiative,
        "gate": found.gate,
        "gate_title": found.gate_title,
        "decided_at": found.decided_at,
        "outcome": found.outcome,
        "perspectives": views,
    }


_ANSWERED = "{hand_off} is {answer}."

GROUPS: Mapping[str, str] = {
    "hand-off": "Work that moves between teams and people.",
    "comment": "Comments on initiatives; @id names people.",
    "training": "Trainings by role, attested for oneself.",
}

USE_CASES = (
    asks(list_tasks, Line("tasks"), may="read_initiatives"),
    does(
        assign_task,
        AssignTask,
        Line("assign", "{task} is now with {person}."),
        returns=lambda call, command, _: {"task": command.task, "person": command.person or call.actor.id},
    ),
    asks(list_notices, Line("notices"), may="read_initiatives"),
    does(
        hand_offs.offer_hand_off,
        hand_offs.OfferHandOff,
        Line("hand-off offer", "{hand_off} waits for the answer of {to}."),
        returns=lambda call, command, found: {
            "hand_off": found,
            "to": command.to_person or command.to_team,
        },
    ),
    does(
        hand_offs.answer_hand_off,
        hand_offs.AnswerHandOff,
        Line(
            "hand-off accept",
            _ANSWERED,
            fixed={"answer": "accept", "reason": ""},
            help="Accept an offer to you or your team; the work is yours from then on.",
        ),
        Line(
            "hand-off return",
            _ANSWERED,
            fixed={"answer": "return"},
            needs=("reason",),
            help="Return an offer with a reason; the work stays where it is.",
        ),
        returns=lambda call, command, _: {
            "hand_off": command.hand_off,
            "answer": "accepted" if command.answer == "accept" else "returned",
        },
    ),
    does(
        hand_offs.withdraw_hand_off,
        hand_offs.WithdrawHandOff,
        Line("hand-off withdraw", _ANSWERED),
        returns=lambda call, command, _: {"hand_off": command.hand_off, "answer": "withdrawn"},
    ),
    asks(
        hand_offs.hand_offs,
        Line("hand-off list"),
        may="read_initiatives",
        name="list_hand_offs",
        returns="hand_offs",
    ),
    does(
        comments.write_comment,
        comments.WriteComment,
        Line("comment add", "{comment} is on record."),
        repeats=(),
        returns="comment",
    ),
    asks(
        comments.comments_on,
        Line("comment list"),
        may="read_initiatives",
        name="list_comments",
        returns="comments",
    ),
    does(
        comments.mark_comments_read,
        comments.MarkCommentsRead,
        Line("comment read", "The comments on {initiative} count as read."),
    ),
    asks(list_trainings, Line("training list"), may="read_people"),
    does(
        attest_training,
        AttestTraining,
        Line(
            "training attest",
            "{training} is attested; it holds until {valid_until}.",
            fixed={"person": ""},
        ),
        repeats=("training",),
        returns="valid_until",
    ),
    asks(read_raci, Line("raci"), may="read_people"),
    asks(read_perspectives, Line("perspectives"), may="read_initiatives"),
)
