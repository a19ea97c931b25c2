"""Signatures: who may sign, what they are bound to, when they lapse; wrong input stores nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.domain.actors import Actor
from core.domain.commands import AmendInitiative, make
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.domain.facts.recorded import entry_of
from core.domain.facts.work import TrainingAttestation
from core.domain.process.commands import DelegateSignOff, EndDelegation, WithdrawSignature
from core.domain.process.sign_offs import SignOffStatus
from core.lake.directory import put_person
from core.lake.store import save_store
from core.services.governance import Governance
from core.services.process.gates import ask_gate
from core.services.process.initiatives import amend_initiative
from core.services.process.sign_off_view import feedback_choices, sign_off_views, signing_choices
from core.services.process.sign_offs import delegate_sign_off, end_delegation, lay_table, withdraw_signature
from core.services.record.departures import LeavePerson, leave_person
from core.services.work.tasks import open_tasks, work_list
from tests.conftest import ADMIN, BUILDER, OUTSIDER, OWNER, VALIDATOR, founded, later, register, rules_of
from tests.process import (
    ANALYST,
    BUSINESS,
    BUSINESS_TWO,
    OPS,
    PRODUCTION,
    SECOND,
    THIRD,
    advise,
    ask,
    decide,
    on,
    prove,
    prove_all,
    put_in_force,
    refused,
    seat_signers,
    sign,
    thawed,
    version,
    without_predictions,
)

GATE = "deployment"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A very high risk initiative on day 5: everything proved, development and preproduction signed."""
    governance = founded(tmp_path_factory.mktemp("prepared") / "store")
    seat_signers(governance)
    put_in_force(governance, without_predictions())
    initiative = register(governance)
    version(governance, initiative)
    prove_all(governance, initiative, 3)
    for place, gate in enumerate(("development", "preproduction")):
        ask(governance, initiative, gate, 3.5 + place / 2)
        if gate == "preproduction":
            advise(governance, initiative, gate, 4.1, OPS)
        sign(governance, initiative, gate, 3.7 + place / 2, SECOND)
    save_store(governance.store)
    governance.close()
    return governance.store.folder


@pytest.fixture
def governance(prepared: Path, tmp_path: Path) -> Iterator[Governance]:
    """The prepared store, for one test alone."""
    opened = thawed(prepared, tmp_path / "store")
    yield opened
    opened.close()


@pytest.fixture
def ready() -> str:
    """The initiative of the prepared store."""
    return "card-limit-advice"


def trained(governance: Governance, person: Actor, role: str) -> Actor:
    """Somebody with every training that a role asks for."""
    put_person(governance.store, person)
    entries = [
        entry_of(
            "training_attested",
            TrainingAttestation(
                training=one.id, person=person.id, statement=one.statement, valid_until=on(300)
            ),
        )
        for one in rules_of(governance).trainings.asked_of((role,))
    ]
    assert entries
    governance.store.append(entries, actor=person.id, at=later(4.05))
    return person


def status(governance: Governance, initiative: str, day: float, gate: str = GATE) -> SignOffStatus:
    return lay_table(governance, initiative, gate, governance.moment(later(day))).state.status


def fully_signed(governance: Governance, initiative: str, day: float = 5) -> None:
    ask(governance, initiative, GATE, day)
    advise(governance, initiative, GATE, day + 0.1, PRODUCTION)
    sign(governance, initiative, GATE, day + 0.2, BUSINESS)
    sign(governance, initiative, GATE, day + 0.3, SECOND)
    sign(governance, initiative, GATE, day + 0.4, THIRD)


def test_a_gate_opens_when_every_role_has_its_quorum(governance: Governance, ready: str) -> None:
    assert status(governance, ready, 5) is SignOffStatus.NOT_STARTED
    ask(governance, ready, GATE, 5)
    assert status(governance, ready, 5) is SignOffStatus.WAITING_FOR_FEEDBACK
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    assert status(governance, ready, 5.1) is SignOffStatus.WAITING_FOR_APPROVAL
    assert sign(governance, ready, GATE, 5.2, BUSINESS) is SignOffStatus.WAITING_FOR_APPROVAL
    assert sign(governance, ready, GATE, 5.3, SECOND) is SignOffStatus.WAITING_FOR_APPROVAL
    assert not decide(governance, ready, GATE, 5.35).is_open
    assert sign(governance, ready, GATE, 5.4, THIRD) is SignOffStatus.APPROVED
    assert decide(governance, ready, GATE, 5.5).is_open


def test_roles_in_order_wait_for_their_turn(governance: Governance, ready: str) -> None:
    ask(governance, ready, GATE, 5)
    refused(
        governance,
        Conflict,
        "feedback is still missing",
        lambda: sign(governance, ready, GATE, 5.1, BUSINESS),
    )
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    refused(
        governance,
        Conflict,
        "it is the turn of Business stakeholder",
        lambda: sign(governance, ready, GATE, 5.2, SECOND),
    )


@pytest.mark.parametrize(
    ("person", "because"),
    [
        (OWNER, "owns it"),
        (BUILDER, "builds it"),
        (VALIDATOR, "submitted what is to be signed"),
    ],
    ids=["owner", "builder", "submitter"],
)
@pytest.mark.parametrize("role", ["business_stakeholder", "risk_audit", "head_of_risk", "data_scientist"])
def test_nobody_signs_their_own_work_in_any_role(
    governance: Governance, ready: str, person: Any, because: str, role: str
) -> None:
    ask(governance, ready, GATE, 5)
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    everything = person.model_copy(update={"roles": tuple(r.id for r in rules_of(governance).roles.roles)})
    asked = role in ("business_stakeholder", "risk_audit")
    kind, words = (Forbidden, because) if asked else (BadInput, "no signature")
    refused(governance, kind, words, lambda: sign(governance, ready, GATE, 5.2, everything, role=role))


def test_nobody_signs_their_own_work_through_a_delegation(governance: Governance, ready: str) -> None:
    ask(governance, ready, GATE, 5)
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    for delegator, delegate in ((OWNER, ANALYST), (BUSINESS, BUILDER), (BUSINESS, VALIDATOR)):
        command = make(
            DelegateSignOff,
            actor=delegator,
            at=later(5.1),
            delegate=delegate.id,
            role="business_stakeholder",
            until=on(20),
            reason="Away for two weeks.",
        )
        trained(governance, delegate, "business_stakeholder")
        delegate_sign_off(governance, command)

        def attempt(signer: Any = delegate, behalf: str = delegator.id) -> None:
            sign(governance, ready, GATE, 5.2, signer, role="business_stakeholder", on_behalf_of=behalf)

        refused(governance, Forbidden, "nobody signs their own work", attempt)


def test_a_former_owner_may_not_sign_after_handing_the_work_over(governance: Governance, ready: str) -> None:
    change = make(AmendInitiative, actor=OWNER, at=later(4.5), initiative=ready, owner=BUSINESS_TWO.id)
    amend_initiative(governance, change)
    ask(governance, ready, GATE, 5)
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    refused(governance, Forbidden, "owns it or owned it", lambda: sign(governance, ready, GATE, 5.2, OWNER))


def test_a_signature_no_longer_counts_when_its_signer_becomes_the_owner(
    governance: Governance, ready: str
) -> None:
    fully_signed(governance, ready)
    change = make(AmendInitiative, actor=OWNER, at=later(6), initiative=ready, owner=BUSINESS.id)
    amend_initiative(governance, change)
    assert status(governance, ready, 6) is SignOffStatus.LAPSED
    assert not decide(governance, ready, GATE, 6.1).is_open


def test_a_delegation_lets_somebody_sign_until_its_last_day(governance: Governance, ready: str) -> None:
    given = make(
        DelegateSignOff,
        actor=BUSINESS,
        at=later(4.3),
        delegate=ANALYST.id,
        role="business_stakeholder",
        until=on(5),
        reason="Away for two weeks.",
    )
    trained(governance, ANALYST, "business_stakeholder")
    delegate_sign_off(governance, given)
    ask(governance, ready, GATE, 5)
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    as_bea = {"role": "business_stakeholder", "on_behalf_of": BUSINESS.id}
    refused(
        governance,
        Forbidden,
        "has not delegated the role Business stakeholder to Ana Analyst, or no longer",
        lambda: sign(governance, ready, GATE, 6.2, ANALYST, **as_bea),
    )
    sign(governance, ready, GATE, 5.2, ANALYST, **as_bea)
    refused(
        governance,
        Conflict,
        "answered at this gate already",
        lambda: sign(governance, ready, GATE, 5.3, BUSINESS),
    )
    view = next(
        v
        for v in sign_off_views(governance, governance.moment(later(5.3)), initiative=ready)
        if v.gate == GATE
    )
    assert view.seats[0].signed == ("Bea Business",)


def test_an_ended_delegation_lets_nobody_sign(governance: Governance, ready: str) -> None:
    given = {"delegate": ANALYST.id, "role": "business_stakeholder"}
    command = make(
        DelegateSignOff, actor=BUSINESS, at=later(4.3), until=on(20), reason="Away for two weeks.", **given
    )
    trained(governance, ANALYST, "business_stakeholder")
    delegate_sign_off(governance, command)
    end_delegation(governance, make(EndDelegation, actor=BUSINESS, at=later(4.5), **given))
    ask(governance, ready, GATE, 5)
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    refused(
        governance,
        Forbidden,
        "or no longer",
        lambda: sign(
            governance,
            ready,
            GATE,
            5.2,
            ANALYST,
            role="business_stakeholder",
            on_behalf_of=BUSINESS.id,
        ),
    )


def test_a_delegate_may_not_hand_it_on(governance: Governance, ready: str) -> None:
    command = make(
        DelegateSignOff,
        actor=ANALYST,
        at=later(4.3),
        delegate=OPS.id,
        role="business_stakeholder",
        until=on(20),
        reason="Away for two weeks.",
    )
    refused(
        governance,
        Forbidden,
        "does not have the role Business stakeholder",
        lambda: delegate_sign_off(governance, command),
    )


def test_one_rejection_closes_the_round_and_a_new_request_opens_another(
    governance: Governance, ready: str
) -> None:
    ask(governance, ready, GATE, 5)
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    sign(governance, ready, GATE, 5.2, BUSINESS)
    refused(
        governance,
        BadInput,
        "who says 'rejected' gives a reason",
        lambda: sign(governance, ready, GATE, 5.3, SECOND, outcome="rejected"),
    )
    sign(governance, ready, GATE, 5.3, SECOND, outcome="rejected", reason="The load test is missing.")
    refused(
        governance, Conflict, "was rejected in this round", lambda: sign(governance, ready, GATE, 5.4, THIRD)
    )
    decision = decide(governance, ready, GATE, 5.5)
    assert any("The load test is missing" in finding.message for finding in decision.findings)
    fully_signed(governance, ready, 6)
    assert decide(governance, ready, GATE, 7).is_open


def test_who_approves_against_feedback_gives_a_reason(governance: Governance, ready: str) -> None:
    ask(governance, ready, GATE, 5)
    refused(
        governance,
        BadInput,
        "an issue needs its reason",
        lambda: advise(governance, ready, GATE, 5.1, PRODUCTION, outcome="major_issue"),
    )
    advise(governance, ready, GATE, 5.1, PRODUCTION, outcome="major_issue", reason="No rollback was tried.")
    refused(
        governance,
        BadInput,
        "who approves against it says why",
        lambda: sign(governance, ready, GATE, 5.2, BUSINESS),
    )
    sign(governance, ready, GATE, 5.2, BUSINESS, reason="The old version stays beside it for a week.")


def test_an_approval_is_given_when_the_rest_is_proved(tmp_path: Path) -> None:
    governance = founded(tmp_path / "fresh")
    seat_signers(governance)
    put_in_force(governance, without_predictions())
    initiative = register(governance, "Loan Limit Advice")
    version(governance, initiative)
    ask(governance, initiative, "development", 3)
    refused(
        governance,
        BadInput,
        "not everything at this gate is proved",
        lambda: sign(governance, initiative, "development", 3.1, SECOND),
    )
    sign(
        governance,
        initiative,
        "development",
        3.2,
        SECOND,
        outcome="rejected",
        reason="Nothing is proved yet.",
    )


@pytest.mark.parametrize("change", ["version", "evidence", "policy", "expiry"])
def test_a_signature_lapses_by_itself_when_what_it_was_bound_to_changes(
    governance: Governance, ready: str, change: str
) -> None:
    fully_signed(governance, ready)
    assert decide(governance, ready, GATE, 6).is_open
    day, words = 7.0, ""
    match change:
        case "version":
            version(governance, ready, "2", day=7)
            words = "version 2 is current"
        case "evidence":
            prove(governance, ready, "development_logged", 7, "another-log")
            words = "the evidence for “Development logged in full” has changed"
        case "policy":
            text = without_predictions(version="stricter").replace(
                "the full development log of this version", "the full log, signed by two"
            )
            put_in_force(governance, text, 7)
            words = "the policy asks for something that was not asked for then"
        case "expiry":
            day, words = 371.0, "it expired on"
    assert status(governance, ready, day + 1) is SignOffStatus.LAPSED
    table = lay_table(governance, ready, GATE, governance.moment(later(day + 1)))
    assert any(words in reason for reason in table.state.lapses)
    assert not ask_gate(governance, ready, GATE, governance.moment(later(day + 1))).is_open
    # The history stays: as of the day before, the gate was open.
    assert ask_gate(governance, ready, GATE, governance.moment(later(6.5))).is_open
    views = sign_off_views(governance, governance.moment(later(day + 1)), initiative=ready)
    view = next(view for view in views if view.gate == GATE)
    assert len(view.acts) == 5
    assert bool(view.changed) == (change != "expiry")
    refused(
        governance,
        Conflict,
        "the sign-off lapsed",
        lambda: sign(governance, ready, GATE, day + 1, BUSINESS_TWO),
    )


def test_the_same_content_again_or_other_words_in_the_policy_are_no_change(
    governance: Governance, ready: str
) -> None:
    fully_signed(governance, ready)
    prove(governance, ready, "development_logged", 7)
    put_in_force(
        governance,
        without_predictions(version="reworded").replace("Development logged in full", "Full log"),
        7,
    )
    assert status(governance, ready, 8) is SignOffStatus.APPROVED


def test_going_back_to_the_signed_version_brings_its_signatures_back(
    governance: Governance, ready: str
) -> None:
    from core.domain.commands import PromoteVersion
    from core.services.models.versions import promote_version

    fully_signed(governance, ready)
    version(governance, ready, "2", day=7)
    assert status(governance, ready, 8) is SignOffStatus.LAPSED
    back = make(
        PromoteVersion,
        actor=BUILDER,
        at=later(9),
        initiative=ready,
        version="1",
        reason="Version 2 is worse.",
    )
    promote_version(governance, back)
    assert status(governance, ready, 10) is SignOffStatus.APPROVED


def test_an_answer_can_be_withdrawn_and_stays_on_record(governance: Governance, ready: str) -> None:
    fully_signed(governance, ready)
    command = {"initiative": ready, "gate": GATE, "reason": "I had the wrong version in front of me."}
    withdraw_signature(governance, make(WithdrawSignature, actor=THIRD, at=later(6), **command))
    assert status(governance, ready, 6.1) is SignOffStatus.WAITING_FOR_APPROVAL
    assert not decide(governance, ready, GATE, 6.2).is_open
    refused(
        governance,
        Conflict,
        "you have no answer at this gate",
        lambda: withdraw_signature(
            governance, make(WithdrawSignature, actor=THIRD, at=later(6.3), **command)
        ),
    )
    sign(governance, ready, GATE, 6.4, THIRD)
    assert decide(governance, ready, GATE, 6.5).is_open


@pytest.mark.parametrize(
    ("attempt", "kind", "words"),
    [
        (lambda g, i: ask(g, "no-such-thing", GATE, 5), NotFound, "no initiative 'no-such-thing'"),
        (lambda g, i: ask(g, i, "no-such-gate", 5), NotFound, "'no-such-gate' is no gate"),
        (lambda g, i: ask(g, i, "scoping", 5), NotFound, "nobody signs at"),
        (lambda g, i: ask(g, i, GATE, 5, OUTSIDER), Forbidden, "may not ask for a sign-off"),
        (lambda g, i: sign(g, i, GATE, 5, SECOND), Conflict, "nobody has asked for signatures"),
        (lambda g, i: sign(g, i, GATE, 5, OUTSIDER, role="risk_audit"), Forbidden, "may not sign at a gate"),
        (lambda g, i: ask(g, i, "development", 5), Conflict, "this gate is signed already"),
        (
            lambda g, i: (ask(g, i, GATE, 5), sign(g, i, GATE, 5.1, ADMIN, role="risk_audit")),
            Forbidden,
            "does not have the role Risk and audit",
        ),
        (
            lambda g, i: sign(g, i, GATE, 5.1, BUSINESS, on_behalf_of="nobody-at-all"),
            NotFound,
            "nobody is called 'nobody-at-all'",
        ),
        (lambda g, i: sign(g, i, GATE, 5.1, SECOND, outcome="maybe"), BadInput, "outcome"),
    ],
    ids=[
        "initiative",
        "gate",
        "unsigned-gate",
        "may-not-ask",
        "not-asked",
        "may-not-sign",
        "signed",
        "administrator",
        "unknown-delegator",
        "outcome",
    ],
)
def test_wrong_input_is_one_sentence_and_stores_nothing(
    governance: Governance, ready: str, attempt: Callable[..., Any], kind: type[GovernanceError], words: str
) -> None:
    if "on_behalf_of" in words or "nobody is called" in words:
        ask(governance, ready, GATE, 5)
    with pytest.raises(kind) as problem:
        attempt(governance, ready)
    assert words in str(problem.value)
    assert not [
        act
        for act in lay_table(governance, ready, GATE, governance.moment(later(9))).state.acts
        if act.act == "decided"
    ]


def test_asking_twice_and_answering_twice_are_conflicts(governance: Governance, ready: str) -> None:
    ask(governance, ready, GATE, 5)
    refused(governance, Conflict, "asked for already", lambda: ask(governance, ready, GATE, 5.1))
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    sign(governance, ready, GATE, 5.2, BUSINESS)
    refused(
        governance,
        Conflict,
        "answered at this gate already",
        lambda: sign(governance, ready, GATE, 5.3, BUSINESS),
    )
    refused(
        governance,
        Conflict,
        "answered at this gate already",
        lambda: sign(governance, ready, GATE, 5.3, BUSINESS, outcome="rejected", reason="Changed my mind."),
    )


def test_of_two_people_deciding_at_the_same_moment_the_first_stands(
    governance: Governance, ready: str
) -> None:
    ask(governance, ready, GATE, 5)
    advise(governance, ready, GATE, 5.1, PRODUCTION)
    sign(governance, ready, GATE, 5.2, BUSINESS)
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def answer(actor: Any, outcome: str) -> None:
        start.wait()
        try:
            sign(governance, ready, GATE, 5.3, actor, outcome=outcome, reason="Looked at it closely.")
            outcomes.append(outcome)
        except Conflict as problem:
            outcomes.append(str(problem))

    threads = [
        threading.Thread(target=answer, args=given) for given in ((SECOND, "rejected"), (THIRD, "abandoned"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = [said for said in outcomes if said in ("rejected", "abandoned")]
    assert len(stored) == 1
    table = lay_table(governance, ready, GATE, governance.moment(later(6)))
    assert table.state.status.value == stored[0]


def test_what_is_offered_is_what_would_be_let_through(governance: Governance, ready: str) -> None:
    ask(governance, ready, GATE, 5)
    moment = governance.moment(later(5))
    asked = {"initiative": ready, "gate": GATE}
    assert [c.role for c in feedback_choices(governance, moment, **asked, actor=PRODUCTION)] == ["production"]
    assert [c.role for c in signing_choices(governance, moment, **asked, actor=BUSINESS)] == [
        "business_stakeholder"
    ]
    for barred in (OWNER, BUILDER, VALIDATOR, OUTSIDER):
        assert signing_choices(governance, moment, **asked, actor=barred) == ()


@pytest.mark.parametrize(
    ("delegate", "words"),
    [
        (Actor(id="rolf-roleless", name="Rolf Roleless", team="Cards"), "has no role that signs at gates"),
        (BUSINESS_TWO, "lacks what the role Business stakeholder asks for"),
    ],
)
def test_nobody_delegates_to_somebody_who_may_not_sign_or_lacks_the_training(
    governance: Governance, delegate: Actor, words: str
) -> None:
    put_person(governance.store, delegate)
    command = make(
        DelegateSignOff,
        actor=BUSINESS,
        at=later(4.3),
        delegate=delegate.id,
        role="business_stakeholder",
        until=on(20),
        reason="Away for two weeks.",
    )
    refused(governance, Forbidden, words, lambda: delegate_sign_off(governance, command))


def test_a_signature_asked_of_who_leaves_goes_to_who_gets_their_work(
    governance: Governance, ready: str
) -> None:
    put_person(governance.store, SECOND)
    ask(governance, ready, GATE, 5)
    moment = governance.present(later(5.1))
    task = next(one for one in open_tasks(governance, moment) if one.kind == "sign_off" and one.owner)
    gone = {"person": task.owner, "to": SECOND.id, "reason": "Retires."}
    assert task.owner != SECOND.id
    leave_person(governance, make(LeavePerson, actor=ADMIN, at=later(6), **gone))
    own = work_list(governance, governance.present(later(7)), person=SECOND.id).own
    assert task.key in {one.key for one in own}
    assert "mention" in {one.kind for one in own}
