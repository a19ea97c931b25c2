"""What NannyML is asked, by name: about the data sets in its wheel, and about hard columns from a seed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from data.demo.example_datasets import write_dataset
from tests.oracles import SEEDS
from tests.oracles.nannyml import drifted, estimated, published, reconstructed

RATES = ("roc_auc", "average_precision", "f1", "precision", "recall", "specificity", "accuracy")
LOSSES = ("mae", "mape", "mse", "rmse", "msle", "rmsle")
BY_SALARY = ("roc_auc", "average_precision", "f1")
WORTH = ((1.0, -5.0), (-3.0, 10.0))
WORTH_OF_CARDS = ((1, 2, 3), (4, 5, -6), (7, 8, 9))
CARDS = ("prepaid_card", "highstreet_card", "upmarket_card")
CARD_ROWS = 20_000
NORMALISED = ("all", "true", "pred")
HARD = {"exact": 6_000, "binned": 14_000}
HARD_CHUNK, CENSUS_CHUNK = 1000, 5000
DRIFTING = ("car_loan", "car_price", "california_housing", "credit_card_segments")
TOGETHER = ("car_loan", "car_price")
BY_MONTH = {"timestamp_column_name": "timestamp", "chunk_period": "M"}
LOAN = {
    "y_pred_proba": "y_pred_proba",
    "y_pred": "y_pred",
    "y_true": "repaid",
    "problem_type": "classification_binary",
}


def _car_loan(metrics: tuple[str, ...], **arguments: Any) -> pl.DataFrame:
    files = published("synthetic_car_loan", "analysis_target")
    return estimated("CBPE", *files, metrics=list(metrics), **LOAN, **arguments)


def _by_salary() -> pl.DataFrame:
    """Two groups, each as if it were everyone."""
    reference, analysis = published("synthetic_car_loan", "analysis_target")
    groups = sorted(reference["salary_range"].unique())[:2]
    return pl.concat(
        estimated(
            "CBPE",
            *(rows[rows["salary_range"] == group].reset_index(drop=True) for rows in (reference, analysis)),
            metrics=list(BY_SALARY),
            **LOAN,
            **BY_MONTH,
        ).with_columns(group=pl.lit(group))
        for group in groups
    )


def _census() -> pl.DataFrame:
    return estimated(
        "CBPE",
        *published("employment_MA", "analysis_target"),
        metrics=[*RATES, "confusion_matrix"],
        y_pred_proba="predicted_probability",
        y_pred="prediction",
        y_true="employed",
        problem_type="classification_binary",
        chunk_size=CENSUS_CHUNK,
    )


def _cards() -> pl.DataFrame:
    return estimated(
        "CBPE",
        *(rows.head(CARD_ROWS) for rows in published("mc", "analysis_gt")),
        metrics=[*RATES, "confusion_matrix", "business_value"],
        y_pred_proba={name: f"y_pred_proba_{name}" for name in CARDS},
        y_pred="y_pred",
        y_true="y_true",
        problem_type="classification_multiclass",
        chunk_size=5000,
        business_value_matrix=[list(line) for line in WORTH_OF_CARDS],
    )


def _car_price() -> pl.DataFrame:
    features = ("car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission")
    return estimated(
        "DLE",
        *published("regression_synthetic", "analysis_targets"),
        metrics=list(LOSSES),
        timestamp_column_name="timestamp",
        feature_column_names=list(features),
        y_pred="y_pred",
        y_true="y_true",
        chunk_size=6000,
    )


def _drift(dataset: str, **chunks: Any) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        files = write_dataset(dataset, Path(folder))
        features = dict.fromkeys((*files.features, *files.slice_features))
        return drifted(
            files.reference, files.analysis, tuple(features), **(chunks or {"chunk_size": files.chunk_size})
        )


def _reconstruction(dataset: str) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        files = write_dataset(dataset, Path(folder))
        features = tuple(dict.fromkeys((*files.features, *files.slice_features)))
        return reconstructed(files.reference, files.analysis, features, chunk_size=files.chunk_size)


def _hard_reconstruction(rows: int) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "reference.parquet", Path(folder) / "analysis.parquet"]
        for path, frame in zip(paths, hard_frames(rows), strict=True):
            frame.write_parquet(path)
        return reconstructed(*paths, tuple(pl.read_parquet_schema(paths[0])), chunk_size=HARD_CHUNK)


def _hard_drift(rows: int) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "reference.parquet", Path(folder) / "analysis.parquet"]
        for path, frame in zip(paths, hard_frames(rows), strict=True):
            frame.write_parquet(path)
        features = pl.read_parquet_schema(paths[0])
        return drifted(paths[0], paths[1], tuple(features), chunk_size=HARD_CHUNK)


def hard_frames(rows: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Skew, ties, whole numbers, a single value, gaps, values outside the reference, unseen categories."""
    rng = np.random.default_rng(SEEDS["hard columns"])
    return _hard(rng, rows, shift=0.0), _hard(rng, rows // 2 + 137, shift=0.4)


def _hard(rng: np.random.Generator, rows: int, shift: float) -> pl.DataFrame:
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


QUESTIONS: Mapping[str, Callable[[], pl.DataFrame]] = {
    "car_loan": partial(
        _car_loan,
        (*RATES, "confusion_matrix", "business_value"),
        timestamp_column_name="timestamp",
        chunk_size=5000,
        business_value_matrix=[list(line) for line in WORTH],
    ),
    **{
        f"car_loan_normalised_{how}": partial(
            _car_loan,
            ("confusion_matrix", "business_value"),
            chunk_size=7000,
            business_value_matrix=[list(line) for line in WORTH],
            normalize_confusion_matrix=how,
            normalize_business_value="per_prediction",
        )
        for how in NORMALISED
    },
    "car_loan_by_month": partial(_car_loan, ("roc_auc", "f1"), **BY_MONTH),
    "car_loan_by_salary": _by_salary,
    "census": _census,
    "cards": _cards,
    "car_price": _car_price,
    **{f"drift_{dataset}": partial(_drift, dataset) for dataset in DRIFTING},
    "drift_census": partial(_drift, "census_employment", chunk_size=CENSUS_CHUNK),
    "drift_car_loan_by_month": partial(_drift, "car_loan", **BY_MONTH),
    **{f"drift_hard_{name}": partial(_hard_drift, rows) for name, rows in HARD.items()},
    **{f"together_{dataset}": partial(_reconstruction, dataset) for dataset in TOGETHER},
    "together_hard": partial(_hard_reconstruction, HARD["exact"]),
}
"""A question by its name: a function that asks it."""
