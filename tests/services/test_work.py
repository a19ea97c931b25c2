"""Tasks, hand-offs, comments, notices: worked out from the record; wrong input stores nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.domain.actors import Actor
from core.domain.commands import RegisterInitiative, SubmitEvidence, make
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.domain.work.work import Task
from core.lake.directory import put_person
from core.services.case import begin
from core.services.governance import Governance
from core.services.process.evidence import submit_evidence
from core.services.process.initiatives import initiative_sheet, register_initiative
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
from core.services.work.routing import (
    MarkCommentsRead,
    WriteComment,
    comments_on,
    mark_comments_read,
    mentions_in,
    write_comment,
)
from core.services.work.tasks import (
    AssignTask,
    assign_task,
    find_task,
    news,
    open_tasks,
    standing_notices,
    team_tasks,
    work_list,
)
from core.services.work.team_work import loads
from tests.conftest import (
    ADMIN,
    BUILDER,
    OUTSIDER,
    OWNER,
    START,
    VALIDATOR,
    answers_for,
    later,
    register,
    rules_of,
)

ANALYST = Actor(id="anna-analyst", name="Anna Analyst", team="Credit", roles=("business_analyst",))
SECOND = Actor(id="sven-scientist", name="Sven Scientist", team="Credit", roles=("data_scientist",))
ELSEWHERE = Actor(id="cara-claims", name="Cara Claims", team="Claims", roles=("business_stakeholder",))
SCIENTIST = Actor(id="cleo-claims", name="Cleo Claims", team="Claims", roles=("data_scientist",))
TWIN = Actor(id="victor-validator", name="Victor Validator", team="Risk", roles=("risk_audit",))
EVIDENCE = "purpose_and_personal_data"


@pytest.fixture
def filled(governance: Governance) -> Governance:
    """The cast, two teams more, and one strict initiative."""
    for person in (ANALYST, SECOND, ELSEWHERE, SCIENTIST, TWIN):
        put_person(governance.store, person)
    register(governance)
    return governance


def tasks(governance: Governance, day: float = 2, **given: Any) -> tuple[Task, ...]:
    return open_tasks(governance, governance.moment(later(day)), **given)


def task(governance: Governance, measure: str, day: float = 2) -> Task:
    return find_task(governance, governance.moment(later(day)), key(measure))


def key(measure: str, initiative: str = "card-limit-advice") -> str:
    return f"requirement:{initiative}:{measure}"


def offer(governance: Governance, actor: Actor = OWNER, day: float = 3, **given: Any) -> str:
    given = {"reason": "Their book of business now.", **given}
    return offer_hand_off(governance, make(OfferHandOff, actor=actor, at=later(day), **given))


def answer(
    governance: Governance, hand_off: str, actor: Actor, how: str = "accept", day: float = 4, reason: str = ""
) -> None:
    command = make(AnswerHandOff, actor=actor, at=later(day), hand_off=hand_off, answer=how, reason=reason)
    answer_hand_off(governance, command)


def assign(governance: Governance, measure: str, person: Actor, actor: Actor = OWNER, day: float = 3) -> None:
    command = make(AssignTask, actor=actor, at=later(day), task=key(measure), person=person.id)
    assign_task(governance, command)


def say(governance: Governance, text: str, actor: Actor = OWNER, day: float = 3) -> str:
    command = make(WriteComment, actor=actor, at=later(day), initiative="card-limit-advice", text=text)
    return write_comment(governance, command)


def refused(governance: Governance, kind: type[GovernanceError], act: Any, *given: Any, **more: Any) -> str:
    """The sentence of a refusal; nothing was stored."""
    before = governance.store.head()
    with pytest.raises(kind) as problem:
        act(governance, *given, **more)
    assert governance.store.head() == before
    assert "\n" not in str(problem.value)
    return str(problem.value)


def test_an_open_requirement_is_a_task_of_whoever_its_role_and_the_initiative_name(
    filled: Governance,
) -> None:
    scoping = task(filled, EVIDENCE)
    assert scoping.owner == OWNER.id
    assert scoping.role == "business_stakeholder"
    assert scoping.raci_task == "identification"
    assert scoping.due_on == later(1).date() + timedelta(days=21)
    assert scoping.state == "waiting"
    assert scoping.place.page == "initiative"
    built = task(filled, "development_logged")
    assert built.owner == BUILDER.id
    assert "Scope agreed" in scoping.waits
    assert "Submit" in scoping.how


def test_what_several_could_do_is_nobodys_until_taken(filled: Governance) -> None:
    red_team = task(filled, "red_team")
    assert red_team.owner == ""
    assert set(red_team.doers) == {VALIDATOR.id, TWIN.id}
    shared = work_list(filled, filled.moment(later(2)), person=VALIDATOR.id).shared
    assert red_team in shared
    command = make(AssignTask, actor=VALIDATOR, at=later(3), task=red_team.key, person=VALIDATOR.id)
    assign_task(filled, command)
    taken = task(filled, "red_team", day=4)
    assert (taken.owner, taken.assigned) == (VALIDATOR.id, True)
    assert not task(filled, "red_team", day=2).assigned, "as of the day before nobody had it"


def test_a_task_goes_when_what_it_asks_for_is_on_record(filled: Governance) -> None:
    assert task(filled, EVIDENCE)
    command = make(
        SubmitEvidence,
        actor=OWNER,
        at=later(5),
        initiative="card-limit-advice",
        measure=EVIDENCE,
        title="Scope",
        link="https://wiki.example.org/scope",
    )
    submit_evidence(filled, command)
    assert key(EVIDENCE) not in {one.key for one in tasks(filled, 6)}
    assert key(EVIDENCE) in {one.key for one in tasks(filled, 4)}


def test_one_initiatives_tasks_are_those_of_all_that_are_its_own(filled: Governance) -> None:
    register(filled, "Meal Mix Sheet", heavy=False)
    for day in (2, 30, 120, 500):
        own = tasks(filled, day, initiative="card-limit-advice")
        of_all = [t for t in tasks(filled, day) if t.initiative == "card-limit-advice"]
        assert list(own) == of_all
        assert own


def test_tasks_come_by_due_day_and_go_late(filled: Governance) -> None:
    early, late = tasks(filled, 2), tasks(filled, 200)
    assert [one.due_on for one in early] == sorted(one.due_on for one in early)
    assert not any(one.late for one in early if one.kind == "requirement")
    assert all(one.late for one in late if one.kind == "requirement" and one.due_on < later(200).date())
    assert any(one.late for one in late)


def test_the_record_of_an_earlier_day_gives_the_tasks_of_that_day(filled: Governance) -> None:
    before = tasks(filled, 2)
    assign(filled, EVIDENCE, ANALYST)
    say(filled, f"@{VALIDATOR.id} please look")
    assert tasks(filled, 2) == before
    assert tasks(filled, 4) != before


def test_a_task_is_given_within_a_team_and_offered_to_another(filled: Governance) -> None:
    assign(filled, EVIDENCE, ANALYST)
    assert task(filled, EVIDENCE, day=4).owner == ANALYST.id
    words = refused(filled, BadInput, assign, "development_logged", SCIENTIST)
    assert "Offer the task with a hand-off" in words
    words = refused(filled, Forbidden, assign, "development_logged", ELSEWHERE, actor=ELSEWHERE)
    assert "neither has this task nor belongs to Credit" in words


def test_a_whole_initiative_moves_when_the_receiver_accepts(filled: Governance) -> None:
    hand_off = offer(filled, initiative="card-limit-advice", to_team="Claims")
    assert hand_off == "card-limit-advice/hand-off-1"
    waiting = work_list(filled, filled.moment(later(3.5)), person=ELSEWHERE.id).shared
    assert [one.kind for one in waiting if one.kind == "hand_off"] == ["hand_off"]
    assert OWNER.name in next(one for one in waiting if one.kind == "hand_off").waits
    answer(filled, hand_off, ELSEWHERE)
    sheet = initiative_sheet(filled, filled.moment(later(5)), initiative="card-limit-advice")
    assert (sheet.initiative.team, sheet.initiative.owner) == ("Claims", ELSEWHERE.id)
    assert sheet.initiative.builder == BUILDER.id
    actions = [entry.action for entry in sheet.record]
    assert actions[:2] == ["initiative_amended", "hand_off_answered"]
    assert task(filled, EVIDENCE, day=5).owner == ELSEWHERE.id
    assert verify_record(filled).first_break is None


def test_a_task_moves_and_the_initiative_stays(filled: Governance) -> None:
    hand_off = offer(filled, task=key("development_logged"), to_person=SCIENTIST.id)
    answer(filled, hand_off, SCIENTIST)
    moved = task(filled, "development_logged", day=5)
    assert (moved.owner, moved.assigned) == (SCIENTIST.id, True)
    assert moved.team == "Credit"
    assert moved in team_tasks(filled, filled.moment(later(5)), team="Claims")


def test_work_is_returned_with_a_reason_and_stays_where_it_was(filled: Governance) -> None:
    hand_off = offer(filled, initiative="card-limit-advice", to_person=ELSEWHERE.id)
    assert "with a reason" in refused(filled, BadInput, answer, hand_off, ELSEWHERE, "return")
    answer(filled, hand_off, ELSEWHERE, "return", reason="We have no analyst until May.")
    known = hand_offs(filled, filled.moment(later(5)))[0]
    assert (known.answer, known.answer_reason) == ("returned", "We have no analyst until May.")
    sheet = initiative_sheet(filled, filled.moment(later(5)), initiative="card-limit-advice")
    assert sheet.initiative.team == "Credit"


def test_only_the_receiver_answers_and_the_first_answer_stands(filled: Governance) -> None:
    hand_off = offer(filled, initiative="card-limit-advice", to_person=ELSEWHERE.id)
    assert "only the receiver" in refused(filled, Forbidden, answer, hand_off, SCIENTIST)
    assert "only the receiver" in refused(filled, Forbidden, answer, hand_off, ADMIN)
    assert "only the receiver" in refused(filled, Forbidden, answer, hand_off, OWNER)
    answer(filled, hand_off, ELSEWHERE, "return", reason="Not ours, it is cards.")
    words = refused(filled, Conflict, answer, hand_off, ELSEWHERE)
    assert "answered before (returned)" in words
    assert "The first answer stands" in words


def test_two_answers_at_the_same_moment_leave_the_first(
    filled: Governance, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_off = offer(filled, initiative="card-limit-advice", to_team="Claims")
    from core.services.work import hand_offs as service

    seen = service._open_offer(
        begin(
            filled,
            make(AnswerHandOff, actor=ELSEWHERE, at=later(4), hand_off=hand_off, answer="accept"),
        ),
        hand_off,
    )
    answer(filled, hand_off, SCIENTIST, "return", reason="We cannot take it on.")
    monkeypatch.setattr(service, "_open_offer", lambda *given: seen)  # both had read before either wrote
    assert "answered before" in refused(filled, Conflict, answer, hand_off, ELSEWHERE)
    sheet = initiative_sheet(filled, filled.moment(later(5)), initiative="card-limit-advice")
    assert sheet.initiative.team == "Credit"


def test_an_offer_can_be_withdrawn_until_it_is_answered(filled: Governance) -> None:
    hand_off = offer(filled, initiative="card-limit-advice", to_team="Claims")

    def withdraw(governance: Governance, actor: Actor) -> None:
        reason = "We keep it after all."
        withdraw_hand_off(
            governance, make(WithdrawHandOff, actor=actor, at=later(4), hand_off=hand_off, reason=reason)
        )

    assert "only whoever made an offer" in refused(filled, Forbidden, withdraw, ELSEWHERE)
    withdraw(filled, BUILDER)
    assert "answered before (withdrawn)" in refused(filled, Conflict, answer, hand_off, ELSEWHERE)
    assert offer(filled, initiative="card-limit-advice", to_team="Claims", day=6).endswith("-2")


@pytest.mark.parametrize(
    ("given", "kind", "sentence"),
    [
        ({"initiative": "no-such", "to_team": "Claims"}, NotFound, "no initiative 'no-such'"),
        ({"initiative": "card-limit-advice", "to_team": "Nowhere"}, NotFound, "team 'Nowhere'"),
        ({"initiative": "card-limit-advice", "to_person": "nobody"}, NotFound, "nobody is called 'nobody'"),
        ({"initiative": "card-limit-advice"}, BadInput, "to one team or to one person"),
        ({"to_team": "Claims"}, BadInput, "of one initiative or of one task"),
        ({"initiative": "card-limit-advice", "to_team": "Credit"}, BadInput, "belongs to Credit already"),
        ({"initiative": "card-limit-advice", "to_person": OWNER.id}, BadInput, "to yourself"),
        ({"task": "requirement:x:y", "to_team": "Claims"}, NotFound, "no open task 'requirement:x:y'"),
        ({"task": "nonsense", "to_team": "Claims"}, NotFound, "no open task 'nonsense'"),
        ({"initiative": "card-limit-advice", "to_person": OUTSIDER.id}, BadInput, "no role that may accept"),
        ({"initiative": "card-limit-advice", "to_team": "Claims", "reason": "no"}, BadInput, "at least 10"),
        (
            {"initiative": "card-limit-advice", "to_team": "Claims", "actor": ELSEWHERE},
            Forbidden,
            "neither belongs to Credit nor owns",
        ),
        ({"initiative": "card-limit-advice", "to_team": "Claims", "actor": OUTSIDER}, Forbidden, "may not"),
        ({"task": key("red_team"), "to_person": SCIENTIST.id}, Forbidden, "it is for Risk and audit"),
    ],
)
def test_a_wrong_offer_is_refused_in_one_sentence(
    filled: Governance, given: dict[str, Any], kind: type[GovernanceError], sentence: str
) -> None:
    assert sentence in refused(filled, kind, offer, **given)


def test_the_same_work_is_offered_once(filled: Governance) -> None:
    offer(filled, initiative="card-limit-advice", to_team="Claims")
    words = refused(filled, Conflict, offer, initiative="card-limit-advice", to_person=ELSEWHERE.id)
    assert "on offer already" in words


def test_a_task_that_was_done_meanwhile_cannot_be_accepted(filled: Governance) -> None:
    hand_off = offer(filled, task=key(EVIDENCE), to_person=ELSEWHERE.id)
    test_a_task_goes_when_what_it_asks_for_is_on_record(filled)
    assert "is done meanwhile" in refused(filled, BadInput, answer, hand_off, ELSEWHERE, day=6)


def test_a_comment_names_people_who_then_have_to_read_it(filled: Governance) -> None:
    say(filled, f"@{VALIDATOR.id} and @{BUILDER.id}: is <b>income</b> a proxy? Mail owner@example.org.")
    written = comments_on(filled, filled.moment(later(4)), initiative="card-limit-advice")[0]
    assert written.mentions == (VALIDATOR.id, BUILDER.id)
    assert written.names == (VALIDATOR.name, BUILDER.name)
    own = work_list(filled, filled.moment(later(4)), person=VALIDATOR.id).own
    assert [one.title for one in own if one.kind == "mention"] == ["Read what Olga Owner wrote"]
    say(filled, "It stands in for age.", actor=VALIDATOR, day=5)
    own = work_list(filled, filled.moment(later(6)), person=VALIDATOR.id).own
    assert not [one for one in own if one.kind == "mention"], "who answers has read"
    read = make(MarkCommentsRead, actor=BUILDER, at=later(6), initiative="card-limit-advice")
    mark_comments_read(filled, read)
    assert not [one for one in tasks(filled, 7) if one.kind == "mention"]
    assert "no comment there waits" in refused(filled, BadInput, mark_comments_read, read)


def test_an_unknown_mention_is_refused_by_name(filled: Governance) -> None:
    words = refused(filled, NotFound, say, "@vera-validator and @nobody-known, look")
    assert "@nobody-known" in words
    assert "@vera-validator" not in words
    assert "may not" in refused(filled, Forbidden, say, "Hello there", actor=OUTSIDER)


def test_an_address_names_nobody() -> None:
    assert mentions_in("mail a@b.org or https://x.org/@ann, ask @ann.") == ("ann",)


def test_reminders_come_before_and_escalation_after_the_due_day(filled: Governance) -> None:
    due = 1 + 21

    def heard(day: float) -> dict[str, tuple[str, ...]]:
        return {
            notice.kind: notice.to
            for notice in standing_notices(filled, filled.moment(later(day)))
            if notice.task.key == key(EVIDENCE)
        }

    assert heard(due - 15) == {}
    assert heard(due - 14) == {"reminder": (OWNER.id,)}
    assert heard(due - 7) == {"reminder": (OWNER.id,), "question": (ANALYST.id,)}
    assert heard(due) == {"reminder": (OWNER.id,), "question": (ANALYST.id,)}
    assert heard(due + 1) == {"reminder": (OWNER.id,)}, "the accountable does it here: nobody is above"
    assert heard(due + 15)["news"] == (VALIDATOR.id, TWIN.id)


def test_what_the_builder_leaves_is_escalated_to_the_accountable(filled: Governance) -> None:
    notices = standing_notices(filled, filled.moment(later(1 + 45 + 1)), person=ANALYST.id)
    escalated = [one for one in notices if one.kind == "escalation"]
    assert {one.task.raci_task for one in escalated} >= {"data_modeling"}
    assert all(one.days == 1 for one in escalated if one.task.kind == "requirement")


def test_the_informed_are_told_what_was_done_for_some_days(filled: Governance) -> None:
    told = news(filled, filled.moment(later(2)), person=VALIDATOR.id)
    assert [(one.title, one.actor, one.acts) for one in told] == [("Identification", BUILDER.id, 1)]
    assert news(filled, filled.moment(later(2)), person=OWNER.id) == ()
    assert news(filled, filled.moment(later(1 + rules_of(filled).work.told_days + 1))) == ()


def test_loads_count_what_is_open_by_due_day(filled: Governance) -> None:
    moment = filled.moment(later(2))
    own = next(load for load in loads(filled, moment) if load.person == OWNER.id)
    mine = work_list(filled, moment, person=OWNER.id)
    assert own.own == len(mine.own)
    assert own.shared == len(mine.shared)
    assert own.overdue == len(mine.late) == 0
    idle = next(load for load in loads(filled, moment) if load.person == OUTSIDER.id)
    assert (idle.own, idle.shared) == (0, 0)


def test_a_second_initiative_is_counted_on_its_own(filled: Governance) -> None:
    command = make(
        RegisterInitiative,
        actor=ELSEWHERE,
        at=later(2),
        name="Claims Triage",
        purpose="Sort claims by how hard they are.",
        domain="insurance"
        if "insurance" in [d.id for d in filled.position(filled.present(START)).domains]
        else "other",
        team="Claims",
        owner=ELSEWHERE.id,
        builder=SCIENTIST.id,
        answers=answers_for(filled, heavy=True),
    )
    register_initiative(filled, command)
    theirs = team_tasks(filled, filled.moment(later(3)), team="Claims")
    assert {one.team for one in theirs if one.kind == "requirement"} == {"Claims"}
