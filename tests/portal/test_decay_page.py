"""The decay page: groups on one scale, reasons for trust, and a refresh offered to those who may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.analytics.decay.estimates import EstimatedChunk, SliceChunk
from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.entrypoints.worker.tables import write_slices
from core.services.governance import Governance
from core.services.jobs import jobs_of, wait_for
from core.services.measured.decay_groups import decay_groups
from core.services.measured.monitoring import RecordEstimates, record_estimates
from core.services.measured.refresh import refresh_subject
from portal.components.desk import Desk, forget_answers
from tests.conftest import BUILDER, OWNER, later, register
from tests.portal.test_pages_oversight import chunk, give_predictions, give_version, said

HOSTILE = ":green-badge[North] <b>x</b>"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_answers()
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


def of_group(name: str, estimates: list[float | None], *, calibrated: Any = "own") -> list[SliceChunk]:
    """Four reference chunks at 0.9, then analysis chunks; the threshold is 0.85."""
    found = []
    values: list[float | None] = [0.9] * 4 + estimates
    for place, value in enumerate(values):
        worse = value is not None and value < 0.85
        period: Any = "reference" if place < 4 else "analysis"
        found.append(
            SliceChunk(
                ("team",),
                (name,),
                calibrated,
                value is not None,
                EstimatedChunk(
                    "roc_auc",
                    period,
                    place if place < 4 else place - 4,
                    10 * place,
                    10 * place + 9,
                    200,
                    200,
                    None,
                    None,
                    value,
                    value if place < 4 else None,
                    None,
                    None,
                    0.85,
                    0.95,
                    0.01,
                    worse,
                    worse,
                ),
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
        *of_group(HOSTILE, [0.9, 0.84, 0.8, 0.8], calibrated="all"),
        *of_group("once", [0.84, 0.9, 0.9, 0.89]),
        *of_group("unknown", [None, None, None, None]),
    ]
    run = {
        "task": "binary",
        "chunking": "5000 rows",
        "settings": "{}",
        "reference_rows": 20_000,
        "reference_chunks": 4,
        "analysis_rows": 20_000,
        "labelled_rows": 0,
        "calibrated": True,
        "calibration_error": 0.06,
        "raw_calibration_error": 0.1,
        "batches": [],
        "fit_sha256": "0" * 64,
        "slices_by": ["team"],
    }
    places = [(part, place) for part in ("reference", "analysis") for place in range(4)]
    command = RecordEstimates(
        actor=BUILDER,
        at=later(6),
        initiative=initiative,
        version="1",
        chunks=tuple(chunk("roc_auc", part, place, 0.0) for part, place in places),
        run=run,
        slices_file=write_slices(slices, tmp_path / "slices.parquet"),
    )
    record_estimates(governance, command)
    return governance


def open_decay(governance: Governance, reader: Actor = BUILDER, **query: str) -> AppTest:
    page = AppTest.from_file(str(PROJECT / "portal" / "pages" / "decay.py"), default_timeout=60)
    page.session_state["desk"] = Desk(governance, reader, governance.moment(later(60)))
    for param, value in query.items():
        page.query_params[param] = value
    page.run()
    assert not page.exception, [problem.message for problem in page.exception]
    return page


def test_the_metric_says_how_it_is_counted(divided: Governance) -> None:
    words = said(open_decay(divided, id="card-limit-advice", version="1"))
    for part in ("Formula:", "Direction:", "Zero:", "Leaves out:", "Source:"):
        assert part in words, part


def test_the_group_that_decays_first_is_named_before_any_outcome(divided: Governance) -> None:
    found = decay_groups(
        divided, divided.moment(later(60)), initiative="card-limit-advice", version="1", by="team"
    )
    assert [group.label for group in found.groups] == [HOSTILE, "late", "once", "unknown"]
    assert [group.decayed_from for group in found.groups] == [1, 2, None, None]
    assert [group.calibrated for group in found.groups] == ["all", "own", "own", "own"]
    assert found.groups[0].room_used == pytest.approx((0.9 - 0.8) / (0.9 - 0.85))
    assert (found.untold, found.groups[3].judged) == (1, 0)
    page = open_decay(divided, by="team")
    words = said(page)
    assert "ROC AUC by team: who decays first" in words
    assert f"{HOSTILE} decays first, from row 51 on. About 1 group nobody can tell." in words
    assert "<b>x</b>" not in " ".join(e.value for e in page.caption)
    table = next(frame.value for frame in page.dataframe if "Calibrated on" in frame.value)
    assert list(table["Calibrated on"]) == ["all rows", "its own rows", "its own rows", "its own rows"]
    assert list(table["Worse"]) == ["3 of 4", "2 of 4", "1 of 4", "◆ Cannot tell"]


def test_trust_names_each_reason_and_fails_with_the_worst(divided: Governance) -> None:
    words = said(open_decay(divided))
    assert "No: something here speaks against the estimates" in words
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
    subject = refresh_subject("card-limit-advice", "1")
    page.button(key="refresh-start").click().run()
    assert not page.exception
    (job,) = jobs_of(subject)
    ended = wait_for(job.id)
    assert ended.state == "failed"
    head = divided.store.head()
    again = open_decay(divided)
    assert "has no reference batch" in again.error[0].value
    assert divided.store.head() == head
