"""Slices by hand, and against fairlearn on the census, car price and credit card predictions."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analytics.slices.counts import SliceCounts, total_of
from core.analytics.slices.fairness import withheld
from core.analytics.slices.judging import Limit
from core.analytics.slices.metrics import SLICE_METRICS, measure, metric, metrics_for
from core.analytics.slices.report import SliceReport, slice_report
from core.analytics.slices.rows import MISSING, Band
from core.analytics.slices.verdicts import Judging, Small, Tally
from core.domain.errors import BadInput, NotFound
from core.lake.slices.profiles import class_labels, cut_continuous, quantile_cuts, slice_features
from tests.sliced import counted

Cursor = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def cursor() -> Iterator[Cursor]:
    connection = duckdb.connect()
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def shipped() -> Path:
    """Folder of the predictions in nannyml's wheel, found without importing it."""
    spec = importlib.util.find_spec("nannyml")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


@pytest.fixture(scope="module")
def census(cursor: Cursor, shipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("census") / "batch.parquet"
    cursor.execute(
        f"""COPY (SELECT CAST(a.id AS VARCHAR) AS row_id, a.* EXCLUDE (id, prediction, predicted_probability),
                prediction AS y_pred, predicted_probability AS y_score, employed AS y_true
            FROM read_parquet('{shipped}/employment_MA_analysis.pq') a
            JOIN read_parquet('{shipped}/employment_MA_analysis_target.pq') USING (id))
        TO '{path}'"""
    )
    return path


def write(cursor: Cursor, path: Path, query: str) -> list[Path]:
    cursor.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return [path]


def a_slice(value: str, n: int, selected: int, **more: int) -> SliceCounts:
    return SliceCounts((("group", value),), "binary", n, predicted=n, selected=selected, **more)


# By hand --------------------------------------------------------------------------------------------------


def test_counts_by_hand(cursor: Cursor, tmp_path: Path) -> None:
    # team a: predictions 1 1 0 0, labels 1 0 1 0 -> one each of tp fp fn tn; plus one without a label
    # team b: prediction 1, label 1; missing team: prediction 0, label 1
    rows = "('a',1,1), ('a',1,0), ('a',0,1), ('a',0,0), ('a',1,NULL), ('b',1,1), (NULL,0,1)"
    paths = write(cursor, tmp_path / "x.parquet", f"SELECT * FROM (VALUES {rows}) t(team, y_pred, y_true)")
    a, b, missing = counted(cursor, paths, "binary", ["team"])
    assert a == SliceCounts((("team", "a"),), "binary", 5, 5, 4, selected=3, tp=1, fp=1, fn=1, tn=1)
    assert b == SliceCounts((("team", "b"),), "binary", 1, 1, 1, selected=1, tp=1)
    assert missing == SliceCounts((("team", "(missing)"),), "binary", 1, 1, 1, fn=1)
    values = {each.id: measure(each, a).value for each in metrics_for("binary")}
    assert values == {  # 3 of 5; of 2 positives 1; of 2 negatives 1; of 2 labelled selected 1; of 4 right 2
        "selection_rate": 3 / 5,
        "base_rate": 2 / 4,
        "true_positive_rate": 1 / 2,
        "false_positive_rate": 1 / 2,
        "false_negative_rate": 1 / 2,
        "specificity": 1 / 2,
        "precision": 1 / 2,
        "false_discovery_rate": 1 / 2,
        "negative_predictive_value": 1 / 2,
        "false_omission_rate": 1 / 2,
        "accuracy": 2 / 4,
        "balanced_accuracy": (1 / 2 + 1 / 2) / 2,
        "calibration_gap": None,  # no score was counted: undefined, not 0
        "roc_auc": None,
    }
    assert measure(metric("false_positive_rate"), b).value is None  # no negative label: undefined, not 0


def test_sums_by_hand(cursor: Cursor, tmp_path: Path) -> None:
    # errors prediction - label: 1, -2, 3 -> sum 2, absolute 6, squared 14; spreads 14 - 4/3, 14 - 36/3 and
    # (1 + 16 + 81) - 196/3
    rows = "(11.0, 10.0), (8.0, 10.0), (13.0, 10.0), (5.0, NULL), ('nan'::DOUBLE, 1.0), (1.0, 'inf'::DOUBLE)"
    paths = write(cursor, tmp_path / "x.parquet", f"SELECT * FROM (VALUES {rows}) t(y_pred, y_true)")
    (found,) = counted(cursor, paths, "regression", [])
    spreads = found.spread_error, found.spread_absolute_error, found.spread_squared_error
    assert spreads == pytest.approx((14 - 4 / 3, 2.0, 98 - 196 / 3), rel=1e-14)
    assert (found.rows, found.predicted, found.labelled) == (6, 5, 3)
    assert (found.sum_error, found.sum_absolute_error, found.sum_squared_error) == (2.0, 6.0, 14.0)
    assert measure(metric("mean_error"), found).value == 2 / 3
    assert measure(metric("mean_absolute_error"), found).value == 2.0
    root = measure(metric("root_mean_squared_error"), found).value
    assert root == pytest.approx((14 / 3) ** 0.5, rel=1e-15)


def test_equal_errors_have_no_spread_however_large(cursor: Cursor, tmp_path: Path) -> None:
    # two groups of equal errors each, one far from nought; and sizes at which sums of floats are not exact
    query = (
        "SELECT i % 3 AS team, 0.0 AS y_true, CASE WHEN i % 3 = 0 THEN 1e6 + 0.3 ELSE 0.3 END AS y_pred "
        "FROM range(3000) r(i)"
    )
    counts = counted(cursor, write(cursor, tmp_path / "x.parquet", query), "regression", ["team"])
    for name in ("mean_error", "mean_absolute_error", "root_mean_squared_error"):
        for each in counts:
            found = measure(metric(name), each)
            assert found.value is not None and found.interval is not None
            assert found.interval.high - found.interval.low <= 1e-14 * found.value
    query = "SELECT i % 7 AS team, 0.0 AS y_true, 0.3 AS y_pred FROM range(3000) r(i)"
    same = counted(cursor, write(cursor, tmp_path / "y.parquet", query), "regression", ["team"])
    alike = slice_report(same, total_of(same), "mean_error", reference="overall")
    assert {line.p_value for line in alike.slices} == {None}, "nothing varies"
    mixed = slice_report(counts, total_of(counts), "mean_error", reference="overall")
    assert mixed.slices[0].p_value is None
    assert all(line.p_value is not None for line in mixed.slices[1:])


def test_an_error_too_large_to_square_has_an_endless_interval(cursor: Cursor, tmp_path: Path) -> None:
    rows = "('a', 1e200, 0.0), ('a', 1.0, 0.0), ('b', 1.0, 0.0), ('b', 3.0, 0.0)"
    paths = write(cursor, tmp_path / "x.parquet", f"SELECT * FROM (VALUES {rows}) t(team, y_pred, y_true)")
    far, near = (
        measure(metric("mean_error"), each).interval
        for each in counted(cursor, paths, "regression", ["team"])
    )
    assert far is not None and near is not None
    assert math.isinf(far.low) and math.isinf(far.high)
    assert near.contains(2.0) and math.isfinite(near.high)


def test_odd_values_become_their_own_slice_or_missing(cursor: Cursor, tmp_path: Path) -> None:
    rows = "('nan'::DOUBLE, '', 1), (2.0, ' ', 0), (1.0, 'x', 1), (NULL, 'a \"q\"', 1), (10, '(missing)', 0)"
    query = f'SELECT code AS "the ""code""; --", word, y_pred FROM (VALUES {rows}) t(code, word, y_pred)'
    paths = write(cursor, tmp_path / "x.parquet", query)
    codes = counted(cursor, paths, "binary", ['the "code"; --'])
    assert [(each.label, each.rows) for each in codes] == [("1", 1), ("2", 1), ("10", 1), ("(missing)", 2)]
    words = counted(cursor, paths, "binary", ["word"])
    assert [(each.label, each.rows) for each in words] == [('a "q"', 1), ("x", 1), ("(missing)", 3)]


def test_bands_hold_their_lower_cut_and_keep_missing_apart(cursor: Cursor, tmp_path: Path) -> None:
    ages = "(29.9), (30.0), (44.0), (45.0), ('inf'::DOUBLE), (NULL), ('nan'::DOUBLE)"
    paths = write(cursor, tmp_path / "x.parquet", f"SELECT age, 1 AS y_pred FROM (VALUES {ages}) t(age)")
    age = Band("age", (30.0, 45.0))
    found = counted(cursor, paths, "binary", [age])
    assert [(each.label, each.rows) for each in found] == [
        ("under 30", 1),
        ("30 to under 45", 2),
        ("45 and over", 2),
        ("(missing)", 2),
    ]
    (kept,) = counted(cursor, paths, "binary", [], where={age: ["30 to under 45", "(missing)"]})
    assert kept.rows == 4
    with pytest.raises(NotFound, match="'31' is not a band of 'age'"):
        counted(cursor, paths, "binary", [], where={age: ["31"]})


def test_where_keeps_values_by_label(cursor: Cursor, tmp_path: Path) -> None:
    rows = "('a', 1, 1), ('a', 2, 1), ('b', 1, 0), (NULL, 2, 1)"
    paths = write(cursor, tmp_path / "x.parquet", f"SELECT * FROM (VALUES {rows}) t(team, code, y_pred)")

    def labels(where: dict[str | Band, list[object]]) -> list[str]:
        return [each.label for each in counted(cursor, paths, "binary", ["team", "code"], where=where)]

    assert labels({"team": ["a", "(missing)"]}) == ["a · 1", "a · 2", "(missing) · 2"]
    assert labels({"team": ["a", "b"], "code": [1]}) == ["a · 1", "b · 1"]
    with pytest.raises(BadInput, match="no row is left"):
        labels({"team": ["x' OR 1=1 --"]})
    (none,) = counted(cursor, paths, "binary", [], where={"team": []})
    assert none.rows == 0


def test_quantile_cuts_split_evenly_and_survive_repeats(cursor: Cursor, tmp_path: Path) -> None:
    paths = write(
        cursor,
        tmp_path / "x.parquet",
        "SELECT range AS even, if(range < 95, 0, range) AS skewed, 7 AS same FROM range(100)",
    )
    assert quantile_cuts(cursor, paths, "even") == (19.0, 39.0, 59.0, 79.0)
    assert quantile_cuts(cursor, paths, "skewed") == (95.0,)
    assert quantile_cuts(cursor, paths, "same") == ()
    assert cut_continuous(cursor, paths, ["same", "even"]) == ["same", Band("even", (19.0, 39.0, 59.0, 79.0))]


def test_files_with_different_columns_are_read_as_one(cursor: Cursor, tmp_path: Path) -> None:
    early = write(cursor, tmp_path / "early.parquet", "SELECT 1 AS y_pred, 'a' AS team, 1 AS y_true")
    late = write(cursor, tmp_path / "late.parquet", "SELECT 'b' AS team, 0 AS y_pred")
    found = counted(cursor, early + late, "binary", ["team"])
    assert [(each.label, each.labelled) for each in found] == [("a", 1), ("b", 0)]
    (alone,) = counted(cursor, late, "binary", ["team"])  # no column y_true at all
    assert (alone.rows, alone.labelled, measure(metric("accuracy"), alone).value) == (1, 0, None)


def test_what_cannot_be_read_is_refused_with_a_remedy(cursor: Cursor, tmp_path: Path) -> None:
    paths = write(cursor, tmp_path / "x.parquet", "SELECT 2 AS y_pred, 1 AS y_true, 'a' AS team, [1] AS many")
    broken = tmp_path / "broken.parquet"
    broken.write_text("no parquet")
    with pytest.raises(NotFound, match="'sex' is not a column of these predictions"):
        counted(cursor, paths, "binary", ["sex"])
    with pytest.raises(BadInput, match="holds values other than 0 and 1"):
        counted(cursor, paths, "binary", ["team"])
    with pytest.raises(BadInput, match="no class was named"):
        counted(cursor, paths, "multiclass", ["team"])
    with pytest.raises(BadInput, match="a regression has no positive class"):
        counted(cursor, paths, "regression", [], positive=1)
    with pytest.raises(BadInput, match="'yes' is not an outcome of a binary model"):
        counted(cursor, paths, "binary", [], positive="yes")
    with pytest.raises(BadInput, match="there are no predictions to slice"):
        counted(cursor, [], "binary", [])
    with pytest.raises(NotFound, match="a prediction file cannot be opened"):
        counted(cursor, [tmp_path / "none.parquet"], "binary", [])
    with pytest.raises(BadInput, match="the predictions cannot be read"):
        counted(cursor, [broken], "binary", [])
    with pytest.raises(BadInput, match="different features"):
        counted(cursor, paths, "binary", ["team", Band("team", (1.0,))])
    with pytest.raises(BadInput, match="'team' holds no numbers to cut"):
        counted(cursor, paths, "binary", [Band("team", (1.0,))])
    with pytest.raises(BadInput, match="'team' holds no numbers"):
        quantile_cuts(cursor, paths, "team")
    with pytest.raises(BadInput, match="1 is not a number of bands"):
        quantile_cuts(cursor, paths, "y_pred", bands=1)
    with pytest.raises(BadInput, match="'a' is not a list of values"):
        counted(cursor, paths, "binary", [], where={"team": "a"})


def test_too_many_slices_are_refused(cursor: Cursor, tmp_path: Path) -> None:
    query = "SELECT 'id' || range AS name, 1 AS y_pred FROM range(10001)"
    paths = write(cursor, tmp_path / "x.parquet", query)
    with pytest.raises(BadInput, match="more than 10,000 slices"):
        counted(cursor, paths, "binary", ["name"])


def test_text_in_a_binary_prediction_is_refused(cursor: Cursor, tmp_path: Path) -> None:
    paths = write(cursor, tmp_path / "x.parquet", "SELECT 'yes' AS y_pred")
    with pytest.raises(BadInput, match="the predictions cannot be read: Conversion Error"):
        counted(cursor, paths, "binary", [])


# The report -----------------------------------------------------------------------------------------------


def test_four_fifths_against_the_best_by_hand() -> None:
    # rates 0.50, 0.30, 0.49: ratios to the best 1, 0.6, 0.98; widest difference 0.2; lowest ratio 0.6
    counts = [a_slice("x", 4000, 2000), a_slice("y", 4000, 1200), a_slice("z", 4000, 1960)]
    report = slice_report(
        counts, total_of(counts), "selection_rate", reference="best", limit=Limit("ratio", 0.8)
    )
    assert [line.verdict for line in report.slices] == ["pass", "fail", "pass"]
    assert [line.ratio for line in report.slices] == pytest.approx([1.0, 0.6, 0.98])
    assert [line.gap for line in report.slices] == pytest.approx([0.0, -0.2, -0.01])
    assert report.widest_difference == pytest.approx(0.2)
    assert report.lowest_ratio == pytest.approx(0.6)
    assert (report.highest_label, report.lowest_label, report.reference_label) == ("x", "y", "x")
    assert (report.verdict, report.overall_value, report.overall_n) == ("fail", 5160 / 12000, 12000)
    assert report.note.startswith(
        "1 of 3 slices are outside the limit; 0 cannot be told. By likelihood-ratio"
    )


def test_an_interval_across_the_limit_cannot_be_told() -> None:
    counts = [a_slice("x", 4000, 2000), a_slice("y", 150, 60)]  # ratio 0.8, on 150 rows
    report = slice_report(counts, total_of(counts), "selection_rate", limit=Limit("ratio", 0.8))
    assert report.slices[1].verdict == "cannot_tell"
    assert (
        "not shown to be within the limit of 0.800 to 1.250 nor, all 2 comparisons counted, outside"
        in report.slices[1].note
    )
    assert report.verdict == "cannot_tell"


def test_a_slice_far_above_the_reference_is_outside_the_limit_too() -> None:
    counts = [a_slice("x", 4000, 1200), a_slice("y", 3000, 1500)]
    report = slice_report(counts, total_of(counts), "selection_rate", limit=Limit("ratio", 0.8))
    assert report.reference_label == "x"
    assert report.slices[1].verdict == "fail"


def test_a_slice_that_is_never_selected_fails_and_does_not_escape_as_unknown() -> None:
    counts = [a_slice("x", 4000, 2000), a_slice("y", 500, 0)]
    line = slice_report(counts, total_of(counts), "selection_rate", limit=Limit("ratio", 0.8)).slices[1]
    assert (line.value, line.ratio, line.verdict) == (0.0, 0.0, "fail")


def test_small_and_undefined_slices_are_shown_and_left_out_of_the_gap() -> None:
    counts = [
        a_slice("x", 500, 250, labelled=500, tp=200, fn=50, fp=50, tn=200),
        a_slice("y", 500, 250, labelled=500, tp=190, fn=60, fp=60, tn=190),
        a_slice("tiny", 99, 0, labelled=99, fn=99),
        a_slice("no positives", 500, 0, labelled=500, tn=500),
    ]
    report = slice_report(
        counts, total_of(counts), "true_positive_rate", reference="x", limit=Limit("difference", 0.2)
    )
    assert [line.verdict for line in report.slices] == ["pass", "pass", "cannot_tell", "cannot_tell"]
    assert [line.value for line in report.slices] == [0.8, 0.76, 0.0, None]
    assert report.widest_difference == pytest.approx(0.04)
    assert [(left.label, left.reason) for left in report.left_out] == [
        ("tiny", "Too small: 99 rows count towards the metric, 100 are needed."),
        ("no positives", "Undefined: no row of this slice counts towards the metric."),
    ]
    assert report.verdict == "cannot_tell"


def test_one_slice_alone_has_nothing_to_be_compared_with() -> None:
    counts = [a_slice("x", 4000, 2000)]
    for reference in ("largest", "overall", "best", "x"):
        report = slice_report(
            counts, total_of(counts), "selection_rate", reference=reference, limit=Limit("ratio", 0.8)
        )
        assert (report.verdict, report.widest_difference, report.lowest_ratio) == ("cannot_tell", None, None)


def test_a_reference_that_is_too_small_judges_nobody() -> None:
    counts = [a_slice("x", 4000, 2000), a_slice("y", 50, 25)]
    report = slice_report(
        counts, total_of(counts), "selection_rate", reference="y", limit=Limit("difference", 0.9)
    )
    assert [line.verdict for line in report.slices] == ["cannot_tell", "cannot_tell"]
    nobody = slice_report(
        counts, total_of(counts), "selection_rate", reference="best", limit=Limit("ratio", 0.8), min_rows=9999
    )
    assert (nobody.reference_label, nobody.verdict) == (None, "cannot_tell")


@pytest.mark.parametrize(
    ("small", "verdict", "said"),
    [
        ("cannot_tell", "cannot_tell", "1 of 3 slices cannot be told; none is shown to be outside."),
        ("left_out", "pass", "All 2 slices are within the limit. Too few rows, so left out: 1 slice."),
        ("pooled", "pass", "All 2 slices are within the limit. Too few rows, so left out: 1 slice."),
    ],
)
def test_one_tiny_slice_does_what_the_position_says(small: Small, verdict: str, said: str) -> None:
    """Two groups of 20,000 alike and one of 99: one group too small kept everything open for ever."""
    counts = [a_slice("x", 20000, 10000), a_slice("y", 20000, 10050), a_slice("z", 99, 20)]
    limit, judging = Limit("ratio", 0.8), Judging(small)
    report = slice_report(
        counts, total_of(counts), "selection_rate", reference="best", limit=limit, judging=judging
    )
    assert report.verdict == verdict
    assert report.note.startswith(f"{said} By likelihood-ratio or exact tests of all pairs")


def test_small_slices_that_count_together_are_judged_as_one() -> None:
    counts = [a_slice("x", 2000, 1000), *(a_slice(f"z{place}", 60, 6) for place in range(4))]
    limit, judging = Limit("ratio", 0.8), Judging("pooled")
    report = slice_report(
        counts, total_of(counts), "selection_rate", reference="best", limit=limit, judging=judging
    )
    assert report.note == (
        "1 of 2 slices are outside the limit; 0 cannot be told. "
        "Too few rows, so judged as one: 4 slices. "
        "By likelihood-ratio or exact tests of all pairs, Bonferroni over 2 comparisons."
    )


def aged(band: str, n: int, selected: int, sex: str = "") -> SliceCounts:
    keys = (("sex", sex), ("age", band)) if sex else (("age", band),)
    return SliceCounts(keys, "binary", n, predicted=n, selected=selected)


def ranges(counts: list[SliceCounts]) -> SliceReport:
    return slice_report(
        counts, total_of(counts), "selection_rate", reference="best", limit=Limit("ratio", 0.8),
        judging=Judging("pooled", ordered="age"),
    )  # fmt: skip


def test_small_neighbours_in_an_order_are_judged_as_a_range_by_name() -> None:
    """The four oldest bands have 60 rows each and a fifth of the rate; the youngest stands alone."""
    bands = ["20 to under 40", "40 to under 50", "50 to under 60", "60 to under 70", "70 and over"]
    old = [aged(band, 60, 6) for band in bands[1:]]
    report = ranges([aged("under 20", 9, 4), aged(bands[0], 2000, 1000), *old, aged(MISSING, 20, 10)])
    assert [(line.label, line.n, line.verdict) for line in report.pooled] == [
        ("40 to under 60", 120, "fail"),
        ("60 and over", 120, "fail"),
    ]
    assert "Too few rows, so judged as 40 to under 60: 2 slices." in report.note
    assert "left out: 2 slices." in report.note
    assert report.tally == Tally(judged=3, outside=2, unsure=0)
    assert ranges([aged("20", 60, 30), aged("30", 60, 30), aged("40", 9, 4)]).pooled[0].label == "20 to 40"


def test_ranges_keep_other_features_apart_and_do_not_reach_over_large_slices() -> None:
    crossed = [aged(age, 70, 35, sex) for sex in ("F", "M") for age in ("20", "30")]
    assert [line.label for line in ranges(crossed).pooled] == ["F · 20 to 30", "M · 20 to 30"]
    apart = [aged("20", 70, 35), aged("30", 500, 250), aged("40", 70, 35)]
    (line,) = ranges(apart).pooled
    assert (line.label, line.n) == ("(small slices together)", 140)


def test_a_range_gives_no_small_slice_away() -> None:
    """Of 140 rows that are withheld a range would tell 130: the other ten could be worked out."""
    counts = [aged("20", 65, 30), aged("30", 65, 30), aged("40", 500, 250), aged("50", 10, 5)]
    assert [line.n for line in ranges(counts).pooled] == [130]
    assert withheld(ranges(counts), 100).pooled == ()
    assert [line.n for line in withheld(ranges(counts[:3]), 100).pooled] == [130]


def test_a_complete_small_data_set_is_judged_by_its_values() -> None:
    """118 people of three groups, who are all there are; "undefined" before."""
    counts = [a_slice("x", 27, 16), a_slice("y", 23, 8), a_slice("z", 68, 14)]
    everyone = total_of(counts)
    limit = Limit("ratio", 0.8)
    sampled = slice_report(counts, everyone, "selection_rate", reference="best", limit=limit)
    complete = slice_report(
        counts, everyone, "selection_rate", reference="best", limit=limit, judging=Judging(complete=True)
    )
    assert (sampled.verdict, complete.verdict) == ("cannot_tell", "fail")
    assert complete.lowest_ratio == pytest.approx((14 / 68) / (16 / 27))
    assert complete.slices[2].note == (
        "The ratio to 'x' is 0.347, outside the limit of 0.800 to 1.250; the rows are all there are."
    )


def test_different_from_the_best_allows_for_the_choice_of_the_best() -> None:
    counts = [a_slice(f"g{place}", 400, 180 + 4 * place) for place in range(11)]
    best, fixed = (
        slice_report(counts, total_of(counts), "selection_rate", reference=name, limit=Limit("ratio", 0.8))
        for name in ("best", "g10")
    )
    assert fixed.slices[0].adjusted_p == pytest.approx(10 * (fixed.slices[0].p_value or 0))
    assert best.slices[0].adjusted_p == pytest.approx(55 * (best.slices[0].p_value or 0))


def test_a_reference_of_zero_has_no_ratio() -> None:
    counts = [a_slice("x", 4000, 0), a_slice("y", 3000, 1500)]
    report = slice_report(counts, total_of(counts), "selection_rate", limit=Limit("ratio", 0.8))
    assert (report.slices[1].ratio, report.slices[1].verdict) == (None, "fail"), "1,500 of 3,000 against none"
    assert report.slices[1].note.startswith("The ratio to 'x' has no value, outside the limit")
    assert report.lowest_ratio == 0.0


def test_without_a_limit_nothing_is_judged() -> None:
    counts = [a_slice("x", 4000, 2000), a_slice("y", 50, 25)]
    report = slice_report(counts, total_of(counts), "selection_rate")
    assert report.verdict is None
    assert [line.verdict for line in report.slices] == [None, None]
    assert report.slices[1].too_small


def test_mean_errors_have_a_difference_and_no_ratio() -> None:
    def errors(value: str, shift: float) -> SliceCounts:  # 1000 errors, half shift - 1, half shift + 1
        return SliceCounts(
            (("group", value),),
            "regression",
            1000,
            1000,
            1000,
            sum_error=1000 * shift,
            sum_absolute_error=1000.0,
            sum_squared_error=1000 * (shift**2 + 1),
            spread_error=1000.0,
            spread_squared_error=2e4 - 1000 * (shift**2 + 1) ** 2,
        )

    counts = [errors("x", 0.0), errors("y", 0.5)]
    report = slice_report(counts, total_of(counts), "mean_error", limit=Limit("difference", 0.2))
    assert report.slices[1].gap == 0.5
    assert (report.slices[1].ratio, report.lowest_ratio) == (None, None)
    assert report.slices[1].verdict == "fail"
    best = slice_report(counts, total_of(counts), "mean_error", reference="best")
    assert best.reference_label == "x"
    root = slice_report(counts, total_of(counts), "root_mean_squared_error", limit=Limit("ratio", 0.5))
    assert root.slices[1].ratio == pytest.approx(1.25**0.5)
    assert root.slices[1].verdict == "pass"


def test_what_makes_no_sense_is_refused() -> None:
    counts = [a_slice("x", 10, 5), a_slice("y", 10, 5)]
    with pytest.raises(ValueError, match="'w' is not a slice here; slices are 'x', 'y'"):
        slice_report(counts, total_of(counts), "selection_rate", reference="w")
    with pytest.raises(ValueError, match="'f1' is not a known metric; known are selection_rate"):
        slice_report(counts, total_of(counts), "f1")
    with pytest.raises(ValueError, match="'mean_error' does not apply to a binary model"):
        slice_report(counts, total_of(counts), "mean_error")
    with pytest.raises(ValueError, match="two slices have the same label"):
        slice_report(counts + counts, total_of(counts), "selection_rate")
    with pytest.raises(ValueError, match="give at least one slice"):
        total_of([])
    for limit in (("ratio", 0.0), ("ratio", 1.2), ("difference", -0.1)):
        with pytest.raises(ValueError, match="cannot limit a"):
            Limit(*limit)
    for cuts in ((3.0, 3.0), (2.0, 1.0), (float("nan"),), (float("inf"),)):
        with pytest.raises(ValueError, match="must be finite and rise"):
            Band("age", cuts)


def test_band_labels_stay_apart() -> None:
    assert Band("x", ()).labels == ("any value",)
    assert Band("x", (1234567.0,)).labels == ("under 1,234,567", "1,234,567 and over")
    assert len(set(Band("x", (0.123451, 0.123452)).labels)) == 3


def test_every_metric_says_what_it_is() -> None:
    for each in SLICE_METRICS.values():
        assert all((each.title, each.formula, each.zero_means, each.leaves_out, each.source, each.tasks))


# Against fairlearn on real predictions -------------------------------------------------------------------


def by_group(functions: dict[str, Any], frame: Any, features: list[str], **arguments: Any) -> Any:
    from fairlearn.metrics import MetricFrame

    return MetricFrame(
        metrics=functions,
        y_true=frame["y_true"],
        y_pred=frame["y_pred"],
        sensitive_features=frame[features],
        **arguments,
    )


def rate_functions() -> dict[str, Any]:
    import fairlearn.metrics
    from sklearn.metrics import accuracy_score, precision_score

    names = ("selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate")
    functions = {name: getattr(fairlearn.metrics, name) for name in names}

    def precision(y_true: Any, y_pred: Any) -> float:
        return float(precision_score(y_true, y_pred, zero_division=0))

    return {**functions, "precision": precision, "accuracy": accuracy_score}


def assert_equal_where_defined(counts: list[SliceCounts], oracle: Any) -> int:
    """Every defined value equals the oracle's; returns how many were undefined."""
    undefined = 0
    for each in counts:
        values = tuple(value for _, value in each.keys)
        row = oracle.by_group.loc[values if len(values) > 1 else values[0]]
        for name in oracle.by_group.columns:
            found = measure(metric(name), each).value
            undefined += found is None
            assert found is None or found == pytest.approx(row[name], abs=1e-12)
    return undefined


@pytest.mark.parametrize("features", [["SEX"], ["SEX", "RAC1P"]])
def test_census_rates_equal_fairlearn(cursor: Cursor, census: Path, features: list[str]) -> None:
    frame = cursor.execute("SELECT SEX, RAC1P, y_pred, y_true FROM read_parquet(?)", [str(census)]).df()
    oracle = by_group(rate_functions(), frame, features)
    counts = counted(cursor, [census], "binary", features)
    assert sum(each.rows for each in counts) == len(frame) == 208_892
    assert len(counts) == len(frame.groupby(features, observed=True))
    assert_equal_where_defined(counts, oracle)
    report = slice_report(counts, total_of(counts), "selection_rate", min_rows=1)
    assert report.overall_value == pytest.approx(oracle.overall["selection_rate"], abs=1e-12)
    assert report.widest_difference == pytest.approx(oracle.difference()["selection_rate"], abs=1e-12)
    assert report.lowest_ratio == pytest.approx(oracle.ratio()["selection_rate"], abs=1e-12)


def test_census_bands_equal_fairlearn(cursor: Cursor, census: Path) -> None:
    import pandas as pd

    frame = cursor.execute("SELECT AGEP, SEX, y_pred, y_true FROM read_parquet(?)", [str(census)]).df()
    (age, _) = by = cut_continuous(cursor, [census], ["AGEP", "SEX"])
    assert isinstance(age, Band)
    edges = [-float("inf"), *age.cuts, float("inf")]
    frame["AGEP"] = pd.cut(frame["AGEP"], edges, right=False, labels=list(age.labels)).astype(str)
    oracle = by_group(rate_functions(), frame, ["AGEP", "SEX"])
    counts = counted(cursor, [census], "binary", by)
    assert [each.keys[0][1] for each in counts[::2]] == list(age.labels)
    assert_equal_where_defined(counts, oracle)
    assert counts == counted(cursor, [census], "binary", ["AGEP", "SEX"])


def test_a_rate_of_nobody_is_undefined_here_and_zero_in_fairlearn(cursor: Cursor, tmp_path: Path) -> None:
    rows = "('a', 1, 1), ('a', 0, 0), ('b', 1, 0), ('b', 0, 0)"  # nobody in b has a positive label
    paths = write(cursor, tmp_path / "x.parquet", f"SELECT * FROM (VALUES {rows}) t(team, y_pred, y_true)")
    frame = cursor.execute("SELECT * FROM read_parquet(?)", [str(paths[0])]).df()
    oracle = by_group({"true_positive_rate": rate_functions()["true_positive_rate"]}, frame, ["team"])
    counts = counted(cursor, paths, "binary", ["team"])
    assert oracle.by_group.loc["b", "true_positive_rate"] == 0.0
    assert oracle.difference()["true_positive_rate"] == 1.0
    assert assert_equal_where_defined(counts, oracle) == 1
    assert slice_report(counts, total_of(counts), "true_positive_rate", min_rows=1).widest_difference is None


def test_car_price_errors_equal_fairlearn(cursor: Cursor, shipped: Path, tmp_path: Path) -> None:
    from sklearn.metrics import mean_absolute_error, root_mean_squared_error

    query = f"""SELECT a.*, y_true FROM read_csv('{shipped}/regression_synthetic_analysis.csv') a
        JOIN read_csv('{shipped}/regression_synthetic_analysis_targets.csv') USING (id)"""
    paths = write(cursor, tmp_path / "cars.parquet", query)
    columns = "fuel, transmission, y_pred, y_true"
    frame = cursor.execute(f"SELECT {columns} FROM read_parquet(?)", [str(paths[0])]).df()
    functions = {
        "mean_error": lambda y_true, y_pred: (y_pred - y_true).mean(),
        "mean_absolute_error": mean_absolute_error,
        "root_mean_squared_error": root_mean_squared_error,
    }
    for features in (["fuel"], ["fuel", "transmission"]):
        oracle = by_group(functions, frame, features).by_group
        for each in counted(cursor, paths, "regression", features):
            values = tuple(value for _, value in each.keys)
            for name in functions:
                expected = oracle.loc[values if len(values) > 1 else values[0]][name]
                assert measure(metric(name), each).value == pytest.approx(expected, rel=1e-12, abs=1e-9)


def test_credit_card_classes_equal_fairlearn_one_against_the_rest(
    cursor: Cursor, shipped: Path, tmp_path: Path
) -> None:
    query = f"""SELECT a.*, y_true FROM read_csv('{shipped}/mc_analysis.csv') a
        JOIN read_csv('{shipped}/mc_analysis_gt.csv') USING (id)"""
    paths = write(cursor, tmp_path / "cards.parquet", query)
    frame = cursor.execute("SELECT acq_channel, y_pred, y_true FROM read_parquet(?)", [str(paths[0])]).df()
    classes = class_labels(cursor, paths)
    assert classes == ["highstreet_card", "prepaid_card", "upmarket_card"]
    for name in classes:
        one = frame.assign(
            y_pred=(frame["y_pred"] == name).astype(int), y_true=(frame["y_true"] == name).astype(int)
        )
        counts = counted(cursor, paths, "multiclass", ["acq_channel"], positive=name)
        rates = {key: each for key, each in rate_functions().items() if key != "accuracy"}
        assert assert_equal_where_defined(counts, by_group(rates, one, ["acq_channel"])) == 0
        accuracy = {"accuracy": rate_functions()["accuracy"]}  # of all classes, whichever is looked at
        assert assert_equal_where_defined(counts, by_group(accuracy, frame, ["acq_channel"])) == 0


@given(table=st.tuples(*[st.integers(0, 9)] * 4))
def test_every_rate_equals_scikit_learn_and_fairlearn_and_nought_over_nought_is_undefined(
    table: tuple[int, int, int, int],
) -> None:
    from fairlearn.metrics import false_negative_rate, selection_rate, true_negative_rate
    from sklearn.metrics import precision_score, recall_score

    tp, fp, fn, tn = table
    n = tp + fp + fn + tn
    counts = SliceCounts((), "binary", n, n, n, selected=tp + fp, tp=tp, fp=fp, fn=fn, tn=tn)
    y_true, y_pred = ([1] * tp + [0] * fp + [1] * fn + [0] * tn), [1] * (tp + fp) + [0] * (fn + tn)
    known = {"zero_division": float("nan")} if n else {}

    def rate(score: Any, of: int, *, rest: bool = False) -> float:
        found = float(score(y_true, y_pred, pos_label=of, **known)) if n else float("nan")
        return 1 - found if rest else found

    expected = {
        "base_rate": float(np.mean(y_true)) if n else float("nan"),
        "true_positive_rate": rate(recall_score, 1),
        "false_positive_rate": rate(recall_score, 0, rest=True),
        "false_negative_rate": rate(recall_score, 1, rest=True),
        "specificity": rate(recall_score, 0),
        "precision": rate(precision_score, 1),
        "false_discovery_rate": rate(precision_score, 1, rest=True),
        "negative_predictive_value": rate(precision_score, 0),
        "false_omission_rate": rate(precision_score, 0, rest=True),
    }
    for name, value in expected.items():
        found = measure(metric(name), counts)
        assert (found.value is None) == math.isnan(value) == (found.interval is None), name
        assert found.value is None or found.value == pytest.approx(value, abs=1e-12), name
    if tp + fn and fp + tn:  # else fairlearn says 0
        named = {"specificity": true_negative_rate, "false_negative_rate": false_negative_rate}
        for name, score in (named | {"selection_rate": selection_rate}).items():
            assert measure(metric(name), counts).value == pytest.approx(score(y_true, y_pred)), name


def test_census_features_are_found(cursor: Cursor, census: Path) -> None:
    found = {each.name: each for each in slice_features(cursor, [census])}
    assert found["SEX"].kind == "category"
    assert found["SEX"].distinct == 2
    assert found["AGEP"].kind == "number"
    assert not {"row_id", "y_pred", "y_true", "y_score"} & found.keys()
