"""Answers to class and mode, on the small policy of `tests/cases/policy/small.yaml`."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.connectors.config_files import read_config, read_policy
from core.domain.actors import Roles
from core.domain.errors import BadInput
from core.domain.policy.policy import Policy, check_answers, classify, classify_so_far

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def policy() -> Policy:
    roles = read_config(PROJECT / "config/roles.yaml", Roles)
    return read_policy(PROJECT / "tests/cases/policy/small.yaml", roles)[0]


def test_the_reasons_say_what_each_answer_adds_and_how_the_score_leads_to_the_class(policy: Policy) -> None:
    found = classify(policy, {"audience": ("public",), "use": ("nightly",)})
    assert (found.class_id, found.mode_id, found.score) == ("strict", "line", 11)  # 5 + 6
    assert found.reasons == (
        "Impact: “Every night” adds 6.",
        "Audience: “The public” adds 5.",
        "Together 11 points; Strict risk starts at 5.",
    )


def test_a_lift_is_a_reason_only_where_the_score_alone_leads_to_less(policy: Policy) -> None:
    questions = policy.questions
    light = questions[0].options[1].model_copy(update={"weight": 1})
    question = questions[0].model_copy(update={"options": (questions[0].options[0], light)})
    lifted = policy.model_copy(update={"questions": (question, questions[1])})
    found = classify(lifted, {"audience": ("public",), "use": ("by_hand",)})
    assert (found.class_id, found.score) == ("strict", 1)
    assert found.reasons[-1] == "“The public” alone asks for at least Strict risk."


def test_nothing_answered_yet_is_the_lightest_class_and_says_so(policy: Policy) -> None:
    found = classify_so_far(policy, {})
    assert (found.class_id, found.mode_id, found.score) == ("light", "hand", 0)
    assert found.reasons == ("Nothing has been answered yet.",)


def test_answers_so_far_lead_to_the_least_class_possible(policy: Policy) -> None:
    assert classify_so_far(policy, {"audience": ("public",)}).class_id == "strict"
    assert classify_so_far(policy, {"audience": ("team",), "use": ()}).class_id == "light"


def test_a_missing_answer_is_named(policy: Policy) -> None:
    with pytest.raises(BadInput) as refusal:
        classify(policy, {"audience": ("team",)})
    assert str(refusal.value) == "no answer to 'use' (answers). Answer all 2 questions."


def test_an_unknown_question_is_named_with_the_known_ones(policy: Policy) -> None:
    with pytest.raises(BadInput, match="'q9' is not a question") as refusal:
        check_answers(policy, {"q9": ("team",)})
    assert refusal.value.remedy == "Use: audience, use."


def test_an_unknown_answer_is_named_with_the_known_ones(policy: Policy) -> None:
    with pytest.raises(BadInput) as refusal:
        check_answers(policy, {"use": ("weekly",)})
    assert str(refusal.value) == "'weekly' is not an answer (question 'use'). Use: by_hand, nightly."


def test_two_answers_where_one_is_asked_are_refused(policy: Policy) -> None:
    with pytest.raises(BadInput, match="2 answers where one is asked"):
        check_answers(policy, {"use": ("by_hand", "nightly")})


def test_the_same_answer_twice_on_a_question_for_many_counts_once(policy: Policy) -> None:
    many = policy.questions[0].model_copy(update={"kind": "many"})
    several = policy.model_copy(update={"questions": (many, policy.questions[1])})
    found = classify(several, {"audience": ("public", "team", "public"), "use": ("by_hand",)})
    assert found.score == 5
