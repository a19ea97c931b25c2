"""Leaderboards, team compliance, policy matrix, record and decay: empty, filled, and asked for nonsense."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.analytics.decay.estimates import EstimatedChunk, PartName
from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.commands import DecideGate, RegisterModelVersion, SubmitEvidence, make
from core.services.governance import Governance
from core.services.measured.explanations import AddAttributions, add_attributions
from core.services.measured.monitoring import RecordEstimates, record_estimates
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from core.services.process.evidence import submit_evidence
from core.services.process.gates import decide_gate
from portal.components.desk import Desk
from tests.conftest import ADMIN, BUILDER, OWNER, VALIDATOR, at_rest, founded, later, register
from tests.process import put_file_in_force

PAGES = ("leaderboards", "team", "policy", "record", "decay")
PARTS: tuple[PartName, ...] = ("reference", "analysis")
HOSTILE = ":green-badge[Approved] <b>x</b> $y$"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are shown as text: a page alone knows no other page."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


@pytest.fixture
def filled(governance: Governance, tmp_path: Path) -> Governance:
    return fill(governance, tmp_path)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    place = tmp_path_factory.mktemp("filled")
    with at_rest(fill(founded(place / "store"), place)) as governance:
        yield governance


def fill(governance: Governance, place: Path) -> Governance:
    """Two initiatives; one with a version, evidence, a decision, predictions, estimates and attributions."""
    register(governance, "Meal Mix Sheet", heavy=False)
    register(governance, HOSTILE)
    initiative = register(governance)
    give_version(governance, initiative)
    give_predictions(governance, initiative, place / "rows.parquet")
    give_estimates(governance, initiative)
    give_attributions(governance, initiative, place / "attributions.parquet")
    return governance


def give_version(governance: Governance, initiative: str) -> None:
    version = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(2),
        initiative=initiative,
        version="1",
        algorithm="Gradient boosting",
        task="binary",
        metrics={"accuracy": 0.91},
    )
    register_model_version(governance, version)
    proof = make(
        SubmitEvidence,
        actor=BUILDER,
        at=later(3),
        initiative=initiative,
        measure="development_logged",
        title="Development log",
        link="https://wiki.example.org/log",
    )
    submit_evidence(governance, proof)
    decide_gate(governance, DecideGate(actor=BUILDER, at=later(4), initiative=initiative, gate="deployment"))


def give_predictions(governance: Governance, initiative: str, file: Path) -> None:
    duckdb.sql(
        "SELECT i AS row_id, i % 2 AS y_pred, 0.5 AS y_score, i % 3 = 0 AS y_true, "
        "20 + i % 15 AS hours_worked, 30 + i AS age FROM range(30) r(i)"
    ).write_parquet(str(file))
    command = AddPredictions(
        actor=BUILDER,
        at=later(5),
        initiative=initiative,
        version="1",
        part="analysis",
        file=file,
        task="binary",
    )
    add_predictions(governance, command)


def give_estimates(governance: Governance, initiative: str, *, shift: float = 0.01) -> None:
    chunks = tuple(
        chunk(metric, part, place, shift)
        for metric in ("roc_auc", "accuracy")
        for part in PARTS
        for place in range(4)
    )
    command = RecordEstimates(actor=BUILDER, at=later(6), initiative=initiative, version="1", chunks=chunks)
    record_estimates(governance, command)


def chunk(metric: str, part: PartName, place: int, shift: float) -> EstimatedChunk:
    bad = part == "analysis" and place == 3
    estimate = 0.7 if bad else 0.9
    return EstimatedChunk(
        metric=metric,
        part=part,
        chunk=place,
        first_row=10 * place,
        last_row=10 * place + 9,
        rows=10,
        labelled_rows=10,
        started_at=None,
        ended_at=None,
        estimate=estimate,
        realised=estimate - shift,
        lower_confidence=estimate - 0.02,
        upper_confidence=estimate + 0.02,
        lower_threshold=0.85,
        upper_threshold=0.95,
        sampling_error=0.006,
        alert=bad,
        worse=bad,
    )


def give_attributions(governance: Governance, initiative: str, file: Path) -> None:
    """Contributions that add up to the score of 0.5, which is 0 in log odds."""
    duckdb.sql(
        "SELECT i AS row_id, i % 3 - 1.2 AS hours_worked, 1.2 - i % 3 AS age FROM range(30) r(i)"
    ).write_parquet(str(file))
    command = AddAttributions(
        actor=BUILDER, at=later(6), initiative=initiative, version="1", file=file, base_value=0.0
    )
    add_attributions(governance, command)


def open_page(
    governance: Governance, name: str, *, reader: Actor = BUILDER, day: float = 60, **query: str
) -> AppTest:
    page = AppTest.from_file(str(PROJECT / "portal" / "pages" / f"{name}.py"), default_timeout=30)
    page.session_state["desk"] = Desk(governance, reader, governance.moment(later(day)))
    for param, value in query.items():
        page.query_params[param] = value
    page.run()
    assert not page.exception, [problem.message for problem in page.exception]
    return page


def said(page: AppTest) -> str:
    """All words on the page, our own HTML included."""
    parts = [page.title, page.header, page.caption, page.markdown, page.error, page.get("html")]
    words = (e.proto.body if hasattr(e.proto, "body") else e.value for part in parts for e in part)
    return html.unescape(" ".join(words)).replace("\\", "").replace("\u2060", "")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_an_empty_store_has_a_title_and_no_error(governance: Governance, name: str) -> None:
    page = open_page(governance, name, reader=ADMIN)
    assert page.title[0].value
    assert not page.error


@pytest.mark.parametrize("name", ["leaderboards", "team"])
def test_without_initiatives_a_page_leads_to_registration(governance: Governance, name: str) -> None:
    assert "No team has an initiative yet" in said(open_page(governance, name))


def test_without_predictions_decay_says_so_and_leads_to_the_inventory(governance: Governance) -> None:
    words = said(open_page(governance, "decay"))
    assert "No model version has predictions yet" in words
    assert "Open the inventory" in words


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("actor", [OWNER, BUILDER, VALIDATOR, ADMIN], ids=lambda actor: actor.id)
def test_everybody_may_read_every_page(looked_at: Governance, name: str, actor: Actor) -> None:
    assert not open_page(looked_at, name, reader=actor).error


def test_a_team_with_too_few_tries_has_no_rank(filled: Governance) -> None:
    put_file_in_force(filled, "leaderboard.yaml", ("minimum: 10", "minimum: 100"))
    words = said(open_page(filled, "leaderboards"))
    assert "Too few to rank" in words
    assert "with fewer than 100 counted, a team has no rank" in words
    assert "Wilson" in words


def test_the_readers_team_is_opened_first(filled: Governance) -> None:
    page = open_page(filled, "team")
    assert page.selectbox[0].value == "Credit"
    assert "Overdue work" in said(page)


def test_open_work_comes_by_due_day_with_who_acts_and_the_next_step(filled: Governance) -> None:
    page = open_page(filled, "team", day=20)
    work = page.dataframe[0].value
    assert list(work["Due"]) == sorted(work["Due"])
    assert work["Who acts"].str.len().min() > 0
    assert work["Next step"].str.len().min() > 0


def test_the_matrix_names_rungs_and_a_class_lists_its_measures(filled: Governance) -> None:
    words = said(open_page(filled, "policy", **{"class": "high"}))
    assert "2 · Automated bias check on subpopulations" in words
    assert "Independent sign-off before production" in words
    assert "★★★★" in words
    assert "accountable" in words


def test_choosing_a_class_puts_it_into_the_address(filled: Governance) -> None:
    page = open_page(filled, "policy")
    next(one for one in page.selectbox if one.key == "url-class").select("low").run()
    assert page.query_params["class"] in ("low", ["low"])


def test_the_record_verifies_on_demand(filled: Governance) -> None:
    page = open_page(filled, "record")
    assert "Not verified in this visit" in said(page)
    page.button[0].click().run()
    assert "Whole" in said(page)


def test_a_changed_byte_is_named_with_its_entry(filled: Governance) -> None:
    filled.store.cursor().execute("UPDATE evidence SET title = 'Another log'")
    seq = filled.store.cursor().execute("SELECT max(seq) FROM evidence").fetchall()[0][0]
    page = open_page(filled, "record")
    page.button[0].click().run()
    words = said(page)
    assert "Broken" in words
    assert f"Entry {seq}" in words


def test_an_entry_is_shown_in_words(filled: Governance) -> None:
    registered = said(open_page(filled, "record", entry="5"))
    assert "Initiative registered" in registered
    assert "Olga Owner" in registered
    assert "class_id" not in registered
    decided = filled.store.cursor().execute("SELECT max(seq) FROM decision").fetchall()[0][0]
    words = said(open_page(filled, "record", entry=str(decided)))
    assert "May go live" in words
    assert "Blocked" in words


def test_filters_of_the_record_come_from_the_address(filled: Governance) -> None:
    page = open_page(filled, "record", action="evidence_submitted", initiative="card-limit-advice")
    assert list(page.dataframe[0].value["What"]) == ["Evidence submitted"]


def test_decay_separates_worse_from_different_and_states_its_assumption(filled: Governance) -> None:
    words = said(open_page(filled, "decay"))
    assert "Estimated worse" in words
    assert "Estimated different" in words
    assert "P(y|x) is unchanged" in words
    assert "Realised worse" in words
    assert "how much an alert says cannot be told" in words, "four reference chunks, and no calibration"
    assert "log odds" in words


def test_estimates_that_missed_are_called_so(governance: Governance, tmp_path: Path) -> None:
    initiative = register(governance)
    give_version(governance, initiative)
    give_predictions(governance, initiative, tmp_path / "rows.parquet")
    give_estimates(governance, initiative, shift=0.2)
    words = said(open_page(governance, "decay"))
    assert "an alert says little" in words
    assert "0 of 4 chunks came true inside the band" in words


def test_predictions_without_estimates_say_what_is_lacking(governance: Governance, tmp_path: Path) -> None:
    initiative = register(governance)
    give_version(governance, initiative)
    give_predictions(governance, initiative, tmp_path / "rows.parquet")
    assert "has not been estimated yet" in said(open_page(governance, "decay"))


def test_another_metric_comes_from_the_address(filled: Governance) -> None:
    page = open_page(filled, "decay", metric="accuracy")
    assert "Accuracy" in [header.value for header in page.header]


@pytest.mark.parametrize(
    ("name", "query", "sentence"),
    [
        ("team", {"team": "Nobody"}, "no team 'Nobody' has an initiative"),
        ("policy", {"class": "extreme"}, "'extreme' is no risk class"),
        ("record", {"entry": "99999"}, "the record has no entry 99999"),
        ("record", {"entry": "<script>"}, "is no number of an entry"),
        ("record", {"initiative": "no-such"}, "the record knows no initiative 'no-such'"),
        ("record", {"actor": HOSTILE}, "the record knows no person"),
        ("decay", {"id": "no-such"}, "no initiative 'no-such' is registered"),
        ("decay", {"id": "card-limit-advice", "version": "9"}, "has no predictions"),
        ("decay", {"metric": "beauty"}, "there are no estimates of 'beauty'"),
    ],
)
def test_nonsense_in_the_address_gives_a_sentence(
    looked_at: Governance, name: str, query: dict[str, str], sentence: str
) -> None:
    page = open_page(looked_at, name, **query)
    assert sentence.lower() in page.error[0].value.replace("\\", "").lower()


def test_the_past_is_shown_as_it_stood(filled: Governance) -> None:
    page = open_page(filled, "record", day=1)
    assert page.dataframe[0].value["Entry"].max() < filled.store.head()
