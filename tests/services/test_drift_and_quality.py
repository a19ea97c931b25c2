"""Drift and data quality as use cases: recorded, ranked, checked; and the verdict where nobody can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.domain.chain import Fact
from core.domain.commands import RunChecks, make
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.policy.checks import CheckResult
from core.ground import Verdict
from core.services.governance import Governance
from core.services.measured.data_quality import (
    MeasureDataQuality,
    QualityReport,
    check_data_quality,
    measure_data_quality,
    quality_report,
)
from core.services.measured.drift import DriftReport, MeasureDrift, check_drift, drift_report, measure_drift
from core.services.process.checks import run_checks
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, OUTSIDER, later
from tests.services.test_prediction_intake import add, with_version

ROWS = 6_000


@pytest.fixture
def initiative(governance: Governance) -> str:
    return with_version(governance, "binary")


BY = "; by Jensen-Shannon distances against random draws of the reference (Bonferroni)"


def rows_of(rows: int, start: int, *, shift: float = 0.0, **changed: Any) -> pl.DataFrame:
    """Scored rows; `shift` moves the income, and only that."""
    rng = np.random.default_rng(start + 1)
    income = rng.normal(30 + shift, 5, rows).clip(10, 60)
    score = rng.random(rows)
    made: dict[str, Any] = {
        "row_id": [f"r{start + n}" for n in range(rows)],
        "y_score": score,
        "y_pred": (score > 0.5).astype(int),
        "y_true": (score > rng.random(rows)).astype(int),
        "income": income,
        "age": rng.integers(18, 80, rows),
        "channel": rng.choice(["web", "branch", "phone"], rows),
    }
    made |= changed
    return pl.DataFrame(made)


def filled(governance: Governance, initiative: str, folder: Path, *, shift: float, **changed: Any) -> None:
    rows_of(ROWS, 0).write_parquet(folder / "reference.parquet")
    rows_of(ROWS, ROWS, shift=shift, **changed).write_parquet(folder / "analysis.parquet")
    add(governance, initiative, folder / "reference.parquet", part="reference", days=3)
    add(governance, initiative, folder / "analysis.parquet", part="analysis", days=4)


def attribute(governance: Governance, initiative: str, shares: dict[str, float]) -> None:
    rows = tuple(
        {column: {"initiative": initiative, "version": "1", "feature": name, "place": place, "share": share,
                  "mean_absolute": share, "mean_signed": 0.0, "sample_rows": 100}.get(column)
         for column in governance.store.columns["attribution"]}
        for place, (name, share) in enumerate(shares.items(), start=1)
    )  # fmt: skip
    fact = Fact("model_explained", f"{initiative}/1", "attribution", rows)
    governance.store.append([fact], actor=ADMIN.id, at=later(4.5))


def measured(governance: Governance, initiative: str, **given: Any) -> DriftReport:
    command = MeasureDrift(actor=BUILDER, at=later(5), initiative=initiative, version="1", **given)
    measure_drift(governance, command)
    return drift_report(governance, governance.moment(later(6)), initiative=initiative, version="1")


def quality(governance: Governance, initiative: str) -> QualityReport:
    command = MeasureDataQuality(actor=BUILDER, at=later(5), initiative=initiative, version="1")
    measure_data_quality(governance, command)
    return quality_report(governance, governance.moment(later(6)), initiative=initiative, version="1")


def drift_at(governance: Governance, initiative: str, days: float) -> CheckResult:
    return check_drift(governance, initiative, "1", governance.moment(later(days)))


def quality_at(governance: Governance, initiative: str, days: float) -> CheckResult:
    return check_data_quality(governance, initiative, "1", governance.moment(later(days)))


def test_a_feature_that_moved_is_found_and_ranked_by_what_the_model_does_with_it(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    filled(governance, initiative, tmp_path, shift=6)
    report = measured(governance, initiative)
    assert (report.chunk_rows, report.reference_chunks, len(report.chunks)) == (600, 10, 20)
    assert not report.attributed
    assert report.features[0].feature == "income"
    assert [feature.feature for feature in report.alerting] == ["income"]
    assert report.features[0].importance == report.features[0].drift
    attribute(governance, initiative, {"age": 0.9, "income": 0.001})
    again = drift_report(governance, governance.moment(later(6)), initiative=initiative, version="1")
    assert again.attributed
    assert [(one.feature, one.share) for one in again.features] == [
        ("age", 0.9),
        ("income", 0.001),
        ("channel", 0.0),
    ]
    assert again.features[0].importance == pytest.approx(0.9 * (again.features[0].drift or 0))
    assert verify_record(governance).first_break is None


def test_the_check_weighs_drift_by_attribution(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    filled(governance, initiative, tmp_path, shift=6)
    measured(governance, initiative)
    one_of_three = drift_at(governance, initiative, 6)
    assert one_of_three.verdict is Verdict.FAIL
    assert one_of_three.message == f"1 of 3 features drifted (income); they carry 33% of the features{BY}"
    assert (one_of_three.observed, one_of_three.limit) == (pytest.approx(1 / 3), 0.25)
    attribute(governance, initiative, {"age": 0.9, "income": 0.1})
    little = drift_at(governance, initiative, 6)
    assert little.verdict is Verdict.PASS
    assert little.message.endswith(f"they carry 10% of the model's attribution{BY}")


def test_drift_that_nobody_measured_is_no_pass(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    assert drift_at(governance, initiative, 3).message == "this model version has no prediction batch"
    filled(governance, initiative, tmp_path, shift=0)
    unmeasured = drift_at(governance, initiative, 5)
    assert (unmeasured.verdict, unmeasured.message) == (
        Verdict.CANNOT_TELL,
        "the drift of this version's inputs has not been measured",
    )
    measured(governance, initiative)
    assert drift_at(governance, initiative, 6).verdict is Verdict.PASS
    assert drift_at(governance, initiative, 49).verdict is Verdict.PASS
    old = drift_at(governance, initiative, 99)
    assert (old.verdict, old.message) == (
        Verdict.CANNOT_TELL,
        "the measurement is 94 days old, and counts for 92",
    )
    rows_of(700, 90_000).write_parquet(tmp_path / "more.parquet")
    add(governance, initiative, tmp_path / "more.parquet", days=7)
    assert drift_at(governance, initiative, 8).message == "predictions were added since drift was measured"
    assert drift_at(governance, initiative, 6).verdict is Verdict.PASS  # as it stood


def test_a_small_newest_chunk_cannot_tell(governance: Governance, initiative: str, tmp_path: Path) -> None:
    filled(governance, initiative, tmp_path, shift=0)
    measured(governance, initiative, chunk_rows=5_700)
    small = drift_at(governance, initiative, 6)
    assert small.verdict is Verdict.CANNOT_TELL
    assert small.message == "there are too few rows: it takes 1 newest chunks of 500 rows or more"


def test_a_feature_without_values_in_the_newest_chunk_cannot_tell(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    gone = {"income": [30.0] * (ROWS - 600) + [None] * 600}
    filled(governance, initiative, tmp_path, shift=0, **gone)
    measured(governance, initiative)
    result = drift_at(governance, initiative, 6)
    assert result.verdict is Verdict.CANNOT_TELL
    assert result.message.endswith(f"1 cannot be told for lack of values or rows (income){BY}")


def test_refusals_record_nothing(governance: Governance, initiative: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="has no reference batch"):
        measured(governance, initiative)
    filled(governance, initiative, tmp_path, shift=0)
    head = governance.store.head()
    with pytest.raises(BadInput, match="the reference makes 1 chunk, and thresholds need 2 or more"):
        measured(governance, initiative, chunk_rows=ROWS)
    with pytest.raises(BadInput, match="the batches have no times"):
        measured(governance, initiative, period="month")
    outsider = MeasureDrift(actor=OUTSIDER, at=later(5), initiative=initiative, version="1")
    with pytest.raises(Forbidden):
        measure_drift(governance, outsider)
    with pytest.raises(Forbidden):
        measure_data_quality(
            governance, MeasureDataQuality(actor=OUTSIDER, at=later(5), initiative=initiative, version="1")
        )

    def stop(share: float, what: str) -> None:
        if share > 0.5:
            raise BadInput("stopped")

    command = MeasureDrift(actor=BUILDER, at=later(5), initiative=initiative, version="1")
    with pytest.raises(BadInput, match="stopped"):
        measure_drift(governance, command, step=stop)
    with pytest.raises(NotFound, match="has not been measured"):
        drift_report(governance, governance.moment(later(6)), initiative=initiative, version="1")
    with pytest.raises(NotFound, match="has not been measured"):
        quality_report(governance, governance.moment(later(6)), initiative=initiative, version="1")
    assert governance.store.head() == head


def test_good_data_passes(governance: Governance, initiative: str, tmp_path: Path) -> None:
    filled(governance, initiative, tmp_path, shift=0)
    report = quality(governance, initiative)
    assert (report.reference_rows, report.analysis_rows) == (ROWS, ROWS)
    assert report.check.verdict is Verdict.PASS, report.check
    assert (
        report.check.message == "all 3 columns keep to their reference; by shares held to the stated limits"
    )
    assert verify_record(governance).first_break is None


@pytest.mark.parametrize(
    ("changed", "column", "said"),
    [
        (
            {"income": [None] * 900 + [30.0] * (ROWS - 900)},
            "income",
            "15.0% missing, 0.0% in the reference; the limit is 5.0%.",
        ),
        (
            {"channel": ["fax"] * 600 + ["web"] * (ROWS - 600)},
            "channel",
            "10.0% not in the reference ('fax'); the limit is 1.0%.",
        ),
        (
            {"age": [130] * 600 + [40] * (ROWS - 600)},
            "age",
            "10.0% outside 18 to 79; the limit is 1.0%.",
        ),
    ],
    ids=["missing", "unseen", "out of range"],
)
def test_what_is_beyond_a_limit_fails(
    governance: Governance,
    initiative: str,
    tmp_path: Path,
    changed: dict[str, Any],
    column: str,
    said: str,
) -> None:
    filled(governance, initiative, tmp_path, shift=0, **changed)
    report = quality(governance, initiative)
    first = report.columns[0]
    assert (first.feature, first.verdict) == (column, "fail")
    assert said in first.findings
    assert report.check.verdict is Verdict.FAIL
    assert report.check.message.startswith(f"1 of 3 columns are beyond a limit ({column})")
    assert report.check.observed == 1


def test_personal_data_is_found_masked_and_not_allowed(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    mails = [f"person{n}@example.org" for n in range(ROWS)]
    rows_of(ROWS, 0, note=mails).write_parquet(tmp_path / "reference.parquet")
    rows_of(ROWS, ROWS, note=mails).write_parquet(tmp_path / "analysis.parquet")
    add(governance, initiative, tmp_path / "reference.parquet", part="reference", days=3)
    add(governance, initiative, tmp_path / "analysis.parquet", days=4)
    report = quality(governance, initiative)
    (personal,) = report.personal
    assert (personal.feature, personal.personal_kind, personal.personal_share) == (
        "note",
        "email",
        1.0,
    )
    assert report.check.verdict is Verdict.FAIL
    assert "personal data in note" in report.check.message
    assert all(example.startswith("p") and "person" not in example for example in personal.examples)
    kept = governance.store.cursor().execute("SELECT CAST(COLUMNS(*) AS VARCHAR) FROM data_quality_column")
    assert not any(
        "person" in str(cell) and "@example" in str(cell) for row in kept.fetchall() for cell in row
    )


def test_data_quality_that_nobody_measured_is_no_pass(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    assert quality_at(governance, initiative, 3).verdict is Verdict.CANNOT_TELL
    filled(governance, initiative, tmp_path, shift=0)
    assert "has not been measured" in quality_at(governance, initiative, 5).message
    quality(governance, initiative)
    assert quality_at(governance, initiative, 6).verdict is Verdict.PASS
    assert quality_at(governance, initiative, 100).verdict is Verdict.CANNOT_TELL
    rows_of(700, 90_000).write_parquet(tmp_path / "more.parquet")
    add(governance, initiative, tmp_path / "more.parquet", days=7)
    added = quality_at(governance, initiative, 8)
    assert added.message == "predictions were added since data quality was measured"


def test_a_version_without_a_reference_cannot_tell(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    rows_of(ROWS, 0).write_parquet(tmp_path / "analysis.parquet")
    add(governance, initiative, tmp_path / "analysis.parquet", days=4)
    report = quality(governance, initiative)
    assert {row.verdict for row in report.columns} == {"cannot_tell"}
    assert report.check.verdict is Verdict.CANNOT_TELL
    assert "There is no reference to compare with" in report.check.message


def test_both_checks_run_and_stand_on_record(governance: Governance, initiative: str, tmp_path: Path) -> None:
    filled(governance, initiative, tmp_path, shift=6)
    measured(governance, initiative)
    quality(governance, initiative)
    command = make(
        RunChecks, actor=BUILDER, at=later(6), initiative=initiative, checks=("data_quality", "drift_alert")
    )
    found = {result.check: result.verdict for result in run_checks(governance, command)}
    assert found == {"data_quality": Verdict.PASS, "drift_alert": Verdict.FAIL}


def test_a_rate_that_moved_by_next_to_nothing_is_no_drift_and_not_out_of_range(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    """Seen (G8): drift fails with 0.58 against 0.03, and all rows lie outside 0.01 to 0.05."""
    rng = np.random.default_rng(8)
    rates = rng.choice([0.01, 0.02, 0.03, 0.04, 0.05], (2, ROWS))
    rows_of(ROWS, 0, rate=rates[0]).write_parquet(tmp_path / "reference.parquet")
    add(governance, initiative, tmp_path / "reference.parquet", part="reference", days=3)
    rows_of(ROWS, ROWS, rate=rates[1] + 1e-9).write_parquet(tmp_path / "analysis.parquet")
    add(governance, initiative, tmp_path / "analysis.parquet", part="analysis", days=4)
    assert measured(governance, initiative).check.verdict is Verdict.PASS
    column = next(one for one in quality(governance, initiative).columns if one.feature == "rate")
    assert (column.verdict, column.findings, column.out_of_range) == ("pass", (), 0.0)


@pytest.mark.parametrize(("moved", "drifted"), [(1e-9, False), (0.2, True)])
def test_a_single_value_drifts_where_it_becomes_another_and_not_by_next_to_nothing(
    governance: Governance, initiative: str, tmp_path: Path, *, moved: float, drifted: bool
) -> None:
    """Seen: 5.0 to 5.000000001 was drift of all inputs together, and 0.1 to 0.2 was none."""
    for start, rate, part, days in ((0, 0.1, "reference", 3), (ROWS, 0.1 + moved, "analysis", 4)):
        rows = rows_of(ROWS, start, rate=[rate] * ROWS).drop("income", "age")
        rows.write_parquet(tmp_path / f"{part}.parquet")
        add(governance, initiative, tmp_path / f"{part}.parquet", part=part, days=days)
    report = measured(governance, initiative)
    assert next(one for one in report.features if one.feature == "rate").newest_alert is drifted
    assert {one.newest_alert for one in report.outputs if one.feature == "inputs"} <= {drifted}


def test_score_prediction_and_outcome_stand_beside_the_features_under_their_names(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    score = np.random.default_rng(9).random(ROWS) ** 2
    moved = {"y_score": score, "y_pred": (score > 0.5).astype(int)}
    filled(governance, initiative, tmp_path, shift=0, **moved)
    report = measured(governance, initiative)
    assert {one.title for one in report.outputs} == {
        "score",
        "prediction",
        "target",
        "all inputs together",
    }
    assert {one.feature: one.newest_alert for one in report.outputs} == {
        "y_score": True,
        "y_pred": True,
        "y_true": False,
        "inputs": False,
    }
    assert {one.kind for one in report.outputs if one.feature in ("y_pred", "y_true")} == {"text"}
    assert report.check.verdict is Verdict.PASS
    assert report.check.message.endswith(f"; beside them drifted score, prediction{BY}")


def test_a_feature_that_the_model_uses_and_was_not_compared_keeps_the_check_from_passing(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    rows_of(ROWS, 0, remark=[f"words {n}" for n in range(ROWS)]).write_parquet(tmp_path / "r.parquet")
    rows_of(ROWS, ROWS, remark=[f"more {n}" for n in range(ROWS)]).write_parquet(tmp_path / "a.parquet")
    add(governance, initiative, tmp_path / "r.parquet", part="reference", days=3)
    add(governance, initiative, tmp_path / "a.parquet", part="analysis", days=4)
    assert measured(governance, initiative).check.verdict is Verdict.PASS
    attribute(governance, initiative, {"age": 0.5, "remark": 0.2, "elsewhere": 0.3})
    result = drift_at(governance, initiative, 6)
    assert result.verdict is Verdict.CANNOT_TELL
    assert result.message.endswith(f"; 2 could not be compared (remark, elsewhere){BY}")
    attribute(governance, initiative, {"age": 0.9, "remark": 0.1})
    assert drift_at(governance, initiative, 6).verdict is Verdict.PASS
