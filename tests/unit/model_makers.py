"""Small models of every kind that can be explained, trained on made-up rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

FEATURES = ("income", "age", "debt", "tenure")
ROWS = 400


def made_rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, a yes-or-no outcome and a number that both hang on the first two columns."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(ROWS, len(FEATURES))).astype(np.float32).astype(np.float64)
    yes = (inputs[:, 0] + inputs[:, 1] ** 2 > 0.5).astype(int)
    number = 3 * inputs[:, 0] - inputs[:, 1] + 10
    return inputs, yes, number


def write_batch(path: Path, inputs: np.ndarray) -> Path:
    """A canonical batch of these inputs, without scores."""
    columns: dict[str, Any] = {"row_id": [f"r{at}" for at in range(len(inputs))]}
    columns |= {name: inputs[:, at] for at, name in enumerate(FEATURES)}
    pl.DataFrame(columns).write_parquet(path)
    return path


def sklearn_models() -> dict[str, tuple[Any, bool]]:
    """Name -> (fitted estimator, whether it is a classifier)."""
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        GradientBoostingClassifier,
        GradientBoostingRegressor,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    inputs, yes, number = made_rows()
    made: dict[str, tuple[Any, bool]] = {
        "tree": (DecisionTreeClassifier(max_depth=4, random_state=0), True),
        "forest": (RandomForestClassifier(5, max_depth=4, random_state=0), True),
        "extra_trees": (ExtraTreesClassifier(5, max_depth=4, random_state=0), True),
        "boosting": (GradientBoostingClassifier(n_estimators=8, random_state=0), True),
        "hist_boosting": (HistGradientBoostingClassifier(max_iter=8, random_state=0), True),
        "logistic": (LogisticRegression(), True),
        "scaled_logistic": (make_pipeline(StandardScaler(), LogisticRegression()), True),
        "tree_number": (DecisionTreeRegressor(max_depth=4, random_state=0), False),
        "forest_number": (RandomForestRegressor(5, max_depth=4, random_state=0), False),
        "boosting_number": (GradientBoostingRegressor(n_estimators=8, random_state=0), False),
        "linear": (LinearRegression(), False),
        "ridge": (Ridge(), False),
        "elastic_net": (ElasticNet(0.1), False),
    }
    for estimator, classifies in made.values():
        estimator.fit(inputs, yes if classifies else number)
    return made


def write_skops(estimator: Any, path: Path) -> Path:
    """An estimator in skops format."""
    import skops.io

    skops.io.dump(estimator, path)
    return path


def write_onnx(estimator: Any, path: Path, *, as_mapping: bool = False) -> Path:
    """An estimator in ONNX, as skl2onnx exports it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skl2onnx import to_onnx

        options = {id(estimator): {"zipmap": as_mapping}} if hasattr(estimator, "predict_proba") else None
        model = to_onnx(estimator, made_rows()[0][:1].astype(np.float32), options=options)
    path.write_bytes(model.SerializeToString())
    return path


def xgboost_model(objective: str) -> Any:
    """A booster on the made-up rows, some values missing."""
    import xgboost as xgb

    inputs, yes, number = made_rows()
    inputs[::7, 2] = np.nan
    labels: dict[str, Callable[[], Any]] = {
        "binary:logistic": lambda: yes,
        "reg:squarederror": lambda: number * 100,
        "count:poisson": lambda: np.abs(number).round(),
        "multi:softprob": lambda: yes + (inputs[:, 0] > 1),
    }
    parameters = {"objective": objective, "max_depth": 4, "nthread": 1}
    if objective == "multi:softprob":
        parameters["num_class"] = 3
    return xgb.train(parameters, xgb.DMatrix(inputs, labels[objective]()), 40)
