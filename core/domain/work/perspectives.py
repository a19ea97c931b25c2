"""Which perspectives took part in a decision, and which were missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.work.work import Perspective


@dataclass(frozen=True)
class Part:
    """Something that a person did on an initiative before the decision.

    `roles` are those that the person had; `did` is the recorded action.
    """

    actor: str
    roles: tuple[str, ...]
    did: str
    at: datetime


@dataclass(frozen=True)
class PerspectiveView:
    """A perspective in a decision: who brought it, by how many acts, and when last; nobody = missing.

    Attributes
    ----------
    people
        Ids, the one with most acts first.
    did
        Kinds of act, as recorded, without repeats.
    """

    perspective: Perspective
    people: tuple[str, ...]
    acts: int
    did: tuple[str, ...]
    last_at: datetime | None

    @property
    def missing(self) -> bool:
        """Whether nobody brought this perspective."""
        return not self.people


def perspectives(known: Sequence[Perspective], parts: Sequence[Part]) -> tuple[PerspectiveView, ...]:
    """Sort the acts of people into the perspectives that their roles bring.

    A person with several roles brings each of their perspectives. An act by a role that brings none, such
    as a pipeline, is no perspective of a person and counts nowhere.

    Examples
    --------
    >>> risk = Perspective(id="risk", title="Risk", roles=("risk_audit",))
    >>> act = Part("vera", ("risk_audit",), "evidence_submitted", datetime(2026, 3, 1))
    >>> [view.people for view in perspectives([risk], [act])]
    [('vera',)]
    """
    return tuple(_view(one, [part for part in parts if set(part.roles) & set(one.roles)]) for one in known)


def _view(perspective: Perspective, parts: Sequence[Part]) -> PerspectiveView:
    counts: dict[str, int] = {}
    for part in parts:
        counts[part.actor] = counts.get(part.actor, 0) + 1
    people = tuple(sorted(counts, key=lambda actor: (-counts[actor], actor)))
    did = tuple(dict.fromkeys(part.did for part in parts))
    last_at = max((part.at for part in parts), default=None)
    return PerspectiveView(perspective, people, len(parts), did, last_at)
