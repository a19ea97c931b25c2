"""Trainings hold for a while, are attested for oneself, and feed a KPI and a check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.domain.actors import Actor
from core.domain.commands import make
from core.domain.errors import BadInput, Forbidden, NotFound
from core.ground import Verdict
from core.lake.directory import put_person
from core.services.case import registered
from core.services.governance import Governance
from core.services.oversight.kpis import governance_kpis
from core.services.record.people import AddPerson, add_person
from core.services.work.raci_view import (
    AttestTraining,
    attest_training,
    check_training,
    trained_people,
    training_standings,
    training_tally,
)
from core.services.work.tasks import open_tasks, work_list
from tests.conftest import ADMIN, BUILDER, OUTSIDER, OWNER, VALIDATOR, later, register, rules_of
from tests.process import agree

OTHERS = (
    Actor(id="anna-analyst", name="Anna Analyst", team="Credit", roles=("business_analyst",)),
    Actor(id="dora-data", name="Dora Data", team="Platform", roles=("data_ops",)),
    Actor(id="paul-production", name="Paul Production", team="Platform", roles=("production",)),
)


def attest(governance: Governance, actor: Actor, training: str, day: float = 2, **given: Any) -> Any:
    command = make(AttestTraining, actor=actor, at=later(day), training=training, **given)
    return attest_training(governance, command)


def attest_all(governance: Governance, actor: Actor, day: float = 2) -> None:
    for training in rules_of(governance).trainings.asked_of(actor.roles):
        attest(governance, actor, training.id, day)


def state(governance: Governance, person: Actor, training: str, day: float) -> str:
    moment = governance.moment(later(day))
    return next(
        one.state
        for one in training_standings(governance, moment)
        if (one.person, one.training.id) == (person.id, training)
    )


def test_a_training_is_due_holds_is_renewed_and_lapses(governance: Governance) -> None:
    training = rules_of(governance).trainings.find("bias_and_harm")
    assert training is not None
    assert state(governance, BUILDER, training.id, 1) == "due"
    assert state(governance, BUILDER, training.id, training.due_days + 1) == "overdue"
    until = attest(governance, BUILDER, training.id, day=10)
    assert until == later(10).date() + timedelta(days=training.valid_days)
    assert state(governance, BUILDER, training.id, 11) == "current"
    end = 10 + training.valid_days
    assert (
        state(governance, BUILDER, training.id, end - rules_of(governance).trainings.renew_days)
        == "renewal_due"
    )
    assert state(governance, BUILDER, training.id, end) == "renewal_due", "it holds through its last day"
    assert state(governance, BUILDER, training.id, end + 1) == "lapsed"
    attest(governance, BUILDER, training.id, day=end + 2)
    assert state(governance, BUILDER, training.id, end + 3) == "current"
    assert state(governance, BUILDER, training.id, end + 1) == "lapsed", "as of that day it had lapsed"


def test_due_trainings_are_tasks_of_the_person_alone(governance: Governance) -> None:
    own = work_list(governance, governance.moment(later(1)), person=VALIDATOR.id).own
    assert {task.kind for task in own} == {"training"}
    asked = {training.id for training in rules_of(governance).trainings.asked_of(VALIDATOR.roles)}
    assert {task.key for task in own} == {f"training:{one}:{VALIDATOR.id}" for one in asked}
    attest_all(governance, VALIDATOR)
    assert not work_list(governance, governance.moment(later(3)), person=VALIDATOR.id).own
    everybody = open_tasks(governance, governance.moment(later(3)))
    assert not [task for task in everybody if task.owner == VALIDATOR.id]


@pytest.mark.parametrize(
    ("actor", "training", "given", "kind", "sentence"),
    [
        (BUILDER, "bias_and_harm", {"person": OWNER.id}, Forbidden, "by the person who took it"),
        (BUILDER, "cooking", {}, NotFound, "'cooking' is no training"),
        (OWNER, "independent_challenge", {}, BadInput, "none of your roles asks for"),
        (OUTSIDER, "governance_basics", {}, Forbidden, "may not attest a training"),
    ],
)
def test_a_wrong_attestation_is_refused_and_nothing_stored(
    governance: Governance,
    actor: Actor,
    training: str,
    given: dict[str, Any],
    kind: type[Exception],
    sentence: str,
) -> None:
    before = governance.store.head()
    with pytest.raises(kind, match=sentence):
        attest(governance, actor, training, **given)
    assert governance.store.head() == before


def test_the_kpi_counts_people_whose_trainings_are_all_current(governance: Governance) -> None:
    assert training_tally(governance, governance.moment(later(1))) == (0, 3)  # owner, builder, validator
    attest_all(governance, OWNER)
    attest(governance, BUILDER, "bias_and_harm")
    assert training_tally(governance, governance.moment(later(3))) == (1, 3)  # one of the builder's three
    for person in OTHERS:
        put_person(governance.store, person)
        attest_all(governance, person)
    moment = governance.moment(later(4))
    kpi = next(k for k in governance_kpis(governance, moment) if k.definition.id == "trained_people")
    assert (kpi.value.numerator, kpi.value.n) == (4, 6)
    assert kpi.value.value == pytest.approx(4 / 6)


def test_somebody_who_comes_later_is_due_from_then_and_not_counted_before(governance: Governance) -> None:
    new = make(
        AddPerson, actor=ADMIN, at=later(100), person="nils-new", name="Nils New", roles=("production",)
    )
    agree(governance, add_person(governance, new).proposal, 100, actor=VALIDATOR)
    before = {one.person.id for one in trained_people(governance, governance.moment(later(99)))}
    assert "nils-new" not in before
    newcomer = Actor(id="nils-new", name="Nils New", roles=("production",))
    assert state(governance, newcomer, "governance_basics", 101) == "due"
    assert state(governance, newcomer, "governance_basics", 131) == "overdue"


def test_the_check_asks_owner_builder_and_one_of_each_role(governance: Governance) -> None:
    initiative = register(governance)

    def check(day: float) -> Any:
        moment = governance.moment(later(day))
        return check_training(governance, moment, registered(governance, initiative, moment), "very_high")

    failed = check(3)
    assert failed.verdict is Verdict.FAIL
    assert "the owner, the builder" in failed.message
    for person in (OWNER, BUILDER, VALIDATOR):
        attest_all(governance, person, day=4)
    doubt = check(5)
    assert doubt.verdict is Verdict.CANNOT_TELL, "nobody is known for some roles, so nobody is trained"
    assert "data operations" in doubt.message
    for person in OTHERS:
        put_person(governance.store, person)
        attest_all(governance, person, day=6)
    assert check(7).verdict is Verdict.PASS
    assert check(7 + 366).verdict is Verdict.FAIL, "trainings lapse"
