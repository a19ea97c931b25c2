"""Model versions, documents and lineage: empty, filled, forbidden, in the past, and asked for nonsense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.domain.commands import RegisterModelVersion, make
from core.domain.models.lineage import (
    MarkDataBad,
    RecordDataSource,
    RecordDataUse,
    RecordProcesses,
    RecordUpstream,
)
from core.services.governance import Governance
from core.services.models import data_sources
from core.services.models.lineage import lineage
from core.services.models.versions import register_model_version
from core.services.process.initiatives import initiative_sheet
from portal.components.desk import Desk
from portal.components.forms import listed
from tests.conftest import BUILDER, OUTSIDER, VALIDATOR, later, register
from tests.portal.test_pages_inventory import HOSTILE, MODEL, RATES, give_predictions, open_page, sound, words

PAGES = ("versions", "documents", "lineage")
BAD = "Rows of May are doubled."


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are shown as text: a page alone knows no other page."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


@pytest.fixture
def filled(governance: Governance, tmp_path: Path) -> Governance:
    """A model with a champion, a challenger and predictions; hostile names wherever people type."""
    register(governance, HOSTILE)
    register(governance)
    for label, role, metrics in (
        ("1", "champion", {"accuracy": 0.91}),
        ("2", "challenger", {"accuracy": 0.93}),
    ):
        command = make(
            RegisterModelVersion,
            actor=BUILDER,
            at=later(2),
            initiative=MODEL,
            version=label,
            role=role,
            algorithm=HOSTILE,
            task="binary",
            notes=HOSTILE,
            data_uri="s3://data/cards",
            metrics=metrics,
        )
        register_model_version(governance, command)
    give_predictions(governance, tmp_path, RATES)
    by: dict[str, Any] = {"actor": BUILDER, "at": later(4)}
    for source, name in (("ledger", HOSTILE), ("features", "Card features")):
        made = make(
            RecordDataSource,
            source=source,
            name=name,
            team=HOSTILE,
            personal_data=True,
            quality=HOSTILE,
            **by,
        )
        data_sources.record_data_source(governance, made)
    step = make(RecordUpstream, source="features", upstream="ledger", how=HOSTILE, **by)
    data_sources.record_upstream(governance, step)
    use = make(RecordDataUse, source="features", initiative=MODEL, how="training", columns=(HOSTILE,), **by)
    data_sources.record_data_use(governance, use)
    served = make(RecordProcesses, initiative=MODEL, processes=(HOSTILE,), **by)
    data_sources.record_processes(governance, served)
    return governance


def mark(governance: Governance) -> None:
    command = make(MarkDataBad, actor=BUILDER, at=later(5), source="ledger", reason=BAD)
    data_sources.mark_data_bad(governance, command)


def field(at: AppTest, kind: str, label: str) -> Any:
    return next(one for one in at.get(kind) if one.label == label)


def press(at: AppTest, label: str) -> AppTest:
    return next(one for one in at.button if one.label == label).click().run()  # type: ignore[no-any-return]


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_store_leads_on(governance: Governance, page: str) -> None:
    said = words(sound(open_page(governance, page)))
    assert "yet" in said


def test_the_registry_counts_and_lists_versions_in_use(filled: Governance) -> None:
    at = sound(open_page(filled, "versions"))
    table = at.dataframe[0].value
    assert list(table["Version"]) == ["2", "1"]
    assert [value[0].split(" ", 1)[1] for value in table["State"]] == ["Registered", "Candidate"]
    assert "Metrics only" in words(at)


def test_two_versions_are_compared_and_the_absence_of_predictions_is_said(filled: Governance) -> None:
    at = sound(open_page(filled, "versions", id=MODEL))
    said = words(at)
    for expected in (
        "Version 1",
        "Version 2",
        "Accuracy",
        "+0.0200",
        "Better",
        "outcome 1 by sex",
        "No predictions are on record for this version.",
        "its performance has not been estimated",
        "Recorded for neither",
        "3. Full snapshot",
    ):
        assert expected in said, expected
    assert "<b>" not in "".join(str(one.proto.body) for one in at.get("html"))


def test_a_challenger_is_promoted_on_the_page_and_the_refusal_keeps_what_was_typed(
    filled: Governance,
) -> None:
    at = open_page(filled, "versions", id=MODEL)
    at = at.selectbox(key="act-version").set_value("2").run()
    field(at, "text_area", "Why").set_value("why")
    at = press(at, "Put forward")
    assert "needs at least 5" in words(at) and field(at, "text_area", "Why").value == "why"
    field(at, "text_area", "Why").set_value("It errs less.")
    press(at, "Put forward")
    sheet = initiative_sheet(filled, filled.moment(later(9)), initiative=MODEL)
    assert {one.version: one.state for one in sheet.versions} == {"1": "superseded", "2": "candidate"}


@pytest.mark.parametrize("page", PAGES)
def test_whoever_may_not_is_told_so_and_gets_no_form(filled: Governance, page: str) -> None:
    at = sound(open_page(filled, page, OUTSIDER, id=MODEL))
    offered = {one.label for one in at.button}
    assert not offered & {"Put forward", "Put into production", "Retire", "Fill in", "Save", "Mark as bad"}
    assert page == "documents" or "Otto Outsider may not" in words(at)


@pytest.mark.parametrize("page", PAGES)
def test_the_past_can_be_read_and_not_changed(filled: Governance, page: str) -> None:
    at = sound(open_page(filled, page, in_past=True, id=MODEL))
    assert not {one.label for one in at.button} & {"Promote", "Save", "Mark as bad"}


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("versions", {"id": "nope"}),
        ("versions", {"id": MODEL, "left": "9", "right": "8", "by": "nope"}),
        ("versions", {"id": MODEL, "left": "1", "right": "1"}),
        ("documents", {"id": "nope"}),
        ("documents", {"id": MODEL, "kind": "nope", "version": "9"}),
        ("lineage", {"team": "nope", "data": "nope", "model": "nope", "process": "nope", "versions": "x"}),
    ],
)
def test_nonsense_in_the_address_is_answered_in_a_sentence(
    filled: Governance, page: str, query: dict[str, str]
) -> None:
    at = open_page(filled, page, **query)
    assert not at.exception
    assert at.title


def test_a_card_shows_what_is_there_what_is_missing_and_offers_files(filled: Governance) -> None:
    at = sound(open_page(filled, "documents", id=MODEL))
    said = words(at)
    for expected in (
        "What it is for",
        "Olga Owner",
        "Missing:",
        "outcome 1 by sex",
        "Card features",
    ):
        assert expected in said, expected
    assert {one.label for one in at.get("download_button")} == {"Download HTML", "Download Markdown"}
    whole = words(sound(open_page(filled, "documents", id=MODEL, kind="technical")))
    assert "Requirements and evidence" in whole and "Requirements and evidence" not in said


def test_words_are_written_beside_a_section_and_nobody_is_overwritten(filled: Governance) -> None:
    at = open_page(filled, "documents", id=MODEL)
    at.text_area(key=f"text-{MODEL}-card-limits-0").set_value("Weak for new customers.")
    other = open_page(filled, "documents", VALIDATOR, id=MODEL)
    at = _save(at, "limits")
    moment = filled.moment(later(9))
    at.session_state["desk"] = Desk(filled, BUILDER, moment)
    assert "Added by Bram Builder" in words(at.run())
    other.text_area(key=f"text-{MODEL}-card-limits-0").set_value("Strong everywhere.")
    other.session_state["desk"] = Desk(filled, VALIDATOR, moment)
    assert "Bram Builder wrote in “Limits” meanwhile" in words(_save(other, "limits"))


def _save(at: AppTest, section: str) -> AppTest:
    saves = [one for one in at.button if one.label == "Save" and section in (one.form_id or one.key or "")]
    return saves[0].click().run()  # type: ignore[no-any-return]


def test_bad_data_alarms_the_page_and_the_banner(filled: Governance) -> None:
    quiet = words(sound(open_page(filled, "lineage")))
    assert "None is marked as bad." in quiet
    mark(filled)
    at = sound(open_page(filled, "lineage"))
    said = words(at)
    assert BAD in said and "1 marked as bad, 3 below them." in said
    assert [value[0].split(" ", 1)[1] for value in at.dataframe[0].value["Data is"]] == ["Bad data above"]
    script = "from portal.components.desk import current_desk\n"
    script += "from portal.components.models.lineage_view import *\n"
    script += "from core.services.process.initiatives import initiative_sheet\ndesk = current_desk()\n"
    script += f"bad_data_banner(desk, desk.ask(initiative_sheet, initiative={MODEL!r}))\n"
    banner = AppTest.from_string(script, default_timeout=30)
    banner.session_state["desk"] = Desk(filled, BUILDER, filled.moment(later(6)))
    assert "This model is fed by data that is marked as bad" in words(banner.run())
    banner.session_state["desk"] = Desk(filled, BUILDER, filled.moment(later(4.5)))
    assert words(banner.run()) == ""


def test_data_is_marked_as_bad_on_the_page(filled: Governance) -> None:
    at = open_page(filled, "lineage")
    at = at.selectbox(key="warn-source").set_value("ledger").run()
    field(at, "text_area", "What is wrong with it").set_value(BAD)
    press(at, "Mark as bad")
    found = lineage(filled, filled.moment(later(9)))
    assert [warning.reason for warning in found.warnings] == [BAD]


def test_hostile_names_are_shown_as_typed(filled: Governance) -> None:
    mark(filled)
    for page in PAGES:
        at = sound(open_page(filled, page, id=MODEL))
        bodies = "".join(str(one.proto.body) for one in at.get("html"))
        assert "<b>x</b>" not in bodies and "&lt;b&gt;x&lt;/b&gt;" in bodies, page


def test_names_typed_in_a_line_become_a_list() -> None:
    assert listed("age, sex,,\nregion ") == ("age", "sex", "region")
