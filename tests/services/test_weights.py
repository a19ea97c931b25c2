"""Weights of rows: rates and verdicts of slices are of what rows stand for; elsewhere they are refused."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from statsmodels.stats.proportion import proportion_confint

from core.analytics.slices.counts import total_of
from core.analytics.slices.judging import Limit
from core.analytics.slices.report import slice_report
from core.domain.commands import make
from core.domain.errors import BadInput
from core.domain.policy.checks import CheckResult
from core.ground import Verdict
from core.lake.slices.counts import slice_counts
from core.services.governance import Governance
from core.services.measured.bias import bias_slices, check_bias_limit, slice_choices
from core.services.measured.drift import MeasureDrift, check_drift, drift_report, measure_drift
from core.services.measured.explanations import AddAttributions, add_attributions
from core.services.measured.monitoring import RefreshMonitoring, refresh_monitoring
from core.services.measured.trade_off import FindTradeOff, find_trade_off
from core.services.measured.weak_slices import find_weakest, score_curves
from core.services.models.amendments import AmendColumns, amend_columns
from tests.conftest import ADMIN, later
from tests.services.test_slices import PRICES, give

# Unweighted, women and men are selected alike; those of the women who were selected stand for a third.
ROWS = """SELECT '{part}' || i AS row_id, CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END AS sex,
    (i % 4 < 2)::INT AS y_pred, CASE WHEN hash(i) % 10 < 8 THEN y_pred ELSE 1 - y_pred END AS y_true,
    0.5 AS y_score, {weight} AS stands_for FROM range({rows}) r(i)"""
WEIGHT = "CASE WHEN i % 4 = 0 THEN 1.0 ELSE 2.0 + hash(i, 5) % 3 END"


def weighted(
    governance: Governance, folder: Path, weight: str = WEIGHT, declared: str = "stands_for"
) -> dict[str, Any]:
    query = ROWS.format(part="a", weight=weight, rows=4000)
    given: dict[str, Any] = {"favourable": ("1",), "weight": declared}
    return {"initiative": give(governance, folder, query, **given), "version": "1"}


def checked(governance: Governance, of: dict[str, Any], day: float) -> CheckResult:
    return check_bias_limit(governance, *of.values(), "credit", governance.moment(later(day)))


def test_rates_and_intervals_are_those_of_the_weighted_rows(governance: Governance, tmp_path: Path) -> None:
    of = weighted(governance, tmp_path)
    rows = duckdb.sql(ROWS.format(part="a", weight=WEIGHT, rows=4000)).fetchnumpy()
    for metric in ("selection_rate", "true_positive_rate", "accuracy"):
        found = bias_slices(governance, governance.moment(later(6)), **of, by=("sex",), metric=metric).report
        assert "Rows are weighted by stands for and count by their effective size (Kish)." in found.note
        everyone = (rows["sex"] != "", found.overall_value)
        for inside, value in [everyone, *((rows["sex"] == line.label, line.value) for line in found.slices)]:
            hit, base = {
                "selection_rate": (rows["y_pred"] == 1, inside),
                "true_positive_rate": (rows["y_pred"] == 1, inside & (rows["y_true"] == 1)),
                "accuracy": (rows["y_pred"] == rows["y_true"], inside),
            }[metric]
            weights = rows["stands_for"].astype(float)
            size = weights[inside].sum() ** 2 / (weights[inside] ** 2).sum()
            # Effective counts are whole: a rate is theirs to half a row of either.
            assert value == pytest.approx(np.average(hit[base], weights=weights[base]), abs=2 / size)
    line = bias_slices(governance, governance.moment(later(6)), **of, by=("sex",)).report.slices[0]
    assert line.rows == 2000 > line.n
    assert line.value is not None and line.interval is not None
    expected = proportion_confint(round(line.value * line.n), line.n, method="wilson")
    assert (line.interval.low, line.interval.high) == pytest.approx(expected, abs=1e-9)


def test_weights_turn_the_verdict_over_and_equal_ones_change_nothing(
    governance: Governance, tmp_path: Path
) -> None:
    of = weighted(governance, tmp_path, weight="7.0")
    moment = governance.moment(later(6))
    even = check_bias_limit(governance, *of.values(), "credit", moment)
    assert even.verdict is Verdict.PASS
    assert [line.n for line in bias_slices(governance, moment, **of, by=("sex",)).report.slices] == [2000] * 2


def test_a_declared_weight_is_amended_and_rules_the_check(governance: Governance, tmp_path: Path) -> None:
    of = weighted(governance, tmp_path, declared="")
    assert (
        check_bias_limit(governance, *of.values(), "credit", governance.moment(later(4))).verdict
        is Verdict.PASS
    )
    amend = {"weight": "stands_for", "note": "The sample was drawn by region."}
    amend_columns(governance, make(AmendColumns, actor=ADMIN, at=later(5), **of, **amend))
    found = checked(governance, of, 6)
    assert found.verdict is Verdict.FAIL
    assert "Rows are weighted by stands for" in found.message
    assert (
        check_bias_limit(governance, *of.values(), "credit", governance.moment(later(4))).verdict
        is Verdict.PASS
    )


def test_what_is_not_worked_out_for_weights_says_so(governance: Governance, tmp_path: Path) -> None:
    of = weighted(governance, tmp_path)
    now, by = governance.moment(later(6)), {"by": ("sex",)}
    command: dict[str, Any] = {"actor": ADMIN, "at": later(6), **of}
    for ask in (
        lambda: bias_slices(governance, now, **of, **by, metric="roc_auc"),
        lambda: score_curves(governance, now, **of, **by),
        lambda: find_weakest(governance, now, **of),
        lambda: find_trade_off(governance, make(FindTradeOff, **command, **by)),
    ):
        with pytest.raises(BadInput, match="of weighted rows is not worked out"):
            ask()
    reference = ROWS.format(part="r", weight=WEIGHT, rows=4000)
    from tests.services.test_ordered import add_part

    add_part(governance, tmp_path, reference, of, "reference")
    with pytest.raises(BadInput, match="estimates of weighted rows are not worked out"):
        refresh_monitoring(governance, make(RefreshMonitoring, **command))
    measure_drift(governance, make(MeasureDrift, **command, chunk_rows=1000))
    assert (
        "each row counted once whatever its weight"
        in check_drift(governance, *of.values(), governance.moment(later(7))).message
    )


@pytest.mark.parametrize("weight", ["-1.0", "NULL::DOUBLE", "'a lot'", "0.0", "'inf'::DOUBLE"])
def test_weights_that_are_none_are_refused(governance: Governance, tmp_path: Path, weight: str) -> None:
    with pytest.raises(BadInput, match="column 'stands_for' cannot be the weight"):
        weighted(governance, tmp_path, weight=weight)


ERRORS = """SELECT i AS row_id, CASE WHEN i % 2 = 0 THEN 'F' ELSE 'M' END AS sex, 100.0 AS y_true,
    100 + (hash(i) % 1000) / 1000 * CASE WHEN i % 4 = 0 THEN {own} ELSE 10 END AS y_pred,
    CASE WHEN i % 4 = 0 THEN {weight} ELSE 1.0 END AS stands_for FROM range(8000) r(i)"""
"""Errors of a number; every other woman is off by so much more, and stands for so many rows."""


def test_errors_of_weighted_rows_are_judged_by_their_weighted_means(
    governance: Governance, tmp_path: Path
) -> None:
    given = {"task": "regression", "weight": "stands_for"}
    query = ERRORS.format(own=30, weight="3.0 + hash(i, 2) % 3")
    of = {"initiative": give(governance, tmp_path, query, **given), "version": "1"}
    report = bias_slices(governance, governance.moment(later(6)), **of, by=("sex",)).report
    rows = duckdb.sql(query).fetchnumpy()
    for line in report.slices:
        inside = rows["sex"] == line.label
        error, weight = np.abs(rows["y_pred"] - rows["y_true"])[inside], rows["stands_for"][inside]
        model = sm.WLS(error, np.ones(len(error)), weights=weight).fit(cov_type="HC0")
        assert line.n == round(weight.sum() ** 2 / (weight**2).sum())
        assert line.value == pytest.approx(model.params[0])
        assert line.interval is not None and line.value is not None
        half = np.log(line.interval.high / line.value) * line.value
        t = scipy.stats.t.ppf(0.975, line.n - 1)
        assert half == pytest.approx(t * model.bse[0] * np.sqrt(line.n / (line.n - 1)), rel=1e-3)
    assert checked(governance, of, 6).verdict is Verdict.FAIL


def test_equal_weights_change_no_error(governance: Governance, tmp_path: Path) -> None:
    query = PRICES.format(error="1").replace("FROM range", ", 2.0 AS stands_for FROM range")
    reports = []
    for version, weight in (("1", ""), ("2", "stands_for")):
        given = {"task": "regression", "weight": weight, "version": version}
        initiative = give(governance, tmp_path, query, **given)
        asked = {"initiative": initiative, "version": version, "by": ("sex",)}
        for metric in ("mean_error", "mean_absolute_error", "root_mean_squared_error"):
            found = bias_slices(governance, governance.moment(later(6)), **asked, metric=metric).report
            reports.append([(line.n, line.value, line.low, line.high) for line in found.slices])
    for plain, equal in zip(reports[:3], reports[3:], strict=True):
        assert np.array(equal) == pytest.approx(np.array(plain))


def test_equal_groups_of_weighted_errors_hardly_ever_fail() -> None:
    """500 draws of two groups alike, weights that grow with the error: the limit of 0 is passed by chance."""
    rows = """SELECT i % 1000 AS pair, 100.0 AS y_true,
        abs(hash(i, 1) % 10000 - hash(i, 2) % 10000::BIGINT) / 1e3 AS e,
        100 + e AS y_pred, 1 + e * e AS stands_for FROM range(200000) r(i)"""
    with tempfile.TemporaryDirectory() as folder:
        cursor, path = duckdb.connect(), f"{folder}/batch.parquet"
        cursor.execute(f"COPY ({rows}) TO '{path}'")
        counts, _ = slice_counts(cursor, [path], "regression", ["pair"], weight="stands_for")
    fails = 0
    for first, second in zip(counts[::2], counts[1::2], strict=True):
        pair = [first, second]
        found = slice_report(
            pair, total_of(pair), "mean_absolute_error", reference="best", limit=Limit("difference", 1e-9),
            min_rows=30,
        )  # fmt: skip
        fails += found.verdict == "fail"
    assert 5 <= fails <= 0.06 * 500, fails


def test_the_weight_is_no_feature(governance: Governance, tmp_path: Path) -> None:
    of = weighted(governance, tmp_path, weight="1.0 + i % 3")
    now, command = governance.moment(later(6)), {"actor": ADMIN, "at": later(6), **of}
    named = [feature.name for feature in slice_choices(governance, now, **of).features]
    assert "sex" in named and "stands_for" not in named
    with pytest.raises(BadInput, match="'stands_for' is the weight of rows, and no feature"):
        bias_slices(governance, now, **of, by=("stands_for",))
    from tests.services.test_ordered import add_part

    add_part(governance, tmp_path, ROWS.format(part="r", weight="1.0", rows=4000), of, "reference")
    measure_drift(governance, make(MeasureDrift, **command, chunk_rows=1000))
    report = drift_report(governance, governance.moment(later(7)), **of)
    assert "stands_for" not in [one.feature for one in report.features]
    assert report.skipped == ("stands_for: the weight of rows, no feature",)
    file = tmp_path / "shap.parquet"
    duckdb.sql("SELECT 'a1' AS row_id, 0.5 AS stands_for").write_parquet(str(file))
    with pytest.raises(BadInput, match="column 'stands_for' is no feature of the batch"):
        add_attributions(governance, make(AddAttributions, **command, file=file, unused=("sex",)))
