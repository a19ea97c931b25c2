"""What every reader of a model file hands over: contributions that add up to the model's own score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from core.analytics.explanations.scales import Scale
from core.analytics.job_specs import RefusedInput

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

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


def read_model(kind: ModelKind, path: Path) -> ReadModel:
    """Read a model file of a known kind; nothing in it is executed.

    Raises
    ------
    RefusedInput
        The file is absent, damaged, or holds a model that cannot be explained.
    """
    if not path.is_file():
        raise RefusedInput(f"there is no model file {path.name!r}", remedy="Give a saved model.")
    match kind:
        case "lightgbm":
            from core.analytics.explanations.from_lightgbm import read_lightgbm

            return read_lightgbm(path)
        case "xgboost":
            from core.analytics.explanations.from_xgboost import read_xgboost

            return read_xgboost(path)
        case "skops":
            from core.analytics.explanations.from_sklearn import read_skops

            return read_skops(path)
        case "onnx":
            from core.analytics.explanations.from_onnx import read_onnx

            return read_onnx(path)


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
