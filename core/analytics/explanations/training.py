"""Trains the LightGBM classifier that becomes the next version of a shipped model.

For a worker process only: LightGBM, pandas and scikit-learn take seconds to import.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.explanations.from_boosters import model_inputs, read_rows
from core.analytics.job_specs import RefusedInput, TrainSpec, ensure_openmp

if TYPE_CHECKING:
    import pandas as pd

MODEL_FILE, REFERENCE_FILE, ANALYSIS_FILE = "model.txt", "reference.parquet", "analysis.parquet"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model in LightGBM's text format and its scores as two prediction batches.

    `trained_rows` were learned from and are in neither batch; `reference` holds the `reference_rows`
    left over from the given reference. `roc_auc` and `accuracy`: rates from 0 to 1, measured on them.
    """

    model: Path
    reference: Path
    analysis: Path
    trees: int
    trained_rows: int
    reference_rows: int
    analysis_rows: int
    roc_auc: float
    accuracy: float


def train_lightgbm(spec: TrainSpec, folder: Path) -> TrainedModel:
    """Train on one share of a reference batch, and score its other rows and the analysis batch.

    Parameters
    ----------
    spec
        The two canonical files with 0/1 outcomes in `y_true`, the features, the share and the seed.
    folder
        Where `model.txt`, `reference.parquet` and `analysis.parquet` go; made if absent.

    Returns
    -------
    TrainedModel
        The files keep the rows' order, ids, outcomes and every other column; only `y_pred` (0 or 1)
        and `y_score` (probability of 1) are the new model's.

    Raises
    ------
    RefusedInput
        A file, column or outcome is missing, or the outcomes are not both 0 and 1.

    Notes
    -----
    Source: LightGBM 4.5, gradient boosting with log loss. The same input and seed give the same model
    file. The model is text, never a pickle: opening it cannot run code.
    """
    ensure_openmp()
    import lightgbm as lgb
    from sklearn.metrics import roc_auc_score

    rows, analysis = read_rows(spec.reference), read_rows(spec.analysis)
    _refuse_unusable(rows, analysis, spec)
    chosen = _training_rows(len(rows), spec)
    train, kept = rows[chosen], rows[~chosen].reset_index(drop=True)
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LightGBM and scikit-learn about their own use of pandas
        inputs = model_inputs(train, spec.features, spec.categorical_features)
        labels = lgb.Dataset(
            inputs, train["y_true"].to_numpy(), categorical_feature=list(spec.categorical_features)
        )
        booster = lgb.train(_parameters(spec), labels, num_boost_round=spec.trees)
        kept, analysis = (_scored(booster, part, spec) for part in (kept, analysis))
        auc = float(roc_auc_score(kept["y_true"], kept["y_score"]))
    _save_text(booster.model_to_string(), folder / MODEL_FILE)
    _save(kept, folder / REFERENCE_FILE)
    _save(analysis, folder / ANALYSIS_FILE)
    return TrainedModel(
        model=folder / MODEL_FILE,
        reference=folder / REFERENCE_FILE,
        analysis=folder / ANALYSIS_FILE,
        trees=int(booster.num_trees()),
        trained_rows=len(train),
        reference_rows=len(kept),
        analysis_rows=len(analysis),
        roc_auc=auc,
        accuracy=float((kept["y_true"] == kept["y_pred"]).mean()),
    )


def _refuse_unusable(rows: pd.DataFrame, analysis: pd.DataFrame, spec: TrainSpec) -> None:
    for frame, path in ((rows, spec.reference), (analysis, spec.analysis)):
        absent = [name for name in ("row_id", *spec.features) if name not in frame]
        if absent:
            raise RefusedInput(
                f"{path.name!r} has no column {absent[0]!r}", remedy="Check the feature names."
            )
    if "y_true" not in rows or set(rows["y_true"].unique()) != {0, 1}:
        raise RefusedInput(
            "the rows to train on need the outcomes 0 and 1 in 'y_true', without gaps",
            remedy="Give a reference batch with both outcomes.",
        )


def _training_rows(rows: int, spec: TrainSpec) -> pd.Series[bool]:
    import numpy as np
    import pandas as pd

    chosen = np.zeros(rows, dtype=bool)
    order = np.random.default_rng(spec.seed).permutation(rows)
    chosen[order[: round(rows * spec.train_share)]] = True
    return pd.Series(chosen)


def _parameters(spec: TrainSpec) -> dict[str, object]:
    return {
        "objective": "binary",
        "num_leaves": spec.leaves,
        "learning_rate": spec.learning_rate,
        "min_data_in_leaf": 40,
        "seed": spec.seed,
        "deterministic": True,
        "force_row_wise": True,  # else LightGBM times both ways, and rounding depends on the winner
        "num_threads": 1,  # beside other work a second thread waits more than it works
        "verbosity": -1,
    }


def _scored(booster: Any, rows: pd.DataFrame, spec: TrainSpec) -> pd.DataFrame:
    import numpy as np

    inputs = model_inputs(rows, spec.features, spec.categorical_features)
    scores = np.asarray(booster.predict(inputs, num_threads=1), dtype=np.float64)
    return rows.assign(y_score=scores, y_pred=(scores >= spec.threshold).astype("int64"))


def _save(rows: pd.DataFrame, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    draft = path.with_name(f".{path.name}.draft")
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, draft, compression="zstd")
    draft.replace(path)


def _save_text(text: str, path: Path) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
