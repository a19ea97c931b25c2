"""Estimates equal NannyML's own, and what NannyML would answer wrongly is refused."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from core.analytics.decay.estimates import EstimatedChunk
from core.analytics.decay.fit import FittedModel
from core.analytics.decay.metrics import decay_metric
from core.analytics.decay.trust import History, model_trust
from core.analytics.job_specs import EstimateBatch, EstimateSpec, RefusedInput
from core.lake.monitoring.decay_run import Estimates, run_estimate
from data.demo.example_datasets import DatasetFiles, write_dataset
from tests.oracles import recorded
from tests.oracles.questions import (
    BY_SALARY,
    CARD_ROWS,
    CENSUS_CHUNK,
    LOSSES,
    NORMALISED,
    RATES,
    WORTH,
    WORTH_OF_CARDS,
)

Loader = Callable[[str], DatasetFiles]
TOLERANCE = 1e-6
CELLS = ("true_positive", "true_negative", "false_positive", "false_negative")
FIGURES = (
    "estimate",
    "realised",
    "lower_confidence",
    "upper_confidence",
    "lower_threshold",
    "upper_threshold",
    "sampling_error",
)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    folder = tmp_path_factory.mktemp("datasets")
    return lambda name: write_dataset(name, folder / name)


@pytest.fixture(scope="module")
def car_loan(load: Loader) -> DatasetFiles:
    return load("car_loan")


@pytest.fixture(scope="module")
def car_loan_estimates(car_loan: DatasetFiles) -> Estimates:
    return run(spec_of(car_loan, business_value=WORTH))


def spec_of(files: DatasetFiles, **changes: Any) -> EstimateSpec:
    fields: dict[str, Any] = {
        "name": files.name,
        "task": files.task,
        "reference": (files.reference,),
        "analysis": (files.analysis,),
        "chunk_size": files.chunk_size,
        "classes": files.classes,
        "features": files.features,
        "categorical_features": files.categorical_features,
    }
    return EstimateSpec(**(fields | changes))


def run(spec: EstimateSpec) -> Estimates:
    return run_estimate(duckdb.connect(config={"threads": 2}), spec)


def analysis_of(chunks: list[EstimatedChunk], metric: str) -> list[EstimatedChunk]:
    return [chunk for chunk in chunks if chunk.metric == metric and chunk.part == "analysis"]


def same(ours: Sequence[float | None], theirs: Sequence[float | None]) -> bool:
    """Equal to 1e-6, None where NannyML says nothing, NaN or infinite."""
    wanted = [value if value is not None and math.isfinite(value) else None for value in theirs]
    if [value is None for value in ours] != [value is None for value in wanted]:
        return False
    pairs = [(a, b) for a, b in zip(ours, wanted, strict=True) if a is not None and b is not None]
    return [a for a, _ in pairs] == pytest.approx([b for _, b in pairs], abs=TOLERANCE, rel=1e-9)


def assert_equal_to_nannyml(
    chunks: Sequence[EstimatedChunk], answer: pl.DataFrame, metrics: Sequence[str], *, places: bool = True
) -> None:
    """Estimates, bands, thresholds and realised values to 1e-6; chunks and alerts exactly."""
    for metric in metrics:
        ours = [chunk for chunk in chunks if chunk.metric == metric]
        theirs = answer.filter(pl.col("metric") == metric).rename({"period": "part"})
        for exact in ("part", "alert", *(("first_row", "last_row") if places else ())):
            assert [getattr(chunk, exact) for chunk in ours] == theirs[exact].to_list(), (metric, exact)
        for figure in FIGURES:
            found = [getattr(chunk, figure) for chunk in ours]
            assert same(found, theirs[figure].to_list()), (metric, figure)


def test_car_loan_auc_reads_as_published_and_alerts_on_the_last_five_chunks(
    car_loan_estimates: Estimates,
) -> None:
    chunks = analysis_of(car_loan_estimates.chunks, "roc_auc")
    assert [f"{chunk.estimate:.6f}" for chunk in chunks[:2]] == ["0.970744", "0.971011"]
    assert [chunk.alert for chunk in chunks] == [False] * 5 + [True] * 5
    assert [chunk.worse for chunk in chunks] == [False] * 5 + [True] * 5
    assert [(chunk.first_row, chunk.last_row, chunk.rows) for chunk in chunks[:2]] == [
        (0, 4999, 5000),
        (5000, 9999, 5000),
    ]
    assert str(chunks[0].started_at) == "2018-10-30 18:00:00"
    assert all(chunk.labelled_rows == 5000 for chunk in chunks)


def test_every_binary_metric_equals_nannyml(car_loan_estimates: Estimates) -> None:
    metrics = (*RATES, *CELLS, "business_value")
    assert tuple(dict.fromkeys(chunk.metric for chunk in car_loan_estimates.chunks)) == metrics
    assert_equal_to_nannyml(car_loan_estimates.chunks, recorded("car_loan"), metrics)


@pytest.mark.parametrize("normalized", NORMALISED)
def test_normalised_confusion_and_value_per_prediction_equal_nannyml(
    car_loan: DatasetFiles, normalized: str
) -> None:
    asked = {
        "metrics": ("confusion_matrix", "business_value"),
        "normalize_confusion": normalized,
        "per_prediction": True,
        "business_value": WORTH,
        "chunk_size": 7000,
    }
    answer = recorded(f"car_loan_normalised_{normalized}")
    assert_equal_to_nannyml(run(spec_of(car_loan, **asked)).chunks, answer, (*CELLS, "business_value"))


def test_the_census_equals_nannyml_at_5000(load: Loader) -> None:
    found = run(spec_of(load("census_employment"), chunk_size=CENSUS_CHUNK))
    assert_equal_to_nannyml(found.chunks, recorded("census"), (*RATES, *CELLS))


def test_chunks_by_month_equal_nannyml(car_loan: DatasetFiles) -> None:
    found = run(spec_of(car_loan, metrics=("roc_auc", "f1"), chunk_size=None, period="month"))
    assert_equal_to_nannyml(found.chunks, recorded("car_loan_by_month"), ("roc_auc", "f1"))


def test_a_subpopulation_equals_nannyml_on_its_rows_alone(car_loan: DatasetFiles) -> None:
    """By month, so that the chunks of the group are those of everyone."""
    by = {"chunk_size": None, "period": "month", "by": (("salary_range",),)}
    found = run(spec_of(car_loan, metrics=BY_SALARY, **by))
    assert len({chunk.values for chunk in found.slices}) == 4
    assert {chunk.calibrated for chunk in found.slices} == {"own"}
    answers = recorded("car_loan_by_salary").partition_by("group", as_dict=True)
    assert len(answers) == 2
    for group, answer in answers.items():
        ours = [chunk for chunk in found.slices if chunk.values == group]
        ours.sort(key=lambda chunk: chunk.part == "analysis")
        assert_equal_to_nannyml(ours, answer, BY_SALARY, places=False)


def test_a_small_subpopulation_is_drawn_towards_all_and_a_tiny_one_is_not_judged(
    car_loan: DatasetFiles, tmp_path: Path
) -> None:
    group = (
        pl.when(pl.int_range(pl.len()) % 100 == 0)
        .then(pl.lit("rare"))
        .when(pl.int_range(pl.len()) % 5 == 0)
        .then(pl.lit("few"))
        .otherwise(pl.lit("many"))
    )
    paths = {}
    for part in ("reference", "analysis"):
        paths[part] = (tmp_path / f"{part}.parquet",)
        rows = pl.read_parquet(getattr(car_loan, part)).head(9_000).with_columns(group=group)
        if part == "analysis":  # a group that the reference does not know at all
            rows = rows.with_columns(
                group=pl.when(pl.int_range(pl.len()) % 7 == 1).then(pl.lit("new")).otherwise("group")
            )
        rows.write_parquet(paths[part][0])
    found = run(spec_of(car_loan, metrics=("roc_auc",), chunk_size=1_000, by=(("group",),), **paths))
    calibrated = {chunk.values[0]: chunk.calibrated for chunk in found.slices}
    assert calibrated == {"many": "own", "few": "shrunk", "rare": "shrunk", "new": "all"}
    later = [chunk for chunk in found.slices if chunk.part == "analysis"]
    judged = {name: {c.judged for c in later if c.values == (name,)} for name in calibrated}
    assert judged == {"many": {True}, "few": {True}, "rare": {False}, "new": {False}}
    assert not any(chunk.alert for chunk in later if not chunk.judged)
    assert sum(chunk.rows for chunk in later) == 9_000


def test_every_multiclass_metric_equals_nannyml(load: Loader, tmp_path: Path) -> None:
    files = load("credit_card_segments")
    paths = {}
    for part in ("reference", "analysis"):
        paths[part] = (tmp_path / f"{part}.parquet",)
        pl.read_parquet(getattr(files, part)).head(CARD_ROWS).write_parquet(paths[part][0])
    answer = recorded("cards")
    found = run(spec_of(files, business_value=WORTH_OF_CARDS, chunk_size=5000, **paths))
    metrics = answer["metric"].unique(maintain_order=True).to_list()
    assert len(metrics) == len(RATES) + 9 + 1
    assert_equal_to_nannyml(found.chunks, answer, metrics)


def test_regression_equals_nannyml_and_a_smaller_error_is_not_worse(load: Loader) -> None:
    chunks = run(spec_of(load("car_price"))).chunks
    assert_equal_to_nannyml(chunks, recorded("car_price"), LOSSES)
    # The absolute error falls (cheaper cars) while the relative one rises: both alert, one is worse.
    mae, mape = analysis_of(chunks, "mae"), analysis_of(chunks, "mape")
    assert [chunk.alert for chunk in mae] == [chunk.alert for chunk in mape] == [False] * 5 + [True] * 5
    assert not any(chunk.worse for chunk in mae)
    assert [chunk.worse for chunk in mape] == [False] * 5 + [True] * 5


def test_a_stored_fit_gives_the_same_numbers_without_nannyml(
    car_loan: DatasetFiles, car_loan_estimates: Estimates, tmp_path: Path
) -> None:
    stored = tmp_path / "fit.json"
    stored.write_text(car_loan_estimates.fit.model_dump_json())
    assert FittedModel.model_validate_json(stored.read_text()) == car_loan_estimates.fit
    spec = tmp_path / "spec.json"
    spec.write_text(spec_of(car_loan, business_value=WORTH, fitted=stored).model_dump_json())
    script = (
        "import sys, duckdb, pathlib\n"
        "from core.analytics.job_specs import EstimateSpec\n"
        "from core.lake.monitoring.decay_run import run_estimate\n"
        f"spec = EstimateSpec.model_validate_json(pathlib.Path({str(spec)!r}).read_text())\n"
        "found = run_estimate(duckdb.connect(), spec)\n"
        "print(repr([c.estimate for c in found.chunks]))\n"
        "print(sorted({'nannyml', 'lightgbm', 'sklearn', 'scipy'} & set(sys.modules)))\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    numbers, loaded = answer.stdout.strip().splitlines()
    assert numbers == repr([chunk.estimate for chunk in car_loan_estimates.chunks])
    assert loaded == "[]"


def test_rows_stand_in_the_order_of_their_times_however_the_files_have_them(
    car_loan: DatasetFiles, car_loan_estimates: Estimates, tmp_path: Path
) -> None:
    """Three files, of which the last comes first, and rows turned round: the chunks are those of before."""
    rows = pl.read_parquet(car_loan.analysis).drop("y_true")
    paths = []
    for place, (start, length) in enumerate([(20_000, 30_000), (0, 12_345), (12_345, 7_655)]):
        paths.append(tmp_path / f"part-{place}.parquet")
        rows.slice(start, length).reverse().write_parquet(paths[-1])
    found = run(spec_of(car_loan, metrics=("roc_auc", "f1"), analysis=tuple(paths)))
    for metric in ("roc_auc", "f1"):
        ours, theirs = (analysis_of(one.chunks, metric) for one in (found, car_loan_estimates))
        assert [chunk.estimate for chunk in ours] == pytest.approx([chunk.estimate for chunk in theirs])
        assert [chunk.started_at for chunk in ours] == [chunk.started_at for chunk in theirs]
        # Without outcomes there is an estimate all the same, and nothing realised.
        assert {(chunk.realised, chunk.labelled_rows) for chunk in ours} == {(None, 0)}


def test_precision_is_undefined_where_nothing_is_predicted_positive(load: Loader) -> None:
    files = load("california_housing")
    chunks = analysis_of(run(spec_of(files, metrics=("precision",))).chunks, "precision")
    predicted = pl.read_parquet(files.analysis).sort("timestamp", maintain_order=True)["y_pred"]
    never = [predicted[chunk.first_row : chunk.last_row + 1].max() == 0 for chunk in chunks]
    assert any(never)
    assert [chunk.estimate is None for chunk in chunks] == never
    assert not any(chunk.alert or chunk.worse for chunk in chunks if chunk.estimate is None)
    assert chunks[-1].rows == 8232 % 486


def test_california_is_warned_of_before_any_outcome(load: Loader, tmp_path: Path) -> None:
    """Half of its reference chunks came true outside a band that should hold all but three in a thousand."""
    files, analysis = load("california_housing"), tmp_path / "analysis.parquet"
    pl.read_parquet(files.analysis).drop("y_true").write_parquet(analysis)
    found = run(spec_of(files, analysis=(analysis,)))
    by_metric: dict[str, list[EstimatedChunk]] = {}
    for chunk in found.chunks:
        by_metric.setdefault(chunk.metric, []).append(chunk)
    trust = model_trust(
        [History(name, decay_metric(name).direction, chunks) for name, chunks in by_metric.items()],
        checked="roc_auc",
        calibration_error=found.fit.whole.calibration_error,
        reference_rows=found.fit.reference_rows,
        classifies=True,
    )
    assert not any(chunk.labelled_rows for chunk in found.chunks if chunk.part == "analysis")
    assert trust.verdict == "fail" and trust.against is not None
    assert (trust.against.id, trust.against.metric) == ("assumption", "roc_auc")


def test_precision_is_defined_where_everything_is_predicted_positive(
    car_loan: DatasetFiles, tmp_path: Path
) -> None:
    analysis = tmp_path / "analysis.parquet"
    pl.read_parquet(car_loan.analysis).with_columns(y_pred=pl.lit(1)).write_parquet(analysis)
    found = run(spec_of(car_loan, metrics=("precision",), analysis=(analysis,)))
    assert all(chunk.estimate is not None and chunk.worse for chunk in analysis_of(found.chunks, "precision"))


def test_what_could_never_alert_is_left_out_unless_it_was_asked_for(
    car_loan: DatasetFiles, tmp_path: Path
) -> None:
    reference = tmp_path / "reference.parquet"
    pl.read_parquet(car_loan.reference).head(3000).with_columns(y_pred=pl.lit(0)).write_parquet(reference)
    changes: dict[str, Any] = {"reference": (reference,), "chunk_size": 500}
    with pytest.raises(RefusedInput, match="'precision' is undefined on the reference rows"):
        run(spec_of(car_loan, metrics=("precision",), **changes))
    metrics = {chunk.metric for chunk in run(spec_of(car_loan, **changes)).chunks}
    assert "precision" not in metrics
    assert {"roc_auc", "accuracy", "specificity"} <= metrics


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
    (
        "analysis",
        {"y_score": pl.lit(float("nan"))},
        {},
        "is missing or outside 0 to 1 in 3000 of 3000 rows",
    ),
    ("reference", {"y_true": pl.lit(1)}, {}, "no reference row has the true outcome '0'"),
    ("reference", {"y_true": pl.lit(None, pl.Int64)}, {}, "the reference lacks true outcomes"),
    ("reference", {}, {"chunk_size": 3000}, "3000 reference rows make one chunk of 3000"),
    ("reference", {}, {"chunk_size": None, "period": "year"}, r"make one chunk \(one year\)"),
    (
        "analysis",
        {"timestamp": pl.lit(None, pl.Datetime("us"))},
        {"chunk_size": None, "period": "day"},
        "has no timestamps, so there is no day to cut it by",
    ),
    (
        "analysis",
        {"timestamp": GAPPY_TIMES},
        {},
        "'timestamp' in 'analysis.parquet' is empty in 4 of 3000 rows",
    ),
    ("reference", {"timestamp": YEAR}, {}, "holds integer values, not timestamps"),
    ("analysis", {"y_pred": pl.lit(None, pl.Int64)}, {}, "'y_pred' in 'analysis.parquet' has gaps"),
    ("analysis", {"y_pred": pl.lit(3)}, {}, r"holds '3.0'. Allowed here: 0 and 1."),
    ("analysis", {"y_score": pl.lit("high")}, {}, "values, not numbers"),
    ("reference", {}, {"metrics": ("gini",)}, "'gini' is no metric of this task"),
    ("reference", {}, {"metrics": ("business_value",)}, "needs to know what each outcome is worth"),
    ("reference", {}, {"business_value": ((1.0,),)}, "no table of 2 by 2"),
    ("reference", {}, {"by": (("shoe_size",),)}, "has no column 'shoe_size' to tell subpopulations by"),
    ("reference", {}, {"task": "multiclass", "classes": ("0", "1")}, "has no column 'y_score_0'"),
    ("reference", {}, {"task": "multiclass", "classes": ()}, "a multiclass estimate needs its classes"),
    (
        "reference",
        {"y_score_0": pl.lit(0.7), "y_score_1": pl.lit(0.2)},
        {"task": "multiclass", "classes": ("0", "1")},
        "class scores of 3000 rows in 'reference.parquet' do not add up to 1",
    ),
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
        paths[name] = (tmp_path / f"{name}.parquet",)
        (rows.with_columns(**changes) if name == period else rows).write_parquet(paths[name][0])
    with pytest.raises(RefusedInput, match=message) as refusal:
        run(spec_of(car_loan, **({"chunk_size": 500} | paths | fields)))
    assert refusal.value.remedy


def test_a_file_that_is_absent_or_no_parquet_is_refused(car_loan: DatasetFiles, tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"there is no file 'none.parquet'"):
        run(spec_of(car_loan, reference=(tmp_path / "none.parquet",)))
    text = tmp_path / "text.parquet"
    text.write_text("row_id,y_pred\n")
    with pytest.raises(RefusedInput, match=r"'text.parquet' is not a Parquet file"):
        run(spec_of(car_loan, reference=(text,)))


def test_a_fit_that_cannot_be_read_is_refused(car_loan: DatasetFiles, tmp_path: Path) -> None:
    stored = tmp_path / "fit.json"
    stored.write_text('{"format": 99}')
    with pytest.raises(RefusedInput, match=r"stored fit 'fit.json' cannot be read"):
        run(spec_of(car_loan, fitted=stored))


def test_specs_survive_the_way_through_json(car_loan: DatasetFiles) -> None:
    batch = EstimateBatch(jobs=(spec_of(car_loan), spec_of(car_loan, name="car_loan_2")))
    assert EstimateBatch.model_validate_json(batch.model_dump_json()) == batch
    with pytest.raises(ValueError, match="two jobs are called 'car_loan'"):
        EstimateBatch(jobs=(spec_of(car_loan), spec_of(car_loan)))
    with pytest.raises(ValueError, match="give one of the two"):
        spec_of(car_loan, period="month")


def test_importing_the_modules_imports_no_slow_library() -> None:
    script = (
        "import sys;"
        "import core.analytics.decay.by_nannyml, core.analytics.decay.sums, core.lake.monitoring.decay_run,"
        " core.analytics.explanations.training, core.connectors.workers, core.entrypoints.worker;"
        "print(sorted({'nannyml', 'shap', 'lightgbm', 'pandas', 'numpy', 'sklearn'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
