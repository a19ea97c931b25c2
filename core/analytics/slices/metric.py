"""What a metric of a slice is: its words, and the counts and sums that it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.ground.figure import Figure, Task

Form = Literal["rate", "mean", "root_mean", "balanced", "ranking"]
Need = Literal["calibration", "ranking"]


@dataclass(frozen=True, slots=True)
class MetricDefinition(Figure):
    """One metric of a slice: a figure, its formula in words of the counts, and which counts it is made of.

    Parameters
    ----------
    tasks
        Kinds of model it applies to. With several classes: one named class against all others.
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

    Examples
    --------
    >>> from core.analytics.slices.metric_list import SLICE_METRICS
    >>> SLICE_METRICS["precision"].formula
    'tp / (tp + fp)'
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
    def is_share(self) -> bool:
        """Whether people read it in per cent, and differences of it in points."""
        return self.form in ("rate", "balanced") or self.needs == "calibration"

    @property
    def has_ratio(self) -> bool:
        """Whether one slice's value over another's says anything: not where values have a sign."""
        return self.direction != "zero"
