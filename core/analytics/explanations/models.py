"""What every reader of a model file hands over: contributions that add up to its own score, and the scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Protocol

from core.analytics.job_specs import RefusedInput

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


Scale = Literal["log_odds", "probability", "output", "log", "raw"]
"""`log_odds`: output = 1 / (1 + e^-raw). `probability`, `output`: raw is the output itself. `log`: output =
e^raw. `raw`: the output is another function of the score, or of several scores; only the raw one is shown."""

SCALES: dict[Scale, str] = {
    "log_odds": "log odds",
    "probability": "probability",
    "output": "units of the prediction",
    "log": "logarithm of the prediction",
    "raw": "raw score",
}
_FITS = 1e-5


def scale_of(raw: NDArray[Any], output: NDArray[Any], *, binary: bool) -> Scale:
    """Find the scale by which the model's own output follows from its raw score.

    Parameters
    ----------
    raw, output
        Shape (rows,): raw scores, and what the model answers for the same rows.
    binary
        Whether the answer is the probability of one outcome.

    Examples
    --------
    >>> import numpy as np
    >>> scale_of(np.array([0.0, 2.0]), np.array([0.5, 0.8807970780]), binary=True)
    'log_odds'
    >>> scale_of(np.array([120.0, 90.0]), np.array([120.0, 90.0]), binary=False)
    'output'
    """
    import numpy as np

    def fits(found: NDArray[Any]) -> bool:
        return bool(np.allclose(found, output, rtol=_FITS, atol=_FITS))

    if fits(raw):
        return "probability" if binary else "output"
    with np.errstate(over="ignore"):
        if binary and fits(1.0 / (1.0 + np.exp(-raw))):
            return "log_odds"
        if not binary and fits(np.exp(raw)):
            return "log"
    return "raw"


def output_of(raw: float, scale: str) -> float | None:
    """What the model answers at a raw score; None where the scale does not say it.

    Examples
    --------
    >>> output_of(0.0, "log_odds"), output_of(3.5, "output"), output_of(1.0, "raw")
    (0.5, 3.5, None)
    """
    match scale:
        case "log_odds":
            return 1.0 / (1.0 + math.exp(-raw)) if raw >= 0 else math.exp(raw) / (1.0 + math.exp(raw))
        case "probability" | "output":
            return raw
        case "log":
            return math.exp(min(raw, 700.0))
    return None


def output_steps(base: float, steps: Sequence[float], scale: str) -> tuple[float, ...] | None:
    """How far each step moves the output when the steps are taken in their order, from the base on.

    Returns
    -------
    tuple or None
        One change per step; together with the output at the base they add up to the output at the end.
        None where the scale does not say the output.

    Notes
    -----
    The curve from raw score to probability is steep in the middle and flat at the ends, so the change that
    one step makes depends on the steps before it: another order gives other changes, and the same end.

    Examples
    --------
    >>> [round(step, 4) for step in output_steps(0.0, [2.0, -1.0], "log_odds")]
    [0.3808, -0.1497]
    """
    levels = [output_of(base, scale)]
    raw = base
    for step in steps:
        raw += step
        levels.append(output_of(raw, scale))
    known = [level for level in levels if level is not None]
    if len(known) < len(levels):
        return None
    return tuple(after - before for before, after in pairwise(known))


ModelKind = Literal["lightgbm", "xgboost", "skops", "onnx"]
ADDITIVITY_TOLERANCE = 1e-6
"""Base value and contributions must add up to the raw score; beyond this something is wrong."""
ROUNDING_TOLERANCE = 1e-4
"""How far, relative to its size, the raw score in double precision may lie from the library's own score:
XGBoost and ONNX add in single precision."""


@dataclass(frozen=True, slots=True)
class Contributions:
    """Contributions of features to the raw scores of rows.

    `values` has shape (rows, features); `base` is the raw score before any feature is known; `raw` the
    raw score of each row in double precision. `rounding_gap` is the largest difference between `raw` and
    the score that the model's own library gives. `method` names the kind of Shapley values.
    """

    values: NDArray[Any]
    base: float
    raw: NDArray[Any]
    scale: Scale
    method: str
    rounding_gap: float

    @property
    def additivity_gap(self) -> float:
        """The largest difference, over the rows, between base + contributions and the raw score."""
        return float(abs(self.values.sum(axis=1) + self.base - self.raw).max())


class ReadModel(Protocol):
    """A model that was read; `features` in the order of its training, empty where the file names none."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the inputs."""

    def contributions(self, inputs: pd.DataFrame, outcome: str) -> Contributions:
        """Attribute the raw scores of rows to the inputs; `outcome` chooses among several classes."""


def outcome_place(outcome: str, classes: Sequence[str], name: str) -> int:
    """Which of several classes is explained; the first where none is named.

    Raises
    ------
    RefusedInput
        The model does not know the class.
    """
    if not outcome:
        return 0
    if outcome in classes:
        return list(classes).index(outcome)
    known = ", ".join(classes[:12])
    raise RefusedInput(f"{name!r} knows no outcome {outcome[:60]!r}", remedy=f"Name one of: {known}.")


def checked(found: Contributions, name: str) -> Contributions:
    """Hand contributions on if they add up to the raw score, and that is the library's own score.

    Raises
    ------
    RefusedInput
        They do not: another number of features, another order, or a kind of model that was misread.
    """
    import numpy as np

    if not np.isfinite(found.values).all() or not np.isfinite(found.raw).all():
        raise RefusedInput(f"{name!r} gives scores that are no finite numbers", remedy="Check the model.")
    if found.additivity_gap > ADDITIVITY_TOLERANCE:
        raise RefusedInput(
            f"the contributions miss the model's raw score by {found.additivity_gap:.2g}",
            remedy="Check that the features are given in the order of the model's training.",
        )
    size = max(1.0, float(abs(found.raw).max()))
    if found.rounding_gap > ROUNDING_TOLERANCE * size:
        raise RefusedInput(
            f"the score read from {name!r} differs from its library's own by {found.rounding_gap:.2g}",
            remedy="Save it with a current version of the library, without custom objectives.",
        )
    return found
