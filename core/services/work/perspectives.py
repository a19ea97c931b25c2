"""Which perspectives took part in a decision at a gate, which were missing, and whom to ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.domain.facts.process import GateDecision
from core.domain.moment import Moment
from core.domain.process.gates import find_gate
from core.domain.work.perspectives import PerspectiveView, perspectives
from core.lake.facts import latest
from core.lake.work import raci_acts
from core.services.governance import Governance
from core.services.lookups import registered
from core.services.work.routing import cast_of

COMPUTED = ("gate_decided", "initiative_classified", "comments_read", "task_assigned")
"""Facts that nobody's judgement stands behind: worked out, or mere housekeeping."""


@dataclass(frozen=True)
class DecisionPerspectives:
    """The perspectives in the newest recorded decision at a gate, or so far where there is none.

    Attributes
    ----------
    decided_at, outcome
        Time and outcome of the decision; None while nothing is recorded.
    views
        One per perspective, in the configured order.
    to_ask
        Perspective id -> names of the people who could bring it, for those that are missing.
    names
        Id -> name of everybody who took part.
    """

    gate: str
    gate_title: str
    decided_at: datetime | None
    outcome: str | None
    views: tuple[PerspectiveView, ...]
    to_ask: dict[str, str]
    names: dict[str, str]

    @property
    def missing(self) -> tuple[PerspectiveView, ...]:
        """Perspectives that nobody brought."""
        return tuple(view for view in self.views if view.missing)


def perspectives_of(
    governance: Governance, moment: Moment, *, initiative: str, gate: str
) -> DecisionPerspectives:
    """Say who looked at an initiative before the newest decision at a gate, by perspective.

    Everything that a person put on record for the initiative up to the decision counts: evidence, checks,
    versions, sign-offs, feedback, findings, comments. What a pipeline does is nobody's perspective.

    Raises
    ------
    NotFound
        No such initiative, or no such gate for its class.
    """
    known = registered(governance, initiative, moment)
    found = find_gate(governance.policy(moment), known.class_id, gate)
    decided = latest(governance.store, GateDecision, moment, initiative, gate=gate)
    until = decided.seq if decided else moment.seq
    parts = raci_acts.parts(governance.store, initiative, until, COMPUTED)
    views = perspectives(governance.work.perspectives, parts)
    cast = cast_of(governance, moment)
    to_ask = {
        view.perspective.id: cast.names(
            dict.fromkeys(who for role in view.perspective.roles for who in cast.responsible(role, known))
        )
        for view in views
        if view.missing
    }
    names = {person: cast.name(person) for view in views for person in view.people}
    return DecisionPerspectives(
        gate,
        found.title,
        decided.recorded_at if decided else None,
        decided.outcome if decided else None,
        views,
        to_ask,
        names,
    )
