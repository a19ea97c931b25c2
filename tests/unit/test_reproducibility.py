"""The grade of a version comes from what is recorded of it, and from nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.models.model_versions import GRADES, grade_reproducibility

METRICS = {"metrics": {"accuracy": 0.9}}
RETRAIN = {
    "code_uri": "https://git.example.org/cards",
    "code_commit": "c" * 40,
    "environment_sha256": "d" * 64,
    "data_uri": "s3://data/cards",
    "data_sha256": "b" * 64,
}
SNAPSHOT = {
    **RETRAIN,
    "data_kind": "full",
    "artifact_uri": "s3://models/cards",
    "artifact_sha256": "a" * 64,
    "image_uri": "oci://images/cards",
    "image_sha256": "e" * 64,
}


@pytest.mark.parametrize(
    ("recorded", "rung"),
    [
        ({}, 0),
        ({"artifact_uri": "s3://models/cards"}, 0),
        (METRICS, 1),
        ({"metrics_uri": "s3://metrics/1", "metrics_sha256": "f" * 64}, 1),
        ({"metrics_uri": "s3://metrics/1"}, 0),
        (RETRAIN, 2),
        ({**RETRAIN, **METRICS}, 2),
        ({**RETRAIN, "data_kind": "sample"}, 2),
        (SNAPSHOT, 3),
        ({**SNAPSHOT, "data_kind": "sample"}, 2),
        ({**SNAPSHOT, "data_kind": ""}, 2),
        ({**SNAPSHOT, "image_sha256": ""}, 2),
        ({**SNAPSHOT, "environment_sha256": ""}, 3),
    ],
)
def test_each_rung_is_reached_by_what_it_needs(recorded: dict[str, Any], rung: int) -> None:
    grade = grade_reproducibility(recorded)
    assert (grade.rung, grade.title) == (rung, GRADES[rung])


@pytest.mark.parametrize("field", RETRAIN)
def test_any_missing_part_keeps_it_from_being_retrained(field: str) -> None:
    grade = grade_reproducibility({**METRICS, **RETRAIN, field: ""})
    assert grade.rung == 1 and len(grade.lacking) == 1


def test_the_reasons_say_what_is_there_and_what_the_next_rung_lacks() -> None:
    said = " ".join(grade_reproducibility({**METRICS, **RETRAIN, "environment_sha256": None}).reasons)
    assert said == (
        "Recorded: the metrics of this version. For “can be re-created and retrained” is missing: "
        "the environment's lock file, held by its sha256."
    )
    assert grade_reproducibility(SNAPSHOT).lacking == ()


def test_digests_are_told_to_be_the_word_of_who_registered_them() -> None:
    """Nothing tells a made-up digest from a true one, so nobody is led to believe that it was looked at."""
    made_up = {"artifact_sha256": "a" * 64, "data_sha256": "a" * 64, "code_commit": "b" * 40}
    for recorded, told in (({**SNAPSHOT, **made_up}, True), ({**METRICS, **RETRAIN}, True), (METRICS, False)):
        said = " ".join(grade_reproducibility(recorded).reasons)
        assert ("the word of whoever registered them; nothing was fetched" in said) is told


@given(st.sets(st.sampled_from(sorted({**METRICS, **SNAPSHOT}))), st.sampled_from(sorted(SNAPSHOT)))
def test_more_on_record_never_lowers_the_grade(there: set[str], more: str) -> None:
    whole = {**METRICS, **SNAPSHOT}
    some = {field: whole[field] for field in there}
    assert grade_reproducibility({**some, more: whole[more]}).rung >= grade_reproducibility(some).rung
