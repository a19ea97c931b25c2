"""What a fit on reference predictions leaves behind: plain numbers and LightGBM's text, never a pickle."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from core.analytics.job_specs import RefusedInput
from core.ground import Checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Calibrated = Literal["own", "shrunk", "all"]
FORMAT = 2
_FOLDS, _BINS = 10, 10


class Calibration(Checked):
    """An isotonic calibrator as its breakpoints: `shares` of positives at rising `scores`, linear between.

    Scores beyond the ends take the share at that end.
    """

    scores: tuple[float, ...]
    shares: tuple[float, ...]

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn scores into calibrated probabilities; never falls where the score rises."""
        import numpy as np

        return np.interp(scores, self.scores, self.shares)


class Component(Checked):
    """One number of an estimate: a metric, or a cell of the confusion matrix.

    `unit_error` is the sampling error of one row: that of n rows is `unit_error` / sqrt(n), or times
    sqrt(n) where the number is a total that `grows` with the rows. Thresholds are NannyML's, None where
    undefined. The limits are the ends of the metric's own scale, None where it has none.
    """

    metric: str
    grows: bool = False
    unit_error: float | None = None
    lower_threshold: float | None = None
    upper_threshold: float | None = None
    lower_limit: float | None = None
    upper_limit: float | None = None


class FittedPart(Checked):
    """The fit for everyone, or for one subpopulation.

    Attributes
    ----------
    values
        What the subpopulation is called, one word a feature; empty for everyone.
    rows
        Its reference rows.
    calibrated
        `own`: by its own rows alone. `shrunk`: by its own and those of the larger groups that it is part of.
        `all`: as for everyone, because nothing is known of it.
    calibrators
        One a class (binary: one); None where NannyML found that calibration would not help.
    calibration_error, raw_calibration_error
        Expected calibration error of the probabilities in use, out of sample, and of the raw scores; the mean
        over the classes. Rates, 0 = perfectly calibrated; None for a regression and where nobody can tell.
    components
        Empty where the reference is too small to say anything.
    shifts
        Of a shrunk calibration, a line for all rows and one for each fold held back: by how much chances
        differ from everyone's, for each class at the `centres` of the slices.
    models
        Regression: metric -> index of its error model in `FittedModel.error_models`.
    """

    values: tuple[str, ...] = ()
    rows: int
    calibrated: Calibrated = "own"
    calibrators: tuple[Calibration | None, ...] = ()
    calibration_error: float | None = None
    raw_calibration_error: float | None = None
    components: tuple[Component, ...] = ()
    shifts: tuple[tuple[tuple[float, ...], ...], ...] = ()
    models: dict[str, int] = Field(default_factory=dict)

    def unjudged(self, values: tuple[str, ...], rows: int) -> FittedPart:
        """The fit of a subpopulation that is estimated as everyone is, without thresholds of its own."""
        nothing = {"unit_error": None, "lower_threshold": None, "upper_threshold": None}
        bare = tuple(one.model_copy(update=nothing) for one in self.components)
        own = {"values": values, "rows": rows, "calibrated": "all", "components": bare}
        return self.model_copy(update=own)


class FittedFeature(Checked):
    """A feature that subpopulations are made of; a number is cut in bands at `cuts`."""

    name: str
    cuts: tuple[float, ...] = ()


class FittedSlices(Checked):
    """The subpopulations of crossed features, in natural order; `centres` of the shifts for each class."""

    features: tuple[FittedFeature, ...]
    centres: tuple[tuple[float, ...], ...] = ()
    parts: tuple[FittedPart, ...]


class FittedModel(Checked):
    """All that an estimate needs from the reference.

    `encoders`: category of a text feature -> its number, as NannyML numbers it before it trains the error
    models; 0 stands for a category that the reference does not have. `error_models` are LightGBM texts.
    """

    format: int = FORMAT
    nannyml: str
    task: Literal["binary", "multiclass", "regression"]
    chunking: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    features: tuple[str, ...]
    business_value: tuple[tuple[float, ...], ...]
    normalize_confusion: Literal["all", "true", "pred"] | None
    per_prediction: bool
    reference_rows: int
    reference_chunks: int
    whole: FittedPart
    slices: tuple[FittedSlices, ...] = ()
    encoders: dict[str, dict[str, int]] = Field(default_factory=dict)
    error_models: tuple[str, ...] = ()


def calibration_if_needed(truth: NDArray[np.int64], scores: NDArray[np.float64]) -> Calibration | None:
    """Let NannyML decide whether scores need calibration, and take its calibrator over as breakpoints.

    Parameters
    ----------
    truth, scores
        Shape (n,): 0 or 1, and scores from 0.0 to 1.0.

    Returns
    -------
    Calibration or None
        None where calibration would not help. Source: NannyML 0.13.1, isotonic regression.
    """
    from nannyml.calibration import IsotonicCalibrator, needs_calibration

    if not needs_calibration(truth, scores, IsotonicCalibrator()):
        return None
    calibrator = IsotonicCalibrator()
    calibrator.fit(scores, truth)
    fitted = calibrator._regressor
    return Calibration(
        scores=tuple(map(float, fitted.X_thresholds_)), shares=tuple(map(float, fitted.y_thresholds_))
    )


def calibration_errors(truth: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Expected calibration errors of the raw scores and of calibrated ones that were not learned from."""
    import numpy as np
    from nannyml.calibration import (
        IsotonicCalibrator,
        _calculate_expected_calibration_error,
        _get_bin_index_edges,
    )
    from sklearn.model_selection import StratifiedShuffleSplit

    if min(truth.sum(), len(truth) - truth.sum()) < 2 or len(truth) < _FOLDS * _BINS:
        return math.nan, math.nan
    splits = StratifiedShuffleSplit(n_splits=_FOLDS, test_size=0.1, random_state=42)
    raw, calibrated, true = [], [], []
    for train, test in splits.split(scores, truth):
        calibrator = IsotonicCalibrator()
        calibrator.fit(scores[train], truth[train])
        raw.append(scores[test])
        calibrated.append(calibrator.calibrate(scores[test]))
        true.append(truth[test])
    joined = np.concatenate(true)
    edges = _get_bin_index_edges(len(joined), _BINS)
    before, after = (
        float(_calculate_expected_calibration_error(joined, np.concatenate(each), edges))
        for each in (raw, calibrated)
    )
    return before, after


def read_fit(path: Path) -> FittedModel:
    """Read a stored fit.

    Raises
    ------
    RefusedInput
        It cannot be read, or another version of this code wrote it.
    """
    try:
        return FittedModel.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as problem:
        raise RefusedInput(
            f"the stored fit {path.name!r} cannot be read", remedy="Refresh the monitoring with a new fit."
        ) from problem
