"""The page on evaluation sets: empty, full, in the past; models that judge are named, texts stay texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.facts.measured import Evaluation
from core.lake.facts import newest
from core.services.governance import Governance
from portal.components.desk import Desk
from tests.conftest import BUILDER, OUTSIDER, VALIDATOR, later, register
from tests.portal.test_slices_page import sound, words
from tests.process import version
from tests.services.test_evaluation_sets import add, cases, written

HOSTILE = "<b onclick=alert(1)>:green-badge[Approved]</b>"
MODEL = "claims-assistant"


@pytest.fixture(autouse=True)
def _page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page runs without the shell, which knows where links lead."""
    monkeypatch.setattr(st, "page_link", lambda page, label, **more: st.markdown(label))


def open_page(governance: Governance, actor: Actor = BUILDER, day: float = 20, **query: Any) -> AppTest:
    at = AppTest.from_file(str(PROJECT / "portal" / "pages" / "evaluations.py"), default_timeout=60)
    at.session_state["desk"] = Desk(governance, actor, governance.moment(later(day)))
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


@pytest.fixture
def evaluated(governance: Governance, tmp_path: Path) -> Governance:
    """Two versions on one set, the second graded by a person too; one case has a hostile id and text."""
    initiative = register(governance, "Claims Assistant")
    version(governance, initiative, "1")
    version(governance, initiative, "2", day=3)
    first, second = cases(failing=range(60)), cases(failing=range(4))
    for rows in (first, second):
        rows[5] |= {"prompt": HOSTILE, "case": HOSTILE}
    add(governance, initiative, written(tmp_path, first, "1.jsonl"), texts=("prompt",))
    file = written(tmp_path, second, "2.jsonl")
    add(governance, initiative, file, version="2", texts=("prompt",), at=later(11))
    by_person = written(tmp_path, cases(failing=range(2, 8)), "person.jsonl")
    person = {"judge": VALIDATOR.id, "judge_kind": "person"}
    add(governance, initiative, by_person, version="2", **person, at=later(12))
    return governance


def test_without_a_version_or_an_evaluation_the_page_says_what_to_do(governance: Governance) -> None:
    assert "nothing to evaluate" in words(sound(open_page(governance)))
    initiative = register(governance, "Claims Assistant")
    version(governance, initiative, "1")
    assert "No evaluation of this version" in words(sound(open_page(governance)))


def test_verdicts_categories_turned_cases_and_judges_are_drawn(evaluated: Governance) -> None:
    at = sound(open_page(evaluated, OUTSIDER, id=MODEL, version="2", kept="E2"))
    said = words(at)
    assert "rubric 3 on a large model (a model)" in said
    assert "Its own errors are in all figures" in said
    assert "Vera Validator (a person)" in said
    assert "Pass rate by topic" in said
    assert "Version 2 is **better**" in said
    assert "McNemar's test, exact" in said
    assert "Gwet" in said
    tables = [frame.value for frame in at.dataframe]
    assert any(list(table["Category"]) == ["cover", "tone"] for table in tables if "Category" in table)


def test_texts_and_ids_of_cases_stay_text(evaluated: Governance) -> None:
    at = sound(open_page(evaluated, id=MODEL, version="2", kept="E2"))
    html = " ".join(str(element.proto.body) for element in at.get("html"))
    assert "<b onclick" not in html
    assert "&lt;b onclick" in html
    assert not any(HOSTILE in str(element.value) for element in at.markdown)


def test_an_earlier_day_shows_what_was_there_and_an_unknown_one_says_so(evaluated: Governance) -> None:
    said = words(sound(open_page(evaluated, id=MODEL, version="2", day=11.5)))
    assert "Vera Validator" not in said
    at = open_page(evaluated, id=MODEL, version="2", kept="E9")
    assert "no evaluation 'E9'" in at.error[0].value.replace("\\", "")
    assert "no such model version" in open_page(evaluated, id=MODEL, version="9").error[0].value


def test_a_file_is_added_on_the_page_and_a_bad_one_gets_a_sentence(governance: Governance) -> None:
    initiative = register(governance, "Claims Assistant")
    version(governance, initiative, "1")
    at = sound(open_page(governance))
    for text, said in (("{", "t is no JSON"), ('{"case": "c1", "topic": "tone", "passed": true}', "")):
        at.file_uploader[0].set_value(("cases.jsonl", text.encode(), "application/json")).run()
        at.text_input(key=f"AddEvaluation-{initiative}-1-dataset").set_value("Claims questions")
        at.text_input(key=f"AddEvaluation-{initiative}-1-judge").set_value(VALIDATOR.id)
        at.button(key=f"AddEvaluation-{initiative}-1-button").click().run()
        assert said in " ".join(error.value for error in at.error)
    (added,) = newest(governance.store, Evaluation, governance.present(later(21)), initiative)
    assert (added.dataset, added.judge, added.cases) == ("Claims questions", VALIDATOR.id, 1)
