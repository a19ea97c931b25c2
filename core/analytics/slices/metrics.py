"""The value of a metric of a slice, from its counts and sums, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from core.analytics.intervals import Interval, mean_interval, rate_difference_interval, wilson_interval
from core.analytics.slices.metric import Form, MetricDefinition, Need
from core.analytics.slices.metric_list import SLICE_METRICS
from core.analytics.slices.ranks import RankSums, ranking_interval
from core.ground.figure import Direction, Task

__all__ = [
    "SLICE_METRICS",
    "Direction",
    "Form",
    "HasCounts",
    "Measured",
    "MetricDefinition",
    "Need",
    "Task",
    "measure",
    "metric",
    "metrics_for",
]


class HasCounts(Protocol):
    """Anything that knows its task and can add up its own counts by name."""

    @property
    def task(self) -> Task: ...

    @property
    def ranks(self) -> RankSums | None: ...

    def total(self, fields: tuple[str, ...]) -> float:
        """Sum of the named counts or sums."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's value with what it rests on.

    Parameters
    ----------
    value
        None when undefined (no row counts towards it, or a class is missing). Never 0 in its place.
    n
        Denominator: rows that count towards it.
    numerator
        Successes of a rate, the sum of a mean, the pairs won of a ranking.
    interval
        None when there is none: undefined, or a mean of one row.

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
        Counts and sums of the slice, see `core.analytics.slices.report.SliceCounts`.
    confidence
        Of the interval, 0.0 to 1.0, both excluded.

    Returns
    -------
    Measured
        A rate from 0.0 to 1.0 with its Wilson interval, a mean with Student's, a root mean whose interval is
        the root of that of the mean of squares, a balanced accuracy with Newcombe's, an area under the curve
        with DeLong's. `value` is None when undefined; `n` may then be above 0, where one class is missing.

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
    >>> from core.analytics.slices.report import SliceCounts
    >>> women = SliceCounts((("sex", "female"),), "binary", rows=4, predicted=4, selected=3)
    >>> measure(SLICE_METRICS["selection_rate"], women).value
    0.75
    >>> measure(SLICE_METRICS["precision"], women).value is None  # no label has come yet
    True
    """
    if counts.task not in definition.tasks:
        raise ValueError(f"{definition.id!r} does not apply to a {counts.task} model")
    if definition.form == "ranking":
        return _ranking(counts.ranks, confidence)
    if definition.form == "balanced":
        return _balanced(definition, counts, confidence)
    n = int(counts.total(definition.denominator))
    top = counts.total(definition.numerator)
    if n == 0:
        return Measured(None, 0, top, None)
    if definition.form == "rate":
        return Measured(top / n, n, top, wilson_interval(int(top), n, confidence))
    spread = mean_interval(n, top, counts.total((definition.spread,)), confidence)
    if definition.form == "mean":
        return Measured(top / n, n, top, spread)
    root = (
        None
        if spread is None
        else Interval(math.sqrt(max(0.0, spread.low)), math.sqrt(max(0.0, spread.high)), confidence)
    )
    return Measured(math.sqrt(top / n), n, top, root)


def _balanced(definition: MetricDefinition, counts: HasCounts, confidence: float) -> Measured:
    """Half of one plus the true positive rate minus the false positive rate."""
    hits, positives = int(counts.total(definition.numerator)), int(counts.total(definition.denominator))
    right, wrong = (int(counts.total((name,))) for name in definition.negatives)
    n = positives + right + wrong
    if positives == 0 or right + wrong == 0:
        return Measured(None, n, 0.0, None)
    apart = rate_difference_interval(hits, positives, wrong, right + wrong, confidence)
    value = (hits / positives + right / (right + wrong)) / 2
    assert apart is not None  # both classes have rows
    interval = Interval(max(0.0, (1 + apart.low) / 2), min(1.0, (1 + apart.high) / 2), confidence)
    return Measured(value, n, value * n, interval)


def _ranking(ranks: RankSums | None, confidence: float) -> Measured:
    if ranks is None:
        return Measured(None, 0, 0.0, None)
    n = ranks.positives + ranks.negatives
    return Measured(ranks.value, n, ranks.doubled_wins / 2, ranking_interval(ranks, confidence))
