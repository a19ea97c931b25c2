"""Whatever people do with work, the first answer stands, and the past keeps showing what it showed."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.domain.actors import Actor
from core.domain.commands import make
from core.domain.errors import GovernanceError
from core.lake.directory import put_person
from core.services.case import registered
from core.services.record.entries import verify_record
from core.services.work.hand_offs import (
    AnswerHandOff,
    OfferHandOff,
    WithdrawHandOff,
    answer_hand_off,
    hand_offs,
    offer_hand_off,
    withdraw_hand_off,
)
from core.services.work.raci_view import AttestTraining, attest_training
from core.services.work.routing import MarkCommentsRead, WriteComment, mark_comments_read, write_comment
from core.services.work.tasks import AssignTask, assign_task, open_tasks
from tests.conftest import ADMIN, BUILDER, OWNER, VALIDATOR, founded, later, register

CLAIMS = Actor(id="cara-claims", name="Cara Claims", team="Claims", roles=("business_stakeholder",))
SCIENTIST = Actor(id="cleo-claims", name="Cleo Claims", team="Claims", roles=("data_scientist",))
PEOPLE = (OWNER, BUILDER, VALIDATOR, CLAIMS, SCIENTIST, ADMIN)
INITIATIVE = "card-limit-advice"
people = st.sampled_from(PEOPLE)
places = st.integers(min_value=0, max_value=30)
REASON = "Because it fits better there."


class WorkMoves(RuleBasedStateMachine):
    """A few people assign, offer, answer, withdraw, talk and attest, in any order."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.governance = founded(Path(self.folder.name))
        for person in (CLAIMS, SCIENTIST):
            put_person(self.governance.store, person)
        register(self.governance)
        self.day = 2.0
        self.shown: dict[datetime, list[tuple[str, str]]] = {}
        self.offers: dict[str, tuple[str, str]] = {}
        self.answers: dict[str, tuple[str, str]] = {}
        self.team = "Credit"

    def at(self) -> datetime:
        self.day += 0.5
        return later(self.day)

    def give(self, service: Any, kind: Any, actor: Actor, **given: Any) -> Any:
        """The answer of a service, or None where it refuses: then nothing may have been stored."""
        head = self.governance.store.head()
        with suppress(GovernanceError):
            answer = service(self.governance, make(kind, actor=actor, at=self.at(), **given))
            return True if answer is None else answer
        assert self.governance.store.head() == head
        return None

    def task(self, place: int) -> str:
        found = [task.key for task in self.listed()]
        return found[place % len(found)] if found else "nothing:open"

    def listed(self, at: datetime | None = None) -> Any:
        return open_tasks(self.governance, self.governance.moment(at or later(self.day)))

    @rule(actor=people, person=people, place=places)
    def assign(self, actor: Actor, person: Actor, place: int) -> None:
        self.give(assign_task, AssignTask, actor, task=self.task(place), person=person.id)

    @rule(actor=people, team=st.sampled_from(["Claims", "Credit", "Nowhere"]))
    def offer_initiative(self, actor: Actor, team: str) -> None:
        given = {"initiative": INITIATIVE, "to_team": team, "reason": REASON}
        if made := self.give(offer_hand_off, OfferHandOff, actor, **given):
            self.offers[made] = (team, "")

    @rule(actor=people, person=people, place=places)
    def offer_task(self, actor: Actor, person: Actor, place: int) -> None:
        given = {"task": self.task(place), "to_person": person.id, "reason": REASON}
        if made := self.give(offer_hand_off, OfferHandOff, actor, **given):
            self.offers[made] = (person.team, person.id)

    @rule(actor=people, place=places, accept=st.booleans())
    def answer(self, actor: Actor, place: int, accept: bool) -> None:
        if not self.offers:
            return
        which = sorted(self.offers)[place % len(self.offers)]
        how = "accept" if accept else "return"
        given = {"hand_off": which, "answer": how, "reason": REASON}
        if self.give(answer_hand_off, AnswerHandOff, actor, **given):
            team, person = self.offers[which]
            assert which not in self.answers, "a second answer was taken"
            assert actor.id == person or (not person and actor.team == team)
            self.answers[which] = (actor.id, "accepted" if accept else "returned")
            if accept and not person:
                self.team = team

    @rule(place=places, accept=st.booleans())
    def answer_as_the_receiver(self, place: int, accept: bool) -> None:
        if not self.offers:
            return
        team, person = self.offers[sorted(self.offers)[place % len(self.offers)]]
        receiver = next(p for p in PEOPLE if p.id == person or (not person and p.team == team))
        self.answer(actor=receiver, place=place, accept=accept)

    @rule(actor=people, place=places)
    def withdraw(self, actor: Actor, place: int) -> None:
        if not self.offers:
            return
        which = sorted(self.offers)[place % len(self.offers)]
        if self.give(withdraw_hand_off, WithdrawHandOff, actor, hand_off=which, reason=REASON):
            assert which not in self.answers
            self.answers[which] = (actor.id, "withdrawn")

    @rule(actor=people, person=people)
    def talk(self, actor: Actor, person: Actor) -> None:
        given = {"initiative": INITIATIVE, "text": f"@{person.id} please look."}
        self.give(write_comment, WriteComment, actor, **given)

    @rule(actor=people)
    def read(self, actor: Actor) -> None:
        self.give(mark_comments_read, MarkCommentsRead, actor, initiative=INITIATIVE)

    @rule(actor=people)
    def attest(self, actor: Actor) -> None:
        self.give(attest_training, AttestTraining, actor, training="governance_basics")

    @invariant()
    def answers_and_team_are_those_given_first(self) -> None:
        moment = self.governance.moment(later(self.day))
        known = {one.hand_off: one.answer for one in hand_offs(self.governance, moment)}
        assert known == {which: self.answers.get(which, ("", ""))[1] for which in self.offers}
        assert registered(self.governance, INITIATIVE, moment).team == self.team

    @invariant()
    def a_task_belongs_to_somebody_known_and_to_one_person(self) -> None:
        known = {person.id for person in self.governance.people()}
        tasks = self.listed()
        assert len({task.key for task in tasks}) == len(tasks)
        assert all(task.owner in known for task in tasks if task.owner)
        self.shown.setdefault(later(self.day), [(task.key, task.owner) for task in tasks])

    def teardown(self) -> None:
        for at, then in self.shown.items():
            assert [(task.key, task.owner) for task in self.listed(at)] == then
        assert verify_record(self.governance).first_break is None
        self.governance.close()
        self.folder.cleanup()


TestWorkMoves = WorkMoves.TestCase
TestWorkMoves.settings = settings(
    max_examples=8,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
