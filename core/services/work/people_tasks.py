"""Tasks of a person or a team alone: offers to answer, comments to read, trainings to take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from core.domain.work.work import Place, Routes, Task
from core.lake.work import comments as lake_comments
from core.lake.work import hand_offs as lake_hand_offs
from core.services.work.routing import Cast
from core.services.work.task_reading import Reading
from core.services.work.training import training_standings


def hand_off_tasks(reading: Reading) -> Iterator[Task]:
    """Offers that wait for an answer: for the person named, else for everybody of the team named."""
    for offer in lake_hand_offs.hand_offs(
        reading.governance.store, reading.moment, initiative=reading.only, open_only=True
    ):
        doers = receivers(reading.cast, offer["to_team"], offer["to_person"])
        due_on = reading.answer_by(offer["offered_at"].date())
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
