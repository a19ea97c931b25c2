"""What actors can ask for in the process: signatures, findings, waivers, and pulling a model."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from core.domain.commands import Command, Name, Words

Reason = Annotated[Words, Field(min_length=10)]
"""A reason in words; ten characters are the least that says anything."""


class RequestSignOff(Command):
    """Ask for the signatures of a gate; a new request begins a new round."""

    may: ClassVar[str] = "request_sign_off"

    initiative: str
    gate: str
    note: Words = ""


class GiveFeedback(Command):
    """Give an opinion before the decision; an issue needs its reason."""

    may: ClassVar[str] = "give_feedback"

    initiative: str
    gate: str
    outcome: Literal["approved", "minor_issue", "major_issue"]
    role: str
    reason: Words = ""
    on_behalf_of: str = ""


class SignGate(Command):
    """Approve, reject or abandon at a gate, for oneself or for somebody who delegated it."""

    may: ClassVar[str] = "sign_gate"

    initiative: str
    gate: str
    outcome: Literal["approved", "rejected", "abandoned"]
    role: str
    reason: Words = ""
    on_behalf_of: str = ""


class WithdrawSignature(Command):
    """Take back one's own answer at a gate."""

    may: ClassVar[str] = "sign_gate"

    initiative: str
    gate: str
    reason: Reason


class DelegateSignOff(Command):
    """Let somebody sign in one's place in a role, through a last day."""

    may: ClassVar[str] = "delegate_sign_off"

    delegate: str
    role: str
    until: date
    reason: Reason


class EndDelegation(Command):
    """End a delegation before its last day."""

    may: ClassVar[str] = "delegate_sign_off"

    delegate: str
    role: str


class RaiseFinding(Command):
    """Put a finding on record: what is wrong, how much it matters, who mends it by when."""

    may: ClassVar[str] = "raise_finding"

    initiative: str
    title: Name
    detail: Words = ""
    severity: Literal["blocker", "major", "minor"]
    step: str
    owner: str = ""
    due_on: date


class ResolveFinding(Command):
    """Say that a finding is mended, and how."""

    may: ClassVar[str] = "resolve_finding"

    initiative: str
    finding: str
    note: Reason


class VerifyFinding(Command):
    """Close a resolved finding, or open it again; by somebody who neither owns nor resolved it."""

    may: ClassVar[str] = "verify_finding"

    initiative: str
    finding: str
    mended: bool
    note: Reason


class RequestWaiver(Command):
    """Ask that a requirement be waived for a while."""

    may: ClassVar[str] = "request_waiver"

    initiative: str
    measure: str
    reason: Reason
    compensation: Reason
    until: date


class DecideWaiver(Command):
    """Grant or refuse a waiver that was asked for."""

    may: ClassVar[str] = "decide_waiver"

    initiative: str
    waiver: str
    outcome: Literal["granted", "refused"]
    note: Reason


class WithdrawWaiver(Command):
    """Take a waiver back, whether it was granted yet or not."""

    may: ClassVar[str] = "request_waiver"

    initiative: str
    waiver: str
    note: Reason


class PullModel(Command):
    """Take a model out of production at once, whatever its gates say."""

    may: ClassVar[str] = "pull_model"

    initiative: str
    reason: Reason
