"""The decay check on a store: what came true first, then estimates as far as they can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.analytics.decay.estimates import EstimatedChunk
from core.domain.commands import make
from core.domain.policy.checks import CheckResult
from core.entrypoints.reports.measured import show_decay
from core.services.case import registered
from core.services.governance import Governance
from core.services.measured.decay import check_decay_alert, decay_report
from core.services.measured.monitoring import (
    RecordEstimates,
    RefreshMonitoring,
    record_estimates,
    refresh_monitoring,
)
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.measured.slice_batches import monitored_versions
from core.services.record.entries import verify_record
from core.services.use_case import Call
from core.services.use_cases import run_use_case
from tests.conftest import ADMIN, BUILDER, later, register
from tests.portal.test_decay_page import RUN
from tests.portal.test_pages_oversight import PARTS, chunk, give_predictions, give_version

ONE = {"initiative": "card-limit-advice", "version": "1"}
GOOD_RUN = replace(RUN, calibration_error=0.01)
Change = Callable[[EstimatedChunk], EstimatedChunk]


@pytest.fixture
def modelled(governance: Governance, tmp_path: Path) -> Governance:
    register(governance)
    give_version(governance, ONE["initiative"])
    give_predictions(governance, ONE["initiative"], tmp_path / "rows.parquet")
    return governance


def refreshed(governance: Governance, change: Change, *, metrics: tuple[str, ...] = ("roc_auc",)) -> None:
    """Six chunks of each part, each as estimated (0.9, threshold 0.85) unless `change` says otherwise."""
    plain = [
        replace(chunk(metric, part, 0, 0.0), chunk=place, sampling_error=0.006)
        for metric in metrics
        for part in PARTS
        for place in range(6)
    ]
    record_estimates(
        governance,
        RecordEstimates(actor=BUILDER, at=later(6), **ONE, chunks=tuple(map(change, plain)), run=GOOD_RUN),
    )


def later_chunks(**values: Any) -> Change:
    """What chunks after the reference are, from number `since` on."""
    since = values.pop("since", 0)

    def change(one: EstimatedChunk) -> EstimatedChunk:
        return replace(one, **values) if one.part == "analysis" and one.chunk >= since else one

    return change


def checked(governance: Governance) -> CheckResult:
    return check_decay_alert(governance, ONE["initiative"], "1", governance.moment(later(60)))


def test_what_came_true_is_held_before_any_estimate(
    modelled: Governance, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # as wide as into a pipe, wherever the tests run
    refreshed(modelled, later_chunks(realised=0.6, since=3))
    found = checked(modelled)
    assert (found.verdict.value, found.observed, found.limit) == ("fail", 0.6, 0.85)
    assert found.message.startswith(
        "realised ROC AUC is worse than its threshold in the newest chunk with outcomes: 0.6 against 0.85"
    )
    (version,) = monitored_versions(modelled, modelled.moment(later(60)))
    assert version.worse, "the list says so too"
    told = run_use_case(Call(modelled, BUILDER, later(60)), "decay_report", ONE)
    assert [one["realised_worse"] for one in told["chunks"]] == [False] * 9 + [True] * 3
    assert (told["worse"], told["realised_worse"], told["trust"]["verdict"]) == (0, 3, "fail")
    show_decay(told)
    said = capsys.readouterr().out
    assert said.count("realised worse") == 3
    assert "Realised: 3 of 6 chunks with outcomes came true worse. Estimated: 0 chunks are worse" in said
    assert "Trust, by a binomial test of the chunks outside the band: fail, as " in said


def test_a_newer_estimate_passes_by_trust_alone(modelled: Governance) -> None:
    refreshed(modelled, later_chunks(realised=None, since=4))
    assert checked(modelled).verdict.value == "pass"


def test_a_newer_estimate_within_cannot_tell_where_past_ones_missed(modelled: Governance) -> None:
    def missed(one: EstimatedChunk) -> EstimatedChunk:
        if one.part == "analysis" and one.chunk >= 4:
            return replace(one, realised=None)
        return replace(one, realised=0.8601) if one.part == "analysis" else one

    refreshed(modelled, missed)
    found = checked(modelled)
    assert found.verdict.value == "cannot_tell"
    assert "the estimates cannot be trusted (by a binomial test" in found.message
    assert found.remedy.startswith("Add outcomes")


def test_a_newer_estimate_that_is_worse_fails_unless_it_is_known_to_be_wrong(modelled: Governance) -> None:
    worse = later_chunks(estimate=0.7, worse=True, alert=True, realised=None, since=5)
    refreshed(modelled, worse)
    assert checked(modelled).verdict.value == "fail"
    assert monitored_versions(modelled, modelled.moment(later(60)))[0].worse
    refreshed(modelled, lambda one: worse(replace(one, realised=one.chunk % 2 * 0.03 + 0.87)))
    found = checked(modelled)
    assert (found.verdict.value, found.observed) == ("cannot_tell", 0.7)


def test_another_metric_that_missed_withdraws_the_trust_from_all(modelled: Governance) -> None:
    def missed(one: EstimatedChunk) -> EstimatedChunk:
        of_accuracy = one.metric == "accuracy" and one.part == "reference"
        known = replace(one, realised=0.86) if of_accuracy and one.chunk > 3 else one
        return later_chunks(realised=None)(known)

    refreshed(modelled, missed, metrics=("roc_auc", "accuracy"))
    view = decay_report(modelled, modelled.moment(later(60)), **ONE)
    assert (view.metric.id, view.trust.verdict, view.trusted) == ("roc_auc", "pass", "fail")
    assert decay_report(modelled, modelled.moment(later(60)), **ONE, metric="accuracy").trusted == "fail"
    assert (
        "more chunks of Accuracy came true outside the band than chance brings" in checked(modelled).message
    )


def test_an_error_that_came_true_larger_than_its_threshold_is_worse(modelled: Governance) -> None:
    def error(one: EstimatedChunk) -> EstimatedChunk:
        limits: dict[str, Any] = {"lower_threshold": 0.3, "upper_threshold": 0.45}
        known = replace(one, estimate=0.4, realised=0.4, worse=False, **limits)
        return later_chunks(realised=5.0, since=5)(known)

    refreshed(modelled, error, metrics=("mae",))
    (version,) = monitored_versions(modelled, modelled.moment(later(60)))
    view = decay_report(modelled, modelled.moment(later(60)), **ONE)
    assert (version.worse, view.worse, view.realised_worse) == (True, 0, 1)


def test_a_few_early_outcomes_are_not_what_came_true(modelled: Governance) -> None:
    few = later_chunks(realised=0.1, labelled_rows=4, since=5)
    refreshed(modelled, few)
    assert decay_report(modelled, modelled.moment(later(60)), **ONE).known == 5
    assert checked(modelled).verdict.value == "pass"
    refreshed(modelled, lambda one: replace(few(one), labelled_rows=5))
    assert checked(modelled).verdict.value == "fail"


def test_a_relation_that_changed_fails_by_what_came_true(governance: Governance, tmp_path: Path) -> None:
    """Outcomes of the second half of the analysis are drawn from another P(y|x): no estimate can see it."""
    rng = np.random.default_rng(7)
    register(governance)
    give_version(governance, ONE["initiative"])
    for part in PARTS:
        scores = np.round(rng.random(6_000), 4)
        changed = (np.arange(6_000) >= 3_000) & (part == "analysis")
        truth = rng.random(6_000) < np.where(changed, 0.4 + 0.2 * scores, scores)
        file = tmp_path / f"{part}.parquet"
        pl.DataFrame(
            {
                "row_id": [f"{part}-{place}" for place in range(6_000)],
                "y_score": scores,
                "y_pred": (scores > 0.5).astype(np.int64),
                "y_true": truth.astype(np.int64),
            }
        ).write_parquet(file)
        given = {"part": part, "file": file, "task": "binary"}
        add_predictions(governance, make(AddPredictions, actor=ADMIN, at=later(5), **ONE, **given))
    refresh_monitoring(
        governance,
        make(RefreshMonitoring, actor=ADMIN, at=later(6), **ONE, chunk_size=1_000, by=()),
    )
    view = decay_report(governance, governance.moment(later(60)), **ONE)
    assert (view.worse, view.realised_worse, view.trusted) == (0, 3, "fail")
    assert checked(governance).verdict.value == "fail"


def at_day(governance: Governance, days: float) -> CheckResult:
    return check_decay_alert(governance, ONE["initiative"], "1", governance.moment(later(days)))


def test_what_is_older_than_the_policy_allows_does_not_pass(
    modelled: Governance, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = later(40).replace(tzinfo=None)
    refreshed(modelled, lambda one: replace(one, started_at=ended, ended_at=ended))
    class_id = registered(modelled, ONE["initiative"], modelled.moment(later(60))).class_id
    allowed = modelled.policy(modelled.moment(later(60))).risk_class(class_id).newest_chunk_days
    assert at_day(modelled, 41).verdict.value == "pass"
    assert f"which counts for {allowed:,} days" in at_day(modelled, 41).message
    assert at_day(modelled, 41).message == at_day(modelled, 60).message, "an answer stays while it holds"
    assert at_day(modelled, 40 + allowed).verdict.value == "pass"
    old = at_day(modelled, 41 + allowed)
    assert old.verdict.value == "cannot_tell"
    assert f"{allowed + 1:,} days ago, more than the {allowed:,} for which that counts" in old.message
    assert old.remedy == "Add newer predictions, and refresh the monitoring."
    show_decay(run_use_case(Call(modelled, BUILDER, later(41 + allowed)), "decay_report", ONE))
    assert f"The newest chunk ended {allowed + 1:,} days ago" in capsys.readouterr().out


def test_a_fail_stands_however_old_it_is(modelled: Governance) -> None:
    refreshed(modelled, later_chunks(realised=0.6, since=3))
    assert at_day(modelled, 4000).verdict.value == "fail"


def test_rows_without_times_are_as_old_as_their_batch(modelled: Governance) -> None:
    refreshed(modelled, later_chunks())
    assert f"the newest rows were added on {later(5):%-d %b %Y}" in checked(modelled).message
    assert at_day(modelled, 4000).verdict.value == "cannot_tell"


def test_inputs_that_moved_are_seen_by_the_adapted_estimate_alone(
    governance: Governance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An input that the score does not know moves in the analysis; what it does to outcomes holds still."""
    rng = np.random.default_rng(7)
    register(governance)
    give_version(governance, ONE["initiative"])
    for part in PARTS:
        scores = np.round(rng.uniform(0.05, 0.95, 6_000), 4)
        worn = rng.random(6_000) < (0.9 if part == "analysis" else 0.3)
        truth = rng.random(6_000) < np.where(worn, 0.5, scores)
        rows = {
            "row_id": [f"{part}-{place}" for place in range(6_000)],
            "worn": worn.astype(np.int64),
            "other": rng.random(6_000),
            "word": np.where(rng.random(6_000) < 0.5, "a", "b").tolist(),
            "y_score": scores,
            "y_pred": (scores > 0.5).astype(np.int64),
        }
        known = {"y_true": truth.astype(np.int64)} if part == "reference" else {}
        pl.DataFrame(rows | known).write_parquet(tmp_path / f"{part}.parquet")
        given = {"part": part, "file": tmp_path / f"{part}.parquet", "task": "binary"}
        add_predictions(governance, make(AddPredictions, actor=ADMIN, at=later(5), **ONE, **given))
        came = truth
    asked = {"actor": ADMIN, "at": later(6), **ONE, "chunk_size": 1_000, "by": ()}
    refresh_monitoring(governance, make(RefreshMonitoring, **asked))
    view = decay_report(governance, governance.moment(later(60)), **ONE, metric="accuracy")
    right = (scores > 0.5) == came
    realised = [float(right[at : at + 1_000].mean()) for at in range(0, 6_000, 1_000)]
    plain, ours = (
        [(one.estimate or 0) - true for one, true in zip(chunks, realised, strict=True)]
        for chunks in (view.analysis, view.adapted["accuracy"])
    )
    assert np.mean(plain) > 0.05, "CBPE does not see it"
    assert abs(np.mean(ours)) < np.mean(plain) / 3
    assert view.preference is not None
    assert (view.preference.method, view.preference.by) == ("adapted", "held_back")
    told = run_use_case(Call(governance, BUILDER, later(60)), "decay_report", {**ONE, "metric": "accuracy"})
    assert [one["method"] for one in told["adapted"]] == ["adapted"] * 6
    assert told["believe"]["said"].startswith("Believe the adapted estimate: of reference rows held back")
    show_decay(told)
    assert "Adapted" in capsys.readouterr().out
    assert verify_record(governance).first_break is None
    leading = decay_report(governance, governance.moment(later(60)), **ONE).adapted["roc_auc"][-1]
    assert checked(governance).observed == pytest.approx(leading.estimate, abs=1e-3)
    refresh_monitoring(governance, make(RefreshMonitoring, **{**asked, "at": later(7)}, unadapted=True))
    assert decay_report(governance, governance.moment(later(60)), **ONE).preference is None
