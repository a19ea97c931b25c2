"""ALCOA grades: each letter by its rule, with the reason and what it cannot see."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.process.alcoa import LETTERS, EvidenceFacts, Grade, alcoa_grades, overall_grade

BEST = EvidenceFacts(
    submitter="Bram Builder", known=True, has_role=True, role="Data scientist", link="", file_name="log.md",
    waited_days=4, event="version 2 was registered", allowed_days=45, digest_holds=True,
    reviewer="Vera Validator", review="signed it on 2026-02-01",
)  # fmt: skip


def graded(**changes: object) -> dict[str, tuple[Grade, str]]:
    found = alcoa_grades(dataclasses.replace(BEST, **changes))  # type: ignore[arg-type]
    return {one.letter: (one.grade, one.reason) for one in found}


def test_a_file_in_time_by_the_right_person_and_signed_since_has_all_five() -> None:
    grades = alcoa_grades(BEST)
    assert [one.letter for one in grades] == list(LETTERS)
    assert {one.grade for one in grades} == {Grade.FULL}
    assert overall_grade(grades) is Grade.FULL
    assert [one.reason for one in grades] == [
        "submitted by Bram Builder, with the role responsible, Data scientist",
        "a file of the kind .md, which people can read",
        "submitted 4 days after version 2 was registered; 45 are allowed",
        "the file is kept by its content, with its digest on record",
        "the file still has its digest; Vera Validator signed it on 2026-02-01",
    ]


@pytest.mark.parametrize(
    ("letter", "changes", "grade", "words"),
    [
        ("attributable", {"has_role": False}, Grade.PARTLY, "without the role responsible, Data scientist"),
        ("attributable", {"known": False}, Grade.NOT, "the directory no longer knows who submitted it"),
        ("legible", {"file_name": "model.bin"}, Grade.PARTLY, "the kind .bin, which needs a program of its"),
        ("legible", {"file_name": "README"}, Grade.PARTLY, "a file without an ending"),
        ("legible", {"file_name": "Report.PDF"}, Grade.FULL, "the kind .pdf"),
        ("legible", {"link": "https://wiki/x", "file_name": ""}, Grade.PARTLY, "as long as it leads somewh"),
        ("legible", {"link": "s3://a/b", "file_name": ""}, Grade.CANNOT_TELL, "a link of the kind “s3”"),
        ("legible", {"purged": True}, Grade.NOT, "removed on purpose"),
        ("contemporaneous", {"waited_days": 45}, Grade.FULL, "45 days after version 2 was registered"),
        ("contemporaneous", {"waited_days": 46}, Grade.PARTLY, "submitted late, 46 days after"),
        ("contemporaneous", {"waited_days": 91}, Grade.NOT, "submitted long after the event, 91 days"),
        ("contemporaneous", {"waited_days": 1}, Grade.FULL, "submitted 1 day after"),
        ("contemporaneous", {"waited_days": None}, Grade.CANNOT_TELL, "no event that it follows"),
        ("original", {"link": "https://wiki/x", "file_name": ""}, Grade.NOT, "may change without a trace"),
        ("original", {"purged": True}, Grade.PARTLY, "its digest can still identify a copy"),
        ("accurate", {"reviewer": ""}, Grade.PARTLY, "nobody independent has looked at it yet"),
        ("accurate", {"digest_holds": False}, Grade.NOT, "no longer has the digest"),
        ("accurate", {"digest_holds": None}, Grade.CANNOT_TELL, "nothing can be verified; Vera Validator"),
    ],
)
def test_each_letter_follows_its_rule(
    letter: str, changes: dict[str, object], grade: Grade, words: str
) -> None:
    found, reason = graded(**changes)[letter]
    assert found is grade
    assert words in reason


def test_what_cannot_be_told_is_worse_than_partly_and_better_than_not() -> None:
    grades = alcoa_grades(dataclasses.replace(BEST, has_role=False, waited_days=None))
    assert overall_grade(grades) is Grade.CANNOT_TELL
    grades = alcoa_grades(dataclasses.replace(BEST, waited_days=None, digest_holds=False))
    assert overall_grade(grades) is Grade.NOT


@given(
    st.builds(
        EvidenceFacts, submitter=st.just("A"), known=st.booleans(), has_role=st.booleans(), role=st.just("R"),
        link=st.sampled_from(["", "https://a/b", "s3://a/b"]), file_name=st.sampled_from(["", "a.md", "b"]),
        waited_days=st.none() | st.integers(0, 500), event=st.just("it happened"),
        allowed_days=st.integers(0, 200), digest_holds=st.none() | st.booleans(), purged=st.booleans(),
        reviewer=st.sampled_from(["", "V"]), review=st.just("signed it"),
    )
)  # fmt: skip
def test_every_grade_says_why_and_what_it_cannot_see(facts: EvidenceFacts) -> None:
    grades = alcoa_grades(facts)
    assert [one.letter for one in grades] == list(LETTERS)
    for one in grades:
        assert one.reason
        assert one.blind
        assert not one.reason.endswith(".")
    worst = overall_grade(grades)
    assert (worst is Grade.FULL) == all(one.grade is Grade.FULL for one in grades)
    better = alcoa_grades(dataclasses.replace(facts, known=True, has_role=True))
    rank = [Grade.NOT, Grade.CANNOT_TELL, Grade.PARTLY, Grade.FULL]
    assert rank.index(better[0].grade) >= rank.index(grades[0].grade), "the right person never grades lower"
