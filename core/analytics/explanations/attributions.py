"""Which features the scores of a model come from, row by row, by SHAP; and how such contributions are read.

They are made in a worker process only: shap takes seconds to import.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.explanations.from_boosters import model_inputs, read_rows
from core.analytics.explanations.models import Contributions, ModelKind, ReadModel, output_of, output_steps
from core.analytics.job_specs import ExplainSpec, RefusedInput

if TYPE_CHECKING:
    import pandas as pd


ROW_ID, RAW_SCORE = "row_id", "raw_score"


def read_model(kind: ModelKind, path: Path) -> ReadModel:
    """Read a model file of a known kind; nothing in it is executed.

    Raises
    ------
    RefusedInput
        The file is absent, damaged, or holds a model that cannot be explained.
    """
    if not path.is_file():
        raise RefusedInput(f"there is no model file {path.name!r}", remedy="Give a saved model.")
    match kind:
        case "lightgbm":
            from core.analytics.explanations.from_boosters import read_lightgbm

            return read_lightgbm(path)
        case "xgboost":
            from core.analytics.explanations.from_boosters import read_xgboost

            return read_xgboost(path)
        case "skops":
            from core.analytics.explanations.from_sklearn import read_skops

            return read_skops(path)
        case "onnx":
            from core.analytics.explanations.from_onnx import read_onnx

            return read_onnx(path)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Contributions of `features` to the raw scores of `row_ids`."""

    row_ids: tuple[str, ...]
    features: tuple[str, ...]
    contributions: Contributions


def explain_rows(spec: ExplainSpec, on_step: Callable[[str], None] | None = None) -> Explanation:
    """Attribute a model's raw scores to its features, on a sample of rows and those asked for by id.

    Parameters
    ----------
    spec
        Model file and format, rows with the features under their own names, and how many of them.
    on_step
        Called with each step in words.

    Returns
    -------
    Explanation
        Rows in the order of the file.

    Raises
    ------
    RefusedInput
        The model cannot be read or has other features, a column or row is missing, or the contributions do
        not add up to the raw score.

    Notes
    -----
    Source: Shapley additive explanations, Lundberg and Lee 2017, arXiv:1705.07874; trees by TreeSHAP,
    Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9. They say what the model does with a feature, not what
    the feature causes, and share credit among features that move together.
    """
    say = on_step or (lambda step: None)
    say("Reading the model.")
    model = read_model(spec.format, spec.model)
    features = _features_of(model, spec)
    say("Reading the rows.")
    rows = _chosen_rows(spec, features)
    inputs = model_inputs(rows, features, spec.categorical_features)
    say(f"Attributing {len(rows):,} scores to {len(features):,} features.")
    row_ids = tuple(str(one) for one in rows[ROW_ID])
    return Explanation(row_ids, features, model.contributions(inputs, spec.outcome))


def _features_of(model: ReadModel, spec: ExplainSpec) -> tuple[str, ...]:
    """The features as named in the file; where it names none, those of the description."""
    own = model.features
    if spec.features and own and own != spec.features:
        raise RefusedInput(
            f"the model was trained on other features: {', '.join(own)}",
            remedy="Give its features, in its order.",
        )
    features = own or spec.features
    if not features:
        raise RefusedInput(
            f"{spec.model.name!r} does not name its features",
            remedy="Name them, in the order of its training.",
        )
    if len(set(features)) < len(features) or {ROW_ID, RAW_SCORE} & set(features):
        raise RefusedInput(
            f"features must differ, and none may be called {ROW_ID} or {RAW_SCORE}", remedy="Rename them."
        )
    texts = [name for name in spec.categorical_features if name in features]
    if texts and spec.format != "lightgbm":
        raise RefusedInput(
            f"{texts[0]!r} holds texts, and only a LightGBM model keeps the words it was trained on",
            remedy="Add a batch with the numbers that the model saw, or upload attributions made elsewhere.",
        )
    return features


def _chosen_rows(spec: ExplainSpec, features: Sequence[str]) -> pd.DataFrame:
    """Rows of the sample and those asked for, in the file's order, read a row group at a time."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    known = read_rows(spec.rows, [ROW_ID])[ROW_ID].astype(str)
    chosen = np.zeros(len(known), dtype=bool)
    if len(known) <= spec.sample_rows:
        chosen[:] = True
    else:
        drawn = np.random.default_rng(spec.seed).choice(len(known), size=spec.sample_rows, replace=False)
        chosen[drawn] = True
    if spec.row_ids:
        asked = known.isin(spec.row_ids).to_numpy()
        absent = sorted(set(spec.row_ids) - set(known[asked]))
        if absent:
            raise RefusedInput(f"there is no row {absent[0]!r}", remedy="Name rows of this batch.")
        chosen |= asked
    columns = [ROW_ID, *features]
    file = pq.ParquetFile(spec.rows)
    lacking = [name for name in features if name not in file.schema_arrow.names]
    if lacking:
        raise RefusedInput(
            f"the batch has no column {lacking[0]!r}, which the model takes",
            remedy="Add a batch with the model's features.",
        )
    parts, start = [], 0
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        here = np.flatnonzero(chosen[start : start + size])
        if len(here):
            parts.append(file.read_row_group(group, columns=columns).take(pa.array(here)))
        start += size
    rows = pa.concat_tables(parts).to_pandas()
    return pd.DataFrame(rows).reset_index(drop=True)


def write_contributions(explanation: Explanation, path: Path) -> Path:
    """Write `row_id`, `raw_score`, and one column a feature: the form in which attributions are kept."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        ROW_ID: pa.array(explanation.row_ids, pa.string()),
        RAW_SCORE: pa.array(explanation.contributions.raw, pa.float64()),
    }
    for place, feature in enumerate(explanation.features):
        columns[feature] = pa.array(explanation.contributions.values[:, place], pa.float64())
    draft = path.with_name(f".{path.name}.draft")
    pq.write_table(pa.table(columns), draft, compression="zstd")
    draft.replace(path)
    return path


ENOUGH_ROWS = 30
"""Rows that each of two groups needs before their difference is judged."""
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: a feature, or `folded` features in one.

    `start` and `end` are raw scores before and after it. `output_change` is what it moves the model's answer
    when the steps are taken in this order; None where the scale does not say the answer.
    """

    feature: str
    contribution: float
    start: float
    end: float
    output_change: float | None
    folded: int = 1


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The way from the base value to one row's raw score, largest step first.

    `gap` is base + contributions - raw score: 0 but for rounding. `base_output` and `output` are the model's
    answers at base and score; None where the scale does not say them.
    """

    base_value: float
    raw_score: float | None
    gap: float | None
    scale: str
    base_output: float | None
    output: float | None
    steps: tuple[Step, ...]


def waterfall(
    contributions: Mapping[str, float], base: float, raw: float | None, scale: str, *, most: int = 12
) -> Waterfall:
    """Order the contributions of one row as steps from the base to its score.

    Parameters
    ----------
    contributions
        Feature -> contribution to the raw score.
    base
        Raw score before any feature is known.
    raw
        The row's raw score; None where it is not known, as with some uploads.
    scale
        See `core.analytics.explanations.models.Scale`.
    most
        Steps to show; the smallest are folded into one.

    Examples
    --------
    >>> found = waterfall({"age": 1.5, "sex": -0.5}, 0.0, 1.0, "log_odds")
    >>> [(step.feature, step.start, step.end) for step in found.steps], found.gap
    ([('age', 0.0, 1.5), ('sex', 1.5, 1.0)], 0.0)
    """
    order = sorted(contributions.items(), key=lambda item: (-abs(item[1]), item[0]))
    shown = [(name, value, 1) for name, value in order[:most]]
    if len(order) > most:
        rest = order[most - 1 :]
        shown = [*shown[:-1], ("", math.fsum(value for _, value in rest), len(rest))]
    changes = output_steps(base, [value for _, value, _ in shown], scale)
    steps, at = [], base
    for place, (name, value, folded) in enumerate(shown):
        change = None if changes is None else changes[place]
        steps.append(Step(name, value, at, at + value, change, folded))
        at += value
    total = base + math.fsum(contributions.values())
    end = total if raw is None else raw
    gap = None if raw is None else total - raw
    return Waterfall(base, raw, gap, scale, output_of(base, scale), output_of(end, scale), tuple(steps))


@dataclass(frozen=True, slots=True)
class GroupMeans:
    """Mean contributions of one group: rows, mean raw score, and (mean, variance) per feature."""

    name: str
    rows: int
    mean_raw: float | None
    features: Mapping[str, tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class FeatureGap:
    """How far one feature sets two groups apart: mean contribution in the first minus that in the second.

    `low` and `high`: 95 % interval; None where a group has a single row.
    """

    feature: str
    first: float
    second: float
    gap: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class GroupGap:
    """What sets two groups apart: feature by feature, widest first.

    The gaps of all features add up to `score_gap`, the difference of the mean raw scores; `additivity_gap`
    is how far they miss it, None where raw scores are not known. `enough` is False where a group has fewer
    than 30 rows: then nothing can be told.
    """

    first: GroupMeans
    second: GroupMeans
    features: tuple[FeatureGap, ...]
    score_gap: float
    additivity_gap: float | None
    enough: bool


def group_gap(first: GroupMeans, second: GroupMeans) -> GroupGap:
    """Compare the mean contributions of two groups.

    Notes
    -----
    Contributions add up to the raw score in every row, so their means add up to the mean raw score in every
    group, and the differences of the means to the difference of the mean scores. 0 means that the feature
    pushes both groups alike. It leaves out why the groups have other values, and whether that is just.
    Interval: normal approximation of the difference of two independent means.

    Examples
    --------
    >>> a = GroupMeans("a", 100, 1.0, {"age": (0.75, 0.04), "sex": (0.25, 0.0)})
    >>> b = GroupMeans("b", 100, 0.5, {"age": (0.25, 0.04), "sex": (0.25, 0.0)})
    >>> found = group_gap(a, b)
    >>> found.score_gap, found.features[0].feature, found.features[0].gap
    (0.5, 'age', 0.5)
    """
    gaps = []
    for name, (mean, variance) in first.features.items():
        other, other_variance = second.features[name]
        gap, low, high = mean - other, None, None
        if variance is not None and other_variance is not None:
            spread = _Z * math.sqrt(variance / first.rows + other_variance / second.rows)
            low, high = gap - spread, gap + spread
        gaps.append(FeatureGap(name, mean, other, gap, low, high))
    total = math.fsum(one.gap for one in gaps)
    missed = None
    if first.mean_raw is not None and second.mean_raw is not None:
        missed = abs(total - (first.mean_raw - second.mean_raw))
    return GroupGap(
        first,
        second,
        tuple(sorted(gaps, key=lambda one: (-abs(one.gap), one.feature))),
        total,
        missed,
        min(first.rows, second.rows) >= ENOUGH_ROWS,
    )


@dataclass(frozen=True, slots=True)
class RankedFeature:
    """What one feature contributes over all explained rows.

    `mean_absolute` >= 0, zero = the model never uses it; `mean_signed` > 0 = on average upwards. `share` =
    mean_absolute over the sum of all features, 0 to 1. `rank` 1 = the largest.
    """

    feature: str
    rank: int
    mean_absolute: float
    mean_signed: float
    share: float


def ranked(means: Sequence[tuple[str, float, float]]) -> tuple[RankedFeature, ...]:
    """Rank features by mean absolute contribution; `means` has (feature, mean absolute, mean signed).

    Examples
    --------
    >>> [(one.feature, one.share) for one in ranked([("sex", 0.5, 0.0), ("age", 1.5, -1.0)])]
    [('age', 0.75), ('sex', 0.25)]
    """
    total = math.fsum(absolute for _, absolute, _ in means)
    order = sorted(means, key=lambda one: (-one[1], one[0]))
    return tuple(
        RankedFeature(name, rank, absolute, signed, absolute / total if total else 0.0)
        for rank, (name, absolute, signed) in enumerate(order, start=1)
    )
