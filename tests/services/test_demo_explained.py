"""The demo's explanation and business KPIs, real and whole; and that it uses all that governs it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT
from core.domain.facts.process import ClassConfirmation, Classification, Finding, Initiative
from core.domain.facts.rules import PublishedPolicy
from core.ground import Verdict
from core.lake.facts import history, newest
from core.lake.store import open_store
from core.services.case import EMERGENCY
from core.services.governance import Governance, wire
from core.services.measured.business_kpi import business_kpis, promised_kpis
from core.services.measured.explanation_view import (
    explained_prediction,
    explanation_report,
    groups_apart,
    notable_rows,
)
from core.services.measured.explanations import check_attributions
from core.services.models.versions import version_history
from core.services.process.classification import SENTENCE
from core.services.process.findings import findings_list
from core.services.process.initiatives import inventory
from core.services.record.proposals import proposals
from core.services.rules.policies import policy_drafts
from core.services.rules.previews import preview_policy
from tests.demo_store import MOMENT

CENSUS = {"initiative": "employment-from-census-answers", "version": "2"}


@pytest.fixture(scope="module")
def demo(whole_demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    copy = shutil.copytree(whole_demo_folder, tmp_path_factory.mktemp("explained") / "store")
    governance = wire(open_store(copy), PROJECT / "config")
    yield governance
    governance.close()


def test_the_census_model_is_explained_down_to_single_rows(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    report = explanation_report(demo, moment, **CENSUS)
    assert report.origin == "computed" and report.rows >= 2000
    assert report.additivity_gap is not None and report.additivity_gap <= 1e-6
    assert report.features[0].feature == "age"
    row = notable_rows(demo, moment, **CENSUS)[0]
    why = explained_prediction(demo, moment, **CENSUS, row=row.row_id)
    assert why.score is not None and why.waterfall.output == pytest.approx(why.score, abs=1e-9)
    apart = groups_apart(demo, moment, **CENSUS, by="sex")
    assert apart.gap.features[0].feature == "sex"
    assert apart.gap.additivity_gap is not None and apart.gap.additivity_gap <= 1e-6
    found = check_attributions(demo, CENSUS["initiative"], CENSUS["version"], moment)
    assert found.verdict is Verdict.PASS


def test_business_kpis_stand_in_every_way_and_one_was_corrected_and_one_revised(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    lines = promised_kpis(demo, moment)
    observed = [line for line in lines if line.course]
    assert len(observed) >= 3
    assert {"achieved", "behind", "missed", "cannot_tell"} <= {line.achieved.standing for line in lines}
    (churn,) = business_kpis(demo, moment, initiative="churn-call-list")
    assert sum(not one.counts for one in churn.observations) == 1
    (limit,) = business_kpis(demo, moment, initiative="card-limit-increase")
    assert len(limit.revisions) == 2


def test_one_use_case_is_retired_and_one_was_answered_anew(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    (retired,) = inventory(demo, moment, status="retired")
    assert (retired.overdue, retired.live) == (0, False)
    said = history(demo.store, Initiative, moment, "postcode-mailing-sheet")
    assert len({one.answers for one in said}) == 2
    classes = history(demo.store, Classification, moment, "postcode-mailing-sheet")
    assert [one.class_id for one in classes] == ["low", "moderate"]


def test_classes_that_were_lowered_end_and_say_what_is_done_instead(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    order, people = demo.policy(moment).class_order, {person.id: person for person in demo.people()}
    lowered = [
        one
        for one in newest(demo.store, Classification, moment)
        if order[one.class_id] < order[one.computed_class_id]
    ]
    assert {line.initiative for line in inventory(demo, moment) if line.answers_class_id} >= {
        one.initiative for one in lowered
    }
    assert lowered
    for one in lowered:
        assert one.until is not None
        assert one.until > moment.day
        assert len(one.compensation) >= SENTENCE
        rule = demo.policy(moment).waiver_rule(one.computed_class_id)
        assert rule is not None
        assert set(people[one.actor].roles) & set(rule.approvers), "agreed to by who could waive it"
    agreed = [one for one in proposals(demo, moment) if one.act == "override_classification"]
    assert all((one.state, one.actor != one.proposed_by) == ("agreed", True) for one in agreed)


def test_an_emergency_left_a_finding_to_which_a_second_person_agreed(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    (found,) = (one for one in findings_list(demo, moment) if one.check_id == EMERGENCY)
    assert (found.state, found.actor != found.owner) == ("closed", True)
    (answered,) = (one for one in proposals(demo, moment) if one.act == "verify_finding")
    assert (answered.state, answered.about) == ("agreed", found.initiative)
    raised = history(demo.store, Finding, moment, found.initiative)[0].recorded_at
    runs = version_history(demo, moment, initiative=found.initiative)
    (alone,) = (run for run in runs if run.since == raised)
    (before,) = (run for run in runs if run.ended_at == raised)
    assert alone.version < before.version, "back to an older one, and not for good"
    assert alone.ended_at is not None


def test_a_policy_with_a_day_ahead_was_approved_on_a_preview_that_is_kept(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    first, coming = history(demo.store, PublishedPolicy, moment)
    assert (demo.policy(moment).version, coming.since > moment.day) == (first.version, True)
    assert 50 <= (coming.since - coming.recorded_at.date()).days <= 62, "two months"
    assert demo.policy(moment.ahead(coming.since)).version == coming.version
    (draft,) = (one for one in policy_drafts(demo, moment) if one.version == coming.version)
    assert draft.first_day == coming.since
    seen = preview_policy(demo, moment, draft=draft.draft)
    assert (len(seen.sealed), seen.holds_from) == (64, coming.since)
    assert seen.work


def test_some_light_ones_were_drawn_and_looked_at_by_somebody_else(demo: Governance) -> None:
    moment = demo.moment(MOMENT)
    seen = [one for one in newest(demo.store, ClassConfirmation, moment) if one.class_id == "low"]
    assert seen
    for one in seen:
        (classified,) = (
            held
            for held in history(demo.store, Classification, moment, one.initiative)
            if held.seq == one.classified_seq
        )
        assert (classified.review_percent, classified.actor != one.actor) == (20, True)
