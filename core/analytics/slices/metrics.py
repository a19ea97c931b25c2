"""The metrics of slices, in the order to show them, and the value of each from counts and sums."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from core.analytics.intervals import (
    FEW,
    Interval,
    exact_interval,
    mean_interval,
    rate_difference_interval,
    wilson_interval,
)
from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.ranks import RankSums, ranking_interval
from core.ground import Direction, Figure, Task

Form = Literal["rate", "mean", "root_mean", "balanced", "ranking"]
Need = Literal["calibration", "ranking"]


@dataclass(frozen=True, slots=True)
class MetricDefinition(Figure):
    """One metric of a slice: a figure, its formula in words of the counts, and which counts it is made of.

    Parameters
    ----------
    tasks
        Kinds of model it applies to. With several classes: one named class against all others; accuracy alone
        is the share of rows with the right class.
    form
        "rate" (a share, 0.0 to 1.0), "mean" or "root_mean" (in the unit of what is averaged), "balanced" (the
        mean of the two classes' rates) or "ranking" (0.0 to 1.0, from the order of the scores).
    numerator, denominator
        Counts or sums that are added up, by field name of `SliceCounts`. Balanced: of the positive class.
    spread
        For a mean: the sum of squared deviations of what is averaged, by field name of `SliceCounts`.
    negatives
        For the balanced form: successes and failures of the other class.
    needs
        What has to be counted beside predictions and labels: "calibration" (sums of scores), "ranking" (their
        order), or nothing.
    interval
        By which method the interval is made.
    """

    tasks: tuple[Task, ...]
    form: Form
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    spread: str = ""
    negatives: tuple[str, str] = ("", "")
    needs: Need | None = None
    interval: str = "Wilson"

    @property
    def need(self) -> tuple[Need, ...]:
        """What it needs, as the counts take it."""
        return () if self.needs is None else (self.needs,)

    @property
    def name(self) -> str:
        """Its title within a sentence."""
        return self.title[:1].lower() + self.title[1:]

    @property
    def of_one_outcome(self) -> bool:
        """Whether it holds one outcome against all others; accuracy and errors look at all of them alike."""
        return self.id != "accuracy" and self.tasks == _CLASSES

    @property
    def is_share(self) -> bool:
        """Whether people read it in per cent, and differences of it in points."""
        return self.form in ("rate", "balanced") or self.needs == "calibration"

    def apart(self, value: float) -> str:
        """A difference of two values as people read it: of shares in points."""
        return f"{100 * value:.1f} points" if self.is_share else f"{value:.3g}"

    @property
    def has_ratio(self) -> bool:
        """Whether one slice's value over another's says anything: not where values have a sign."""
        return self.direction != "zero"

    def goodness(self, value: float) -> float:
        """A value turned so that more is better."""
        return {"higher": value, "lower": -value, "zero": -abs(value)}[self.direction]


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_NUMBERS: tuple[Task, ...] = ("regression",)
_BERK = "Berk et al. 2018, arXiv:1703.09207 ({})"
_PREDICTIVE = "Chouldechova 2017, arXiv:1703.00056 (predictive parity)"
_HARDT = "Hardt, Price and Srebro 2016, arXiv:1610.02413 (equalised odds)"
_WILLMOTT = "Willmott and Matsuura 2005, Clim. Res. 30"


def _rate(
    metric_id: str,
    title: str,
    direction: Direction,
    counts: str,
    *,
    zero: str,
    leaves_out: str,
    source: str,
    formula: str = "",
) -> MetricDefinition:
    """A rate by the counts that it is made of, as `tp / tp fp`."""
    over, under = (tuple(side.split()) for side in counts.split(" / "))
    said = formula or " / ".join(
        f"({' + '.join(each)})" if len(each) > 1 else each[0] for each in (over, under)
    )
    return MetricDefinition(
        metric_id, title, said, direction, zero, leaves_out, source, _CLASSES, "rate", over, under
    )


_DEFINITIONS = (
    _rate(
        "selection_rate",
        "Selection rate",
        "higher",
        "selected / predicted",
        formula="selected / rows with a prediction",
        zero="nobody in the slice gets the outcome",
        leaves_out="whether those selected had earned it: it needs no label",
        source="Agarwal et al. 2018, arXiv:1803.02453 (demographic parity)",
    ),
    _rate(
        "base_rate",
        "Base rate",
        "higher",
        "tp fn / tp fp fn tn",
        formula="(tp + fn) / labelled",
        zero="nobody in the slice had earned the outcome",
        leaves_out="the predictions: a perfect model has it too; it says why other rates must differ",
        source=_BERK.format("base rate"),
    ),
    _rate(
        "true_positive_rate",
        "True positive rate",
        "higher",
        "tp / tp fn",
        zero="none of those who had earned the outcome got it",
        leaves_out="everyone with a negative label, and everyone without a label",
        source=_HARDT,
    ),
    _rate(
        "false_positive_rate",
        "False positive rate",
        "lower",
        "fp / fp tn",
        zero="nobody got the outcome without having earned it",
        leaves_out="everyone with a positive label, and everyone without a label",
        source=_HARDT,
    ),
    _rate(
        "false_negative_rate",
        "False negative rate",
        "lower",
        "fn / tp fn",
        zero="everyone who had earned the outcome got it",
        leaves_out="everyone with a negative label, and everyone without a label",
        source=_HARDT,
    ),
    _rate(
        "specificity",
        "Specificity",
        "higher",
        "tn / tn fp",
        zero="everyone who had not earned the outcome got it",
        leaves_out="everyone with a positive label, and everyone without a label",
        source=_HARDT,
    ),
    _rate(
        "precision",
        "Precision",
        "higher",
        "tp / tp fp",
        zero="nobody who got the outcome had earned it",
        leaves_out="everyone who was not selected, and everyone without a label",
        source=_PREDICTIVE,
    ),
    _rate(
        "false_discovery_rate",
        "False discovery rate",
        "lower",
        "fp / tp fp",
        zero="everyone who got the outcome had earned it",
        leaves_out="everyone who was not selected, and everyone without a label",
        source=_PREDICTIVE,
    ),
    _rate(
        "negative_predictive_value",
        "Negative predictive value",
        "higher",
        "tn / tn fn",
        zero="everyone who was not selected had earned the outcome",
        leaves_out="everyone who was selected, and everyone without a label",
        source=_BERK.format("conditional use accuracy equality"),
    ),
    _rate(
        "false_omission_rate",
        "False omission rate",
        "lower",
        "fn / tn fn",
        zero="nobody who was not selected had earned the outcome",
        leaves_out="everyone who was selected, and everyone without a label",
        source=_BERK.format("conditional use accuracy equality"),
    ),
    _rate(
        "accuracy",
        "Accuracy",
        "higher",
        "right / tp fp fn tn",
        formula="labelled rows predicted right / labelled",
        zero="every prediction was wrong",
        leaves_out="which kind of error was made, and everyone without a label",
        source=_BERK.format("overall accuracy equality"),
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
        interval="Student's t; where fewer than 30 labels are positive or negative, the exact interval of "
        "their share (Clopper and Pearson)",
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
        interval="DeLong on the logit scale; where few rows tell, with Newcombe's method 5 beside it",
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
        interval="Student's t on the logarithm",
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
        interval="root of Student's t on the logarithm of the mean of squares",
    ),
)

SLICE_METRICS: Mapping[str, MetricDefinition] = MappingProxyType({each.id: each for each in _DEFINITIONS})


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
    """

    value: float | None
    n: int
    numerator: float
    interval: Interval | None


def metric(metric_id: str) -> MetricDefinition:
    """Look a metric up by its id; of one that there is not, the ValueError lists those there are."""
    if metric_id not in SLICE_METRICS:
        raise ValueError(f"{metric_id!r} is not a known metric; known are {', '.join(SLICE_METRICS)}")
    return SLICE_METRICS[metric_id]


def of_outcome(definition: MetricDefinition, outcome: str | None) -> MetricDefinition:
    """The metric under a title that names its outcome, as people call it, where it is of one.

    Examples
    --------
    >>> said = "favourable outcome Approve"
    >>> of_outcome(metric("selection_rate"), said).title, of_outcome(metric("accuracy"), said).title
    ('Selection rate of favourable outcome Approve', 'Accuracy')
    """
    if outcome is None or not definition.of_one_outcome:
        return definition
    return replace(definition, title=f"{definition.title} of {outcome}")


def metrics_for(task: Task) -> tuple[MetricDefinition, ...]:
    """List the metrics that apply to a task, in the order to show them.

    Examples
    --------
    >>> [each.id for each in metrics_for("regression")]
    ['mean_error', 'mean_absolute_error', 'root_mean_squared_error']
    """
    return tuple(each for each in SLICE_METRICS.values() if task in each.tasks)


def measure(definition: MetricDefinition, counts: SliceCounts, confidence: float = 0.95) -> Measured:
    """Work out a metric of one slice from its counts.

    Parameters
    ----------
    definition
        The metric.
    counts
        Counts and sums of the slice.
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
    >>> women = SliceCounts((), "binary", 10, predicted=10, labelled=10, selected=3, tp=2, fp=1, fn=3, tn=4)
    >>> for each in metrics_for("binary")[:11]:
    ...     print(f"{each.id} = {each.formula}: {measure(each, women).value:.3f}")
    selection_rate = selected / rows with a prediction: 0.300
    base_rate = (tp + fn) / labelled: 0.500
    true_positive_rate = tp / (tp + fn): 0.400
    false_positive_rate = fp / (fp + tn): 0.200
    false_negative_rate = fn / (tp + fn): 0.600
    specificity = tn / (tn + fp): 0.800
    precision = tp / (tp + fp): 0.667
    false_discovery_rate = fp / (tp + fp): 0.333
    negative_predictive_value = tn / (tn + fn): 0.571
    false_omission_rate = fn / (tn + fn): 0.429
    accuracy = labelled rows predicted right / labelled: 0.600
    >>> measure(metric("precision"), SliceCounts((), "binary", 4, predicted=4)).value is None  # no label yet
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
    if rests_on_few(definition, counts):
        return Measured(top / n, n, top, _gap_of_few(counts, confidence))
    spread = mean_interval(
        n, top, counts.total((definition.spread,)), confidence, sized=definition.direction == "lower"
    )
    if definition.form == "mean":
        return Measured(top / n, n, top, spread)
    root = spread and Interval(math.sqrt(spread.low), math.sqrt(spread.high), confidence)
    return Measured(math.sqrt(top / n), n, top, root)


def rests_on_few(definition: MetricDefinition, counts: SliceCounts) -> bool:
    """Whether a mean is of so few positive or negative labels that it is far from normal.

    Examples
    --------
    >>> rare = SliceCounts((), "binary", 500, labelled=500, tp=3, fn=1, tn=496, scored=500)
    >>> rests_on_few(metric("calibration_gap"), rare), rests_on_few(metric("precision"), rare)
    (True, False)
    """
    if definition.needs != "calibration" or not counts.scored:
        return False
    positives = _positives(counts)
    return min(positives[0], counts.scored - positives[1]) < FEW


def _positives(counts: SliceCounts) -> tuple[int, int]:
    """Fewest and most labelled rows with a score that can be positive."""
    positives, unscored = counts.tp + counts.fn, counts.labelled - counts.scored
    return max(0, positives - unscored), min(positives, counts.scored)


def _gap_of_few(counts: SliceCounts, confidence: float) -> Interval:
    """The gap, given the scores: their mean less the exact interval of the share of positive labels."""
    n, gap = counts.scored, counts.sum_score_gap / counts.scored
    ends = [
        (gap + positives / n - share.high, gap + positives / n - share.low)
        for positives in {*_positives(counts)}
        for share in (exact_interval(positives, n, confidence),)
    ]
    return Interval(min(low for low, _ in ends), max(high for _, high in ends), confidence)


def _balanced(definition: MetricDefinition, counts: SliceCounts, confidence: float) -> Measured:
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
