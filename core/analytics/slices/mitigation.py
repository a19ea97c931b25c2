"""Other ways to decide on the same people: thresholds and surrogates as fairlearn makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.analytics.job_specs import TradeOffSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from polars import DataFrame

    Numbers = NDArray[np.float64]
    Places = NDArray[np.int64]
    Yes = NDArray[np.bool_]

PARITY = {
    "selection_rate": "demographic_parity",
    "true_positive_rate": "true_positive_rate_parity",
    "false_positive_rate": "false_positive_rate_parity",
    "false_negative_rate": "false_negative_rate_parity",
    "specificity": "true_negative_rate_parity",
}
"""Metric -> the constraint of fairlearn's ThresholdOptimizer that holds it alike in all groups."""
MOMENTS = {
    "selection_rate": ("DemographicParity", True),
    "true_positive_rate": ("TruePositiveRateParity", True),
    "false_positive_rate": ("FalsePositiveRateParity", True),
    "false_negative_rate": ("TruePositiveRateParity", False),
    "specificity": ("FalsePositiveRateParity", False),
    "accuracy": ("ErrorRateParity", False),
}
"""Metric -> the constraint of fairlearn's reductions, and whether its ratio may be bounded."""


@dataclass(frozen=True, slots=True)
class GroupThreshold:
    """From which score a group gets the outcome: `at` for a `share` of its people, `otherwise` for the rest.

    `constant` are those, of all, whom no threshold decides: they get the outcome with the chance
    `constant_chance`.
    """

    group: str
    at: float
    share: float = 1.0
    otherwise: float | None = None
    constant: float = 0.0
    constant_chance: float = 0.0


@dataclass(frozen=True)
class ScoredRows:
    """Rows with a score, a label and a decision; True is the outcome that figures are of.

    `half` is True for rows that choices are made on. `group` are places in `names`.
    """

    names: tuple[str, ...]
    group: Places
    score: Numbers
    label: Yes
    decision: Yes
    half: Yes
    features: DataFrame | None = field(default=None, repr=False)


def optimizer(rows: ScoredRows, part: Yes, constraint: str, tolerance: float | None) -> Any:
    """fairlearn's ThresholdOptimizer, fitted to the scores of these rows; accuracy is what it keeps high."""
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.base import BaseEstimator

    class Scored(BaseEstimator):  # type: ignore[misc]
        """A model that is there already: what it predicts is the score itself."""

        def __sklearn_is_fitted__(self) -> bool:
            return True

        def fit(self, x: Numbers, y: Numbers) -> Scored:
            return self

        def predict(self, x: Numbers) -> Numbers:
            score: Numbers = x[:, 0]
            return score

    found = ThresholdOptimizer(
        estimator=Scored(), constraints=constraint, prefit=True, predict_method="predict", tol=tolerance
    )
    return found.fit(rows.score[part, None], rows.label[part], sensitive_features=rows.group[part])


def decided(fitted: Any, rows: ScoredRows, part: Yes, seed: int) -> Yes:
    """What a fitted optimizer decides; where two thresholds share a group, the seed says who gets which."""
    scores, group = rows.score[part, None], rows.group[part]
    found: Yes = fitted.predict(scores, sensitive_features=group, random_state=seed).astype(bool)
    return found


def thresholds_of(fitted: Any, rows: ScoredRows) -> Iterator[GroupThreshold]:
    """The thresholds as scores: everyone is the lowest score, nobody just over the highest."""
    import numpy as np

    ends = float(rows.score.min()), float(np.nextafter(rows.score.max(), np.inf))
    for group, how in sorted(fitted.interpolated_thresholder_.interpolation_dict.items()):
        first, second = (float(np.clip(how[f"operation{place}"].threshold, *ends)) for place in (0, 1))
        share = float(how["p0"])
        yield GroupThreshold(
            rows.names[group],
            first if share > 0 else second,
            share if share > 0 else 1.0,
            second if 0 < share < 1 else None,
            float(how.get("p_ignore", 0.0)),
            float(how.get("prediction_constant", 0.0)),
        )


def encoded(rows: ScoredRows, asked: TradeOffSpec) -> Numbers:
    """Features as numbers: numbers scaled with their mean for none, the 20 most frequent texts as columns."""
    import numpy as np
    import polars as pl

    assert rows.features is not None  # the worker reads them with the rows
    columns: list[Numbers] = []
    for name in asked.features:
        values = rows.features[name]
        if values.dtype.is_numeric() or values.dtype == pl.Boolean:
            number = values.cast(pl.Float64).fill_nan(None)
            number = pl.Series(np.where(np.isfinite(number.to_numpy()), number.to_numpy(), np.nan)).fill_nan(
                None
            )
            mean, spread = number.mean() or 0.0, number.std() or 1.0
            columns.append(((number.fill_null(mean) - mean) / spread).to_numpy())
            continue
        texts = values.cast(pl.String).fill_null("")
        frequent = texts.value_counts(sort=True)[values.name][:20]
        columns += [(texts == value).cast(pl.Float64).to_numpy() for value in frequent]
    return np.column_stack(columns)


def surrogate(
    inputs: Numbers, rows: ScoredRows, taught: Places, moment: str, bound: dict[str, float] | None, seed: int
) -> Yes:
    """What a logistic regression decides, trained as it is or by fairlearn's reductions to a constraint."""
    from fairlearn import reductions
    from sklearn.linear_model import LogisticRegression

    learner = LogisticRegression(max_iter=500)
    label = rows.label[taught].astype(int)
    if bound is None:
        found: Yes = learner.fit(inputs[taught], label).predict(inputs).astype(bool)
        return found
    constraint = getattr(reductions, moment)(**bound)
    fitted = reductions.ExponentiatedGradient(learner, constraint, max_iter=20)
    fitted.fit(inputs[taught], label, sensitive_features=rows.group[taught])
    drawn: Yes = fitted.predict(inputs, random_state=seed).astype(bool)
    return drawn


def read_rows(asked: TradeOffSpec) -> ScoredRows:
    """The rows of a job's file: `slice`, `score`, `label`, `decision`, `half` and the features."""
    import polars as pl

    table = pl.read_parquet(asked.rows)
    names = tuple(table["slice"].unique().sort())
    group = table["slice"].replace_strict(
        {name: place for place, name in enumerate(names)}, return_dtype=pl.Int64
    )
    label, decision, half = (table[name].to_numpy() for name in ("label", "decision", "half"))
    features = table.select(asked.features) if asked.features else None
    return ScoredRows(names, group.to_numpy(), table["score"].to_numpy(), label, decision, half, features)
