"""Which features a LightGBM model's scores come from, by SHAP.

For a worker process only: shap takes seconds to import.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.job_specs import RefusedInput
from core.analytics.lightgbm_rows import model_inputs, read_rows
from core.analytics.openmp import ensure_openmp

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Contributions and base value must add up to the model's raw score; beyond this something is wrong.
ADDITIVITY_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class AttributedFeature:
    """What one feature contributes to the raw score (log-odds), over the sampled rows.

    `mean_absolute` >= 0, zero = the model never uses it; `mean_signed` > 0 = on average towards 1.
    `share` = mean_absolute over the sum of all features, 0 to 1. `rank` 1 = the largest.
    """

    feature: str
    rank: int
    mean_absolute: float
    mean_signed: float
    share: float


@dataclass(frozen=True, slots=True)
class SliceAttribution:
    """What one feature contributes on average (log-odds) to the scores of the `rows` of one slice."""

    slice_feature: str
    slice_value: str
    rows: int
    feature: str
    mean_signed: float
    mean_absolute: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Attributions of a model's scores on a sample of rows.

    `base_value` is the raw score (log-odds) before any feature is known. `additivity_gap` is the
    largest difference, over the rows, between base + contributions and the raw score.
    """

    features: tuple[AttributedFeature, ...]
    slices: tuple[SliceAttribution, ...]
    base_value: float
    rows: int
    additivity_gap: float


def explain_lightgbm(
    model_file: Path,
    parquet: Path,
    features: Sequence[str],
    categorical: Sequence[str] = (),
    *,
    slice_features: Sequence[str] = (),
    sample_rows: int = 2000,
    seed: int = 0,
) -> Explanation:
    """Attribute a binary LightGBM model's raw scores to its features.

    Parameters
    ----------
    model_file
        A model in LightGBM's text format.
    parquet
        Rows to explain, with the model's features under their own names.
    features, categorical
        The model's inputs in the order of its training, and which of them are texts.
    slice_features
        Columns whose values get a mean contribution each, such as sex or race.
    sample_rows
        Rows drawn without replacement; all, if there are fewer.
    seed
        Fixes the draw.

    Returns
    -------
    Explanation
        Features sorted by rank.

    Raises
    ------
    RefusedInput
        The model cannot be read or has other features, a column is missing, or the contributions do
        not add up to the raw score.

    Notes
    -----
    Source: TreeSHAP, path-dependent, Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9. It says what
    the model does with a feature, not what the feature causes, and shares credit among correlated ones.
    """
    rows = _sample(read_rows(parquet, list(dict.fromkeys([*features, *slice_features]))), sample_rows, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap and LightGBM about changes of their own
        contributions, base, raw = _contributions(model_file, model_inputs(rows, features, categorical))
    gap = float(abs(contributions.sum(axis=1) + base - raw).max())
    if gap > ADDITIVITY_TOLERANCE:
        raise RefusedInput(
            f"the contributions miss the model's raw score by {gap:.2g}",
            remedy="Check that the features are given in the order of the model's training.",
        )
    return Explanation(
        features=_ranked(contributions, features),
        slices=tuple(
            part
            for name in slice_features
            for part in _slice_attributions(contributions, features, name, rows[name])
        ),
        base_value=base,
        rows=len(rows),
        additivity_gap=gap,
    )


def _sample(rows: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    import numpy as np

    if len(rows) <= size:
        return rows
    drawn = np.random.default_rng(seed).choice(len(rows), size=size, replace=False)
    return rows.iloc[np.sort(drawn)].reset_index(drop=True)


def _contributions(model_file: Path, inputs: pd.DataFrame) -> tuple[NDArray[Any], float, NDArray[Any]]:
    ensure_openmp()
    import lightgbm as lgb
    import numpy as np
    import shap

    if not model_file.is_file():
        raise RefusedInput(
            f"there is no model file {model_file.name!r}", remedy="Give a saved LightGBM model."
        )
    try:
        booster = lgb.Booster(model_file=str(model_file), params={"verbosity": -1})
    except lgb.basic.LightGBMError as problem:
        raise RefusedInput(
            f"{model_file.name!r} is not a LightGBM model", remedy="Save the model with Booster.save_model."
        ) from problem
    if booster.feature_name() != list(inputs.columns):
        raise RefusedInput(
            f"the model was trained on other features: {', '.join(booster.feature_name())}",
            remedy="Give its features, in its order.",
        )
    explainer = shap.TreeExplainer(booster)
    values = np.asarray(explainer(inputs, check_additivity=False).values, dtype=np.float64)
    base = float(np.ravel(explainer.expected_value)[-1])
    raw = np.asarray(booster.predict(inputs, raw_score=True), dtype=np.float64)
    return values, base, raw


def _ranked(contributions: NDArray[Any], features: Sequence[str]) -> tuple[AttributedFeature, ...]:
    absolute, signed = abs(contributions).mean(axis=0), contributions.mean(axis=0)
    total = float(absolute.sum())
    order = sorted(range(len(features)), key=lambda at: (-absolute[at], features[at]))
    return tuple(
        AttributedFeature(
            feature=features[at],
            rank=rank,
            mean_absolute=float(absolute[at]),
            mean_signed=float(signed[at]),
            share=float(absolute[at]) / total if total else 0.0,
        )
        for rank, at in enumerate(order, start=1)
    )


def _slice_attributions(
    contributions: NDArray[Any], features: Sequence[str], name: str, values: pd.Series[Any]
) -> list[SliceAttribution]:
    found = []
    for value in sorted({str(value) for value in values.dropna()}):
        inside = contributions[(values.astype(str) == value).to_numpy()]
        signed, absolute = inside.mean(axis=0), abs(inside).mean(axis=0)
        found += [
            SliceAttribution(name, value, len(inside), feature, float(signed[at]), float(absolute[at]))
            for at, feature in enumerate(features)
        ]
    return found
