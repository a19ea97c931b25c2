"""Rows as LightGBM takes them: numbers, and texts as pandas categories whose words the model keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.analytics.job_specs import RefusedInput

if TYPE_CHECKING:
    import pandas as pd


def read_rows(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a Parquet file, or some of its columns, in the order of the file.

    Raises
    ------
    RefusedInput
        The file is absent, is not Parquet, holds no rows, or lacks a column.
    """
    import pyarrow.parquet as pq
    from pyarrow.lib import ArrowException

    if not path.is_file():
        raise RefusedInput(f"there is no file {path.name!r}", remedy="Give the path of a Parquet file.")
    try:
        absent = [name for name in columns or () if name not in pq.read_schema(path).names]
        if absent:
            raise RefusedInput(
                f"{path.name!r} has no column {absent[0]!r}", remedy="Check the feature names."
            )
        rows: pd.DataFrame = pq.read_table(
            path, columns=list(columns) if columns is not None else None
        ).to_pandas()
    except ArrowException as problem:
        raise RefusedInput(f"{path.name!r} is not a Parquet file", remedy="Write it as Parquet.") from problem
    if rows.empty:
        raise RefusedInput(f"{path.name!r} holds no rows", remedy="Give a file with rows.")
    return rows


def model_inputs(rows: pd.DataFrame, features: Sequence[str], categorical: Sequence[str]) -> pd.DataFrame:
    """Return the features in the model's order: categorical ones as sorted categories, others as float64.

    A model saved after training on such columns holds the words itself, so the same words in another
    file get the same codes, and words it never saw count as missing.
    """
    import pandas as pd

    columns = {}
    for name in features:
        if name in categorical:
            texts = rows[name].astype(object)
            columns[name] = pd.Series(pd.Categorical(texts, categories=sorted(texts.dropna().unique())))
        elif pd.api.types.is_numeric_dtype(rows[name]):
            columns[name] = rows[name].astype("float64").reset_index(drop=True)
        else:
            raise RefusedInput(
                f"{name!r} holds texts, not numbers", remedy="Name the column among the categorical features."
            )
    return pd.DataFrame(columns)
