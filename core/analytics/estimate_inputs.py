"""Reads prediction rows for an estimate and refuses what NannyML would answer wrongly without a word."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.job_specs import EstimateSpec, RefusedInput

if TYPE_CHECKING:
    import pandas as pd

PREDICTED, TRUE, SCORE, TIME = "y_pred", "y_true", "y_score", "timestamp"

METRICS = {
    "binary": ("roc_auc", "f1", "precision", "recall", "specificity", "accuracy"),
    "multiclass": ("roc_auc", "f1", "precision", "recall", "specificity", "accuracy"),
    "regression": ("mae", "mape", "mse", "rmse", "msle", "rmsle"),
}
_LOGARITHMIC = ("msle", "rmsle")
# Published scores are rounded, so those of a row add up to 1 only nearly.
_SUM_TOLERANCE = 0.05


def score_columns(spec: EstimateSpec) -> dict[str, str]:
    """Return the score column of each class; a binary model's only one stands under ''."""
    if spec.task == "multiclass":
        return {name: f"{SCORE}_{name}" for name in spec.classes}
    return {"": SCORE} if spec.task == "binary" else {}


def load_rows(path: Path, spec: EstimateSpec) -> pd.DataFrame:
    """Read the columns an estimate needs, as dtypes that NannyML understands.

    Parameters
    ----------
    path
        A canonical prediction Parquet file.
    spec
        Says which scores and features are needed, and for which task.

    Returns
    -------
    pandas.DataFrame
        In the order of the file: `y_pred`, scores, features (categorical ones as plain objects),
        `y_true` and `timestamp` where the file has them. A timestamp column without any value is left out.

    Raises
    ------
    RefusedInput
        The file cannot be read, lacks a column or a value, or holds values outside their range.
    """
    import pyarrow.parquet as pq
    from pyarrow.lib import ArrowException

    if not path.is_file():
        raise RefusedInput(f"there is no file {path.name!r}", remedy="Give the path of a Parquet file.")
    if spec.task == "multiclass" and len(spec.classes) < 2:
        raise RefusedInput(
            "a multiclass estimate needs its classes", remedy="Give at least two in 'classes'."
        )
    needed = [PREDICTED, *score_columns(spec).values()]
    if spec.task == "regression":
        needed += spec.features
    try:
        present = set(pq.read_schema(path).names)
        _refuse_missing(path, [name for name in needed if name not in present])
        needed += [name for name in (TRUE, TIME) if name in present]
        table = pq.read_table(path, columns=list(dict.fromkeys(needed)))
    except ArrowException as problem:
        raise RefusedInput(f"{path.name!r} is not a Parquet file", remedy="Write it as Parquet.") from problem
    if table.num_rows == 0:
        raise RefusedInput(f"{path.name!r} holds no rows", remedy="Give at least two chunks of rows.")
    return _plain(table, path, spec)


def _refuse_missing(path: Path, missing: list[str]) -> None:
    if missing:
        raise RefusedInput(
            f"{path.name!r} has no column {missing[0]!r}",
            remedy="Use the canonical names: y_pred, y_true, y_score or y_score_<class>, and the features.",
        )


def _plain(table: Any, path: Path, spec: EstimateSpec) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in table.column_names:
        column = table.column(name)
        if name == TIME:
            times = _times(column, path)
            columns |= {TIME: times} if times is not None else {}
        elif name in (PREDICTED, TRUE) and spec.task == "multiclass":
            columns[name] = pd.Series(_texts(column), dtype=object)
        elif name in spec.categorical_features:
            columns[name] = pd.Series(
                [np.nan if text is None else text for text in _texts(column)], dtype=object
            )
        else:
            columns[name] = _numbers(column, path, name)
    frame = pd.DataFrame(columns)
    _refuse_bad_scores(frame, path, spec)
    _refuse_bad_labels(frame, path, spec)
    return frame


def _times(column: Any, path: Path) -> pd.Series[Any] | None:
    import pyarrow as pa

    if column.null_count == len(column):
        return None
    if not pa.types.is_timestamp(column.type):
        raise RefusedInput(
            f"'timestamp' in {path.name!r} holds {column.type} values, not timestamps",
            remedy="Convert them to timestamps; keep a plain year as an ordinary feature.",
        )
    if column.null_count:
        raise RefusedInput(
            f"'timestamp' in {path.name!r} is empty in {column.null_count} of {len(column)} rows",
            remedy="Fill in every timestamp, or leave the whole column out.",
        )
    times: pd.Series[Any] = column.to_pandas()
    return times.dt.tz_convert("UTC").dt.tz_localize(None) if times.dt.tz is not None else times


def _texts(column: Any) -> list[str | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    texts: list[str | None] = pc.cast(column, pa.string()).to_pylist()
    return texts


def _numbers(column: Any, path: Path, name: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            raise pa.ArrowNotImplementedError("text")
        return pc.cast(column, pa.float64()).to_numpy()
    except pa.ArrowException as problem:
        raise RefusedInput(
            f"{name!r} in {path.name!r} holds {column.type} values, not numbers",
            remedy="Give numbers, or name the column among the categorical features.",
        ) from problem


def _refuse_bad_scores(frame: pd.DataFrame, path: Path, spec: EstimateSpec) -> None:
    columns = list(score_columns(spec).values())
    for name in columns:
        scores = frame[name]
        outside = int((~scores.between(0, 1)).sum())
        if outside:
            raise RefusedInput(
                f"{name!r} in {path.name!r} is missing or outside 0 to 1 in {outside} of {len(scores)} rows",
                remedy="Give probabilities from 0 to 1, for instance by calibrating raw scores first.",
            )
    if spec.task == "multiclass" and (frame[columns].sum(axis=1) - 1).abs().max() > _SUM_TOLERANCE:
        raise RefusedInput(
            f"the class scores of a row in {path.name!r} do not add up to 1",
            remedy="Give one probability for each class of 'classes', and name all classes.",
        )


def _refuse_bad_labels(frame: pd.DataFrame, path: Path, spec: EstimateSpec) -> None:
    if frame[PREDICTED].isna().any():
        raise RefusedInput(f"'y_pred' in {path.name!r} has gaps", remedy="Give a prediction for every row.")
    allowed: tuple[object, ...] = (0.0, 1.0) if spec.task == "binary" else spec.classes
    if spec.task == "regression":
        return
    for name in (PREDICTED, TRUE):
        values = frame[name].dropna() if name in frame else []
        strange = sorted({str(value) for value in values} - {str(value) for value in allowed})
        if strange:
            words = "0 and 1" if spec.task == "binary" else ", ".join(spec.classes)
            raise RefusedInput(
                f"{name!r} in {path.name!r} holds {strange[0]!r}", remedy=f"Allowed here: {words}."
            )


def checked_metrics(spec: EstimateSpec, reference: pd.DataFrame, analysis: pd.DataFrame) -> tuple[str, ...]:
    """Refuse a reference that cannot be learned from, and return the metrics to estimate.

    Returns
    -------
    tuple of str
        `spec.metrics`, or all of the task that the values allow: `msle` and `rmsle` need values of
        zero and more, `mape` needs outcomes that are not zero.

    Raises
    ------
    RefusedInput
        The reference has gaps in its outcomes, one class, or one chunk; or a metric asked for is
        unknown or not allowed by the values.
    """
    if TRUE not in reference or reference[TRUE].isna().any():
        raise RefusedInput(
            "the reference lacks true outcomes in 'y_true'", remedy="Give one for every reference row."
        )
    if len(reference) <= spec.chunk_size:
        raise RefusedInput(
            f"{len(reference)} reference rows make one chunk of {spec.chunk_size}; all others would alert",
            remedy="Choose a smaller chunk size, or give more reference rows.",
        )
    if spec.task != "regression":
        _refuse_absent_classes(spec, reference)
    known = METRICS[spec.task]
    barred = _barred_metrics(reference, analysis) if spec.task == "regression" else {}
    for metric in spec.metrics:
        if metric not in known:
            raise RefusedInput(
                f"{metric!r} is no metric of this task", remedy=f"Use some of {', '.join(known)}."
            )
        if metric in barred:
            raise RefusedInput(f"{metric!r} {barred[metric]}", remedy="Leave this metric out.")
    return spec.metrics or tuple(metric for metric in known if metric not in barred)


def _refuse_absent_classes(spec: EstimateSpec, reference: pd.DataFrame) -> None:
    classes: tuple[object, ...] = (0.0, 1.0) if spec.task == "binary" else spec.classes
    found = set(reference[TRUE])
    absent = [name for name in classes if name not in found]
    if absent:
        name = f"{absent[0]:.0f}" if isinstance(absent[0], float) else str(absent[0])
        raise RefusedInput(
            f"no reference row has the true outcome {name!r}, so nothing could ever alert",
            remedy="Give reference rows of every class.",
        )


def _barred_metrics(reference: pd.DataFrame, analysis: pd.DataFrame) -> dict[str, str]:
    barred: dict[str, str] = {}
    values = [frame[name] for frame in (reference, analysis) for name in (PREDICTED, TRUE) if name in frame]
    if any((column < 0).any() for column in values):
        barred |= dict.fromkeys(_LOGARITHMIC, "is undefined for values below zero")
    if any((frame[TRUE] == 0).any() for frame in (reference, analysis) if TRUE in frame):
        barred["mape"] = "divides by the outcome, and some outcomes are zero"
    return barred
