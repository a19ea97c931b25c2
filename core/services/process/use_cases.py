"""The use cases of the process: initiatives, evidence, checks, gates, sign-offs, findings and waivers."""

from __future__ import annotations

import json
from collections.abc import Mapping

from core.domain.actors import Roles
from core.domain.commands import (
    AmendInitiative,
    DecideGate,
    OverrideClassification,
    RegisterInitiative,
    RunChecks,
    SubmitEvidence,
)
from core.domain.given import GateId, InitiativeId
from core.domain.moment import Moment
from core.domain.policy.checks import Kind
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import Requirement
from core.domain.process import commands as given
from core.domain.process.facts import DecisionLine
from core.domain.process.gates import Decision
from core.ground import Result, plain
from core.services.case import registered
from core.services.governance import Governance
from core.services.process import findings, sign_offs
from core.services.process.checks import run_checks
from core.services.process.classification import (
    confirm_class,
    override_classification,
    reassess_initiative,
    reassessment,
)
from core.services.process.evidence import submit_evidence
from core.services.process.gates import ask_gate, decide_gate, pull_model
from core.services.process.initiatives import (
    InitiativeSheet,
    Registered,
    amend_initiative,
    initiative_sheet,
    inventory,
    register_initiative,
    reopen_initiative,
    retire_initiative,
)
from core.services.process.sign_off_view import sign_off_views
from core.services.use_case import Call, Line, asks, does, proposed

UNDECIDED = "decision"
"""What the finding of a gate that could not be decided names instead of a requirement."""


def list_questions(call: Call) -> Result:
    """List the questions of registration, with domains and people to choose from."""
    governance, moment = call.governance, call.moment()
    policy, ethics = governance.policy(moment), governance.position(moment)
    return {
        "kinds": [_kind(kind) for kind in policy.kinds],
        "questions": policy.questions,
        "domains": [{"id": domain.id, "title": domain.title} for domain in ethics.domains],
        "people": [{"id": person.id, "name": person.name} for person in governance.people()],
        "actor": call.actor,
    }


def _kind(kind: Kind) -> Result:
    said = {"id": kind.id, "title": kind.title, "description": kind.description, "trait": kind.trait}
    return {**said, "made_of": kind.made_of, "may_have": kind.may_have, "tasks": kind.tasks}


def show_initiative(call: Call, moment: Moment, *, initiative: InitiativeId) -> Result:
    """Show an initiative: class, requirements, gates, versions, evidence."""
    sheet = initiative_sheet(call.governance, moment, initiative=initiative)
    return _sheet(sheet, call.governance.rules(moment).roles)


def ask(call: Call, moment: Moment, *, initiative: InitiativeId, gate: GateId) -> Result:
    """Ask whether a gate is open; nothing is recorded."""
    decision = ask_gate(call.governance, initiative, gate, moment)
    return {**_decided(decision, call.governance.policy(moment)), "recorded": False}


def _registered(call: Call, command: RegisterInitiative, found: Registered) -> Result:
    policy, roles = call.governance.policy(call.moment()), call.rules.roles
    return {
        "initiative": found.initiative,
        "class_id": found.classification.class_id,
        "class_title": policy.class_title(found.classification.class_id),
        "mode_id": found.classification.mode_id,
        "score": found.classification.score,
        "reasons": found.classification.reasons,
        "requirements": [_required(one, roles) for one in found.requirements],
    }


def _decided(decision: Decision, policy: Policy) -> Result:
    """A decision; `decided` is false where doubt and not a requirement keeps the gate shut."""
    asked = {finding.requirement for finding in decision.findings}
    decided = UNDECIDED not in asked or UNDECIDED in policy.measures
    title = next((gate.title for gate in policy.gates if gate.id == decision.gate), decision.gate)
    return {"outcome": decision.outcome, "decided": decided, "gate_title": title, **plain(decision)}


def _decided_now(call: Call, command: DecideGate, decision: Decision) -> Result:
    return {**_decided(decision, call.governance.policy(call.moment())), "recorded": True}


def _reclassified(call: Call, command: OverrideClassification, proposal: str) -> Result:
    title = call.governance.policy(call.moment()).class_title(command.class_id)
    said = {"initiative": command.initiative, "class_id": command.class_id, "class_title": title}
    return {**said, "proposal": proposal}


def _reclassified_said(result: Result) -> str:
    if result["proposal"]:
        return proposed(result)
    return f"{result['initiative']} is now in class {result['class_title']}."


def _reassessed_said(result: Result) -> str:
    if result["proposal"]:
        return proposed(result)
    return f"The answers of {result['initiative']} are given anew; its class is {result['class_title']}."


def _reassessed(call: Call, command: given.ReassessInitiative, proposal: str) -> Result:
    moment = call.moment()
    known = registered(call.governance, command.initiative, moment)
    title = call.governance.policy(moment).class_title(known.class_id)
    said = {"initiative": command.initiative, "class_id": known.class_id, "class_title": title}
    return {**said, "proposal": proposal}


def _required(requirement: Requirement, roles: Roles) -> Result:
    """What is asked for, of whom, and what proves it."""
    measure = requirement.measure
    return {
        "measure": measure.id,
        "requirement": requirement.id,
        "title": requirement.title,
        "consideration": requirement.consideration.title,
        "step": requirement.step,
        "responsible": measure.responsible,
        "responsible_title": roles.title(measure.responsible),
        "guide": measure.guide,
        "evidence": measure.evidence,
        "example": measure.example,
        "checks": measure.checks,
        "sign_off": requirement.sign_off,
        "due_days": requirement.due_days,
    }


def _sheet(sheet: InitiativeSheet, roles: Roles) -> Result:
    known, policy = sheet.initiative, sheet.policy
    mode = next((mode for mode in policy.modes if mode.id == known.mode_id), None)
    return {
        "initiative": {
            **plain(known),
            "class_title": policy.class_title(known.class_id),
            "kind_title": policy.kind(known.kind).title,
            "mode_title": mode.operationalization if mode else known.mode_id,
        },
        "stage": sheet.stage,
        "unconfirmed": sheet.facts.unconfirmed,
        "held": sheet.hold and f"since {sheet.hold.recorded_at:%Y-%m-%d}: {sheet.hold.reason}",
        "running": [run for run in sheet.runs if run.ended_at is None],
        "requirements": [
            {
                **_required(state.requirement, roles),
                "status": state.status,
                "proved_by": state.proved_by.id,
                "due_on": state.due_on,
                "expires_on": state.expires_on,
                "overdue": state.overdue,
            }
            for state in sheet.requirements
        ],
        "gates": [
            {
                **_decided(view.decision, policy),
                "recorded": _recorded(view.recorded) if view.recorded else None,
            }
            for view in sheet.gates
        ],
        "versions": sheet.versions,
        "evidence": sheet.evidence,
        "check_runs": sheet.check_runs,
        "decisions": [_recorded(line) for line in sheet.decisions],
        "batches": sheet.batches,
        "record": sheet.record,
    }


def _recorded(line: DecisionLine) -> Result:
    return {**plain(line), "findings": json.loads(line.findings)}


def show_sign_offs(governance: Governance, moment: Moment, *, initiative: InitiativeId) -> Result:
    """Show who signed at each gate, who is awaited, and what has changed since."""
    return {"initiative": initiative, "sign_offs": sign_off_views(governance, moment, initiative=initiative)}


def _evidence_said(result: Result) -> str:
    kept = f", kept as sha256 {result['sha256']}" if result["sha256"] else ""
    return f"Evidence for {result['measure']} of {result['initiative']} is on record{kept}."


def _signed(result: Result) -> str:
    return f"Signed: {result['outcome']}. The sign-off is {str(result['status']).replace('_', ' ')}."


def _verified(result: Result) -> str:
    return f"{result['finding']} is {'closed' if result['mended'] else 'open again'}."


GROUPS: Mapping[str, str] = {
    "initiative": "Use cases: answers given anew, classes confirmed, retired and taken up again.",
    "evidence": "Evidence for what is required.",
    "sign-off": "Signatures at the gates.",
    "delegation": "Signing in somebody's place.",
    "finding": "Findings: raised, mended, verified.",
    "waiver": "Waivers: requirements that are lifted for a while.",
}

USE_CASES = (
    asks(list_questions, may="read_initiatives"),
    does(register_initiative, RegisterInitiative, returns=_registered, route="POST /initiatives"),
    asks(
        inventory,
        Line("list"),
        may="read_initiatives",
        name="list_initiatives",
        returns="initiatives",
        route="GET /initiatives",
    ),
    asks(show_initiative, Line("show"), may="read_initiatives", route="GET /initiatives/{initiative}"),
    does(
        amend_initiative,
        AmendInitiative,
        Line("amend", "What is registered of {initiative} is amended."),
    ),
    does(
        submit_evidence,
        SubmitEvidence,
        Line("evidence add", _evidence_said),
        returns=lambda call, command, sha256: {
            "initiative": command.initiative,
            "measure": command.measure,
            "sha256": sha256,
        },
    ),
    does(
        run_checks,
        RunChecks,
        Line("check", code=lambda result: int(any(one["verdict"] != "pass" for one in result["checks"]))),
        returns=lambda call, command, found: {"initiative": command.initiative, "checks": found},
    ),
    does(
        decide_gate,
        DecideGate,
        returns=_decided_now,
        route="POST /initiatives/{initiative}/gates/{gate}/decision",
    ),
    asks(
        ask,
        may="read_initiatives",
        name="ask_gate",
        route="GET /initiatives/{initiative}/gates/{gate}/decision",
    ),
    does(
        override_classification,
        OverrideClassification,
        Line("override", _reclassified_said),
        returns=_reclassified,
    ),
    does(
        reassess_initiative,
        given.ReassessInitiative,
        Line("initiative reassess", _reassessed_said),
        returns=_reassessed,
    ),
    asks(
        reassessment,
        Line("initiative reassessment"),
        may="read_initiatives",
        name="preview_reassessment",
    ),
    does(
        confirm_class,
        given.ConfirmClass,
        Line("initiative confirm", "The class is confirmed."),
    ),
    does(retire_initiative, given.RetireInitiative, Line("initiative retire", "{initiative} is retired.")),
    does(
        reopen_initiative,
        given.ReopenInitiative,
        Line("initiative reopen", "It is taken up again."),
    ),
    asks(show_sign_offs, Line("sign-off show"), may="read_initiatives"),
    does(
        sign_offs.request_sign_off,
        given.RequestSignOff,
        Line("sign-off request", "The signatures at {gate} are asked for."),
    ),
    does(
        sign_offs.give_feedback, given.GiveFeedback, Line("sign-off feedback", "The feedback is on record.")
    ),
    does(sign_offs.sign_gate, given.SignGate, Line("sign-off answer", _signed), returns="status"),
    does(
        sign_offs.meet_condition,
        given.MeetCondition,
        Line("sign-off condition-met", "The condition of {signer} is met."),
    ),
    does(
        sign_offs.withdraw_signature,
        given.WithdrawSignature,
        Line("sign-off withdraw", "Your answer is withdrawn."),
    ),
    does(
        sign_offs.delegate_sign_off,
        given.DelegateSignOff,
        Line("delegation give", "{delegate} may sign until {until}."),
    ),
    does(sign_offs.end_delegation, given.EndDelegation, Line("delegation end", "The delegation has ended.")),
    asks(
        sign_offs.standing_delegations,
        Line("delegation list"),
        may="read_people",
        name="list_delegations",
        returns="delegations",
    ),
    does(
        findings.raise_finding,
        given.RaiseFinding,
        Line("finding raise", "Finding {finding} is on record."),
        returns="finding",
    ),
    does(
        findings.resolve_finding,
        given.ResolveFinding,
        Line("finding resolve", "{finding} waits to be verified."),
    ),
    does(findings.verify_finding, given.VerifyFinding, Line("finding verify", _verified)),
    asks(
        findings.findings_list,
        Line("finding list"),
        may="read_initiatives",
        name="list_findings",
        returns="findings",
    ),
    does(
        findings.request_waiver,
        given.RequestWaiver,
        Line("waiver request", "Waiver {waiver} is asked for."),
        returns="waiver",
    ),
    does(findings.decide_waiver, given.DecideWaiver, Line("waiver decide", "{waiver} is {outcome}.")),
    does(findings.withdraw_waiver, given.WithdrawWaiver, Line("waiver withdraw", "{waiver} is withdrawn.")),
    asks(
        findings.waivers_list,
        Line("waiver list"),
        may="read_initiatives",
        name="list_waivers",
        returns="waivers",
    ),
    does(pull_model, given.PullModel, Line("pull", "{initiative} is pulled out of production.")),
)
