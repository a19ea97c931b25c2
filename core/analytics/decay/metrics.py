"""What each metric of a decay estimate means, and whether past estimates deserve trust."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType
from typing import Any, Literal

from core.ground.figure import Direction, Figure, VerdictName

MINIMUM_COMPARED = 3
"""Chunks with a known outcome that are needed to judge the estimates."""
MINIMUM_INSIDE = 0.8
"""Share of realised values inside the band from which the band is said to hold."""


@dataclass(frozen=True, slots=True)
class DecayMetric(Figure):
    """A metric of a whole model. `unit` percent: a share from 0 to 1; number: anything else."""

    unit: Literal["percent", "number"]


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


@dataclass(frozen=True, slots=True)
class EstimateTrust:
    """Whether past estimates were near enough to what came true for an alert to mean something.

    Parameters
    ----------
    verdict
        Pass: the mean error is smaller than `room`, and at least 80% of what came true lay inside the band.
        Fail: one of the two does not hold. Cannot tell: too few outcomes, or no threshold on the worse side.
    error
        Mean of |estimate − realised| over the compared chunks, in the metric's unit; 0 = exact. None when
        nothing can be compared.
    room
        Distance from the usual level (mean realised value of the reference chunks) to the threshold on the
        worse side; None where there is none.
    compared, inside
        Analysis chunks with both an estimate and a realised value, and those of them whose realised value
        lay inside the band of the estimate.
    worst
        The largest |estimate − realised| of these chunks; None when nothing can be compared.
    """

    verdict: VerdictName
    error: float | None
    room: float | None
    compared: int
    inside: int
    worst: float | None = None


def estimate_trust(chunks: Sequence[Mapping[str, Any]], direction: Direction) -> EstimateTrust:
    """Hold past estimates against what was realised.

    Parameters
    ----------
    chunks
        Chunks of one metric with `part`, `estimate`, `realised`, `lower_confidence`, `upper_confidence`,
        `lower_threshold` and `upper_threshold`; None where there is no value.
    direction
        Which way is better.

    Returns
    -------
    EstimateTrust

    Notes
    -----
    Formula: mean |estimate − realised| over analysis chunks, held against |usual level − threshold|; and the
    share of realised values inside the band (estimate ± 3 sampling errors), held against 0.8. A band that
    holds would leave out hardly any. Direction: lower error is better. Zero: every estimate came true.
    Leaves out whether the next error is like the past ones. Source: ours; the estimates assume that P(y|x)
    holds still, which nothing here proves.

    Examples
    --------
    >>> band = {"lower_confidence": 0.77, "upper_confidence": 0.83, "lower_threshold": 0.7}
    >>> usual = {"part": "reference", "estimate": 0.8, "realised": 0.8, **band}
    >>> later = {"part": "analysis", "estimate": 0.8, "realised": 0.79, **band}
    >>> estimate_trust([usual, later, later, later], "higher").verdict
    'pass'
    """
    compared = [
        c
        for c in chunks
        if c["part"] == "analysis" and c["estimate"] is not None and c["realised"] is not None
    ]
    usual = [c["realised"] for c in chunks if c["part"] == "reference" and c["realised"] is not None]
    side = "lower_threshold" if direction == "higher" else "upper_threshold"
    limits = [c[side] for c in chunks if c.get(side) is not None]
    errors = [abs(c["estimate"] - c["realised"]) for c in compared]
    error = fmean(errors) if errors else None
    room = abs(fmean(usual) - limits[-1]) if usual and limits else None
    inside = sum(_inside(c) for c in compared)
    verdict: VerdictName = "cannot_tell"
    if error is not None and room is not None and len(compared) >= MINIMUM_COMPARED:
        held = error < room and inside >= MINIMUM_INSIDE * len(compared)
        verdict = "pass" if held else "fail"
    return EstimateTrust(verdict, error, room, len(compared), inside, max(errors, default=None))


def _inside(chunk: Mapping[str, Any]) -> bool:
    low, high = chunk["lower_confidence"], chunk["upper_confidence"]
    return (low is None or low <= chunk["realised"]) and (high is None or chunk["realised"] <= high)
