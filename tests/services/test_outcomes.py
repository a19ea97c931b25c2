"""Outcomes that come after the predictions: judged whole, kept, and held against the estimates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.domain.commands import RegisterModelVersion, make
from core.domain.errors import BadInput, Conflict, Forbidden
from core.services.governance import Governance
from core.services.jobs import wait_for
from core.services.measured.decay import decay_report
from core.services.measured.monitoring import AddOutcomes, RefreshMonitoring, add_outcomes, start_refresh
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, OUTSIDER, later, register

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
