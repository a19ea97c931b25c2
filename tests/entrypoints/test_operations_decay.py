"""Decay for programs: the same numbers as the page, and refusals in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.domain.errors import BadInput, NotFound
from core.entrypoints.reports.measured import show_decay
from core.ground import Verdict
from core.services.governance import Governance
from core.services.measured.decay import check_decay_alert, decay_report
from core.services.measured.decay_groups import decay_groups
from core.services.measured.monitoring import worth_of
from core.services.measured.slice_batches import monitored_versions
from core.services.use_case import Call
from core.services.use_cases import run_use_case
from tests.conftest import BUILDER, later, register
from tests.portal.test_decay_page import accuracy_alone, divided
from tests.portal.test_pages_oversight import give_predictions, give_version

__all__ = ["accuracy_alone", "divided"]
ONE = {"initiative": "card-limit-advice", "version": "1"}


def run(governance: Governance, name: str, **values: Any) -> Any:
    return run_use_case(Call(governance, BUILDER, later(60)), name, {**ONE, **values})


def test_json_carries_the_numbers_of_the_page(
    divided: Governance, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(divided, "decay_report", by=["team"])
    moment = divided.moment(later(60))
    view = decay_report(divided, moment, **ONE)
    groups = decay_groups(divided, moment, **ONE, by="team")
    assert found["trust"]["verdict"] == view.trusted == "fail"
    assert [r["id"] for r in found["trust"]["reasons"]] == [reason.id for reason in view.reasons]
    assert (found["worse"], found["alerts"]) == (view.worse, view.alerts)
    assert [group["label"] for group in found["groups"]] == [group.label for group in groups.groups]
    assert [g["room_used"] for g in found["groups"]] == [group.room_used for group in groups.groups]
    assert found["decays_first"] == [group.label for group in groups.first]
    assert found["past_estimates"]["coverage"] == 1.0
    assert (found["by"], found["by_choices"]) == ("team", ["team"])
    show_decay(found)
    said = capsys.readouterr().out
    assert "Decays first: :green-badge[North] <b>x</b>." in said
    assert "cannot tell" in said
    show_decay(run(divided, "decay_report"))
    assert "are different (NannyML's two-sided alert)" in capsys.readouterr().out


def test_a_refresh_of_one_metric_leaves_the_version_readable_and_the_check_undecided(
    accuracy_alone: Governance, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(accuracy_alone, "decay_report", by=["team"])
    assert (found["metric"], found["metrics"], found["unestimated"]) == ("accuracy", ["accuracy"], "roc_auc")
    assert [group["label"] for group in found["groups"]] == ["late"]
    show_decay(found)
    said = capsys.readouterr().out
    assert said.startswith("Accuracy, estimated by CBPE: card-limit-advice version 1\n")
    assert "The decay check looks at ROC AUC, which the newest refresh left out: it cannot tell." in said

    moment, before = accuracy_alone.moment(later(60)), accuracy_alone.moment(later(6.5))
    (version,) = monitored_versions(accuracy_alone, moment)
    assert version.estimated and version.worse, "by the metric that is shown"
    checked = check_decay_alert(accuracy_alone, ONE["initiative"], "1", moment)
    assert checked.verdict is Verdict.CANNOT_TELL, "no other metric stands in for the one that counts"
    assert checked.message == "ROC AUC is not among the newest estimates of this model version"
    assert check_decay_alert(accuracy_alone, ONE["initiative"], "1", before).verdict is Verdict.FAIL
    assert decay_report(accuracy_alone, before, **ONE).unestimated is None
    with pytest.raises(NotFound, match="no estimates of 'roc_auc'") as refusal:
        run(accuracy_alone, "decay_report", metric="roc_auc")
    assert refusal.value.remedy == "Use: accuracy."


def test_predictions_that_were_never_estimated_are_said_to_be_so(
    governance: Governance, tmp_path: Path
) -> None:
    register(governance)
    give_version(governance, ONE["initiative"])
    moment = governance.moment(later(4))
    said = check_decay_alert(governance, ONE["initiative"], "1", moment).message
    assert said == "this model version has no prediction batch"
    give_predictions(governance, ONE["initiative"], tmp_path / "rows.parquet")
    checked = check_decay_alert(governance, ONE["initiative"], "1", governance.moment(later(6)))
    assert checked.verdict is Verdict.CANNOT_TELL
    assert checked.message == "ROC AUC is not among the newest estimates of this model version"


def test_what_was_not_divided_says_how_to(divided: Governance) -> None:
    with pytest.raises(NotFound, match="no estimates by 'shoe_size'") as refusal:
        run(divided, "decay_report", by=["shoe_size"])
    assert "team" in refusal.value.remedy


def test_outcomes_are_fetched_from_the_stores_own_folder_only(divided: Governance) -> None:
    with pytest.raises(BadInput, match="named by its file name alone"):
        run(divided, "add_outcomes", incoming="../outcomes.csv")
    with pytest.raises(NotFound, match=r"'outcomes.csv' does not lie there"):
        run(divided, "add_outcomes", incoming="outcomes.csv")


def test_the_worth_of_outcomes_is_a_table_of_numbers() -> None:
    assert worth_of(["1,-5;-3,10"]) == [[1.0, -5.0], [-3.0, 10.0]]
    with pytest.raises(BadInput, match="no table of numbers"):
        worth_of(["much"])
