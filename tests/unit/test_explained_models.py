"""Models of every kind: contributions add up to the model's own score, and are shap's own numbers."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.analytics.explanations.attributions import read_model
from core.analytics.explanations.models import ROUNDING_TOLERANCE
from core.analytics.job_specs import RefusedInput
from tests.unit.model_makers import (
    FEATURES,
    made_rows,
    sklearn_models,
    write_onnx,
    write_skops,
    xgboost_model,
)

OBJECTIVES = ("binary:logistic", "reg:squarederror", "count:poisson")
NAMES = (
    *("tree", "forest", "extra_trees", "boosting", "hist_boosting", "logistic", "scaled_logistic"),
    *("tree_number", "forest_number", "boosting_number", "linear", "ridge", "elastic_net"),
)


@pytest.fixture(scope="module")
def models() -> dict[str, tuple[Any, bool]]:
    return sklearn_models()


def frame(inputs: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(inputs, columns=list(FEATURES))


def answer(raw: np.ndarray, scale: str) -> np.ndarray:
    ways = {"log_odds": lambda: 1 / (1 + np.exp(-raw)), "log": lambda: np.exp(raw)}
    return np.asarray(ways.get(scale, lambda: raw)())


@pytest.mark.parametrize(
    ("kind", "name"),
    # skl2onnx does not export the histogram kind of scikit-learn 1.9.
    [("skops", name) for name in NAMES] + [("onnx", name) for name in NAMES if name != "hist_boosting"],
)
def test_scikit_learn_models_add_up_to_their_own_answer(
    models: dict[str, tuple[Any, bool]], name: str, kind: Any, tmp_path: Path
) -> None:
    estimator, classifies = models[name]
    write = write_skops if kind == "skops" else write_onnx
    inputs = made_rows()[0]
    found = read_model(kind, write(estimator, tmp_path / f"m.{kind}")).contributions(frame(inputs), "")
    own = estimator.predict_proba(inputs)[:, 1] if classifies else estimator.predict(inputs)
    assert found.additivity_gap <= 1e-6
    np.testing.assert_allclose(answer(found.raw, found.scale), own, atol=1e-5)
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, found.raw, atol=1e-6)


@pytest.mark.parametrize("name", ["forest", "boosting", "hist_boosting", "forest_number"])
def test_trees_have_shaps_own_numbers(models: dict[str, tuple[Any, bool]], name: str, tmp_path: Path) -> None:
    import shap

    estimator, _ = models[name]
    inputs = made_rows()[0][:50]
    found = read_model("skops", write_skops(estimator, tmp_path / "m.skops")).contributions(frame(inputs), "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = np.asarray(shap.TreeExplainer(estimator).shap_values(inputs))
    np.testing.assert_allclose(found.values, own[..., 1] if own.ndim == 3 else own, atol=1e-12)


def test_a_linear_model_is_explained_by_hand(models: dict[str, tuple[Any, bool]], tmp_path: Path) -> None:
    """Coefficient times the distance from the mean of the explained rows."""
    estimator, _ = models["linear"]
    inputs = made_rows()[0]
    for kind, write in (("skops", write_skops), ("onnx", write_onnx)):
        model = read_model(kind, write(estimator, tmp_path / f"m.{kind}"))  # type: ignore[arg-type]
        found = model.contributions(frame(inputs), "")
        by_hand = estimator.coef_ * (inputs - inputs.mean(axis=0))
        np.testing.assert_allclose(found.values, by_hand, atol=1e-5)
        assert found.base == pytest.approx(float(estimator.predict(inputs).mean()), abs=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("ending", ["json", "ubj"])
def test_xgboost_adds_up_in_double_precision_and_is_the_librarys_own(
    objective: str, ending: str, tmp_path: Path
) -> None:
    import xgboost as xgb

    booster = xgboost_model(objective)
    booster.save_model(tmp_path / f"m.{ending}")
    inputs = made_rows(3)[0]
    inputs[::5, 2] = np.nan
    found = read_model("xgboost", tmp_path / f"m.{ending}").contributions(frame(inputs), "")
    own = booster.predict(xgb.DMatrix(inputs), pred_contribs=True)
    size = max(1.0, float(abs(found.raw).max()))
    assert found.additivity_gap <= 1e-9, "the library's own sums miss by up to 1e-4 here"
    assert found.rounding_gap <= ROUNDING_TOLERANCE * size
    np.testing.assert_allclose(found.values, own[:, :-1], atol=2e-6 * size)
    np.testing.assert_allclose(
        answer(found.raw, found.scale), booster.predict(xgb.DMatrix(inputs)), rtol=1e-4, atol=1e-4
    )


def test_one_class_of_several_is_explained_by_name(tmp_path: Path) -> None:
    xgboost_model("multi:softprob").save_model(tmp_path / "m.json")
    model = read_model("xgboost", tmp_path / "m.json")
    inputs = frame(made_rows()[0])
    by_class = [model.contributions(inputs, name) for name in ("0", "1", "2")]
    assert all(found.additivity_gap <= 1e-9 and found.scale == "raw" for found in by_class)
    assert not np.allclose(by_class[0].values, by_class[1].values)
    with pytest.raises(RefusedInput, match="knows no outcome '9'"):
        model.contributions(inputs, "9")


def test_features_that_are_too_many_or_too_few_are_refused(
    models: dict[str, tuple[Any, bool]], tmp_path: Path
) -> None:
    xgboost_model("binary:logistic").save_model(tmp_path / "m.json")
    files = {
        "xgboost": tmp_path / "m.json",
        "skops": write_skops(models["forest"][0], tmp_path / "m.skops"),
        "onnx": write_onnx(models["forest"][0], tmp_path / "m.onnx"),
    }
    short = frame(made_rows()[0])[["income", "age"]]
    for kind, file in files.items():
        with pytest.raises(RefusedInput, match="takes 4 features, not 2"):
            read_model(kind, file).contributions(short, "")  # type: ignore[arg-type]


def test_an_onnx_file_with_a_mapping_at_its_end_is_read(
    models: dict[str, tuple[Any, bool]], tmp_path: Path
) -> None:
    estimator, _ = models["forest"]
    inputs = frame(made_rows()[0])
    plain = read_model("onnx", write_onnx(estimator, tmp_path / "a.onnx")).contributions(inputs, "")
    mapped = read_model("onnx", write_onnx(estimator, tmp_path / "b.onnx", as_mapping=True))
    np.testing.assert_array_equal(mapped.contributions(inputs, "").values, plain.values)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("left_children", 0), 10_000),
        (("left_children", 0), 0),
        (("right_children", 0), 1),
        (("split_indices", 0), 99),
        (("sum_hessian", 1), -1.0),
    ],
)
def test_an_xgboost_file_whose_trees_point_astray_is_refused(
    where: tuple[str, int], value: Any, tmp_path: Path
) -> None:
    path = tmp_path / "m.json"
    xgboost_model("binary:logistic").save_model(path)
    content = json.loads(path.read_text())
    content["learner"]["gradient_booster"]["model"]["trees"][0][where[0]][where[1]] = value
    path.write_text(json.dumps(content))
    with pytest.raises(RefusedInput, match=r"'m.json' is damaged"):
        read_model("xgboost", path)


def test_an_xgboost_file_that_is_cut_off_or_nested_without_end_is_refused(tmp_path: Path) -> None:
    whole = tmp_path / "m.ubj"
    xgboost_model("binary:logistic").save_model(whole)
    broken = {
        "cut.ubj": whole.read_bytes()[:500],
        "deep.json": b'{"learner":' * 100_000,
        "x.json": b'{"a":1}',
    }
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RefusedInput, match=r"neither whole JSON nor UBJSON|is not an XGBoost model"):
            read_model("xgboost", tmp_path / name)
