"""What each metric of a slice means, and its value from counts and sums."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol

from core.analytics.intervals import Interval, mean_interval, wilson_interval

Task = Literal["binary", "regression", "multiclass"]
Direction = Literal["higher", "lower", "zero"]
Form = Literal["rate", "mean", "root_mean"]

_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_NUMBERS: tuple[Task, ...] = ("regression",)
_HARDT = "Hardt, Price and Srebro 2016, arXiv:1610.02413 (equalised odds)"
_WILLMOTT = "Willmott and Matsuura 2005, Clim. Res. 30"


class HasCounts(Protocol):
    """Anything that knows its task and can add up its own counts by name."""

    @property
    def task(self) -> Task: ...

    def total(self, fields: tuple[str, ...]) -> float:
        """Sum of the named counts or sums."""
        ...


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """One metric: what it means, and which counts it is made of.

    Parameters
    ----------
    id, title
        Name in code and on screen.
    formula
        In words of the counts.
    direction
        Which way is called better: "higher", "lower", or "zero" for the value nearest to nought.
    zero_means
        What a value of 0 says.
    leaves_out
        What the metric does not see.
    source
        Where it is defined.
    tasks
        Kinds of model it applies to. With several classes: one named class against all others.
    form
        "rate" (a share, 0.0 to 1.0), "mean" or "root_mean" (in the unit of the label).
    numerator, denominator
        Counts or sums that are added up, by field name of `SliceCounts`.
    squares
        For a mean: the sum of squares that gives its spread.

    Examples
    --------
    >>> SLICE_METRICS["precision"].formula
    'tp / (tp + fp)'
    """

    id: str
    title: str
    formula: str
    direction: Direction
    zero_means: str
    leaves_out: str
    source: str
    tasks: tuple[Task, ...]
    form: Form
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    squares: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value with what it rests on.

    Parameters
    ----------
    value
        None when undefined (no row counts towards it). Never 0 in its place.
    n
        Denominator: rows that count towards it.
    numerator
        Successes of a rate, or the sum of a mean.
    interval
        None when there is none: no row, or a mean of one row.

    Examples
    --------
    >>> Measured(value=None, n=0, numerator=0.0, interval=None).value is None
    True
    """

    value: float | None
    n: int
    numerator: float
    interval: Interval | None


def metric(metric_id: str) -> MetricDefinition:
    """Look a metric up by its id.

    Parameters
    ----------
    metric_id
        A key of `SLICE_METRICS`.

    Returns
    -------
    MetricDefinition

    Raises
    ------
    ValueError
        No such metric; the message lists those there are.

    Examples
    --------
    >>> metric("accuracy").title
    'Accuracy'
    """
    if metric_id not in SLICE_METRICS:
        raise ValueError(f"{metric_id!r} is not a known metric; known are {', '.join(SLICE_METRICS)}")
    return SLICE_METRICS[metric_id]


def metrics_for(task: Task) -> tuple[MetricDefinition, ...]:
    """List the metrics that apply to a task, in the order to show them.

    Parameters
    ----------
    task
        "binary", "regression" or "multiclass".

    Returns
    -------
    tuple of MetricDefinition

    Examples
    --------
    >>> [each.id for each in metrics_for("regression")]
    ['mean_error', 'mean_absolute_error', 'root_mean_squared_error']
    """
    return tuple(each for each in SLICE_METRICS.values() if task in each.tasks)


def measure(definition: MetricDefinition, counts: HasCounts, confidence: float = 0.95) -> Measured:
    """Work out a metric of one slice from its counts.

    Parameters
    ----------
    definition
        The metric.
    counts
        Counts and sums of the slice, see `core.analytics.slices.SliceCounts`.
    confidence
        Of the interval, 0.0 to 1.0, both excluded.

    Returns
    -------
    Measured
        A rate from 0.0 to 1.0 with its Wilson interval, a mean with Student's, or a root mean whose interval
        is the root of that of the mean of squares. `value` is None when the denominator is 0.

    Raises
    ------
    ValueError
        The metric does not apply to the task of these counts.

    Notes
    -----
    Formula: the definition's numerator over its denominator; of that the square root for "root_mean".
    Leaves out: what the definition says it leaves out. Source: the definition's.

    Examples
    --------
    >>> from core.analytics.slices import SliceCounts
    >>> women = SliceCounts((("sex", "female"),), "binary", rows=4, predicted=4, selected=3)
    >>> measure(SLICE_METRICS["selection_rate"], women).value
    0.75
    >>> measure(SLICE_METRICS["precision"], women).value is None  # no label has come yet
    True
    """
    if counts.task not in definition.tasks:
        raise ValueError(f"{definition.id!r} does not apply to a {counts.task} model")
    n = int(counts.total(definition.denominator))
    top = counts.total(definition.numerator)
    if n == 0:
        return Measured(None, 0, top, None)
    if definition.form == "rate":
        return Measured(top / n, n, top, wilson_interval(int(top), n, confidence))
    spread = mean_interval(n, top, counts.total(definition.squares), confidence)
    if definition.form == "mean":
        return Measured(top / n, n, top, spread)
    root = (
        None
        if spread is None
        else Interval(math.sqrt(max(0.0, spread.low)), math.sqrt(max(0.0, spread.high)), confidence)
    )
    return Measured(math.sqrt(top / n), n, top, root)


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
        ("sum_squared_error",),
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
        ("sum_squared_error",),
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
        ("sum_fourth_error",),
    ),
)

SLICE_METRICS: Mapping[str, MetricDefinition] = MappingProxyType({each.id: each for each in _DEFINITIONS})
