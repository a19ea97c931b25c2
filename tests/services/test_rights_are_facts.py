"""Team and roles are what the record says; people leave, and others act for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.domain.actors import Actor
from core.domain.commands import AmendInitiative, make
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound, Unknown
from core.domain.facts.process import Finding
from core.domain.process.commands import DelegateSignOff, RaiseFinding
from core.lake.directory import names, put_person
from core.lake.facts import newest
from core.lake.store import open_store
from core.services.case import require_independent
from core.services.governance import Governance
from core.services.process.findings import raise_finding
from core.services.process.initiatives import amend_initiative, initiative_sheet
from core.services.process.sign_offs import delegate_sign_off, may_sign_for, standing_delegations
from core.services.record.departures import (
    AppointDeputy,
    EndDeputy,
    LeavePerson,
    appoint_deputy,
    end_deputy,
    leave_person,
    person_history,
)
from core.services.record.entries import verify_record
from core.services.record.identity import (
    LOGIN,
    Claims,
    IssueToken,
    admitted,
    by_owner,
    by_token,
    found_own,
    issue_token,
)
from core.services.record.people import AddPerson, acting_person, add_person, membership_of
from core.services.record.proposals import find_proposal
from core.services.work.hand_offs import OfferHandOff, hand_offs, offer_hand_off
from core.services.work.routing import names_of
from core.services.work.tasks import AssignTask, assign_task, open_tasks, work_list
from core.services.work.team_work import deputies
from tests.conftest import (
    ADMIN,
    BUILDER,
    CAST,
    CONFIG,
    OWNER,
    VALIDATOR,
    founded,
    later,
    register,
    shipped,
    with_groups,
)
from tests.process import HEAD, agree
from tests.services.test_sign_offs import trained

NEW = {"person": "nora", "name": "Nora New", "team": "Credit", "roles": ("business_analyst",)}


@pytest.fixture
def governance(tmp_path: Path) -> Iterator[Governance]:
    """A store whose people are on record."""
    opened = founded(tmp_path / "store")
    enter(opened, *CAST)
    add_person(opened, make(AddPerson, actor=ADMIN, at=later(1), **NEW))
    agree(opened, "C1", 1.2, actor=VALIDATOR)
    yield opened
    opened.close()


def enter(governance: Governance, *people: Actor, at: datetime | None = None) -> None:
    """Put team and roles on record without asking anybody."""
    for person in people:
        put_person(governance.store, person)
    governance.store.append([membership_of(one) for one in people], actor=ADMIN.id, at=at or later(0))


def give(governance: Governance, service: Any, kind: Any, actor: Actor, day: float = 3, **given: Any) -> Any:
    return service(governance, make(kind, actor=actor, at=later(day), **given))


def leave(governance: Governance, person: str, to: str = "nora", day: float = 3) -> Any:
    given = {"person": person, "to": to, "reason": "Retires."}
    return give(governance, leave_person, LeavePerson, ADMIN, day, **given)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE directory SET name = 'Nora Newer' WHERE actor = 'nora'",
        "UPDATE directory SET roles = ['risk_audit'] WHERE actor = 'nora'",
        "UPDATE directory SET team = 'Risk' WHERE actor = 'nora'",
        "UPDATE known_name SET name = 'Eve' WHERE actor = 'nora'",
        "DELETE FROM known_name",
        "DELETE FROM directory",
        "INSERT INTO directory VALUES ('eve', 'Eve', '', 'Risk', ['risk_audit'], false)",
    ],
)
def test_an_edit_of_the_directory_is_found_and_gives_nothing(governance: Governance, edit: str) -> None:
    assert verify_record(governance).first_break is None
    governance.store.cursor().execute(edit)
    found = verify_record(governance).first_break
    assert found is not None
    assert found.subject.startswith("directory, ")
    assert not any("risk_audit" in one.roles for one in governance.people() if one.id in ("nora", "eve"))


def test_a_role_of_before_put_back_into_the_directory_is_found_and_gives_nothing(
    governance: Governance,
) -> None:
    give(governance, add_person, AddPerson, ADMIN, 2, person="nora", name="Nora New", team="Credit")
    assert verify_record(governance).first_break is None
    governance.store.cursor().execute(
        "UPDATE directory SET roles = ['business_analyst'] WHERE actor = 'nora'"
    )
    found = verify_record(governance).first_break
    assert found is not None
    assert found.subject == "directory, nora"
    assert governance.person("nora").roles == ()


def test_since_when_somebody_was_where_is_told_from_the_record(governance: Governance) -> None:
    renamed = {"name": "Nora Older", "team": "Cards", "roles": ("business_analyst",)}
    give(governance, add_person, AddPerson, ADMIN, 2, person="nora", **renamed)
    give(governance, add_person, AddPerson, ADMIN, 3, person="nora", team="Cards")
    leave(governance, "nora", to=OWNER.id, day=4)
    moment = governance.present(later(5))
    told = person_history(governance, moment, person="nora")
    day, analyst = [str(later(n).date()) for n in range(5)], ("business_analyst",)
    assert [(str(one.recorded_at.date()), one.until, one.name, one.team, one.roles) for one in told] == [
        (day[4], "", "Nora Older", "", ()),
        (day[3], day[4], "Nora Older", "Cards", ()),
        (day[2], day[3], "Nora Older", "Cards", analyst),
        (day[1], day[2], "Nora New", "Credit", analyst),
        (day[1], day[1], "Nora New", "Credit", ()),
    ]
    assert verify_record(governance).first_break is None
    text = str(governance.store.cursor().execute("SELECT * FROM membership").fetchall())
    assert "Nora" not in text
    with pytest.raises(NotFound, match="nobody is called"):
        person_history(governance, moment, person="nobody")


def test_who_leaves_hands_over_and_may_nothing(governance: Governance) -> None:
    initiative = register(governance)
    found = {"severity": "major", "step": "development", "due_on": later(9).date()}
    raised = {"initiative": initiative, "title": "No tests", "owner": OWNER.id, **found}
    give(governance, raise_finding, RaiseFinding, VALIDATOR, 2, **raised)
    left = leave(governance, OWNER.id)
    assert (left.to, left.initiatives, left.findings) == ("nora", 1, 1)
    moment = governance.present(later(5))
    sheet = initiative_sheet(governance, moment, initiative=initiative)
    assert sheet.initiative.owner == "nora"
    assert [one.owner for one in newest(governance.store, Finding, moment, initiative)] == ["nora"]
    own = work_list(governance, moment, person="nora").own
    assert "mention" in {task.kind for task in own}, "who gets it is told by a task"
    day = later(3).date()
    assert names(governance.store, moment)[OWNER.id] == f"{OWNER.name} (left on {day})"
    assert names(governance.store, governance.moment(later(2)))[OWNER.id] == OWNER.name
    for offered in (governance.people(), [governance.person(one) for one in names_of(governance, moment)]):
        assert OWNER.id not in {one.id for one in offered}
    with pytest.raises(NotFound, match=f"left on {day}"):
        leave(governance, OWNER.id)
    with pytest.raises(NotFound, match=f"left on {day}"):
        give(governance, amend_initiative, AmendInitiative, BUILDER, 4, initiative=initiative, owner=OWNER.id)
    with pytest.raises(Forbidden, match="may do nothing here any more"):
        give(governance, amend_initiative, AmendInitiative, OWNER, 4, initiative=initiative, name="My Own")
    assert verify_record(governance).first_break is None


def test_nobody_leaves_without_somebody_who_gets_their_work(governance: Governance) -> None:
    with pytest.raises(BadInput, match="nobody is said to get the work"):
        leave(governance, BUILDER.id, to="")
    with pytest.raises(Forbidden, match="nobody gives themselves the work"):
        leave(governance, BUILDER.id, to=ADMIN.id)
    with pytest.raises(BadInput, match="manages the directory"):
        leave(governance, ADMIN.id)
    assert governance.person(BUILDER.id).roles == BUILDER.roles


def test_work_goes_to_who_leads_the_nearest_unit_and_is_here(governance: Governance) -> None:
    lead, person = "amara-okafor", "carl"
    given = {"team": "Retail Credit", "roles": ("business_analyst",)}
    enter(governance, *(Actor(id=one, name=one.title(), **given) for one in (lead, "helena-brandt", person)))
    assert leave(governance, person, to="").to == lead
    assert leave(governance, lead, to="", day=4).to == "helena-brandt"


def test_a_task_an_offer_and_a_proposal_of_who_leaves_go_over(governance: Governance) -> None:
    initiative = register(governance)
    moment = governance.present(later(2))
    task = next(one for one in open_tasks(governance, moment) if one.owner == BUILDER.id and one.movable)
    give(governance, assign_task, AssignTask, BUILDER, 2, task=task.key, person=OWNER.id)
    reason = "You know it much better than I do."
    offer = {"initiative": initiative, "to_person": OWNER.id, "reason": reason}
    amend = {"initiative": initiative, "owner": BUILDER.id}
    give(governance, amend_initiative, AmendInitiative, BUILDER, 2.1, **amend)
    give(governance, offer_hand_off, OfferHandOff, BUILDER, 2.2, **offer)
    enter(governance, HEAD)
    second = ADMIN.model_copy(update={"id": "zoe-admin", "name": "Zoe Admin"})
    enter(governance, second)
    asked = {"person": "eve", "name": "Eve New", "roles": ("risk_audit",)}
    proposal = give(governance, add_person, AddPerson, second, 2.3, **asked).proposal
    left = leave(governance, OWNER.id)
    assert (left.initiatives, left.offers) == (0, 1)
    assert left.tasks
    after = governance.present(later(4))
    assert {one.owner for one in open_tasks(governance, after) if one.key == task.key} == {"nora"}
    assert [one.answer for one in hand_offs(governance, after)] == ["returned"]
    assert leave(governance, second.id, to=HEAD.id, day=4).proposals == 1
    after = governance.present(later(5))
    assert find_proposal(governance, proposal, after).proposed_by == HEAD.id
    assert f"proposal:{proposal}:own" in {one.key for one in work_list(governance, after, person=HEAD.id).own}
    with pytest.raises(Forbidden, match="nobody agrees to what they proposed"):
        agree(governance, proposal, 6, actor=HEAD)
    agree(governance, proposal, 6, actor=VALIDATOR)
    assert governance.person("eve").roles == ("risk_audit",)


def test_who_left_comes_in_by_no_token_and_not_as_owner_of_the_files(tmp_path: Path) -> None:
    with closing(replace(shipped(), store=open_store(tmp_path / "own"))) as governance:
        others = {"rita": ("administrator", "risk_audit"), "hal": ("head_of_risk",)}
        tokens = found_own(governance, CONFIG, "nadia", others, later(0))
        nadia, rita = by_owner(governance, ""), by_token(governance, tokens["rita"], later(1))
        service = {"token": "ci", "operations": ("ask_gate",)}
        secret = give(governance, issue_token, IssueToken, nadia, 1, **service)
        assert by_token(governance, secret, later(1)).id == "token:ci"
        own = give(governance, issue_token, IssueToken, nadia, 1, token="mine", own=True)
        gone = {"person": "nadia", "to": "hal", "reason": "Retires."}
        assert give(governance, leave_person, LeavePerson, rita, 2, **gone).tokens == 2
        for said in (secret, own):
            with pytest.raises(Unknown, match="was revoked"):
                by_token(governance, said, later(3))
        assert by_token(governance, tokens["rita"], later(3)).id == "rita"
        with pytest.raises(Forbidden, match="may do nothing here any more"):
            by_owner(governance, "")
        assert verify_record(governance).first_break is None


def test_no_login_lets_in_who_left_whatever_their_groups_give(tmp_path: Path) -> None:
    config = with_groups(tmp_path, data_scientist="scientists")
    with closing(founded(tmp_path / "store", config=config)) as governance:
        enter(governance, *CAST)
        hours = timedelta(hours=8)
        said = Claims("a" * 64, BUILDER.id, BUILDER.name, ("scientists",), later(2), later(9) + hours)
        assert admitted(governance, said, later(2) + hours, LOGIN).roles == ("data_scientist",)
        leave(governance, BUILDER.id, to=OWNER.id)
        head = governance.store.head()
        with pytest.raises(Forbidden, match=f"left on {later(3).date()}"):
            admitted(governance, said, later(4), LOGIN)
        assert governance.store.head() == head
        with pytest.raises(Forbidden, match="nobody is called"):
            acting_person(governance, BUILDER.id)


def test_a_deputy_acts_for_an_owner_for_some_days_and_may_not_sign(governance: Governance) -> None:
    initiative = register(governance)
    deputy = Actor(id="dan", name="Dan Deputy", team="Elsewhere", roles=("business_stakeholder",))
    enter(governance, deputy)
    days = {"since": later(5).date(), "until": later(7).date(), "reason": "On leave."}
    give(governance, appoint_deputy, AppointDeputy, OWNER, deputy="dan", **days)

    def amend(day: float) -> None:
        purpose = f"Advise customers on limits of cards, as on day {day}."
        give(
            governance, amend_initiative, AmendInitiative, deputy, day, initiative=initiative, purpose=purpose
        )

    for day in (4, 8):
        with pytest.raises(Forbidden, match="has no tie"):
            amend(day)
        if day == 4:
            amend(6)
    with pytest.raises(Forbidden, match="or once did"):
        require_independent(governance, governance.present(later(9)), "dan", initiative, "sign")
    with pytest.raises(BadInput, match="acts from today or later"):
        long = {"until": later(900).date(), "reason": "Long leave."}
        give(governance, appoint_deputy, AppointDeputy, OWNER, 9, deputy="dan", **long)


def test_a_deputy_has_only_what_whom_they_act_for_has_today(governance: Governance) -> None:
    initiative = register(governance)
    deputy = Actor(id="dan", name="Dan Deputy", team="Elsewhere", roles=("business_stakeholder",))
    enter(governance, deputy)
    days = {"until": later(20).date(), "reason": "On leave."}
    give(governance, appoint_deputy, AppointDeputy, OWNER, 3, deputy="dan", **days)
    amend = {"initiative": initiative, "purpose": "Advise customers on the limits of their cards."}
    enter(governance, OWNER.model_copy(update={"roles": ()}), at=later(4))
    assert deputies(governance, governance.present(later(4))) == []
    with pytest.raises(Forbidden, match="has no tie"):
        give(governance, amend_initiative, AmendInitiative, deputy, 5, **amend)
    enter(governance, OWNER, at=later(6))
    give(governance, amend_initiative, AmendInitiative, deputy, 7, **amend)
    give(governance, end_deputy, EndDeputy, deputy, 8, other=OWNER.id, reason="Too much work.")
    with pytest.raises(Forbidden, match="has no tie"):
        give(governance, amend_initiative, AmendInitiative, deputy, 9, **amend)
    with pytest.raises(Conflict, match="neither of you"):
        give(governance, end_deputy, EndDeputy, deputy, 9, other=OWNER.id, reason="Too much work.")


def test_appointing_somebody_keeps_them_from_signing_only_while_they_let_it(governance: Governance) -> None:
    initiative = register(governance)
    days = {"until": later(20).date(), "reason": "On leave."}
    give(governance, appoint_deputy, AppointDeputy, OWNER, deputy=VALIDATOR.id, **days)
    with pytest.raises(Forbidden, match="or once did"):
        require_independent(governance, governance.present(later(4)), VALIDATOR.id, initiative, "sign")
    give(governance, end_deputy, EndDeputy, VALIDATOR, 5, other=OWNER.id, reason="I am to sign.")
    require_independent(governance, governance.present(later(6)), VALIDATOR.id, initiative, "sign")


@pytest.mark.parametrize(
    "change", [{"roles": ()}, {"roles": ("data_scientist",)}, {"team": "Elsewhere"}, {"left": True}]
)
def test_a_delegation_ends_with_the_role_the_team_and_the_presence_of_who_gave_it(
    governance: Governance, change: dict[str, Any]
) -> None:
    enter(governance, HEAD)
    trained(governance, HEAD, "risk_audit")
    given = {
        "delegate": HEAD.id,
        "role": "risk_audit",
        "until": later(20).date(),
        "reason": "Two weeks away.",
    }
    give(governance, delegate_sign_off, DelegateSignOff, VALIDATOR, 4.2, **given)
    pair = (VALIDATOR.id, HEAD.id, "risk_audit")
    assert may_sign_for(governance, governance.present(later(5)), *pair)
    if "left" in change:
        leave(governance, VALIDATOR.id, day=6)
    else:
        enter(governance, VALIDATOR.model_copy(update=change), at=later(6))
    assert standing_delegations(governance, governance.present(later(7))) == []
    enter(governance, VALIDATOR, at=later(8))
    assert not may_sign_for(governance, governance.present(later(9)), *pair), "it does not come back"
    assert may_sign_for(governance, governance.moment(later(5)), *pair), "as it was then"


def test_nobody_moves_or_raises_themselves_alone(governance: Governance) -> None:
    asked = {"person": ADMIN.id, "name": ADMIN.name, "team": "Credit", "roles": ("administrator", "pipeline")}
    added = give(governance, add_person, AddPerson, ADMIN, **asked)
    assert added.proposal
    assert governance.person(ADMIN.id).team == ADMIN.team
    assert governance.person(ADMIN.id).roles == ADMIN.roles
    agree(governance, added.proposal, 4, actor=VALIDATOR)
    assert (governance.person(ADMIN.id).team, governance.person(ADMIN.id).roles) == ("Credit", asked["roles"])
    assert verify_record(governance).first_break is None


def test_a_refused_person_leaves_nothing_on_the_record(governance: Governance) -> None:
    asked = {"person": "eve", "name": "Eve New", "team": "Credit", "roles": ("risk_audit", "pipeline")}
    give(governance, add_person, AddPerson, ADMIN, **asked)
    head = governance.store.head()
    with pytest.raises(Conflict, match="waits already"):
        give(governance, add_person, AddPerson, ADMIN, 4, **{**asked, "name": "Eve Newer"})
    assert governance.store.head() == head
    assert governance.person("eve").name == "Eve New"
    given = governance.store.cursor().execute("SELECT given, says FROM proposal").fetchall()
    assert "Eve" not in str(given), "names stand beside the record"


def test_a_store_of_ones_own_is_founded_in_one_step_or_not_at_all(tmp_path: Path) -> None:
    with closing(replace(shipped(), store=open_store(tmp_path / "own"))) as governance:
        found_own(governance, CONFIG, "nadia", {"rita": ("risk_audit",)}, later(0))
        by = governance.store.cursor().execute("SELECT DISTINCT actor, recorded_at, credential FROM record")
        assert len(by.fetchall()) == 1
        assert governance.person("nadia").roles == ("administrator",)
        assert acting_person(governance, "rita").roles == ("risk_audit",)
        assert verify_record(governance).first_break is None
