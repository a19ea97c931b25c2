"""Explanations and business KPIs as pages: empty, filled, asked for nonsense, closed to who may not act."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.commands import RegisterModelVersion, make
from core.domain.models.business_kpis import SetBusinessKpi
from core.services.governance import Governance
from core.services.measured.business_kpi import (
    ObserveBusinessKpi,
    observe_business_kpi,
    set_business_kpi,
)
from core.services.measured.explanations import AddAttributions, add_attributions
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from portal.components.desk import Desk
from tests.conftest import BUILDER, OUTSIDER, OWNER, later, register

HOSTILE = ":green-badge[Approved] <b>x</b> $y$"
ROWS = "range(90) r(i)"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are shown as text: a page alone knows no other page."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


@pytest.fixture
def explained(governance: Governance, tmp_path: Path) -> tuple[Governance, str]:
    """A version with a batch and attributions that add up; a group and a row with hostile names."""
    initiative = register(governance, HOSTILE)
    version = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(2),
        initiative=initiative,
        version="1",
        algorithm="Scorecard",
        task="binary",
    )
    register_model_version(governance, version)
    batch, file = tmp_path / "batch.parquet", tmp_path / "attributions.parquet"
    name = HOSTILE.replace("'", "''")
    duckdb.sql(
        "SELECT 'row-' || i AS row_id, i % 2 AS y_pred, 1 / (1 + exp(-(i % 5 - 2.0))) AS y_score, "
        f"(i % 3 = 0)::INT AS y_true, 20 + i AS age, CASE WHEN i % 5 < 2 THEN '{name}' ELSE 'b' END AS sex "
        f"FROM {ROWS}"
    ).write_parquet(str(batch))
    duckdb.sql(f"SELECT 'row-' || i AS row_id, i % 5 - 2.25 AS age, 0.25 AS sex FROM {ROWS}").write_parquet(
        str(file)
    )
    one = {"actor": BUILDER, "initiative": initiative, "version": "1"}
    add_predictions(
        governance,
        AddPredictions.model_validate(
            {
                **one,
                "at": later(3),
                "part": "analysis",
                "file": batch,
                "task": "binary",
                "sensitive": ("sex",),
            }
        ),
    )
    add_attributions(
        governance, AddAttributions.model_validate({**one, "at": later(4), "file": file, "base_value": 0.0})
    )
    return governance, initiative


@pytest.fixture
def promised(governance: Governance) -> tuple[Governance, str]:
    initiative = register(governance)
    command = make(
        SetBusinessKpi,
        actor=OWNER,
        at=later(2),
        initiative=initiative,
        name=HOSTILE,
        unit="%",
        direction="up",
        baseline=20.0,
        baseline_on=date(2026, 1, 1),
        target=30.0,
        target_on=date(2026, 7, 1),
    )
    kpi = set_business_kpi(governance, command).kpi
    seen = make(
        ObserveBusinessKpi,
        actor=OWNER,
        at=later(40),
        initiative=initiative,
        kpi=kpi,
        observed_on=date(2026, 2, 1),
        value=21.0,
        note=HOSTILE,
    )
    observe_business_kpi(governance, seen)
    return governance, initiative


def open_page(
    governance: Governance, page: str, *, actor: Actor = BUILDER, days: float = 50, **query: str
) -> AppTest:
    at = AppTest.from_file(str(PROJECT / "portal" / "pages" / f"{page}.py"), default_timeout=60)
    at.session_state["desk"] = Desk(governance, actor, governance.moment(later(days)))
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def words_of(at: AppTest) -> str:
    """All words on the page, our own HTML included, without the marks that escape them."""
    parts = [*(m.value for m in at.markdown), *(c.value for c in at.caption), *html_of(at)]
    return " ".join(parts).replace("\\", "").replace("\u2060", "")


def html_of(at: AppTest) -> list[str]:
    return [node.proto.body for node in at.get("html")]


@pytest.mark.parametrize("page", ["explanations", "business_kpi"])
def test_a_page_of_an_empty_store_leads_on(governance: Governance, page: str) -> None:
    at = open_page(governance, page)
    assert not at.exception and not at.error
    assert "Open the inventory" in words_of(at) or "Register the first initiative" in words_of(at)


def test_an_explanation_shows_sums_features_one_row_and_two_groups(explained: tuple[Governance, str]) -> None:
    governance, initiative = explained
    at = open_page(governance, "explanations", id=initiative, row="row-4")
    assert not at.exception and not at.error, at.exception
    words = words_of(at)
    assert ">90<" in words and "Strongest feature" in words and ">Age<" in words
    assert "the steps add up" in words
    assert "makes the widest difference" in words
    assert [heading.value for heading in at.header] == [
        "What the scores come from",
        "One feature along its values",
        "Why this prediction",
        "What sets two groups apart",
    ]


def test_hostile_names_stay_text_on_the_explanations(explained: tuple[Governance, str]) -> None:
    governance, initiative = explained
    at = open_page(governance, "explanations", id=initiative)
    assert not any(":green-badge[" in m.value for m in (*at.markdown, *at.caption))
    assert "green-badge[Approved]" in words_of(at), "it is shown, as text"
    assert "<b>" not in " ".join(html_of(at)).replace("&lt;b&gt;", "")


def test_a_row_or_group_that_is_not_there_is_said_in_a_sentence(explained: tuple[Governance, str]) -> None:
    governance, initiative = explained
    at = open_page(governance, "explanations", id=initiative, row="nobody", first="x", second="y")
    assert not at.exception
    assert len(at.error) == 2
    at = open_page(governance, "explanations", id="nothing")
    assert not at.exception and "No initiative" in at.error[0].value


def test_who_may_not_explain_sees_why_and_no_form(explained: tuple[Governance, str]) -> None:
    governance, initiative = explained
    may = open_page(governance, "explanations", id=initiative)
    may_not = open_page(governance, "explanations", id=initiative, actor=OUTSIDER)
    assert "Keep the model file" in words_of(may)
    assert "Keep the model file" not in words_of(may_not)
    assert "may not explain a model" in words_of(may_not)


def test_a_kpi_shows_promise_standing_and_history(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    listed = open_page(governance, "business_kpi", actor=OWNER)
    assert not listed.exception and not listed.error
    assert "1 of 1" in words_of(listed)
    at = open_page(governance, "business_kpi", actor=OWNER, id=initiative)
    assert not at.exception and not at.error, at.exception
    words = words_of(at)
    assert "Behind" in words and ">21%<" in words and ">30%<" in words
    assert "1 observation on record; none was corrected." in words


def test_a_unit_is_shown_as_typed(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    kpi = {
        "name": "Coloured",
        "direction": "up",
        "baseline": 1.0,
        "target": 2.0,
        "unit": ":red-badge[**met**]",
    }
    kpi |= {"baseline_on": date(2026, 1, 1), "target_on": date(2026, 7, 1)}
    set_business_kpi(governance, make(SetBusinessKpi, actor=OWNER, at=later(2), initiative=initiative, **kpi))
    for page in ("business_kpi", "initiative"):
        at = open_page(governance, page, actor=OWNER, id=initiative, kpi="coloured", tab="Business KPI")
        assert not at.exception and not at.error, at.exception
        read = [one.value for kind in ("markdown", "caption", "header") for one in at.get(kind)]
        read += [
            one.label for kind in ("metric", "number_input", "text_input", "expander") for one in at.get(kind)
        ]
        assert not [one for one in read if ":red-badge[**" in one]
        assert any("badge" in one for one in read), "it is said, as typed"


def test_the_form_records_an_observation_and_its_refusal_keeps_the_page(
    promised: tuple[Governance, str],
) -> None:
    governance, initiative = promised
    at = open_page(governance, "business_kpi", actor=OWNER, id=initiative)
    record = next(button for button in at.button if button.label == "Record")
    record.click().run()
    assert "No value was given" in at.error[0].value
    at = open_page(governance, "business_kpi", actor=OWNER, id=initiative)
    number = next(one for one in at.number_input if one.label.startswith("Achieved"))
    number.set_value(29.0)
    next(button for button in at.button if button.label == "Record").click().run()
    assert not at.exception and not at.error, [error.value for error in at.error]
    assert governance.store.moment(later(60)).seq == governance.store.head()
    entries = governance.store.cursor().execute("SELECT action FROM record ORDER BY seq DESC LIMIT 1")
    assert entries.fetchall() == [("business_kpi_observed",)]


def test_who_may_not_promise_sees_why(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    words = words_of(open_page(governance, "business_kpi", actor=OUTSIDER, id=initiative))
    assert "may not set a business KPI" in words
    assert "may not record what a business KPI achieved" in words


def test_the_sheet_of_an_initiative_shows_its_kpi(promised: tuple[Governance, str]) -> None:
    governance, initiative = promised
    at = open_page(governance, "initiative", actor=OWNER, id=initiative, tab="Business KPI")
    assert not at.exception and not at.error, at.exception
    words = words_of(at)
    assert "Behind" in words and "Record what was achieved, correct it" in words
