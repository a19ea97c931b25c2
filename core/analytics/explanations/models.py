"""What every reader of a model file hands over: contributions that add up, their scale, trees as arrays."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
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


_MOST_NODES = 5_000_000
_REMEDY = "Save the model again, whole."


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree; a row goes left where `value <= threshold`, and to `default` where the value is missing.

    Arrays of one length: children (-1 at leaves), feature, threshold, value (leaves only count) and weight,
    the share of training rows that came by.
    """

    left: NDArray[Any]
    right: NDArray[Any]
    default: NDArray[Any]
    feature: NDArray[Any]
    threshold: NDArray[Any]
    value: NDArray[Any]
    weight: NDArray[Any]


def check_tree(tree: Tree, features: int, name: str) -> Tree:
    """Refuse a tree whose nodes do not form a tree; give it back with weights that add up.

    Single-precision weights of two children miss that of their parent a little, and with them the
    contributions would miss the score: here every inner weight is the sum of its children's.

    Raises
    ------
    RefusedInput
        Lengths differ, a node has no or two parents, or a feature is unknown.
    """
    import numpy as np

    size = len(tree.left)
    lengths = {
        len(part)
        for part in (tree.right, tree.default, tree.feature, tree.threshold, tree.value, tree.weight)
    }
    inner = tree.left >= 0
    children = np.sort(np.concatenate([tree.left[inner], tree.right[inner]]))
    ok = size > 0 and lengths == {size} and np.array_equal(children, np.arange(1, size))
    ok = ok and bool(((tree.right >= 0) == inner).all())
    ok = ok and bool(((tree.feature[inner] >= 0) & (tree.feature[inner] < features)).all())
    ok = ok and bool(np.isfinite(tree.value[~inner]).all()) and bool((tree.weight >= 0).all())
    if not ok:
        raise RefusedInput(f"{name!r} is damaged: a tree has branches that lead nowhere", remedy=_REMEDY)
    weight, values = tree.weight.astype(np.float64), tree.value.astype(np.float64)
    for at in _children_first(tree, name):
        two = weight[tree.left[at]], weight[tree.right[at]]
        weight[at] = two[0] + two[1]
        if weight[at] == 0:
            raise RefusedInput(f"{name!r} does not say how many rows came by its nodes", remedy=_REMEDY)
        values[at] = (two[0] * values[tree.left[at]] + two[1] * values[tree.right[at]]) / weight[at]
    return Tree(tree.left, tree.right, tree.default, tree.feature, tree.threshold, values, weight)


def _children_first(tree: Tree, name: str) -> list[int]:
    """Inner nodes, each after its children; a node that the root does not reach stands in a circle."""
    order, waiting, seen = [], [0], 0
    while waiting:
        at = waiting.pop()
        seen += 1
        if tree.left[at] >= 0:
            order.append(at)
            waiting += [int(tree.left[at]), int(tree.right[at])]
        if seen > len(tree.left):
            break
    if seen != len(tree.left):
        raise RefusedInput(f"{name!r} is damaged: a tree has branches in a circle", remedy=_REMEDY)
    return order[::-1]


def counted(tree: Tree, inputs: NDArray[Any], features: int, name: str) -> Tree:
    """The tree with weights counted on rows, for formats that keep none.

    Every leaf gets half a row more than came by, so that a branch nobody took still has some weight.
    """
    import numpy as np

    at = np.zeros(len(inputs), dtype=np.int64)
    while True:
        inner = tree.left[at] >= 0
        if not inner.any():
            break
        now = at[inner]
        value = inputs[inner, tree.feature[now]]
        step = np.where(value <= tree.threshold[now], tree.left[now], tree.right[now])
        at[inner] = np.where(np.isnan(value), tree.default[now], step)
    weight = np.bincount(at, minlength=len(tree.left)) + 0.5
    return check_tree(replace(tree, weight=weight), features, name)


def forest_contributions(
    trees: Sequence[Tree], inputs: NDArray[Any], offset: float
) -> tuple[NDArray[Any], float, NDArray[Any]]:
    """Contributions, base and raw scores of the sum of trees, in double precision.

    Parameters
    ----------
    trees
        Checked trees.
    inputs
        Shape (rows, features), numbers with NaN for missing ones.
    offset
        Added to the sum of the leaves.
    """
    import numpy as np

    if sum(len(tree.left) for tree in trees) > _MOST_NODES:
        raise RefusedInput(
            f"the model has more than {_MOST_NODES:,} nodes", remedy="Upload attributions made elsewhere."
        )
    model = {"trees": [_as_shap(tree) for tree in trees], "input_dtype": np.float64, "base_offset": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # shap and what it imports, about changes of their own
        import shap

        explainer = shap.TreeExplainer(model)
        values = np.asarray(explainer.shap_values(inputs, check_additivity=False), dtype=np.float64)
        leaves = np.asarray(explainer.model.predict(inputs), dtype=np.float64)
    base = float(np.ravel(explainer.expected_value)[0])
    return values.reshape(len(inputs), -1), base + offset, np.ravel(leaves) + offset


def _as_shap(tree: Tree) -> dict[str, Any]:
    import numpy as np

    return {
        "children_left": tree.left.astype(np.int32),
        "children_right": tree.right.astype(np.int32),
        "children_default": tree.default.astype(np.int32),
        "features": np.where(tree.left >= 0, tree.feature, -2).astype(np.int32),
        "thresholds": tree.threshold.astype(np.float64),
        "values": tree.value.astype(np.float64).reshape(-1, 1),
        "node_sample_weight": tree.weight.astype(np.float64),
    }


def below(thresholds: NDArray[Any]) -> NDArray[Any]:
    """Thresholds of `value < threshold`, in single precision, as those of `value <= threshold`."""
    import numpy as np

    single = thresholds.astype(np.float32)
    return np.nextafter(single, np.float32(-np.inf)).astype(np.float64)
