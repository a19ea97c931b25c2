"""Inventory, initiative, registration and bias slices: empty, filled, forbidden, and asked for nonsense."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.commands import RegisterModelVersion, SubmitEvidence, make
from core.domain.errors import BadInput, BrokenRecord, NotFound
from core.lake.directory import put_person
from core.services.case import override_refusal, proof_refusal
from core.services.governance import Governance
from core.services.measured.bias import bias_slices, slice_choices
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.versions import register_model_version
from core.services.process.evidence import evidence_file, submit_evidence
from core.services.process.initiatives import initiative_sheet, inventory
from portal.components.desk import Desk
from portal.components.forms import metrics_typed
from portal.components.initiative.history import safe_file_name, shown_address
from tests.conftest import (
    ADMIN,
    BUILDER,
    OUTSIDER,
    OWNER,
    VALIDATOR,
    answers_for,
    at_rest,
    founded,
    later,
    register,
)
from tests.process import HEAD

HOSTILE = ":green-badge[Approved] <b>x</b> $y$"
MODEL = "card-limit-advice"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are shown as text: a page alone knows no other page."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


@pytest.fixture
def filled(governance: Governance) -> Governance:
    return fill(governance)


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    with at_rest(fill(founded(tmp_path_factory.mktemp("filled") / "store"))) as governance:
        yield governance


def fill(governance: Governance) -> Governance:
    """A light, a hostile-named and a heavy initiative; the heavy one has a version and evidence."""
    register(governance, "Meal Mix Sheet", heavy=False)
    register(governance, HOSTILE)
    register(governance)
    give_version(governance)
    prove(governance, "metrics.html", b"<script>alert(1)</script>")
    return governance


def give_version(governance: Governance, label: str = "1", task: str = "binary", day: float = 2) -> None:
    command = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(day),
        initiative=MODEL,
        version=label,
        algorithm="Gradient boosting",
        task=task,
        data_sha256="b" * 64,
        metrics={"accuracy": 0.91},
    )
    register_model_version(governance, command)


def prove(governance: Governance, name: str, content: bytes, measure: str = "full_snapshot") -> str:
    command = make(
        SubmitEvidence,
        actor=BUILDER,
        at=later(3),
        initiative=MODEL,
        measure=measure,
        title="Snapshot",
        file_name=name,
        content=content,
    )
    return submit_evidence(governance, command)


def give_predictions(governance: Governance, folder: Path, query: str, task: str = "binary") -> None:
    file = folder / f"{task}.parquet"
    duckdb.sql(query).write_parquet(str(file))
    values: dict[str, Any] = {"task": task, "sensitive": ("sex",), "part": "analysis", "version": "1"}
    if task == "multiclass":
        values["classes"] = ("gold", "silver")
    command = AddPredictions(actor=BUILDER, at=later(4), initiative=MODEL, file=file, **values)
    add_predictions(governance, command)


RATES = """
    SELECT i AS row_id, CASE WHEN i % 2 = 0 THEN 'Female' ELSE 'Male' END AS sex, i % 97 + 0.5 AS age,
        CASE WHEN i < 4 THEN 'tiny' ELSE 'big' END AS region,
        CASE WHEN i % 2 = 0 THEN i % 3 = 0 ELSE i % 3 < 2 END::INT AS y_pred, 0.5 AS y_score,
        CASE WHEN i % 2 = 0 THEN (i % 5 = 0)::INT END AS y_true FROM range(3000) r(i)
"""
NUMBERS = """
    SELECT i AS row_id, CASE WHEN i % 2 = 0 THEN 'new' ELSE 'old' END AS sex, 1200.0 + i % 7 AS y_pred,
        1000.0 + i % 11 AS y_true FROM range(600) r(i)
"""
CLASSES = """
    SELECT i AS row_id, CASE WHEN i % 2 = 0 THEN 'Female' ELSE 'Male' END AS sex,
        CASE WHEN i % 3 = 0 THEN 'gold' ELSE 'silver' END AS y_pred,
        CASE WHEN i % 4 = 0 THEN 'gold' ELSE 'silver' END AS y_true FROM range(900) r(i)
"""


def open_page(
    governance: Governance, page: str, actor: Actor = BUILDER, *, in_past: bool = False, **query: Any
) -> AppTest:
    at = AppTest.from_file(str(PROJECT / "portal" / "pages" / f"{page}.py"), default_timeout=30)
    seat(at, governance, actor, in_past=in_past)
    for name, value in query.items():
        at.query_params[name.strip("_")] = value
    return at.run()


def seat(at: AppTest, governance: Governance, actor: Actor, *, in_past: bool = False, day: float = 6) -> None:
    moment = governance.moment(later(day))
    at.session_state["desk"] = Desk(governance, actor, moment, in_past=in_past)


def words(at: AppTest) -> str:
    """Everything the page says, without the marks that neutralise it."""
    kinds = ("markdown", "caption", "error", "success", "info")
    parts = [element.value for kind in kinds for element in at.get(kind)]
    drawn = [html.unescape(str(element.proto.body)) for element in at.get("html")]
    titles = [element.value for element in (*at.title, *at.header)]
    return "\n".join(str(part) for part in [*titles, *parts, *drawn]).replace("\\", "").replace("\u2060", "")


def button(at: AppTest, label: str) -> Any:
    return next(one for one in at.button if one.label == label)


def sound(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    assert not at.error, [error.value for error in at.error]
    return at


@pytest.mark.parametrize("page", ["inventory", "initiative", "slices"])
def test_a_founded_store_without_initiatives_leads_on(governance: Governance, page: str) -> None:
    said = words(sound(open_page(governance, page)))
    assert "Register the first initiative" in said or "Open the inventory" in said


def test_the_inventory_lists_all_with_their_status(filled: Governance) -> None:
    at = sound(open_page(filled, "inventory"))
    assert "3 initiatives" in words(at)
    table = at.dataframe[0].value
    assert list(table["Initiative"]) == [HOSTILE, "Card Limit Advice", "Meal Mix Sheet"], "literal, as typed"
    assert set(table["Owner"]) == {OWNER.name}


def test_the_filters_of_the_inventory_live_in_the_address(filled: Governance) -> None:
    at = sound(open_page(filled, "inventory", class_=["very_high"], q="LIMIT advice"))
    assert "1 of 3 initiatives" in words(at)
    at.selectbox[0].set_value("live").run()
    assert at.query_params["status"] == "live"
    assert "No initiative fits these filters" in words(at)
    button(at, "Clear the filters").click().run()
    assert "3 initiatives" in words(sound(at)) and not at.query_params


def test_a_filter_that_does_not_exist_lets_all_through(filled: Governance) -> None:
    assert "3 initiatives" in words(sound(open_page(filled, "inventory", class_=["nope"], status="nope")))


def test_without_an_id_an_initiative_is_chosen_from_a_list(filled: Governance) -> None:
    at = sound(open_page(filled, "initiative"))
    at.selectbox[0].set_value("meal-mix-sheet").run()
    assert at.query_params["id"] == "meal-mix-sheet"
    assert "Meal Mix Sheet" in words(sound(at))


def test_without_an_id_the_page_leads_to_the_readers_own_and_to_what_needs_attention(
    filled: Governance,
) -> None:
    at = AppTest.from_file(str(PROJECT / "portal" / "pages" / "initiative.py"), default_timeout=30)
    seat(at, filled, OWNER, day=300)
    said = words(sound(at.run()))
    assert [one.value for one in at.header] == ["Yours", "Needs attention"]
    assert "requirements met." in said
    assert "days overdue" in said
    nobody = sound(open_page(filled, "initiative", OUTSIDER))
    assert [one.value for one in nobody.header] == ["Needs attention"], "who owns none sees what is late"


@pytest.mark.parametrize("wanted", ["nope", "x" * 300, "../../etc", HOSTILE])
def test_an_unknown_initiative_is_one_sentence_and_a_list(looked_at: Governance, wanted: str) -> None:
    at = open_page(looked_at, "initiative", id=wanted)
    assert not at.exception and len(at.error) == 1
    assert len(at.selectbox) == 1


@pytest.mark.parametrize("tab", ["Requirements", "Versions", "Evidence", "Checks", "Record"])
@pytest.mark.parametrize("actor", [BUILDER, VALIDATOR, OUTSIDER, ADMIN], ids=lambda actor: actor.id)
def test_every_tab_draws_for_everybody(looked_at: Governance, tab: str, actor: Actor) -> None:
    at = sound(open_page(looked_at, "initiative", actor, id=MODEL, tab=tab))
    assert "Card Limit Advice" in words(at)


def test_the_sheet_says_class_reasons_gates_and_what_is_missing(filled: Governance) -> None:
    said = words(sound(open_page(filled, "initiative", id=MODEL)))
    for expected in ("Very high risk", "Together", "May go live", "Blocked", "Submit the full development"):
        assert expected in said, expected


def test_names_typed_by_people_are_shown_literally(filled: Governance) -> None:
    rows = inventory(filled, filled.moment(later(6)))
    initiative = next(row.initiative for row in rows if "<b>" in row.name)
    at = sound(open_page(filled, "initiative", id=initiative))
    assert at.title[0].value.startswith("\\:green\\-badge\\[Approved\\]")


def test_somebody_without_a_role_is_offered_nothing_and_told_why(filled: Governance) -> None:
    at = sound(open_page(filled, "initiative", OUTSIDER, id=MODEL))
    assert all(one.disabled for one in at.button)
    assert "Otto Outsider may not submit evidence" in words(at)


def test_on_an_earlier_day_nothing_is_offered(filled: Governance) -> None:
    at = sound(open_page(filled, "initiative", ADMIN, in_past=True, id=MODEL))
    assert all(one.disabled for one in at.button)
    assert "nothing can be changed" in words(at)


def field(at: AppTest, kind: str, label: str) -> Any:
    return next(one for one in at.get(kind) if one.label == label)


def submit(at: AppTest, command: str) -> AppTest:
    """Press the button of a command's form."""
    return next(one for one in at.button if one.proto.form_id.startswith(command)).click().run()


def facts(governance: Governance, day: float = 6) -> Any:
    return initiative_sheet(governance, governance.moment(later(day)), initiative=MODEL)


def test_evidence_is_refused_in_one_sentence_and_what_was_typed_stays(filled: Governance) -> None:
    at = open_page(filled, "initiative", id=MODEL)
    at.button(key="prove-development_logged").click().run()
    field(at, "text_input", "Title of the evidence").set_value("Development log")
    submit(at, "SubmitEvidence")
    assert "either a link or a file" in at.error[0].value
    assert field(at, "text_input", "Title of the evidence").value == "Development log"
    field(at, "text_input", "Link").set_value("https://wiki.example.org/log")
    submit(at, "SubmitEvidence")
    assert facts(filled).evidence[0].link == "https://wiki.example.org/log"


def test_an_independent_measure_is_offered_to_the_validator_only(filled: Governance) -> None:
    asked = "prove-red_team"
    assert asked not in {one.key for one in open_page(filled, "initiative", id=MODEL).button}
    assert "Only Risk and audit may prove this" in words(open_page(filled, "initiative", id=MODEL))
    assert asked in {one.key for one in open_page(filled, "initiative", VALIDATOR, id=MODEL).button}


def test_a_gate_is_asked_and_the_answer_recorded(filled: Governance) -> None:
    at = open_page(filled, "initiative", id=MODEL, gate="deployment")
    field(at, "button", "Ask for a decision").click().run()
    sound(at)
    assert [(row.gate, row.outcome) for row in facts(filled).decisions] == [("deployment", "blocked")]


def test_checks_run_from_the_sheet(filled: Governance) -> None:
    before = len(facts(filled).check_runs)
    open_page(filled, "initiative", id=MODEL).button(key="checks-above").click().run()
    assert len(facts(filled).check_runs) > before


def test_a_version_is_registered_and_a_wrong_one_refused(filled: Governance) -> None:
    at = open_page(filled, "initiative", id=MODEL, tab="Versions")
    assert field(at, "text_input", "Version").value == "2", "the next number is proposed"
    field(at, "text_input", "Algorithm").set_value("Decision tree")
    field(at, "text_area", "Metrics").set_value("roc_auc is fine")
    submit(at, "RegisterModelVersion")
    assert "is no metric" in at.error[0].value
    field(at, "text_area", "Metrics").set_value("roc_auc = 0.81")
    field(at, "text_input", "Address of the code").set_value("not an address")
    submit(at, "RegisterModelVersion")
    assert "Code uri" in at.error[0].value.replace("\\", "")
    field(at, "text_input", "Address of the code").set_value("https://git.example.org/x")
    submit(at, "RegisterModelVersion")
    newest = facts(filled).versions[0]
    assert (newest.version, newest.metrics) == ("2", {"roc_auc": 0.81})


def test_the_validator_overrides_a_class_with_a_reason_that_stays(filled: Governance) -> None:
    at = open_page(filled, "initiative", VALIDATOR, id=MODEL)
    field(at, "selectbox", "Put it into class").set_value("high")
    field(at, "text_area", "Reason").set_value("too short")
    submit(at, "OverrideClassification")
    assert "at least 20" in at.error[0].value
    field(at, "text_area", "Reason").set_value("The board limits it to staff, as minuted in May.")
    submit(at, "OverrideClassification")
    assert "needs a last day" in at.error[0].value
    field(at, "date_input", "Until").set_value(later(60).date())
    field(at, "text_area", "What is done instead").set_value("A clerk decides every case by hand.")
    submit(at, "OverrideClassification")
    assert facts(filled).initiative.class_id == "very_high"
    put_person(filled.store, HEAD)
    answer = open_page(filled, "policy_changes", HEAD)
    assert "from class Very high to High" in words(answer).replace("\\", "")
    submit(answer, "AgreeToProposal")
    assert facts(filled).initiative.class_id == "high"
    seat(at, filled, VALIDATOR)
    assert "as minuted in May" in words(sound(at.run()))


def test_what_is_registered_is_changed(filled: Governance) -> None:
    at = open_page(filled, "initiative", id=MODEL)
    field(at, "text_area", "Purpose").set_value("Advise customers on a limit that they can afford.")
    submit(at, "AmendInitiative")
    assert facts(filled).initiative.purpose.endswith("can afford.")


def test_links_are_text_and_files_come_back_as_submitted(filled: Governance) -> None:
    assert shown_address("s3://models/1") == "s3://models/1"
    sha256 = facts(filled).evidence[0].sha256
    moment = filled.moment(later(6))
    assert evidence_file(filled, moment, initiative=MODEL, sha256=sha256).startswith(b"<script>")
    with pytest.raises(NotFound, match="no such file"):
        evidence_file(filled, moment, initiative="meal-mix-sheet", sha256=sha256)
    (filled.store.folder / "evidence" / sha256).write_bytes(b"other")
    with pytest.raises(BrokenRecord, match="not what was submitted"):
        evidence_file(filled, moment, initiative=MODEL, sha256=sha256)


def test_file_names_and_metrics_are_read_carefully() -> None:
    assert safe_file_name("..\\..\\a b;c.html") == "a_b_c.html"
    assert safe_file_name(None) == "evidence" == safe_file_name("...")
    assert metrics_typed("a = 1\n\n b: 2.5") == {"a": 1.0, "b": 2.5}
    with pytest.raises(BadInput, match="is no metric"):
        metrics_typed("a")


def test_who_may_is_said_beforehand_as_the_services_decide_it(filled: Governance) -> None:
    moment = filled.moment(later(6))
    measures, model = filled.policy(moment).measures, facts(filled).initiative.initiative
    assert proof_refusal(filled, moment, VALIDATOR, model, measures["red_team"]) == ""
    assert "Only Risk and audit" in proof_refusal(filled, moment, BUILDER, model, measures["red_team"])
    owning = VALIDATOR.model_copy(update={"id": OWNER.id})
    assert "neither owns nor builds" in proof_refusal(filled, moment, owning, model, measures["red_team"])
    assert "Checks prove this" in proof_refusal(filled, moment, BUILDER, model, measures["basic_checks"])
    assert override_refusal(filled, moment, VALIDATOR, model) == ""
    assert "owns, builds or registered" in override_refusal(filled, moment, owning, model)


def fill_in(at: AppTest, governance: Governance, *, heavy: bool) -> AppTest:
    field(at, "text_input", "Name").set_value("Letter Choice Sheet")
    field(at, "text_area", "Purpose").set_value("Choose which letters are written first.")
    field(at, "selectbox", "Owner, who answers for it").set_value(OWNER.id)
    field(at, "selectbox", "Business domain").set_value("marketing")
    at.radio(key="register-0-kind").set_value("machine_learned_model")
    for question, chosen in answers_for(governance, heavy=heavy).items():
        known = next(q for q in governance.policy(governance.moment(later(0))).questions if q.id == question)
        if known.kind == "many":
            at.checkbox(key=f"register-0-{question}-{chosen[0]}").check()
        else:
            at.radio(key=f"register-0-{question}").set_value(chosen[0])
    return at.run()


def test_the_class_and_what_it_asks_for_appear_while_answering(governance: Governance) -> None:
    at = sound(open_page(governance, "register"))
    assert "No class yet" in words(at)
    at.radio(key="register-0-consumers").set_value("public").run()
    said = words(sound(at))
    assert "risk, so far" in said and "“The public” adds" in said and "within 45 days" in said


def test_the_kind_of_model_changes_what_proves_it_while_answering(governance: Governance) -> None:
    at = open_page(governance, "register")
    at.radio(key="register-0-availability").set_value("scheduled").run()
    learned = words(sound(at))
    at.radio(key="register-0-kind").set_value("agent").run()
    at.checkbox(key="register-0-kind-bought").check().run()
    said = words(sound(at))
    assert "your own on a sample" in said and "your own on a sample" not in learned


def test_a_light_sheet_is_registered_with_nothing_more_to_wait_for(governance: Governance) -> None:
    at = fill_in(open_page(governance, "register"), governance, heavy=False)
    assert "Low risk" in words(sound(at))
    at.button(key="register").click().run()
    assert at.query_params["done"] == "letter-choice-sheet"
    seat(at, governance, BUILDER)
    assert "nothing more to wait for" in words(sound(at.run()))
    button(at, "Register another").click().run()
    assert field(at, "text_input", "Name").value == "", "the form is empty again"


def test_a_heavy_model_is_told_what_is_required_by_when(governance: Governance) -> None:
    at = fill_in(open_page(governance, "register"), governance, heavy=True)
    at.button(key="register").click().run()
    seat(at, governance, BUILDER)
    said = words(sound(at.run()))
    assert "Very high risk" in said and "What is required by when" in said and "Red team" in said


def test_what_is_missing_is_named_and_nothing_typed_is_lost(governance: Governance) -> None:
    at = open_page(governance, "register")
    field(at, "text_input", "Name").set_value("Letters")
    at.button(key="register").click().run()
    assert "the purpose" in at.error[0].value and "question 3" in at.error[0].value
    assert "Use a name like" in words(at), "one word is no name by the standard"
    assert field(at, "text_input", "Name").value == "Letters"


def test_a_name_that_is_taken_is_refused_and_the_form_stays(governance: Governance) -> None:
    register(governance, "Letter Choice Sheet", heavy=False)
    at = fill_in(open_page(governance, "register"), governance, heavy=False)
    at.button(key="register").click().run()
    assert "is registered already" in at.error[0].value
    assert field(at, "text_area", "Purpose").value.startswith("Choose which letters")


def test_somebody_without_a_role_may_try_the_questions_but_not_register(governance: Governance) -> None:
    at = sound(open_page(governance, "register", OUTSIDER))
    assert at.button(key="register").disabled
    assert "may not register an initiative" in words(at)


def test_an_unknown_receipt_is_one_sentence(governance: Governance) -> None:
    at = open_page(governance, "register", done="nope")
    assert not at.exception and len(at.error) == 1


@pytest.fixture
def sliced(filled: Governance, tmp_path: Path) -> Governance:
    """The filled store with predictions of the heavy model."""
    give_predictions(filled, tmp_path, RATES)
    return filled


@pytest.fixture(scope="module")
def sliced_looked_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    place = tmp_path_factory.mktemp("sliced")
    filled = fill(founded(place / "store"))
    give_predictions(filled, place, RATES)
    with at_rest(filled) as governance:
        yield governance


def test_slices_start_with_the_sensitive_feature_and_the_limit_of_the_domain(sliced: Governance) -> None:
    at = sound(open_page(sliced, "slices"))
    said = words(at)
    assert "outcome 1 by sex" in said and "at least 0.8 of the highest" in said
    assert "Female against Male" in said
    table = at.dataframe[0].value
    assert list(table["Slice"]) == ["Female", "Male"]
    assert "Fail" in " ".join(map(str, table["Verdict"]))
    assert "fair" not in said.lower().replace("fairlearn", "")


def test_the_address_carries_the_whole_view(sliced: Governance) -> None:
    view = {"id": MODEL, "version": "1", "by": ["region", "sex"], "metric": "accuracy", "part": "analysis"}
    at = sound(open_page(sliced, "slices", **view, against="overall"))
    assert "Accuracy by region and sex" in words(at)
    assert "No limit is set for this metric" in words(at)
    table = at.dataframe[0].value
    assert "undefined" in set(table["95% interval"]), "no man has a label"


def test_slices_too_small_are_shown_and_not_judged(sliced: Governance) -> None:
    at = sound(open_page(sliced, "slices", by=["region"]))
    said = words(at)
    assert "100 rows are needed for a verdict" in said and "Fewer than two slices" in said
    assert "Too small" in " ".join(map(str, at.dataframe[0].value["Verdict"]))


def test_a_slice_is_drilled_into_and_the_path_leads_back(sliced: Governance) -> None:
    at = sound(open_page(sliced, "slices", by=["age"], where=["sex=Female"]))
    assert "1,500 predictions in 5 slices" in words(at) and "Sex: Female" in words(at)
    band = at.dataframe[0].value["Slice"][1]
    at.query_params["where"] = ["sex=Female", f"age={band}"]
    at.query_params["by"] = ["region"]
    assert f"Age: {band}" in words(sound(at.run()))
    at.button(key="path-1").click().run()
    assert at.query_params["where"] == "sex=Female" and at.query_params["by"] == "age"
    at.button(key="path-0").click().run()
    assert "where" not in at.query_params and at.query_params["by"] == "sex"


def test_a_choice_moves_into_the_address_and_drops_what_no_longer_fits(sliced: Governance) -> None:
    at = sound(open_page(sliced, "slices", against="Male"))
    at.multiselect[0].set_value(["region", "sex"]).run()
    assert at.query_params["by"] == ["region", "sex"] and "against" not in at.query_params
    sound(at)


@pytest.mark.parametrize(
    "query",
    [
        {"where": ["nope=1"]},
        {"against": "nobody"},
        {"where": ["age=99 to 3"]},
        {"where": ["sex=Nobody"]},
        {"part": "reference"},
        {"id": "nope"},
        {"id": MODEL, "version": "7"},
        {"id": "meal-mix-sheet"},
    ],
)
def test_an_address_that_cannot_be_is_one_sentence(
    sliced_looked_at: Governance, query: dict[str, Any]
) -> None:
    at = open_page(sliced_looked_at, "slices", **query)
    assert not at.exception
    assert len(at.error) == 1 and len(at.error[0].value) < 400
    button(at, "Start over").click().run()
    assert not at.exception


@pytest.mark.parametrize("query", [{"by": ["nope"]}, {"metric": "nope"}, {"class": "nope"}])
def test_choices_that_do_not_exist_fall_back(sliced_looked_at: Governance, query: dict[str, Any]) -> None:
    assert "outcome 1 by sex" in words(sound(open_page(sliced_looked_at, "slices", **query)))


def test_a_regression_is_sliced_by_its_errors(filled: Governance, tmp_path: Path) -> None:
    give_predictions(filled, tmp_path, NUMBERS, "regression")
    at = sound(open_page(filled, "slices"))
    assert "Mean absolute error by sex" in words(at)
    metrics = ["Mean error", "Mean absolute error", "Root mean squared error"]
    assert field(at, "selectbox", "Metric").options == metrics
    assert "Pass" in " ".join(map(str, at.dataframe[0].value["Verdict"]))  # the limit for errors holds
    sound(open_page(filled, "slices", metric="mean_error"))


def test_of_several_classes_one_is_held_against_the_others(filled: Governance, tmp_path: Path) -> None:
    give_predictions(filled, tmp_path, CLASSES, "multiclass")
    at = sound(open_page(filled, "slices", class_="silver"))
    assert field(at, "selectbox", "Outcome").value == "silver"
    assert "66.7%" in words(at)


def test_bands_keep_their_names_while_others_filter(sliced: Governance) -> None:
    moment = sliced.moment(later(6))
    one: dict[str, Any] = {"initiative": MODEL, "version": "1"}
    whole = bias_slices(sliced, moment, **one, by=("age",))
    inside = bias_slices(sliced, moment, **one, by=("age",), where={"sex": ("Male",)})
    assert [s.label for s in whole.report.slices] == [s.label for s in inside.report.slices]
    label = whole.report.slices[0].label
    kept = bias_slices(sliced, moment, **one, by=("sex",), where={"age": (label,)})
    assert sum(s.rows for s in kept.report.slices) == whole.report.slices[0].rows
    assert whole.rule is not None
    assert bias_slices(sliced, moment, **one, by=("sex",), metric="accuracy").rule is None


def test_the_choices_have_the_sensitive_features_first(sliced: Governance) -> None:
    choices = slice_choices(sliced, sliced.moment(later(6)), initiative=MODEL, version="1")
    assert [feature.name for feature in choices.features] == ["sex", "age", "region"]
    assert choices.parts == ("analysis",) and choices.classes == ("0", "1")
