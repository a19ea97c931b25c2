"""Drift equals NannyML 0.13.1's on its own data sets and on hard columns: distances, limits, alerts."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from core.analytics.drift.feature_drift import MethodDrift
from core.connectors.example_datasets import write_dataset
from core.lake.monitoring.drift_rows import BatchFile, Chunking, DriftRows
from core.services.measured.drift_measure import MeasuredDrift, measure

NUMBERS = ["jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein"]
TEXTS = ["jensen_shannon", "hellinger", "chi2", "l_infinity"]
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


def nannymls(reference: Any, analysis: Any, features: list[str], **chunks: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nannyml

        calculator = nannyml.UnivariateDriftCalculator(
            column_names=features, continuous_methods=NUMBERS, categorical_methods=TEXTS, **chunks
        )
        return calculator.fit(reference).calculate(analysis).to_df()


def plain_frame(path: Path) -> Any:
    """A file as NannyML reads it: texts as objects, numbers as numpy's."""
    import pandas as pd

    frame = pl.read_parquet(path)
    return pd.DataFrame(
        {
            name: pd.Series(frame[name].to_list(), dtype=object)
            if frame.schema[name] == pl.String
            else frame[name].to_numpy()
            for name in frame.columns
        }
    )


def assert_equal(found: MeasuredDrift, theirs: Any) -> int:
    """Every distance, threshold and alert that NannyML defines; returns how many were compared."""
    compared = 0
    for drift in found.methods:
        column = theirs[drift.feature][drift.method]
        for place, value in enumerate(column["value"].tolist()):
            mine = drift.distances[place]
            where = f"{drift.feature} {drift.method} chunk {place}"
            if value is None or math.isnan(value):
                assert mine is None, where
                continue
            assert mine == pytest.approx(value, abs=CLOSE, rel=CLOSE), where
            assert drift.alerts[place] is bool(column["alert"].tolist()[place]), where
            compared += 1
        limit = column["upper_threshold"].tolist()[0]
        if drift.method == "chi2":
            assert drift.threshold is None
        else:
            assert drift.threshold == pytest.approx(limit, abs=CLOSE, rel=CLOSE), drift
    return compared


@pytest.mark.parametrize("dataset", ["car_loan", "car_price", "california_housing", "credit_card_segments"])
def test_drift_of_a_data_set_equals_nannymls(dataset: str, tmp_path: Path) -> None:
    files = write_dataset(dataset, tmp_path)
    reference, analysis = plain_frame(files.reference), plain_frame(files.analysis)
    size = files.chunk_size
    found = ours(files.reference, [files.analysis], Chunking(rows=size))
    features = sorted({drift.feature for drift in found.methods})
    theirs = nannymls(reference, analysis, features, chunk_size=size)
    chunks = -(-len(reference) // size) + -(-len(analysis) // size)
    assert assert_equal(found, theirs) == 4 * chunks * len(features)
    assert any(any(drift.alerts) for drift in found.methods)


def test_drift_of_the_census_equals_nannymls(tmp_path: Path) -> None:
    files = write_dataset("census_employment", tmp_path)
    found = ours(files.reference, [files.analysis], Chunking(rows=5000))
    features = sorted({drift.feature for drift in found.methods})
    theirs = nannymls(plain_frame(files.reference), plain_frame(files.analysis), features, chunk_size=5000)
    assert assert_equal(found, theirs) == len(theirs) * 4 * len(features)
    assert len(theirs) == 56


def test_drift_by_month_equals_nannymls(tmp_path: Path) -> None:
    files = write_dataset("car_loan", tmp_path)
    reference, analysis = plain_frame(files.reference), plain_frame(files.analysis)
    found = ours(files.reference, [files.analysis], Chunking(period="month"))
    features = sorted({drift.feature for drift in found.methods})
    by_month = {"chunk_period": "M", "timestamp_column_name": "timestamp"}
    assert assert_equal(found, nannymls(reference, analysis, features, **by_month)) > 200


@pytest.mark.parametrize("rows", [6_000, 14_000], ids=["exact", "binned"])
def test_hard_columns_equal_nannymls(tmp_path: Path, rows: int) -> None:
    """Skew, ties, whole numbers, a single value, gaps, values outside the reference, unseen categories."""
    rng = np.random.default_rng(7)
    reference = hard_frame(rng, rows, shift=0.0)
    analysis = hard_frame(rng, rows // 2 + 137, shift=0.4)
    paths = [tmp_path / "reference.parquet", tmp_path / "one.parquet", tmp_path / "two.parquet"]
    half = analysis.height // 3
    for path, table in zip(paths, [reference, analysis[:half], analysis[half:]], strict=True):
        table.write_parquet(path)
    found = ours(paths[0], paths[1:], Chunking(rows=1000))
    analysis.write_parquet(tmp_path / "whole.parquet")
    features = list(reference.columns)
    theirs = nannymls(
        plain_frame(paths[0]), plain_frame(tmp_path / "whole.parquet"), features, chunk_size=1000
    )
    assert {drift.feature for drift in found.methods} == set(features)
    assert assert_equal(found, theirs) > 4 * len(features) * 8


def hard_frame(rng: np.random.Generator, rows: int, shift: float) -> pl.DataFrame:
    with_gaps = rng.normal(shift, 1, rows)
    with_gaps[rng.random(rows) < 0.2] = np.nan
    words = rng.choice(["a", "b", "c", "d"], rows, p=[0.6 - shift, 0.2 + shift, 0.15, 0.05]).tolist()
    if shift:
        words = ["new" if place % 31 == 0 else word for place, word in enumerate(words)]
    return pl.DataFrame(
        {
            "skewed": rng.lognormal(shift, 1.2, rows),
            "tied": np.round(rng.normal(shift, 2, rows), 1),
            "whole": rng.poisson(3 + shift, rows),
            "single": np.full(rows, 5.0) + (np.arange(rows) % 3 == 0) * shift,
            "gaps": with_gaps,
            "wide": rng.normal(0, 1 + 3 * shift, rows),
            "words": words,
            "two": rng.choice(["yes", "no"], rows, p=[0.5 + shift / 8, 0.5 - shift / 8]).tolist(),
        }
    )


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
