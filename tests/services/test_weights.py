"""Weights of rows: rates and verdicts of slices are of what rows stand for; elsewhere they are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from core.domain.commands import make
from core.domain.errors import BadInput
from core.domain.policy.checks import CheckResult
from core.ground import Verdict
from core.services.governance import Governance
from core.services.measured.bias import bias_slices, check_bias_limit
from core.services.measured.drift import MeasureDrift, check_drift, measure_drift
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


def test_errors_of_weighted_rows_are_not_judged(governance: Governance, tmp_path: Path) -> None:
    query = PRICES.format(error="1").replace("FROM range", ", 2.0 AS stands_for FROM range")
    given = {"task": "regression", "weight": "stands_for"}
    of = {"initiative": give(governance, tmp_path, query, **given), "version": "1"}
    found = checked(governance, of, 6)
    assert found.verdict is Verdict.CANNOT_TELL
