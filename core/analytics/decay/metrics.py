"""What each metric of a decay estimate means, and which side of its threshold is the worse one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from core.ground import Direction, Figure


@dataclass(frozen=True, slots=True)
class DecayMetric(Figure):
    """A metric of a whole model. `unit` percent: a share from 0 to 1; number: anything else.

    `adds_up`: it grows with the rows, so that an estimate of all rows cannot be held against some of them.
    """

    unit: Literal["percent", "number"]
    adds_up: bool = False


_MACRO = "With several classes: the mean over the classes, each held against all others."
_CBPE = "Estimated by NannyML's CBPE, realised by its definition."
_DLE = "Estimated by NannyML's DLE, realised by its definition."
_SPREAD = "Which way the errors go, and who bears them."
_CELLS: tuple[tuple[str, str, str, Direction], ...] = (
    ("true_positive", "True positives", "Positives called positive", "higher"),
    ("true_negative", "True negatives", "Negatives called negative", "higher"),
    ("false_positive", "False positives", "Negatives called positive", "lower"),
    ("false_negative", "False negatives", "Positives called negative", "lower"),
)

_ALL = (
    DecayMetric(
        "roc_auc",
        "ROC AUC",
        f"Chance that a random positive scores above a random negative; 0.5 is a coin. {_MACRO}",
        "higher",
        "Every negative scores above every positive.",
        "The threshold in use, and whether scores are right as probabilities.",
        _CBPE,
        "number",
    ),
    DecayMetric(
        "average_precision",
        "Average precision",
        f"Precision at each row that is found, down the scores, weighed by the gain in recall. {_MACRO}",
        "higher",
        "Nothing that ranks high is positive.",
        "The threshold in use; it is low where positives are rare, whatever the model.",
        _CBPE,
        "number",
    ),
    DecayMetric(
        "f1",
        "F1",
        f"2 × precision × recall / (precision + recall). {_MACRO}",
        "higher",
        "No predicted positive is right.",
        "The true negatives.",
        _CBPE,
        "number",
    ),
    DecayMetric(
        "precision",
        "Precision",
        f"Right positives / predicted positives. {_MACRO}",
        "higher",
        "No predicted positive is right.",
        "The positives that were missed.",
        _CBPE,
        "percent",
    ),
    DecayMetric(
        "recall",
        "Recall",
        f"Right positives / all positives. {_MACRO}",
        "higher",
        "Every positive is missed.",
        "The negatives that were called positive.",
        _CBPE,
        "percent",
    ),
    DecayMetric(
        "specificity",
        "Specificity",
        f"Right negatives / all negatives. {_MACRO}",
        "higher",
        "Every negative is called positive.",
        "The positives that were missed.",
        _CBPE,
        "percent",
    ),
    DecayMetric(
        "accuracy",
        "Accuracy",
        "Right predictions / all predictions.",
        "higher",
        "No prediction is right.",
        "Which class the errors fall on; a rare one hardly counts.",
        _CBPE,
        "percent",
    ),
    DecayMetric(
        "business_value",
        "Business value",
        "Outcomes of the chunk (true class by predicted class), each times what it is worth, added up.",
        "higher",
        "What is won and what is lost are even.",
        "Whether the worth of an outcome is the same for everybody.",
        _CBPE,
        "number",
        True,
    ),
    *(
        DecayMetric(
            cell,
            title,
            f"{words} in the chunk; a number of rows, or a share where the matrix is normalised.",
            direction,
            "There is none.",
            "The size of the chunk, unless the matrix is normalised.",
            _CBPE,
            "number",
            True,
        )
        for cell, title, words, direction in _CELLS
    ),
    DecayMetric(
        "mae",
        "Mean absolute error",
        "Mean of |prediction − outcome|, in the unit of the outcome.",
        "lower",
        "Every prediction is exact.",
        _SPREAD,
        _DLE,
        "number",
    ),
    DecayMetric(
        "mape",
        "Mean absolute percentage error",
        "Mean of |prediction − outcome| / |outcome|.",
        "lower",
        "Every prediction is exact.",
        "It weighs errors on small outcomes more than on large ones.",
        _DLE,
        "percent",
    ),
    DecayMetric(
        "mse",
        "Mean squared error",
        "Mean of (prediction − outcome)², in the squared unit of the outcome.",
        "lower",
        "Every prediction is exact.",
        _SPREAD,
        _DLE,
        "number",
    ),
    DecayMetric(
        "rmse",
        "Root mean squared error",
        "Square root of the mean squared error, in the unit of the outcome.",
        "lower",
        "Every prediction is exact.",
        _SPREAD,
        _DLE,
        "number",
    ),
    DecayMetric(
        "msle",
        "Mean squared log error",
        "Mean of (log(1 + prediction) − log(1 + outcome))².",
        "lower",
        "Every prediction is exact.",
        _SPREAD,
        _DLE,
        "number",
    ),
    DecayMetric(
        "rmsle",
        "Root mean squared log error",
        "Square root of the mean squared log error.",
        "lower",
        "Every prediction is exact.",
        _SPREAD,
        _DLE,
        "number",
    ),
)

DECAY_METRICS: Mapping[str, DecayMetric] = MappingProxyType({metric.id: metric for metric in _ALL})
_CELL = re.compile(r"true_(.+)_pred_(.+)")


def decay_metric(metric: str) -> DecayMetric:
    """What a metric means; cells of a confusion matrix of several classes are described as they come.

    Raises
    ------
    KeyError
        There is no such metric.
    """
    cell = _CELL.fullmatch(metric)
    if metric in DECAY_METRICS or cell is None:
        return DECAY_METRICS[metric]
    right = cell[1] == cell[2]
    return DecayMetric(
        metric,
        f"True {cell[1]}, predicted {cell[2]}",
        f"Rows of the chunk that are {cell[1]} and were called {cell[2]}; a share where normalised.",
        "higher" if right else "lower",
        "There is none.",
        "The size of the chunk, unless the matrix is normalised.",
        _CBPE,
        "number",
        True,
    )


def is_beyond_worse_side(metric: str, value: float | None, lower: float | None, upper: float | None) -> bool:
    """Whether a value lies beyond the threshold on the side of a worse model.

    Parameters
    ----------
    metric
        Id of a metric; it says which way is better.
    value, lower, upper
        In the metric's unit; None is beyond nothing.
    """
    limit = lower if decay_metric(metric).direction == "higher" else upper
    if value is None or limit is None:
        return False
    return value < limit if decay_metric(metric).direction == "higher" else value > limit
