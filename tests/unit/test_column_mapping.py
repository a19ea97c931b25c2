"""Which column is what: named once, joined with what is kept, and refused where it makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from core.domain.errors import BadInput
from core.domain.models.column_mapping import ColumnMapping, column_mapping, is_canonical, merge_mapping

KEPT = column_mapping(
    task="binary", prediction="granted", scores=["p"], target="repaid", sensitive=["sex"], features=["income"]
)


def test_a_mapping_names_the_columns_of_the_store() -> None:
    assert KEPT.canonical() == {"y_score": "p", "y_pred": "granted", "y_true": "repaid"}
    assert KEPT.features == ("income", "sex")
    assert KEPT.labels == ("0", "1")
    assert column_mapping(task="regression", prediction="g").labels == ()


def test_a_column_name_may_hold_an_equals_sign() -> None:
    assert column_mapping(task="binary", prediction="g", scores=["p(x=1)"]).scores == {"": "p(x=1)"}
    scored = column_mapping(task="multiclass", prediction="g", scores=["gold=p_gold", "tin = p_tin"])
    assert scored.scores == {"gold": "p_gold", "tin": "p_tin"}
    assert scored.classes == ("gold", "tin")


@pytest.mark.parametrize(
    ("task", "scores", "said"),
    [
        ("binary", ["a", "b"], "has one score"),
        ("regression", ["a"], "has no score"),
        ("multiclass", ["a"], "each class needs a score"),
        ("multiclass", ["x=a", "x=b"], "each class needs a score"),
        ("ranking", [], "is no task"),
    ],
)
def test_scores_have_to_fit_the_task(task: str, scores: Sequence[str], said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        column_mapping(task=task, prediction="guess", scores=scores)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prediction": ""}, "no column is named for the prediction"),
        ({"target": "g"}, "column 'g' is named as prediction and as target"),
        ({"row_id": "p"}, "column 'p' is named as id and as score"),
        ({"features": ["g"]}, "column 'g' is the prediction and cannot be a feature as well"),
        ({"sensitive": ["p"]}, "column 'p' is the score and cannot be a feature"),
        ({"classes": ["yes"]}, "a binary model has two labels"),
    ],
)
def test_one_column_has_one_role(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        column_mapping(**{"task": "binary", "prediction": "g", "scores": ["p"], **given})


def test_classes_and_scores_have_to_agree() -> None:
    with pytest.raises(BadInput, match="the classes and those that have a score differ"):
        column_mapping(task="multiclass", prediction="g", scores=["a=x", "b=y"], classes=["a", "c"])
    with pytest.raises(BadInput, match="a regression has no classes"):
        column_mapping(task="regression", prediction="g", classes=["a"])


def test_what_is_named_now_goes_before_what_is_kept() -> None:
    assert merge_mapping(KEPT, {}) == KEPT
    joined = merge_mapping(KEPT, {"target": "paid", "sensitive": ("race",), "row_id": ""})
    assert (joined.target, joined.row_id, joined.prediction) == ("paid", "", "granted")
    assert joined.features == ("income", "sex", "race")
    assert joined.sensitive == ("race",)


def test_a_version_keeps_its_task() -> None:
    with pytest.raises(BadInput, match="this version's predictions are binary, not regression"):
        merge_mapping(KEPT, {"task": "regression"})
    assert isinstance(merge_mapping(None, {"task": "regression", "prediction": "g"}), ColumnMapping)


@pytest.mark.parametrize("name", ["row_id", "timestamp", "y_pred", "y_true", "y_score", "y_score_gold"])
def test_names_of_the_store_are_no_features(name: str) -> None:
    assert is_canonical(name)
    assert not is_canonical(f"my_{name}")
