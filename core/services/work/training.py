"""Trainings: who needs which, until when they hold, and attesting them for oneself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from core.domain.actors import Actor
from core.domain.commands import Command
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.facts.work import TrainingAttestation
from core.domain.given import argument
from core.domain.moment import Moment
from core.domain.policy.checks import CheckResult
from core.domain.policy.requirement_list import requirements_of
from core.domain.work.training import TrainingStanding, standing, training_check
from core.domain.work.work import InHands
from core.lake.facts import newest
from core.services.case import begin
from core.services.governance import Governance
from core.services.work.routing import Cast, cast_of


class AttestTraining(Command, may="attest_training"):
    """Attest a training for yourself.

    Attributes
    ----------
    person
        Empty, or the actor's own id.
    """

    training: Annotated[
        str, Field(description="The training, as 'training list' says."), argument("TRAINING")
    ]
    person: str = ""


@dataclass(frozen=True)
class TrainedPerson:
    """Somebody with the trainings that their roles ask for."""

    person: Actor
    standings: tuple[TrainingStanding, ...]

    @property
    def current(self) -> bool:
        """Whether all of them are current."""
        return all(one.current for one in self.standings)


def attest_training(governance: Governance, command: AttestTraining) -> date:
    """Attest a training for oneself; gives the last day on which it holds."""
    case = begin(governance, command)
    if command.person and command.person != command.actor.id:
        raise Forbidden(
            "a training is attested by the person who took it", remedy="Let them attest it themselves."
        )
    training = case.rules.trainings.find(command.training)
    if training is None:
        known = ", ".join(one.id for one in case.rules.trainings.trainings)
        raise NotFound(f"'{command.training[:60]}' is no training", remedy=f"Use one of: {known}.")
    person = cast_of(governance, case.moment).find(command.actor.id)
    if person is None or not set(person.roles) & set(training.roles):
        raise BadInput(
            f"none of your roles asks for “{training.title}”", remedy="Attest the ones on your own list."
        )
    attested = TrainingAttestation(
        training=training.id,
        person=case.actor,
        statement=training.statement,
        valid_until=case.moment.day + timedelta(days=training.valid_days),
    )
    return case.put("training_attested", attested).valid_until


def training_standings(
    governance: Governance, moment: Moment, *, cast: Cast | None = None
) -> tuple[TrainingStanding, ...]:
    """Where everybody stands with each training that their roles ask for, by name of the person."""
    people = cast or cast_of(governance, moment)
    attested = {
        (one.person, one.training): one for one in newest(governance.store, TrainingAttestation, moment)
    }
    found = []
    for person in people.people:
        for training in governance.rules(moment).trainings.asked_of(person.roles):
            said = attested.get((person.id, training.id))
            found.append(
                standing(
                    training,
                    person.id,
                    since=people.since[person.id],
                    attested_on=said.recorded_at.date() if said else None,
                    valid_until=said.valid_until if said else None,
                    renew_days=governance.rules(moment).trainings.renew_days,
                    day=moment.day,
                )
            )
    return tuple(found)


def trained_people(governance: Governance, moment: Moment, *, team: str = "") -> tuple[TrainedPerson, ...]:
    """Everybody whose roles ask for a training, with where they stand; of one team, or of all."""
    cast = cast_of(governance, moment)
    by_person: dict[str, list[TrainingStanding]] = {}
    for one in training_standings(governance, moment, cast=cast):
        by_person.setdefault(one.person, []).append(one)
    people = [cast.find(person) for person in by_person]
    return tuple(
        TrainedPerson(person, tuple(by_person[person.id]))
        for person in people
        if person is not None and team in ("", person.team)
    )


def training_tally(governance: Governance, moment: Moment) -> tuple[int, int]:
    """People whose trainings are all current, and people whose roles ask for any."""
    people = trained_people(governance, moment)
    return sum(person.current for person in people), len(people)


def check_training(governance: Governance, moment: Moment, initiative: InHands, class_id: str) -> CheckResult:
    """Hold owner, builder and the roles that the class needs against the training list.

    Of a role with several people, one whose trainings are current is enough.
    """
    cast = cast_of(governance, moment)
    policy = governance.policy(moment)
    trained = {one.person.id for one in trained_people(governance, moment) if one.current}
    duty_free = {p.id for p in cast.people if not governance.rules(moment).trainings.asked_of(p.roles)}
    named: dict[str, tuple[str, ...]] = {
        "the owner": tuple(who for who in (initiative.owner,) if cast.find(who)),
        "the builder": tuple(who for who in (initiative.builder,) if cast.find(who)),
    }
    for requirement in requirements_of(policy, class_id):
        measure = requirement.measure
        title = governance.rules(moment).roles.title(measure.responsible).lower()
        named[title] = cast.responsible(measure.responsible, initiative, independent=measure.independent)
    return training_check(named, trained | duty_free)
