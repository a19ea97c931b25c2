"""Rules have a day: deadlines are judged by those of their day, and what is to come is foreseen and kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from core.domain.commands import DraftPolicy, PublishPolicy, ReviewPolicy, make
from core.domain.errors import BadInput
from core.domain.facts.rules import PublishedPolicy, in_force, successive
from core.domain.process.commands import DecideWaiver, RequestWaiver, RetireInitiative
from core.lake.process.inventory import requirement_lines
from core.services.governance import Governance
from core.services.oversight.kpis import governance_kpis, team_standings
from core.services.process.findings import decide_waiver, request_waiver
from core.services.process.initiatives import initiative_sheet, retire_initiative
from core.services.rules.policies import draft_policy, publish_policy
from core.services.rules.previews import Preview, compare_policy, preview_policy, review_policy
from core.services.use_case import Call
from core.services.use_cases import run_use_case
from core.services.work.tasks import open_tasks
from tests.conftest import ADMIN, BUILDER, OWNER, VALIDATOR, later, register
from tests.process import HEAD, on, prove, put_in_force, seat_signers, version, without_predictions

OLD = without_predictions("old")


def changed(**parts: Any) -> str:
    """The lenient policy as version `new`, with another due day, matrix cell, threshold or transition."""
    policy = yaml.safe_load(OLD)
    policy["version"] = "new"
    for risk_class in policy["classes"]:
        risk_class["transition_days"] = parts.get("transition", 30)
        risk_class["from_score"] = parts.get("scores", {}).get(risk_class["id"], risk_class["from_score"])
    for ladder in policy["considerations"]:
        for rung in ladder["rungs"]:
            rung.update(parts.get("rungs", {}).get(rung["id"], {}))
    for class_id, cells in parts.get("matrix", {}).items():
        policy["matrix"][class_id].update(cells)
    policy |= parts.get("whole", {})
    return yaml.safe_dump(policy, sort_keys=False)


STRICTER = changed(matrix={"very_high": {"explainability": 3, "monitoring": 4}})
REPLACED = {"readable_by_design": "attributions_reviewed", "nightly_retraining": "live_alerts"}
"""What it asks for -> what was asked in its place."""


@pytest.fixture
def filled(governance: Governance) -> Governance:
    """Three initiatives of the strictest class, one of them with a version, some things proved."""
    seat_signers(governance)
    put_in_force(governance, OLD)
    for name in ("Card Limit Advice", "Loan Price Advice", "Claims Triage Advice"):
        initiative = register(governance, name)
        prove(governance, initiative, "purpose_and_personal_data", 3)
    version(governance, initiative)
    prove(governance, initiative, "column_lineage", 4)
    return governance


def published(governance: Governance, text: str, day: float, holds_from: date | None = None) -> Preview:
    """Draft, approve and publish a policy; what was foreseen when it was drafted."""
    at = later(day)
    draft = draft_policy(
        governance,
        make(DraftPolicy, actor=VALIDATOR, at=at, text=text, name="new.yaml", holds_from=holds_from),
    )
    foreseen = preview_policy(governance, governance.moment(at), draft=draft)
    note = "Read it and its preview."
    review_policy(
        governance, make(ReviewPolicy, actor=ADMIN, at=at, draft=draft, outcome="approved", note=note)
    )
    publish_policy(governance, make(PublishPolicy, actor=VALIDATOR, at=at, draft=draft))
    return foreseen


def figures(governance: Governance, day: date) -> dict[str, float | None]:
    """Every KPI on a day, by what is on record at the newest entry."""
    moment = governance.present(later(0))
    moment = moment.ahead(day) if day > moment.day else governance.moment(moment.ahead(day).at)
    return {kpi.definition.id: kpi.value.value for kpi in governance_kpis(governance, moment, months=0)}


def overdue(governance: Governance, day: date) -> set[tuple[str, str]]:
    moment = governance.present(later(0)).ahead(day)
    lines = requirement_lines(governance.store, governance.policy(moment), moment)
    return {(line.initiative, line.requirement) for line in lines if line.overdue}


@pytest.mark.parametrize("today", [10, 50, 80])
def test_a_stricter_policy_from_next_month_changes_no_kpi_of_today(filled: Governance, today: float) -> None:
    before = {day: figures(filled, on(day)) for day in (5, today)}
    published(filled, STRICTER, today, on(today + 30))
    assert {day: figures(filled, on(day)) for day in (5, today)} == before
    assert filled.policy(filled.present(later(today))).version == "old"
    assert filled.policy(filled.present(later(today)).ahead(on(today + 30))).version == "new"


@pytest.mark.parametrize("today", [10, 50, 80])
def test_nobody_is_late_for_what_was_not_asked_before_its_transition_ends(
    filled: Governance, today: float
) -> None:
    late = {days: overdue(filled, on(today + days)) for days in (29, 30, 60)}
    published(filled, STRICTER, today, on(today + 30))
    assert overdue(filled, on(today + 29)) == late[29]
    for days in (30, 60):
        came = {(name, REPLACED.get(asked, asked)) for name, asked in overdue(filled, on(today + days))}
        assert came == late[days], "the same people, by what was asked of them before"
    assert "readable_by_design" in {asked for _, asked in overdue(filled, on(today + 61))}


@pytest.mark.parametrize("today", [10, 50])
@pytest.mark.parametrize("ahead", [0, 30])
def test_the_previews_numbers_are_those_that_come(filled: Governance, today: float, ahead: int) -> None:
    day = on(today + ahead)
    foreseen = published(filled, STRICTER, today, day if ahead else None)
    assert (foreseen.holds_from, foreseen.settled_on) == (day, day + timedelta(days=31))
    for came in (day, foreseen.settled_on):
        told = {kpi.kpi: kpi.after for kpi in foreseen.kpis if kpi.day == came}
        assert told == figures(filled, came), "asked ahead"
    # The clock moves: somebody does something unimportant, and the day is there.
    register(replace(filled), "Other One", heavy=False)
    late = {name for name, _ in overdue(filled, foreseen.settled_on)}
    assert len(late) == foreseen.settled.out_after
    moment = filled.present(later(0)).ahead(foreseen.settled_on)
    ranks = {line.team: line.rank for line in team_standings(filled, moment, measure="deadlines_met_rate")}
    assert all(ranks[change.team] == change.after for change in foreseen.ranks)
    work = {row.requirement: row.initiatives for row in foreseen.work}
    assert work["readable_by_design"] == 3
    assert foreseen.effort_days > 0


def test_what_was_foreseen_is_kept_and_not_compared_with_itself(filled: Governance) -> None:
    foreseen = published(filled, STRICTER, 10)
    afterwards = filled.present(later(90))
    kept = preview_policy(filled, afterwards, draft="P1")
    assert len(kept.sealed) == 64
    assert replace(kept, sealed="") == foreseen
    compared = compare_policy(filled, afterwards, draft="P1")
    assert (compared.before, compared.after) == ("old", "new")
    assert compared.changes


def test_who_was_late_by_the_rules_of_then_still_is_until_that_is_met(filled: Governance) -> None:
    """A stricter rung in place of one that is overdue forgives nothing, and asks for no more than it did."""
    name, late = "claims-triage-advice", ("claims-triage-advice", "readable_by_design")
    published(filled, changed(matrix={"very_high": {"explainability": 3}}, transition=200), 60)
    assert late in overdue(filled, on(61))
    assert due(filled, 61, name)["readable_by_design"] == on(3 + 45), "since then"
    prove(filled, name, "attributions_reviewed", 62)
    assert late not in overdue(filled, on(63))
    assert late in overdue(filled, on(60 + 201))


def due(governance: Governance, day: float, initiative: str) -> dict[str, date]:
    """Requirement of an initiative -> its due day, as of a day."""
    moment = governance.present(later(day))
    lines = requirement_lines(governance.store, governance.policy(moment), moment)
    return {line.requirement: line.due_on for line in lines if line.initiative == initiative}


def test_shorter_days_hold_from_the_end_of_the_transition_at_the_earliest(filled: Governance) -> None:
    before = due(filled, 5, "card-limit-advice")["column_lineage"]
    published(filled, changed(rungs={"column_lineage": {"due_days": 3}}, transition=10), 6)
    assert due(filled, 7, "card-limit-advice")["column_lineage"] == min(before, on(16))


STRICTER_WAIVERS = [
    changed(whole={"waivers": []}, transition=10),
    changed(whole={"waivers": [
        {"class_id": class_id, "approvers": ["head_of_risk"], "max_days": 20}
        for class_id in ("low", "moderate", "high", "very_high")
    ]}, transition=10),
    changed(rungs={"column_lineage": {"waivable": False}}, transition=10),
]  # fmt: skip


@pytest.mark.parametrize("stricter", STRICTER_WAIVERS, ids=["nobody", "shorter", "not waivable"])
@pytest.mark.parametrize("again", [False, True])
def test_a_waiver_is_judged_by_the_rules_of_its_day_until_the_transition_ends(
    filled: Governance, stricter: str, again: bool
) -> None:
    name = "card-limit-advice"
    asked = {"initiative": name, "measure": "column_lineage", "until": on(65), "reason": "The source is new."}
    asked |= {"compensation": "Two analysts look at every answer."}
    waiver = request_waiver(filled, make(RequestWaiver, actor=OWNER, at=later(10), **asked))
    given = {"initiative": name, "waiver": waiver, "outcome": "granted", "note": "Granted once."}
    decide_waiver(filled, make(DecideWaiver, actor=HEAD, at=later(10), **given))
    published(filled, stricter, 40)
    if again:
        published(filled, stricter.replace("version: new", "version: newer"), 45)
    last = 50
    for day in (39, 40, 41, 46, last, last + 1):
        moment = filled.present(later(0)).ahead(on(day)) if day > 45 else filled.moment(later(day + 0.5))
        known = initiative_sheet(filled, moment, initiative=name).requirements
        (told,) = (one for one in known if one.requirement.id == "column_lineage")
        assert told.satisfied == (day <= last), day
        assert told.overdue == (day > last)
        lines = requirement_lines(filled.store, filled.policy(moment), moment)
        (line,) = (one for one in lines if (one.initiative, one.requirement) == (name, "column_lineage"))
        assert (line.status, line.expires_on) == (told.status.value, told.expires_on)


def test_a_retired_use_case_leaves_what_it_missed_in_the_figures(filled: Governance) -> None:
    def figure(day: float) -> tuple[float | None, int]:
        kpis = governance_kpis(filled, filled.present(later(0)).ahead(on(day)), months=0)
        (value,) = (kpi.value for kpi in kpis if kpi.definition.id == "deadlines_met")
        return value.numerator, value.n

    before, then = figure(60), figure(100)
    assert before[1] > (before[0] or 0), "something was missed"
    retired = {"initiative": "card-limit-advice", "reason": "Nobody asks for it any more."}
    retire_initiative(filled, make(RetireInitiative, actor=HEAD, at=later(60), **retired))
    assert figure(60) == before, "what was missed while it was active stays"
    assert figure(100)[1] < then[1], "what would have fallen due later does not"


def test_thresholds_that_move_make_tasks_and_move_nobody(filled: Governance) -> None:
    published(filled, changed(scores={"very_high": 60}), 10, on(20))
    moment = filled.present(later(10))
    assert not [task for task in open_tasks(filled, moment) if task.kind == "class"]
    ahead = moment.ahead(on(20))
    tasks = [task for task in open_tasks(filled, ahead) if task.kind == "class"]
    assert {task.initiative for task in tasks} == {
        "card-limit-advice", "loan-price-advice", "claims-triage-advice",
    }  # fmt: skip
    assert {(task.due_on, task.routes.responsible) for task in tasks} == {(on(50), (OWNER.id,))}
    lines = requirement_lines(filled.store, filled.policy(ahead), ahead)
    assert {line.class_id for line in lines} == {"very_high"}


def test_a_day_to_come_is_answered_by_what_is_on_record_now(filled: Governance) -> None:
    call = Call(filled, BUILDER, later(10))
    now = run_use_case(call, "list_tasks", {})
    then = run_use_case(call, "list_tasks", {"as_of": str(on(200))})
    assert not any(task["state"] == "overdue" for task in now["tasks"])
    assert any(task["state"] == "overdue" for task in then["tasks"])
    with pytest.raises(BadInput, match="too far ahead"):
        run_use_case(call, "list_tasks", {"as_of": "2099-01-01"})
    auditor = Call(filled, VALIDATOR, later(10))
    with pytest.raises(BadInput, match="lies in the future"):
        run_use_case(auditor, "export_audit_pack", {"initiative": "all", "as_of": str(on(20))})


def test_rules_are_not_made_for_days_that_have_passed(filled: Governance) -> None:
    with pytest.raises(BadInput, match="rules hold from today at the earliest"):
        published(filled, STRICTER, 10, on(9))


def test_of_what_was_published_the_newest_whose_day_has_come_holds() -> None:
    def rules(seq: int, day: int, holds_from: int | None = None) -> PublishedPolicy:
        when = on(holds_from) if holds_from else None
        at = later(day).replace(tzinfo=None)
        return PublishedPolicy(
            seq=seq, recorded_at=at, version=str(seq), title="", sha256="", text="", holds_from=when
        )

    said = (rules(1, 0), rules(2, 5, 30), rules(3, 6, 20), rules(4, 7), rules(5, 40))
    assert [one.version for one in successive(said)] == ["1", "4", "5"], "the newest took their place"
    assert [one.version for one in successive(said[:3])] == ["1", "3"]
    for day in range(50):
        found, held = in_force(said, on(day)), [one for one in successive(said) if one.since <= on(day)]
        assert found == held[-1]
