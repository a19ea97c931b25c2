"""Registering, proving, checking and deciding, as people do it; wrong input stores nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.domain.commands import (
    AmendInitiative,
    DecideGate,
    OverrideClassification,
    RegisterInitiative,
    RegisterModelVersion,
    RunChecks,
    SubmitEvidence,
    make,
)
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.domain.process.requirements import Status
from core.ground import Verdict
from core.lake.directory import put_person
from core.services.case import registered
from core.services.governance import Governance
from core.services.models.versions import register_model_version
from core.services.process.checks import run_checks
from core.services.process.classification import override_classification
from core.services.process.evidence import submit_evidence
from core.services.process.gates import ask_gate, decide_gate
from core.services.process.initiatives import (
    amend_initiative,
    initiative_sheet,
    inventory,
    preview_classification,
    register_initiative,
)
from core.services.record.entries import record_page, verify_record
from tests.conftest import ADMIN, BUILDER, CONFIG, OUTSIDER, OWNER, VALIDATOR, answers_for, later, register
from tests.process import agree, publish

LOCKED = {
    "artifact_uri": "s3://models/card-limit/1",
    "artifact_sha256": "a" * 64,
    "data_uri": "s3://data/cards",
    "data_sha256": "b" * 64,
    "code_uri": "https://git.example.org/cards",
    "code_commit": "c" * 40,
    "environment_sha256": "d" * 64,
}


def version(governance: Governance, initiative: str, label: str = "1", day: float = 2, **links: Any) -> None:
    command = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(day),
        initiative=initiative,
        version=label,
        algorithm="Gradient boosting",
        task="binary",
        **links,
    )
    register_model_version(governance, command)


def prove(governance: Governance, initiative: str, measure: str, day: float = 3, **given: Any) -> None:
    actor = given.pop("actor", BUILDER)
    given = given or {"link": "https://wiki.example.org/proof"}
    command = make(
        SubmitEvidence,
        actor=actor,
        at=later(day),
        initiative=initiative,
        measure=measure,
        title="Proof",
        **given,
    )
    submit_evidence(governance, command)


def needing_evidence(governance: Governance, initiative: str, *, independent: bool = False) -> str:
    sheet = initiative_sheet(governance, governance.moment(later(5)), initiative=initiative)
    return next(
        s.requirement.measure.id
        for s in sheet.requirements
        if s.requirement.measure.evidence is not None and s.requirement.measure.independent == independent
    )


def test_an_ad_hoc_sheet_passes_its_gate_on_the_day_it_is_registered(governance: Governance) -> None:
    initiative = register(governance, "Meal Mix Sheet", heavy=False)
    sheet = initiative_sheet(governance, governance.moment(later(1)), initiative=initiative)
    assert sheet.initiative.class_id == "low"
    for gate in sheet.gates:
        assert ask_gate(governance, initiative, gate.gate.id, governance.moment(later(1))).is_open


def test_the_heaviest_answers_lead_to_the_strictest_class_and_blocked_gates(governance: Governance) -> None:
    initiative = register(governance)
    decision = decide_gate(
        governance, DecideGate(actor=BUILDER, at=later(2), initiative=initiative, gate="deployment")
    )
    sheet = initiative_sheet(governance, governance.moment(later(2)), initiative=initiative)
    assert sheet.initiative.class_id == "very_high"
    assert not decision.is_open
    assert all(finding.remedy for finding in decision.findings)


def test_a_preview_shows_the_class_while_answering_and_stores_nothing(governance: Governance) -> None:
    moment = governance.moment(later(1))
    question = governance.policy(moment).questions[0]
    preview = preview_classification(governance, moment, {question.id: (question.options[0].id,)})
    assert not preview.complete
    assert governance.store.head() == moment.seq


def test_the_same_name_twice_is_a_conflict_and_the_first_stands(governance: Governance) -> None:
    register(governance)
    head = governance.store.head()
    with pytest.raises(Conflict, match="is registered already"):
        register(governance)
    assert governance.store.head() == head


def test_evidence_meets_its_requirement_and_lapses_with_a_new_version(governance: Governance) -> None:
    initiative = register(governance)
    version(governance, initiative, **LOCKED)
    moment = governance.moment(later(2))
    policy = governance.policy(moment)
    sheet = initiative_sheet(governance, moment, initiative=initiative)
    measure = next(
        s.requirement.measure
        for s in sheet.requirements
        if s.requirement.measure.evidence
        and not s.requirement.measure.checks
        and not s.requirement.measure.independent
        and policy.measure_is_per_version(s.requirement.measure.id)
    )
    prove(governance, initiative, measure.id)
    assert status_of(governance, initiative, measure.id, 3) is Status.MET
    version(governance, initiative, "2", day=10, **LOCKED)
    assert status_of(governance, initiative, measure.id, 10) is Status.MISSING
    assert status_of(governance, initiative, measure.id, 9) is Status.MET, "as it stood before"


def status_of(governance: Governance, initiative: str, measure: str, day: float) -> Status:
    sheet = initiative_sheet(governance, governance.moment(later(day)), initiative=initiative)
    return next(s.status for s in sheet.requirements if s.requirement.measure.id == measure)


def test_a_check_that_failed_passes_when_mended_and_only_the_first_counts_as_first(
    governance: Governance,
) -> None:
    initiative = register(governance)
    version(governance, initiative, **{**LOCKED, "data_sha256": ""})
    first = {r.check: r.verdict for r in checks(governance, initiative, 3)}
    assert first["data_digest"] is Verdict.FAIL
    version(governance, initiative, "2", day=4, **LOCKED)
    runs = initiative_sheet(governance, governance.moment(later(5)), initiative=initiative).check_runs
    digest_runs = [(r.version, r.verdict, r.first_try) for r in runs if r.check_id == "data_digest"]
    assert digest_runs == [("2", "pass", True), ("1", "fail", False), ("1", "fail", True)]


def checks(governance: Governance, initiative: str, day: float) -> tuple[Any, ...]:
    return run_checks(governance, RunChecks(actor=BUILDER, at=later(day), initiative=initiative))


def test_a_version_without_predictions_cannot_be_told_to_keep_the_bias_limit(governance: Governance) -> None:
    initiative = register(governance)
    version(governance, initiative, **LOCKED)
    verdicts = {r.check: r.verdict for r in checks(governance, initiative, 3)}
    assert verdicts["bias_limit"] is Verdict.CANNOT_TELL
    assert verdicts["decay_alert"] is Verdict.CANNOT_TELL


def test_the_same_answer_is_recorded_once_however_often_a_pipeline_asks(governance: Governance) -> None:
    initiative = register(governance)
    for minute in range(5):
        command = DecideGate(
            actor=BUILDER, at=later(2 + minute / 1440), initiative=initiative, gate="deployment"
        )
        decide_gate(governance, command)
    moment = governance.moment(later(3))
    assert len(record_page(governance, moment, initiative=initiative, action="gate_decided")) == 1


def test_nobody_proves_an_independent_measure_of_what_they_own_or_build(governance: Governance) -> None:
    initiative = register(governance)
    version(governance, initiative, **LOCKED)
    measure = needing_evidence(governance, initiative, independent=True)
    with pytest.raises(Forbidden, match="independent of the team"):
        prove(governance, initiative, measure, actor=BUILDER)
    builder_with_both_hats = BUILDER.model_copy(update={"roles": ("data_scientist", "risk_audit")})
    with pytest.raises(Forbidden, match="owns, builds or registered"):
        prove(governance, initiative, measure, actor=builder_with_both_hats)
    prove(governance, initiative, measure, actor=VALIDATOR)


def test_an_override_needs_a_role_a_reason_and_independence(governance: Governance) -> None:
    initiative = register(governance)
    given = {"at": later(2), "initiative": initiative, "class_id": "high"}
    reason = "The pilot decides about nobody until March."
    with pytest.raises(Forbidden, match="may not override a classification"):
        override_classification(
            governance, make(OverrideClassification, actor=BUILDER, justification=reason, **given)
        )
    with pytest.raises(BadInput, match="justification"):
        make(OverrideClassification, actor=VALIDATOR, justification="because", **given)
    owner = OWNER.model_copy(update={"roles": ("risk_audit",)})
    with pytest.raises(Forbidden, match="owns, builds or registered"):
        override_classification(
            governance, make(OverrideClassification, actor=owner, justification=reason, **given)
        )
    given |= {"until": later(60).date(), "compensation": "A clerk decides every case by hand."}
    proposal = override_classification(
        governance, make(OverrideClassification, actor=VALIDATOR, justification=reason, **given)
    )
    agree(governance, proposal, 2)
    known = initiative_sheet(governance, governance.moment(later(3)), initiative=initiative).initiative
    assert (known.class_id, known.computed_class_id) == ("high", "very_high")
    assert known.justification == reason


def test_an_amended_owner_is_found_by_search_and_the_history_stays(governance: Governance) -> None:
    initiative = register(governance)
    amend_initiative(
        governance,
        make(AmendInitiative, actor=BUILDER, at=later(4), initiative=initiative, owner=VALIDATOR.id),
    )
    assert [r.owner_name for r in inventory(governance, governance.moment(later(5)), search="vera CARD")] == [
        "Vera Validator"
    ]
    assert inventory(governance, governance.moment(later(3)), search="vera") == []


def test_a_wrong_policy_is_refused_and_the_old_one_stays_in_force(governance: Governance) -> None:
    text = (CONFIG / "policy.yaml").read_text(encoding="utf-8")
    before = governance.policy(governance.moment(later(1)))
    with pytest.raises(BadInput, match=r"changed\.yaml"):
        publish(governance, text + "\nunknown: 1\n", 2)
    assert governance.policy(governance.moment(later(3))) == before
    with pytest.raises(Conflict, match="published before"):
        publish(governance, text, 2)
    newer = text.replace(f'version: "{before.version}"', 'version: "99"', 1)
    publish(governance, newer, 4)
    assert governance.policy(governance.moment(later(5))).version == "99"
    assert governance.policy(governance.moment(later(3))).version == before.version, "as it stood"


WRONG: list[tuple[str, dict[str, Any], type[GovernanceError], str]] = [
    ("unknown initiative", {"initiative": "nothing-like-it"}, NotFound, "no initiative 'nothing-like-it'"),
    ("unknown measure", {"measure": "wishful_thinking"}, NotFound, "no measure of the policy"),
    ("neither link nor file", {"link": ""}, BadInput, "either a link or a file"),
    ("both", {"file_name": "a.txt", "content": b"x"}, BadInput, "either a link or a file"),
    ("an empty file", {"link": "", "file_name": "a.txt"}, BadInput, "is empty"),
    ("a link that is none", {"link": "javascript:alert(1)"}, BadInput, "full address"),
    ("no permission", {"actor": OUTSIDER}, Forbidden, "may not submit evidence"),
]


@pytest.mark.parametrize(("case", "change", "error", "words"), WRONG, ids=[case for case, *_ in WRONG])
def test_wrong_evidence_is_refused_with_one_sentence_and_nothing_is_stored(
    governance: Governance, case: str, change: dict[str, Any], error: type[GovernanceError], words: str
) -> None:
    initiative = register(governance)
    version(governance, initiative, **LOCKED)
    head = governance.store.head()
    given = {
        "actor": BUILDER,
        "at": later(3),
        "initiative": initiative,
        "title": "Proof",
        "measure": needing_evidence(governance, initiative),
        "link": "https://wiki.example.org/x",
        **change,
    }
    with pytest.raises(error, match=words) as caught:
        submit_evidence(governance, make(SubmitEvidence, **given))
    assert caught.value.remedy
    assert governance.store.head() == head


def test_a_file_is_kept_by_its_digest_and_verified(governance: Governance) -> None:
    initiative = register(governance)
    version(governance, initiative, **LOCKED)
    prove(
        governance,
        initiative,
        needing_evidence(governance, initiative),
        file_name="review.md",
        content=b"# Seen",
    )
    assert verify_record(governance).files == 1
    assert verify_record(governance).first_break is None
    kept = next((governance.store.folder / "evidence").iterdir())
    kept.write_bytes(b"# Sean")
    broken = verify_record(governance).first_break
    assert broken is not None
    assert "is not what was recorded" in broken.problem


def test_an_owner_who_is_not_known_is_refused(governance: Governance) -> None:
    with pytest.raises(NotFound, match="nobody is called 'ghost'"):
        register_initiative(
            governance,
            make(
                RegisterInitiative,
                actor=BUILDER,
                at=later(1),
                name="Ghost Owner",
                purpose="Owned by nobody at all.",
                domain="credit",
                team="Credit",
                owner="ghost",
                answers=answers_for(governance, heavy=True),
            ),
        )


def test_an_owner_who_left_fails_the_owner_check(governance: Governance, tmp_path: Path) -> None:
    leaver = ADMIN.model_copy(update={"id": "leo-leaver", "name": "Leo Leaver"})
    put_person(governance.store, leaver)
    initiative = register(governance)
    amend_initiative(
        governance,
        make(AmendInitiative, actor=BUILDER, at=later(2), initiative=initiative, owner="leo-leaver"),
    )
    governance.store.cursor().execute("DELETE FROM directory WHERE actor = 'leo-leaver'")
    verdicts = {r.check: r.verdict for r in checks(governance, initiative, 3)}
    assert verdicts["owner_set"] is Verdict.FAIL


@pytest.mark.parametrize(
    ("given", "owner"), [({}, BUILDER.id), ({"owner": ""}, ""), ({"owner": OWNER.id}, OWNER.id)]
)
def test_whoever_names_no_owner_owns_it_and_a_sheet_without_an_owner_stays_one(
    governance: Governance, given: dict[str, str], owner: str
) -> None:
    command = make(
        RegisterInitiative,
        actor=BUILDER,
        at=later(1),
        name="Postcode sheet",
        purpose="Look up the postcode of a street.",
        answers=answers_for(governance, heavy=False),
        **given,
    )
    initiative = register_initiative(governance, command).initiative
    found = registered(governance, initiative, governance.present(later(2)))
    assert (found.owner, found.team) == (owner, BUILDER.team)
