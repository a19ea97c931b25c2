"""The decay page: groups on one scale, reasons for trust, and a refresh offered to those who may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.analytics.decay.estimates import SliceChunk
from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.facts.measured import DecayRun
from core.lake.monitoring.readings import write_estimates
from core.services import jobs
from core.services.governance import Governance
from core.services.measured.decay_groups import decay_groups
from core.services.measured.monitoring import RecordEstimates, record_estimates, refresh_subject
from portal.components.desk import Desk
from tests.conftest import BUILDER, OWNER, later, register
from tests.portal.test_pages_oversight import PARTS, chunk, give_predictions, give_version, said

HOSTILE = ":green-badge[North] <b>x</b>"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are this test's own: others of this process name the same model."""
    monkeypatch.setattr(jobs, "_JOBS", jobs.Jobs())
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


def of_group(
    name: str, estimates: list[float | None], *, calibrated: Any = "own", metric: str = "roc_auc"
) -> list[SliceChunk]:
    """Four reference chunks at 0.9, then analysis chunks; the threshold is 0.85."""
    found = []
    values: list[float | None] = [0.9] * 4 + estimates
    for place, value in enumerate(values):
        worse = value is not None and value < 0.85
        part: Any = "reference" if place < 4 else "analysis"
        found.append(
            SliceChunk(
                metric=metric,
                part=part,
                chunk=place if place < 4 else place - 4,
                first_row=10 * place,
                last_row=10 * place + 9,
                rows=200,
                labelled_rows=200,
                started_at=None,
                ended_at=None,
                estimate=value,
                realised=value if place < 4 else None,
                lower_confidence=None,
                upper_confidence=None,
                lower_threshold=0.85,
                upper_threshold=0.95,
                sampling_error=0.01,
                alert=worse,
                worse=worse,
                features=("team",),
                values=(name,),
                calibrated=calibrated,
                judged=value is not None,
            )
        )
    return found


@pytest.fixture
def divided(governance: Governance, tmp_path: Path) -> Governance:
    initiative = register(governance)
    give_version(governance, initiative)
    give_predictions(governance, initiative, tmp_path / "rows.parquet")
    slices = [
        *of_group("late", [0.9, 0.9, 0.84, 0.83]),
        *of_group(HOSTILE, [0.9, 0.84, 0.8, 0.8], calibrated="shrunk"),
        *of_group("once", [0.84, 0.9, 0.9, 0.89]),
        *of_group("unknown", [None, None, None, None]),
    ]
    record(governance, slices, tmp_path)
    return governance


RUN = DecayRun(
    initiative="card-limit-advice",
    version="1",
    task="binary",
    chunking="5000 rows",
    settings="{}",
    reference_rows=20_000,
    reference_chunks=4,
    analysis_rows=20_000,
    labelled_rows=0,
    calibrated=True,
    calibration_error=0.06,
    raw_calibration_error=0.1,
    batches=(),
    fit_sha256="0" * 64,
    slices_by=("team",),
)


def record(
    governance: Governance, slices: list[SliceChunk], folder: Path, metric: str = "roc_auc", day: float = 6
) -> None:
    """A refresh that estimated one metric."""
    places = [(part, place) for part in PARTS for place in range(4)]
    command = RecordEstimates(
        actor=BUILDER,
        at=later(day),
        initiative="card-limit-advice",
        version="1",
        chunks=tuple(chunk(metric, part, place, 0.0) for part, place in places),
        run=RUN,
        slices_file=write_estimates(slices, folder / "slices.parquet", SliceChunk),
    )
    record_estimates(governance, command)


@pytest.fixture
def accuracy_alone(divided: Governance, tmp_path: Path) -> Governance:
    """A later refresh that left the leading metric out."""
    slices = of_group("late", [0.9, 0.9, 0.84, 0.83], metric="accuracy")
    record(divided, slices, tmp_path, metric="accuracy", day=7)
    return divided


def open_decay(governance: Governance, reader: Actor = BUILDER, *, day: float = 60, **query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / "portal" / "pages" / "decay.py"), default_timeout=60)
    page.session_state["desk"] = Desk(governance, reader, governance.moment(later(day)))
    for param, value in query.items():
        page.query_params[param] = value
    page.run()
    assert not page.exception, [problem.message for problem in page.exception]
    return page


def test_the_metric_says_how_it_is_counted(divided: Governance) -> None:
    words = said(open_decay(divided, id="card-limit-advice", version="1"))
    for part in ("Formula:", "Direction:", "Zero:", "Leaves out:", "Source:"):
        assert part in words, part


def test_a_refresh_of_one_metric_shows_that_metric_and_says_what_the_check_lacks(
    accuracy_alone: Governance,
) -> None:
    page = open_decay(accuracy_alone, id="card-limit-advice", version="1", by="team")
    words = said(page)
    assert not page.error
    assert "The decay check looks at ROC AUC, which the newest refresh left out: it cannot tell." in words
    assert "Accuracy by team: who decays first" in words
    assert page.selectbox(key="url-metric").options == ["Accuracy"]
    assert "left out" not in said(open_decay(accuracy_alone, day=6.5, id="card-limit-advice"))


def test_the_group_that_decays_first_is_named_before_any_outcome(divided: Governance) -> None:
    found = decay_groups(
        divided, divided.moment(later(60)), initiative="card-limit-advice", version="1", by="team"
    )
    assert [group.label for group in found.groups] == [HOSTILE, "late", "once", "unknown"]
    assert [group.decayed_from for group in found.groups] == [1, 2, None, None]
    assert [group.calibrated for group in found.groups] == ["shrunk", "own", "own", "own"]
    assert [group.trust.verdict for group in found.groups] == ["pass", "pass", "pass", "pass"]
    assert found.groups[0].room_used == pytest.approx((0.9 - 0.8) / (0.9 - 0.85))
    assert (found.untold, found.groups[3].judged) == (1, 0)
    page = open_decay(divided, by="team")
    words = said(page)
    assert "ROC AUC by team: who decays first" in words
    assert f"{HOSTILE} decays first, from row 51 on. About 1 group nobody can tell." in words
    assert "<b>x</b>" not in " ".join(e.value for e in page.caption)
    table = next(frame.value for frame in page.dataframe if "Calibrated on" in frame.value)
    assert list(table["Calibrated on"]) == ["its own and larger groups", *["its own rows"] * 3]
    assert list(table["What that means"]) == ["Right to 0.02: ROC AUC +0 ± 0.01 in the reference"] * 4
    assert list(table["Worse"]) == ["3 of 4", "2 of 4", "1 of 4", "◆ Cannot tell"]


def test_trust_names_each_reason_and_fails_with_the_worst(divided: Governance) -> None:
    words = said(open_decay(divided))
    assert "No: the probabilities are not calibrated, so an alert says little." in words
    assert (
        "Probabilities are off by 6.0 points on the reference after calibration, raw scores by 10.0" in words
    )
    assert "The thresholds rest on 4 reference chunks" in words
    assert "Chunks of 5,000 rows" in words


def test_a_refresh_is_offered_to_those_who_may(divided: Governance) -> None:
    page = open_decay(divided)
    assert "refresh-start" in [button.key for button in page.button]
    page.selectbox(key="refresh-rule").select("month").run()
    assert not page.exception
    assert not page.number_input
    reader = open_decay(divided, OWNER)
    assert "refresh-start" not in [button.key for button in reader.button]
    past = AppTest.from_file(str(PROJECT / "portal" / "pages" / "decay.py"), default_timeout=60)
    desk = Desk(divided, BUILDER, divided.moment(later(60)))
    past.session_state["desk"] = replace(desk, in_past=True)
    past.run()
    assert "refresh-start" not in [button.key for button in past.button]


def test_a_feature_that_nobody_was_divided_by_gives_a_sentence(divided: Governance) -> None:
    page = open_decay(divided, by="shoe_size")
    # The choice falls back to everyone: what is not among the choices is not asked for.
    assert not page.error
    assert "who decays first" not in said(page)


def test_a_refresh_that_is_refused_says_why_on_the_page(divided: Governance) -> None:
    page = open_decay(divided)
    page.button(key="refresh-start").click().run()
    assert not page.exception
    (job,) = jobs.jobs_of(refresh_subject("card-limit-advice", "1"))
    ended = jobs.wait_for(job.id)
    assert ended.state == "failed"
    head = divided.store.head()
    again = open_decay(divided)
    assert "has no reference batch" in again.error[0].value
    assert divided.store.head() == head
