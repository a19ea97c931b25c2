"""Estimated performance of a model version, chunk by chunk, by NannyML's CBPE and DLE.

For a worker process only: NannyML takes seconds to import. What NannyML would answer wrongly without
a word is refused before it is called (`estimate_inputs`).
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from core.analytics.estimate_inputs import PREDICTED, TIME, TRUE, checked_metrics, load_rows, score_columns
from core.analytics.job_specs import EstimateSpec, RefusedInput
from core.analytics.openmp import ensure_openmp

if TYPE_CHECKING:
    import pandas as pd

Period = Literal["reference", "analysis"]

# An error falls when a model gets better; all the other metrics rise.
LOWER_IS_BETTER = frozenset({"mae", "mape", "mse", "rmse", "msle", "rmsle"})


@dataclass(frozen=True, slots=True)
class EstimatedChunk:
    """One metric on one chunk of rows.

    `estimate` is what NannyML expects the metric to be without knowing the outcomes. None = undefined
    on this chunk (a precision where a class is never predicted); no alert then means "cannot tell".
    `realised` is the same metric on the `labelled_rows`, whose outcome is known; None = undefined or
    unknown. Metrics of classifiers are rates from 0 to 1; `mae` and `rmse` are in the unit of the
    outcome, `mse` in its square, `mape` is a share. `lower_confidence`..`upper_confidence` = estimate
    +- 3 `sampling_error`. The thresholds are the mean +- 3 standard deviations of the realised
    reference chunks. `first_row`..`last_row` count from 0 within the period's file. `started_at` and
    `ended_at` are the first and last moment (UTC, without zone), None without timestamps.
    """

    metric: str
    period: Period
    chunk: int
    first_row: int
    last_row: int
    rows: int
    labelled_rows: int
    started_at: datetime | None
    ended_at: datetime | None
    estimate: float | None
    realised: float | None
    lower_confidence: float | None
    upper_confidence: float | None
    lower_threshold: float | None
    upper_threshold: float | None
    sampling_error: float | None
    alert: bool
    worse: bool


def estimate(spec: EstimateSpec) -> list[EstimatedChunk]:
    """Estimate how a model version performs on each chunk of its reference and analysis rows.

    Parameters
    ----------
    spec
        The two prediction files, the task, the metrics and the rows in a chunk.

    Returns
    -------
    list of EstimatedChunk
        One a metric, period and chunk, in that order; chunks are consecutive rows in the order of
        the file, and the last one holds what is left over. `alert`: the estimate is beyond a
        threshold on either side (NannyML's own). `worse`: it is so on the side of a worse model.

    Raises
    ------
    RefusedInput
        The input would give a silently wrong number: scores outside 0 to 1, a reference of one class
        or one chunk, times that are missing or are no timestamps, gaps in the labels of the
        reference, a metric that the values do not allow.

    Notes
    -----
    Source: CBPE (classification) and DLE (regression), NannyML 0.13.1. Both assume that the relation
    between features and outcome holds still; when it changes, they do not see it.
    """
    import numpy as np

    reference, analysis = load_rows(spec.reference, spec), load_rows(spec.analysis, spec)
    metrics = checked_metrics(spec, reference, analysis)
    state = np.random.get_state()
    with _quiet_nannyml():
        # NannyML draws rows for the sampling error of the AUC from numpy's global generator.
        np.random.seed(spec.seed)
        try:
            table = _estimate_with_nannyml(spec, metrics, reference, analysis)
        finally:
            np.random.set_state(state)
    _refuse_blind_metrics(table, metrics)
    # The classes that must be predicted at least once for a precision to be defined.
    classes: frozenset[object] = frozenset(spec.classes if spec.task == "multiclass" else {1.0})
    chunks: list[EstimatedChunk] = []
    for metric in metrics:
        chunks += _chunks_of(table, metric, "reference", reference, classes)
        chunks += _chunks_of(table, metric, "analysis", analysis, classes)
    return chunks


@contextmanager
def _quiet_nannyml() -> Iterator[None]:
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it would send usage events
    import logging

    import pandas as pd

    logger = logging.getLogger("nannyml")
    level = logger.level
    # Its warnings speak of its own use of pandas and of values that come back here as undefined.
    with warnings.catch_warnings(), pd.option_context("mode.string_storage", "python"):
        warnings.simplefilter("ignore")
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)


def _estimate_with_nannyml(
    spec: EstimateSpec, metrics: tuple[str, ...], reference: pd.DataFrame, analysis: pd.DataFrame
) -> pd.DataFrame:
    # Times stay out: NannyML would sort by them, and the chunks are to follow the rows of the file.
    reference, analysis = (rows.drop(columns=TIME, errors="ignore") for rows in (reference, analysis))
    estimator = _dle(spec, metrics) if spec.task == "regression" else _cbpe(spec, metrics)
    estimator.fit(reference)
    table: pd.DataFrame = estimator.estimate(analysis).to_df()
    return table


def _cbpe(spec: EstimateSpec, metrics: tuple[str, ...]) -> Any:
    ensure_openmp()
    from nannyml.performance_estimation.confidence_based import CBPE

    scores = score_columns(spec)
    return CBPE(
        metrics=list(metrics),
        y_pred_proba=scores[""] if spec.task == "binary" else scores,
        y_pred=PREDICTED,
        y_true=TRUE,
        problem_type=f"classification_{spec.task}",
        chunk_size=spec.chunk_size,
    )


def _dle(spec: EstimateSpec, metrics: tuple[str, ...]) -> Any:
    ensure_openmp()
    from nannyml.performance_estimation.direct_loss_estimation import DLE

    # LightGBM's defaults, fixed: a second run gives the same bits, nothing is printed, and one thread
    # does not stall when other processes hold the cores.
    fixed = {"deterministic": True, "force_row_wise": True, "n_jobs": 1, "verbosity": -1, "seed": spec.seed}
    return DLE(
        feature_column_names=list(spec.features),
        y_pred=PREDICTED,
        y_true=TRUE,
        metrics=list(metrics),
        chunk_size=spec.chunk_size,
        hyperparameters=fixed,
    )


def _refuse_blind_metrics(table: pd.DataFrame, metrics: tuple[str, ...]) -> None:
    for metric in metrics:
        thresholds = table[metric][["lower_threshold", "upper_threshold"]]
        if table[metric]["value"].isna().all() or thresholds.isna().all(axis=None):
            raise RefusedInput(
                f"{metric!r} is undefined on the reference rows, so it could never alert",
                remedy="Leave this metric out, or give reference rows with both predictions and outcomes.",
            )


def _chunks_of(
    table: pd.DataFrame, metric: str, period: Period, rows: pd.DataFrame, classes: frozenset[object]
) -> Iterator[EstimatedChunk]:
    of_period = table[table[("chunk", "period")] == period]
    places, numbers = (of_period[name].to_dict("records") for name in ("chunk", metric))
    for place, values in zip(places, numbers, strict=True):
        first, last = int(place["start_index"]), int(place["end_index"])
        part = rows.iloc[first : last + 1]
        started_at, ended_at = _time_span(part)
        # NannyML gives a precision of 0.0, and an alert, where a class is never predicted.
        undefined = metric == "precision" and not classes <= set(part[PREDICTED])
        value = None if undefined else _defined(values["value"])
        lower, upper = _defined(values["lower_threshold"]), _defined(values["upper_threshold"])
        alert = value is not None and bool(values["alert"])
        yield EstimatedChunk(
            metric=metric,
            period=period,
            chunk=int(place["chunk_index"]),
            first_row=first,
            last_row=last,
            rows=len(part),
            labelled_rows=int(part[TRUE].notna().sum()) if TRUE in part else 0,
            started_at=started_at,
            ended_at=ended_at,
            estimate=value,
            realised=_defined(values["realized"]),
            lower_confidence=None if undefined else _defined(values["lower_confidence_boundary"]),
            upper_confidence=None if undefined else _defined(values["upper_confidence_boundary"]),
            lower_threshold=lower,
            upper_threshold=upper,
            sampling_error=None if undefined else _defined(values["sampling_error"]),
            alert=alert,
            worse=alert and _is_beyond(value, upper if metric in LOWER_IS_BETTER else lower, metric),
        )


def _is_beyond(value: float | None, threshold: float | None, metric: str) -> bool:
    if value is None or threshold is None:
        return False
    return value > threshold if metric in LOWER_IS_BETTER else value < threshold


def _time_span(part: pd.DataFrame) -> tuple[datetime | None, datetime | None]:
    if TIME not in part:
        return None, None
    return part[TIME].min().to_pydatetime(), part[TIME].max().to_pydatetime()


def _defined(value: object) -> float | None:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
