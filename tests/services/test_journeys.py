"""Four journeys, each told from the form to the end, through the services that pages and pipelines use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.domain.commands import RegisterInitiative, RunChecks, make
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.process.commands import (
    ConfirmClass,
    DecideWaiver,
    DelegateSignOff,
    PullModel,
    RequestWaiver,
    ResolveFinding,
    VerifyFinding,
)
from core.domain.process.requirements import Status
from core.domain.process.sign_offs import SignOffStatus
from core.services.governance import Governance
from core.services.process.checks import run_checks
from core.services.process.classification import confirm_class
from core.services.process.findings import (
    decide_waiver,
    findings_list,
    request_waiver,
    resolve_finding,
    verify_finding,
)
from core.services.process.gates import ask_gate, pull_model
from core.services.process.initiatives import initiative_sheet, inventory, register_initiative
from core.services.process.sign_offs import delegate_sign_off, lay_table
from core.services.record.entries import verify_record
from tests.conftest import BUILDER, OWNER, VALIDATOR, later
from tests.journeys import add, everybody_is_trained, explain, watch, write_predictions
from tests.process import (
    ANALYST,
    BUSINESS,
    BUSINESS_TWO,
    HEAD,
    OPS,
    PRODUCTION,
    SECOND,
    THIRD,
    advise,
    ask,
    decide,
    deploy,
    on,
    prove,
    prove_all,
    put_forward,
    seat_signers,
    sign,
    version,
)


def registered(governance: Governance, name: str, day: float, answers: dict[str, tuple[str, ...]]) -> str:
    """Register an initiative of the cast; questions left out have their lightest answer."""
    policy = governance.policy(governance.moment(later(day)))
    lightest = {question.id: (question.options[0].id,) for question in policy.questions}
    command = make(
        RegisterInitiative,
        actor=BUILDER,
        at=later(day),
        name=name,
        purpose="Help the people at the counter to decide well.",
        domain="credit",
        team="Credit",
        owner=OWNER.id,
        builder=BUILDER.id,
        answers=lightest | answers,
    )
    return register_initiative(governance, command).initiative


def class_of(governance: Governance, initiative: str, day: float) -> Any:
    sheet = initiative_sheet(governance, governance.moment(later(day)), initiative=initiative)
    return sheet.initiative.class_id


def live(governance: Governance, initiative: str, day: float) -> bool:
    rows = inventory(governance, governance.moment(later(day)))
    return next(bool(row.live) for row in rows if row.initiative == initiative)


def test_an_analyst_takes_an_ad_hoc_project_from_the_form_to_use_in_one_sitting(
    governance: Governance,
) -> None:
    initiative = registered(governance, "Meal Mix Sheet", 1, {})
    assert class_of(governance, initiative, 1) == "low"
    sheet = initiative_sheet(governance, governance.moment(later(1)), initiative=initiative)
    assert [view.gate.id for view in sheet.gates] == ["deployment"]
    assert all(state.satisfied for state in sheet.requirements), "nothing more to wait for"
    assert decide(governance, initiative, "deployment", 1.01).is_open
    deploy(governance, initiative, 1.02, actor=BUILDER)
    assert live(governance, initiative, 1.02)


def test_an_internal_scheduled_model_needs_its_few_proofs_and_one_signature(governance: Governance) -> None:
    seat_signers(governance)
    answers = {"consumers": ("internal",), "availability": ("scheduled",), "error_impact": ("small_loss",)}
    initiative = registered(governance, "Branch Volume Report", 1, answers)
    assert class_of(governance, initiative, 1) == "moderate"
    version(governance, initiative, day=2)
    blocked = decide(governance, initiative, "development", 2.1)
    assert not blocked.is_open
    assert all(finding.remedy for finding in blocked.findings)
    prove_all(governance, initiative, 3)
    assert decide(governance, initiative, "development", 3.1).is_open
    ask(governance, initiative, "deployment", 3.2)
    with pytest.raises(Forbidden, match="nobody signs their own work"):
        sign(governance, initiative, "deployment", 3.3, OWNER)
    assert sign(governance, initiative, "deployment", 3.4, BUSINESS) is SignOffStatus.APPROVED
    assert decide(governance, initiative, "deployment", 3.5).is_open
    assert decide(governance, initiative, "monitoring", 3.6).is_open
    deploy(governance, initiative, 3.7)
    assert live(governance, initiative, 3.7)
    assert verify_record(governance).first_break is None


def test_a_public_model_of_high_risk_passes_every_gate_and_starts_anew_with_its_next_version(
    governance: Governance, tmp_path: Path
) -> None:
    seat_signers(governance)
    everybody_is_trained(governance, 0.5)
    answers = {
        "consumers": ("public",),
        "error_impact": ("personal",),
        "availability": ("always_on",),
        "explainability": ("entitled",),
    }
    initiative = registered(governance, "Public Credit Advice", 1, answers)
    assert class_of(governance, initiative, 1) == "very_high"
    looked = {"initiative": initiative, "note": "Read every answer with the team."}
    confirm_class(governance, make(ConfirmClass, actor=SECOND, at=later(1.5), **looked))

    # Scoping and ideation: evidence, no signature.
    prove(governance, initiative, "purpose_and_personal_data", 2)
    assert decide(governance, initiative, "scoping", 2.1).is_open
    assert not decide(governance, initiative, "ideation", 2.2).is_open
    prove(governance, initiative, "column_lineage", 3)
    assert decide(governance, initiative, "ideation", 3.1).is_open

    # Development: a version with predictions; the red team is late, which is waived by the right rank.
    version(governance, initiative, day=4)
    reference = write_predictions(tmp_path / "reference.csv", start="2025-11-01")
    analysis = write_predictions(tmp_path / "analysis.csv", start="2025-12-01", seed=8)
    add(governance, initiative, "1", reference, "reference", 4.1)
    add(governance, initiative, "1", analysis, "analysis", 4.2)
    watch(governance, initiative, "1", 4.3)
    explain(governance, initiative, "1", analysis, 4.4)
    prove_all(governance, initiative, 5, but=("red_team",))
    blocked = decide(governance, initiative, "development", 5.1)
    assert {f.requirement for f in blocked.findings if f.severity == "blocker"} == {
        "red_team",
        "every_move_sign_off:development",
    }
    wanted = {
        "initiative": initiative,
        "measure": "red_team",
        "reason": "The red team is booked until next month.",
        "compensation": "Two analysts try to break it every week.",
        "until": on(40),
    }
    waiver = request_waiver(governance, make(RequestWaiver, actor=OWNER, at=later(5.2), **wanted))
    granted = {"initiative": initiative, "waiver": waiver, "outcome": "granted", "note": "With the control."}
    with pytest.raises(Forbidden, match="does not have the rank"):
        decide_waiver(governance, make(DecideWaiver, actor=SECOND, at=later(5.3), **granted))
    decide_waiver(governance, make(DecideWaiver, actor=HEAD, at=later(5.4), **granted))
    ask(governance, initiative, "development", 5.5)
    sign(governance, initiative, "development", 5.6, SECOND)
    opened = decide(governance, initiative, "development", 5.7)
    assert opened.is_open
    assert "open by waiver W1" in opened.findings[0].message

    # Preproduction: feedback first, a rejection, a second round.
    ask(governance, initiative, "preproduction", 6)
    advise(governance, initiative, "preproduction", 6.1, OPS)
    with pytest.raises(BadInput, match="gives a reason"):
        sign(governance, initiative, "preproduction", 6.2, THIRD, outcome="rejected")
    reason = "The load test stopped at half the volume."
    sign(governance, initiative, "preproduction", 6.3, THIRD, outcome="rejected", reason=reason)
    blocked = decide(governance, initiative, "preproduction", 6.4)
    assert any(reason.rstrip(".") in finding.message for finding in blocked.findings)
    prove(governance, initiative, "hand_coded_validation", 6.5, "with-load-test")
    assert (
        lay_table(governance, initiative, "development", governance.moment(later(6.6))).state.status
        is SignOffStatus.APPROVED
    ), "what development signed has not changed"
    ask(governance, initiative, "preproduction", 6.7)
    advise(governance, initiative, "preproduction", 6.8, OPS)
    sign(governance, initiative, "preproduction", 6.9, THIRD)
    assert decide(governance, initiative, "preproduction", 7).is_open

    # Deployment: roles in order, one signature by delegation, two validators.
    given = {"delegate": ANALYST.id, "role": "business_stakeholder", "until": on(20)}
    leave = make(DelegateSignOff, actor=BUSINESS, at=later(7.1), reason="On leave for two weeks.", **given)
    delegate_sign_off(governance, leave)
    ask(governance, initiative, "deployment", 7.2)
    advise(governance, initiative, "deployment", 7.3, PRODUCTION)
    with pytest.raises(Conflict, match="it is the turn of Business stakeholder"):
        sign(governance, initiative, "deployment", 7.4, SECOND)
    for_bea = {"role": "business_stakeholder", "on_behalf_of": BUSINESS.id}
    sign(governance, initiative, "deployment", 7.5, ANALYST, **for_bea)
    sign(governance, initiative, "deployment", 7.6, SECOND)
    assert sign(governance, initiative, "deployment", 7.7, THIRD) is SignOffStatus.APPROVED
    assert decide(governance, initiative, "deployment", 7.8).is_open
    watched = decide(governance, initiative, "monitoring", 7.9)
    assert watched.is_open, [finding.message for finding in watched.findings]
    deploy(governance, initiative, 7.95)
    assert live(governance, initiative, 8)

    # A new version, once it is put forward: what was signed was another one, which stays in production.
    version(governance, initiative, "2", day=9)
    put_forward(governance, initiative, "2", 9.05)
    for gate in ("development", "preproduction", "deployment"):
        state = lay_table(governance, initiative, gate, governance.moment(later(9.1))).state
        assert state.status is SignOffStatus.LAPSED
        assert "version 2 is current, and version 1 was signed" in state.lapses
        assert not decide(governance, initiative, gate, 9.2).is_open
    assert live(governance, initiative, 9.3), "version 1 is in production all the same"
    assert verify_record(governance).first_break is None


def test_a_model_is_pulled_after_a_breach_and_comes_back_when_somebody_else_has_verified(
    governance: Governance, tmp_path: Path
) -> None:
    seat_signers(governance)
    answers = {"consumers": ("internal",), "availability": ("scheduled",), "error_impact": ("small_loss",)}
    initiative = registered(governance, "Call List Order", 1, answers)
    version(governance, initiative, day=2)
    prove_all(governance, initiative, 3)
    ask(governance, initiative, "deployment", 3.1)
    sign(governance, initiative, "deployment", 3.2, BUSINESS)
    deploy(governance, initiative, 3.3)

    # New predictions show a difference between groups beyond the limit: a finding, and a lapsed signature.
    uneven = write_predictions(tmp_path / "uneven.csv", start="2026-02-01", uneven=True)
    add(governance, initiative, "1", uneven, "analysis", 40)
    looked = make(RunChecks, actor=BUILDER, at=later(40.1), initiative=initiative, checks=("bias_limit",))
    assert run_checks(governance, looked)[0].verdict == "fail"
    found = findings_list(governance, governance.moment(later(40.2)), initiative=initiative)
    assert [(line.finding, line.check_id, line.owner) for line in found] == [("F1", "bias_limit", OWNER.id)]
    table = lay_table(governance, initiative, "deployment", governance.moment(later(40.2)))
    assert table.state.lapses == ("the check bias limit failed after it",)
    pulled = {"initiative": initiative, "reason": "Women are called half as often; the old list is used."}
    pull_model(governance, make(PullModel, actor=PRODUCTION, at=later(40.3), **pulled))
    assert not live(governance, initiative, 40.4)

    # Mended by a new version, verified by somebody else, signed anew.
    version(governance, initiative, "2", day=45)
    even = write_predictions(tmp_path / "even.csv", start="2026-02-10", seed=9)
    add(governance, initiative, "2", even, "analysis", 45.1)
    again = make(RunChecks, actor=BUILDER, at=later(45.2), initiative=initiative, checks=("bias_limit",))
    assert run_checks(governance, again)[0].verdict == "pass"
    prove_all(governance, initiative, 46)
    assert not ask_gate(governance, initiative, "deployment", governance.moment(later(46.1))).is_open
    note = {"initiative": initiative, "finding": "F1", "note": "The feature that stood for sex is gone."}
    resolve_finding(governance, make(ResolveFinding, actor=BUILDER, at=later(46.2), **note))
    with pytest.raises(Forbidden, match="somebody else"):
        verify_finding(governance, make(VerifyFinding, actor=OWNER, at=later(46.3), mended=True, **note))
    verify_finding(governance, make(VerifyFinding, actor=VALIDATOR, at=later(46.4), mended=True, **note))
    ask(governance, initiative, "deployment", 46.5)
    sign(governance, initiative, "deployment", 46.6, BUSINESS_TWO)
    deploy(governance, initiative, 46.7)
    assert live(governance, initiative, 46.8)
    sheet = initiative_sheet(governance, governance.moment(later(46.8)), initiative=initiative)
    assert not [state for state in sheet.requirements if state.status is Status.WAIVED]
