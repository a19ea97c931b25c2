"""Explanations on record: computed in a worker or uploaded, checked whole, verified by digest, read back."""

from __future__ import annotations

import hashlib
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.analytics.job_specs import ExplainSpec
from core.connectors.workers import run_worker
from core.domain.commands import RegisterModelVersion, make
from core.domain.errors import BadInput, Cancelled, Forbidden, GovernanceError, NotFound
from core.ground import Verdict
from core.lake.record.verify import verify_store
from core.services.governance import Governance
from core.services.measured.explanation_view import (
    explained_prediction,
    explanation_report,
    feature_along,
    groups_apart,
    notable_rows,
)
from core.services.measured.explanations import (
    AddAttributions,
    ExplainVersion,
    KeepModel,
    add_attributions,
    check_attributions,
    explain_version,
    keep_model,
)
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from tests.conftest import BUILDER, OUTSIDER, later, register

ROWS = 600
FEATURES = ("income", "age", "sex")
Made = tuple[Governance, str, Path]


@pytest.fixture(scope="module")
def model_text() -> str:
    """A LightGBM model of income, age and sex (a text)."""
    import lightgbm as lgb

    data = rows()
    frame = data.select(FEATURES).to_pandas().astype({"sex": "category"})
    labels = (data["income"] + (data["sex"] == "female") * 0.5 > 0).cast(pl.Int64).to_numpy()
    parameters = {"objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": 6}
    booster = lgb.train(parameters, lgb.Dataset(frame, labels, categorical_feature=["sex"]), 12)
    return str(booster.model_to_string())


def rows() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "row_id": [f"r{at}" for at in range(ROWS)],
            "income": rng.normal(size=ROWS).round(3),
            "age": rng.integers(18, 80, ROWS).astype(float),
            "sex": rng.choice(["female", "male"], ROWS),
            "region": rng.choice(["north", "south", "coast"], ROWS, p=[0.49, 0.49, 0.02]),
        }
    )


@pytest.fixture
def made(governance: Governance, model_text: str, tmp_path: Path) -> Made:
    """A registered version whose artifact is the model, with a batch that it scored."""
    initiative = register(governance)
    file = tmp_path / "model.txt"
    file.write_text(model_text)
    version = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(2),
        initiative=initiative,
        version="1",
        algorithm="LightGBM",
        task="binary",
        artifact_sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    register_model_version(governance, version)
    give_batch(governance, initiative, file, tmp_path / "batch.parquet")
    return governance, initiative, file


def give_batch(governance: Governance, initiative: str, model: Path, path: Path) -> None:
    import lightgbm as lgb

    data = rows()
    inputs = data.select(FEATURES).to_pandas().astype({"sex": "category"})
    scores = np.asarray(lgb.Booster(model_file=str(model)).predict(inputs))
    data.with_columns(
        y_score=pl.Series(scores),
        y_pred=pl.Series((scores >= 0.5).astype(int)),
        y_true=pl.Series((np.arange(ROWS) % 3 == 0).astype(int)),
    ).write_parquet(path)
    command = AddPredictions(
        actor=BUILDER,
        at=later(3),
        initiative=initiative,
        version="1",
        part="analysis",
        file=path,
        task="binary",
        sensitive=("sex", "region"),
    )
    add_predictions(governance, command)


def upload(initiative: str, file: Path, **more: Any) -> AddAttributions:
    values = {"actor": BUILDER, "at": later(5), "initiative": initiative, "version": "1", "file": file}
    return AddAttributions(**(values | more))


def contributions_of(batch: Path) -> pl.DataFrame:
    """Contributions that add up to each row's log odds with a base value of 0.25."""
    data = pl.read_parquet(batch)
    raw = (data["y_score"] / (1 - data["y_score"])).log()
    return pl.DataFrame(
        {
            "row_id": data["row_id"],
            "income": raw - 0.25 - 0.1,
            "age": pl.Series([0.1] * ROWS),
            "sex": pl.Series([0.0] * ROWS),
            "raw_score": raw,
            "base_value": pl.Series([0.25] * ROWS),
        }
    )


def test_a_kept_model_is_explained_in_a_worker_and_read_back(made: Made) -> None:
    governance, initiative, file = made
    keep = KeepModel(actor=BUILDER, at=later(4), initiative=initiative, version="1", file=file)
    assert keep_model(governance, keep) == hashlib.sha256(file.read_bytes()).hexdigest()
    steps: list[str] = []
    command = ExplainVersion(
        actor=BUILDER, at=later(5), initiative=initiative, version="1", rows=500, row=("r7",)
    )
    count = explain_version(governance, command, on_progress=lambda step: steps.append(step.what))
    assert 500 <= count <= 501
    assert steps[0] == "Reading the model."
    moment, one = governance.moment(later(6)), {"initiative": initiative, "version": "1"}
    report = explanation_report(governance, moment, **one)
    assert {feature.feature for feature in report.features} == set(FEATURES)
    assert (report.scale, report.origin) == ("log_odds", "computed")
    assert report.additivity_gap is not None and report.additivity_gap <= 1e-6
    scores = {row["row_id"]: row for row in pl.read_parquet(batch_of(governance)).to_dicts()}
    why = explained_prediction(governance, moment, **one, row="r7")
    assert why.waterfall.output == pytest.approx(scores["r7"]["y_score"], abs=1e-9)
    assert why.waterfall.gap == pytest.approx(0, abs=1e-6)
    assert why.values["sex"] == scores["r7"]["sex"]
    apart = groups_apart(governance, moment, **one, by="sex")
    assert apart.gap.additivity_gap is not None and apart.gap.additivity_gap <= 1e-6
    assert {group.name for group in apart.groups} == {"female", "male"}
    points = feature_along(governance, moment, **one, feature="income")
    assert sum(point.rows for point in points) == count
    assert [point.low for point in points] == sorted(point.low or 0 for point in points)
    notable = notable_rows(governance, moment, **one)
    highest = next(row for row in notable if row.kind == "highest")
    assert highest.raw_score == max(row.raw_score or 0 for row in notable)
    assert all(row.predicted != row.actual for row in notable if row.kind == "mistake")
    assert check_attributions(governance, initiative, "1", moment).verdict is Verdict.PASS
    assert verify_store(governance.store).first_break is None


def batch_of(governance: Governance) -> Path:
    return next(iter((governance.store.folder / "predictions").rglob("*.parquet")))


def test_a_changed_byte_in_model_or_attributions_is_found(made: Made) -> None:
    governance, initiative, file = made
    keep_model(
        governance, KeepModel(actor=BUILDER, at=later(4), initiative=initiative, version="1", file=file)
    )
    written = file.with_name("a.parquet")
    contributions_of(batch_of(governance)).write_parquet(written)
    add_attributions(governance, upload(initiative, written))
    for folder in ("models", "explanations"):
        kept = next((governance.store.folder / folder).iterdir())
        whole = kept.read_bytes()
        kept.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
        found = verify_store(governance.store).first_break
        assert found is not None and found.problem.endswith("is not what was recorded")
        kept.write_bytes(whole)
    assert verify_store(governance.store).first_break is None


def test_another_file_than_the_registered_artifact_is_refused(made: Made, tmp_path: Path) -> None:
    governance, initiative, file = made
    other = tmp_path / "other.txt"
    other.write_text(file.read_text() + "\n")
    command = KeepModel(actor=BUILDER, at=later(4), initiative=initiative, version="1", file=other)
    with pytest.raises(BadInput, match="is not the artifact of version 1"):
        keep_model(governance, command)


def test_a_pickle_is_refused_with_the_reason_and_nothing_is_stored(made: Made, tmp_path: Path) -> None:
    governance, initiative, _ = made
    trap = tmp_path / "model.txt"
    trap.write_bytes(pickle.dumps({"model": 1}))
    head = governance.store.head()
    command = KeepModel(actor=BUILDER, at=later(4), initiative=initiative, version="1", file=trap)
    with pytest.raises(BadInput, match="opening a pickle can run any code"):
        keep_model(governance, command)
    assert governance.store.head() == head
    assert not (governance.store.folder / "models").exists()


def test_who_may_not_explain_is_told_who_may(made: Made) -> None:
    governance, initiative, file = made
    commands: list[tuple[Callable[..., Any], Any]] = [
        (keep_model, KeepModel(actor=OUTSIDER, at=later(4), initiative=initiative, version="1", file=file)),
        (explain_version, ExplainVersion(actor=OUTSIDER, at=later(4), initiative=initiative, version="1")),
        (add_attributions, upload(initiative, file, actor=OUTSIDER)),
    ]
    for service, command in commands:
        with pytest.raises(Forbidden, match="may not explain a model"):
            service(governance, command)


def test_attributions_made_elsewhere_are_kept_whole(made: Made, tmp_path: Path) -> None:
    governance, initiative, _ = made
    file = tmp_path / "a.parquet"
    contributions_of(batch_of(governance)).write_parquet(file)
    assert add_attributions(governance, upload(initiative, file, method="KernelSHAP")) == ROWS
    moment = governance.moment(later(6))
    report = explanation_report(governance, moment, initiative=initiative, version="1")
    assert (report.origin, report.method, report.base_value) == ("uploaded", "KernelSHAP", 0.25)
    assert report.features[0].feature == "income"
    assert sum(feature.share for feature in report.features) == pytest.approx(1.0)
    assert check_attributions(governance, initiative, "1", moment).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop("age"), "feature 'age' has no contributions"),
        (lambda t: t.rename({"age": "wealth"}), "column 'wealth' is no feature"),
        (lambda t: t.drop("row_id"), "has no column 'row_id'"),
        (lambda t: t.with_columns(pl.col("age").cast(pl.String)), "column 'age' holds VARCHAR, not numbers"),
        (lambda t: pl.concat([t, t.head(1)]), "there are two rows 'r0'"),
        (lambda t: t.with_columns(row_id="x" + pl.col("row_id")), "the batch has no row 'xr0'"),
        (lambda t: t.with_columns(age=float("nan")), "column 'age' holds no number in row"),
        (lambda t: t.with_columns(age=pl.lit(None, pl.Float64)), "column 'age' holds no number in row"),
        (lambda t: t.with_columns(income=pl.col("income") + 0.01), "miss its raw score by 0.01"),
        (lambda t: t.with_columns(base_value=0.5), "miss its raw score by 0.25"),
        (lambda t: t.with_columns(base_value=pl.int_range(pl.len()) * 0.1), "holds several values"),
        (lambda t: t.head(0), "has no rows"),
    ],
)
def test_uploads_that_are_wrong_anywhere_are_refused(
    spoil: Callable[[pl.DataFrame], pl.DataFrame], message: str, made: Made, tmp_path: Path
) -> None:
    governance, initiative, _ = made
    file = tmp_path / "a.parquet"
    spoil(contributions_of(batch_of(governance))).write_parquet(file)
    head = governance.store.head()
    with pytest.raises(BadInput) as refusal:
        add_attributions(governance, upload(initiative, file))
    assert message in str(refusal.value)
    assert refusal.value.remedy
    assert governance.store.head() == head
    assert not (governance.store.folder / "explanations").exists()


def test_a_file_that_is_no_parquet_is_refused(made: Made, tmp_path: Path) -> None:
    governance, initiative, _ = made
    file = tmp_path / "a.parquet"
    contributions_of(batch_of(governance)).write_parquet(file)
    broken = {"csv.parquet": b"row_id,age\nr1,2\n", "cut.parquet": file.read_bytes()[:900], "empty": b""}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=r"is not a Parquet file|cannot be read as Parquet"):
            add_attributions(governance, upload(initiative, tmp_path / name))


def test_the_check_fails_closed(made: Made, tmp_path: Path) -> None:
    """Nothing, too few rows, no base value, too old: never a pass."""
    governance, initiative, _ = made

    def verdict(days: float) -> Verdict:
        return check_attributions(governance, initiative, "1", governance.moment(later(days))).verdict

    assert verdict(4) is Verdict.FAIL
    table = contributions_of(batch_of(governance))
    file = tmp_path / "a.parquet"
    table.head(499).write_parquet(file)
    add_attributions(governance, upload(initiative, file))
    assert verdict(6) is Verdict.CANNOT_TELL
    table.drop("base_value").write_parquet(file)
    add_attributions(governance, upload(initiative, file, at=later(7)))
    assert verdict(8) is Verdict.CANNOT_TELL
    table.write_parquet(file)
    add_attributions(governance, upload(initiative, file, at=later(9)))
    assert verdict(10) is Verdict.PASS
    assert verdict(9 + 366) is Verdict.FAIL
    assert verdict(6) is Verdict.CANNOT_TELL, "the past stays as it was"


def test_asking_for_what_is_not_there_names_what_is(made: Made, tmp_path: Path) -> None:
    governance, initiative, _ = made
    one = {"initiative": initiative, "version": "1"}
    with pytest.raises(NotFound, match="has no attributions"):
        explanation_report(governance, governance.moment(later(4)), **one)
    with pytest.raises(NotFound, match="no model file of version '1' is kept"):
        explain_version(governance, ExplainVersion(actor=BUILDER, at=later(4), **one))
    file = tmp_path / "a.parquet"
    contributions_of(batch_of(governance)).head(100).write_parquet(file)
    add_attributions(governance, upload(initiative, file))
    moment = governance.moment(later(6))
    with pytest.raises(NotFound, match="row 'r599' is not among the 100 explained ones"):
        explained_prediction(governance, moment, **one, row="r599")
    with pytest.raises(NotFound, match="batch has no row 'nobody'"):
        explained_prediction(governance, moment, **one, row="nobody")
    with pytest.raises(NotFound, match="'sex' has no group 'other'"):
        groups_apart(governance, moment, **one, by="sex", between=("male", "other"))
    with pytest.raises(BadInput, match="two different groups"):
        groups_apart(governance, moment, **one, by="sex", between=("male", "male"))
    with pytest.raises(NotFound, match="no feature 'shoe size'"):
        feature_along(governance, moment, **one, feature="shoe size")
    few = groups_apart(governance, moment, **one, by="region", between=("coast", "north"))
    assert few.gap.enough is False, "a handful of rows tell nothing"


def spec_of(made: Made, **limits: Any) -> ExplainSpec:
    governance, _, file = made
    return ExplainSpec(
        model=file, rows=batch_of(governance), categorical_features=("sex", "region"), **limits
    )


def test_a_worker_that_takes_too_long_ends_with_a_word(made: Made, tmp_path: Path) -> None:
    with pytest.raises(GovernanceError, match=r"took longer than 1 seconds|exit code -24"):
        run_worker("explain", spec_of(made, seconds=1, sample_rows=ROWS), tmp_path / "job")


def test_a_worker_that_needs_too_much_memory_ends_with_a_word(made: Made, tmp_path: Path) -> None:
    with pytest.raises(GovernanceError) as ended:
        run_worker("explain", spec_of(made, memory_mib=512), tmp_path / "job")
    assert not (tmp_path / "job" / "contributions.parquet").exists()
    assert str(ended.value)


def test_a_cancelled_explanation_records_nothing(made: Made) -> None:
    governance, initiative, file = made
    one = {"initiative": initiative, "version": "1"}
    keep_model(governance, KeepModel(actor=BUILDER, at=later(4), **one, file=file))
    head, cancelled = governance.store.head(), threading.Event()
    with pytest.raises(Cancelled):
        explain_version(
            governance,
            ExplainVersion(actor=BUILDER, at=later(5), **one),
            on_progress=lambda _step: cancelled.set(),
            cancelled=cancelled,
        )
    assert governance.store.head() == head


def test_a_command_names_a_part_that_there_is(made: Made, tmp_path: Path) -> None:
    governance, initiative, _ = made
    file = tmp_path / "a.parquet"
    contributions_of(batch_of(governance)).write_parquet(file)
    with pytest.raises(NotFound, match="has no reference batch"):
        add_attributions(governance, replace_part(upload(initiative, file)))


def replace_part(command: AddAttributions) -> AddAttributions:
    return command.model_copy(update={"part": "reference"})
