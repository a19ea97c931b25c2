"""Drift and data, and predictions: empty, filled, forbidden, in the past, and asked for nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.services.governance import Governance
from core.services.jobs import jobs_of, wait_for
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality
from core.services.measured.drift import MeasureDrift, measure_drift
from core.services.measured.predictions import ADDING
from core.services.use_case import INCOMING
from portal.components.desk import Desk
from tests.conftest import ADMIN, BUILDER, OUTSIDER, later
from tests.services.test_drift_and_quality import ROWS, attribute, filled, rows_of
from tests.services.test_prediction_intake import FRAME, add, frame, parquet, with_version

MODEL = "card-limit-advice"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links are shown as text: a page alone knows no other page."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


def open_page(
    name: str,
    governance: Governance,
    *,
    actor: Actor = BUILDER,
    in_past: bool = False,
    days: float = 8,
    **query: str,
) -> AppTest:
    at = AppTest.from_file(str(PROJECT / "portal" / "pages" / f"{name}.py"), default_timeout=60)
    at.session_state["desk"] = Desk(governance, actor, governance.moment(later(days)), in_past=in_past)
    for key, value in query.items():
        at.query_params[key] = value
    return at.run()


def words(at: AppTest) -> str:
    """Everything a page says, in one text."""
    parts = [*at.title, *at.header, *at.caption, *at.markdown, *at.info, *at.success, *at.error]
    html = [block.proto.body for block in at.get("html")]
    return "\n".join([*(str(part.value) for part in parts), *html])


def adding(initiative: str) -> str:
    """How the job that takes a file in has ended."""
    (job,) = [job for job in jobs_of(f"{initiative}/1") if job.kind == ADDING]
    return wait_for(job.id, 60).state


def sound(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    assert not at.error, [error.value for error in at.error]
    return at


@pytest.fixture
def initiative(governance: Governance) -> str:
    return with_version(governance, "binary")


@pytest.fixture
def measured(governance: Governance, initiative: str, tmp_path: Path) -> Governance:
    """A version whose income moved, with personal data in a column, measured."""
    mails = {"note": [f"person{n}@example.org" for n in range(ROWS)]}
    rows_of(ROWS, 0, **mails).write_parquet(tmp_path / "reference.parquet")
    rows_of(ROWS, ROWS, shift=6, **mails).write_parquet(tmp_path / "analysis.parquet")
    add(governance, initiative, tmp_path / "reference.parquet", part="reference", days=3)
    add(governance, initiative, tmp_path / "analysis.parquet", days=4)
    about = {"actor": BUILDER, "at": later(5), "initiative": initiative, "version": "1"}
    measure_drift(governance, MeasureDrift.model_validate(about))
    measure_data_quality(governance, MeasureDataQuality.model_validate(about))
    return governance


def test_an_empty_store_leads_to_the_next_step(governance: Governance) -> None:
    assert "there is nothing to compare" in words(sound(open_page("drift", governance)))
    assert "No model version is registered yet" in words(sound(open_page("predictions", governance)))


def test_drift_is_shown_with_what_it_carries(measured: Governance) -> None:
    said = words(sound(open_page("drift", measured)))
    assert "1 of 3" in said
    assert "they carry 33% of the features" in said
    assert "No attribution of this version is on record" in said
    assert "Income in detail" in said
    assert "Not compared: note: nearly every row has a value of its own" in said.replace("\\", "")
    assert "1 of 4 columns are beyond a limit" in said
    assert "Personal data" in said
    assert "person1@" not in said
    for part in ("Formula:", "Direction:", "Zero:", "Leaves out:", "Source:"):
        assert part in said.replace("\\", ""), part


def test_attributions_change_what_stands_on_top(measured: Governance) -> None:
    attribute(measured, MODEL, {"age": 0.9, "income": 0.0001})
    said = words(sound(open_page("drift", measured)))
    assert "Age in detail" in said
    assert "carries 90% of the model's attribution" in said.replace("\\", "")


def test_the_feature_and_the_distance_come_from_the_address(measured: Governance) -> None:
    at = open_page("drift", measured, id=MODEL, version="1", feature="channel", method="chi2")
    said = words(sound(at))
    assert "Channel in detail" in said
    assert "An alert lies beyond chance" in said
    assert "Pearson 1900" in said
    nonsense = open_page("drift", measured, id=MODEL, version="1", feature="no-such", method="beauty")
    assert "Income in detail" in words(sound(nonsense))
    together = open_page("drift", measured, id=MODEL, version="1", feature="inputs")
    said = words(sound(together))
    assert "All inputs together in detail" in said
    assert "Jackson and Mudholkar 1979" in said
    score = open_page("drift", measured, id=MODEL, version="1", feature="y_score")
    assert "Score in detail" in words(sound(score))


def test_nonsense_in_the_address_gives_a_sentence(measured: Governance) -> None:
    at = open_page("drift", measured, id="no-such")
    assert "no initiative 'no" in at.error[0].value.replace("\\", "").lower()
    at = open_page("predictions", measured, id="no-such")
    assert "There is no such model version" in at.error[0].value


def test_a_version_that_is_not_measured_says_so_and_can_be_measured(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    filled(governance, initiative, tmp_path, shift=0)
    at = sound(open_page("drift", governance, id=initiative, version="1"))
    assert "Nothing was measured yet" in words(at)
    button = next(one for one in at.button if one.label == "Measure")
    assert not button.disabled
    button.click()
    sound(at.run())
    for job in jobs_of(f"{initiative}/1"):
        ended = wait_for(job.id, 60)
        assert (ended.state, ended.problem) == ("done", "")
        assert ended.sentence == "3 features are compared and 3 columns judged."
    assert jobs_of(f"{initiative}/1")


def test_a_version_without_a_reference_says_what_is_lacking(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    add(governance, initiative, parquet(tmp_path, frame()), days=3, **FRAME)
    said = words(sound(open_page("drift", governance)))
    assert "has no reference batch" in said


def test_who_may_not_measure_or_add_reads_all_the_same(measured: Governance) -> None:
    at = sound(open_page("drift", measured, actor=OUTSIDER))
    assert next(one for one in at.button if one.label == "Measure again").disabled
    assert "1 of 3" in words(at)
    closed = sound(open_page("predictions", measured, actor=OUTSIDER))
    assert "may not add prediction batches" in words(closed).replace("\\", "")
    assert not closed.get("file_uploader")


def test_the_past_is_shown_as_it_stood(measured: Governance) -> None:
    at = sound(open_page("drift", measured, actor=ADMIN, in_past=True, days=4.5))
    assert "Nothing was measured yet" in words(at)
    assert next(one for one in at.button if one.label == "Measure").disabled


def test_batches_are_listed_with_their_notes_and_the_kept_columns(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    hostile = frame(sex=["<b>Other</b>", *["Female", "Male"] * 99, "Male"])
    add(governance, initiative, parquet(tmp_path, hostile), days=3, **FRAME)
    said = words(sound(open_page("predictions", governance)))
    assert "Only 200 rows: most figures will have wide intervals." in said
    assert "1 group has one row only" in said
    assert "<b>Other" not in said
    assert "Columns kept for the next file" in said
    assert "granted" in said


def test_a_version_without_predictions_asks_for_the_first_file(
    governance: Governance, initiative: str
) -> None:
    said = words(sound(open_page("predictions", governance)))
    assert "the first file names them" in said
    assert "No predictions were added to this version yet" in said


def test_a_file_is_looked_at_mapped_and_added(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    file = parquet(tmp_path, frame())
    at = sound(open_page("predictions", governance))
    at.file_uploader[0].upload(file.name, file.read_bytes(), "application/octet-stream")
    sound(at.run())
    chosen = {box.label: box.value for box in at.selectbox}
    assert chosen["Score (0 to 1)"] == "probability"
    for label, column in (("Prediction", "granted"), ("True outcome", "repaid"), ("Id of the row", "case")):
        next(box for box in at.selectbox if box.label == label).set_value(column)
    next(button for button in at.button if button.label == "Check and add").click()
    sound(at.run())
    assert adding(initiative) == "done"
    assert "200 rows of loans" in words(sound(at.run())).replace("\\", "")
    assert not list((governance.store.folder / INCOMING).iterdir())
    said = words(sound(open_page("predictions", governance, days=9)))
    assert "repaid" in said


def test_a_refused_file_says_why_and_nothing_is_stored(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    head = governance.store.head()
    at = sound(open_page("predictions", governance))
    content = frame(probability=[50.0] * 200).write_csv().encode()
    at.file_uploader[0].upload("loans.csv", content, "text/csv")
    sound(at.run())
    next(box for box in at.selectbox if box.label == "Prediction").set_value("granted")
    next(button for button in at.button if button.label == "Check and add").click()
    at.run()
    assert adding(initiative) == "failed"
    assert not at.run().exception
    assert "looks like per cent" in at.error[0].value.replace("\\", "")
    assert governance.store.head() == head


def test_how_values_are_read_is_declared_with_the_first_file_and_amended(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    file = parquet(tmp_path, frame(income=["-999", "?", *["900", "1000.5"] * 99]))
    at = sound(open_page("predictions", governance))
    at.file_uploader[0].upload(file.name, file.read_bytes(), "application/octet-stream")
    sound(at.run())
    for label, column in (("Prediction", "granted"), ("True outcome", "repaid"), ("Id of the row", "case")):
        next(box for box in at.selectbox if box.label == label).set_value(column)
    typed = {box.label: box for box in at.text_input}
    typed["Values that stand for none, comma between"].set_value("income=?, income=-999")
    typed["Kinds of columns, comma between"].set_value("income=number")
    next(button for button in at.button if button.label == "Check and add").click()
    sound(at.run())
    assert adding(initiative) == "done"
    at = sound(open_page("predictions", governance, days=9))
    assert "income=?, income=-999" in words(at)
    next(box for box in at.text_input if box.label == "Kinds of columns, comma between").set_value(
        "income=code"
    )
    boxes = (*at.text_area, *at.text_input)
    next(box for box in boxes if box.label == "Why" and "Amend" in box.key).set_value("The words count.")
    next(button for button in at.button if button.label == "Amend").click()
    sound(at.run())
    said = words(sound(open_page("predictions", governance, days=12)))
    assert "Read as amended: kind income=code (The words count.)" in said.replace("\\", "")
