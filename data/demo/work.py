"""Work that moves in the demo: trainings, comments, hand-offs, and who took which task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from random import Random

from core.domain.actors import Actor
from core.domain.errors import Conflict
from core.domain.work.training import Training
from core.domain.work.work import Task
from core.services.work.tasks import open_tasks
from data.demo.plans import InitiativePlan
from data.demo.workdays import Workdays, workdays
from data.demo.world import Timed, World

_DILIGENCE = {"Claims": 0.45, "Marketing Analytics": 0.8, "Executive Office": 0.6}
"""Share of people who take a training in time; elsewhere nearly all do."""
_SETTLED = 15
"""Working days after which an initiative has an owner and open tasks."""
_SHORT_OF_HANDS = "You know this data better than we do, and we are short of hands until the release."
_RETURNED = "Nobody here has the time before the quarter ends; please ask again then."


def work_acts(world: World, plans: Sequence[InitiativePlan], days: Workdays) -> Iterator[Timed]:
    """Everything that people do about work itself, in no order."""
    seed = plans[0].seed if plans else 0
    yield from _trainings(world, days, Random(f"{seed}/trainings"))
    for plan in plans:
        rng = Random(f"{seed}/{plan.key}/work")
        if plan.strict:
            yield from _talk(world, plan, days, rng)
            yield from _taken(world, plan, days, rng)
    yield from _handed_over(world, plans, days, Random(f"{seed}/hand-offs"))
    yield from _this_week(world, plans, days, Random(f"{seed}/week"))


def _trainings(world: World, days: Workdays, rng: Random) -> Iterator[Timed]:
    trainings = world.governance.rules(world.governance.present(days.moment(0))).trainings
    for person in (one.actor() for one in world.recipe.people):
        diligence = _DILIGENCE.get(person.team, 0.96)
        for training in trainings.asked_of(person.roles):
            yield from _attestations(world, person, training, days, diligence, rng)


def _attestations(
    world: World, person: Actor, training: Training, days: Workdays, diligence: float, rng: Random
) -> Iterator[Timed]:
    """The first attestation and the renewals: in time for the diligent, late or never for others."""
    at = workdays(training.due_days) * rng.uniform(0.15, 0.95)
    if rng.random() > diligence:
        at += rng.uniform(20, 90)
    act = partial(_attest, world, person, training.id)
    while at < days.last:
        yield at, act
        valid = workdays(training.valid_days)
        if rng.random() < diligence:
            at += valid - rng.uniform(2, 18)
        elif rng.random() < 0.5:
            at += valid + rng.uniform(15, 120)
        else:
            return


def _attest(world: World, person: Actor, training: str, at: datetime) -> None:
    world.do(person, at, "attest_training", training=training)


def _talk(world: World, plan: InitiativePlan, days: Workdays, rng: Random) -> Iterator[Timed]:
    """A question and an answer after some of the versions."""
    talks = rng.sample(world.recipe.words.talks, 3)
    for version, talk in zip(plan.versions, talks, strict=False):
        asker, asked = plan.crew.named(talk.asker), plan.crew.named(talk.asked)
        at = version.at + rng.uniform(2, 9)
        answered = at + rng.uniform(0.4, 4)
        if answered < days.last and asker.id != asked.id:
            yield at, partial(_say, world, plan, asker, talk.question.format(to=asked.id))
            yield answered, partial(_say, world, plan, asked, talk.reply)


def _say(world: World, plan: InitiativePlan, actor: Actor, text: str, at: datetime) -> None:
    world.do(actor, at, "write_comment", initiative=plan.key, text=text)


def _taken(world: World, plan: InitiativePlan, days: Workdays, rng: Random) -> Iterator[Timed]:
    """Validators, data operations and production take what their role could do, some days after a version."""
    roles = ("risk_audit", "data_ops", "production")
    for version in plan.versions[-1:]:
        for role in roles:
            at = version.at + rng.uniform(4, 14)
            if at < days.last and rng.random() < 0.6:
                yield at, partial(_take, world, plan, plan.crew.by_role[role])


def _take(world: World, plan: InitiativePlan, person: Actor, at: datetime) -> None:
    for task in _open(world, plan, at):
        if task.movable and not task.owner and person.id in task.routes.responsible:
            world.do(person, at, "assign_task", task=task.key, person=person.id)
            return


def _open(world: World, plan: InitiativePlan, at: datetime) -> tuple[Task, ...]:
    return open_tasks(world.governance, world.governance.present(at), initiative=plan.key)


def _handed_over(
    world: World, plans: Sequence[InitiativePlan], days: Workdays, rng: Random
) -> Iterator[Timed]:
    """Tasks offered to another team over the months: most are accepted, some come back with a reason."""
    ready = [plan for plan in plans if plan.strict and plan.versions]
    for plan in rng.sample(ready, min(8, len(ready))):
        at = plan.versions[-1].at + rng.uniform(2, 6)
        receiver = _counterpart(world, plan, rng)
        if receiver is not None and at + 3 < days.last:
            accepts = rng.random() < 0.65
            yield at, partial(_offer_a_task, world, plan, receiver, rng.uniform(0.3, 2.5), accepts)


def _counterpart(world: World, plan: InitiativePlan, rng: Random) -> Actor | None:
    """Somebody of another team who could do what the builder does."""
    builder = plan.crew.builder
    could = [
        one.actor()
        for one in world.recipe.people
        if one.team != plan.recipe.team and set(one.roles) & set(builder.roles)
    ]
    return rng.choice(could) if could else None


def _offer_a_task(
    world: World, plan: InitiativePlan, receiver: Actor, wait: float, accepts: bool | None, at: datetime
) -> None:
    """Whoever has a task offers it; the receiver answers some working days later, or not yet (None)."""
    task = next(
        (
            task
            for task in _open(world, plan, at)
            if task.kind == "requirement"
            and not task.independent
            and task.owner in (plan.crew.owner.id, plan.crew.builder.id)
            and task.owner != receiver.id
        ),
        None,
    )
    if task is None:
        return
    giver = plan.crew.owner if task.owner == plan.crew.owner.id else plan.crew.builder
    about = {"task": task.key, "to_person": receiver.id, "reason": _SHORT_OF_HANDS}
    try:
        hand_off = world.do(giver, at, "offer_hand_off", **about)["hand_off"]
    except Conflict:  # the same was offered before, and nobody has answered yet
        return
    if accepts is not None:
        world.later(wait, partial(_answer, world, plan, hand_off, task.key, receiver, accepts))


def _answer(
    world: World, plan: InitiativePlan, hand_off: str, task: str, actor: Actor, accepts: bool, at: datetime
) -> None:
    """The receiver accepts what is still to be done, or returns it with a reason."""
    still_open = any(one.key == task for one in _open(world, plan, at))
    if accepts and still_open:
        answer = {"answer": "accept"}
    else:
        reason = _RETURNED if still_open else "It is done meanwhile; thank you for asking."
        answer = {"answer": "return", "reason": reason}
    world.do(actor, at, "answer_hand_off", hand_off=hand_off, **answer)


def _this_week(world: World, plans: Sequence[InitiativePlan], days: Workdays, rng: Random) -> Iterator[Timed]:
    """What waits now: offers without an answer, and questions that nobody has read."""
    by_team: dict[str, list[InitiativePlan]] = {}
    for plan in plans:
        if plan.recipe.algorithm and plan.starts < days.last - _SETTLED:
            by_team.setdefault(plan.recipe.team, []).append(plan)
    givers = [plan for team in sorted(by_team) for plan in rng.sample(by_team[team], 1)]
    talks = world.recipe.words.talks
    for place, plan in enumerate(givers):
        receiver = _counterpart(world, plan, rng)
        if receiver is not None and place % 2 == 0:
            at = days.last - rng.uniform(0.5, 9)
            yield at, partial(_offer_a_task, world, plan, receiver, 0.0, None)
        talk = talks[place % len(talks)]
        asker, asked = plan.crew.named(talk.asker), plan.crew.named(talk.asked)
        if asker.id != asked.id:
            at = days.last - rng.uniform(0.2, 5)
            yield at, partial(_say, world, plan, asker, talk.question.format(to=asked.id))
    yield from _for_the_personas(world, by_team, days)


def _for_the_personas(
    world: World, by_team: dict[str, list[InitiativePlan]], days: Workdays
) -> Iterator[Timed]:
    """Somebody who opens the demo finds something that waits for them."""
    for team, receiver in (("Pricing and Actuarial", "Claims"), ("Claims", "Fraud Prevention")):
        for plan in by_team.get(team, [])[:1]:
            yield days.last - 2.5, partial(_offer_whole, world, plan, receiver)
    for plan in by_team.get("Retail Credit", [])[:1]:
        executive = next((one for one in world.recipe.people if one.title == "Executive"), None)
        if executive is not None:
            text = f"@{executive.id} the branches ask when this replaces the old score. May we say a month?"
            yield days.last - 1.2, partial(_say, world, plan, plan.crew.owner, text)


def _offer_whole(world: World, plan: InitiativePlan, to_team: str, at: datetime) -> None:
    reason = f"{to_team} takes the decisions that this prepares; it should stand with them."
    world.do(plan.crew.owner, at, "offer_hand_off", initiative=plan.key, to_team=to_team, reason=reason)
