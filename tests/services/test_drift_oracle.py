"""Drift equals NannyML 0.13.1's on its own data sets and on hard columns: distances, limits, alerts."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import polars as pl
import pytest

from core.analytics.drift.feature_drift import MethodDrift
from core.lake.monitoring.drift import MeasuredDrift, measure
from core.lake.monitoring.drift_counts import BatchFile, Chunking, DriftRows
from data.demo.example_datasets import write_dataset
from tests.oracles import recorded
from tests.oracles.questions import CENSUS_CHUNK, DRIFTING, HARD, HARD_CHUNK, hard_frames

CLOSE = 1e-6


def ours(reference: Path, analysis: list[Path], chunking: Chunking) -> MeasuredDrift:
    cursor = duckdb.connect()
    files = [
        BatchFile(str(reference), "reference", pl.scan_parquet(reference).select(pl.len()).collect().item())
    ]
    files += [
        BatchFile(str(path), "analysis", pl.scan_parquet(path).select(pl.len()).collect().item())
        for path in analysis
    ]
    return measure(DriftRows(cursor, files, chunking), lambda share, what: None)


def assert_equal(found: MeasuredDrift, answer: pl.DataFrame) -> int:
    """Every distance, threshold and alert that NannyML defines; returns how many were compared."""
    theirs = answer.partition_by("feature", "method", as_dict=True)
    assert {(drift.feature, drift.method) for drift in found.methods} == set(theirs)
    compared = 0
    for drift in found.methods:
        column = theirs[drift.feature, drift.method]
        for place, value in enumerate(column["distance"].to_list()):
            mine = drift.distances[place]
            where = f"{drift.feature} {drift.method} chunk {place}"
            if value is None or math.isnan(value):
                assert mine is None, where
                continue
            assert mine == pytest.approx(value, abs=CLOSE, rel=CLOSE), where
            assert drift.alerts[place] is column["alert"][place], where
            compared += 1
        if drift.method == "chi2":
            assert drift.threshold is None
        else:
            assert drift.threshold == pytest.approx(column["threshold"][0], abs=CLOSE, rel=CLOSE), drift
    return compared


@pytest.mark.parametrize("dataset", DRIFTING)
def test_drift_of_a_data_set_equals_nannymls(dataset: str, tmp_path: Path) -> None:
    files = write_dataset(dataset, tmp_path)
    found = ours(files.reference, [files.analysis], Chunking(rows=files.chunk_size))
    answer = recorded(f"drift_{dataset}")
    assert assert_equal(found, answer) == len(answer)
    assert any(any(drift.alerts) for drift in found.methods)


def test_drift_of_the_census_equals_nannymls(tmp_path: Path) -> None:
    files = write_dataset("census_employment", tmp_path)
    found = ours(files.reference, [files.analysis], Chunking(rows=CENSUS_CHUNK))
    answer = recorded("drift_census")
    assert assert_equal(found, answer) == len(answer)
    assert answer["chunk"].n_unique() == 56


def test_drift_by_month_equals_nannymls(tmp_path: Path) -> None:
    files = write_dataset("car_loan", tmp_path)
    found = ours(files.reference, [files.analysis], Chunking(period="month"))
    assert assert_equal(found, recorded("drift_car_loan_by_month")) > 200


@pytest.mark.parametrize("name", HARD)
def test_hard_columns_equal_nannymls(tmp_path: Path, name: str) -> None:
    reference, analysis = hard_frames(HARD[name])
    paths = [tmp_path / "reference.parquet", tmp_path / "one.parquet", tmp_path / "two.parquet"]
    half = analysis.height // 3
    for path, table in zip(paths, [reference, analysis[:half], analysis[half:]], strict=True):
        table.write_parquet(path)
    found = ours(paths[0], paths[1:], Chunking(rows=HARD_CHUNK))
    assert {drift.feature for drift in found.methods} == set(reference.columns)
    assert assert_equal(found, recorded(f"drift_hard_{name}")) > 4 * len(reference.columns) * 8


def test_a_chunk_without_a_value_is_undefined_and_never_an_alert(tmp_path: Path) -> None:
    numbers = {"x": [float(n % 7) for n in range(2000)], "w": ["a", "b"] * 1000}
    pl.DataFrame(numbers).write_parquet(tmp_path / "reference.parquet")
    empty = {"x": [None] * 1000 + [1.0] * 1000, "w": [None] * 1000 + ["a"] * 1000}
    schema = {"x": pl.Float64, "w": pl.String}
    pl.DataFrame(empty, schema=schema).write_parquet(tmp_path / "analysis.parquet")
    found = ours(tmp_path / "reference.parquet", [tmp_path / "analysis.parquet"], Chunking(rows=1000))
    assert len(found.methods) == 8
    for drift in found.methods:
        assert drift.distances[2] is None
        assert drift.alerts[2] is None
        assert drift.distances[3] is not None


def test_columns_that_cannot_be_compared_are_named(tmp_path: Path) -> None:
    rows = 30_000
    table = pl.DataFrame(
        {"x": [None] * rows, "w": [f"word {n}" for n in range(rows)], "y": [1.0] * rows},
        schema={"x": pl.Float64, "w": pl.String, "y": pl.Float64},
    )
    table.write_parquet(tmp_path / "a.parquet")
    found = ours(tmp_path / "a.parquet", [tmp_path / "a.parquet"], Chunking(rows=5000))
    assert found.skipped["x"] == "no value in the reference"
    assert "different values" in found.skipped["w"]
    assert {drift.feature for drift in found.methods} == {"y"}


def test_infinite_values_lie_outside_and_have_no_distance_in_the_features_unit(tmp_path: Path) -> None:
    pl.DataFrame({"x": [float(n % 9) for n in range(20_000)]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": [math.inf, *[float(n % 9) for n in range(4999)]]}).write_parquet(
        tmp_path / "b.parquet"
    )
    found = ours(tmp_path / "a.parquet", [tmp_path / "b.parquet"], Chunking(rows=5000))
    newest: dict[str, float | None] = {drift.method: drift.distances[-1] for drift in found.methods}
    assert newest["wasserstein"] is None
    assert newest["kolmogorov_smirnov"] == pytest.approx(1 / 5000, abs=1e-3)


def test_methods_know_nothing_of_the_order_of_the_batches(tmp_path: Path) -> None:
    """The reference comes first, whenever it was added."""
    pl.DataFrame({"x": [1.0, 2.0] * 500}).write_parquet(tmp_path / "r.parquet")
    pl.DataFrame({"x": [1.0, 9.0] * 500}).write_parquet(tmp_path / "a.parquet")
    files = [
        BatchFile(str(tmp_path / "a.parquet"), "analysis", 1000),
        BatchFile(str(tmp_path / "r.parquet"), "reference", 1000),
    ]
    rows = DriftRows(duckdb.connect(), files, Chunking(rows=500))
    assert [chunk.part for chunk in rows.chunks] == ["reference"] * 2 + ["analysis"] * 2
    assert [(chunk.first_row, chunk.last_row) for chunk in rows.chunks] == [(0, 499), (500, 999)] * 2
    by_method: dict[str, MethodDrift] = {d.method: d for d in measure(rows, lambda share, what: None).methods}
    assert by_method["wasserstein"].distances == (0.0, 0.0, 3.5, 3.5)
    assert by_method["wasserstein"].alerts == (False, False, True, True)
