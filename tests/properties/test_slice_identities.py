"""What holds for every table of predictions, whatever it holds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.analytics.intervals import rate_difference_interval, rate_ratio_interval, wilson_interval
from core.analytics.slices.counts import SliceCounts, total_of
from core.analytics.slices.judging import Limit
from core.analytics.slices.metrics import MetricDefinition, measure, metrics_for
from core.analytics.slices.report import slice_report
from core.analytics.slices.rows import MISSING
from tests.sliced import counted

Row = tuple[str | None, int | None, int, int | None]  # team, region code, prediction, label

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", 'c "d"', "", None]),
        st.sampled_from([1, 2, None]),
        st.integers(0, 1),
        st.sampled_from([0, 1, None]),
    ),
    min_size=1,
    max_size=40,
)
COUNTS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300)),
    min_size=1,
    max_size=6,
)
RATES = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
REUSED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    yield connection
    connection.close()


def write(cursor: duckdb.DuckDBPyConnection, path: Path, rows: list[Row]) -> list[Path]:
    cursor.execute("CREATE OR REPLACE TEMP TABLE batch (team VARCHAR, region INT, y_pred INT, y_true INT)")
    cursor.executemany("INSERT INTO batch VALUES (?, ?, ?, ?)", rows)
    cursor.execute(f"COPY batch TO '{path}' (FORMAT parquet)")
    return [path]


def slices_of(counts: list[tuple[int, int, int, int]]) -> list[SliceCounts]:
    return [
        SliceCounts(
            (("group", f"g{place}"),),
            "binary",
            tp + fp + fn + tn,
            tp + fp + fn + tn,
            tp + fp + fn + tn,
            selected=tp + fp,
            tp=tp,
            fp=fp,
            fn=fn,
            tn=tn,
        )
        for place, (tp, fp, fn, tn) in enumerate(counts)
    ]


def is_defined(definition: MetricDefinition, counts: SliceCounts) -> bool:
    if definition.form == "ranking":
        return counts.ranks is not None and counts.ranks.positives * counts.ranks.negatives > 0
    classes = counts.total(definition.negatives) if definition.form == "balanced" else 1
    return counts.total(definition.denominator) > 0 and classes > 0


@REUSED
@given(rows=ROWS)
def test_every_row_is_counted_once(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path, rows: list[Row]
) -> None:
    paths = write(cursor, tmp_path / "batch.parquet", rows)
    (overall,) = counted(cursor, paths, "binary", [])
    for by in (["team"], ["team", "region"]):
        counts = counted(cursor, paths, "binary", by)
        assert total_of(counts) == overall
        for each in counts:
            assert each.tp + each.fp + each.fn + each.tn == each.labelled <= each.predicted == each.rows
            assert each.tp + each.fp <= each.selected
    expected = Counter((team or MISSING) for team, _, _, _ in rows)
    assert {each.label: each.rows for each in counted(cursor, paths, "binary", ["team"])} == expected


@REUSED
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path, rows: list[Row], seed: int
) -> None:
    before = counted(cursor, write(cursor, tmp_path / "a.parquet", rows), "binary", ["team", "region"])
    random.Random(seed).shuffle(rows)
    after = counted(cursor, write(cursor, tmp_path / "b.parquet", rows), "binary", ["team", "region"])
    assert before == after


@REUSED
@given(rows=ROWS)
def test_keeping_a_slice_gives_its_counts(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path, rows: list[Row]
) -> None:
    paths = write(cursor, tmp_path / "batch.parquet", rows)
    for each in counted(cursor, paths, "binary", ["team", "region"]):
        where = {name: [value] for name, value in each.keys}
        (kept,) = counted(cursor, paths, "binary", ["team", "region"], where=where)
        assert kept == each


@REUSED
@given(rows=ROWS)
def test_swapping_the_outcome_swaps_the_counts(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path, rows: list[Row]
) -> None:
    paths = write(cursor, tmp_path / "batch.parquet", rows)
    ones = counted(cursor, paths, "binary", ["team"])
    zeros = counted(cursor, paths, "binary", ["team"], positive=0)
    named = counted(cursor, paths, "multiclass", ["team"], positive="1")
    for one, zero, name in zip(ones, zeros, named, strict=True):
        assert (one.tp, one.fp, one.fn, one.tn) == (zero.tn, zero.fn, zero.fp, zero.tp)
        assert (one.tp, one.fp, one.fn, one.tn) == (name.tp, name.fp, name.fn, name.tn)


@given(counts=COUNTS, seed=st.integers(0, 99), reference=st.sampled_from(["largest", "overall", "best"]))
def test_the_order_of_slices_changes_no_figure(
    counts: list[tuple[int, int, int, int]], seed: int, reference: str
) -> None:
    slices = slices_of(counts)
    shuffled = random.Random(seed).sample(slices, len(slices))
    for definition in metrics_for("binary"):
        one, other = (
            slice_report(each, total_of(each), definition, reference=reference, limit=Limit("ratio", 0.8))
            for each in (slices, shuffled)
        )
        assert {line.label: line for line in one.slices} == {line.label: line for line in other.slices}
        assert (one.verdict, one.note, one.reference_label, one.widest_difference, one.lowest_ratio) == (
            other.verdict,
            other.note,
            other.reference_label,
            other.widest_difference,
            other.lowest_ratio,
        )


@given(
    counts=COUNTS,
    kind=st.sampled_from(["ratio", "difference"]),
    reference=st.sampled_from(["largest", "best"]),
)
def test_undefined_stays_none_and_is_never_a_pass(
    counts: list[tuple[int, int, int, int]], kind: str, reference: str
) -> None:
    slices = slices_of(counts)
    limit = Limit("ratio", 0.8) if kind == "ratio" else Limit("difference", 0.1)
    for definition in metrics_for("binary"):
        report = slice_report(slices, total_of(slices), definition, reference=reference, limit=limit)
        for each, line in zip(slices, report.slices, strict=True):
            assert (line.value is None) == (not is_defined(definition, each)) == (line.interval is None)
            if line.value is None or line.too_small:
                assert line.verdict == "cannot_tell"
            if line.value is None:
                assert (line.gap, line.ratio, line.gap_interval, line.ratio_interval) == (None,) * 4
        verdicts = {line.verdict for line in report.slices}
        assert report.verdict != "pass" or verdicts == {"pass"}
        assert (report.verdict == "fail") == ("fail" in verdicts)
        shown = {line.label for line in report.slices}
        assert shown == {each.label for each in slices} >= {left.label for left in report.left_out}


@given(counts=COUNTS)
def test_complements_add_up_to_one(counts: list[tuple[int, int, int, int]]) -> None:
    by_id = {each.id: each for each in metrics_for("binary")}
    for each in slices_of(counts):
        for one, other in (
            ("true_positive_rate", "false_negative_rate"),
            ("specificity", "false_positive_rate"),
            ("precision", "false_discovery_rate"),
            ("negative_predictive_value", "false_omission_rate"),
        ):
            hit, missed = measure(by_id[one], each).value, measure(by_id[other], each).value
            assert (hit is None) == (missed is None)
            assert hit is None or missed is None or abs(hit + missed - 1) < 1e-12


@given(rate=RATES, confidence=st.floats(0.5, 0.999))
def test_a_wilson_interval_holds_its_rate_and_stays_in_range(
    rate: tuple[int, int], confidence: float
) -> None:
    found, wider = wilson_interval(*rate, confidence), wilson_interval(*rate, 0.9999)
    assert found is not None and wider is not None
    assert 0 <= found.low <= rate[0] / rate[1] <= found.high <= 1
    assert wider.low <= found.low < found.high <= wider.high


@given(own=RATES, other=RATES)
def test_intervals_of_two_rates_hold_their_point(own: tuple[int, int], other: tuple[int, int]) -> None:
    difference, ratio = rate_difference_interval(*own, *other), rate_ratio_interval(*own, *other)
    assert difference is not None
    assert difference.contains(own[0] / own[1] - other[0] / other[1])
    assert (ratio is None) == (other[0] == 0)
    if ratio is not None:
        point = (own[0] / own[1]) / (other[0] / other[1])
        assert 0 <= ratio.low <= point * (1 + 1e-12) and point * (1 - 1e-12) <= ratio.high
