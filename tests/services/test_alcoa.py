"""ALCOA over the services: grades come from the record, and a spoiled file shows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.domain.commands import RegisterModelVersion, SubmitEvidence, make
from core.domain.errors import BadInput, NotFound
from core.domain.process.alcoa import Grade
from core.services.governance import Governance
from core.services.models.versions import register_model_version
from core.services.process.evidence import AlcoaSheet, alcoa_sheet, submit_evidence
from core.services.process.initiatives import initiative_sheet
from tests.conftest import BUILDER, OWNER, VALIDATOR, later, register


def submit(
    governance: Governance, measure: str, *, days: float, actor: object = BUILDER, **more: object
) -> None:
    content = more or {"file_name": f"{measure}.md", "content": f"# {measure}".encode()}
    command = make(
        SubmitEvidence, actor=actor, at=later(days), initiative="card-limit-advice", measure=measure,
        title=f"Note on {measure}"[:60], **content,
    )  # fmt: skip
    submit_evidence(governance, command)


def version(governance: Governance, label: str, days: float) -> None:
    command = make(
        RegisterModelVersion, actor=BUILDER, at=later(days), initiative="card-limit-advice", version=label,
        algorithm="Boosting", task="binary",
    )  # fmt: skip
    register_model_version(governance, command)


@pytest.fixture
def initiative(governance: Governance) -> str:
    initiative = register(governance)
    version(governance, "1", 2)
    submit(governance, "development_logged", days=12)
    submit(governance, "full_snapshot", days=60, actor=OWNER, link="https://wiki.example/snapshot")
    return initiative


def sheet(governance: Governance, initiative: str, days: float = 70) -> AlcoaSheet:
    return alcoa_sheet(governance, governance.moment(later(days)), initiative=initiative)


def grades(found: AlcoaSheet, title: str) -> dict[str, tuple[str, str]]:
    known = next(one for one in found.evidence if one.title == title)
    return {one.letter: (one.grade.value, one.reason) for one in known.grades}


def test_a_file_and_a_link_are_graded_by_what_the_record_holds(
    governance: Governance, initiative: str
) -> None:
    found = sheet(governance, initiative)
    log = grades(found, "Note on development_logged")
    assert {letter: grade for letter, (grade, _) in log.items()} == {
        "attributable": "full", "legible": "full", "contemporaneous": "full", "original": "full",
        "accurate": "partly",
    }  # fmt: skip
    assert log["contemporaneous"][1] == "submitted 10 days after version 1 was registered; 45 are allowed"
    link = grades(found, "Note on full_snapshot")
    assert {letter: grade for letter, (grade, _) in link.items()} == {
        "attributable": "partly", "legible": "partly", "contemporaneous": "partly", "original": "not",
        "accurate": "cannot_tell",
    }  # fmt: skip
    assert link["attributable"][1] == (
        "submitted by Olga Owner, without the role responsible, Data operations"
    )
    assert [one.seq for one in found.evidence] == sorted((one.seq for one in found.evidence), reverse=True)


def test_an_independent_proof_since_makes_it_accurate(governance: Governance, initiative: str) -> None:
    submit(governance, "hand_coded_validation", days=61, actor=VALIDATOR)
    accurate = grades(sheet(governance, initiative), "Note on development_logged")["accurate"]
    assert accurate == (
        "full",
        "the file still has its digest; Vera Validator handed in “Validation by hand-coding” on 2026-03-07",
    )
    before = grades(sheet(governance, initiative, days=15), "Note on development_logged")["accurate"]
    assert before[0] == "partly", "as it stood then"


def test_a_file_that_was_changed_is_not_accurate(governance: Governance, initiative: str) -> None:
    (file,) = (governance.store.folder / "evidence").iterdir()
    file.chmod(0o600)
    file.write_bytes(b"something else")
    grade, reason = grades(sheet(governance, initiative), "Note on development_logged")["accurate"]
    assert (grade, reason) == ("not", "the file no longer has the digest it was submitted with")
    file.unlink()
    assert grades(sheet(governance, initiative), "Note on development_logged")["accurate"][0] == "not"


def test_who_has_left_the_directory_can_no_longer_be_named(governance: Governance, initiative: str) -> None:
    governance.store.cursor().execute("DELETE FROM directory WHERE actor = ?", [BUILDER.id])
    assert grades(sheet(governance, initiative), "Note on development_logged")["attributable"][0] == "not"


def test_evidence_of_an_older_version_is_graded_and_not_counted(
    governance: Governance, initiative: str
) -> None:
    version(governance, "2", 65)
    found = sheet(governance, initiative)
    assert [one.counts for one in found.evidence] == [False, False]
    assert sum(sum(counts.values()) for counts in found.by_letter.values()) == 0
    assert sheet(governance, initiative, days=64).by_letter["original"] == {
        Grade.FULL: 1, Grade.PARTLY: 0, Grade.NOT: 1, Grade.CANNOT_TELL: 0,
    }  # fmt: skip


def test_an_initiative_that_is_not_registered_is_refused(governance: Governance) -> None:
    with pytest.raises(NotFound, match="no initiative 'nobody' is registered"):
        sheet(governance, "nobody")


def test_evidence_is_as_fresh_as_the_day_that_it_stands_for(governance: Governance, initiative: str) -> None:
    def expires(measure: str, days: float) -> date | None:
        moment = governance.moment(later(days))
        states = initiative_sheet(governance, moment, initiative=initiative).requirements
        return next(one.expires_on for one in states if one.requirement.measure.id == measure)

    states = initiative_sheet(governance, governance.moment(later(70)), initiative=initiative).requirements
    asked = [one.requirement.measure for one in states]
    measure = next(one for one in asked if one.evidence and one.valid_days and not one.checks)
    valid, link = timedelta(days=measure.valid_days or 0), f"https://wiki.example/{measure.id}"
    actor = VALIDATOR if measure.independent else BUILDER
    submit(governance, measure.id, days=100, actor=actor, link=link, stands_for=later(20).date())
    assert expires(measure.id, 101) == later(20).date() + valid
    submit(governance, measure.id, days=110, actor=actor, link=f"{link}-2")
    assert expires(measure.id, 111) == later(110).date() + valid
    with pytest.raises(BadInput, match="cannot stand for"):
        submit(governance, measure.id, days=112, actor=actor, link=link, stands_for=later(113).date())
    assert len(sheet(governance, initiative, 113).evidence) == 4
