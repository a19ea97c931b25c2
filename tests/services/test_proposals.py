"""Four eyes: nobody alone lowers a class, moves a limit, or gives a role that signs."""

from __future__ import annotations

from typing import Any

import pytest

from core.connectors.config_files import parse_ethics
from core.domain.actors import Actor
from core.domain.commands import AmendInitiative, Command, OverrideClassification, make
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.facts.rules import PublishedEthics
from core.domain.process.commands import RequestSignOff, SignGate
from core.lake.directory import put_person
from core.services.governance import Governance
from core.services.process.classification import override_classification
from core.services.process.initiatives import (
    amend_initiative,
    initiative_sheet,
    inventory,
)
from core.services.process.sign_offs import lay_table, request_sign_off, sign_gate
from core.services.record.entries import verify_record
from core.services.record.people import AddPerson, add_person
from core.services.record.proposals import (
    AgreeToProposal,
    DeclineProposal,
    WithdrawProposal,
    agree_to_proposal,
    decline_proposal,
    proposals,
    withdraw_proposal,
)
from core.services.rules.ethics import PublishEthics, publish_ethics
from core.services.rules.policies import publication
from core.services.work.tasks import open_tasks
from tests.conftest import ADMIN, BUILDER, CONFIG, OUTSIDER, OWNER, VALIDATOR, later, register
from tests.process import HEAD, SECOND, agree, refused, seat_signers

WHY = "The pilot decides about nobody until March."
INSTEAD = "A clerk decides every case by hand."
LOOSER = (
    (CONFIG / "ethics.yaml")
    .read_text(encoding="utf-8")
    .replace('version: "1.1"', 'version: "1.2"')
    .replace("limit: 0.9\n", "limit: 0.01\n", 1)
)


def class_of(governance: Governance, initiative: str, day: float) -> str:
    sheet = initiative_sheet(governance, governance.moment(later(day)), initiative=initiative)
    return sheet.initiative.class_id


def lower(governance: Governance, initiative: str, day: float, **given: Any) -> str:
    values = {"class_id": "low", "justification": WHY, "until": later(40).date(), "compensation": INSTEAD}
    command = make(
        OverrideClassification,
        **{"actor": VALIDATOR, "at": later(day), "initiative": initiative, **values, **given},
    )
    return override_classification(governance, command)


def test_a_validator_alone_lowers_no_class(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance)
    asked = len(initiative_sheet(governance, governance.moment(later(1)), initiative=initiative).requirements)
    name = lower(governance, initiative, 2)
    assert name == "C1"
    assert class_of(governance, initiative, 3) == "very_high"
    sheet = initiative_sheet(governance, governance.moment(later(3)), initiative=initiative)
    assert len(sheet.requirements) == asked
    refused(governance, Forbidden, "may not answer C1", lambda: agree(governance, name, 3, actor=VALIDATOR))
    refused(governance, Forbidden, "may not answer C1", lambda: agree(governance, name, 3, actor=SECOND))
    own = VALIDATOR.model_copy(update={"roles": ("risk_audit", "head_of_risk")})
    refused(
        governance,
        Forbidden,
        "nobody agrees to what they proposed",
        lambda: agree(governance, name, 3, actor=own),
    )
    agree(governance, name, 4)
    assert class_of(governance, initiative, 4) == "low"
    refused(governance, Conflict, "C1 was agreed by Hal Head", lambda: agree(governance, name, 5))


@pytest.mark.parametrize("part", ["owner", "builder", "registrant", "former owner"])
def test_who_had_a_part_in_it_neither_proposes_nor_agrees(governance: Governance, part: str) -> None:
    seat_signers(governance)
    initiative = register(governance)
    if part == "former owner":
        amend = {"actor": BUILDER, "initiative": initiative}
        amend_initiative(governance, make(AmendInitiative, at=later(1.2), owner=HEAD.id, **amend))
        amend_initiative(governance, make(AmendInitiative, at=later(1.4), owner=OUTSIDER.id, **amend))
        who = HEAD
    else:
        who = (OWNER if part == "owner" else BUILDER).model_copy(update={"roles": ("head_of_risk",)})
    words = "owns, builds or registered an initiative, or once did"
    refused(governance, Forbidden, words, lambda: lower(governance, initiative, 2, actor=who))
    name = lower(governance, initiative, 2)
    refused(governance, Forbidden, "nobody agrees to what", lambda: agree(governance, name, 3, actor=who))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"until": None}, "needs a last day from today to 2026-03-08"),
        ({"until": later(400).date()}, "needs a last day"),
        ({"until": later(1).date()}, "needs a last day"),
        ({"compensation": "None."}, "nothing is said of what is done instead"),
    ],
)
def test_a_lower_class_ends_some_day_and_something_is_done_instead(
    governance: Governance, given: dict[str, Any], words: str
) -> None:
    initiative = register(governance)
    refused(governance, BadInput, words, lambda: lower(governance, initiative, 2, **given))


def test_past_its_last_day_the_class_of_the_answers_holds_again_everywhere(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance)
    agree(governance, lower(governance, initiative, 2), 3)
    for day, expected in ((39, "low"), (40, "low"), (41, "very_high")):
        moment = governance.moment(later(day))
        assert class_of(governance, initiative, day) == expected
        assert [line.class_id for line in inventory(governance, moment)] == [expected]
        known = initiative_sheet(governance, moment, initiative=initiative)
        own = {task.key for task in open_tasks(governance, moment, initiative=initiative)}
        assert own <= {task.key for task in open_tasks(governance, moment)}
        assert (known.initiative.until is not None) and known.facts.class_id == expected
    overdue = [r for r in known.requirements if r.overdue]
    assert not overdue, "nobody is late for what was not asked of them until yesterday"


def test_a_stricter_class_holds_at_once_and_the_way_back_takes_two(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance, heavy=False)
    assert lower(governance, initiative, 2, class_id="high", until=None, compensation="") == ""
    assert class_of(governance, initiative, 2) == "high"
    name = lower(governance, initiative, 3, class_id="low", until=None, compensation="")
    assert class_of(governance, initiative, 3) == "high"
    agree(governance, name, 4)
    assert class_of(governance, initiative, 400) == "low", "the class of the answers needs no end"


def test_signatures_of_a_lighter_class_do_not_open_the_gate_of_a_stricter_one(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance)
    signed = [gate.id for gate in governance.policy(governance.moment(later(1))).gates_of("very_high")]
    plans = 0
    for gate in signed:
        try:
            table = lay_table(governance, initiative, gate, governance.moment(later(2)))
        except NotFound:
            continue
        plans += 1
        request_sign_off(
            governance, make(RequestSignOff, actor=BUILDER, at=later(2), initiative=initiative, gate=gate)
        )
        role = table.plan.approvals[0].role
        nobody = Actor(id="bram-builder", name="Bram", roles=(role, "risk_audit"))
        sign = make(
            SignGate,
            actor=nobody,
            at=later(3),
            initiative=initiative,
            gate=gate,
            role=role,
            outcome="approved",
        )
        with pytest.raises(Forbidden, match="nobody signs their own work"):
            sign_gate(governance, sign)
    assert plans


def test_an_ethical_position_takes_two_people(governance: Governance) -> None:
    given = make(PublishEthics, actor=VALIDATOR, at=later(2), text=LOOSER)
    proposed = publish_ethics(governance, given)
    assert "0.01" in proposed.changes[0]
    limit = "public_services"
    assert governance.position(governance.moment(later(3))).limit_for(limit).limit == 0.9
    refused(
        governance,
        Forbidden,
        "nobody agrees to what they proposed",
        lambda: agree(governance, proposed.proposal, 3, actor=VALIDATOR),
    )
    refused(
        governance, Conflict, "C1 of the same kind waits already", lambda: publish_ethics(governance, given)
    )
    agree(governance, proposed.proposal, 4)
    assert governance.position(governance.moment(later(4))).limit_for(limit).limit == 0.01
    assert parse_ethics(LOOSER, name="it").version == governance.position(governance.moment(later(5))).version


def test_an_administrator_gives_no_role_that_signs_alone(governance: Governance) -> None:
    give = {"actor": ADMIN, "at": later(2), "name": "Ada Admin", "person": ADMIN.id}
    added = add_person(governance, make(AddPerson, roles=("administrator", "head_of_risk"), **give))
    assert added.proposal == "C1"
    assert governance.person(ADMIN.id).roles == ("administrator",)
    concerned = ADMIN.model_copy(update={"id": "zoe-admin"})
    put_person(governance.store, concerned)
    refused(
        governance,
        Forbidden,
        "nobody agrees to what they proposed",
        lambda: agree(governance, "C1", 3, actor=governance.person(ADMIN.id)),
    )
    agree(governance, "C1", 4, actor=VALIDATOR)
    assert governance.person(ADMIN.id).roles == ("administrator", "head_of_risk")
    assert governance.person(ADMIN.id).roles == next(
        one.roles for one in governance.people() if one.id == ADMIN.id
    )


@pytest.mark.parametrize("wanted", [{"roles": ("administrator", "data_scientist")}, {"team": "Cards"}])
def test_nobody_gives_themselves_a_role_or_a_team(governance: Governance, wanted: dict[str, Any]) -> None:
    """Any role may do something that one's own may not, and a team ties one to its initiatives."""
    give = {"actor": ADMIN, "at": later(2), "name": "Ada A. Admin", "person": ADMIN.id}
    asked = {"roles": ADMIN.roles, "team": ADMIN.team, **wanted}
    added = add_person(governance, make(AddPerson, **give, **asked))
    now = governance.person(ADMIN.id)
    assert (now.name, now.roles, now.team) == ("Ada A. Admin", ADMIN.roles, ADMIN.team)
    refused(governance, Forbidden, "nobody agrees", lambda: agree(governance, added.proposal, 3, actor=now))
    agree(governance, added.proposal, 4, actor=VALIDATOR)
    now = governance.person(ADMIN.id)
    assert (now.roles, now.team) == (asked["roles"], asked["team"])


def test_whom_a_role_is_for_does_not_agree_to_it(governance: Governance) -> None:
    seat_signers(governance)
    give = {"actor": ADMIN, "at": later(2), "name": VALIDATOR.name, "person": VALIDATOR.id}
    added = add_person(governance, make(AddPerson, roles=("risk_audit", "head_of_risk"), **give))
    refused(
        governance,
        Forbidden,
        "nobody agrees to",
        lambda: agree(governance, added.proposal, 3, actor=VALIDATOR),
    )
    agree(governance, added.proposal, 3, actor=SECOND)
    assert governance.person(VALIDATOR.id).roles == ("risk_audit", "head_of_risk")


def test_roles_that_somebody_writes_beside_the_record_do_not_count_once_they_are_on_it(
    governance: Governance,
) -> None:
    agree(
        governance,
        add_person(
            governance,
            make(
                AddPerson,
                actor=ADMIN,
                at=later(2),
                name="Nina New",
                person="nina-new",
                roles=("business_stakeholder",),
            ),
        ).proposal,
        3,
    )
    governance.store.cursor().execute(
        "UPDATE directory SET roles = ['head_of_risk'] WHERE actor = 'nina-new'"
    )
    assert governance.person("nina-new").roles == ("business_stakeholder",)


def test_an_administrator_alone_gives_nobody_a_role_that_signs(governance: Governance) -> None:
    governance.store.cursor().execute("DELETE FROM directory WHERE actor <> ?", [ADMIN.id])
    words = "given by two people, and nobody else here could agree"
    for person, roles in ((ADMIN.id, ("administrator", "risk_audit")), ("rita-risk", ("risk_audit",))):
        give = make(AddPerson, actor=ADMIN, at=later(2), name="Rita Risk", person=person, roles=roles)
        refused(governance, Forbidden, words, lambda give=give: add_person(governance, give))


def test_declined_and_withdrawn_proposals_change_nothing_and_stay(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance)

    def say(kind: type[Command], service: Any, actor: Actor, name: str) -> None:
        service(governance, make(kind, actor=actor, at=later(3), proposal=name, note="It is not needed."))

    first = lower(governance, initiative, 2)
    refused(
        governance,
        Forbidden,
        "nobody else takes it back",
        lambda: say(WithdrawProposal, withdraw_proposal, HEAD, first),
    )
    say(DeclineProposal, decline_proposal, HEAD, first)
    second = lower(governance, initiative, 4)
    say(WithdrawProposal, withdraw_proposal, VALIDATOR, second)
    refused(
        governance,
        Conflict,
        "C2 was withdrawn",
        lambda: say(AgreeToProposal, agree_to_proposal, HEAD, second),
    )
    refused(governance, NotFound, "no proposal 'C9'", lambda: agree(governance, "C9", 5))
    told = [(one.proposal, one.state) for one in proposals(governance, governance.moment(later(6)))]
    assert told == [("C2", "withdrawn"), ("C1", "declined")]
    assert class_of(governance, initiative, 6) == "very_high"
    assert verify_record(governance).first_break is None


def test_what_was_agreed_to_has_to_fit_what_is_on_record_then(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance)
    name = lower(governance, initiative, 2)
    refused(governance, BadInput, "needs a last day", lambda: agree(governance, name, 60))


def test_a_proposal_is_a_task_of_those_who_may_answer_it(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance)
    lower(governance, initiative, 2)
    task = next(t for t in open_tasks(governance, governance.moment(later(3))) if t.kind == "proposal")
    assert task.routes.responsible == (HEAD.id,)
    assert "to Low" in task.title or "to class Low" in task.title
    assert task.initiative == initiative


def test_a_lower_class_is_asked_for_longer_in_words_that_say_so(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance)
    agree(governance, lower(governance, initiative, 2), 3)
    name = lower(governance, initiative, 30, until=later(70).date())
    said = next(
        one for one in proposals(governance, governance.moment(later(31))) if one.proposal == name
    ).says
    assert said[0] == "Card Limit Advice: stays in class Low until 2026-03-16, then Very high again."
    agree(governance, name, 32)
    assert class_of(governance, initiative, 69) == "low"
    refused(governance, BadInput, "in that class already", lower_again(governance, initiative))


def lower_again(governance: Governance, initiative: str) -> Any:
    return lambda: lower(governance, initiative, 33, until=later(60).date())


def test_nobody_agrees_to_what_was_compared_with_something_else(governance: Governance) -> None:
    seat_signers(governance)
    initiative = register(governance)
    words = "has changed since it was proposed"
    first = lower(governance, initiative, 2)
    overrule = {"class_id": "high", "until": None, "compensation": ""}
    stricter = register(governance, "Loan Sheet", heavy=False)
    raised = lower(governance, stricter, 2, class_id="moderate", until=None, compensation="")
    back = lower(governance, stricter, 2.2, class_id="low", until=None, compensation="")
    lower(governance, stricter, 2.4, actor=SECOND, **overrule)
    assert raised == ""
    refused(governance, Conflict, words, lambda: agree(governance, back, 3))
    give: dict[str, Any] = {"actor": ADMIN, "name": "Nina New", "person": "nina-new"}
    roles = add_person(governance, make(AddPerson, at=later(3), roles=("risk_audit",), **give)).proposal
    add_person(governance, make(AddPerson, at=later(3.5), team="Loans", **give))
    refused(governance, Conflict, words, lambda: agree(governance, roles, 4, actor=VALIDATOR))
    loose = publish_ethics(governance, make(PublishEthics, actor=VALIDATOR, at=later(4), text=LOOSER))
    other = LOOSER.replace('version: "1.2"', 'version: "1.3"').replace("limit: 0.01", "limit: 0.95")
    fact = publication(PublishedEthics, parse_ethics(other, name="it"), other)
    governance.store.append([fact], actor=HEAD.id, at=later(5))
    refused(governance, Conflict, words, lambda: agree(governance, loose.proposal, 6))
    agree(governance, first, 7)
