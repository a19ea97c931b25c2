"""Calibrators as NannyML fits them, and how far probabilities are off before and after."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from core.analytics.decay.fit import Calibration

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FOLDS, _BINS = 10, 10


def calibration_if_needed(truth: NDArray[np.int64], scores: NDArray[np.float64]) -> Calibration | None:
    """Let NannyML decide whether scores need calibration, and take its calibrator over as breakpoints.

    Parameters
    ----------
    truth, scores
        Shape (n,): 0 or 1, and scores from 0.0 to 1.0.

    Returns
    -------
    Calibration or None
        None where calibration would not help. Source: NannyML 0.13.1, isotonic regression.
    """
    from nannyml.calibration import IsotonicCalibrator, needs_calibration

    if not needs_calibration(truth, scores, IsotonicCalibrator()):
        return None
    calibrator = IsotonicCalibrator()
    calibrator.fit(scores, truth)
    fitted = calibrator._regressor
    return Calibration(
        scores=tuple(map(float, fitted.X_thresholds_)), shares=tuple(map(float, fitted.y_thresholds_))
    )


def calibration_errors(truth: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Expected calibration errors of the raw scores and of calibrated ones that were not learned from."""
    import numpy as np
    from nannyml.calibration import (
        IsotonicCalibrator,
        _calculate_expected_calibration_error,
        _get_bin_index_edges,
    )
    from sklearn.model_selection import StratifiedShuffleSplit

    if min(truth.sum(), len(truth) - truth.sum()) < 2 or len(truth) < _FOLDS * _BINS:
        return math.nan, math.nan
    splits = StratifiedShuffleSplit(n_splits=_FOLDS, test_size=0.1, random_state=42)
    raw, calibrated, true = [], [], []
    for train, test in splits.split(scores, truth):
        calibrator = IsotonicCalibrator()
        calibrator.fit(scores[train], truth[train])
        raw.append(scores[test])
        calibrated.append(calibrator.calibrate(scores[test]))
        true.append(truth[test])
    joined = np.concatenate(true)
    edges = _get_bin_index_edges(len(joined), _BINS)
    before, after = (
        float(_calculate_expected_calibration_error(joined, np.concatenate(each), edges))
        for each in (raw, calibrated)
    )
    return before, after
