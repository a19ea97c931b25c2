"""A batch that was withdrawn counts no more; who, when and why are told, and earlier days show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.domain.actors import Actor
from core.domain.commands import RunChecks, make
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.facts.measured import DecayChunk, DecayRun, Explanation
from core.domain.facts.process import CheckRun
from core.domain.facts.recorded import entry_of
from core.ground import Verdict
from core.lake.facts import history
from core.lake.monitoring import readings
from core.lake.monitoring.attributions import newest_explanation
from core.lake.predictions.batches import registered_versions
from core.services.governance import Governance
from core.services.measured.bias import bias_slices, check_bias_limit
from core.services.measured.data_quality import (
    MeasureDataQuality,
    check_data_quality,
    measure_data_quality,
    quality_report,
)
from core.services.measured.predictions import (
    WithdrawPredictions,
    prediction_batches,
    withdraw_predictions,
)
from core.services.process.checks import run_checks
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, OWNER, later
from tests.services.test_favourable import COLLEAGUE
from tests.services.test_prediction_intake import MAPPED, add, csv, now, with_version

WHY = "The export of April was joined to the wrong customers."


def rows(first: int, last: int, women: float, men: float) -> str:
    """Rows of as many women as men, with the share of each that is granted."""
    lines = ["case,day,probability,granted,repaid,sex,income"]
    for n in range(first, last):
        share = women if n % 2 else men
        granted = int(n % 100 < 100 * share)
        lines.append(f"c{n},2026-03-01T10:00:00Z,0.5,{granted},{n % 3 % 2},{'FM'[n % 2 == 0]},{n}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def gap(governance: Governance, tmp_path: Path) -> str:
    """Two batches: of one nobody is worse off, of the other women are."""
    initiative = with_version(governance, "binary")
    fair, unfair = (
        csv(tmp_path, rows(0, 4000, 0.5, 0.5), "fair.csv"),
        csv(tmp_path, rows(4000, 8000, 0.1, 0.6)),
    )
    add(governance, initiative, fair, favourable=("1",), **MAPPED)
    add(governance, initiative, unfair, days=91, **MAPPED)
    return initiative


def withdraw(
    governance: Governance, initiative: str, *, actor: Actor, days: float = 95, batch: str = ""
) -> None:
    digest = (
        batch
        or prediction_batches(governance, now(governance), initiative=initiative, version="1")
        .batches[0]
        .sha256
    )
    command = make(
        WithdrawPredictions, actor=actor, at=later(days), initiative=initiative, version="1",
        batch=digest, reason=WHY,
    )  # fmt: skip
    withdraw_predictions(governance, command)


def check(governance: Governance, initiative: str, days: float) -> CheckRun:
    command = make(
        RunChecks, actor=ADMIN, at=later(days), initiative=initiative, checks=("bias_limit", "data_quality")
    )
    run_checks(governance, command)
    runs = history(governance.store, CheckRun, governance.moment(later(days)), initiative)
    return next(run for run in reversed(runs) if run.check_id == "bias_limit")


def counted(governance: Governance, initiative: str, days: float) -> int:
    moment = governance.moment(later(days))
    asked = bias_slices(governance, moment, initiative=initiative, version="1", by=("sex",))
    return sum(line.rows for line in asked.report.slices)


def test_its_rows_count_no_more_and_earlier_days_show_them(governance: Governance, gap: str) -> None:
    assert counted(governance, gap, 94) == 8000
    withdraw(governance, gap, actor=BUILDER)
    assert (counted(governance, gap, 96), counted(governance, gap, 94)) == (4000, 8000)
    (known,) = registered_versions(governance.store, now(governance))
    assert known.batches == 1
    assert readings.monitored_versions(governance.store, now(governance), (), ())[0].rows == 4000
    view = prediction_batches(governance, now(governance), initiative=gap, version="1")
    gone, left = view.batches
    assert gone.withdrawn and left.withdrawn is None
    assert (gone.withdrawn.reason, gone.withdrawn.actor_name) == (WHY, BUILDER.name)
    assert gone.withdrawn.recorded_at == later(95).replace(tzinfo=None)
    assert Path(
        readings.batches(governance.store, gap, "1", now(governance), withdrawn=True)[1].path
    ).is_file()
    assert verify_record(governance).first_break is None


def test_what_was_measured_on_it_counts_no_more(governance: Governance, gap: str) -> None:
    about: dict[str, Any] = {"initiative": gap, "version": "1"}
    store = governance.store
    sha256 = readings.batches(store, gap, "1", now(governance))[-1].sha256
    measure_data_quality(governance, make(MeasureDataQuality, actor=ADMIN, at=later(92), **about))
    decay = DecayRun(
        **about, task="binary", chunking="", settings="", reference_rows=1, reference_chunks=1,
        analysis_rows=1, labelled_rows=1, calibrated=False, batches=(sha256,), fit_sha256="", slices_by=(),
    )  # fmt: skip
    chunk = DecayChunk(
        **about, metric="roc_auc", part="analysis", chunk=0, first_row=0, last_row=9, alert=True, worse=True
    )
    explained = Explanation(
        **about, origin="computed", method="m", part="analysis", batch_sha256=sha256, model_sha256="",
        path="", sha256="e", rows=5, features=("income",), scale="", outcome="", asked=(),
    )  # fmt: skip
    entries = [entry_of("a", decay), entry_of("b", chunk), entry_of("c", explained)]
    store.append(entries, actor=ADMIN.id, at=later(93))
    withdraw(governance, gap, actor=BUILDER)
    for days, known in ((94, True), (96, False)):
        moment = governance.moment(later(days))
        assert bool(readings.decay_chunks(store, gap, "1", moment)) is known
        assert readings.monitored_versions(store, moment, ("roc_auc",), ())[0].worse is known
        assert (newest_explanation(store, gap, "1", moment) is not None) is known
        told = check_data_quality(governance, gap, "1", moment).message
        assert ("predictions were withdrawn" in told) is not known
    with pytest.raises(NotFound, match="was measured on predictions that are withdrawn"):
        quality_report(governance, now(governance), initiative=gap, version="1")


def test_nobody_turns_a_verdict_over_alone_and_in_silence(governance: Governance, gap: str) -> None:
    assert check(governance, gap, 92).verdict == "fail"
    for actor in (OWNER.model_copy(update={"roles": BUILDER.roles}), BUILDER):
        with pytest.raises(Forbidden, match="may not withdraw judged predictions"):
            withdraw(governance, gap, actor=actor)
    withdraw(governance, gap, actor=COLLEAGUE)
    then = check(governance, gap, 96)
    assert then.verdict == "pass"
    assert f"1 batch withdrawn, the last on 2026-04-10 by {COLLEAGUE.id}: {WHY}" in then.message


def test_a_batch_is_withdrawn_once_by_its_name_and_with_a_reason(
    governance: Governance, gap: str, tmp_path: Path
) -> None:
    with pytest.raises(NotFound, match="has no batch 'ffffffffff'"):
        withdraw(governance, gap, actor=BUILDER, batch="f" * 10)
    with pytest.raises(BadInput, match="at least 20 characters"):
        make(
            WithdrawPredictions, actor=BUILDER, at=later(95), initiative=gap, version="1",
            batch="f" * 10, reason="Wrong.",
        )  # fmt: skip
    withdraw(governance, gap, actor=BUILDER)
    with pytest.raises(Conflict, match=f"was withdrawn on .* by {BUILDER.name}: {WHY}"):
        withdraw(governance, gap, actor=BUILDER, days=97)
    with pytest.raises(Conflict, match="If it was withdrawn, add what is right"):
        add(governance, gap, tmp_path / "loans.csv", days=98, **MAPPED)
    again = csv(tmp_path, rows(4000, 8000, 0.5, 0.5), "right.csv")
    assert add(governance, gap, again, days=99, **MAPPED).rows == 4000, "its ids are free again"
    assert check_bias_limit(governance, gap, "1", "credit", now(governance)).verdict is Verdict.PASS
