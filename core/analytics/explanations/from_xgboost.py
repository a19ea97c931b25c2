"""Reading XGBoost's JSON and UBJSON formats: the trees are read here, the library's own score checks them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.explanations.forest import Tree, below, check_tree, forest_contributions
from core.analytics.explanations.models import Contributions, checked, outcome_place, scale_of
from core.analytics.job_specs import RefusedInput
from core.analytics.openmp import ensure_openmp

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

METHOD = "TreeSHAP, path-dependent"
_REMEDY = "Save the model with Booster.save_model('model.json') or '.ubj'."
_PROBABILITY = ("binary:logistic", "reg:logistic", "binary:logitraw")


@dataclass(frozen=True, slots=True)
class XgboostModel:
    """A booster, and its trees by output."""

    booster: Any
    name: str
    features: tuple[str, ...]
    width: int
    trees: tuple[tuple[Tree, ...], ...]
    base_score: tuple[float, ...]
    objective: str

    def contributions(self, inputs: pd.DataFrame, outcome: str) -> Contributions:
        """Attribute raw scores by shap's tree explainer, in double precision; see `ReadModel`."""
        import numpy as np
        import xgboost as xgb

        numbers = _numbers(inputs, self.width, self.name)
        matrix = xgb.DMatrix(numbers.astype(np.float32))
        margin = np.asarray(self.booster.predict(matrix, output_margin=True, validate_features=False))
        output = np.asarray(self.booster.predict(matrix, validate_features=False))
        place = 0
        if len(self.trees) > 1:
            place = outcome_place(outcome, [str(at) for at in range(len(self.trees))], self.name)
            margin = margin[:, place]
        single = numbers.astype(np.float32).astype(np.float64)
        values, base, raw = forest_contributions(self.trees[place], single, 0.0)
        offset = self._offset(place, margin, raw)
        binary = self.objective in _PROBABILITY
        scale = "raw" if len(self.trees) > 1 else scale_of(raw + offset, output, binary=binary)
        gap = float(abs(raw + offset - margin).max())
        found = Contributions(values, base + offset, raw + offset, scale, METHOD, gap)
        return checked(found, self.name)

    def _offset(self, place: int, margin: NDArray[Any], leaves: NDArray[Any]) -> float:
        """The base score on the scale of the margin: as written, its log odds, or its logarithm."""
        score = self.base_score[min(place, len(self.base_score) - 1)]
        ways = [score]
        if 0 < score < 1:
            ways.append(math.log(score / (1 - score)))
        if score > 0:
            ways.append(math.log(score))
        return min(ways, key=lambda way: abs(float((margin - leaves).mean()) - way))


def read_xgboost(path: Path) -> XgboostModel:
    """Read a boosted-tree model in XGBoost's JSON or UBJSON format.

    Raises
    ------
    RefusedInput
        It is no such file, is damaged, or is of a kind whose scores are no plain sum of trees.
    """
    ensure_openmp()
    import xgboost as xgb

    content = _content(path)
    try:
        learner = content["learner"]
        booster = learner["gradient_booster"]
        if booster["name"] != "gbtree":
            raise RefusedInput(
                f"{path.name!r} is boosted by {str(booster['name'])[:20]!r}, not by plain trees",
                remedy="Upload attributions made elsewhere.",
            )
        shape = learner["learner_model_param"]
        width = int(shape["num_feature"])
        outputs = max(1, int(shape.get("num_class", "0")))
        model = booster["model"]
        trees = [check_tree(_tree(tree, path.name), width, path.name) for tree in model["trees"]]
        owners = [int(at) for at in model["tree_info"]]
        base = tuple(float(part) for part in str(shape["base_score"]).strip("[]").split(","))
        objective = str(learner["objective"]["name"])
        names = tuple(str(name) for name in learner.get("feature_names") or ())
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, IndexError) as problem:
        if isinstance(problem, RefusedInput):
            raise
        raise RefusedInput(f"{path.name!r} is not a whole XGBoost model", remedy=_REMEDY) from problem
    if len(owners) != len(trees) or not all(0 <= owner < outputs for owner in owners) or not trees:
        raise RefusedInput(f"{path.name!r} is damaged: trees without an output", remedy=_REMEDY)
    loaded = xgb.Booster()
    try:
        loaded.load_model(bytearray(path.read_bytes()))
    except (xgb.core.XGBoostError, ValueError) as problem:
        raise RefusedInput(f"{path.name!r} is not an XGBoost model", remedy=_REMEDY) from problem
    grouped = tuple(
        tuple(tree for tree, owner in zip(trees, owners, strict=True) if owner == output)
        for output in range(outputs)
    )
    return XgboostModel(loaded, path.name, names, width, grouped, base, objective)


def _content(path: Path) -> Mapping[str, Any]:
    data = path.read_bytes()
    try:
        if data[1:2].isspace() or data[1:2] == b'"':
            content = json.loads(data)
        else:
            from shap.explainers.other._ubjson import decode_ubjson_buffer

            content = decode_ubjson_buffer(io.BytesIO(data))
    except Exception as problem:  # a decoder on a stranger's bytes may fail in any way
        raise RefusedInput(f"{path.name!r} is neither whole JSON nor UBJSON", remedy=_REMEDY) from problem
    if not isinstance(content, dict) or "learner" not in content:
        raise RefusedInput(f"{path.name!r} is not an XGBoost model", remedy=_REMEDY)
    return content


def _tree(tree: Mapping[str, Any], name: str) -> Tree:
    import numpy as np

    if any(int(kind) for kind in _list(tree.get("split_type", ()))):
        raise RefusedInput(
            f"{name!r} splits on categories, whose codes the file does not explain",
            remedy="Train it on numbers, or upload attributions made elsewhere.",
        )
    left = np.array(_list(tree["left_children"]), dtype=np.int64)
    right = np.array(_list(tree["right_children"]), dtype=np.int64)
    first = np.array(_list(tree["default_left"]), dtype=np.int64) != 0
    conditions = np.array(_list(tree["split_conditions"]), dtype=np.float64)
    return Tree(
        left=left,
        right=right,
        default=np.where(first, left, right),
        feature=np.array(_list(tree["split_indices"]), dtype=np.int64),
        threshold=below(conditions),
        value=np.where(left < 0, conditions, 0.0),
        weight=np.array(_list(tree["sum_hessian"]), dtype=np.float64),
    )


def _list(values: Any) -> Sequence[Any]:
    return values if isinstance(values, list | tuple) else list(values)


def _numbers(inputs: pd.DataFrame, width: int, name: str) -> NDArray[Any]:
    import numpy as np

    if inputs.shape[1] != width:
        raise RefusedInput(
            f"{name!r} takes {width} features, not {inputs.shape[1]}",
            remedy="Give its features, in its order.",
        )
    return np.asarray(inputs.to_numpy(), dtype=np.float64)
