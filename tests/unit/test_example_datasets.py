"""The five example data sets become canonical prediction batches, without importing nannyml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from core.domain.errors import BadInput
from data.demo.example_datasets import DatasetFiles, dataset_recipes, write_dataset


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, DatasetFiles]:
    folder = tmp_path_factory.mktemp("datasets")
    return {name: write_dataset(name, folder / name) for name in dataset_recipes()}


@pytest.fixture(scope="module")
def census(datasets: dict[str, DatasetFiles]) -> pl.DataFrame:
    return pl.read_parquet(datasets["census_employment"].reference)


def test_there_are_five_data_sets_of_three_tasks(datasets: dict[str, DatasetFiles]) -> None:
    assert {name: files.task for name, files in datasets.items()} == {
        "census_employment": "binary",
        "car_loan": "binary",
        "car_price": "regression",
        "credit_card_segments": "multiclass",
        "california_housing": "binary",
    }


@pytest.mark.parametrize(
    ("name", "reference_rows", "analysis_rows"),
    [
        ("census_employment", 68785, 208892),
        ("car_loan", 50000, 50000),
        ("car_price", 60000, 60000),
        ("credit_card_segments", 60000, 60000),
        ("california_housing", 5832, 8232),
    ],
)
def test_no_row_is_lost_and_every_row_has_its_true_outcome(
    datasets: dict[str, DatasetFiles], name: str, reference_rows: int, analysis_rows: int
) -> None:
    files = datasets[name]
    for path, rows in ((files.reference, reference_rows), (files.analysis, analysis_rows)):
        batch = pl.read_parquet(path)
        assert batch.height == rows
        assert batch["row_id"].n_unique() == rows
        assert sum(batch.null_count().row(0)) == 0


@pytest.mark.parametrize("name", dataset_recipes())
def test_both_batches_have_the_canonical_columns(datasets: dict[str, DatasetFiles], name: str) -> None:
    files = datasets[name]
    scores = {
        "binary": {"y_score"},
        "multiclass": {f"y_score_{label}" for label in files.classes},
        "regression": set[str](),
    }[files.task]
    schema = pl.read_parquet_schema(files.analysis)
    assert schema == pl.read_parquet_schema(files.reference)
    assert set(schema) == (
        {"row_id", "y_pred", "y_true"}
        | scores
        | set(files.features)
        | set(files.slice_features)
        | (set() if name == "census_employment" else {"timestamp"})
    )
    assert set(files.categorical_features) <= set(files.features)
    assert set(files.sensitive_features) <= set(files.slice_features)
    assert all(schema[feature] == pl.String for feature in files.slice_features)
    assert all(
        schema[feature].is_numeric() for feature in set(files.features) - set(files.categorical_features)
    )


def test_census_codes_become_words(census: pl.DataFrame) -> None:
    # Counts of the source file's codes: SEX 1 and 2, RAC1P 2 and 4, DIS 1.
    counts = {name: dict(census[name].value_counts().iter_rows()) for name in ("sex", "race", "disability")}
    assert counts["sex"] == {"Male": 33094, "Female": 35691}
    assert counts["race"]["Black or African American"] == 4134
    assert counts["race"]["Alaska Native"] == 1
    assert counts["disability"]["With a disability"] == 9330
    assert set(census["year"].unique()) == {2015}


def test_age_bands_meet_at_their_first_year(census: pl.DataFrame) -> None:
    spans = census.group_by("age_band").agg(pl.min("age").alias("from"), pl.max("age").alias("to"))
    assert {band: (low, high) for band, low, high in spans.iter_rows()} == {
        "under 18": (0, 17),
        "18-24": (18, 24),
        "25-39": (25, 39),
        "40-64": (40, 64),
        "65 and over": (65, 94),
    }


def test_widowed_people_are_the_oldest_and_stepchildren_are_young(census: pl.DataFrame) -> None:
    ages = dict(census.group_by("marital_status").agg(pl.mean("age")).iter_rows())
    assert max(ages, key=lambda status: ages[status]) == "Widowed"
    kin = dict(census.group_by("relationship").agg(pl.mean("age")).iter_rows())
    assert kin["Stepchild"] < 25
    assert kin["Parent-in-law"] > 65


def test_an_unknown_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'titanic' is not an example data set"):
        write_dataset("titanic", tmp_path)


def test_no_slow_library_is_imported(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from data.demo.example_datasets import write_dataset;"
        f"write_dataset('california_housing', Path({str(tmp_path)!r}));"
        "print(sorted({'nannyml', 'pandas', 'sklearn', 'lightgbm', 'shap'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
