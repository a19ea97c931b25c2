"""The recorded answers are NannyML's, of the versions that are installed."""

from __future__ import annotations

import pytest
from polars.testing import assert_frame_equal

from tests import oracles
from tests.oracles import FOLDER, recorded
from tests.oracles.questions import QUESTIONS


def test_there_is_an_answer_to_every_question_and_no_other() -> None:
    assert {file.stem for file in FOLDER.glob("*.parquet")} == set(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_was_made_from_the_installed_versions(question: str) -> None:
    assert recorded(question).height


def test_an_answer_of_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = oracles.made_from()
    monkeypatch.setattr(oracles, "made_from", lambda: now | {"nannyml": "0.14.0"})
    with pytest.raises(AssertionError, match="run `make oracles`"):
        recorded("car_loan")


@pytest.mark.parametrize("question", ["car_loan_by_month", "drift_car_loan_by_month"])
def test_nannyml_asked_today_answers_as_recorded(question: str) -> None:
    assert_frame_equal(QUESTIONS[question](), recorded(question), abs_tol=1e-9, rel_tol=1e-9)
