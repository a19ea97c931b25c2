"""Reading trees and linear models in ONNX: the graph is read as data, of known steps only."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.explanations.models import (
    Contributions,
    Scale,
    Tree,
    below,
    check_tree,
    checked,
    counted,
    forest_contributions,
    outcome_place,
    scale_of,
)
from core.analytics.job_specs import RefusedInput

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

TREE_METHOD = "TreeSHAP, path-dependent, weights counted on the explained rows"
LINEAR_METHOD = "linear SHAP, against the mean of the explained rows"
CHECKED_ROWS = 100
_KINDS = ("TreeEnsembleClassifier", "TreeEnsembleRegressor", "LinearClassifier", "LinearRegressor")
_HARMLESS = {"Cast", "ZipMap", "Identity", "Normalizer", "Reshape", "ArrayFeatureExtractor", "Scaler"}
_REMEDY = "Export one tree ensemble or linear model, without other steps than scaling."


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """The one model node of a graph, with the scaling before it."""

    kind: str
    attributes: Mapping[str, Any]
    scaling: tuple[tuple[float, ...], tuple[float, ...]] | None
    name: str
    width: int
    model: Any
    features: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Outcomes of a classifier; empty for a regression."""
        for label in ("classlabels_int64s", "classlabels_ints", "classlabels_strings"):
            found = self.attributes.get(label)
            if found:
                return tuple(one.decode() if isinstance(one, bytes) else str(one) for one in found)
        return ()

    def contributions(self, inputs: pd.DataFrame, outcome: str) -> Contributions:
        """Attribute raw scores by shap's tree or linear explainer; see `ReadModel`."""
        import numpy as np

        numbers = np.asarray(inputs.to_numpy(), dtype=np.float32).astype(np.float64)
        if self.width and numbers.shape[1] != self.width:
            raise RefusedInput(
                f"{self.name!r} takes {self.width} features, not {numbers.shape[1]}",
                remedy="Give its features, in its order.",
            )
        if self.scaling is not None:
            offset, factor = (np.asarray(part, dtype=np.float64) for part in self.scaling)
            numbers = (numbers - offset) * factor
        place = len(self.classes) - 1 if len(self.classes) == 2 and not outcome else 0
        if outcome:
            place = outcome_place(outcome, self.classes, self.name)
        linear = self.kind.startswith("Linear")
        found = self._linear(numbers, place) if linear else self._trees(numbers, place)
        scale = self._scale(found.raw, np.asarray(inputs.to_numpy(), dtype=np.float32), place)
        return checked(replace(found, scale=scale), self.name)

    def _linear(self, numbers: NDArray[Any], place: int) -> Contributions:
        import numpy as np

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about changes of its own
            import shap
        outputs = max(1, len(self.classes), int(self.attributes.get("targets", 1)))
        coefficients = np.asarray(self.attributes["coefficients"], dtype=np.float64)
        rows = len(coefficients) // numbers.shape[1]
        coefficients = coefficients.reshape(rows, numbers.shape[1])
        intercepts = np.asarray(self.attributes.get("intercepts") or [0.0] * rows, dtype=np.float64)
        row = min(place, rows - 1)
        if rows not in (1, outputs) or len(intercepts) != rows:
            raise RefusedInput(f"{self.name!r} has coefficients of another number of outputs", remedy=_REMEDY)
        masker = shap.maskers.Independent(numbers, max_samples=len(numbers))
        explainer = shap.LinearExplainer((coefficients[row], float(intercepts[row])), masker)
        values = np.asarray(explainer.shap_values(numbers), dtype=np.float64)
        raw = numbers @ coefficients[row] + float(intercepts[row])
        base = float(np.ravel(explainer.expected_value)[0])
        return Contributions(values, base, raw, "raw", LINEAR_METHOD, 0.0)

    def _trees(self, numbers: NDArray[Any], place: int) -> Contributions:
        outputs = self._outputs()
        output = outputs[min(place, len(outputs) - 1)]
        single = numbers.astype("float32").astype("float64")
        width = numbers.shape[1]
        trees = [
            counted(check_tree(tree, width, self.name), single, width, self.name)
            for tree in self._read_trees(output)
        ]
        base_values = list(self.attributes.get("base_values") or ())
        offset = float(base_values[min(outputs.index(output), len(base_values) - 1)]) if base_values else 0.0
        if self.attributes.get("aggregate_function", b"SUM") == b"AVERAGE":
            offset *= len(trees)
        values, base, raw = forest_contributions(trees, single, offset)
        if self.attributes.get("aggregate_function", b"SUM") == b"AVERAGE":
            values, base, raw = values / len(trees), base / len(trees), raw / len(trees)
        return Contributions(values, base, raw, "raw", TREE_METHOD, 0.0)

    def _outputs(self) -> list[int]:
        """Outputs that leaves write to, in their order."""
        part = "class" if self.kind.endswith("Classifier") else "target"
        return sorted({int(one) for one in self.attributes[f"{part}_ids"]})

    def _scale(self, raw: NDArray[Any], numbers: NDArray[Any], place: int) -> Scale:
        """Hold some raw scores against what ONNX's own reference gives for the same rows."""
        import numpy as np
        from onnx.reference import ReferenceEvaluator

        some = slice(0, CHECKED_ROWS)
        try:
            evaluator: Any = ReferenceEvaluator(_without_zip_map(self.model))
            answers = evaluator.run(None, {self.model.graph.input[0].name: numbers[some]})
        except Exception as problem:  # a stranger's graph may fail in any way
            raise RefusedInput(f"{self.name!r} cannot score these rows", remedy=_REMEDY) from problem
        output = np.asarray(answers[-1], dtype=np.float64).reshape(len(numbers[some]), -1)
        answer = output[:, min(place, output.shape[1] - 1)]
        scale = scale_of(raw[some], answer, binary=bool(self.classes))
        several = len(self.classes) > 2 and self.attributes.get("post_transform") == b"SOFTMAX"
        if scale == "raw" and not several:
            off = float(abs(raw[some] - answer).max())
            raise RefusedInput(
                f"the score read from {self.name!r} differs from ONNX's own by {off:.2g}", remedy=_REMEDY
            )
        return scale

    def _read_trees(self, output: int) -> list[Tree]:
        import numpy as np

        part = "class" if self.kind.endswith("Classifier") else "target"
        given = self.attributes
        owner = np.asarray(given["nodes_treeids"], dtype=np.int64)
        node = np.asarray(given["nodes_nodeids"], dtype=np.int64)
        modes = [bytes(mode) for mode in given["nodes_modes"]]
        leaves: dict[tuple[int, int], float] = {}
        for tree, at, to, weight in zip(
            given[f"{part}_treeids"],
            given[f"{part}_nodeids"],
            given[f"{part}_ids"],
            given[f"{part}_weights"],
            strict=True,
        ):
            if int(to) == output:
                key = (int(tree), int(at))
                leaves[key] = leaves.get(key, 0.0) + float(weight)
        return [
            _tree(given, np.flatnonzero(owner == tree), node, modes, leaves, int(tree), self.name)
            for tree in np.unique(owner)
        ]


def _tree(
    given: Mapping[str, Any],
    places: NDArray[Any],
    node: NDArray[Any],
    modes: Sequence[bytes],
    leaves: Mapping[tuple[int, int], float],
    tree: int,
    name: str,
) -> Tree:
    import numpy as np

    kinds = {modes[at] for at in places}
    if not kinds <= {b"LEAF", b"BRANCH_LEQ", b"BRANCH_LT"}:
        odd = b", ".join(sorted(kinds - {b"LEAF", b"BRANCH_LEQ", b"BRANCH_LT"})).decode(errors="replace")
        raise RefusedInput(f"{name!r} branches by {odd[:60]}, which is not supported", remedy=_REMEDY)
    where = {int(node[at]): place for place, at in enumerate(places)}
    leaf = np.array([modes[at] == b"LEAF" for at in places])

    def children(side: str) -> NDArray[Any]:
        ids = np.asarray(given[f"nodes_{side}nodeids"], dtype=np.int64)[places]
        return np.array([-1 if end else where.get(int(to), -2) for to, end in zip(ids, leaf, strict=True)])

    thresholds = np.asarray(given["nodes_values"], dtype=np.float64)[places]
    strict_ones = np.array([modes[at] == b"BRANCH_LT" for at in places])
    missing = np.asarray(given.get("nodes_missing_value_tracks_true") or np.zeros(len(node)))[places]
    left, right = children("true"), children("false")
    return Tree(
        left=left,
        right=right,
        default=np.where(missing != 0, left, right),
        feature=np.asarray(given["nodes_featureids"], dtype=np.int64)[places],
        threshold=np.where(strict_ones, below(thresholds), thresholds),
        value=np.array([leaves.get((tree, int(node[at])), 0.0) for at in places]),
        weight=np.ones(len(places)),
    )


def read_onnx(path: Path) -> OnnxModel:
    """Read the tree ensemble or linear model of an ONNX file.

    Raises
    ------
    RefusedInput
        It is no ONNX file, points to other files, or holds more than one such model and scaling.
    """
    import onnx

    try:
        model = onnx.load_model(str(path), load_external_data=False)
        nodes = list(model.graph.node)
    except Exception as problem:  # a reader on a stranger's bytes may fail in any way
        raise RefusedInput(f"{path.name!r} is not an ONNX model", remedy=_REMEDY) from problem
    if any(part.data_location == onnx.TensorProto.EXTERNAL for part in model.graph.initializer):
        raise RefusedInput(f"{path.name!r} keeps parts of itself in other files", remedy=_REMEDY)
    chosen = [node for node in nodes if node.op_type in _KINDS]
    others = sorted({node.op_type for node in nodes} - set(_KINDS) - _HARMLESS)
    if len(chosen) != 1 or others:
        what = f"the step {others[0][:40]!r}" if others else f"{len(chosen)} models"
        raise RefusedInput(f"{path.name!r} holds {what}, which cannot be explained", remedy=_REMEDY)
    attributes = {part.name: onnx.helper.get_attribute_value(part) for part in chosen[0].attribute}
    scalers = [node for node in nodes if node.op_type == "Scaler"]
    scaling = None
    if scalers:
        parts = {part.name: onnx.helper.get_attribute_value(part) for part in scalers[0].attribute}
        scaling = (tuple(parts.get("offset", ())), tuple(parts.get("scale", ())))
    if len(scalers) > 1:
        raise RefusedInput(f"{path.name!r} scales its inputs twice", remedy=_REMEDY)
    try:
        return OnnxModel(
            chosen[0].op_type,
            attributes,
            scaling,
            path.name,
            _width(model),
            model,
        )
    except (KeyError, ValueError, IndexError) as problem:
        raise RefusedInput(f"{path.name!r} is damaged", remedy=_REMEDY) from problem


def _without_zip_map(model: Any) -> Any:
    """The same graph with plain arrays as answers: the reference does not know mappings."""
    import onnx

    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    zips = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "ZipMap"}
    if zips:
        kept = [node for node in model.graph.node if node.op_type != "ZipMap"]
        del bare.graph.node[:]
        bare.graph.node.extend(kept)
        for output in bare.graph.output:
            if output.name in zips:
                output.CopyFrom(
                    onnx.helper.make_tensor_value_info(zips[output.name], onnx.TensorProto.FLOAT, None)
                )
    return bare


def _width(model: Any) -> int:
    """Number of inputs, or 0 where the graph leaves it open."""
    if len(model.graph.input) != 1:
        raise RefusedInput(
            f"{len(model.graph.input)} inputs are named", remedy="Export one input of numbers."
        )
    shape = model.graph.input[0].type.tensor_type.shape.dim
    return int(shape[1].dim_value) if len(shape) > 1 else 0
