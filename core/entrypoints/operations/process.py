"""Operations on the process: signatures, delegations, findings, waivers, and pulling a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from core.domain.commands import Command, make
from core.domain.process.commands import (
    DecideWaiver,
    DelegateSignOff,
    EndDelegation,
    GiveFeedback,
    PullModel,
    RaiseFinding,
    RequestSignOff,
    RequestWaiver,
    ResolveFinding,
    SignGate,
    VerifyFinding,
    WithdrawSignature,
    WithdrawWaiver,
)
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Parameters
from core.entrypoints.operations.results import moment_result
from core.services.process.delegations import delegate_sign_off, end_delegation, standing_delegations
from core.services.process.findings import findings_list, raise_finding, resolve_finding, verify_finding
from core.services.process.gates import pull_model
from core.services.process.sign_off_view import sign_off_views
from core.services.process.sign_offs import give_feedback, request_sign_off, sign_gate, withdraw_signature
from core.services.process.waivers import decide_waiver, request_waiver, waivers_list, withdraw_waiver


class SignOffsToShow(Parameters):
    """An initiative whose sign-offs to show."""

    initiative: str
    as_of: AsOf = ""


class SignOffToRequest(Parameters):
    """A gate whose signatures to ask for."""

    initiative: str
    gate: str
    note: str = ""


class AnswerToGive(Parameters):
    """An answer at a gate: of which kind, in which role, for whom, and why."""

    initiative: str
    gate: str
    outcome: str
    role: str
    reason: str = ""
    on_behalf_of: str = ""


class SignatureToWithdraw(Parameters):
    """An own answer to take back."""

    initiative: str
    gate: str
    reason: str


class DelegationToGive(Parameters):
    """Who may sign in one's place, in which role, until when."""

    delegate: str
    role: str
    until: date
    reason: str


class DelegationToEnd(Parameters):
    """A delegation to end."""

    delegate: str
    role: str


class DelegationsToList(Parameters):
    """Whose delegations to list; empty = everybody's."""

    person: str = ""
    as_of: AsOf = ""


class FindingToRaise(Parameters):
    """What is wrong, how much it matters, at which step, who mends it by when."""

    initiative: str
    title: str
    detail: str = ""
    severity: str
    step: str
    owner: str = ""
    due_on: date


class FindingToResolve(Parameters):
    """A finding that is mended, and how."""

    initiative: str
    finding: str
    note: str


class FindingToVerify(FindingToResolve):
    """Whether a resolved finding is mended indeed."""

    mended: bool


class FindingsToList(Parameters):
    """Whose findings to list; empty filters let all through."""

    initiative: str = ""
    team: str = ""
    open_only: bool = False
    as_of: AsOf = ""


class WaiverToRequest(Parameters):
    """What to waive, why, what is done meanwhile, until when."""

    initiative: str
    measure: str
    reason: str
    compensation: str
    until: date


class WaiverToDecide(Parameters):
    """A waiver to grant or refuse."""

    initiative: str
    waiver: str
    outcome: str
    note: str


class WaiverToWithdraw(Parameters):
    """A waiver to take back."""

    initiative: str
    waiver: str
    note: str


class WaiversToList(Parameters):
    """Whose waivers to list; empty filters let all through."""

    initiative: str = ""
    team: str = ""
    standing_only: bool = False
    as_of: AsOf = ""


class ModelToPull(Parameters):
    """A model to take out of production, and why."""

    initiative: str
    reason: str


def _command(
    kind: type[Command], service: Callable[[Any, Any], Any], returns: str = ""
) -> Callable[[Call, Parameters], Any]:
    """Give a command with the parameters as they are; `returns` names what the service gives back."""

    def run(call: Call, asked: Parameters) -> Any:
        values = asked.model_dump()
        answer = service(call.governance, make(kind, **call.origin, **values))
        return {**values, returns: answer} if returns else values

    return run


def _show_sign_offs(call: Call, asked: SignOffsToShow) -> Any:
    moment = call.moment(asked.as_of)
    views = sign_off_views(call.governance, moment, initiative=asked.initiative)
    found = [
        {
            "gate": view.gate.id,
            "gate_title": view.gate.title,
            "status": view.state.status,
            "expires_on": view.state.expires_on,
            "lapses": view.state.lapses,
            "changed": view.changed,
            "feedback_missing": view.state.feedback_missing,
            "seats": [
                {
                    "role": seats.approval.role,
                    "title": seats.title,
                    "quorum": seats.approval.quorum,
                    "signed": seats.signed,
                    "may_sign": seats.may_sign,
                }
                for seats in view.seats
            ],
            "acts": view.acts,
        }
        for view in views
    ]
    return {"moment": moment_result(moment), "initiative": asked.initiative, "sign_offs": found}


def _list_delegations(call: Call, asked: DelegationsToList) -> Any:
    moment = call.moment(asked.as_of)
    found = standing_delegations(call.governance, moment, person=asked.person)
    return {"moment": moment_result(moment), "delegations": found}


def _list_findings(call: Call, asked: FindingsToList) -> Any:
    moment = call.moment(asked.as_of)
    found = findings_list(call.governance, moment, **asked.model_dump(exclude={"as_of"}))
    return {"moment": moment_result(moment), "findings": found}


def _list_waivers(call: Call, asked: WaiversToList) -> Any:
    moment = call.moment(asked.as_of)
    found = waivers_list(call.governance, moment, **asked.model_dump(exclude={"as_of"}))
    return {"moment": moment_result(moment), "waivers": found}


OPERATIONS: Mapping[str, Operation] = {
    "show_sign_offs": Operation(SignOffsToShow, _show_sign_offs),
    "request_sign_off": Operation(SignOffToRequest, _command(RequestSignOff, request_sign_off)),
    "give_feedback": Operation(AnswerToGive, _command(GiveFeedback, give_feedback)),
    "sign_gate": Operation(AnswerToGive, _command(SignGate, sign_gate, "status")),
    "withdraw_signature": Operation(SignatureToWithdraw, _command(WithdrawSignature, withdraw_signature)),
    "delegate_sign_off": Operation(DelegationToGive, _command(DelegateSignOff, delegate_sign_off)),
    "end_delegation": Operation(DelegationToEnd, _command(EndDelegation, end_delegation)),
    "list_delegations": Operation(DelegationsToList, _list_delegations),
    "raise_finding": Operation(FindingToRaise, _command(RaiseFinding, raise_finding, "finding")),
    "resolve_finding": Operation(FindingToResolve, _command(ResolveFinding, resolve_finding)),
    "verify_finding": Operation(FindingToVerify, _command(VerifyFinding, verify_finding)),
    "list_findings": Operation(FindingsToList, _list_findings),
    "request_waiver": Operation(WaiverToRequest, _command(RequestWaiver, request_waiver, "waiver")),
    "decide_waiver": Operation(WaiverToDecide, _command(DecideWaiver, decide_waiver)),
    "withdraw_waiver": Operation(WaiverToWithdraw, _command(WithdrawWaiver, withdraw_waiver)),
    "list_waivers": Operation(WaiversToList, _list_waivers),
    "pull_model": Operation(ModelToPull, _command(PullModel, pull_model)),
}
