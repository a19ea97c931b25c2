"""Outcomes that come after the predictions: judged whole, kept, and held against the estimates."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from core.analytics.slices.metrics import SLICE_METRICS
from core.domain.commands import RegisterModelVersion, make
from core.domain.errors import BadInput, Conflict, Forbidden
from core.ground import plain
from core.lake.monitoring.readings import batches as batches_on_record
from core.lake.slices.profiles import write_scored_rows
from core.lake.slices.rows import columns_of
from core.services.governance import Governance
from core.services.jobs import wait_for
from core.services.measured.bias import bias_slices, check_bias_limit, sensitive_verdicts
from core.services.measured.data_quality import (
    MeasureDataQuality,
    check_data_quality,
    measure_data_quality,
    quality_report,
)
from core.services.measured.decay import decay_report
from core.services.measured.drift import MeasureDrift, check_drift, drift_report, measure_drift
from core.services.measured.monitoring import AddOutcomes, RefreshMonitoring, add_outcomes, start_refresh
from core.services.measured.predictions import (
    AddPredictions,
    WithdrawPredictions,
    add_predictions,
    withdraw_predictions,
)
from core.services.measured.slice_batches import batches_of
from core.services.measured.weak_slices import find_weakest, score_curves
from core.services.models.versions import register_model_version
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, OUTSIDER, founded, later, register

ROWS = 3_000


def batch(part: str, folder: Path, *, labelled: bool) -> pl.DataFrame:
    rng = np.random.default_rng(len(part))
    scores = np.round(rng.random(ROWS), 4)
    truth = (rng.random(ROWS) < scores).astype(np.int64)
    rows = pl.DataFrame(
        {
            "row_id": [f"{part}-{place}" for place in range(ROWS)],
            "y_score": scores,
            "y_pred": (scores > 0.5).astype(np.int64),
            "y_true": truth,
            "team": np.array(["north", "south"])[rng.integers(0, 2, ROWS)],
        }
    )
    (rows if labelled else rows.drop("y_true")).write_parquet(folder / f"{part}.parquet")
    return rows


@pytest.fixture
def modelled(governance: Governance, tmp_path: Path) -> tuple[str, pl.DataFrame]:
    initiative = register(governance)
    version = {"initiative": initiative, "version": "1"}
    about: dict[str, Any] = {"algorithm": "Gradient boosting", "task": "binary"}
    register_model_version(
        governance, make(RegisterModelVersion, actor=BUILDER, at=later(2), **version, **about)
    )
    batch("reference", tmp_path, labelled=True)
    rows = batch("analysis", tmp_path, labelled=False)
    for part in ("reference", "analysis"):
        given = {"part": part, "file": tmp_path / f"{part}.parquet", "sensitive": ("team",)}
        add_predictions(governance, make(AddPredictions, actor=ADMIN, at=later(3), **version, **given))
    return initiative, rows


def give(governance: Governance, initiative: str, file: Path, day: float = 5, **more: Any) -> int:
    command = make(
        AddOutcomes,
        **{"actor": ADMIN, "at": later(day), "initiative": initiative, "version": "1", "file": file, **more},
    )
    return add_outcomes(governance, command).rows


def refresh(governance: Governance, initiative: str, day: float) -> None:
    command = make(
        RefreshMonitoring, actor=ADMIN, at=later(day), initiative=initiative, version="1", chunk_size=500
    )
    job = wait_for(start_refresh(governance, command))
    assert (job.state, job.problem) == ("done", "")
    assert "estimates are on record" in job.sentence


def test_estimates_made_before_are_held_against_outcomes_that_came_later(
    governance: Governance, modelled: tuple[str, pl.DataFrame], tmp_path: Path
) -> None:
    initiative, rows = modelled
    refresh(governance, initiative, 4)
    before = decay_report(governance, governance.moment(later(4.5)), initiative=initiative, version="1")
    assert (before.known, before.trust.analysis.chunks, before.trust.reference.chunks) == (0, 0, 6)
    # Before any outcome the reference alone says whether its band holds.
    assert {r.id: r.verdict for r in before.reasons}["assumption"] == "pass"

    # Outcomes of the first 1,500 rows arrive, in another order, as CSV with other names.
    came = rows.head(1_500).reverse().select(pl.col("row_id").alias("case"), pl.col("y_true").alias("repaid"))
    came.write_csv(tmp_path / "outcomes.csv")
    assert give(governance, initiative, tmp_path / "outcomes.csv", row_id="case", target="repaid") == 1_500
    refresh(governance, initiative, 6)
    after = decay_report(governance, governance.moment(later(7)), initiative=initiative, version="1")
    assert [c.estimate for c in after.chunks] == [c.estimate for c in before.chunks]
    known = [c.realised is not None for c in after.chunks if c.part == "analysis"]
    assert known == [True] * 3 + [False] * 3
    assert after.run is not None
    assert after.run is not None and after.run.labelled_rows == 1_500
    assert after.trust.compared == 3
    from sklearn.metrics import roc_auc_score

    first = rows.head(500)
    expected = roc_auc_score(first["y_true"].to_numpy(), first["y_score"].to_numpy())
    realised = next(c.realised for c in after.chunks if c.part == "analysis")
    assert realised == pytest.approx(expected, abs=1e-12)
    assert verify_record(governance).first_break is None


def test_a_second_outcome_takes_the_place_of_the_first(
    governance: Governance, modelled: tuple[str, pl.DataFrame], tmp_path: Path
) -> None:
    initiative, rows = modelled
    wrong = rows.select("row_id", y_true=1 - pl.col("y_true"))
    wrong.write_parquet(tmp_path / "wrong.parquet")
    rows.select("row_id", "y_true").write_parquet(tmp_path / "right.parquet")
    give(governance, initiative, tmp_path / "wrong.parquet", 4)
    give(governance, initiative, tmp_path / "right.parquet", 5)
    refresh(governance, initiative, 6)
    view = decay_report(governance, governance.moment(later(7)), initiative=initiative, version="1")
    assert view.trust.error is not None
    assert view.trust.error < 0.05
    with pytest.raises(Conflict, match="added before"):
        give(governance, initiative, tmp_path / "right.parquet", 8)


REFUSALS: list[tuple[dict[str, list[Any]], str]] = [
    ({"row_id": ["analysis-1"], "other": [1]}, "no column 'y_true'"),
    ({"row_id": ["analysis-1", "analysis-1"], "y_true": [1, 0]}, "ids stand twice: 'analysis-1'"),
    (
        {"row_id": ["analysis-1", "nobody"], "y_true": [1, 0]},
        "belong to no prediction of this version: 'nobody'",
    ),
    ({"row_id": ["analysis-1", None], "y_true": [1, 0]}, "rows have no id"),
    ({"row_id": ["analysis-1"], "y_true": [7]}, "holds what is no outcome: '7'"),
    ({"row_id": ["analysis-1"], "y_true": ["yes"]}, "holds what is no outcome: 'yes'"),
    ({"row_id": ["analysis-1"], "y_true": [None]}, r"holds what is no outcome: '\(empty\)'"),
]


_OF_ALL = """SELECT '{part}-' || i AS row_id, CASE WHEN hash(i, {seed}) % 2 = 0 THEN 'Female' ELSE 'Male' END
    AS sex, 20 + hash(i, {seed}, 1) % 60 AS age, hash(i, {seed}, 2) % 1000 AS luck, """
TABLES: dict[str, str] = {
    "binary": _OF_ALL
    + """TIMESTAMP '2026-01-01 08:00:00' + INTERVAL (i // 30) HOUR AS timestamp,
        CASE WHEN i % 7 = 0 THEN NULL ELSE 'region ' || i % 3 END AS region, luck / 1000.0 AS y_score,
        CASE WHEN luck >= 500 THEN 'yes' ELSE 'no' END AS y_pred,
        CASE WHEN hash(i, 3) % 1000 < luck THEN 'yes' ELSE 'no' END AS y_true FROM range(3000) r(i)""",
    "multiclass": _OF_ALL
    + """['low', 'mid', 'top'][1 + luck::BIGINT % 3] AS y_pred,
        CASE WHEN hash(i, 3) % 3 = 0 THEN 'mid' ELSE y_pred END AS y_true FROM range(3000) r(i)""",
    "regression": _OF_ALL
    + "100 + luck % 50 AS y_pred, y_pred + (hash(i, 3) % 100) / 7.0 AS y_true FROM range(3000) r(i)",
}
ABOUT: dict[str, dict[str, Any]] = {
    "binary": {
        "classes": ("no", "yes"),
        "scores": ("y_score",),
        "timestamp": "timestamp",
        "favourable": ("yes",),
    },
    "multiclass": {"classes": ("low", "mid", "top"), "favourable": ("top",)},
    "regression": {},
}
PARTS = ("reference", "analysis")
OF_VERSION: dict[str, Any] = {"initiative": "card-limit-advice", "version": "1"}


def told(folder: Path, task: Any, *, at_once: bool) -> Governance:
    """A store with the same rows, with their outcomes or with outcomes in two files that came later."""
    governance = founded(folder / "store")
    register(governance)
    register_model_version(
        governance,
        make(RegisterModelVersion, actor=BUILDER, at=later(2), **OF_VERSION, algorithm="Trees", task=task),
    )
    parts = {
        part: duckdb.sql(TABLES[task].format(part=part, seed=seed)).pl() for seed, part in enumerate(PARTS)
    }
    for part, rows in parts.items():
        (rows if at_once else rows.drop("y_true")).write_parquet(folder / f"{part}.parquet")
        given = {"part": part, "file": folder / f"{part}.parquet", "sensitive": ("sex",), "row_id": "row_id"}
        given |= {**OF_VERSION, **ABOUT[task], "prediction": "y_pred", "target": "y_true" if at_once else ""}
        add_predictions(governance, make(AddPredictions, actor=ADMIN, at=later(3), **given))
    for day, half in () if at_once else ((4, slice(1000)), (5, slice(1000, ROWS))):
        came = [rows[half].select("row_id", "y_true").reverse() for rows in parts.values()]
        pl.concat(came).write_csv(folder / "outcomes.csv")
        give(governance, OF_VERSION["initiative"], folder / "outcomes.csv", day)
    return governance


def readings(governance: Governance, task: str, folder: Path) -> dict[str, object]:
    """All that is read of batches with outcomes, by what it is."""
    now = governance.moment(later(6))
    asked = {**OF_VERSION, "by": ("sex",)}
    batches = batches_of(governance, *OF_VERSION.values(), now)
    found: dict[str, object] = {
        metric.id: bias_slices(governance, now, **asked, metric=metric.id).report.slices
        for metric in SLICE_METRICS.values()
        if task in metric.tasks and (task == "binary" or not metric.needs)
    }
    assert found
    crossed = bias_slices(
        governance, now, **OF_VERSION, by=("sex", "age"), cuts=("age=at:40",), where=("age>=25",)
    )
    found["crossed"] = crossed.report.slices
    found["check"] = check_bias_limit(governance, *OF_VERSION.values(), "credit", now)
    found["verdicts"] = sensitive_verdicts(governance, now, **OF_VERSION)
    for of in ("value", "gap", "decay"):
        found[f"search {of}"] = find_weakest(governance, now, **OF_VERSION, of=of).found
    found["labelled"] = [
        batch.labelled for batch in batches_on_record(governance.store, *OF_VERSION.values(), now)
    ]
    found["columns"] = columns_of(governance.store.cursor(), batches.paths)
    if task == "binary":
        found["curves"] = score_curves(governance, now, **asked).groups
        scored = folder / "scored.parquet"
        write_scored_rows(governance.store.cursor(), batches.paths, ("sex",), scored, positive="1")
        found["what it would take"] = pl.read_parquet(scored).rows()
    measure_drift(governance, make(MeasureDrift, actor=ADMIN, at=later(7), **OF_VERSION, chunk_rows=500))
    drifted = drift_report(governance, governance.moment(later(8)), **OF_VERSION)
    found["drift"] = [(one.title, one.alerts) for one in (*drifted.features, *drifted.outputs)]
    assert any("target" in one.title for one in drifted.outputs)
    measure_data_quality(governance, make(MeasureDataQuality, actor=ADMIN, at=later(7), **OF_VERSION))
    seen = quality_report(governance, governance.moment(later(8)), **OF_VERSION)
    found["quality"] = [(one.feature, one.verdict, one.findings) for one in seen.columns]
    return found


@pytest.mark.parametrize("task", TABLES)
def test_outcomes_that_came_later_answer_as_those_given_at_once(task: str, tmp_path: Path) -> None:
    answers = []
    for name in ("at once", "later"):
        (tmp_path / name).mkdir()
        governance = told(tmp_path / name, task, at_once=name == "at once")
        answers.append(readings(governance, task, tmp_path / name))
        assert verify_record(governance).first_break is None
        governance.close()
    for what, found in answers[0].items():
        assert plain(answers[1][what]) == plain(found), what


def test_counts_and_measurements_know_which_outcomes_they_rest_on(tmp_path: Path) -> None:
    governance = told(tmp_path, "binary", at_once=False)
    asked: dict[str, Any] = {**OF_VERSION, "by": ("sex",), "metric": "true_positive_rate"}
    before = bias_slices(governance, governance.moment(later(3.5)), **asked)
    assert all(one.value is None for one in before.report.slices)
    now = bias_slices(governance, governance.moment(later(6)), **asked)
    measure_drift(governance, make(MeasureDrift, actor=ADMIN, at=later(6), **OF_VERSION, chunk_rows=500))
    measure_data_quality(governance, make(MeasureDataQuality, actor=ADMIN, at=later(6), **OF_VERSION))

    def checks(day: float) -> list[str]:
        moment = governance.moment(later(day))
        return [
            check(governance, *OF_VERSION.values(), moment).message
            for check in (check_drift, check_data_quality)
        ]

    assert not any("outcomes" in one for one in checks(6.5))
    all_yes = pl.DataFrame({"row_id": [f"analysis-{place}" for place in range(3000)], "y_true": "yes"})
    all_yes.write_csv(tmp_path / "changed.csv")
    give(governance, OF_VERSION["initiative"], tmp_path / "changed.csv", 7)
    after = bias_slices(governance, governance.moment(later(8)), **asked)
    assert [one.value for one in after.report.slices] != [one.value for one in now.report.slices]
    assert bias_slices(governance, governance.moment(later(6)), **asked).report == now.report
    drifted, quality = checks(8)
    assert drifted.endswith("; outcomes came since drift was measured")
    assert quality == "outcomes were added since data quality was measured"
    (joined, *_) = (governance.store.folder / "joined").glob("*.parquet")
    duckdb.sql(f"SELECT * REPLACE (1 AS y_pred) FROM '{joined}'").write_parquet(str(tmp_path / "forged"))
    assert verify_record(governance).first_break is None
    honest = joined.read_bytes()
    shutil.copy(tmp_path / "forged", joined)
    found = verify_record(governance).first_break
    assert found is not None
    assert (found.subject, found.problem) == (
        f"joined/{joined.name}", "holds other rows than its predictions and outcomes: delete it",
    )  # fmt: skip
    joined.write_bytes(honest)
    (joined.parent / "analysis-strange.parquet").write_bytes(honest)
    assert verify_record(governance).first_break is not None, "nobody reads it"
    # What was joined may be deleted at any time.
    shutil.rmtree(governance.store.folder / "joined")
    assert bias_slices(governance, governance.moment(later(8)), **asked).report == after.report
    governance.close()


def test_a_batch_added_in_place_of_a_withdrawn_one_keeps_the_outcomes_of_its_rows(tmp_path: Path) -> None:
    governance = told(tmp_path, "binary", at_once=False)
    now = governance.moment(later(6))
    batch = batches_on_record(governance.store, *OF_VERSION.values(), now)[-1]
    why = {"batch": batch.sha256, "reason": "The scores of this export were of another model."}
    withdraw_predictions(governance, make(WithdrawPredictions, actor=ADMIN, at=later(7), **OF_VERSION, **why))
    rows = pl.read_parquet(tmp_path / "analysis.parquet").with_columns(y_score=1 - pl.col("y_score"))
    rows.write_parquet(tmp_path / "right.parquet")
    given = {"part": "analysis", "file": tmp_path / "right.parquet", "prediction": "y_pred"}
    add_predictions(governance, make(AddPredictions, actor=ADMIN, at=later(8), **OF_VERSION, **given))
    known = batches_on_record(governance.store, *OF_VERSION.values(), governance.moment(later(9)))
    assert [(one.part, one.labelled) for one in known] == [("reference", ROWS), ("analysis", ROWS)]
    governance.close()


def test_an_id_that_stands_in_two_batches_names_no_row(
    governance: Governance, modelled: tuple[str, pl.DataFrame], tmp_path: Path
) -> None:
    initiative, rows = modelled
    numbered = rows.drop("row_id", "y_true").with_columns(y_score=pl.col("y_score") / 2)
    for place in range(2):
        numbered[place * 500 : place * 500 + 500].write_parquet(tmp_path / f"numbered-{place}.parquet")
        given = {"part": "analysis", "file": tmp_path / f"numbered-{place}.parquet"}
        of = {"initiative": initiative, "version": "1"}
        add_predictions(governance, make(AddPredictions, actor=ADMIN, at=later(4), **of, **given))
    pl.DataFrame({"row_id": ["7"], "y_true": [1]}).write_parquet(tmp_path / "outcomes.parquet")
    with pytest.raises(BadInput, match="ids stand in several batches: '7'"):
        give(governance, initiative, tmp_path / "outcomes.parquet")


def test_what_cannot_be_used_is_refused_whole(
    governance: Governance, modelled: tuple[str, pl.DataFrame], tmp_path: Path
) -> None:
    initiative, _ = modelled
    head = governance.store.head()
    for place, (columns, message) in enumerate(REFUSALS):
        file = tmp_path / f"outcomes-{place}.parquet"
        pl.DataFrame(columns).write_parquet(file)
        with pytest.raises(BadInput, match=message) as refusal:
            give(governance, initiative, file)
        assert refusal.value.remedy
    with pytest.raises(Forbidden):
        give(governance, initiative, tmp_path / "analysis.parquet", actor=OUTSIDER)
    assert governance.store.head() == head
    assert not (governance.store.folder / "decay").exists()
