"""Somebody who left can be forgotten: every name goes, the record verifies, and a number stands in place."""

from __future__ import annotations

import json

import pytest

from core.domain.commands import AmendInitiative, make
from core.domain.errors import Conflict, Forbidden
from core.domain.facts.process import LegalHold
from core.domain.facts.recorded import entry_of
from core.lake.directory import names
from core.lake.store import TABLES
from core.services.governance import Governance
from core.services.process.initiatives import amend_initiative, initiative_sheet
from core.services.record.departures import ForgetPerson, forget_person, person_history
from core.services.record.entries import verify_record
from core.services.record.people import AddPerson, add_person
from core.services.record.proposals import AgreeToProposal, agree_to_proposal
from tests.conftest import ADMIN, BUILDER, OWNER, VALIDATOR, later, register
from tests.process import agree
from tests.services.test_rights_are_facts import give, governance, leave

__all__ = ["governance"]
WHY = "They asked for it."


def ask(governance: Governance, person: str = "nora", day: float = 5) -> str:
    given = make(ForgetPerson, actor=ADMIN, at=later(day), person=person, reason=WHY)
    return forget_person(governance, given)


def held(governance: Governance) -> str:
    """All tables, those beside the record too."""
    read = governance.store.cursor().execute
    tables = ("record", "directory", "known_name", *TABLES)
    return json.dumps({one: read(f"SELECT t::VARCHAR FROM {one} t").fetchall() for one in tables})


def test_every_name_of_somebody_who_left_goes_when_a_second_person_agrees(governance: Governance) -> None:
    initiative = register(governance)
    give(governance, amend_initiative, AmendInitiative, OWNER, initiative=initiative, builder="nora")
    renamed = {"person": "nora", "name": "Nora Newton", "team": "Credit", "roles": ("business_analyst",)}
    give(governance, add_person, AddPerson, ADMIN, 3, **renamed)
    with pytest.raises(Conflict, match="nora has not left: roles and work are theirs"):
        ask(governance)
    leave(governance, "nora", to=BUILDER.id, day=4)
    proposal = ask(governance)
    assert "Nora New" in held(governance), "nothing has changed yet"
    with pytest.raises(Forbidden):
        give(governance, agree_to_proposal, AgreeToProposal, ADMIN, 5, proposal=proposal)
    agree(governance, proposal, 6, actor=VALIDATOR)

    assert "Nora New" not in held(governance)
    assert verify_record(governance).first_break is None
    now = governance.present(later(7))
    assert names(governance.store, now)["nora"] == "a person (1)"
    assert {one.name for one in person_history(governance, now, person="nora")} <= {"", "a person (1)"}
    then = initiative_sheet(governance, governance.moment(later(3.5)), initiative=initiative)
    assert then.initiative.builder_name == "a person (1)"
    with pytest.raises(Conflict, match="nora is forgotten already"):
        ask(governance, day=8)


def test_the_next_one_has_the_next_number(governance: Governance) -> None:
    for person, number in (("nora", 1), (OWNER.id, 2)):
        leave(governance, person, to=BUILDER.id, day=4)
        agree(governance, ask(governance, person), 6, actor=VALIDATOR)
        assert names(governance.store, governance.present(later(7)))[person] == f"a person ({number})"
    assert verify_record(governance).first_break is None


def test_nobody_is_forgotten_who_worked_on_what_is_held(governance: Governance) -> None:
    initiative = register(governance)
    give(governance, amend_initiative, AmendInitiative, OWNER, initiative=initiative, builder="nora")
    leave(governance, "nora", to=BUILDER.id, day=4)
    hold = LegalHold(initiative=initiative, state="held", reason="The court asked for it.")
    governance.store.append([entry_of("hold_set", hold)], actor=ADMIN.id, at=later(4.5))
    with pytest.raises(Conflict, match="a legal hold is on it since"):
        ask(governance)
