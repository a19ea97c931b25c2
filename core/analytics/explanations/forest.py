"""Trees as plain arrays, for formats whose trees are read here: checked, balanced, and attributed by shap."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.analytics.job_specs import RefusedInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
