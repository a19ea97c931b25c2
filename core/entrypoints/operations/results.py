"""Results as plain JSON values: the same for the command line and for the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.services.plain import plain

if TYPE_CHECKING:
    from core.domain.actors import Roles
    from core.domain.moment import Moment
    from core.domain.policy.policy import Policy
    from core.domain.policy.requirement_list import Requirement
    from core.domain.process.gates import Decision
    from core.domain.process.requirements import RequirementState
    from core.services.process.inventory import InitiativeSheet

UNDECIDED = "decision"
"""What the finding of a gate that could not be decided names instead of a requirement."""


def moment_result(moment: Moment) -> dict[str, Any]:
    """The point from which the record was read."""
    return {"seq": moment.seq, "at": moment.at}


def decision_result(decision: Decision, policy: Policy) -> dict[str, Any]:
    """A decision; `decided` is false where doubt and not a requirement keeps the gate shut."""
    asked = {finding.requirement for finding in decision.findings}
    decided = UNDECIDED not in asked or UNDECIDED in policy.measures
    title = next((gate.title for gate in policy.gates if gate.id == decision.gate), decision.gate)
    return {"outcome": decision.outcome, "decided": decided, "gate_title": title, **plain(decision)}


def requirement_result(requirement: Requirement, roles: Roles) -> dict[str, Any]:
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
        "evidence": measure.evidence,
        "checks": measure.checks,
        "sign_off": requirement.sign_off,
        "due_days": requirement.due_days,
    }


def state_result(state: RequirementState, roles: Roles) -> dict[str, Any]:
    """A requirement with where it stands."""
    return {
        **requirement_result(state.requirement, roles),
        "status": state.status,
        "proved_by": state.proved_by.id,
        "due_on": state.due_on,
        "expires_on": state.expires_on,
        "overdue": state.overdue,
    }


def sheet_result(sheet: InitiativeSheet, roles: Roles) -> dict[str, Any]:
    """An initiative in full."""
    known, policy = sheet.initiative, sheet.policy
    gates = [
        {
            **decision_result(view.decision, policy),
            "recorded": view.recorded,
        }
        for view in sheet.gates
    ]
    mode = next((mode for mode in policy.modes if mode.id == known["mode_id"]), None)
    return {
        "initiative": {
            **known,
            "class_title": policy.class_title(known["class_id"]),
            "mode_title": mode.operationalization if mode else known["mode_id"],
        },
        "requirements": [state_result(state, roles) for state in sheet.requirements],
        "gates": gates,
        "versions": sheet.versions,
        "evidence": sheet.evidence,
        "check_runs": sheet.check_runs,
        "decisions": sheet.decisions,
        "batches": [{key: row[key] for key in row if key != "path"} for row in sheet.batches],
        "record": sheet.record,
    }
