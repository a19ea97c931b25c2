"""Five real and synthetic data sets that ship inside nannyml's wheel, written as prediction batches.

Nannyml is found but never imported (its import takes seconds); Polars reads the files where they lie.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from core.domain.errors import BadInput
from core.ground import Checked, Task
from data.demo.recipe import RECIPE_FOLDER, read_part

if TYPE_CHECKING:
    import polars as pl


class Band(Checked):
    """A text column cut from a number: `labels[i]` up to, not including, `breaks[i]`."""

    name: str
    of: str
    breaks: tuple[float, ...]
    labels: tuple[str, ...]


class DatasetRecipe(Checked):
    """Where a data set lies in nannyml's wheel and how its columns become canonical ones."""

    title: str
    description: str
    source: str
    task: Task
    reference_file: str
    analysis_file: str
    target_file: str
    target: str
    prediction: str
    scores: dict[str, str]
    features: dict[str, str] = Field(default_factory=dict)
    same: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    bands: tuple[Band, ...] = ()
    words: dict[str, dict[str, str]] = Field(default_factory=dict)
    timestamp: str | None = "timestamp"
    classes: tuple[str, ...] = ()
    chunk_size: int = 5000

    @property
    def columns(self) -> dict[str, str]:
        """The features: the file's name -> ours."""
        return self.features or {name: name for name in self.same}

    def words_of(self, column: str) -> dict[str, str]:
        """Code -> word; a span of codes is spread out."""
        spread: dict[str, str] = {}
        for codes, word in self.words[column].items():
            first, _, last = codes.partition("-")
            spread |= {str(code): word for code in range(int(first), int(last or first) + 1)}
        return spread


class _Datasets(Checked):
    datasets: dict[str, DatasetRecipe]


@cache
def dataset_recipes() -> dict[str, DatasetRecipe]:
    """The data sets by name."""
    return read_part(RECIPE_FOLDER / "datasets.yaml", _Datasets).datasets


@dataclass(frozen=True, slots=True)
class DatasetFiles:
    """A data set written as two canonical prediction batches.

    `reference` and `analysis` hold `row_id` (text), `timestamp` (UTC, without zone; absent for the
    census), `y_pred`, `y_true`, `y_score` or `y_score_<class>`, every name in `features` (the model's
    inputs) and every name in `slice_features` (text columns to slice by, bands included).
    `chunk_size` is in rows. `y_score` of the census, car loan and housing is the probability of 1.
    """

    name: str
    title: str
    description: str
    source: str
    task: Task
    reference: Path
    analysis: Path
    features: tuple[str, ...]
    categorical_features: tuple[str, ...]
    slice_features: tuple[str, ...]
    sensitive_features: tuple[str, ...]
    classes: tuple[str, ...]
    chunk_size: int


def write_dataset(name: str, folder: Path) -> DatasetFiles:
    """Write one data set as `reference.parquet` and `analysis.parquet` into `folder`.

    Parameters
    ----------
    name
        One of `dataset_recipes()`.
    folder
        Where the two files go; made if absent, files of the same name are replaced.

    Returns
    -------
    DatasetFiles
        The two files and what their columns mean. Rows keep the order of the source; the true
        outcomes of the analysis rows are joined by row id.

    Raises
    ------
    BadInput
        The name is unknown, nannyml is not installed, or its files are not as version 0.13.1 has them.

    Notes
    -----
    Source: nannyml 0.13.1, folder `datasets/data`. Code words: PUMS data dictionary 2015-2018.
    """
    recipe = dataset_recipes().get(name)
    if recipe is None:
        raise BadInput(
            f"{name!r} is not an example data set",
            where="data set",
            remedy=f"Use one of {', '.join(dataset_recipes())}.",
        )
    source = _source_folder()
    reference_rows = _read(source / recipe.reference_file)
    targets = _read(source / recipe.target_file).select("id", recipe.target)
    analysis_rows = _read(source / recipe.analysis_file).join(
        targets, on="id", how="left", maintain_order="left"
    )
    folder.mkdir(parents=True, exist_ok=True)
    reference = _write(_canonical(reference_rows, recipe), folder / "reference.parquet")
    analysis = _write(_canonical(analysis_rows, recipe), folder / "analysis.parquet")
    return DatasetFiles(
        name=name,
        title=recipe.title,
        description=recipe.description,
        source=recipe.source,
        task=recipe.task,
        reference=reference,
        analysis=analysis,
        features=tuple(recipe.columns.values()),
        categorical_features=recipe.categorical,
        slice_features=_slice_features(recipe),
        sensitive_features=recipe.sensitive,
        classes=recipe.classes,
        chunk_size=recipe.chunk_size,
    )


def _slice_features(recipe: DatasetRecipe) -> tuple[str, ...]:
    names = (*recipe.sensitive, *recipe.categorical, *(band.name for band in recipe.bands))
    return tuple(dict.fromkeys(names))  # sensitive ones first, each once


def _source_folder() -> Path:
    found = importlib.util.find_spec("nannyml")
    if found is None or not found.submodule_search_locations:
        raise BadInput(
            "the example data cannot be found: nannyml is not installed",
            remedy="Install the project's dependencies with 'make setup' or 'uv sync'.",
        )
    return Path(found.submodule_search_locations[0]) / "datasets" / "data"


def _read(path: Path) -> pl.DataFrame:
    import polars as pl

    if not path.is_file():
        raise BadInput(
            f"nannyml does not ship {path.name!r}", where=str(path.parent), remedy="Install nannyml 0.13.1."
        )
    if path.suffix == ".pq":
        return pl.read_parquet(path)
    return pl.read_csv(path, infer_schema_length=None)


def _canonical(rows: pl.DataFrame, recipe: DatasetRecipe) -> pl.DataFrame:
    import polars as pl

    label = (
        pl.String if recipe.task == "multiclass" else pl.Float64 if recipe.task == "regression" else pl.Int64
    )
    columns = [pl.col("id").cast(pl.String).alias("row_id")]
    if recipe.timestamp is not None:
        columns.append(pl.col(recipe.timestamp).str.to_datetime(time_unit="us").alias("timestamp"))
    columns.append(pl.col(recipe.prediction).cast(label).alias("y_pred"))
    columns.append(pl.col(recipe.target).cast(label).alias("y_true"))
    columns += [pl.col(old).cast(pl.Float64).alias(new) for new, old in recipe.scores.items()]
    columns += [_feature(old, new, rows.schema[old], recipe) for old, new in recipe.columns.items()]
    canonical = rows.select(columns)
    return canonical.with_columns(_band(band) for band in recipe.bands)


def _feature(old: str, new: str, kind: pl.DataType, recipe: DatasetRecipe) -> pl.Expr:
    import polars as pl

    column = pl.col(old)
    if new in recipe.words:
        # A code without a word is an error of the file, so no default is given.
        return column.cast(pl.String).replace_strict(recipe.words_of(new), return_dtype=pl.String).alias(new)
    if kind == pl.Boolean:
        return pl.when(column).then(pl.lit("yes")).when(~column).then(pl.lit("no")).alias(new)
    return column.cast(pl.String).alias(new) if new in recipe.categorical else column.alias(new)


def _band(band: Band) -> pl.Expr:
    import polars as pl

    text = pl.lit(band.labels[-1])
    for limit, label in zip(reversed(band.breaks), reversed(band.labels[:-1]), strict=True):
        text = pl.when(pl.col(band.of) < limit).then(pl.lit(label)).otherwise(text)
    return text.alias(band.name)


def _write(rows: pl.DataFrame, path: Path) -> Path:
    draft = path.with_name(f".{path.name}.draft")
    rows.write_parquet(draft, compression="zstd")
    draft.replace(path)
    return path
