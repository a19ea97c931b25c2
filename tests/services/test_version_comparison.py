"""Two versions side by side: figures are those of the slices and decay pages, gaps are said in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.domain.commands import AmendModelVersion, PromoteVersion, RegisterModelVersion, make
from core.domain.errors import BadInput, GovernanceError, NotFound
from core.ground import Task
from core.services.governance import Governance
from core.services.measured import bias
from core.services.measured.bias import bias_slices
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.measured.slice_batches import find_version
from core.services.models.version_comparison import (
    NO_PREDICTIONS,
    NOT_ESTIMATED,
    Comparison,
    compare_versions,
)
from core.services.models.versions import (
    amend_model_version,
    promote_version,
    register_model_version,
    version_registry,
)
from tests.conftest import BUILDER, later, register

ROWS = """
    SELECT i AS row_id, CASE WHEN i % 2 = 0 THEN 'Female' ELSE 'Male' END AS sex, {more}
        CASE WHEN i % 2 = 0 THEN i % {odd} = 0 ELSE i % 3 < 2 END::INT AS y_pred, 0.5 AS y_score,
        (i % 5 = 0)::INT AS y_true FROM range(3000) r(i)
"""


def add(governance: Governance, label: str, **given: Any) -> None:
    values = {"algorithm": "Gradient boosting", "task": "binary", **given}
    one = {"actor": BUILDER, "at": later(2), "initiative": "card-limit-advice", "version": label}
    register_model_version(governance, make(RegisterModelVersion, **one, **values))


def predict(
    governance: Governance, folder: Path, label: str, odd: int, more: str = "", task: Task = "binary"
) -> None:
    file = folder / f"{label}.parquet"
    rows = duckdb.sql(ROWS.format(odd=odd, more=more))
    (rows.select("* EXCLUDE (y_score)") if task == "regression" else rows).write_parquet(str(file))
    command = AddPredictions(
        actor=BUILDER,
        at=later(3),
        initiative="card-limit-advice",
        version=label,
        part="analysis",
        file=file,
        task=task,
        sensitive=("sex",),
    )
    add_predictions(governance, command)


@pytest.fixture
def three(governance: Governance, tmp_path: Path) -> Governance:
    """Version 1 current, 2 a challenger, both with predictions; 3 a challenger without."""
    register(governance)
    add(governance, "1", metrics={"roc_auc": 0.80, "mae": 3.0, "own_score": 5.0}, data_sha256="a" * 64)
    links = {"data_sha256": "a" * 64, "code_commit": "c" * 40, "role": "challenger"}
    add(governance, "2", metrics={"roc_auc": 0.82, "mae": 3.5, "own_score": 6.0}, **links)
    add(governance, "3", role="challenger")
    predict(governance, tmp_path, "1", 3)
    predict(governance, tmp_path, "2", 4, more="i % 3 AS region,")
    return governance


def compared(governance: Governance, left: str, right: str, day: float = 4, **given: str) -> Comparison:
    moment = governance.moment(later(day))
    return compare_versions(
        governance, moment, initiative="card-limit-advice", left=left, right=right, **given
    )


def test_metrics_are_better_or_worse_by_their_own_direction(three: Governance) -> None:
    found = {one.name: (one.change, one.better) for one in compared(three, "1", "2").metrics}
    assert found["roc_auc"][1] is True and found["mae"][1] is False
    assert found["own_score"] == (1.0, None), "nobody knows which way is better"
    alone = {one.name: one.change for one in compared(three, "1", "3").metrics}
    assert set(alone.values()) == {None}


def test_only_digests_say_that_two_things_are_the_same(three: Governance) -> None:
    found = {(one.part, one.label): one.sameness for one in compared(three, "1", "2").made_of}
    assert found["Data", "Its sha256"] == "same"
    assert found["Code", "Commit"] == "one_missing"
    assert found["Environment", "Lock file"] == "both_missing"


def test_slices_are_those_of_the_slices_page(three: Governance) -> None:
    found = compared(three, "1", "2").slices
    assert found.by == "sex" and found.features[0] == "sex" and "region" in found.features
    moment = three.moment(later(4))
    for side, version in (("other", "1"), ("now", "2")):
        own = bias_slices(three, moment, initiative="card-limit-advice", version=version, by=("sex",))
        assert [getattr(change, side) for change in found.changes] == list(own.report.slices)
    region = compared(three, "1", "2", by="region").slices
    assert "no column “region”" in region.left.note and region.right.slices is not None
    assert region.changes and all(change.other is None for change in region.changes)


def test_a_number_is_cut_once_for_both_whoever_asks(governance: Governance, tmp_path: Path) -> None:
    register(governance)
    add(governance, "1")
    add(governance, "2", role="challenger")
    predict(governance, tmp_path, "1", 3, more="18 + (i * 7) % 61 AS age,")
    predict(governance, tmp_path, "2", 3, more="33 + (i * 7) % 61 AS age,")
    moment = governance.moment(later(4))
    for left, right in (("1", "2"), ("2", "1")):
        found = compared(governance, left, right, by="age").slices
        asked = {"initiative": "card-limit-advice", "version": right, "other": left, "by": ("age",)}
        assert found.changes == bias.compare_versions(governance, moment, **asked).changes
        own = bias_slices(
            governance, moment, initiative="card-limit-advice", version=right, by=("age",)
        ).report.slices
        assert [change.label for change in found.changes] == [line.label for line in own]
        joined = [change for change in found.changes if change.now and change.other]
        assert (len(found.changes), len(joined)) == (5, 4), "one band lies beyond the ages of the other"
        assert sum(change.other.rows for change in joined if change.other) == 3000


def test_versions_that_predict_different_things_are_not_joined(
    governance: Governance, tmp_path: Path
) -> None:
    register(governance)
    add(governance, "1")
    add(governance, "2", role="challenger", task="regression")
    predict(governance, tmp_path, "1", 3)
    predict(governance, tmp_path, "2", 3, task="regression")
    found = compared(governance, "1", "2").slices
    assert found.left.note == found.right.note
    assert "version '1' is a binary model and version '2' a regression one" in found.left.note
    assert found.changes == () and found.report is None


def test_without_predictions_that_is_said_and_nothing_is_made_up(three: Governance) -> None:
    found = compared(three, "1", "3")
    assert found.slices.right.note == found.decay[1].note == NO_PREDICTIONS
    assert found.decay[0].note == NOT_ESTIMATED
    assert found.slices.changes and all(change.now is None for change in found.slices.changes)
    assert found.right.predictions == 0 and found.left.predictions == 3000


def test_it_is_read_as_of_any_moment(three: Governance) -> None:
    amend = make(
        AmendModelVersion,
        actor=BUILDER,
        at=later(6),
        initiative="card-limit-advice",
        version="3",
        reason="Left out.",
        metrics={"roc_auc": 0.7},
    )
    amend_model_version(three, amend)
    assert compared(three, "1", "3", 5).right.version.metrics == {}
    assert compared(three, "1", "3", 6).right.version.metrics == {"roc_auc": 0.7}


def test_the_current_version_is_looked_at_first_not_the_newest_challenger(three: Governance) -> None:
    def looked_at(day: float) -> str:
        found = find_version(three, three.moment(later(day)), initiative="card-limit-advice")
        return found.version if found else ""

    assert looked_at(4) == "1"
    promoted = {"initiative": "card-limit-advice", "version": "2", "reason": "It errs less."}
    promote_version(three, make(PromoteVersion, actor=BUILDER, at=later(5), **promoted))
    assert looked_at(5) == "2"


def test_the_registry_grades_what_is_in_use(three: Governance) -> None:
    rows = version_registry(three, three.moment(later(4)))
    assert {row.version: (row.state, row.grade) for row in rows} == {
        "1": ("candidate", 1),
        "2": ("registered", 1),
        "3": ("registered", 0),
    }
    assert version_registry(three, three.moment(later(1))) == []


@pytest.mark.parametrize(
    ("given", "problem", "sentence"),
    [
        ({"left": "1", "right": "1"}, BadInput, "cannot be compared with itself"),
        ({"left": "1", "right": "9"}, NotFound, "has no version '9'"),
        ({"left": "1", "right": "2", "by": "nope"}, BadInput, "neither version can be sliced by 'nope'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    three: Governance, given: dict[str, Any], problem: type[GovernanceError], sentence: str
) -> None:
    with pytest.raises(problem, match=sentence):
        compared(three, **given)
