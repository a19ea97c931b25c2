"""Estimates equal NannyML's own, and what NannyML would answer wrongly is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.analytics.job_specs import EstimateBatch, EstimateSpec, RefusedInput
from core.analytics.monitoring_estimates import EstimatedChunk, estimate
from core.connectors.example_datasets import DatasetFiles, write_dataset

Loader = Callable[[str], DatasetFiles]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    folder = tmp_path_factory.mktemp("datasets")
    return lambda name: write_dataset(name, folder / name)


@pytest.fixture(scope="module")
def car_loan(load: Loader) -> DatasetFiles:
    return load("car_loan")


@pytest.fixture(scope="module")
def car_loan_chunks(car_loan: DatasetFiles) -> list[EstimatedChunk]:
    return estimate(spec_of(car_loan))


def spec_of(files: DatasetFiles, **changes: Any) -> EstimateSpec:
    fields: dict[str, Any] = {
        "name": files.name,
        "task": files.task,
        "reference": files.reference,
        "analysis": files.analysis,
        "chunk_size": files.chunk_size,
        "classes": files.classes,
        "features": files.features,
        "categorical_features": files.categorical_features,
    }
    return EstimateSpec(**(fields | changes))


def published(name: str, targets: str) -> tuple[Any, Any]:
    """NannyML's own files by pandas, the way its tutorials read them."""
    import pandas as pd

    found = find_spec("nannyml")
    assert found is not None
    assert found.submodule_search_locations
    data = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    analysis = pd.read_csv(data / f"{name}_analysis.csv")
    truth = pd.read_csv(data / f"{name}_{targets}.csv")
    return pd.read_csv(data / f"{name}_reference.csv"), analysis.merge(truth, on="id")


def by_nannyml(estimator_name: str, reference: Any, analysis: Any, **arguments: Any) -> Any:
    """Call NannyML directly, outside the code under test."""
    import numpy as np
    import pandas as pd

    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    state = np.random.get_state()
    with warnings.catch_warnings(), pd.option_context("mode.string_storage", "python"):
        warnings.simplefilter("ignore")
        import nannyml

        np.random.seed(0)
        try:
            estimator = getattr(nannyml, estimator_name)(timestamp_column_name="timestamp", **arguments)
            return estimator.fit(reference).estimate(analysis).to_df()
        finally:
            np.random.set_state(state)


def assert_equal_to_nannyml(chunks: list[EstimatedChunk], table: Any, metrics: tuple[str, ...]) -> None:
    for metric in metrics:
        ours = [chunk for chunk in chunks if chunk.metric == metric]
        theirs, place = table[metric], table["chunk"]
        assert [chunk.period for chunk in ours] == list(place["period"])
        assert [chunk.estimate for chunk in ours] == list(theirs["value"])
        assert [chunk.realised for chunk in ours] == list(theirs["realized"])
        assert [chunk.lower_confidence for chunk in ours] == list(theirs["lower_confidence_boundary"])
        assert [chunk.upper_confidence for chunk in ours] == list(theirs["upper_confidence_boundary"])
        assert [chunk.lower_threshold for chunk in ours] == list(theirs["lower_threshold"])
        assert [chunk.upper_threshold for chunk in ours] == list(theirs["upper_threshold"])
        assert [chunk.sampling_error for chunk in ours] == list(theirs["sampling_error"])
        assert [chunk.alert for chunk in ours] == list(theirs["alert"])
        assert [chunk.started_at for chunk in ours] == [time.to_pydatetime() for time in place["start_date"]]
        assert [chunk.ended_at for chunk in ours] == [time.to_pydatetime() for time in place["end_date"]]


def analysis_of(chunks: list[EstimatedChunk], metric: str) -> list[EstimatedChunk]:
    return [chunk for chunk in chunks if chunk.metric == metric and chunk.period == "analysis"]


def test_car_loan_auc_reads_as_published_and_alerts_on_the_last_five_chunks(
    car_loan_chunks: list[EstimatedChunk],
) -> None:
    chunks = analysis_of(car_loan_chunks, "roc_auc")
    assert [f"{chunk.estimate:.6f}" for chunk in chunks[:2]] == ["0.970744", "0.971011"]
    assert [chunk.alert for chunk in chunks] == [False] * 5 + [True] * 5
    assert [chunk.worse for chunk in chunks] == [False] * 5 + [True] * 5
    assert [(chunk.first_row, chunk.last_row, chunk.rows) for chunk in chunks[:2]] == [
        (0, 4999, 5000),
        (5000, 9999, 5000),
    ]
    assert str(chunks[0].started_at) == "2018-10-30 18:00:00"
    assert all(chunk.labelled_rows == 5000 for chunk in chunks)


def test_binary_estimates_equal_nannyml_called_directly(car_loan_chunks: list[EstimatedChunk]) -> None:
    metrics = ("roc_auc", "f1", "precision", "recall", "specificity", "accuracy")
    table = by_nannyml(
        "CBPE",
        *published("synthetic_car_loan", "analysis_target"),
        metrics=list(metrics),
        y_pred_proba="y_pred_proba",
        y_pred="y_pred",
        y_true="repaid",
        problem_type="classification_binary",
        chunk_size=5000,
    )
    assert tuple(dict.fromkeys(chunk.metric for chunk in car_loan_chunks)) == metrics
    assert_equal_to_nannyml(car_loan_chunks, table, metrics)


def test_multiclass_estimates_equal_nannyml_called_directly(load: Loader) -> None:
    files = load("credit_card_segments")
    metrics = ("roc_auc", "accuracy")
    table = by_nannyml(
        "CBPE",
        *published("mc", "analysis_gt"),
        metrics=list(metrics),
        y_pred_proba={name: f"y_pred_proba_{name}" for name in files.classes},
        y_pred="y_pred",
        y_true="y_true",
        problem_type="classification_multiclass",
        chunk_size=5000,
    )
    chunks = estimate(spec_of(files, metrics=metrics))
    assert_equal_to_nannyml(chunks, table, metrics)
    assert [chunk.chunk for chunk in analysis_of(chunks, "accuracy") if chunk.worse] == [6, 7, 8, 9, 10, 11]


def test_regression_estimates_equal_nannyml_and_a_smaller_error_is_not_worse(load: Loader) -> None:
    files = load("car_price")
    metrics = ("mae", "mape")
    table = by_nannyml(
        "DLE",
        *published("regression_synthetic", "analysis_targets"),
        metrics=list(metrics),
        feature_column_names=list(files.features),
        y_pred="y_pred",
        y_true="y_true",
        chunk_size=6000,
        hyperparameters={
            "deterministic": True,
            "force_row_wise": True,
            "n_jobs": 1,
            "verbosity": -1,
            "seed": 0,
        },
    )
    chunks = estimate(spec_of(files, metrics=metrics))
    assert_equal_to_nannyml(chunks, table, metrics)
    # The absolute error falls (cheaper cars) while the relative one rises: both alert, one is worse.
    mae, mape = analysis_of(chunks, "mae"), analysis_of(chunks, "mape")
    assert [chunk.alert for chunk in mae] == [chunk.alert for chunk in mape] == [False] * 5 + [True] * 5
    assert not any(chunk.worse for chunk in mae)
    assert [chunk.worse for chunk in mape] == [False] * 5 + [True] * 5


def test_chunks_follow_the_rows_of_the_file_and_not_their_times(
    car_loan: DatasetFiles, tmp_path: Path
) -> None:
    reversed_rows = tmp_path / "reversed.parquet"
    pl.read_parquet(car_loan.analysis).reverse().drop("y_true").write_parquet(reversed_rows)
    forward = analysis_of(estimate(spec_of(car_loan, metrics=("accuracy",))), "accuracy")
    backward = analysis_of(
        estimate(spec_of(car_loan, metrics=("accuracy",), analysis=reversed_rows)), "accuracy"
    )
    expected = [pytest.approx(chunk.estimate) for chunk in reversed(forward)]
    assert [chunk.estimate for chunk in backward] == expected
    assert backward[0].ended_at == forward[-1].ended_at
    # Without outcomes there is an estimate all the same, and nothing realised.
    assert {(chunk.realised, chunk.labelled_rows) for chunk in backward} == {(None, 0)}


def test_precision_is_undefined_where_nothing_is_predicted_positive(load: Loader) -> None:
    files = load("california_housing")
    chunks = analysis_of(estimate(spec_of(files, metrics=("precision",))), "precision")
    predicted = pl.read_parquet(files.analysis)["y_pred"]
    never = [predicted[chunk.first_row : chunk.last_row + 1].max() == 0 for chunk in chunks]
    assert any(never)
    assert [chunk.estimate is None for chunk in chunks] == never
    assert not any(chunk.alert or chunk.worse for chunk in chunks if chunk.estimate is None)
    assert chunks[-1].rows == 8232 % 486


def test_precision_is_defined_where_everything_is_predicted_positive(
    car_loan: DatasetFiles, tmp_path: Path
) -> None:
    analysis = tmp_path / "analysis.parquet"
    pl.read_parquet(car_loan.analysis).with_columns(y_pred=pl.lit(1)).write_parquet(analysis)
    chunks = analysis_of(estimate(spec_of(car_loan, metrics=("precision",), analysis=analysis)), "precision")
    assert all(chunk.estimate is not None and chunk.worse for chunk in chunks)


def test_a_second_run_gives_the_same_numbers(
    car_loan: DatasetFiles, car_loan_chunks: list[EstimatedChunk]
) -> None:
    again = estimate(spec_of(car_loan, metrics=("roc_auc",)))
    assert again == [chunk for chunk in car_loan_chunks if chunk.metric == "roc_auc"]


YEAR = pl.lit(2018)
GAPPY_TIMES = pl.when(pl.int_range(pl.len()) > 3).then("timestamp")
REFUSALS: list[tuple[str, dict[str, pl.Expr], dict[str, Any], str]] = [
    (
        "reference",
        {"y_score": pl.col("y_score") * 2},
        {},
        r"'y_score' in 'reference.parquet' is missing or outside",
    ),
    (
        "analysis",
        {"y_score": pl.lit(None, pl.Float64)},
        {},
        "is missing or outside 0 to 1 in 3000 of 3000 rows",
    ),
    ("reference", {"y_true": pl.lit(1)}, {}, "no reference row has the true outcome '0'"),
    ("reference", {"y_true": pl.lit(None, pl.Int64)}, {}, "the reference lacks true outcomes"),
    ("reference", {}, {"chunk_size": 3000}, "3000 reference rows make one chunk of 3000"),
    (
        "analysis",
        {"timestamp": GAPPY_TIMES},
        {},
        "'timestamp' in 'analysis.parquet' is empty in 4 of 3000 rows",
    ),
    ("reference", {"timestamp": YEAR}, {}, "holds int32 values, not timestamps"),
    ("analysis", {"y_pred": pl.lit(None, pl.Int64)}, {}, "'y_pred' in 'analysis.parquet' has gaps"),
    ("analysis", {"y_pred": pl.lit(3)}, {}, r"holds '3.0'. Allowed here: 0 and 1."),
    ("analysis", {"y_score": pl.lit("high")}, {}, "values, not numbers"),
    ("reference", {}, {"metrics": ("gini",)}, "'gini' is no metric of this task"),
    ("reference", {}, {"task": "multiclass", "classes": ("0", "1")}, "has no column 'y_score_0'"),
    ("reference", {}, {"task": "multiclass"}, "a multiclass estimate needs its classes"),
    ("reference", {}, {"task": "regression", "metrics": ("mape",)}, "'mape' divides by the outcome"),
    (
        "reference",
        {"y_pred": pl.lit(-1)},
        {"task": "regression", "metrics": ("msle",)},
        "'msle' is undefined for",
    ),
]


@pytest.mark.parametrize(("period", "changes", "fields", "message"), REFUSALS)
def test_what_would_be_answered_wrongly_is_refused(
    car_loan: DatasetFiles,
    tmp_path: Path,
    period: str,
    changes: dict[str, pl.Expr],
    fields: dict[str, Any],
    message: str,
) -> None:
    paths = {}
    for name, source in (("reference", car_loan.reference), ("analysis", car_loan.analysis)):
        rows = pl.read_parquet(source).head(3000)
        paths[name] = tmp_path / f"{name}.parquet"
        (rows.with_columns(**changes) if name == period else rows).write_parquet(paths[name])
    with pytest.raises(RefusedInput, match=message) as refusal:
        estimate(spec_of(car_loan, **({"chunk_size": 500} | paths | fields)))
    assert refusal.value.remedy


def test_a_file_that_is_absent_or_no_parquet_is_refused(car_loan: DatasetFiles, tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"there is no file 'none.parquet'"):
        estimate(spec_of(car_loan, reference=tmp_path / "none.parquet"))
    text = tmp_path / "text.parquet"
    text.write_text("row_id,y_pred\n")
    with pytest.raises(RefusedInput, match=r"'text.parquet' is not a Parquet file"):
        estimate(spec_of(car_loan, reference=text))


def test_a_metric_that_could_never_alert_is_refused(car_loan: DatasetFiles, tmp_path: Path) -> None:
    reference = tmp_path / "reference.parquet"
    pl.read_parquet(car_loan.reference).head(3000).with_columns(y_pred=pl.lit(0)).write_parquet(reference)
    with pytest.raises(RefusedInput, match="'precision' is undefined on the reference rows"):
        estimate(spec_of(car_loan, reference=reference, chunk_size=500, metrics=("precision",)))


def test_specs_survive_the_way_through_json(car_loan: DatasetFiles) -> None:
    batch = EstimateBatch(jobs=(spec_of(car_loan), spec_of(car_loan, name="car_loan_2")))
    assert EstimateBatch.model_validate_json(batch.model_dump_json()) == batch
    with pytest.raises(ValueError, match="two jobs are called 'car_loan'"):
        EstimateBatch(jobs=(spec_of(car_loan), spec_of(car_loan)))


def test_importing_the_module_imports_no_slow_library() -> None:
    script = (
        "import sys;"
        "import core.analytics.monitoring_estimates, core.analytics.attributions, core.analytics.training,"
        " core.connectors.workers, core.entrypoints.worker;"
        "print(sorted({'nannyml', 'shap', 'lightgbm', 'pandas', 'numpy', 'sklearn'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
