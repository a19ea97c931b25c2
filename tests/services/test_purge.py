"""Rows go when their time is over or a withdrawn batch has to; figures stay, and a legal hold stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.domain.commands import make
from core.domain.errors import Conflict, Forbidden, NotFound
from core.domain.facts.measured import DataPurge
from core.lake.facts import newest
from core.services.governance import Governance
from core.services.measured.bias import bias_slices, check_bias_limit
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality, quality_report
from core.services.measured.drift import MeasureDrift, drift_report, measure_drift
from core.services.measured.predictions import (
    WithdrawPredictions,
    prediction_batches,
    withdraw_predictions,
)
from core.services.process.evidence import (
    HoldInitiative,
    PurgeEvidence,
    PurgePredictions,
    due_for_purge,
    hold_initiative,
    purge_evidence,
    purge_predictions,
)
from core.services.process.initiatives import initiative_sheet
from core.services.record.entries import verify_record
from core.services.record.proposals import AgreeToProposal, agree_to_proposal
from tests.conftest import ADMIN, BUILDER, VALIDATOR, later
from tests.process import agree
from tests.properties.test_values_stay_out import MARK, OF, add, rows_of
from tests.services.test_prediction_intake import with_version

OLD = 3_700.0
"""A day on which all rows are older than the shipped policy keeps them."""
WHY = "Kept as long as the policy asks."


@pytest.fixture
def filled(governance: Governance, tmp_path: Path) -> Governance:
    """Both parts with a mark in names, notes and ids, measured."""
    with_version(governance, "binary")
    for part in ("reference", "analysis"):
        marked = {"name": 3, "segment": 6, "sex": 1} | ({"row_id": 3} if part == "analysis" else {})
        add(governance, tmp_path, part, "binary", csv=True, rows=rows_of(part[0], "binary", marked))
    measure_data_quality(governance, MeasureDataQuality(actor=BUILDER, at=later(5), **OF))
    measure_drift(governance, MeasureDrift(actor=BUILDER, at=later(5), **OF))
    return governance


def purge(governance: Governance, days: float = OLD, **more: Any) -> int:
    given = {"actor": ADMIN, "at": later(days), "initiative": OF["initiative"], "reason": WHY, **more}
    return purge_predictions(governance, make(PurgePredictions, **given))


def kept(governance: Governance) -> bytes:
    """Every file of the store, but for its database."""
    return b"".join(file.read_bytes() for file in governance.store.folder.rglob("*") if file.is_file())


def test_rows_older_than_the_policy_keeps_them_are_offered_and_go(filled: Governance) -> None:
    assert due_for_purge(filled, filled.present(later(30))) == []
    with pytest.raises(NotFound, match="no rows are older than the policy keeps them"):
        purge(filled, 30)
    due = due_for_purge(filled, filled.present(later(OLD)))
    assert [(one.part, one.rows, one.withdrawn, one.held) for one in due] == [
        ("reference", 600, False, False),
        ("analysis", 600, False, False),
    ]
    assert MARK.encode() in kept(filled)
    drift, quality = (ask(filled, filled.present(later(6)), **OF) for ask in (drift_report, quality_report))

    assert purge(filled) == 2
    assert kept(filled) == b"", "nothing of single rows is left"
    assert due_for_purge(filled, filled.present(later(OLD + 1))) == []
    found = verify_record(filled)
    assert (found.first_break, found.notes) == (None, ())
    assert found.purged > 4
    now = filled.present(later(OLD + 1))
    after = drift_report(filled, now, **OF)
    assert after.features == drift.features, "figures stay readable"
    assert "rows that it counts were purged on 2036-02" in after.stale
    assert [one.missing for one in quality_report(filled, now, **OF).columns] == [
        one.missing for one in quality.columns
    ]
    assert "rows that it counts were purged" in quality_report(filled, now, **OF).check.message
    assert {line.purged is not None for line in prediction_batches(filled, now, **OF).batches} == {True}
    bias = check_bias_limit(filled, OF["initiative"], "1", "credit", now)
    assert bias.message.startswith("the rows of version '1' were purged by")
    for moment in (now, filled.moment(later(6))):
        with pytest.raises(NotFound, match="the rows of version '1' were purged by"):
            bias_slices(filled, moment, **OF, by=("sex",))


def test_a_withdrawn_batch_goes_at_any_time_by_somebody_without_a_part_in_it(filled: Governance) -> None:
    analysis = prediction_batches(filled, filled.present(later(6)), **OF).batches[0].sha256
    with pytest.raises(NotFound, match="no withdrawn batches with rows begin with"):
        purge(filled, 6, batch=analysis[:12])
    reason = "It holds names that nobody asked for."
    withdrawn = {"actor": ADMIN, "at": later(7), "batch": analysis, "reason": reason}
    withdraw_predictions(filled, make(WithdrawPredictions, **OF, **withdrawn))
    owner = BUILDER.model_copy(update={"roles": ("administrator",)})
    with pytest.raises(Forbidden, match="may not purge rows before their time of it"):
        purge(filled, 8, batch=analysis[:12], actor=owner)
    assert purge(filled, 8, batch=analysis[:12]) == 1
    (gone,) = newest(filled.store, DataPurge, filled.present(later(9)))
    assert analysis in gone.files
    assert verify_record(filled).first_break is None
    left = bias_slices(filled, filled.present(later(9)), **OF, by=("sex",), part="reference")
    assert left.report.overall_n == 600, "the other batch is untouched"


def test_a_legal_hold_takes_two_people_and_stops_every_purge(filled: Governance) -> None:
    def hold(state: str, day: float) -> str:
        given = {"actor": ADMIN, "at": later(day), "state": state, "reason": "The court asked for it."}
        return hold_initiative(filled, make(HoldInitiative, initiative=OF["initiative"], **given))

    proposal = hold("held", OLD)
    with pytest.raises(Conflict, match="a legal hold is proposed"):
        purge(filled)
    own = {"actor": ADMIN, "at": later(OLD), "proposal": proposal}
    with pytest.raises(Forbidden):
        agree_to_proposal(filled, make(AgreeToProposal, **own))
    agree(filled, proposal, OLD, VALIDATOR)
    assert [one.held for one in due_for_purge(filled, filled.present(later(OLD)))] == [True, True]
    with pytest.raises(Conflict, match="a legal hold is on it since 2036"):
        purge(filled)
    with pytest.raises(Conflict, match="a legal hold is on it"):
        given = {"sha256": "a" * 64, "reason": "It is personal."}
        evidence = make(PurgeEvidence, actor=ADMIN, at=later(OLD), initiative=OF["initiative"], **given)
        purge_evidence(filled, evidence)
    sheet = initiative_sheet(filled, filled.present(later(OLD)), initiative=OF["initiative"])
    assert sheet.hold is not None and sheet.hold.reason == "The court asked for it."
    with pytest.raises(Conflict, match="it is held already"):
        hold("held", OLD + 1)
    agree(filled, hold("lifted", OLD + 1), OLD + 1, VALIDATOR)
    assert initiative_sheet(filled, filled.present(later(OLD + 1)), initiative=OF["initiative"]).hold is None
    assert purge(filled, OLD + 2) == 2
