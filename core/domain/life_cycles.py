"""Life cycles, declared: from which state to which, who may not, and what those who are refused are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from core.domain.errors import Conflict, Forbidden

Part = Literal["owner", "holder", "first", "last"]
"""A part somebody has in a thing: who has or had a part in its initiative (owner), its own `owner`
(holder), who began it, who spoke last."""


@dataclass(frozen=True)
class Refusal:
    """What is said to who is refused; `{field}` stands for a field of the fact, or `{actor_name}`."""

    what: str
    remedy: str
    where: str = ""


@dataclass(frozen=True)
class Bar:
    """Who may not, because of the part they had; without `parts` the service says who had one."""

    parts: tuple[Part, ...]
    refusal: Refusal


@dataclass(frozen=True)
class Step:
    """One step of a life cycle: recorded as `action`, it leads from a state `before` to the state `after`.

    `otherwise` is what is said in any other state, or in which state what is said.
    """

    action: str
    before: tuple[str, ...]
    after: str
    otherwise: Refusal | Mapping[str, Refusal]
    never: Bar | None = None

    def require_state(self, state: str, words: Mapping[str, object]) -> None:
        """Refuse the step from another state."""
        if state not in self.before:
            said = self.otherwise if isinstance(self.otherwise, Refusal) else self.otherwise[state]
            words = {**words, "state": state}
            raise Conflict(
                said.what.format_map(words), where=said.where.format_map(words), remedy=said.remedy
            )

    def require_apart(self, actor: str, involved: Mapping[str, str], words: Mapping[str, object]) -> None:
        """Refuse the step to those who had a part in it; `involved` says who had which."""
        if self.never is not None and actor in involved:
            said, words = self.never.refusal, {**words, "part": involved[actor]}
            raise Forbidden(
                said.what.format_map(words), where=said.where.format_map(words), remedy=said.remedy
            )


@dataclass(frozen=True)
class LifeCycle:
    """The steps that a thing may take; `column` holds its state."""

    steps: tuple[Step, ...]
    column: str = "state"

    def to(self, state: str) -> Step:
        """The step that leads to a state."""
        return next(step for step in self.steps if step.after == state)


_VERIFY = Step(
    "finding_closed",
    before=("resolved",),
    after="closed",
    otherwise=Refusal(
        "finding {finding} is {state}, not resolved", "Wait until its owner says that it is mended."
    ),
    never=Bar(
        ("holder", "last", "owner"),
        Refusal(
            "a finding is verified by somebody else than who mended it, or owns or builds the initiative",
            "Ask somebody who had no part in it.",
            where="{finding}",
        ),
    ),
)
FINDING = LifeCycle(
    (
        Step(
            "finding_resolved",
            before=("open",),
            after="resolved",
            otherwise=Refusal("finding {finding} is {state} already", "Open it again if it is not mended."),
        ),
        _VERIFY,
        replace(_VERIFY, action="finding_reopened", after="open"),
    )
)

_APPROVE = Step(
    "policy_approved",
    before=("drafted",),
    after="approved",
    otherwise=Refusal(
        "draft {draft} was {state} by {actor_name}", "The first decision stands; draft it again."
    ),
    never=Bar(
        ("first",),
        Refusal("nobody reviews a policy that they drafted", "Ask somebody else.", where="{draft}"),
    ),
)
DRAFT = LifeCycle(
    (
        _APPROVE,
        replace(_APPROVE, action="policy_rejected", after="rejected"),
        Step(
            "policy_draft_published",
            before=("approved",),
            after="published",
            otherwise=Refusal(
                "draft {draft} is {state}, not approved",
                "Let somebody who did not draft it review it first.",
            ),
        ),
    )
)

_AGREE = Step(
    "proposal_agreed",
    before=("proposed",),
    after="agreed",
    otherwise=Refusal(
        "proposal {proposal} was {state} by {actor_name}", "The first answer stands; propose it again."
    ),
    never=Bar(
        ("first",),
        Refusal(
            "nobody agrees to what they proposed, or had a part in",
            "Ask somebody who had no part in it.",
            where="{proposal}",
        ),
    ),
)
PROPOSAL = LifeCycle(
    (
        _AGREE,
        replace(_AGREE, action="proposal_declined", after="declined"),
        replace(_AGREE, action="proposal_withdrawn", after="withdrawn", never=None),
    )
)

_NOTHING = "Nothing is to be done."
VERSION = LifeCycle(
    (
        Step(
            "version_promoted",
            before=("registered", "superseded", "suspended", "production", "retired"),
            after="champion",
            otherwise=Refusal(
                "version '{version}' is the current one already", _NOTHING, where="{initiative}"
            ),
        ),
        Step(
            "version_deployed",
            before=("approved",),
            after="deployed",
            otherwise={
                "closed": Refusal(
                    "{gate} is blocked: {blockers}", "Do what it asks for first.", "{initiative}"
                ),
                "beside": Refusal(
                    "the gates are asked about {current}, not about version '{version}'",
                    "Put it forward first (governance version promote).",
                    "{initiative}",
                ),
                "retired": Refusal("the use case is retired", "Take it up again first.", "{initiative}"),
                "unsaid": Refusal("nothing is said of the emergency", "Say why, in a sentence.", "reason"),
                "alone": Refusal(
                    "no version is in production beside which another could stand",
                    "Put one into production first.",
                    "{initiative}",
                ),
                "running": Refusal(
                    "{what} is in production as {role} since {since} already", _NOTHING, "{initiative}"
                ),
            },
        ),
        Step(
            "model_pulled",
            before=("production",),
            after="suspended",
            otherwise=Refusal("{initiative} is not live", "There is nothing to pull."),
        ),
        Step(
            "version_retired",
            before=("registered", "candidate", "approved", "production", "suspended", "superseded"),
            after="retired",
            otherwise=Refusal("version '{version}' is retired already", _NOTHING, where="{initiative}"),
        ),
    )
)
"""Where a version stands is worked out from its turns (`version_standing`)."""

INITIATIVE = LifeCycle(
    (
        Step(
            "initiative_retired",
            before=("proposed", "active"),
            after="retired",
            otherwise=Refusal("{initiative} was retired on {since} already", _NOTHING),
        ),
        Step(
            "initiative_reopened",
            before=("retired",),
            after="active",
            otherwise=Refusal("{initiative} is not retired", _NOTHING),
        ),
    )
)
"""It is proposed until it has a version or is in production."""

CONFIRMATION = LifeCycle(
    (
        Step(
            "class_confirmed",
            before=("required", "drawn"),
            after="confirmed",
            otherwise=Refusal("nobody has to confirm the class of {initiative} now", _NOTHING),
            never=Bar(
                ("owner", "last"),
                Refusal(
                    "whoever owns, builds, registered or classified it, or once did, does not confirm it",
                    "Ask somebody who had no such part in it.",
                    where="{initiative}",
                ),
            ),
        ),
    )
)
"""Whether a class waits for that is worked out from its classification (`review_of`)."""

BATCH = LifeCycle(
    (
        Step(
            "predictions_withdrawn",
            before=("in use",),
            after="withdrawn",
            otherwise=Refusal(
                "this batch was withdrawn on {recorded_at:%Y-%m-%d} by {actor_name}: {reason}", _NOTHING
            ),
        ),
        Step(
            "predictions_purged",
            before=("in use", "withdrawn"),
            after="purged",
            otherwise=Refusal("its rows were purged on {recorded_at:%Y-%m-%d} by {actor_name}", _NOTHING),
        ),
    )
)
"""A batch is in use until a fact of its own withdraws it; what is right is added as a file of its own."""

EVALUATION = LifeCycle(
    (
        Step(
            "evaluation_withdrawn",
            before=("in use",),
            after="withdrawn",
            otherwise=Refusal(
                "{evaluation} was withdrawn on {recorded_at:%Y-%m-%d} by {actor_name}: {reason}", _NOTHING
            ),
        ),
    )
)

HOLD = LifeCycle(
    (
        Step(
            "hold_set",
            before=("", "lifted"),
            after="held",
            otherwise=Refusal("it is held already, since {recorded_at:%Y-%m-%d}: {reason}", _NOTHING),
        ),
        Step(
            "hold_lifted",
            before=("held",),
            after="lifted",
            otherwise=Refusal("no legal hold is on it", _NOTHING),
        ),
    )
)
"""A use case that was never held is free."""

DATA_MARK = LifeCycle(
    (
        Step(
            "data_marked_bad",
            before=("sound",),
            after="bad",
            otherwise=Refusal(
                "'{source}' is marked as bad already",
                "Clear it first if there is another reason now.",
                where="since {recorded_at:%Y-%m-%d}, by {actor_name}",
            ),
        ),
        Step(
            "data_cleared",
            before=("bad",),
            after="sound",
            otherwise=Refusal("'{source}' is not marked as bad", _NOTHING),
        ),
    ),
    column="bad",
)
"""Data that was never marked is sound."""

_GRANT = Step(
    "waiver_granted",
    before=("requested",),
    after="granted",
    otherwise=Refusal(
        "waiver {waiver} was {state} by {actor_name}",
        "The first decision stands; ask for another waiver.",
    ),
    never=Bar(
        ("first", "owner"),
        Refusal(
            "nobody decides a waiver that they asked for, or of what they own or build",
            "Ask somebody else of the same rank.",
            where="{waiver}",
        ),
    ),
)
WAIVER = LifeCycle(
    (
        _GRANT,
        replace(_GRANT, action="waiver_refused", after="refused"),
        Step(
            "waiver_withdrawn",
            before=("requested", "granted"),
            after="withdrawn",
            otherwise=Refusal("waiver {waiver} is {state}", "Nothing has to be withdrawn."),
        ),
    )
)

_WAITING = ("waiting_for_feedback", "waiting_for_approval")
_REFUSED = Refusal(
    "the sign-off was {state} in this round",
    "Mend what was said, then ask for the sign-off again.",
    where="{gate}",
)
_ANSWER = Step(
    "gate_signed_off",
    before=(*_WAITING, "approved"),
    after="decided",
    otherwise={
        "not_started": Refusal(
            "nobody has asked for signatures at this gate", "Ask for the sign-off first.", where="{gate}"
        ),
        "rejected": _REFUSED,
        "abandoned": _REFUSED,
        "lapsed": Refusal(
            "the sign-off lapsed, because {lapses}",
            "Ask for the sign-off again, so that everybody signs the same.",
            where="{gate}",
        ),
    },
    never=Bar(
        (),
        Refusal(
            "{person} {part}, and nobody signs their own work",
            "Ask somebody who had no part in it.",
            where="{initiative}",
        ),
    ),
)
_ASKED = Refusal("the signatures have been asked for already", "Wait for the answers.", where="{gate}")
SIGN_OFF = LifeCycle(
    (
        Step(
            "sign_off_requested",
            before=("not_started", "rejected", "abandoned", "lapsed"),
            after="requested",
            otherwise={
                "approved": Refusal(
                    "this gate is signed already", "There is nothing to ask for.", where="{gate}"
                ),
                **dict.fromkeys(_WAITING, _ASKED),
            },
        ),
        replace(_ANSWER, action="sign_off_feedback_given", after="feedback"),
        _ANSWER,
        Step(
            "signature_withdrawn",
            before=("decided",),
            after="withdrawn",
            otherwise=Refusal(
                "you have no answer at this gate that could be withdrawn", "Sign first.", where="{gate}"
            ),
        ),
    ),
    column="act",
)
"""A step adds an act. Where a sign-off stands is worked out from its acts (`SignOffStatus`); an answer is
withdrawn from where it stands itself."""
_ANSWERED = Step(
    "hand_off_answered",
    before=("open",),
    after="accepted",
    otherwise=Refusal(
        "this offer was answered before ({answer})", "The first answer stands.", where="{hand_off}"
    ),
)
HAND_OFF = LifeCycle(
    (_ANSWERED, replace(_ANSWERED, after="returned"), replace(_ANSWERED, after="withdrawn")), column="answer"
)
"""An offer is open until a fact of its own answers it."""
