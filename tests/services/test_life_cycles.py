"""Life cycles: what versions and initiatives become, by whose act, and that asking changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.commands import (
    AmendInitiative,
    OverrideClassification,
    RetireVersion,
    RunChecks,
    make,
)
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.domain.facts.process import CheckRun
from core.domain.facts.recorded import entry_of
from core.domain.process.commands import (
    ConfirmClass,
    MeetCondition,
    PullModel,
    ReassessInitiative,
    ReopenInitiative,
    RequestWaiver,
    RetireInitiative,
)
from core.lake.facts import history
from core.lake.process.inventory import gate_lines, requirement_lines, reviews
from core.lake.store import save_store
from core.services.case import seen_by
from core.services.governance import Governance
from core.services.models.versions import (
    RunLine,
    retire_version,
    version_history,
    version_registry,
)
from core.services.oversight.kpis import governance_kpis
from core.services.process import sign_offs
from core.services.process.checks import run_checks
from core.services.process.classification import (
    confirm_class,
    override_classification,
    reassess_initiative,
    reassessment,
)
from core.services.process.findings import findings_list, request_waiver
from core.services.process.gates import ask_gate, is_live, pull_model, stands
from core.services.process.initiatives import (
    amend_initiative,
    initiative_sheet,
    inventory,
    reopen_initiative,
    retire_initiative,
)
from core.services.process.sign_off_view import sign_off_views
from core.services.record.entries import verify_record
from core.services.record.proposals import proposals
from core.services.rules.ethics import PublishEthics, publish_ethics
from core.services.work.tasks import open_tasks
from tests.conftest import BUILDER, CONFIG, OUTSIDER, OWNER, VALIDATOR, founded, later, register
from tests.process import (
    BUSINESS,
    BUSINESS_TWO,
    HEAD,
    OPS,
    SECOND,
    THIRD,
    agree,
    ask,
    decide,
    deploy,
    prove,
    prove_all,
    put_forward,
    put_in_force,
    seat_signers,
    sign,
    thawed,
    version,
    without_predictions,
)
from tests.services.test_findings_and_waivers import LIVE, register_moderate

GATE = "deployment"
WHY = "It answers with yesterday's prices."


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One moderate initiative whose version 1 is approved on day 3.2 and in production since day 3.3."""
    governance = founded(tmp_path_factory.mktemp("prepared") / "store")
    seat_signers(governance)
    put_in_force(governance, without_predictions())
    initiative = register_moderate(governance)
    version(governance, initiative)
    prove_all(governance, initiative, 3)
    ask(governance, initiative, GATE, 3.1)
    sign(governance, initiative, GATE, 3.2, BUSINESS)
    deploy(governance, initiative, 3.3)
    save_store(governance.store)
    governance.close()
    return governance.store.folder


@pytest.fixture
def governance(prepared: Path, tmp_path: Path) -> Iterator[Governance]:
    """The prepared store, for one test alone."""
    opened = thawed(prepared, tmp_path / "store")
    yield opened
    opened.close()


def refused(governance: Governance, kind: type[GovernanceError], words: str, act: Callable[[], Any]) -> None:
    head = governance.store.head()
    with pytest.raises(kind, match=words):
        act()
    assert governance.store.head() == head


def states(governance: Governance, day: float) -> dict[str, str]:
    lines = version_registry(governance, governance.moment(later(day)), past=True)
    return {line.version: line.state for line in lines if line.initiative == LIVE}


def ran(governance: Governance, day: float) -> list[tuple[str, str, str]]:
    """Version, role and why it ended, oldest first; as told of one and of all."""
    moment = governance.moment(later(day))
    told: list[RunLine] = version_history(governance, moment, initiative=LIVE)
    assert told == [run for run in version_history(governance, moment) if run.initiative == LIVE]
    return [(run.version, run.role, run.ended_because) for run in sorted(told, key=lambda run: run.since)]


def approve_second(governance: Governance, day: float) -> None:
    version(governance, LIVE, "2", day=day)
    put_forward(governance, LIVE, "2", day + 0.1)
    prove_all(governance, LIVE, day + 0.2)
    ask(governance, LIVE, GATE, day + 0.3)
    sign(governance, LIVE, GATE, day + 0.4, BUSINESS_TWO)


def test_a_new_version_takes_no_place_of_the_one_in_production(governance: Governance) -> None:
    version(governance, LIVE, "99", day=5, artifact_sha256="9" * 64)
    assert states(governance, 5.1) == {"1": "production", "99": "registered"}
    assert stands(governance, LIVE, governance.moment(later(5.1))).current == "1"
    put_forward(governance, LIVE, "99", 6)
    assert states(governance, 6.1) == {"1": "production", "99": "candidate"}
    assert ran(governance, 6.1) == [("1", "production", "")]


def test_asking_changes_nothing_about_what_is_live(governance: Governance) -> None:
    put_forward_second(governance)
    assert not decide(governance, LIVE, GATE, 6).is_open
    assert is_live(governance, LIVE, governance.moment(later(6.1)))
    approve_later(governance)
    assert decide(governance, LIVE, GATE, 8).is_open
    assert states(governance, 8.1) == {"1": "production", "2": "approved"}, "nor does an open gate deploy"
    assert ran(governance, 8.1) == [("1", "production", "")]


def put_forward_second(governance: Governance) -> None:
    version(governance, LIVE, "2", day=5)
    put_forward(governance, LIVE, "2", 5.1)


def approve_later(governance: Governance) -> None:
    prove_all(governance, LIVE, 7)
    ask(governance, LIVE, GATE, 7.1)
    sign(governance, LIVE, GATE, 7.2, BUSINESS_TWO)


def test_a_version_goes_into_production_only_through_the_open_gate(governance: Governance) -> None:
    words = "is not|are asked about"
    version(governance, LIVE, "2", day=5)
    refused(governance, Conflict, words, lambda: deploy(governance, LIVE, 5.1, "2"))
    put_forward(governance, LIVE, "2", 5.2)
    refused(governance, Conflict, "is blocked", lambda: deploy(governance, LIVE, 5.3, "2"))
    refused(governance, Forbidden, "may not", lambda: deploy(governance, LIVE, 5.3, "2", OUTSIDER))
    refused(
        governance, Conflict, "in production as production since", lambda: deploy(governance, LIVE, 5.3, "1")
    )
    approve_later(governance)
    deploy(governance, LIVE, 8, "2")
    assert states(governance, 8.1) == {"1": "superseded", "2": "production"}
    assert ran(governance, 8.1) == [("1", "production", "replaced by version 2"), ("2", "production", "")]
    assert ran(governance, 7.9) == [("1", "production", "")], "as of the day before"


def test_others_stand_beside_the_one_in_production(governance: Governance) -> None:
    approve_second(governance, 5)
    deploy(governance, LIVE, 6, role="challenger")
    assert ran(governance, 6.1) == [("1", "production", ""), ("2", "challenger", "")]
    deploy(governance, LIVE, 7, role="production")
    assert ran(governance, 7.1) == [
        ("1", "production", "replaced by version 2"),
        ("2", "challenger", "it is there as production now"),
        ("2", "production", ""),
    ]
    words = "beside which another could stand"
    refused(governance, Conflict, words, lambda: deploy(governance, LIVE, 8, role="shadow"))


def test_what_is_pulled_ends_with_its_reason_and_comes_back_through_the_gate(governance: Governance) -> None:
    pull_model(governance, make(PullModel, actor=OPS, at=later(4), initiative=LIVE, reason=WHY))
    assert states(governance, 4.1) == {"1": "suspended"}
    assert ran(governance, 4.1) == [("1", "production", WHY)]
    deploy(governance, LIVE, 5)
    assert ran(governance, 5.1) == [("1", "production", WHY), ("1", "production", "")]


def test_retiring_the_last_version_leaves_nothing_overdue_for_ever(governance: Governance) -> None:
    why = {"reason": "It is not needed any more."}
    retire_version(
        governance, make(RetireVersion, actor=BUILDER, at=later(5), initiative=LIVE, version="1", **why)
    )
    assert states(governance, 5.1) == {"1": "retired"}
    assert ran(governance, 5.1) == [("1", "production", why["reason"])]
    moment = governance.moment(later(400))
    assert not ask_gate(governance, LIVE, GATE, moment).is_open
    sheet = initiative_sheet(governance, moment, initiative=LIVE)
    late = [s.requirement.id for s in sheet.requirements if s.overdue]
    (line,) = [one for one in inventory(governance, moment) if one.initiative == LIVE]
    per_version = {s.id for s in sheet.policy.steps if s.per_version}
    assert line.overdue == len(late)
    assert not [s for s in sheet.requirements if s.overdue and s.requirement.step in per_version]


def test_checks_look_at_what_is_in_production_while_another_version_is_asked_about(
    governance: Governance,
) -> None:
    put_forward_second(governance)
    looked = make(RunChecks, actor=BUILDER, at=later(6), initiative=LIVE, checks=("drift_alert",))
    assert len(run_checks(governance, looked)) == 1, "one result, of the version that is asked about"
    runs = history(governance.store, CheckRun, governance.moment(later(6)), LIVE)
    assert [run.version for run in runs if run.check_id == "drift_alert"] == ["2", "1"]


def step(
    governance: Governance, service: Callable[..., Any], kind: Any, actor: Actor, day: float, **more: Any
) -> Any:
    about = {"initiative": LIVE, **more}
    return service(governance, make(kind, actor=actor, at=later(day), **about))


RETIRED = {"reason": "The branches were closed."}


def test_a_retired_use_case_asks_only_for_what_the_policy_keeps(governance: Governance) -> None:
    step(governance, retire_initiative, RetireInitiative, HEAD, 5, **RETIRED)
    moment = governance.moment(later(300))
    sheet = initiative_sheet(governance, moment, initiative=LIVE)
    assert (sheet.stage, sheet.live) == ("retired", False)
    assert [s.requirement.consideration.id for s in sheet.requirements] == ["documentation"]
    assert not [s for s in sheet.requirements if s.overdue or not s.satisfied], "its last documents are kept"
    assert ran(governance, 300) == [
        ("1", "production", "the use case was retired: The branches were closed.")
    ]
    (line,) = inventory(governance, moment, status="retired")
    assert (line.initiative, line.overdue, line.asked, line.stage) == (LIVE, 0, 1, "Retired")
    assert {task.kind for task in open_tasks(governance, moment, initiative=LIVE)} <= {"requirement"}
    kpis = {one.definition.id: one.value for one in governance_kpis(governance, moment, months=0)}
    assert kpis["in_policy"].n == 0, "what is retired is counted no more"
    decision = ask_gate(governance, LIVE, GATE, moment)
    assert [finding.message for finding in decision.findings] == ["It was retired on 2026-01-10"]
    refused(governance, Conflict, "is retired", lambda: deploy(governance, LIVE, 300))
    after = governance.moment(later(5 + 3700))
    assert not initiative_sheet(governance, after, initiative=LIVE).requirements


def test_a_use_case_is_taken_up_again_with_all_that_it_asks_for(governance: Governance) -> None:
    before = initiative_sheet(governance, governance.moment(later(4)), initiative=LIVE)
    step(governance, retire_initiative, RetireInitiative, HEAD, 5, **RETIRED)
    words = "was retired on 2026-01-10 already"
    refused(
        governance,
        Conflict,
        words,
        lambda: step(governance, retire_initiative, RetireInitiative, HEAD, 6, **RETIRED),
    )
    step(governance, reopen_initiative, ReopenInitiative, HEAD, 7, **RETIRED)
    sheet = initiative_sheet(governance, governance.moment(later(7)), initiative=LIVE)
    assert (sheet.stage, sheet.live, len(sheet.requirements)) == ("active", False, len(before.requirements))
    assert {s.due_on for s in sheet.requirements} == {s.due_on for s in before.requirements}
    deploy(governance, LIVE, 8)
    assert initiative_sheet(governance, governance.moment(later(8)), initiative=LIVE).live
    assert verify_record(governance).first_break is None


def answers_of(governance: Governance, day: float, **more: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    sheet = initiative_sheet(governance, governance.moment(later(day)), initiative=LIVE)
    return {**sheet.initiative.answers, **more}


def class_of(governance: Governance, day: float) -> str:
    return initiative_sheet(governance, governance.moment(later(day)), initiative=LIVE).initiative.class_id


NOTE = {"note": "The use has changed since."}


def test_answers_given_anew_that_raise_the_class_hold_at_once(governance: Governance) -> None:
    answers = answers_of(governance, 5, error_impact=("personal",))
    found = reassessment(governance, governance.moment(later(5)), initiative=LIVE, answers=answers)
    assert (found.before, found.after, found.lowers) == ("moderate", "high", False)
    assert found.added and found.lapsed == ("May go live",) and "May go live" in found.shut
    given = {"answers": answers, **NOTE}
    assert step(governance, reassess_initiative, ReassessInitiative, BUILDER, 5, **given) == ""
    assert class_of(governance, 5.1) == "high"
    after = initiative_sheet(governance, governance.moment(later(5.1)), initiative=LIVE)
    asked = {state.requirement.title for state in after.requirements}
    assert set(found.added) <= asked and not set(found.dropped) & asked
    assert {v.gate.title for v in after.gates if v.decision.is_open}.isdisjoint(found.shut), "as previewed"
    assert is_live(governance, LIVE, governance.moment(later(5.1))), (
        "what is in production is told, not stopped"
    )


def test_answers_given_anew_that_lower_the_class_take_a_second_person(governance: Governance) -> None:
    lighter = answers_of(governance, 5, availability=("ad_hoc",), consumers=("own_team",))
    given = {"answers": lighter, **NOTE}
    name = step(governance, reassess_initiative, ReassessInitiative, BUILDER, 5, **given)
    assert (name, class_of(governance, 5.1)) == ("C1", "moderate"), "a proposal changes nothing yet"
    refused(governance, Forbidden, "had a part in", lambda: agree(governance, name, 6, OWNER_WHO_DECIDES))
    agree(governance, name, 6)
    assert class_of(governance, 6.1) == "low"
    assert answers_of(governance, 6.1) == lighter


OWNER_WHO_DECIDES = OWNER.model_copy(update={"roles": (*OWNER.roles, "risk_audit", "head_of_risk")})


def test_a_review_of_the_class_falls_due_and_the_same_answers_settle_it(governance: Governance) -> None:
    def due(day: float) -> list[tuple[str, str]]:
        tasks = open_tasks(governance, governance.moment(later(day)), initiative=LIVE)
        return [(task.title, task.state) for task in tasks if task.kind == "class"]

    assert due(100) == []
    assert due(340) == [("Give the answers anew", "waiting")]
    assert due(400) == [("Give the answers anew", "overdue")]
    given = {"answers": answers_of(governance, 400), **NOTE}
    step(governance, reassess_initiative, ReassessInitiative, BUILDER, 400, **given)
    assert due(401) == []


def test_the_same_answers_again_move_no_deadline(governance: Governance) -> None:
    def due(day: float) -> dict[str, date]:
        moment = governance.moment(later(day))
        sheet = initiative_sheet(governance, moment, initiative=LIVE)
        lines = requirement_lines(governance.store, governance.policy(moment), moment)
        told = {s.requirement.id: s.due_on for s in sheet.requirements}
        assert told == {one.requirement: one.due_on for one in lines if one.initiative == LIVE}
        return told

    before = due(4)
    again = {"answers": answers_of(governance, 60), **NOTE}
    preview = reassessment(
        governance, governance.moment(later(60)), initiative=LIVE, answers=again["answers"]
    )
    assert (preview.before, preview.after) == ("moderate", "moderate")
    step(governance, reassess_initiative, ReassessInitiative, BUILDER, 60, **again)
    assert due(61) == before, "who is late stays late"
    stricter = answers_of(governance, 62, error_impact=("personal",))
    step(governance, reassess_initiative, ReassessInitiative, BUILDER, 62, answers=stricter, **NOTE)
    assert min(due(63).values()) > later(62).date(), "another class asks anew"


def test_a_class_that_has_to_be_confirmed_opens_no_gate_before(governance: Governance) -> None:
    text = without_predictions("confirmed").replace("confirmed: false", "confirmed: true")
    put_in_force(governance, text, 5)
    assert ask_gate(governance, LIVE, GATE, governance.moment(later(5.1))).is_open, "not asked for then"
    given = {"answers": answers_of(governance, 6), **NOTE}
    step(governance, reassess_initiative, ReassessInitiative, BUILDER, 6, **given)
    moment = governance.moment(later(6.1))
    decision = ask_gate(governance, LIVE, GATE, moment)
    assert [finding.message for finding in decision.findings] == ["Nobody has confirmed its class"]
    (line,) = (
        one for one in gate_lines(governance.store, governance.policy(moment), moment) if one.gate == GATE
    )
    assert (line.outcome, line.blockers) == ("blocked", 1)
    tasks = open_tasks(governance, moment, initiative=LIVE)
    assert "Confirm the class" in {task.title for task in tasks}

    def confirm(actor: Actor) -> None:
        step(governance, confirm_class, ConfirmClass, actor, 7, note="Read the answers again.")

    refused(governance, Forbidden, "may not confirm a class", lambda: confirm(BUILDER))
    for actor in (OWNER_WHO_DECIDES, BUILDER.model_copy(update={"roles": ("risk_audit",)})):
        refused(governance, Forbidden, "does not confirm it", partial(confirm, actor))
    confirm(SECOND)
    assert ask_gate(governance, LIVE, GATE, governance.moment(later(7.1))).is_open
    refused(governance, Conflict, "nobody has to confirm", lambda: confirm(THIRD))


def test_a_share_of_the_light_ones_is_drawn_by_nobody(governance: Governance) -> None:
    drawn_from = without_predictions("drawn").replace("drawn_percent: 0", "drawn_percent: 20")
    put_in_force(governance, drawn_from, 4.5)
    names = [f"Meal Sheet {place}" for place in range(40)]
    for place, name in enumerate(names):
        register(governance, name, heavy=False, day=5 + place / 100)
    waits = {c.initiative: waits for c, waits in reviews(governance.store, governance.moment(later(6)))}
    drawn = [name for name, what in waits.items() if what == "drawn"]
    assert 1 <= len(drawn) <= 20, "a fifth is expected"
    assert ask_gate(governance, drawn[0], GATE, governance.moment(later(6))).is_open, (
        "light use is not held up"
    )
    titles = {t.title for t in open_tasks(governance, governance.moment(later(6)), initiative=drawn[0])}
    assert "Look at the class, which was drawn" in titles
    looked = {"note": "Read the answers again.", "initiative": drawn[0]}
    step(governance, confirm_class, ConfirmClass, SECOND, 7, **looked)
    waits = {c.initiative: waits for c, waits in reviews(governance.store, governance.moment(later(7)))}
    assert waits[drawn[0]] == ""


def test_the_same_use_in_a_lighter_class_is_a_finding_that_keeps_its_gate_shut(
    governance: Governance,
) -> None:
    sheet = initiative_sheet(governance, governance.moment(later(4)), initiative=LIVE)
    light = register(governance, "Volume Sheet", heavy=False, day=5)
    assert ask_gate(governance, light, GATE, governance.moment(later(5))).is_open
    same = {"artifact_sha256": sheet.versions[0].artifact_sha256}
    version(governance, light, "1", day=6, **same)
    found = [f.title for f in findings_list(governance, governance.moment(later(6.1)), initiative=light)]
    assert found == [f"Same model file as {LIVE}, of class Moderate"]
    assert not ask_gate(governance, light, GATE, governance.moment(later(6.1))).is_open
    run_checks(governance, make(RunChecks, actor=BUILDER, at=later(7), initiative=light))
    assert len(findings_list(governance, governance.moment(later(7.1)), initiative=light)) == 1, "told once"
    words = {"purpose": sheet.initiative.purpose.replace("Forecast the", "Forecast"), "initiative": light}
    step(governance, amend_initiative, AmendInitiative, BUILDER, 8, **words)
    found = [f.title for f in findings_list(governance, governance.moment(later(8.1)), initiative=light)]
    assert f"Almost the same purpose as {LIVE}, of class Moderate" in found
    assert not findings_list(governance, governance.moment(later(9)), initiative=LIVE), (
        "the stricter is right"
    )


def test_a_closed_initiative_is_found_to_be_the_same_and_is_not_named(governance: Governance) -> None:
    purpose = initiative_sheet(governance, governance.moment(later(4)), initiative=LIVE).initiative.purpose
    amend_initiative(
        governance, make(AmendInitiative, actor=OWNER, at=later(5), initiative=LIVE, reading="restricted")
    )
    light = register(governance, "Volume Sheet", heavy=False, day=6)
    stranger = BUILDER.model_copy(update={"id": "somebody-else", "team": "Elsewhere"})
    assert LIVE not in {
        one.initiative
        for one in inventory(
            seen_by(governance, stranger, governance.present(later(6))), governance.moment(later(6))
        )
    }
    given = {"initiative": light, "purpose": purpose}
    reads = seen_by(governance, stranger, governance.present(later(7)))
    amend_initiative(reads, make(AmendInitiative, actor=BUILDER, at=later(7), **given))
    found = [f.title for f in findings_list(governance, governance.moment(later(8)), initiative=light)]
    assert found == ["Almost the same purpose as a closed initiative, of class Moderate"]


ALONE = {"reason": "The newest version refuses every customer since this morning.", "emergency": True}


def emergencies(governance: Governance, day: float) -> list[tuple[str, str, bool]]:
    found = findings_list(governance, governance.moment(later(day)), initiative=LIVE)
    return [(f.title, f.state, f.overdue) for f in found if f.check_id == "emergency"]


def test_one_person_deploys_in_an_emergency_for_days_and_leaves_a_finding(governance: Governance) -> None:
    put_forward_second(governance)
    words = "nothing is said of the emergency"
    refused(governance, Conflict, words, lambda: deploy(governance, LIVE, 6, "2", emergency=True))
    refused(governance, Forbidden, "act alone", lambda: deploy(governance, LIVE, 6, "2", BUILDER, **ALONE))
    deploy(governance, LIVE, 6, "2", **ALONE)
    assert ran(governance, 6.1) == [("1", "production", "replaced by version 2"), ("2", "production", "")]
    title = "Emergency: version 2 in production without the open gate"
    assert emergencies(governance, 6.1) == [(title, "open", False)]
    assert {
        line.initiative for line in inventory(governance, governance.moment(later(9)), status="live")
    } == {LIVE}
    assert not is_live(governance, LIVE, governance.moment(later(10)))
    assert not inventory(governance, governance.moment(later(10)), status="live"), "it has expired, for both"
    assert emergencies(governance, 10) == [(title, "open", True)]
    words = "nobody has agreed to the emergency of finding F1 yet"
    refused(governance, Conflict, words, lambda: deploy(governance, LIVE, 10, "1", **ALONE))
    (waits,) = proposals(governance, governance.moment(later(10)), open_only=True)
    refused(governance, Forbidden, "may not|had a part", lambda: agree(governance, waits.proposal, 11, OPS))
    agree(governance, waits.proposal, 11)
    assert emergencies(governance, 11.1) == [(title, "closed", False)]
    assert not is_live(governance, LIVE, governance.moment(later(11.1))), "agreeing opens no gate"


def test_what_an_emergency_put_there_stays_when_the_gate_is_open(governance: Governance) -> None:
    put_forward_second(governance)
    deploy(governance, LIVE, 6, "2", **ALONE)
    approve_later(governance)
    deploy(governance, LIVE, 7.5, "2")
    assert is_live(governance, LIVE, governance.moment(later(30)))
    assert ran(governance, 30)[-1] == ("2", "production", ""), "one time in production, since the emergency"


def test_one_person_lowers_a_class_in_an_emergency_for_days(governance: Governance) -> None:
    lower = {"class_id": "low", "justification": ALONE["reason"], "emergency": True}
    lower |= {"compensation": "Two analysts look at every answer."}
    asked = {"until": later(20).date(), **lower}
    words = "until 2026-01-13 at most"
    override = partial(step, governance, override_classification, OverrideClassification, VALIDATOR, 5)
    refused(governance, BadInput, words, lambda: override(**asked))
    override(**{**asked, "until": later(8).date()})
    assert (class_of(governance, 5.1), class_of(governance, 9)) == ("low", "moderate")
    assert emergencies(governance, 5.1) == [("Emergency: class Low", "open", False)]


def test_one_person_waives_in_an_emergency_for_days(governance: Governance) -> None:
    put_forward_second(governance)
    asked = {"measure": "model_documented", "until": later(60).date(), **ALONE}
    asked |= {"compensation": "Two analysts look at every answer."}
    business = BUSINESS.model_copy(update={"roles": ("business_stakeholder", "data_ops")})
    step(governance, request_waiver, RequestWaiver, business, 6, **asked)

    def status(day: float) -> set[str]:
        moment = governance.moment(later(day))
        sheet = initiative_sheet(governance, moment, initiative=LIVE)
        lines = requirement_lines(governance.store, governance.policy(moment), moment)
        told = {s.status.value for s in sheet.requirements if s.requirement.id == "model_documented"}
        assert told == {one.status for one in lines if one.requirement == "model_documented"}
        return told

    assert (status(6.1), status(9), status(10)) == ({"waived"}, {"waived"}, {"missing"})
    assert emergencies(governance, 6.1)[0][0].startswith("Emergency: waiver of")


TERMS = {"condition": "The second data source is checked.", "limits": "Not for loans of more than 10,000."}


def outcomes(governance: Governance, day: float) -> tuple[str, str]:
    """The gate as rules and as the query over the inventory have it; they agree."""
    moment = governance.moment(later(day))
    lines = gate_lines(governance.store, governance.policy(moment), moment)
    (line,) = (one for one in lines if (one.initiative, one.gate) == (LIVE, GATE))
    told = ask_gate(governance, LIVE, GATE, moment).outcome
    assert told == line.outcome
    return told, sign_off_views(governance, moment, initiative=LIVE)[0].status.value


def test_an_approval_on_a_condition_lapses_where_it_is_not_met_in_time(governance: Governance) -> None:
    prove(governance, LIVE, "model_documented", 4.5, "other-words")
    ask(governance, LIVE, GATE, 5)
    approve = partial(sign, governance, LIVE, GATE, 5.1, BUSINESS)
    words = "a condition needs a day"
    refused(governance, BadInput, words, lambda: approve(condition=TERMS["condition"]))
    refused(governance, BadInput, words, lambda: approve(**TERMS, condition_due=later(4).date()))
    given = {**TERMS, "condition_due": later(10).date()}
    refused(governance, BadInput, "no condition", lambda: approve(outcome="rejected", reason="No.", **given))
    approve(**given)
    assert outcomes(governance, 10) == ("open", "approved")
    (task,) = (
        t
        for t in open_tasks(governance, governance.moment(later(9)), initiative=LIVE)
        if "condition" in t.key
    )
    assert (task.due_on, task.title) == (later(10).date(), f"Meet the condition: {TERMS['condition']}")
    assert outcomes(governance, 11) == ("blocked", "lapsed")
    view = sign_off_views(governance, governance.moment(later(11)), initiative=LIVE)[0]
    assert view.lapses == (f"its condition was not met by {later(10).date()}: {TERMS['condition']}",)
    assert view.waiting[0].terms.endswith(f"Limits of use: {TERMS['limits']}")


def test_a_condition_is_met_by_the_word_of_somebody_who_had_no_part(governance: Governance) -> None:
    prove(governance, LIVE, "model_documented", 4.5, "other-words")
    ask(governance, LIVE, GATE, 5)
    sign(governance, LIVE, GATE, 5.1, BUSINESS, **TERMS, condition_due=later(10).date())
    said = {"gate": GATE, "signer": BUSINESS.id, "note": "Looked at both sources."}
    own = partial(step, governance, sign_offs.meet_condition, MeetCondition, OWNER_WHO_DECIDES, 6, **said)
    refused(governance, Forbidden, "owns, builds or registered", own)
    step(governance, sign_offs.meet_condition, MeetCondition, SECOND, 7, **said)
    assert outcomes(governance, 30) == ("open", "approved")
    again = partial(step, governance, sign_offs.meet_condition, MeetCondition, SECOND, 8, **said)
    refused(governance, NotFound, "waits for a condition", again)


POSITION = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
ELSEWHERE = POSITION.replace("      limit: 0.9\n", "      limit: 0.95\n", 1)
HERE = "limit: 0.85\n".join(POSITION.rsplit("limit: 0.8\n", 1))
"""The last domain is *other*, which LIVE is of."""


def agreed_position(governance: Governance, text: str, version: str, day: float, **more: Any) -> None:
    """What one proposes and another agrees to."""
    assert text != POSITION
    text = text.replace('version: "1.1"', f'version: "{version}"', 1)
    given = make(PublishEthics, actor=VALIDATOR, at=later(day), text=text, **more)
    agree(governance, publish_ethics(governance, given).proposal, day + 0.1)


def approved_within_the_limit(governance: Governance) -> None:
    """LIVE is asked for the check of the limit, which passes, and is approved so on day 5.1."""
    policy = yaml.safe_load(without_predictions("limited"))
    ladder = next(one for one in policy["considerations"] if one["id"] == "bias_testing")
    ladder["rungs"][0]["checks"] = ["bias_limit"]
    without = ["spreadsheet_or_query", "language_model_application", "agent"]
    ladder["rungs"][0]["proofs"] = [
        {"kinds": without, "guide": "Name them.", "evidence": "the list of groups"}
    ]
    put_in_force(governance, yaml.safe_dump(policy, sort_keys=False), 4.2)
    seen = {"check_id": "bias_limit", "verdict": "pass", "first_try": True, "message": "", "remedy": ""}
    run = CheckRun(initiative=LIVE, version="1", **seen)  # type: ignore[arg-type]
    governance.store.append([entry_of("check_run", run)], actor=BUILDER.id, at=later(4.3))
    ask(governance, LIVE, GATE, 5)
    sign(governance, LIVE, GATE, 5.1, BUSINESS)
    assert outcomes(governance, 5.2) == ("open", "approved")


def test_an_approval_lapses_where_the_ethical_limit_it_rested_on_moves(governance: Governance) -> None:
    approved_within_the_limit(governance)
    agreed_position(governance, ELSEWHERE, "1.2", 6)
    assert outcomes(governance, 6.5) == ("open", "approved"), "the limit of another domain"
    agreed_position(governance, HERE, "1.3", 7, holds_from=later(9).date())
    assert outcomes(governance, 8.5) == ("open", "approved"), "it holds from a later day"
    assert outcomes(governance, 9) == ("blocked", "lapsed")
    view = sign_off_views(governance, governance.moment(later(9)), initiative=LIVE)[0]
    (why,) = view.lapses
    assert why.startswith("the ethical limit moved: now the lowest selection rate is at least 0.85 of the")
    assert "signed was the lowest selection rate is at least 0.8 of the highest" in why
    assert any("The ethical limit moved" in told for told in view.changed)
    ask(governance, LIVE, GATE, 10)
    sign(governance, LIVE, GATE, 10.1, BUSINESS)
    assert outcomes(governance, 11) == ("open", "approved")
    assert verify_record(governance).first_break is None


def test_an_approval_that_rested_on_no_limit_outlives_another_position(governance: Governance) -> None:
    prove(governance, LIVE, "model_documented", 4.5, "other-words")
    ask(governance, LIVE, GATE, 5)
    sign(governance, LIVE, GATE, 5.1, BUSINESS)
    agreed_position(governance, HERE, "1.2", 6)
    assert outcomes(governance, 7) == ("open", "approved"), "its class is asked for no check of a limit"


def test_what_was_live_by_an_answer_of_the_gate_stays_live_since_then(governance: Governance) -> None:
    """As a store from before deployments were acts holds it."""
    row = {"initiative": "old-use", "version": None, "gate": GATE, "findings": "[]"}
    row |= {"policy_version": governance.policy(governance.moment(later(4))).version, "makes_live": None}
    for outcome, day in (("open", 5), ("open", 6), ("blocked", 8)):
        fact = Fact("gate_decided", "old-use", "decision", ({**row, "outcome": outcome},))
        governance.store.append([fact], actor=BUILDER.id, at=later(day))
    known = stands(governance, "old-use", governance.moment(later(7)))
    assert known.in_production is not None
    assert known.in_production.since == later(5).replace(tzinfo=None)
    assert not is_live(governance, "old-use", governance.moment(later(8.1)))
    assert verify_record(governance).first_break is None
