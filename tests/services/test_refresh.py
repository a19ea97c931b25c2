"""Own predictions from the batch to estimates on record, through a real worker; refusals store nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.commands import RegisterModelVersion, make
from core.domain.errors import BadInput, Conflict, NotFound
from core.ground import Verdict
from core.services.governance import Governance
from core.services.measured.bias import bias_slices
from core.services.measured.decay import check_decay_alert, decay_report
from core.services.measured.decay_groups import decay_groups
from core.services.measured.monitoring import RefreshMonitoring, refresh_monitoring
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from core.services.record.entries import verify_record
from data.demo.example_datasets import DatasetFiles, write_dataset
from tests.conftest import ADMIN, BUILDER, later, register


@pytest.fixture(scope="module")
def car_loan(tmp_path_factory: pytest.TempPathFactory) -> DatasetFiles:
    return write_dataset("car_loan", tmp_path_factory.mktemp("car_loan"))


def modelled(governance: Governance) -> str:
    initiative = register(governance, "Car Loan Repayment")
    register_model_version(
        governance,
        make(
            RegisterModelVersion,
            actor=BUILDER,
            at=later(2),
            initiative=initiative,
            version="1",
            algorithm="Gradient boosting",
            task="binary",
        ),
    )
    return initiative


def add(governance: Governance, initiative: str, file: Path, part: str, **given: object) -> int:
    command = make(
        AddPredictions,
        **{
            "actor": ADMIN,
            "at": later(3),
            "initiative": initiative,
            "version": "1",
            "part": part,
            "file": file,
            "task": "binary",
            "sensitive": ("salary_range",),
            **given,
        },
    )
    return add_predictions(governance, command).rows


def refresh(governance: Governance, initiative: str, day: int = 4) -> int:
    return refresh_monitoring(
        governance, make(RefreshMonitoring, actor=ADMIN, at=later(day), initiative=initiative, version="1")
    )


def test_batches_become_slices_estimates_and_an_alert(governance: Governance, car_loan: DatasetFiles) -> None:
    initiative = modelled(governance)
    assert add(governance, initiative, car_loan.reference, "reference") == 50_000
    assert add(governance, initiative, car_loan.analysis, "analysis") == 50_000
    assert refresh(governance, initiative) > 0
    moment = governance.moment(later(5))
    report = decay_report(governance, moment, initiative=initiative, version="1")
    analysis = [chunk for chunk in report.chunks if chunk.part == "analysis"]
    assert [round(chunk.estimate or 0, 6) for chunk in analysis[:2]] == [0.970744, 0.971011]
    assert [chunk.alert for chunk in analysis] == [False] * 5 + [True] * 5
    assert check_decay_alert(governance, initiative, "1", moment).verdict is Verdict.FAIL
    slices = bias_slices(governance, moment, initiative=initiative, version="1", by=("salary_range",))
    assert sum(line.rows for line in slices.report.slices) == 50_000
    assert verify_record(governance).first_break is None
    assert verify_record(governance).files == 4  # two batches, what NannyML learned, and the groups

    divided = {"initiative": initiative, "version": "1", "by": "salary_range"}
    groups = decay_groups(governance, moment, **divided)
    assert sum(group.rows for group in groups.groups) == 50_000
    assert {group.calibrated for group in groups.groups} == {"own"}
    assert all(c.judged == (c.rows >= 100) for group in groups.groups for c in group.chunks)
    # The mix of groups changed: everyone is beyond the threshold, and no group is beyond its own.
    assert groups.first == ()
    assert groups.groups[0].label == "20K - 40K €"
    assert 0.9 < (groups.groups[0].room_used or 0) < 1
    view = decay_report(governance, moment, initiative=initiative, version="1")
    assert view.run is not None
    assert view.run and (view.run.chunking, view.run.reference_chunks) == ("5000 rows", 10)
    assert {reason.id: reason.verdict for reason in view.reasons}["calibration"] == "pass"

    # NannyML learns once: the next refresh reads what it kept, and finds the same.
    assert refresh(governance, initiative, day=6) > 0
    later_on = governance.moment(later(7))
    again = decay_report(governance, later_on, initiative=initiative, version="1")
    assert [chunk.estimate for chunk in again.chunks] == [chunk.estimate for chunk in report.chunks]
    asked = governance.store.cursor().execute("SELECT count(*) FROM decay_fit").fetchall()
    assert asked == [(1,)]
    # As of before, the record answers as it did then.
    assert decay_report(governance, moment, initiative=initiative, version="1").chunks == report.chunks
    assert decay_groups(governance, moment, **divided) == groups


def test_refusals_store_nothing(governance: Governance, car_loan: DatasetFiles, tmp_path: Path) -> None:
    initiative = modelled(governance)
    head = governance.store.head()
    with pytest.raises(NotFound, match="has no version '7'"):
        add(governance, initiative, car_loan.reference, "reference", version="7")
    with pytest.raises(BadInput, match="no column 'shoe_size'"):
        add(governance, initiative, car_loan.reference, "reference", sensitive=("shoe_size",))
    text = tmp_path / "predictions.parquet"
    text.write_text("not a Parquet file")
    with pytest.raises(BadInput, match="not what its name says"):
        add(governance, initiative, text, "reference")
    with pytest.raises(BadInput, match="has no reference batch"):
        refresh(governance, initiative)
    assert governance.store.head() == head
    add(governance, initiative, car_loan.reference, "reference")
    with pytest.raises(Conflict, match="added before"):
        add(governance, initiative, car_loan.reference, "reference")
