"""Version 2 of the census model: trained alike each time, judged on other rows, explained exactly."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.analytics.explanations.attributions import Explanation, explain_rows, ranked
from core.analytics.explanations.from_boosters import model_inputs, read_rows
from core.analytics.explanations.training import TrainedModel, train_lightgbm
from core.analytics.job_specs import ExplainSpec, RefusedInput, TrainSpec
from data.demo.example_datasets import DatasetFiles, write_dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("census")


@pytest.fixture(scope="module")
def census(folder: Path) -> DatasetFiles:
    return write_dataset("census_employment", folder / "version_1")


def spec_of(census: DatasetFiles, **changes: Any) -> TrainSpec:
    fields: dict[str, Any] = {
        "reference": census.reference,
        "analysis": census.analysis,
        "features": census.features,
        "categorical_features": census.categorical_features,
        "seed": 7,
        "trees": 60,
    }
    return TrainSpec(**(fields | changes))


@pytest.fixture(scope="module")
def trained(census: DatasetFiles, folder: Path) -> TrainedModel:
    return train_lightgbm(spec_of(census), folder / "version_2")


@pytest.fixture(scope="module")
def explanation(census: DatasetFiles, trained: TrainedModel) -> Explanation:
    return explain_rows(explain_of(census, trained, sample_rows=500))


def explain_of(census: DatasetFiles, trained: TrainedModel, **changes: Any) -> ExplainSpec:
    fields: dict[str, Any] = {
        "model": trained.model,
        "rows": trained.analysis,
        "features": census.features,
        "categorical_features": census.categorical_features,
    }
    return ExplainSpec(**(fields | changes))


def test_the_reference_batch_holds_only_rows_that_were_not_trained_on(
    census: DatasetFiles, trained: TrainedModel
) -> None:
    assert (trained.trained_rows, trained.reference_rows, trained.analysis_rows) == (34392, 34393, 208892)
    first, second = pl.read_parquet(census.reference), pl.read_parquet(trained.reference)
    assert second.height == trained.reference_rows
    # The same rows, in the same order, changed only in what the new model says.
    kept = first.filter(pl.col("row_id").is_in(second["row_id"].to_list()))
    assert kept.drop("y_pred", "y_score").equals(second.drop("y_pred", "y_score"))
    assert second.select((pl.col("y_pred") == (pl.col("y_score") >= 0.5).cast(pl.Int64)).all()).item()


def test_the_analysis_batch_keeps_every_row_and_column(census: DatasetFiles, trained: TrainedModel) -> None:
    first, second = pl.read_parquet(census.analysis), pl.read_parquet(trained.analysis)
    assert first.schema == second.schema
    assert first.drop("y_pred", "y_score").equals(second.drop("y_pred", "y_score"))
    assert second["y_score"].is_between(0, 1).all()


def test_the_new_model_is_about_as_good_as_the_shipped_one(
    census: DatasetFiles, trained: TrainedModel
) -> None:
    shipped = pl.read_parquet(census.reference).select((pl.col("y_pred") == pl.col("y_true")).mean()).item()
    assert trained.accuracy == pytest.approx(shipped, abs=0.01)
    assert 0.89 < trained.roc_auc < 0.92


def test_the_model_is_text_and_the_same_after_a_second_training(
    census: DatasetFiles, trained: TrainedModel, folder: Path
) -> None:
    first, again = (train_lightgbm(spec_of(census, trees=3), folder / name) for name in ("first", "again"))
    assert again.model.read_bytes() == first.model.read_bytes()
    assert trained.model.read_text(encoding="utf-8").startswith("tree\nversion=")


def test_another_seed_trains_on_other_rows(census: DatasetFiles, trained: TrainedModel, folder: Path) -> None:
    other = train_lightgbm(spec_of(census, seed=8, trees=1), folder / "other")
    ids = [set(pl.read_parquet(model.reference)["row_id"]) for model in (trained, other)]
    assert ids[0] != ids[1]


def test_contributions_and_base_value_add_up_to_the_raw_margin(
    census: DatasetFiles, trained: TrainedModel, explanation: Explanation
) -> None:
    import lightgbm as lgb
    import numpy as np

    assert explanation.contributions.additivity_gap < 1e-6
    # The same by hand over all sampled rows: base + sum of the mean contributions = mean raw margin.
    rows = read_rows(trained.analysis, census.features)
    drawn = np.sort(np.random.default_rng(0).choice(len(rows), size=500, replace=False))
    inputs = model_inputs(
        rows.iloc[drawn].reset_index(drop=True), census.features, census.categorical_features
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        margins = lgb.Booster(model_file=str(trained.model)).predict(inputs, raw_score=True)
    assert explanation.contributions.scale == "log_odds"
    np.testing.assert_allclose(explanation.contributions.raw, margins, atol=1e-9)
    np.testing.assert_allclose(
        explanation.contributions.values.sum(axis=1) + explanation.contributions.base, margins, atol=1e-6
    )


def test_contributions_are_shaps_own(
    census: DatasetFiles, trained: TrainedModel, explanation: Explanation
) -> None:
    import lightgbm as lgb
    import numpy as np

    rows = read_rows(trained.analysis, ["row_id", *census.features])
    chosen = rows[rows["row_id"].astype(str).isin(explanation.row_ids)].reset_index(drop=True)
    inputs = model_inputs(chosen, census.features, census.categorical_features)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        own = shap.TreeExplainer(lgb.Booster(model_file=str(trained.model)))(inputs, check_additivity=False)
    np.testing.assert_allclose(explanation.contributions.values, own.values, atol=1e-12)


def test_age_decides_most_and_what_never_varies_decides_nothing(
    census: DatasetFiles, explanation: Explanation
) -> None:
    means = [
        (
            name,
            float(abs(explanation.contributions.values[:, at]).mean()),
            float(explanation.contributions.values[:, at].mean()),
        )
        for at, name in enumerate(explanation.features)
    ]
    features = ranked(means)
    assert {feature.feature for feature in features} == set(census.features)
    assert features[0].feature == "age"
    assert features[-1].feature == "year", "the survey year is the same in all rows that were trained on"
    assert features[-1].mean_absolute == 0.0


def test_rows_asked_for_are_explained_besides_the_sample(census: DatasetFiles, trained: TrainedModel) -> None:
    ids = read_rows(trained.analysis, ["row_id"])["row_id"].astype(str)
    asked = (str(ids.iloc[-1]), str(ids.iloc[100_000]))
    found = explain_rows(explain_of(census, trained, sample_rows=20, row_ids=asked))
    assert set(asked) <= set(found.row_ids) and len(found.row_ids) <= 22
    with pytest.raises(RefusedInput, match="there is no row 'nobody'"):
        explain_rows(explain_of(census, trained, sample_rows=20, row_ids=("nobody",)))


def test_features_in_another_order_are_refused(census: DatasetFiles, trained: TrainedModel) -> None:
    turned = tuple(reversed(census.features))
    with pytest.raises(RefusedInput, match="the model was trained on other features: age, schooling"):
        explain_rows(explain_of(census, trained, features=turned))


def test_a_text_feature_must_be_named_as_categorical(census: DatasetFiles, trained: TrainedModel) -> None:
    with pytest.raises(RefusedInput, match="'schooling' holds texts, not numbers"):
        explain_rows(explain_of(census, trained, categorical_features=()))


def test_a_file_that_is_no_model_is_refused(
    census: DatasetFiles, trained: TrainedModel, tmp_path: Path
) -> None:
    strange = tmp_path / "model.txt"
    strange.write_text("not a model")
    with pytest.raises(RefusedInput, match=r"'model.txt' is not a LightGBM model"):
        explain_rows(explain_of(census, trained, model=strange))


def test_training_without_both_outcomes_is_refused(census: DatasetFiles, tmp_path: Path) -> None:
    reference = tmp_path / "reference.parquet"
    pl.read_parquet(census.reference).head(500).with_columns(y_true=pl.lit(1)).write_parquet(reference)
    with pytest.raises(RefusedInput, match="need the outcomes 0 and 1"):
        train_lightgbm(spec_of(census, reference=reference), tmp_path)
    with pytest.raises(RefusedInput, match="has no column 'wealth'"):
        train_lightgbm(spec_of(census, features=("wealth",)), tmp_path)


def test_specs_survive_the_way_through_json(census: DatasetFiles, trained: TrainedModel) -> None:
    train = spec_of(census)
    explain = ExplainSpec(model=trained.model, rows=trained.analysis, features=census.features)
    assert TrainSpec.model_validate_json(train.model_dump_json()) == train
    assert ExplainSpec.model_validate_json(explain.model_dump_json()) == explain
