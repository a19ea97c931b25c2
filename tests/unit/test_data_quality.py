"""Verdicts on a column from hand-made counts; the sum stands beside each."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.analytics.drift.data_quality import (
    ColumnCounts,
    ColumnLimits,
    beyond_repeats,
    beyond_twins,
    judge_column,
)
from core.connectors.config_files import read_config
from core.connectors.settings import PROJECT
from core.domain.errors import BadInput
from core.domain.models.data_quality import DataQuality
from core.ground import with_values, without_values, worst

LIMITS = ColumnLimits(0.05, 0.01, 0.01, min_rows=100)


@pytest.mark.parametrize(
    ("counts", "verdict", "findings"),
    [
        (ColumnCounts(5000, 0, 5000, 0), "pass", ()),
        (ColumnCounts(5000, 100, 5000, 0), "pass", ("2.0% missing, 0.0% in the reference.",)),
        (
            ColumnCounts(5000, 500, 5000, 0),
            "fail",
            ("10.0% missing, 0.0% in the reference; the limit is 5.0%.",),
        ),
        (ColumnCounts(5000, 0, 5000, 2500), "pass", ()),  # fewer missing than before is no fault
        (ColumnCounts(5000, 0, 5000, 0, unseen=5), "pass", ("0.1% not in the reference.",)),
        (ColumnCounts(5000, 0, 5000, 0, unseen=0), "pass", ()),
        (ColumnCounts(99, 0, 5000, 0), "cannot_tell", ("Only 99 rows, too few to judge.",)),
        (ColumnCounts(5000, 0, 0, 0), "cannot_tell", ("There is no reference to compare with.",)),
    ],
)
def test_counts_lead_to_a_verdict(counts: ColumnCounts, verdict: str, findings: tuple[str, ...]) -> None:
    quality = judge_column(counts, LIMITS)
    assert (quality.verdict, quality.findings) == (verdict, findings)


def test_an_interval_that_holds_the_limit_cannot_tell() -> None:
    """3 of 200 = 1.5 %, Wilson 0.5 % to 4.3 %: the limit of 1 % lies inside."""
    quality = judge_column(ColumnCounts(200, 0, 5000, 0, unseen=3, unseen_values=("fax",)), LIMITS)
    assert quality.verdict == "cannot_tell"
    assert tuple(map(with_values, quality.findings)) == (
        "1.5% not in the reference ('fax'); too few rows to tell it from the limit of 1.0%.",
    )
    assert judge_column(ColumnCounts(20_000, 0, 5000, 0, unseen=300), LIMITS).verdict == "fail"


def test_a_range_is_told_in_the_columns_unit() -> None:
    counts = ColumnCounts(5000, 0, 5000, 0, outside=400, low=1, high=130, reference_low=18, reference_high=79)
    (said,) = judge_column(counts, LIMITS).findings
    assert with_values(said) == "8.0% outside 18 to 79; the limit is 1.0%."
    assert without_values(said) == "8.0% outside the range of the reference; the limit is 1.0%."


def test_shares_are_undefined_where_there_is_no_row_with_a_value() -> None:
    quality = judge_column(ColumnCounts(500, 500, 500, 500, unseen=0), LIMITS)
    assert (quality.missing, quality.unseen, quality.verdict) == (1.0, None, "pass")


def test_the_worst_verdict_counts() -> None:
    assert worst(["pass", "cannot_tell", "fail"]) == "fail"
    assert worst(["pass", "cannot_tell"]) == "cannot_tell"
    assert worst([]) == "pass"


def test_the_shipped_limits_are_read_strictly(tmp_path: object) -> None:
    rules = read_config(PROJECT / "config" / "data_quality.yaml", DataQuality)
    assert rules.drift.method == "jensen_shannon"
    assert 0 < rules.drift.max_alert_share < 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("newest_chunks: 1", "newest_chunk: 1", "newest_chunk"),
        ("max_alert_share: 0.25", "max_alert_share: 25", "max_alert_share"),
        ("method: jensen_shannon", "method: chi2", "method"),
        ("min_reference_rows: 100", 'min_reference_rows: "100"', "min_reference_rows"),
        ("[email, phone,", "[mail, phone,", "mail"),
    ],
)
def test_a_wrong_limit_is_named_with_its_line(tmp_path: object, old: str, new: str, said: str) -> None:
    from pathlib import Path

    text = (PROJECT / "config" / "data_quality.yaml").read_text(encoding="utf-8")
    assert old in text
    file = Path(str(tmp_path)) / "data_quality.yaml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        read_config(file, DataQuality)
    assert said in str(refused.value)
    assert "data_quality.yaml:" in str(refused.value)


@pytest.mark.parametrize(
    ("values", "evenness", "rare"),
    [
        (4, 1, False),
        (60, 0.05, False),
        (2_000, 1, False),
        (50_000, 0.05, False),
        (50_000, 1, True),
        (10**7, 1, True),
    ],
)
def test_equal_rows_are_told_where_they_are_no_accident(values: int, evenness: float, rare: bool) -> None:
    """Files of 2,000 and 3,000 rows from one uneven law; then with 400 rows of the one in the other, too."""
    rng = np.random.default_rng(7)
    alarms = told = 0
    for _ in range(runs := 50):
        shares = rng.gamma(evenness, size=min(values, 50_000))
        finer = values // len(shares)
        drawn = rng.choice(len(shares), 5_000, p=shares / shares.sum()) * finer + rng.integers(
            finer, size=5_000
        )
        first, second = drawn[:2_000], drawn[2_000:]
        times = np.bincount(np.unique(first, return_counts=True)[1], minlength=4)
        alarms += beyond_twins(*_twins(first, second)) + beyond_repeats(*map(int, times[1:4]))
        told += beyond_twins(*_twins(first, np.concatenate([second, first[:400]])))
    assert alarms == 0
    assert told == (runs if rare else 0)


def _twins(
    first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[int, tuple[int, int], tuple[int, int]]:
    known = [dict(zip(*np.unique(one, return_counts=True), strict=True)) for one in (first, second)]
    cross = sum(known[1].get(value) == 1 for value, times in known[0].items() if times == 1)
    twice = [sum(times == 2 for times in one.values()) for one in known]
    return cross, (len(first), len(second)), (twice[0], twice[1])
