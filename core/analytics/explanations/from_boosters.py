"""Reading what LightGBM and XGBoost write: the structure is checked before a library sees it."""

from __future__ import annotations

import io
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.explanations.models import (
    Contributions,
    Tree,
    below,
    check_tree,
    checked,
    forest_contributions,
    outcome_place,
    scale_of,
)
from core.analytics.job_specs import RefusedInput, ensure_openmp

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def read_rows(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a Parquet file, or some of its columns, in the order of the file.

    Raises
    ------
    RefusedInput
        The file is absent, is not Parquet, holds no rows, or lacks a column.
    """
    import pyarrow.parquet as pq
    from pyarrow.lib import ArrowException

    if not path.is_file():
        raise RefusedInput(f"there is no file {path.name!r}", remedy="Give the path of a Parquet file.")
    try:
        absent = [name for name in columns or () if name not in pq.read_schema(path).names]
        if absent:
            raise RefusedInput(
                f"{path.name!r} has no column {absent[0]!r}", remedy="Check the feature names."
            )
        rows: pd.DataFrame = pq.read_table(
            path, columns=list(columns) if columns is not None else None
        ).to_pandas()
    except ArrowException as problem:
        raise RefusedInput(f"{path.name!r} is not a Parquet file", remedy="Write it as Parquet.") from problem
    if rows.empty:
        raise RefusedInput(f"{path.name!r} holds no rows", remedy="Give a file with rows.")
    return rows


def model_inputs(rows: pd.DataFrame, features: Sequence[str], categorical: Sequence[str]) -> pd.DataFrame:
    """Return the features in the model's order: categorical ones as sorted categories, others as float64.

    A model saved after training on such columns holds the words itself, so the same words in another
    file get the same codes, and words it never saw count as missing.
    """
    import pandas as pd

    columns = {}
    for name in features:
        if name in categorical:
            texts = rows[name].astype(object)
            columns[name] = pd.Series(pd.Categorical(texts, categories=sorted(texts.dropna().unique())))
        elif pd.api.types.is_numeric_dtype(rows[name]):
            columns[name] = rows[name].astype("float64").reset_index(drop=True)
        else:
            raise RefusedInput(
                f"{name!r} holds texts, not numbers", remedy="Name the column among the categorical features."
            )
    return pd.DataFrame(columns)


METHOD = "TreeSHAP, path-dependent"
_REMEDY = "Save the model with Booster.save_model."


@dataclass(frozen=True, slots=True)
class LightgbmModel:
    """A booster with its features and the number of its outputs."""

    booster: Any
    name: str
    features: tuple[str, ...]
    outputs: int
    binary: bool

    def contributions(self, inputs: pd.DataFrame, outcome: str) -> Contributions:
        """Attribute raw scores by shap's tree explainer; see `ReadModel`."""
        import numpy as np

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # shap and LightGBM about changes of their own
            import shap

            try:
                explainer = shap.TreeExplainer(self.booster)
                values = np.asarray(explainer(inputs, check_additivity=False).values, dtype=np.float64)
                raw = np.asarray(self.booster.predict(inputs, raw_score=True), dtype=np.float64)
                output = np.asarray(self.booster.predict(inputs), dtype=np.float64)
            except (ValueError, TypeError) as problem:
                reason = str(problem).splitlines()[0][:160]
                raise RefusedInput(
                    f"{self.name!r} cannot score these rows: {reason}",
                    remedy="Give the rows it was made for.",
                ) from problem
        base = np.ravel(explainer.expected_value).astype(np.float64)
        place = 0
        if self.outputs > 1:
            place = outcome_place(outcome, [str(at) for at in range(self.outputs)], self.name)
            values, raw, output = values[:, :, place], raw[:, place], output[:, place]
        scale = "raw" if self.outputs > 1 else scale_of(raw, output, binary=self.binary)
        base_value = float(base[place] if self.outputs > 1 else base[-1])
        return checked(Contributions(values, base_value, raw, scale, METHOD, 0.0), self.name)


def read_lightgbm(path: Path) -> LightgbmModel:
    """Read a model in LightGBM's text format.

    Raises
    ------
    RefusedInput
        It is no such text, or its trees point outside themselves.
    """
    ensure_openmp()
    import lightgbm as lgb

    head = _check_text(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the file's own parameters count, which is meant
            booster = lgb.Booster(model_file=str(path), params={"verbosity": -1})
    except lgb.basic.LightGBMError as problem:
        raise RefusedInput(f"{path.name!r} is not a LightGBM model", remedy=_REMEDY) from problem
    binary = head.get("objective", "").split(" ")[0] in ("binary", "cross_entropy", "xentropy")
    return LightgbmModel(
        booster, path.name, tuple(booster.feature_name()), int(booster.num_model_per_iteration()), binary
    )


def _check_text(path: Path) -> dict[str, str]:
    """Refuse what would lead LightGBM's reader outside of its own arrays; return the model's head."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise RefusedInput(f"{path.name!r} is not a LightGBM model", remedy=_REMEDY) from problem
    if not text.startswith("tree\n") or "\0" in text:
        raise RefusedInput(f"{path.name!r} is not a LightGBM model", remedy=_REMEDY)
    blocks = text.split("end of trees")[0].split("\nTree=")
    head = _fields(blocks[0])
    features = head.get("feature_names", "").split(" ")
    if len(blocks) < 2 or not features[0]:
        raise RefusedInput(f"{path.name!r} is cut off: it holds no trees", remedy=_REMEDY)
    if "end of trees" not in text:
        raise RefusedInput(f"{path.name!r} is cut off before its end", remedy=_REMEDY)
    for place, block in enumerate(blocks[1:]):
        problem_found = next(_faults(_fields(block), len(features)), "")
        if problem_found:
            raise RefusedInput(f"{path.name!r} is damaged: tree {place} {problem_found}", remedy=_REMEDY)
    return head


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _faults(tree: dict[str, str], features: int) -> Iterator[str]:
    """What is wrong with one tree."""
    try:
        leaves = int(tree["num_leaves"])
        wanted = {"leaf_value": leaves} | dict.fromkeys(
            ("split_feature", "left_child", "right_child", "threshold", "decision_type"), leaves - 1
        )
        for name, length in wanted.items():
            if (leaves > 1 or name == "leaf_value") and len(tree[name].split()) != length:
                yield f"has {len(tree[name].split())} values of {name}, not {length}"
        if leaves < 2:
            return
        if any(not 0 <= int(at) < features for at in tree["split_feature"].split()):
            yield "splits on a feature that the model does not have"
        children = [int(at) for side in ("left_child", "right_child") for at in tree[side].split()]
        # Every node but the root, and every leaf (written -1, -2, ...), is the child of exactly one node.
        if sorted(children) != [*range(-leaves, 0), *range(1, leaves - 1)]:
            yield "has branches that lead nowhere"
        for splits, words in (("cat_boundaries", "cat_threshold"),):
            ends = [int(at) for at in tree.get(splits, "").split()]
            if ends and (ends != sorted(ends) or ends[0] != 0 or ends[-1] != len(tree[words].split())):
                yield "has damaged categories"
    except (KeyError, ValueError):
        yield "cannot be read"


_XGBOOST = "Save the model with Booster.save_model('model.json') or '.ubj'."
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
        raise RefusedInput(f"{path.name!r} is not a whole XGBoost model", remedy=_XGBOOST) from problem
    if len(owners) != len(trees) or not all(0 <= owner < outputs for owner in owners) or not trees:
        raise RefusedInput(f"{path.name!r} is damaged: trees without an output", remedy=_XGBOOST)
    loaded = xgb.Booster()
    try:
        loaded.load_model(bytearray(path.read_bytes()))
    except (xgb.core.XGBoostError, ValueError) as problem:
        raise RefusedInput(f"{path.name!r} is not an XGBoost model", remedy=_XGBOOST) from problem
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
        raise RefusedInput(f"{path.name!r} is neither whole JSON nor UBJSON", remedy=_XGBOOST) from problem
    if not isinstance(content, dict) or "learner" not in content:
        raise RefusedInput(f"{path.name!r} is not an XGBoost model", remedy=_XGBOOST)
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
