"""Acting through the process in tests: a policy without predictions, a cast of signers, short commands."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from core.domain.actors import Actor
from core.domain.commands import (
    DecideGate,
    DeployVersion,
    DraftPolicy,
    PromoteVersion,
    PublishPolicy,
    RegisterModelVersion,
    ReviewPolicy,
    RunChecks,
    SubmitEvidence,
    make,
)
from core.domain.errors import GovernanceError
from core.domain.facts.rules import PublishedPolicy
from core.domain.process.commands import GiveFeedback, RequestSignOff, SignGate
from core.domain.process.gates import Decision
from core.domain.process.sign_offs import SignOffStatus
from core.lake.directory import put_person
from core.lake.store import DATABASE, Store
from core.services.case import begin
from core.services.governance import Governance
from core.services.models.versions import deploy_version, promote_version, register_model_version
from core.services.process.checks import run_checks
from core.services.process.evidence import submit_evidence
from core.services.process.gates import decide_gate
from core.services.process.initiatives import initiative_sheet
from core.services.process.sign_offs import give_feedback, request_sign_off, sign_gate
from core.services.record.proposals import AgreeToProposal, agree_to_proposal
from core.services.rules.configuration import ProposeConfiguration, next_version
from core.services.rules.policies import draft_policy, parse_policy, publication, publish_policy
from core.services.rules.previews import review_policy
from tests.conftest import ADMIN, BUILDER, CONFIG, VALIDATOR, later, rules_of, shipped

BUSINESS = Actor(id="bea-business", name="Bea Business", team="Cards", roles=("business_stakeholder",))
BUSINESS_TWO = Actor(id="bob-business", name="Bob Business", team="Loans", roles=("business_stakeholder",))
SECOND = Actor(id="sam-second", name="Sam Second", team="Risk", roles=("risk_audit",))
THIRD = Actor(id="tia-third", name="Tia Third", team="Risk", roles=("risk_audit",))
HEAD = Actor(id="hal-head", name="Hal Head", team="Risk", roles=("risk_audit", "head_of_risk"))
OPS = Actor(id="oda-ops", name="Oda Ops", team="Platform", roles=("data_ops",))
PRODUCTION = Actor(id="pia-production", name="Pia Production", team="Platform", roles=("production",))
ANALYST = Actor(id="ana-analyst", name="Ana Analyst", team="Cards", roles=("business_analyst",))
SIGNERS = (BUSINESS, BUSINESS_TWO, SECOND, THIRD, HEAD, OPS, PRODUCTION, ANALYST)
SELF_SUFFICIENT = {"naming_standard", "owner_set", "evidence_fresh", "versions_locked", "data_digest"}
LOCKED = {
    "artifact_sha256": "a" * 64,
    "data_sha256": "b" * 64,
    "code_commit": "c" * 40,
    "environment_sha256": "d" * 64,
}


def thawed(saved: Path, folder: Path) -> Governance:
    """A copy in memory of a store that was saved: preparing it anew for each test would take long."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute(f"ATTACH '{saved / DATABASE}' AS saved (READ_ONLY)")
    connection.execute("COPY FROM DATABASE saved TO memory")
    connection.execute("DETACH saved")
    return replace(shipped(), store=Store(connection, folder))


def agree(governance: Governance, proposal: str, day: float, actor: Actor = HEAD) -> None:
    """Let somebody who had no part in it agree to a proposal."""
    put_person(governance.store, actor)
    command = make(AgreeToProposal, actor=actor, at=later(day), proposal=proposal)
    agree_to_proposal(governance, command)


def seat_signers(governance: Governance) -> None:
    """Put those who sign into the directory."""
    for person in SIGNERS:
        put_person(governance.store, person)


def without_predictions(version: str = "no-predictions", *, confirmed: bool = False) -> str:
    """The shipped policy without the checks that look at predictions, trainings and the like.

    Where it is not meant, no class has to be confirmed by a second person; none is drawn.
    """
    return _without_predictions(confirmed).replace("version: VERSION", f"version: {version}", 1)


@cache
def _without_predictions(confirmed: bool) -> str:
    policy: dict[str, Any] = yaml.safe_load((CONFIG / "policy.yaml").read_text(encoding="utf-8"))
    policy["version"] = "VERSION"
    for risk_class in policy["classes"]:
        risk_class["confirmed"] = confirmed and risk_class.get("confirmed", False)
        risk_class["drawn_percent"] = 0
    for ladder in policy["considerations"]:
        for rung in ladder["rungs"]:
            rung["checks"] = [check for check in rung.get("checks", []) if check in SELF_SUFFICIENT]
    return yaml.safe_dump(policy, sort_keys=False)


def put_in_force(governance: Governance, text: str, day: float = 0.5) -> None:
    """Put a policy in force without asking anybody: what the tests stand on, not what they test."""
    policy = parse_policy(text, rules_of(governance).roles, name="test policy")
    governance.store.append([publication(PublishedPolicy, policy, text)], actor="ada-admin", at=later(day))


def put_file_in_force(governance: Governance, file: str, change: tuple[str, str], day: float = 0.5) -> None:
    """Put a shipped file with one change in force without asking anybody."""
    text = (CONFIG / file).read_text(encoding="utf-8")
    assert change[0] in text
    command = make(ProposeConfiguration, actor=ADMIN, at=later(day), text=text.replace(*change, 1), name=file)
    entry = next_version(begin(governance, command), command)
    governance.store.append([entry], actor="ada-admin", at=later(day))


def publish(governance: Governance, text: str, day: float) -> None:
    """Put a policy in force as people do: drafted by one, approved by another."""
    at = later(day)
    draft = draft_policy(
        governance, make(DraftPolicy, actor=VALIDATOR, at=at, text=text, name="changed.yaml")
    )
    note = "Read it and its preview."
    review_policy(
        governance, make(ReviewPolicy, actor=ADMIN, at=at, draft=draft, outcome="approved", note=note)
    )
    publish_policy(governance, make(PublishPolicy, actor=VALIDATOR, at=at, draft=draft))


def version(governance: Governance, initiative: str, label: str = "1", day: float = 2, **more: Any) -> None:
    """The builder registers a locked version."""
    command = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(day),
        initiative=initiative,
        version=label,
        algorithm="Gradient boosting",
        task="binary",
        **{**LOCKED, **_own_content(initiative), **more},
    )
    register_model_version(governance, command)


def _own_content(initiative: str) -> dict[str, str]:
    """Digests of its own, as the same content elsewhere is told."""
    return {
        name: hashlib.sha256(f"{initiative}/{name}".encode()).hexdigest()
        for name in ("artifact_sha256", "data_sha256")
    }


def prove(
    governance: Governance, initiative: str, measure: str, day: float, words: str = "proof", actor: Any = None
) -> None:
    """Submit a link as evidence; independent measures by the validator."""
    policy = governance.policy(governance.moment(later(day)))
    author = actor or (VALIDATOR if policy.measures[measure].independent else BUILDER)
    command = make(
        SubmitEvidence,
        actor=author,
        at=later(day),
        initiative=initiative,
        measure=measure,
        title="Proof",
        link=f"https://wiki.example.org/{measure}/{words}",
    )
    submit_evidence(governance, command)


def prove_all(governance: Governance, initiative: str, day: float, *, but: tuple[str, ...] = ()) -> None:
    """Submit everything that is missing except what is named, and run the checks."""
    sheet = initiative_sheet(governance, governance.moment(later(day)), initiative=initiative)
    for state in sheet.requirements:
        measure = state.requirement.measure
        missing = measure.id not in sheet.facts.evidence
        if measure.evidence is not None and missing and measure.id not in but:
            prove(governance, initiative, measure.id, day)
    run_checks(governance, make(RunChecks, actor=BUILDER, at=later(day), initiative=initiative))


def ask(governance: Governance, initiative: str, gate: str, day: float, actor: Actor = BUILDER) -> None:
    """Ask for the signatures of a gate."""
    command = make(RequestSignOff, actor=actor, at=later(day), initiative=initiative, gate=gate)
    request_sign_off(governance, command)


def advise(governance: Governance, initiative: str, gate: str, day: float, actor: Actor, **more: Any) -> None:
    """Give feedback in one's only role."""
    values = {"outcome": "approved", "role": next(iter(actor.roles), ""), **more}
    command = make(GiveFeedback, actor=actor, at=later(day), initiative=initiative, gate=gate, **values)
    give_feedback(governance, command)


def sign(
    governance: Governance, initiative: str, gate: str, day: float, actor: Actor, **more: Any
) -> SignOffStatus:
    """Answer at a gate, approving in one's first role unless told otherwise."""
    values = {"outcome": "approved", "role": next(iter(actor.roles), ""), **more}
    command = make(SignGate, actor=actor, at=later(day), initiative=initiative, gate=gate, **values)
    return sign_gate(governance, command)


def decide(
    governance: Governance, initiative: str, gate: str, day: float, actor: Actor = BUILDER
) -> Decision:
    """Ask for a decision and put it on record."""
    return decide_gate(
        governance, make(DecideGate, actor=actor, at=later(day), initiative=initiative, gate=gate)
    )


def deploy(
    governance: Governance, initiative: str, day: float, label: str = "", actor: Actor = OPS, **more: Any
) -> None:
    """Put a version into production, the current one unless told otherwise."""
    about = {"initiative": initiative, "version": label, **more}
    deploy_version(governance, make(DeployVersion, actor=actor, at=later(day), **about))


def put_forward(
    governance: Governance, initiative: str, label: str, day: float, actor: Actor = BUILDER
) -> None:
    """Have the gates asked about a version from then on."""
    about = {"initiative": initiative, "version": label, "reason": "It errs less."}
    promote_version(governance, make(PromoteVersion, actor=actor, at=later(day), **about))


def on(days: float) -> date:
    """The day some days after the store was founded."""
    return later(days).date()


def refused(governance: Governance, kind: type[GovernanceError], words: str, act: Callable[[], Any]) -> None:
    """The act is refused in one sentence with a remedy, and nothing is stored."""
    head = governance.store.head()
    with pytest.raises(kind) as problem:
        act()
    said = str(problem.value)
    assert words in said or re.search(words, said), said
    assert problem.value.remedy.endswith(".") or "Known here" in said
    assert "\n" not in said
    assert governance.store.head() == head
