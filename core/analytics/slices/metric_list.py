"""The metrics of slices, in the order to show them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.analytics.slices.metric import MetricDefinition
from core.ground.figure import Direction, Task

_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_NUMBERS: tuple[Task, ...] = ("regression",)
_HARDT = "Hardt, Price and Srebro 2016, arXiv:1610.02413 (equalised odds)"
_WILLMOTT = "Willmott and Matsuura 2005, Clim. Res. 30"


def _rate(
    metric_id: str,
    title: str,
    formula: str,
    direction: Direction,
    *,
    zero: str,
    leaves_out: str,
    source: str,
    over: tuple[str, ...],
    under: tuple[str, ...],
) -> MetricDefinition:
    return MetricDefinition(
        metric_id, title, formula, direction, zero, leaves_out, source, _CLASSES, "rate", over, under
    )


_DEFINITIONS = (
    _rate(
        "selection_rate",
        "Selection rate",
        "selected / rows with a prediction",
        "higher",
        zero="nobody in the slice gets the outcome",
        leaves_out="whether those selected had earned it: it needs no label",
        source="Agarwal et al. 2018, arXiv:1803.02453 (demographic parity)",
        over=("selected",),
        under=("predicted",),
    ),
    _rate(
        "true_positive_rate",
        "True positive rate",
        "tp / (tp + fn)",
        "higher",
        zero="none of those who had earned the outcome got it",
        leaves_out="everyone with a negative label, and everyone without a label",
        source=_HARDT,
        over=("tp",),
        under=("tp", "fn"),
    ),
    _rate(
        "false_positive_rate",
        "False positive rate",
        "fp / (fp + tn)",
        "lower",
        zero="nobody got the outcome without having earned it",
        leaves_out="everyone with a positive label, and everyone without a label",
        source=_HARDT,
        over=("fp",),
        under=("fp", "tn"),
    ),
    _rate(
        "false_negative_rate",
        "False negative rate",
        "fn / (tp + fn)",
        "lower",
        zero="everyone who had earned the outcome got it",
        leaves_out="everyone with a negative label, and everyone without a label",
        source=_HARDT,
        over=("fn",),
        under=("tp", "fn"),
    ),
    _rate(
        "precision",
        "Precision",
        "tp / (tp + fp)",
        "higher",
        zero="nobody who got the outcome had earned it",
        leaves_out="everyone who was not selected, and everyone without a label",
        source="Chouldechova 2017, arXiv:1703.00056 (predictive parity)",
        over=("tp",),
        under=("tp", "fp"),
    ),
    _rate(
        "accuracy",
        "Accuracy",
        "(tp + tn) / labelled",
        "higher",
        zero="every prediction was wrong",
        leaves_out="which kind of error was made, and everyone without a label",
        source="Berk et al. 2018, arXiv:1703.09207 (overall accuracy equality)",
        over=("tp", "tn"),
        under=("tp", "fp", "fn", "tn"),
    ),
    MetricDefinition(
        "balanced_accuracy",
        "Balanced accuracy",
        "(tp / (tp + fn) + tn / (tn + fp)) / 2",
        "higher",
        "every prediction was wrong, in both classes",
        "how common the two classes are, and everyone without a label; undefined without both classes",
        "Brodersen et al. 2010, ICPR (balanced accuracy)",
        _CLASSES,
        "balanced",
        ("tp",),
        ("tp", "fn"),
        negatives=("tn", "fp"),
        interval="Newcombe's hybrid score, from the Wilson intervals of both classes",
    ),
    MetricDefinition(
        "calibration_gap",
        "Calibration gap",
        "mean score - share of positive labels, over labelled rows with a score",
        "zero",
        "scores and outcomes agree on average, though not score by score",
        "scores that are too high and too low within the slice cancel out; rows without a label or a score",
        "Pleiss et al. 2017, arXiv:1709.02012 (calibration within groups); in the large: Cox 1958",
        _CLASSES,
        "mean",
        ("sum_score_gap",),
        ("scored",),
        "spread_score_gap",
        needs="calibration",
        interval="Student's t",
    ),
    MetricDefinition(
        "roc_auc",
        "Area under the ROC curve",
        "share of pairs of a positive and a negative row where the positive has the higher score; "
        "a tie counts half",
        "higher",
        "every negative row has a higher score than every positive one",
        "whether scores are right in size and where the threshold lies; undefined without both classes",
        "Hanley and McNeil 1982, Radiology 143; DeLong et al. 1988, Biometrics 44",
        _CLASSES,
        "ranking",
        (),
        (),
        needs="ranking",
        interval="DeLong on the logit scale; Newcombe's method 5 where DeLong has no width",
    ),
    MetricDefinition(
        "mean_error",
        "Mean error",
        "sum(prediction - label) / labelled",
        "zero",
        "too high and too low cancel out",
        "the size of single errors, and every row without a label",
        _WILLMOTT,
        _NUMBERS,
        "mean",
        ("sum_error",),
        ("labelled",),
        "spread_error",
        interval="Student's t",
    ),
    MetricDefinition(
        "mean_absolute_error",
        "Mean absolute error",
        "sum(|prediction - label|) / labelled",
        "lower",
        "every prediction was exact",
        "whether predictions are too high or too low, and every row without a label",
        _WILLMOTT,
        _NUMBERS,
        "mean",
        ("sum_absolute_error",),
        ("labelled",),
        "spread_absolute_error",
        interval="Student's t",
    ),
    MetricDefinition(
        "root_mean_squared_error",
        "Root mean squared error",
        "√(sum((prediction - label)²) / labelled)",
        "lower",
        "every prediction was exact",
        "whether predictions are too high or too low, and every row without a label; large errors weigh",
        _WILLMOTT,
        _NUMBERS,
        "root_mean",
        ("sum_squared_error",),
        ("labelled",),
        "spread_squared_error",
        interval="root of Student's t on the mean of squares",
    ),
)

SLICE_METRICS: Mapping[str, MetricDefinition] = MappingProxyType({each.id: each for each in _DEFINITIONS})
