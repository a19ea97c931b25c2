"""Tasks of a person or a team alone: offers to answer, comments to read, trainings to take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from core.domain.facts.work import Comment, HandOff, HandOffAnswer
from core.domain.moment import Moment
from core.domain.work.work import Place, Routes, Task
from core.lake import directory
from core.lake.facts import newest
from core.lake.store import Store
from core.services.work.comments import unread_mentions
from core.services.work.routing import Cast, Reading
from core.services.work.training import training_standings


def hand_off_tasks(reading: Reading) -> Iterator[Task]:
    """Offers that wait for an answer: for the person named, else for everybody of the team named."""
    waiting = [
        offer
        for offer, answer in reversed(offers(reading.governance.store, reading.moment, reading.only))
        if answer is None
    ]
    names = _initiatives(reading, waiting)
    for offer in waiting:
        doers = receivers(reading.cast, offer)
        due_on = reading.answer_by(offer.recorded_at.date())
        giver = reading.cast.name(offer.actor)
        yield Task(
            key=f"hand_off:{offer.hand_off}",
            kind="hand_off",
            title=f"Accept or return: {offer.what}",
            why=f"{giver} ({offer.from_team or 'no team'}) hands it over: {offer.reason}",
            how="Accept it to make it yours, or return it with a reason.",
            waits=f"{giver} waits for the answer",
            state=reading.state(due_on),
            due_on=due_on,
            place=Place("my_work", {"task": f"hand_off:{offer.hand_off}"}),
            owner=doers[0] if len(doers) == 1 else "",
            routes=Routes(doers, (offer.actor,)),
            initiative=offer.initiative,
            name=names[offer.initiative][0],
            team=offer.to_team,
        )


def offers(
    store: Store, moment: Moment, initiative: str = ""
) -> tuple[tuple[HandOff, HandOffAnswer | None], ...]:
    """Offers of an initiative, or of all, oldest first, each with its answer where there is one."""
    answers = {one.hand_off: one for one in newest(store, HandOffAnswer, moment, initiative)}
    return tuple((offer, answers.get(offer.hand_off)) for offer in newest(store, HandOff, moment, initiative))


def receivers(cast: Cast, offer: HandOff) -> tuple[str, ...]:
    """Who may answer an offer: the person named, else everybody of the team."""
    if offer.to_person:
        return (offer.to_person,)
    return tuple(known.id for known in cast.people if known.team == offer.to_team)


def mention_tasks(reading: Reading) -> Iterator[Task]:
    """Comments that name somebody who has neither read nor written there since."""
    days = timedelta(days=reading.governance.work.mention_days)
    unread = list(unread_mentions(reading.governance.store, reading.moment, reading.only))
    names = _initiatives(reading, [comment for comment, _ in unread])
    for comment, person in unread:
        due_on = comment.recorded_at.date() + days
        key, writer = f"mention:{comment.comment}:{person}", reading.cast.name(comment.actor)
        name, team = names[comment.initiative]
        yield Task(
            key=key,
            kind="mention",
            title=f"Read what {writer} wrote",
            why=comment.text,
            how="Answer there, or mark it as read.",
            waits=f"{writer} waits for you",
            state=reading.state(due_on),
            due_on=due_on,
            place=Place("my_work", {"task": key}),
            owner=person,
            routes=Routes((person,)),
            initiative=comment.initiative,
            name=name,
            team=team,
        )


def _initiatives(reading: Reading, said: Iterable[HandOff | Comment]) -> Mapping[str, tuple[str, str]]:
    """Name and team of the initiatives that something was said of."""
    of = (one.initiative for one in said)
    return directory.names(reading.governance.store, reading.moment, of).initiatives


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
