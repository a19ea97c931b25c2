"""Findings, waivers, breaches and pulled models: who may, what they do to gates, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.domain.chain import Fact
from core.domain.commands import make
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.domain.moment import Moment
from core.domain.process.commands import (
    DecideWaiver,
    PullModel,
    RaiseFinding,
    RequestWaiver,
    ResolveFinding,
    VerifyFinding,
    WithdrawWaiver,
)
from core.domain.process.requirements import Status
from core.lake.process.inventory import gate_lines
from core.lake.store import save_store
from core.services.governance import Governance
from core.services.process.findings import (
    breach_findings,
    decide_waiver,
    findings_list,
    raise_finding,
    request_waiver,
    resolve_finding,
    verify_finding,
    waivers_list,
    withdraw_waiver,
)
from core.services.process.gates import ask_gate, pull_model
from core.services.process.initiatives import initiative_sheet, inventory
from tests.conftest import BUILDER, OUTSIDER, OWNER, VALIDATOR, founded, later, register
from tests.process import (
    BUSINESS,
    HEAD,
    OPS,
    SECOND,
    ask,
    decide,
    deploy,
    on,
    prove,
    prove_all,
    put_forward,
    put_in_force,
    refused,
    seat_signers,
    sign,
    thawed,
    version,
    without_predictions,
)

MODERATE = {"consumers": ("internal",), "availability": ("scheduled",), "error_impact": ("small_loss",)}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two initiatives: one of class very high with a version, one of class moderate that is live."""
    governance = founded(tmp_path_factory.mktemp("prepared") / "store")
    seat_signers(governance)
    put_in_force(governance, without_predictions())
    version(governance, register(governance))
    live = register_moderate(governance)
    version(governance, live)
    prove_all(governance, live, 3)
    ask(governance, live, "deployment", 3.1)
    sign(governance, live, "deployment", 3.2, BUSINESS)
    deploy(governance, live, 3.3)
    save_store(governance.store)
    governance.close()
    return governance.store.folder


def register_moderate(governance: Governance) -> str:
    """Register the scheduled report of the cast."""
    from core.domain.commands import RegisterInitiative
    from core.services.process.initiatives import register_initiative

    policy = governance.policy(governance.moment(later(2)))
    lightest = {question.id: (question.options[0].id,) for question in policy.questions}
    command = make(
        RegisterInitiative,
        actor=BUILDER,
        at=later(2),
        name="Branch Volume Report",
        purpose="Forecast the volume of loans per branch.",
        team="Credit",
        owner=OWNER.id,
        builder=BUILDER.id,
        answers=lightest | MODERATE,
    )
    return register_initiative(governance, command).initiative


@pytest.fixture
def governance(prepared: Path, tmp_path: Path) -> Iterator[Governance]:
    """The prepared store, for one test alone."""
    opened = thawed(prepared, tmp_path / "store")
    yield opened
    opened.close()


STRICT, LIVE = "card-limit-advice", "branch-volume-report"


def moment(governance: Governance, day: float) -> Moment:
    return governance.moment(later(day))


def found(governance: Governance, day: float = 4, **more: Any) -> str:
    values = {
        "initiative": LIVE,
        "title": "Ages are wrong",
        "severity": "major",
        "step": "deployment",
        "due_on": on(20),
        **more,
    }
    return raise_finding(governance, make(RaiseFinding, actor=VALIDATOR, at=later(day), **values))


def resolve(governance: Governance, day: float, actor: Any = BUILDER, finding: str = "F1") -> None:
    values = {"initiative": LIVE, "finding": finding, "note": "The parser reads four digits now."}
    resolve_finding(governance, make(ResolveFinding, actor=actor, at=later(day), **values))


def verify(governance: Governance, day: float, actor: Any = VALIDATOR, mended: bool = True) -> None:
    values = {"initiative": LIVE, "finding": "F1", "note": "Looked at a thousand rows.", "mended": mended}
    verify_finding(governance, make(VerifyFinding, actor=actor, at=later(day), **values))


def wanted(governance: Governance, day: float = 4, **more: Any) -> str:
    values = {
        "initiative": STRICT,
        "measure": "red_team",
        "reason": "The red team is booked until the end of the month.",
        "compensation": "Two analysts try to break it every week.",
        "until": on(40),
        **more,
    }
    actor = values.pop("actor", OWNER)
    return request_waiver(governance, make(RequestWaiver, actor=actor, at=later(day), **values))


def answer(governance: Governance, day: float, actor: Any = HEAD, outcome: str = "granted") -> None:
    values = {"initiative": STRICT, "waiver": "W1", "outcome": outcome, "note": "The controls are in place."}
    decide_waiver(governance, make(DecideWaiver, actor=actor, at=later(day), **values))


def standing(governance: Governance, initiative: str, measure: str, day: float) -> Status:
    sheet = initiative_sheet(governance, moment(governance, day), initiative=initiative)
    return next(s.status for s in sheet.requirements if s.requirement.id == measure)


def test_a_finding_shuts_the_gate_until_somebody_else_verified_that_it_is_mended(
    governance: Governance,
) -> None:
    assert found(governance) == "F1"
    assert not ask_gate(governance, LIVE, "deployment", moment(governance, 4.1)).is_open
    assert ask_gate(governance, LIVE, "development", moment(governance, 4.1)).is_open
    resolve(governance, 5)
    assert not ask_gate(governance, LIVE, "deployment", moment(governance, 5.1)).is_open
    verify(governance, 6, mended=False)
    assert findings_list(governance, moment(governance, 6.1), initiative=LIVE)[0].state == "open"
    resolve(governance, 7)
    verify(governance, 8)
    assert ask_gate(governance, LIVE, "deployment", moment(governance, 8.1)).is_open
    assert findings_list(governance, moment(governance, 8.1), initiative=LIVE, open_only=True) == []


def test_an_open_finding_past_its_day_is_overdue(governance: Governance) -> None:
    found(governance, due_on=on(5))
    assert not findings_list(governance, moment(governance, 5.1), initiative=LIVE)[0].overdue
    assert findings_list(governance, moment(governance, 6.1), initiative=LIVE)[0].overdue


@pytest.mark.parametrize(
    "person", [OWNER, BUILDER, VALIDATOR], ids=["owner", "builder", "whoever-resolved-it"]
)
def test_a_finding_is_verified_by_somebody_else(governance: Governance, person: Any) -> None:
    found(governance)
    resolve(governance, 5, actor=VALIDATOR)
    everything = person.model_copy(update={"roles": ("risk_audit", "head_of_risk", "business_stakeholder")})
    refused(governance, Forbidden, "somebody else", lambda: verify(governance, 6, actor=everything))


@pytest.mark.parametrize(
    ("attempt", "kind", "words"),
    [
        (lambda g: found(g, initiative="nothing"), NotFound, "no initiative 'nothing'"),
        (lambda g: found(g, step="launch"), BadInput, "'launch' is no process step"),
        (lambda g: found(g, due_on=on(1)), BadInput, "has passed"),
        (lambda g: found(g, owner="nobody"), NotFound, "nobody is called 'nobody'"),
        (lambda g: found(g, severity="terrible"), BadInput, "severity"),
        (lambda g: resolve(g, 5), NotFound, "has no finding 'F1'"),
        (lambda g: verify(g, 5), NotFound, "has no finding 'F1'"),
    ],
)
def test_wrong_findings_are_one_sentence_and_store_nothing(
    governance: Governance, attempt: Callable[..., Any], kind: type[GovernanceError], words: str
) -> None:
    refused(governance, kind, words, lambda: attempt(governance))


def test_a_finding_is_resolved_and_verified_once(governance: Governance) -> None:
    found(governance)
    refused(governance, Conflict, "is open, not resolved", lambda: verify(governance, 5))
    resolve(governance, 5)
    refused(governance, Conflict, "is resolved already", lambda: resolve(governance, 5.1))
    verify(governance, 6)
    refused(governance, Conflict, "is closed already", lambda: resolve(governance, 7))
    refused(governance, Conflict, "is closed, not resolved", lambda: verify(governance, 7))


def test_a_granted_waiver_stands_in_until_its_last_day_and_is_said_everywhere(
    governance: Governance,
) -> None:
    assert wanted(governance) == "W1"
    assert standing(governance, STRICT, "red_team", 4.1) is Status.MISSING
    answer(governance, 5)
    assert standing(governance, STRICT, "red_team", 5.1) is Status.WAIVED
    decision = ask_gate(governance, STRICT, "development", moment(governance, 5.1))
    said = next(finding for finding in decision.findings if finding.requirement == "red_team")
    assert said.severity == "warning"
    assert "open by waiver W1" in said.message
    assert "Two analysts try to break it every week" in said.remedy
    rows = {row.initiative: row for row in inventory(governance, moment(governance, 5.1))}
    assert (rows[STRICT].waived, rows[LIVE].waived) == (1, 0)
    assert standing(governance, STRICT, "red_team", 40.1) is Status.WAIVED
    assert standing(governance, STRICT, "red_team", 41.1) is Status.MISSING


def test_a_waiver_lapses_with_the_version_it_was_granted_for(governance: Governance) -> None:
    wanted(governance)
    answer(governance, 5)
    version(governance, STRICT, "2", day=6)
    assert standing(governance, STRICT, "red_team", 7) is Status.MISSING


def test_a_withdrawn_waiver_no_longer_holds(governance: Governance) -> None:
    wanted(governance)
    answer(governance, 5)
    taken = {"initiative": STRICT, "waiver": "W1", "note": "The red team came earlier."}
    withdraw_waiver(governance, make(WithdrawWaiver, actor=OWNER, at=later(6), **taken))
    assert standing(governance, STRICT, "red_team", 6.1) is Status.MISSING
    refused(
        governance,
        Conflict,
        "is withdrawn",
        lambda: withdraw_waiver(governance, make(WithdrawWaiver, actor=OWNER, at=later(7), **taken)),
    )


def test_only_the_right_rank_decides_and_nobody_their_own(governance: Governance) -> None:
    wanted(governance)
    refused(governance, Forbidden, "does not have the rank", lambda: answer(governance, 5, actor=SECOND))
    owner = OWNER.model_copy(update={"roles": ("head_of_risk",)})
    refused(governance, Forbidden, "nobody decides a waiver", lambda: answer(governance, 5, actor=owner))
    refused(governance, Forbidden, "may not grant", lambda: answer(governance, 5, actor=OUTSIDER))


def test_the_first_decision_on_a_waiver_stands(governance: Governance) -> None:
    wanted(governance)
    answer(governance, 5, outcome="refused")
    refused(governance, Conflict, "was refused by Hal Head", lambda: answer(governance, 6))
    assert standing(governance, STRICT, "red_team", 7) is Status.MISSING
    assert wanted(governance, 8) == "W2"


@pytest.mark.parametrize(
    ("attempt", "kind", "words"),
    [
        (lambda g: wanted(g, initiative="nothing"), NotFound, "no initiative 'nothing'"),
        (lambda g: wanted(g, measure="groups_named"), BadInput, "is not asked of class Very high"),
        (lambda g: wanted(g, measure="every_move_sign_off"), BadInput, "cannot be waived"),
        (lambda g: wanted(g, until=on(2)), BadInput, "lasts from today"),
        (lambda g: wanted(g, until=on(100)), BadInput, "at most 60 days"),
        (lambda g: wanted(g, reason="Because"), BadInput, "reason needs at least 10 characters"),
        (lambda g: wanted(g, compensation=""), BadInput, "compensation needs at least 10 characters"),
        (lambda g: wanted(g, actor=OUTSIDER), Forbidden, "may not ask for a waiver"),
        (lambda g: answer(g, 5), NotFound, "has no waiver 'W1'"),
    ],
)
def test_wrong_waivers_are_one_sentence_and_store_nothing(
    governance: Governance, attempt: Callable[..., Any], kind: type[GovernanceError], words: str
) -> None:
    refused(governance, kind, words, lambda: attempt(governance))


def test_a_second_waiver_of_the_same_requirement_is_a_conflict(governance: Governance) -> None:
    wanted(governance)
    refused(governance, Conflict, "W1 of it is requested already", lambda: wanted(governance, 4.5))
    assert [line.waiver for line in waivers_list(governance, moment(governance, 5), standing_only=True)] == [
        "W1"
    ]


def test_a_waiver_of_a_lighter_class_does_not_hold_for_a_stricter_one(governance: Governance) -> None:
    from core.domain.commands import OverrideClassification
    from core.services.process.classification import override_classification

    version(governance, LIVE, "2", day=4)
    put_forward(governance, LIVE, "2", 4)
    wanted(governance, 4.1, initiative=LIVE, measure="model_documented")
    values = {"initiative": LIVE, "waiver": "W1", "outcome": "granted", "note": "The controls are in place."}
    decide_waiver(governance, make(DecideWaiver, actor=SECOND, at=later(4.2), **values))
    assert standing(governance, LIVE, "model_documented", 4.3) is Status.WAIVED
    lifted = make(
        OverrideClassification,
        actor=VALIDATOR,
        at=later(5),
        initiative=LIVE,
        class_id="high",
        justification="The forecast now decides about staff.",
    )
    override_classification(governance, lifted)
    sheet = initiative_sheet(governance, moment(governance, 6), initiative=LIVE)
    assert not [state for state in sheet.requirements if state.status is Status.WAIVED]


def test_a_failed_check_on_a_live_model_opens_one_finding_and_makes_its_signatures_lapse(
    governance: Governance,
) -> None:
    at = moment(governance, 5)
    policy = governance.policy(at)
    failed = [("bias_limit", "the lowest rate is 0.6 of the highest")]
    of_set = [("evaluation_limit", "half of the cases fail")]
    assert len(breach_findings(governance, policy, LIVE, of_set, at)) == 1
    assert breach_findings(governance, policy, STRICT, failed, at) == [], "it is not live"
    facts = breach_findings(governance, policy, LIVE, failed, at)
    run = {
        "initiative": LIVE,
        "version": "1",
        "check_id": "bias_limit",
        "verdict": "fail",
        "first_try": True,
        "observed": 0.6,
        "limit_value": 0.8,
        "message": failed[0][1],
        "remedy": "Look at the groups.",
    }
    facts = [Fact("check_run", LIVE, "check_run", (run,)), *facts]
    governance.store.append(facts, actor=BUILDER.id, at=later(5))
    line = findings_list(governance, moment(governance, 5.1), initiative=LIVE)[0]
    assert (line.severity, line.owner, line.due_on) == ("major", OWNER.id, on(19))
    again = breach_findings(governance, policy, LIVE, failed, moment(governance, 6))
    assert again == [], "one finding per check is enough"
    decision = ask_gate(governance, LIVE, "deployment", moment(governance, 6))
    assert {finding.requirement for finding in decision.findings} == {
        "owner_declaration:deployment",
        "finding:F1",
    }
    outcomes = {
        row.gate: row.outcome
        for row in gate_lines(governance.store, policy, moment(governance, 6))
        if row.initiative == LIVE
    }
    assert outcomes["deployment"] == "blocked"


def test_a_pulled_model_is_not_live_until_it_is_put_into_production_again(governance: Governance) -> None:
    pulled = {"initiative": LIVE, "reason": "It answers with yesterday's prices."}
    refused(
        governance,
        Conflict,
        "is not live",
        lambda: pull_model(
            governance, make(PullModel, actor=OPS, at=later(4), **{**pulled, "initiative": STRICT})
        ),
    )
    pull_model(governance, make(PullModel, actor=OPS, at=later(4), **pulled))
    rows = {row.initiative: row for row in inventory(governance, moment(governance, 5))}
    assert not rows[LIVE].live
    refused(
        governance,
        Conflict,
        "is not live",
        lambda: pull_model(governance, make(PullModel, actor=OPS, at=later(5), **pulled)),
    )
    assert decide(governance, LIVE, "deployment", 6).is_open
    rows = {row.initiative: row for row in inventory(governance, moment(governance, 6.1))}
    assert not rows[LIVE].live, "asking puts nothing into production"
    deploy(governance, LIVE, 6.2)
    rows = {row.initiative: row for row in inventory(governance, moment(governance, 7))}
    assert rows[LIVE].live


def test_a_lapsed_signature_is_seen_by_the_query_over_the_whole_inventory(governance: Governance) -> None:
    prove(governance, LIVE, "model_documented", 5, "other-words")
    policy = governance.policy(moment(governance, 6))
    outcome = next(
        row.outcome
        for row in gate_lines(governance.store, policy, moment(governance, 6))
        if (row.initiative, row.gate) == (LIVE, "deployment")
    )
    assert outcome == "blocked"
