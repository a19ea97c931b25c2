"""Rows that NannyML would answer wrongly without a word are refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import duckdb

from core.analytics.decay.by_nannyml import PREDICTED, TRUE, score_columns
from core.analytics.job_specs import EstimateSpec, RefusedInput
from core.domain.models.column_mapping import EXACT_SUM
from core.lake.slices.rows import NUMBERS
from core.lake.store import Store

ColumnKind = Literal["number", "word", "other"]
_WORDS = ("VARCHAR", "BOOLEAN", "ENUM")


def columns_of_batches(store: Store, paths: Sequence[Path]) -> dict[str, ColumnKind]:
    """Column -> whether it holds numbers, words (yes and no are words), or anything else."""
    values = {"paths": [str(path) for path in paths]}
    rows = store.cursor().execute(f"DESCRIBE SELECT * FROM {SCAN}", values).fetchall()
    return {str(name): _kind(str(kind)) for name, kind, *_ in rows}


def _kind(kind: str) -> ColumnKind:
    if kind.endswith("]"):
        return "other"
    return "number" if kind.startswith(NUMBERS) else "word" if kind.startswith(_WORDS) else "other"


TIME = "timestamp"
SCAN = "read_parquet($paths, union_by_name = true, hive_partitioning = false)"
METRICS: dict[str, tuple[str, ...]] = {
    "binary": (
        "roc_auc",
        "average_precision",
        "f1",
        "precision",
        "recall",
        "specificity",
        "accuracy",
        "confusion_matrix",
        "business_value",
    ),
    "regression": ("mae", "mape", "mse", "rmse", "msle", "rmsle"),
}
METRICS["multiclass"] = METRICS["binary"]


class PartRows:
    """The files of the reference or of the analysis, with what a first look at them says.

    Attributes
    ----------
    name
        What messages call them.
    columns
        Column -> DuckDB's type.
    rows, labelled
        Rows, and those whose outcome is known.
    timed
        Every row has a timestamp.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, paths: Sequence[Path], spec: EstimateSpec) -> None:
        for path in paths:
            if not path.is_file():
                raise RefusedInput(
                    f"there is no file {path.name!r}", remedy="Give the path of a Parquet file."
                )
        self.paths = [str(path) for path in paths]
        self.name = paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
        self.columns = self._described(cursor, paths)
        self._refuse_columns(spec)
        counts = self._counted(cursor, spec)
        self.rows, self.labelled = int(counts["rows"]), int(counts["labelled"] or 0)
        self.timed = TIME in self.columns and counts["timed"] == self.rows
        self.ordered = not self.timed or self._in_order(cursor)
        self.counts = counts
        self._refuse_values(spec)

    def _described(self, cursor: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> dict[str, str]:
        for path in paths:
            try:
                cursor.execute(f"DESCRIBE SELECT * FROM {SCAN}", {"paths": [str(path)]})
            except duckdb.Error as problem:
                raise RefusedInput(
                    f"{path.name!r} is not a Parquet file", remedy="Write it as Parquet."
                ) from problem
        rows = cursor.execute(f"DESCRIBE SELECT * FROM {SCAN}", {"paths": self.paths}).fetchall()
        return {str(row[0]): str(row[1]) for row in rows}

    def _refuse_columns(self, spec: EstimateSpec) -> None:
        scores = score_columns(spec).values()
        needed = [PREDICTED, *scores]
        if spec.task == "multiclass" and len(spec.classes) < 2:
            raise RefusedInput(
                "a multiclass estimate needs its classes", remedy="Give at least two in 'classes'."
            )
        if spec.task == "regression":
            needed += spec.features
        for name in needed:
            if name not in self.columns:
                raise RefusedInput(
                    f"{self.name!r} has no column {name!r}",
                    remedy="Add predictions with their scores; slices and drift need none."
                    if name in scores
                    else "Use the canonical names: y_pred, y_true, and the features.",
                )
        numbers = [*score_columns(spec).values()]
        if spec.task != "multiclass":
            numbers += [name for name in (PREDICTED, TRUE) if name in self.columns]
        if spec.task == "regression":
            numbers += [name for name in spec.features if name not in spec.categorical_features]
        for name in numbers:
            if not self.columns[name].startswith((*NUMBERS, "BOOLEAN")):
                raise RefusedInput(
                    f"{name!r} in {self.name!r} holds {self.columns[name].lower()} values, not numbers",
                    remedy="Give numbers, or name the column among the categorical features.",
                )
        if TIME in self.columns and not self.columns[TIME].startswith("TIMESTAMP"):
            raise RefusedInput(
                f"'timestamp' in {self.name!r} holds {self.columns[TIME].lower()} values, not timestamps",
                remedy="Convert them to timestamps; keep a plain year as an ordinary feature.",
            )

    def _counted(self, cursor: duckdb.DuckDBPyConnection, spec: EstimateSpec) -> dict[str, Any]:
        counted: dict[str, str] = {"rows": "count(*)"}
        counted["timed"] = f"count({TIME})" if TIME in self.columns else "0"
        labelled = "isfinite(y_true::DOUBLE)" if spec.task != "multiclass" else "y_true IS NOT NULL"
        counted["labelled"] = f"count(*) FILTER ({labelled})" if TRUE in self.columns else "0"
        values: dict[str, Any] = {"paths": self.paths}
        scores = [f'"{name}"::DOUBLE' for name in _quoted(score_columns(spec).values())]
        for place, score in enumerate(scores):
            counted[f"outside_{place}"] = f"count(*) FILTER (({score} BETWEEN 0 AND 1) IS NOT true)"
        if spec.task == "multiclass":
            total = " + ".join(scores)
            counted["off"] = f"count(*) FILTER (abs({total} - 1) > {EXACT_SUM})"
            counted["gaps"] = "count(*) FILTER (y_pred IS NULL)"
            values["allowed"] = list(spec.labels)
            for name in (PREDICTED, TRUE):
                if name in self.columns:
                    text = f"{name}::VARCHAR"
                    counted[f"strange_{name}"] = f"min({text}) FILTER (NOT list_contains($allowed, {text}))"
            counted["classes"] = "list(DISTINCT y_true::VARCHAR)" if TRUE in self.columns else "[]"
        else:
            counted["gaps"] = "count(*) FILTER (y_pred IS NULL OR NOT isfinite(y_pred::DOUBLE))"
        if spec.task == "binary":
            for name in (PREDICTED, TRUE):
                if name in self.columns:
                    number = f"{name}::DOUBLE"
                    counted[f"strange_{name}"] = (
                        f"min({number}) FILTER ({number} NOT IN (0, 1) AND NOT isnan({number}))"
                    )
            counted["classes"] = "list(DISTINCT y_true::DOUBLE)" if TRUE in self.columns else "[]"
        if spec.task == "regression":
            counted["negative"] = "count(*) FILTER (y_pred::DOUBLE < 0" + (
                " OR y_true::DOUBLE < 0)" if TRUE in self.columns else ")"
            )
            counted["zero"] = "count(*) FILTER (y_true::DOUBLE = 0)" if TRUE in self.columns else "0"
        query = "SELECT " + ", ".join(f"{sql} AS {name}" for name, sql in counted.items()) + f" FROM {SCAN}"
        row = cursor.execute(query, values).fetchall()[0]
        return dict(zip(counted, row, strict=True))

    def _in_order(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        query = (
            f"SELECT count(*) FROM (SELECT {TIME} AS now, lag({TIME}) OVER () AS before FROM {SCAN}) "
            "WHERE now < before"
        )
        return not cursor.execute(query, {"paths": self.paths}).fetchall()[0][0]

    def _refuse_values(self, spec: EstimateSpec) -> None:
        if not self.rows:
            raise RefusedInput(f"{self.name!r} holds no rows", remedy="Give at least two chunks of rows.")
        if self.counts["timed"] and not self.timed:
            raise RefusedInput(
                f"'timestamp' in {self.name!r} is empty in {self.rows - self.counts['timed']} "
                f"of {self.rows} rows",
                remedy="Fill in every timestamp, or leave the whole column out.",
            )
        if spec.period is not None and not self.timed:
            raise RefusedInput(
                f"{self.name!r} has no timestamps, so there is no {spec.period} to cut it by",
                remedy="Add a timestamp to every row, or choose a number of rows a chunk.",
            )
        self._refuse_scores(spec)
        if self.counts["gaps"]:
            raise RefusedInput(
                f"'y_pred' in {self.name!r} has gaps", remedy="Give a prediction for every row."
            )
        for name in (PREDICTED, TRUE):
            strange = self.counts.get(f"strange_{name}")
            if strange is not None:
                words = "0 and 1" if spec.task == "binary" else ", ".join(spec.classes)
                raise RefusedInput(
                    f"{name!r} in {self.name!r} holds '{strange}'", remedy=f"Allowed here: {words}."
                )

    def _refuse_scores(self, spec: EstimateSpec) -> None:
        for place, name in enumerate(score_columns(spec).values()):
            outside = self.counts[f"outside_{place}"]
            if outside:
                raise RefusedInput(
                    f"{name!r} in {self.name!r} is missing or outside 0 to 1 in {outside} "
                    f"of {self.rows} rows",
                    remedy="Give probabilities from 0 to 1, for instance by calibrating raw scores first.",
                )
        if self.counts.get("off"):
            raise RefusedInput(
                f"the class scores of {self.counts['off']} rows in {self.name!r} do not add up to 1",
                remedy="Give one probability for each class of 'classes', name all classes, and divide each "
                "by the sum of its row where they were rounded.",
            )


def _quoted(names: Any) -> list[str]:
    return [str(name).replace('"', '""') for name in names]


def checked_metrics(spec: EstimateSpec, reference: PartRows, analysis: PartRows) -> tuple[str, ...]:
    """Refuse a reference that cannot be learned from, and return the metrics to estimate.

    Returns
    -------
    tuple of str
        `spec.metrics`, or all of the task that the values allow: `msle` and `rmsle` need values of zero and
        more, `mape` needs outcomes that are not zero, `business_value` needs to know what outcomes are worth.
    """
    if reference.labelled < reference.rows:
        raise RefusedInput(
            "the reference lacks true outcomes in 'y_true'", remedy="Give one for every reference row."
        )
    if spec.task != "regression":
        _refuse_absent_classes(spec, reference)
    known = METRICS[spec.task]
    barred = _barred(spec, reference, analysis)
    for metric in spec.metrics:
        if metric not in known:
            raise RefusedInput(
                f"{metric!r} is no metric of this task", remedy=f"Use some of {', '.join(known)}."
            )
        if metric in barred:
            raise RefusedInput(f"{metric!r} {barred[metric]}", remedy="Leave this metric out.")
    return spec.metrics or tuple(metric for metric in known if metric not in barred)


def _refuse_absent_classes(spec: EstimateSpec, reference: PartRows) -> None:
    classes: tuple[Any, ...] = (0.0, 1.0) if spec.task == "binary" else spec.labels
    absent = [name for name in classes if name not in reference.counts["classes"]]
    if absent:
        name = f"{absent[0]:.0f}" if isinstance(absent[0], float) else str(absent[0])
        raise RefusedInput(
            f"no reference row has the true outcome {name!r}, so nothing could ever alert",
            remedy="Give reference rows of every class.",
        )


def _barred(spec: EstimateSpec, reference: PartRows, analysis: PartRows) -> dict[str, str]:
    if spec.task != "regression":
        worth, size = spec.business_value, len(spec.labels)
        if worth and (len(worth) != size or any(len(line) != size for line in worth)):
            raise RefusedInput(
                f"the worth of outcomes is no table of {size} by {size}",
                remedy="Give a line for each true class and a column for each predicted one.",
            )
        return {} if worth else {"business_value": "needs to know what each outcome is worth"}
    barred: dict[str, str] = {}
    if reference.counts["negative"] or analysis.counts["negative"]:
        barred |= dict.fromkeys(("msle", "rmsle"), "is undefined for values below zero")
    if reference.counts["zero"] or analysis.counts["zero"]:
        barred["mape"] = "divides by the outcome, and some outcomes are zero"
    return barred
