"""Errors of a regression, expected by LightGBM error models and realised, summed up chunk by chunk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

LOSS_OF: Mapping[str, str] = MappingProxyType(
    {"mae": "mae", "mape": "mape", "mse": "mse", "rmse": "mse", "msle": "msle", "rmsle": "msle"}
)
"""Metric -> the mean of errors that it is, or is the square root of."""


@dataclass(frozen=True)
class LossSums:
    """Errors of one chunk, summed up over its rows.

    Attributes
    ----------
    rows, labelled
        Rows, and those whose outcome is known.
    expected
        Metric -> sum of the errors that its error model expects, none below zero.
    realised
        `mae`, `mape`, `mse`, `msle` -> sum over the labelled rows; absent where undefined.
    """

    rows: int
    labelled: int
    expected: Mapping[str, float] = field(default_factory=dict)
    realised: Mapping[str, float] = field(default_factory=dict)


def loss_values(sums: LossSums) -> tuple[dict[str, float], dict[str, float]]:
    """Estimates and realised values by metric; NaN where undefined.

    Formula: mean error = sum / rows; `rmse` and `rmsle` are square roots of the means of their squares.

    Examples
    --------
    >>> loss_values(LossSums(2, 0, {"mae": 6.0, "rmse": 32.0}))[0]
    {'mae': 3.0, 'mape': nan, 'mse': nan, 'rmse': 4.0, 'msle': nan, 'rmsle': nan}
    """
    estimated = {metric: _mean(sums.expected.get(metric), sums.rows, metric) for metric in LOSS_OF}
    realised = {
        metric: _mean(sums.realised.get(loss), sums.labelled, metric) for metric, loss in LOSS_OF.items()
    }
    return estimated, realised


def _mean(total: float | None, rows: int, metric: str) -> float:
    if total is None or not rows:
        return math.nan
    return math.sqrt(total / rows) if metric in ("rmse", "rmsle") else total / rows
