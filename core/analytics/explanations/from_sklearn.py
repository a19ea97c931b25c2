"""Reading scikit-learn models in skops format: an allow-list of classes, checked before anything is built."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.explanations.models import Contributions, checked, outcome_place, scale_of
from core.analytics.job_specs import RefusedInput

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

TREE_METHOD = "TreeSHAP, path-dependent"
LINEAR_METHOD = "linear SHAP, against the mean of the explained rows"
_REMEDY = "Save a fitted model with skops.io.dump."
_TREES = {
    "sklearn.tree._classes": (
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "ExtraTreeClassifier",
        "ExtraTreeRegressor",
    ),
    "sklearn.ensemble._forest": (
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
    ),
    "sklearn.ensemble._gb": ("GradientBoostingClassifier", "GradientBoostingRegressor"),
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": (
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
    ),
}
_LINEAR = {
    "sklearn.linear_model._logistic": ("LogisticRegression",),
    "sklearn.linear_model._base": ("LinearRegression",),
    "sklearn.linear_model._ridge": ("Ridge",),
    "sklearn.linear_model._coordinate_descent": ("Lasso", "ElasticNet"),
    "sklearn.linear_model._stochastic_gradient": ("SGDClassifier", "SGDRegressor"),
}
_STEPS = {
    "sklearn.pipeline": ("Pipeline",),
    "sklearn.preprocessing._data": ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"),
}
_PARTS = {
    "builtins": ("dict", "list", "tuple", "str", "int", "float", "bool", "NoneType", "slice", "set"),
    "numpy": (
        "ndarray",
        "float64",
        "float32",
        "int64",
        "int32",
        "uint64",
        "uint32",
        "uint8",
        "bool",
        "bool_",
    ),
    "numpy.random._generator": ("Generator",),
    "numpy.random.mtrand": ("RandomState",),
    "numpy.random._pcg64": ("PCG64",),
    "sklearn.tree._tree": ("Tree",),
    "sklearn.dummy": ("DummyClassifier", "DummyRegressor"),
    "sklearn.preprocessing._label": ("LabelEncoder", "LabelBinarizer"),
    "sklearn.ensemble._hist_gradient_boosting.binning": ("_BinMapper",),
    "sklearn.ensemble._hist_gradient_boosting.predictor": ("TreePredictor",),
    "sklearn._loss._loss": ("CyHalfBinomialLoss", "CyHalfSquaredError", "CyHalfMultinomialLoss"),
    "sklearn._loss.loss": ("HalfBinomialLoss", "HalfSquaredError", "HalfMultinomialLoss"),
    "sklearn._loss.link": ("IdentityLink", "LogitLink", "MultinomialLogit", "Interval"),
}
_ALLOWED = {
    f"{module}.{name}"
    for group in (_TREES, _LINEAR, _STEPS, _PARTS)
    for module, names in group.items()
    for name in names
}
_LOADERS = {
    "DictNode",
    "JsonNode",
    "ListNode",
    "LossNode",
    "NdArrayNode",
    "ObjectNode",
    "RandomGeneratorNode",
    "RandomStateNode",
    "SetNode",
    "TreeNode",
    "TupleNode",
    "TypeNode",
}
# Those that skops asks to be named, and that are harmless: arrays of nodes.
_TRUSTED = ["sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


@dataclass(frozen=True, slots=True)
class SklearnModel:
    """A fitted estimator, with the scaling steps before it."""

    steps: tuple[Any, ...]
    estimator: Any
    name: str
    features: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Outcomes of a classifier; empty for a regression."""
        return tuple(str(one) for one in getattr(self.estimator, "classes_", ()))

    def contributions(self, inputs: pd.DataFrame, outcome: str) -> Contributions:
        """Attribute raw scores by shap's tree or linear explainer; see `ReadModel`."""
        import numpy as np

        numbers = np.asarray(inputs.to_numpy(), dtype=np.float64)
        width = getattr(self.estimator, "n_features_in_", numbers.shape[1])
        if numbers.shape[1] != width:
            raise RefusedInput(
                f"{self.name!r} takes {width} features, not {numbers.shape[1]}",
                remedy="Give its features, in its order.",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about feature names, and shap about its own changes
            try:
                for step in self.steps:
                    numbers = np.asarray(step.transform(numbers), dtype=np.float64)
                found = (
                    self._linear(numbers, outcome)
                    if hasattr(self.estimator, "coef_")
                    else self._trees(numbers, outcome)
                )
            except ValueError as problem:
                if isinstance(problem, RefusedInput):
                    raise
                reason = str(problem).splitlines()[0][:160]
                raise RefusedInput(
                    f"{self.name!r} cannot score these rows: {reason}",
                    remedy="Give the rows it was made for.",
                ) from problem
        return checked(found, self.name)

    def _trees(self, numbers: NDArray[Any], outcome: str) -> Contributions:
        import numpy as np
        import shap

        try:
            explainer = shap.TreeExplainer(self.estimator)
        except Exception as problem:  # shap says in many ways that it does not know a model
            raise RefusedInput(
                f"shap cannot explain the {type(self.estimator).__name__} in {self.name!r}",
                remedy="Upload attributions made elsewhere.",
            ) from problem
        values = np.asarray(explainer.shap_values(numbers, check_additivity=False), dtype=np.float64)
        base = np.ravel(explainer.expected_value).astype(np.float64)
        raw = np.asarray(self._raw(numbers), dtype=np.float64)
        place = self._place(outcome)
        if values.ndim == 3:
            values, base_value = values[:, :, place], float(base[place])
        else:
            base_value = float(base[-1])
        if raw.ndim == 2:
            raw = raw[:, place] if raw.shape[1] > 1 else raw[:, 0]
        return Contributions(values, base_value, raw, self._scale(raw, numbers, place), TREE_METHOD, 0.0)

    def _linear(self, numbers: NDArray[Any], outcome: str) -> Contributions:
        import numpy as np
        import shap

        coefficients = np.atleast_2d(np.asarray(self.estimator.coef_, dtype=np.float64))
        intercepts = np.ravel(np.asarray(self.estimator.intercept_, dtype=np.float64))
        raw = np.asarray(self._raw(numbers), dtype=np.float64)
        place, row = self._place(outcome), 0
        if raw.ndim == 2:
            row = place if raw.shape[1] > 1 else 0
            raw = raw[:, row]
        masker = shap.maskers.Independent(numbers, max_samples=len(numbers))
        intercept = float(intercepts[min(row, len(intercepts) - 1)])
        explainer = shap.LinearExplainer((coefficients[row], intercept), masker)
        values = np.asarray(explainer.shap_values(numbers), dtype=np.float64)
        base = float(np.ravel(explainer.expected_value)[0])
        return Contributions(values, base, raw, self._scale(raw, numbers, place), LINEAR_METHOD, 0.0)

    def _raw(self, numbers: NDArray[Any]) -> Any:
        """The score that trees or coefficients add up to."""
        if hasattr(self.estimator, "decision_function"):
            return self.estimator.decision_function(numbers)
        if hasattr(self.estimator, "predict_proba"):
            return self.estimator.predict_proba(numbers)
        return self.estimator.predict(numbers)

    def _place(self, outcome: str) -> int:
        """Which class is explained; the second of two, and the first of several, where none is named."""
        classes = self.classes
        if not classes:
            return 0
        if len(classes) == 2 and not outcome:
            return 1
        place = outcome_place(outcome, classes, self.name)
        if len(classes) == 2 and place == 0 and hasattr(self.estimator, "decision_function"):
            raise RefusedInput(
                f"the scores of {self.name!r} are those of {classes[1]!r}", remedy="Explain that outcome."
            )
        return place

    def _scale(self, raw: NDArray[Any], numbers: NDArray[Any], place: int) -> Any:
        import numpy as np

        if not self.classes:
            return scale_of(raw, np.asarray(self.estimator.predict(numbers)), binary=False)
        if not hasattr(self.estimator, "predict_proba"):
            return "raw"
        shares = np.asarray(self.estimator.predict_proba(numbers))[:, place]
        return scale_of(raw, shares, binary=True)


def read_skops(path: Path) -> SklearnModel:
    """Read a fitted scikit-learn model in skops format.

    Raises
    ------
    RefusedInput
        The file is damaged, names a class outside the allow-list, or holds a model of another kind.
    """
    import skops.io
    from sklearn.pipeline import Pipeline

    _check_members(path)
    try:
        loaded = skops.io.load(path, trusted=_TRUSTED)
    except RefusedInput:
        raise
    except Exception as problem:  # a reader on a stranger's bytes may fail in any way
        raise RefusedInput(f"{path.name!r} cannot be read as a skops file", remedy=_REMEDY) from problem
    steps: tuple[Any, ...] = ()
    estimator = loaded
    if isinstance(loaded, Pipeline):
        steps, estimator = tuple(step for _, step in loaded.steps[:-1]), loaded.steps[-1][1]
    kinds = {name for group in (_TREES, _LINEAR) for names in group.values() for name in names}
    if type(estimator).__name__ not in kinds or any(not hasattr(step, "transform") for step in steps):
        raise RefusedInput(
            f"{path.name!r} holds a {type(estimator).__name__}, which is neither trees nor linear",
            remedy="Upload attributions made elsewhere.",
        )
    if not any(hasattr(estimator, part) for part in ("coef_", "tree_", "estimators_", "_predictors")):
        raise RefusedInput(f"{path.name!r} holds a model that is not fitted", remedy=_REMEDY)
    names = getattr(loaded, "feature_names_in_", getattr(estimator, "feature_names_in_", ()))
    return SklearnModel(steps, estimator, path.name, tuple(str(name) for name in names))


def _check_members(path: Path) -> None:
    """Hold every class, loader and array of the file to the allow-list."""
    try:
        with zipfile.ZipFile(path) as archive:
            schema = json.loads(archive.read("schema.json"))
            found = list(_nodes(schema))
            arrays = {str(node["file"]) for node in found if "file" in node}
            for name in arrays:
                _check_array(archive.read(name), name, path.name)
    except RefusedInput:
        raise
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        RecursionError,
        NotImplementedError,
        OSError,
    ) as problem:
        raise RefusedInput(f"{path.name!r} is not a whole skops file", remedy=_REMEDY) from problem
    for node in found:
        named = f"{node.get('__module__', '')}.{node.get('__class__', '')}"
        if named not in _ALLOWED:
            raise RefusedInput(
                f"{path.name!r} holds a {named[:80]}, which is not on the list of allowed classes",
                remedy="Save only the model: a tree, a forest, boosted trees, or a linear model.",
            )
        if node["__loader__"] not in _LOADERS:
            raise RefusedInput(
                f"{path.name!r} wants to be read by {str(node['__loader__'])[:40]}, which is not allowed",
                remedy=_REMEDY,
            )


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        if "__loader__" in part:
            yield part
        for inner in part.values():
            yield from _nodes(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _nodes(inner)


def _check_array(data: bytes, member: str, name: str) -> None:
    """Refuse an array of objects: its elements would be pickled."""
    import numpy as np

    try:
        stream = io.BytesIO(data)
        version = np.lib.format.read_magic(stream)
        reader = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        kind = reader(stream)[2]
    except ValueError as problem:
        raise RefusedInput(
            f"{name!r} holds {member[:60]!r}, which is no plain array", remedy=_REMEDY
        ) from problem
    if kind.hasobject:
        raise RefusedInput(f"{name!r} holds pickled objects in {member[:60]!r}", remedy=_REMEDY)
