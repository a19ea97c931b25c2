"""What a fit on reference predictions leaves behind: plain numbers and LightGBM's text, never a pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from core.analytics.job_specs import RefusedInput
from core.ground.checked import Checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Calibrated = Literal["own", "all"]
FORMAT = 1


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
    unit_error: float | None
    lower_threshold: float | None
    upper_threshold: float | None
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
        `own`: by its own rows. `all`: as for everyone, because it has too few.
    calibrators
        One a class (binary: one); None where NannyML found that calibration would not help.
    calibration_error, raw_calibration_error
        Expected calibration error of the probabilities in use, out of sample, and of the raw scores; the mean
        over the classes. Rates, 0 = perfectly calibrated; None for a regression and where nobody can tell.
    components
        Empty where the reference is too small to say anything.
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
    models: dict[str, int] = Field(default_factory=dict)


class FittedFeature(Checked):
    """A feature that subpopulations are made of; a number is cut in bands at `cuts`."""

    name: str
    cuts: tuple[float, ...] = ()


class FittedSlices(Checked):
    """The subpopulations of crossed features, in natural order."""

    features: tuple[FittedFeature, ...]
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
