"""Users' prediction files (CSV or Parquet) written as canonical batches.

A canonical batch holds `row_id` (text), `timestamp` (UTC, without zone), `y_score` (0 to 1) or
`y_score_<class>`, `y_pred`, `y_true`, and every other column of the file under its own name.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.errors import BadInput

if TYPE_CHECKING:
    import polars as pl

TASKS = ("binary", "regression", "multiclass")
_SHOWN = 5
_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_BARE = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")


@dataclass(frozen=True)
class ColumnMap:
    """Which column of the file is what; an empty name says that there is none.

    `scores` maps a class to the column of its probability; the class of a binary model is empty.
    """

    task: str
    prediction: str
    target: str = ""
    row_id: str = ""
    timestamp: str = ""
    scores: Mapping[str, str] = field(default_factory=dict)

    def canonical(self) -> dict[str, str]:
        """Canonical name -> column of the file."""
        named = {"row_id": self.row_id, "timestamp": self.timestamp}
        named |= {f"y_score_{label}" if label else "y_score": name for label, name in self.scores.items()}
        named |= {"y_pred": self.prediction, "y_true": self.target}
        return {canonical: name for canonical, name in named.items() if name}


@dataclass(frozen=True)
class CanonicalBatch:
    """What was written: rows, feature columns, and the classes of a multiclass model."""

    rows: int
    features: tuple[str, ...]
    classes: tuple[str, ...]


def column_map(
    *,
    task: str,
    prediction: str,
    scores: Sequence[str],
    target: str = "",
    row_id: str = "",
    timestamp: str = "",
) -> ColumnMap:
    """Make a map of columns; `scores` holds one column, or `CLASS=COLUMN` a class for multiclass.

    Raises
    ------
    BadInput
        An unknown task, or scores that do not fit it.
    """
    if task not in TASKS:
        raise BadInput(f"'{task[:40]}' is no task", where="task", remedy=f"Use one of: {', '.join(TASKS)}.")
    pairs = [
        (left, right) if equals else ("", left) for left, equals, right in (s.partition("=") for s in scores)
    ]
    if task == "binary":
        pairs = [("", text) for text in scores]  # a column's name may hold an equals sign
        if len(pairs) != 1:
            raise BadInput("a binary model has one score", where="score", remedy="Name its one column.")
    elif task == "regression" and pairs:
        raise BadInput("a regression has no score", where="score", remedy="Leave the score out.")
    elif len(dict(pairs)) < len(pairs) or any(not label or not name for label, name in pairs):
        raise BadInput("each class needs a score", where="score", remedy="Write CLASS=COLUMN, once a class.")
    return ColumnMap(task, prediction, target, row_id, timestamp, dict(pairs))


def write_canonical(
    source: Path, target: Path, columns: ColumnMap, *, sensitive: Sequence[str] = ()
) -> CanonicalBatch:
    """Read a file of predictions, check it, and write it as a canonical Parquet batch.

    Parameters
    ----------
    source
        `.csv` (UTF-8, comma) or `.parquet`.
    target
        Where to write; its folder is made. Nothing is written where the file is refused.
    sensitive
        Columns that must be among the features.

    Raises
    ------
    BadInput
        Naming the column, the first rows that offend (counted from 1, without the heading), and the remedy.
    """
    import polars as pl

    mapped = columns.canonical()
    header, frame = _read(source, text_columns=_text_columns(columns))
    features = _features(source, header, mapped, sensitive)
    if not frame.height:
        raise BadInput("the file has no rows", where=source.name, remedy="Export it again.")
    made = _canonical_columns(source, frame, columns, mapped)
    written = pl.DataFrame([*(frame[feature] for feature in features), *made])
    target.parent.mkdir(parents=True, exist_ok=True)
    written.write_parquet(target)
    classes = tuple(columns.scores) if columns.task == "multiclass" else ()
    if columns.task == "multiclass" and not classes:
        classes = tuple(sorted(str(label) for label in written["y_pred"].unique()))
    return CanonicalBatch(frame.height, features, classes)


def _text_columns(columns: ColumnMap) -> set[str]:
    """Columns never read as numbers: an id of 007 stays 007."""
    labels = {columns.prediction, columns.target} if columns.task == "multiclass" else set()
    return {columns.row_id, *labels} - {""}


def _read(source: Path, text_columns: set[str]) -> tuple[list[str], pl.DataFrame]:
    import polars as pl

    kind = source.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise BadInput(f"'{source.name}' is neither .csv nor .parquet", remedy="Export it as one of the two.")
    try:
        with source.open("rb") as file:
            start = file.read(4096)
            _refuse_other_kind(source, kind, start)
            file.seek(0)
            if kind == ".parquet":
                frame = pl.read_parquet(file)
                return frame.columns, frame
            header = _csv_header(source)
            overrides = {name: pl.String for name in text_columns if name in header}
            return header, pl.read_csv(file, infer_schema_length=None, schema_overrides=overrides)
    except OSError as error:
        raise BadInput(
            f"the file cannot be read: {error.strerror or error}", where=str(source), remedy="Check the path."
        ) from error
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0][:200]
        raise BadInput(
            f"the file cannot be read: {reason}",
            where=source.name,
            remedy="Export it again, a CSV as UTF-8 with a comma between columns.",
        ) from error


def _refuse_other_kind(source: Path, kind: str, start: bytes) -> None:
    if not start:
        raise BadInput("the file is empty", where=source.name, remedy="Export it again.")
    is_parquet = start.startswith(b"PAR1")
    if is_parquet != (kind == ".parquet") or (kind == ".csv" and b"\0" in start):
        raise BadInput(
            f"the file is not what its name says ({kind})",
            where=source.name,
            remedy="Give it its right suffix.",
        )


def _csv_header(source: Path) -> list[str]:
    with source.open(encoding="utf-8-sig", newline="") as text:
        header = next(csv.reader(text), [])
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadInput(f"column '{twice[0]}' stands twice", where=source.name, remedy="Rename one of them.")
    return header


def _features(
    source: Path, header: Sequence[str], mapped: Mapping[str, str], sensitive: Sequence[str]
) -> tuple[str, ...]:
    for name in (*mapped.values(), *sensitive):
        if name not in header:
            raise BadInput(
                f"there is no column '{name}'",
                where=source.name,
                remedy=f"Use one of: {', '.join(header)[:300]}.",
            )
    features = tuple(name for name in header if name not in mapped.values())
    kept = [*mapped, "row_id"]
    for name in features:  # DuckDB does not tell names apart by case
        if [other.casefold() for other in (*features, *dict.fromkeys(kept))].count(name.casefold()) > 1:
            raise BadInput(
                f"column '{name}' would collide with another of that name",
                where=source.name,
                remedy="Rename it in the file, or say that it is the id, time, score, prediction or target.",
            )
    for name in sensitive:
        if name not in features:
            raise BadInput(f"'{name}' is not a feature", where="sensitive", remedy="Name a feature's column.")
    return features


def _canonical_columns(
    source: Path, frame: pl.DataFrame, columns: ColumnMap, mapped: Mapping[str, str]
) -> list[pl.Series]:
    import polars as pl

    numbered = pl.Series("row_id", range(1, frame.height + 1)).cast(pl.String)
    made = [_ids(source, frame[columns.row_id]) if columns.row_id else numbered]
    if columns.timestamp:
        made.append(_times(source, frame[columns.timestamp]))
    for canonical, name in mapped.items():
        if canonical.startswith("y_score"):
            scores = _numbers(source, frame[name], missing=False)
            _refuse(
                source, name, frame[name], ~scores.is_between(0, 1), "is no score", "Give scores from 0 to 1."
            )
            made.append(scores.alias(canonical))
    for canonical, missing in (("y_pred", False), ("y_true", True)):
        if canonical in mapped:
            made.append(_labels(source, frame[mapped[canonical]], columns.task, missing).alias(canonical))
    return made


def _ids(source: Path, given: pl.Series) -> pl.Series:
    import polars as pl

    ids = given.cast(pl.String)
    _refuse(source, given.name, given, ids.is_null(), "is no id", "Give every row an id.")
    _refuse(source, given.name, given, ids.is_duplicated(), "stands twice", "Give every row its own id.")
    return ids.alias("row_id")


def _times(source: Path, given: pl.Series) -> pl.Series:
    import polars as pl

    remedy = "Write times like 2026-03-31T12:00:00Z."
    times = given
    if given.dtype == pl.String:
        times = _parsed(given)
    elif not given.dtype.is_temporal() or given.dtype in (pl.Time, pl.Duration):
        raise BadInput(f"column '{given.name}' holds no times", where=source.name, remedy=remedy)
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone:
        times = times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    _refuse(source, given.name, given, times.is_null(), "is no time", remedy)
    return times.cast(pl.Datetime("us")).alias("timestamp")


def _parsed(given: pl.Series) -> pl.Series:
    """Texts as times; a file may mix forms, and a time without a zone is UTC."""
    import polars as pl

    text = pl.col("text").str.strip_chars().str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T")
    zoned = [text.str.to_datetime(form, time_zone="UTC", strict=False) for form in _ZONED]
    bare = [text.str.to_datetime(form, strict=False).dt.replace_time_zone("UTC") for form in _BARE]
    dates = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return given.alias("text").to_frame().select(pl.coalesce(*zoned, *bare, dates)).to_series()


def _labels(source: Path, given: pl.Series, task: str, missing: bool) -> pl.Series:
    import polars as pl

    if task == "multiclass":
        labels = given.cast(pl.String)
        if not missing:
            _refuse(
                source, given.name, given, labels.is_null(), "is no class", "Give every row a prediction."
            )
        return labels
    numbers = _numbers(source, given, missing=missing)
    if task == "regression":
        return numbers
    wrong = ~numbers.is_in([0.0, 1.0])
    _refuse(source, given.name, given, wrong, "is no label of a binary model", "Use 0 and 1.")
    return numbers.cast(pl.Int8)


def _numbers(source: Path, given: pl.Series, *, missing: bool) -> pl.Series:
    import polars as pl

    numbers = given.cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & given.is_not_null()) | ~numbers.is_finite().fill_null(True)
    if not missing:
        wrong |= numbers.is_null()
    _refuse(source, given.name, given, wrong, "is no number", "Give a number in every row.")
    return numbers


def _refuse(source: Path, name: str, given: pl.Series, wrong: pl.Series, what: str, remedy: str) -> None:
    """Refuse the file where any row is wrong, and say which rows come first."""
    offending = wrong.fill_null(False).arg_true()
    if offending.is_empty():
        return
    first = [int(place) for place in offending[:_SHOWN]]
    more = f" and {len(offending) - _SHOWN:,} more" if len(offending) > _SHOWN else ""
    value = given[first[0]]
    raise BadInput(
        f"column '{name}': {'an empty value' if value is None else repr(str(value)[:40])} {what}, in row "
        + ", ".join(str(place + 1) for place in first)
        + more,
        where=source.name,
        remedy=remedy,
    )
