"""The page on slices: bands, filters, the weakest intersections, two versions; empty, full and forbidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.services.governance import Governance
from core.services.jobs import jobs_of, wait_for
from core.services.measured.bias import bias_slices, sensitive_verdicts
from core.services.measured.trade_off import trade_off_report
from core.services.measured.weak_slices import find_weakest
from portal.components.desk import Desk
from tests.conftest import BUILDER, OUTSIDER, later
from tests.services.test_favourable import GAP, NAMES
from tests.services.test_slices import PEOPLE, give
from tests.services.test_trade_off import SCORED

MODEL = "card-limit-advice"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page runs without the shell, which knows where links lead."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


def open_page(governance: Governance, actor: Actor = BUILDER, **query: Any) -> AppTest:
    at = AppTest.from_file(str(PROJECT / "portal" / "pages" / "slices.py"), default_timeout=60)
    at.session_state["desk"] = Desk(governance, actor, governance.moment(later(6)))
    for name, value in query.items():
        at.query_params[name.strip("_")] = value
    return at.run()


def words(at: AppTest) -> str:
    kinds = ("markdown", "caption", "error", "header")
    said = " ".join(str(getattr(element, "value", "")) for kind in kinds for element in at.get(kind))
    html = " ".join(str(element.proto.body) for element in at.get("html"))
    return f"{said} {html}".replace("\\", "")


def sound(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    assert not at.error, at.error[0].value
    return at


@pytest.fixture
def people(governance: Governance, tmp_path: Path) -> Governance:
    give(governance, tmp_path, PEOPLE)
    return governance


def test_without_predictions_the_page_says_what_to_do(governance: Governance) -> None:
    assert "nothing to slice" in words(sound(open_page(governance)))


def test_somebody_without_a_role_may_read_slices(people: Governance) -> None:
    assert "outcome 1 by sex" in words(sound(open_page(people, OUTSIDER)))


def test_the_weakest_slices_are_found_without_being_asked_for(people: Governance) -> None:
    at = sound(open_page(people, view="weakest", cut=["age=at:30,45,60"]))
    said = words(at)
    found = find_weakest(
        people, people.moment(later(6)), initiative=MODEL, version="1", cuts=("age=at:30,45,60",)
    ).found
    table = at.dataframe[0].value
    assert list(table["Slice"]) == [one.label for one in found.slices]
    assert f"{found.searched:,}" in said and "Where is the model weakest?" in said
    assert "Bonferroni" in said, "how p values are corrected stands in the help"


def test_curves_by_group_are_drawn_and_told_by_bin(people: Governance) -> None:
    at = sound(open_page(people, view="curves", by="sex"))
    said = words(at)
    assert "ROC curves by sex" in said and "Calibration by bin" in said and "Share positive" in said
    assert {"Download CSV"} == {each.proto.label for each in at.get("download_button")}
    few = words(sound(open_page(people, view="curves", by="age", cut="age=at:21", where="age<=30")))
    assert "Withheld, with fewer than" in few and "under 21" in few


def test_the_widest_gap_is_looked_for_between_the_groups_of_a_feature(people: Governance) -> None:
    said = words(sound(open_page(people, view="weakest", of="gap", between="sex", cut="age=at:40,60")))
    assert "Where is the gap by sex widest?" in said and "Widest in" in said and "age: 60 and over" in said


def test_bands_and_filters_are_read_from_the_address(people: Governance) -> None:
    view: dict[str, Any] = {
        "by": ["age"],
        "cut": ["age=at:40,60"],
        "where": ["sex=Female", "age>=30"],
        "metric": "accuracy",
    }
    at = sound(open_page(people, id=MODEL, version="1", **view, since="2026-01-02", until="2026-01-05"))
    expected = duckdb.sql(
        f"SELECT count(*) FROM ({PEOPLE}) WHERE sex = 'Female' AND age >= 30 "
        "AND timestamp >= '2026-01-02' AND timestamp < '2026-01-06'"
    ).fetchall()[0][0]
    said = words(at)
    assert f"{expected:,} predictions in 3 slices" in said
    assert "Age ≥ 30" in said
    assert list(at.dataframe[0].value["Slice"]) == ["under 40", "40 to under 60", "60 and over"]
    assert "Holm" in said and "Newcombe" in said


def test_a_way_to_cut_and_a_correction_move_into_the_address(people: Governance) -> None:
    at = sound(open_page(people, id=MODEL, version="1", by=["age"]))
    at.selectbox(key="cut-kind-age").set_value("width").run()
    assert at.query_params["cut"] == "age=width:10"
    sound(at)
    at.text_input(key="cut-text-age").set_value("20").run()
    assert at.query_params["cut"] == "age=width:20"
    assert "under 40" in set(sound(at).dataframe[0].value["Slice"])
    at.selectbox(key="url-correction").set_value("benjamini_hochberg").run()
    assert "Benjamini-Hochberg" in words(sound(at))


def test_a_filter_is_added_and_taken_away(people: Governance) -> None:
    at = sound(open_page(people, id=MODEL, version="1", by=["region"]))
    at.selectbox(key="filter-feature").set_value("sex").run()
    at.multiselect(key="filter-values-sex").set_value(["Male"]).run()
    at.button(key="filter-add").click().run()
    assert at.query_params["where"] == "sex=Male"
    assert "1,500 predictions" in words(sound(at))
    at.button(key="unfilter-0").click().run()
    assert "where" not in at.query_params
    assert "3,000 predictions" in words(sound(at))


def test_two_versions_stand_side_by_side(people: Governance, tmp_path: Path) -> None:
    give(people, tmp_path, PEOPLE.replace("i % 3 < 2", "i % 3 = 0"), version="2")
    at = sound(open_page(people, id=MODEL, version="2", view="versions"))
    table = at.dataframe[0].value
    assert list(table["Slice"]) == ["Female", "Male"]
    assert list(table["Version 2"]) == ["33.3%", "33.3%"]
    assert list(table["Version 1"]) == ["33.3%", "66.7%"]
    assert list(table["Direction"]) == ["not beyond chance", "worse"]


def test_one_version_alone_has_nothing_beside_it(people: Governance) -> None:
    assert "No other version" in words(sound(open_page(people, view="versions")))


def test_every_measure_between_slices_has_its_help(people: Governance) -> None:
    said = words(sound(open_page(people)))
    for title in ("Demographic parity difference", "Equalized odds ratio", "Four-fifths rule"):
        assert said.count(title) >= 2, "in the list and in its help"
    for part in ("Direction:", "Zero:", "Leaves out:", "Source:", "Formula:"):
        assert part in said


@pytest.mark.parametrize(
    "query",
    [{"cut": ["age=thirds"]}, {"since": "soon"}, {"where": ["age>=old"]}, {"view": "nope", "id": "nope"}],
)
def test_an_address_that_cannot_be_read_is_one_sentence(people: Governance, query: dict[str, Any]) -> None:
    at = open_page(people, **query)
    assert not at.exception
    assert len(at.error) == 1 and len(at.error[0].value) < 400


def test_the_page_opens_on_the_worst_verdict_by_outcome_and_by_feature(
    governance: Governance, tmp_path: Path
) -> None:
    both = f"SELECT *, CASE WHEN i % 4 < 2 THEN 'new' ELSE 'old' END AS contract FROM ({GAP.format(**NAMES)})"
    query = both.replace("SELECT i::VARCHAR AS row_id", "SELECT i, i::VARCHAR AS row_id")
    give(
        governance, tmp_path, query, task="multiclass", sensitive=("contract", "sex"), favourable=("neither",)
    )
    at = sound(open_page(governance, id=MODEL, version="1"))
    said = words(at)
    assert "of outcome B decline by sex" in said, "neither the first feature nor the first class"
    strip = next(body for body in (block.proto.body for block in at.get("html")) if "Contract" in body)
    assert strip.index("Sex, B decline") < strip.index("Contract, ")
    chosen = sound(open_page(governance, id=MODEL, version="1", by=["contract"], class_="a_refer"))
    assert "of outcome A refer by contract" in words(chosen), "what the address says stands"


def test_page_and_check_judge_a_feature_alike(governance: Governance, tmp_path: Path) -> None:
    give(governance, tmp_path, GAP.format(**NAMES), task="multiclass", favourable=("neither",))
    moment, one = governance.moment(later(6)), {"initiative": MODEL, "version": "1"}
    (held,) = sensitive_verdicts(governance, moment, **one)
    shown = bias_slices(governance, moment, **one, by=("sex",), positive=held.outcome or "")
    assert (held.verdict, shown.report.verdict) == ("fail", "fail")
    assert shown.report.comparisons == 2 * 3, "two ordered pairs, three outcomes"
    assert bias_slices(governance, moment, **one, by=("sex",), where=("sex!=X",)).report.comparisons == 2


def test_what_it_would_take_is_asked_for_in_a_job_and_shown(governance: Governance, tmp_path: Path) -> None:
    give(governance, tmp_path, SCORED, favourable=("1",))
    at = sound(open_page(governance, view="trade-off", by=["sex"]))
    assert "Nobody has worked out yet" in words(at)
    next(button for button in at.button if button.label == "Work it out").click()
    sound(at.run())
    (job,) = jobs_of(f"{MODEL}/1")
    assert (job.kind, wait_for(job.id, 120).state) == ("trade_off", "done")
    found = trade_off_report(governance, governance.moment(later(7)), initiative=MODEL, version="1").table
    at = sound(open_page(governance, view="trade-off", by=["sex"]))
    said = words(at)
    assert "thresholds by group are forbidden" in said.lower() and found.about.limit in said
    assert list(at.dataframe[0].value["Way to decide"]) == [point.title for point in found.points]
    assert "no open finding" in str(next(iter(at.get("popover"))).proto)


def test_somebody_without_a_role_may_read_but_not_ask_what_it_would_take(people: Governance) -> None:
    at = sound(open_page(people, OUTSIDER, view="trade-off"))
    assert not [button for button in at.button if button.label == "Work it out"]
