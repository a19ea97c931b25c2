"""Sums of chunks give what NannyML and scikit-learn give on the same rows, whatever the rows."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analytics.decay.fit import Calibration
from core.analytics.decay.sums import ClassSums, binary_sums, multiclass_sums

RANKED = frozenset({"roc_auc", "average_precision"})
# Few distinct scores make ties, and the ends of the scale are among them.
SCORES = st.sampled_from([0.0, -0.0, 1e-9, 0.1, 0.25, 0.5, 0.5000001, 0.75, 1 - 1e-9, 1.0]) | st.floats(0, 1)
ROW = st.tuples(SCORES, st.sampled_from([0, 1]), st.sampled_from([-1, 0, 1]))
ROWS = st.lists(ROW, min_size=1, max_size=60)
CHUNKS = st.lists(ROWS, min_size=1, max_size=5)
CALIBRATION = Calibration(scores=(0.1, 0.3, 0.6, 0.9), shares=(0.0, 0.2, 0.2, 1.0))


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    yield


def sums_of(chunks: list[list[tuple[float, int, int]]], calibration: Calibration | None) -> list[ClassSums]:
    rows = [row for chunk in chunks for row in chunk]
    scores, predicted, actual = (np.array(column) for column in zip(*rows, strict=True))
    bounds = np.append(0, np.cumsum([len(chunk) for chunk in chunks]))
    given_rows = scores.astype(float), predicted.astype(np.int8), actual.astype(np.int8)
    return binary_sums(*given_rows, bounds, [calibration] * len(chunks), RANKED)


def close(ours: float, theirs: float) -> bool:
    return (math.isnan(ours) and math.isnan(theirs)) or abs(ours - theirs) < 1e-9


def quietly(call: Any, *given_rows: Any) -> float:
    import warnings

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return float(call(*given_rows))


@settings(max_examples=150, deadline=None)
@given(CHUNKS, st.sampled_from([None, CALIBRATION]))
def test_expected_curves_and_matrix_equal_nannyml(
    chunks: list[list[tuple[float, int, int]]], calibration: Calibration | None
) -> None:
    from nannyml.performance_estimation.confidence_based import metrics as nannyml

    for rows, found in zip(chunks, sums_of(chunks, calibration), strict=True):
        scores, predicted = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        chances = scores if calibration is None else np.interp(scores, calibration.scores, calibration.shares)
        assert close(found.roc_auc, quietly(nannyml.estimate_roc_auc, chances, scores))
        assert close(found.average_precision, quietly(nannyml.estimate_ap, chances, scores))
        assert found.rows == len(rows) == pytest.approx(found.expected.sum())
        (tn, fp), (fn, tp) = found.expected
        if tp + fp:
            assert close(tp / (tp + fp), nannyml.estimate_precision(predicted, chances))
        assert close((tp + tn) / len(rows), nannyml.estimate_accuracy(predicted, chances))
        if tp + fn:
            assert close(tp / (tp + fn), nannyml.estimate_recall(predicted, chances))


@settings(max_examples=150, deadline=None)
@given(CHUNKS)
def test_realised_curves_and_matrix_equal_scikit_learn(chunks: list[list[tuple[float, int, int]]]) -> None:
    from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

    for rows, found in zip(chunks, sums_of(chunks, None), strict=True):
        known = [row for row in rows if row[2] != -1]
        assert found.labelled == len(known)
        if not known:
            assert math.isnan(found.realised_roc_auc)
            continue
        scores, predicted, actual = (np.array(column) for column in zip(*known, strict=True))
        matrix = confusion_matrix(actual, predicted, labels=[0, 1])
        assert found.realised.tolist() == matrix.tolist()
        one_class = len(set(actual.tolist())) < 2
        auc = math.nan if one_class else roc_auc_score(actual, scores)
        assert close(found.realised_roc_auc, auc)
        precision = average_precision_score(actual, scores) if actual.any() else math.nan
        assert close(found.realised_average_precision, precision)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SCORES, SCORES, st.integers(0, 2), st.integers(-1, 2)), min_size=2, max_size=60))
def test_several_classes_equal_nannyml_class_by_class(rows: list[tuple[float, float, int, int]]) -> None:
    from nannyml.performance_estimation.confidence_based import metrics as nannyml

    columns = [np.array(column) for column in zip(*rows, strict=True)]
    raw = np.column_stack([columns[0], columns[1], np.ones(len(rows))]) + 0.01
    raw /= raw.sum(axis=1, keepdims=True)
    predicted, actual = columns[2].astype(np.int8), columns[3].astype(np.int8)
    bounds = np.array([0, len(rows)])
    (found,) = multiclass_sums(raw, predicted, actual, bounds, [[None, None, None]], RANKED)
    chances = raw / raw.sum(axis=1)[:, np.newaxis]  # NannyML divides once more, and rounds after that
    curves = [quietly(nannyml.estimate_roc_auc, chances[:, k], raw[:, k]) for k in range(3)]
    assert close(found.roc_auc, float(np.mean(curves)))
    assert found.expected.sum() == pytest.approx(len(rows))
    assert [float(cell) for cell in found.expected.sum(axis=0)] == pytest.approx(
        np.bincount(predicted, minlength=3).tolist()
    )
    assert found.realised.sum() == found.labelled == int((actual != -1).sum())


@settings(max_examples=60, deadline=None)
@given(CHUNKS)
def test_a_chunk_gives_the_same_alone_and_among_others(chunks: list[list[tuple[float, int, int]]]) -> None:
    together = sums_of(chunks, CALIBRATION)
    for rows, found in zip(chunks, together, strict=True):
        (alone,) = sums_of([rows], CALIBRATION)
        assert close(alone.roc_auc, found.roc_auc)
        assert close(alone.average_precision, found.average_precision)
        assert close(alone.realised_roc_auc, found.realised_roc_auc)
        assert np.allclose(alone.expected, found.expected)
