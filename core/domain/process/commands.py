"""What actors can ask for in the process: signatures, findings, waivers, and pulling a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.domain.commands import Alone, Command, Day, Name, Words
from core.domain.given import GateId, InitiativeId, Shown, argument, option, pairs

_LEAST = 10
"""Characters of a reason: the least that says anything."""
Reason = Annotated[Words, Field(min_length=_LEAST, description="Why; it stays on record.")]
Note = Annotated[Words, Field(min_length=_LEAST, description="What was done or seen; it stays on record.")]
InRole = Annotated[str, Field(description="The role in which you answer, such as risk_audit.")]
ForWhom = Annotated[
    str, Field(description="Who delegated the signature; empty for yourself."), option("--for")
]
Until = Annotated[
    Day, Field(title="Until", description="Last day, such as 2026-03-31."), option(metavar="DAY")
]
FindingId = Annotated[str, Field(description="Its name, such as F1."), argument("FINDING")]
WaiverId = Annotated[str, Field(description="Its name, such as W1."), argument("WAIVER")]


def _answers(texts: list[str]) -> dict[str, tuple[str, ...]]:
    return pairs(texts, "--answer", "--answer consumers=internal")


GivenAnswers = Annotated[
    dict[str, tuple[str, ...]],
    Field(title="Answers", description="QUESTION=OPTION; once a question, or more."),
    option("--answer", read=_answers),
]


GivenKind = Annotated[
    str,
    Field(
        title="Kind of model",
        description="Kind of model, with +bought where it is bought; as it is where none is named.",
    ),
]


class ReassessInitiative(Command, may="register_initiative"):
    """Give the answers of a use case anew; to a lower class they lead only if a second person agrees."""

    initiative: InitiativeId
    answers: GivenAnswers
    kind: GivenKind = ""
    note: Annotated[Reason, Field(title="What has changed")]


class ConfirmClass(Command, may="confirm_class", whose="any"):
    """Confirm the class of a use case whose answers somebody else gave."""

    initiative: InitiativeId
    note: Annotated[Note, Field(title="What you looked at")]


class RetireInitiative(Command, may="retire_initiative"):
    """Retire a use case: what is in production ends, and no more is asked than what the policy keeps."""

    initiative: InitiativeId
    reason: Annotated[Reason, Field(title="Why")]


class ReopenInitiative(Command, may="retire_initiative"):
    """Take a retired use case up again; all that its class asks for is asked again."""

    initiative: InitiativeId
    reason: Annotated[Reason, Field(title="Why")]


class RequestSignOff(Command, may="request_sign_off"):
    """Ask for the signatures of a gate."""

    initiative: InitiativeId
    gate: GateId
    note: Annotated[Words, Field(description="What those who sign should know.")] = ""


class GiveFeedback(Command, may="give_feedback", whose="any"):
    """Give feedback before the decision."""

    initiative: InitiativeId
    gate: GateId
    outcome: Annotated[
        Literal["approved", "minor_issue", "major_issue"],
        Field(title="Opinion", description="approved, minor_issue or major_issue."),
    ] = "approved"
    role: InRole
    reason: Annotated[
        Words, Field(title="What the issue is", description="Why; it stays on record."), Shown(lines=True)
    ] = ""
    on_behalf_of: ForWhom = ""


class SignGate(Command, may="sign_gate", whose="any"):
    """Approve, reject or abandon; an approval is bound to the version, the evidence and the policy."""

    initiative: InitiativeId
    gate: GateId
    outcome: Annotated[
        Literal["approved", "rejected", "abandoned"],
        Field(title="Answer", description="approved, rejected or abandoned."),
    ]
    role: InRole
    reason: Annotated[
        Words,
        Field(title="Reason", description="Why; it stays on record."),
        Shown(lines=True, hint="Needed to reject, to abandon, and to approve against feedback"),
    ] = ""
    condition: Annotated[
        Words,
        Field(title="On condition that", description="What is to be met for an approval to last."),
        Shown(lines=True),
    ] = ""
    condition_due: Annotated[
        Day | None,
        Field(title="Met by", description="Last day on which the condition may be met."),
        option(metavar="DAY"),
    ] = None
    limits: Annotated[
        Words, Field(title="Limits of use", description="For what it must not be used."), Shown(lines=True)
    ] = ""
    on_behalf_of: ForWhom = ""


class MeetCondition(Command, may="verify_finding"):
    """Put on record that the condition of an approval is met; whoever owns or builds it does not."""

    initiative: InitiativeId
    gate: GateId
    signer: Annotated[str, Field(title="Whose approval", description="Who approved so, by id.")]
    note: Annotated[Note, Field(title="What you saw")]


class WithdrawSignature(Command, may="sign_gate", whose="any"):
    """Take your own answer back; it stays on record."""

    initiative: InitiativeId
    gate: GateId
    reason: Annotated[Reason, Field(title="Why")]


class DelegateSignOff(Command, may="delegate_sign_off"):
    """Let somebody sign in your place, through a last day."""

    delegate: Annotated[str, Field(title="Who", description="Who may sign in your place."), argument()]
    role: Annotated[InRole, Field(title="In the role")]
    until: Until
    reason: Annotated[Reason, Field(title="Why"), Shown(hint="On leave for two weeks")]


class EndDelegation(Command, may="delegate_sign_off"):
    """End a delegation before its last day."""

    delegate: Annotated[str, Field(description="Who may not sign in your place any more."), argument()]
    role: InRole


class RaiseFinding(Command, may="raise_finding", whose="any"):
    """Put a finding on record; all but minor ones keep the gates of their step shut."""

    initiative: InitiativeId
    title: Annotated[Name, Field(title="What is wrong", description="What is wrong.")]
    detail: Annotated[Words, Field(title="More words", description="More words."), Shown(lines=True)] = ""
    severity: Annotated[
        Literal["blocker", "major", "minor"],
        Field(title="How much it matters", description="blocker, major or minor."),
    ]
    step: Annotated[str, Field(title="Process step", description="Process step it belongs to.")]
    owner: Annotated[
        str, Field(title="Who mends it", description="Who mends it; the initiative's owner.")
    ] = ""
    due_on: Annotated[
        Day, Field(title="By", description="Day by which it is mended."), option("--due", metavar="DAY")
    ]


class ResolveFinding(Command, may="resolve_finding"):
    """Say that a finding is mended; somebody else verifies it."""

    initiative: InitiativeId
    finding: FindingId
    note: Annotated[Note, Field(title="How")]


class VerifyFinding(Command, may="verify_finding"):
    """Close a finding that somebody else mended, or open it again."""

    initiative: InitiativeId
    finding: FindingId
    note: Annotated[Note, Field(title="What you saw")]
    mended: Annotated[
        bool,
        Field(title="It is mended", description="It is not mended: open it again."),
        option("--reopen", flag=False),
    ] = True


class RequestWaiver(Alone, Command, may="request_waiver"):
    """Ask that a requirement be waived for a while."""

    initiative: InitiativeId
    measure: Annotated[str, Field(title="Requirement", description="The measure's id.")]
    reason: Annotated[Reason, Field(title="Why it cannot be met now")]
    compensation: Annotated[
        Words,
        Field(min_length=_LEAST, title="What is done meanwhile", description="What is done meanwhile."),
        option("--meanwhile"),
    ]
    until: Until


class DecideWaiver(Command, may="decide_waiver"):
    """Grant or refuse a waiver; the rank that may depends on the class."""

    initiative: InitiativeId
    waiver: WaiverId
    outcome: Annotated[Literal["granted", "refused"], Field(description="granted or refused.")]
    note: Annotated[Note, Field(title="Why")]


class WithdrawWaiver(Command, may="request_waiver"):
    """Take a waiver back."""

    initiative: InitiativeId
    waiver: WaiverId
    note: Annotated[Note, Field(title="Why")]


class PullModel(Command, may="pull_model"):
    """Take a model out of production at once."""

    initiative: InitiativeId
    reason: Annotated[Reason, Field(title="Why")]
