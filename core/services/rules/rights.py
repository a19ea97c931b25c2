"""The checklist of data subjects' rights: who answers each, how, within how many days, and what is open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from core.domain.chain import Fact
from core.domain.commands import Command, Words
from core.domain.errors import BadInput, NotFound
from core.domain.given import InitiativeId, argument, option
from core.domain.moment import Moment
from core.domain.rules.applicability import applies
from core.domain.rules.rights import Right, RightAnswer, RightState, right_state
from core.lake.process.clause_tally import initiatives_in_scope
from core.lake.process.initiative_regions import regions_of
from core.lake.process.right_answers import right_answers
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.rules.clause_scope import circumstances

RightId = Annotated[str, Field(description="The right, as 'governance rights show' lists it."), argument()]


class SettleRight(Command):
    """Say who answers a right, how, and within how many days."""

    may: ClassVar[str] = "settle_right"

    initiative: InitiativeId
    right: RightId
    answered_by: Annotated[
        str, Field(description="Id of the person who answers; yourself if left out."), option("--who")
    ] = ""
    how: Annotated[Words, Field(min_length=20, description="How it is answered, in a sentence or two.")]
    within_days: Annotated[
        int, Field(ge=0, le=366, description="Days within which an answer is given."), option("--days")
    ]
    ready_on: Annotated[
        date | None, Field(description="Day from which it works."), option("--from", metavar="DAY")
    ] = None


class ExcludeRight(Command):
    """Say why nobody can ask for a right at an initiative."""

    may: ClassVar[str] = "settle_right"

    initiative: InitiativeId
    right: RightId
    reason: Annotated[Words, Field(min_length=20, description="Why nobody can ask for it here.")]


@dataclass(frozen=True)
class RightLine:
    """A right of the checklist, where it stands, and what was recorded last."""

    right: Right
    state: RightState
    why: str
    answered_by: str
    how: str
    within_days: int | None
    ready_on: date | None
    recorded_at: datetime | None
    recorded_by: str
    seq: int | None


@dataclass(frozen=True)
class RightsChecklist:
    """All rights for one initiative; `needed` is False where it says that it uses no personal data."""

    initiative: str
    name: str
    needed: bool
    lines: tuple[RightLine, ...]

    @property
    def open(self) -> int:
        """Rights that nobody answers yet."""
        return sum(line.state is RightState.OPEN for line in self.lines) if self.needed else 0


@dataclass(frozen=True)
class RightsTally:
    """One initiative that uses personal data: how many of its rights stand where, and which are open."""

    initiative: str
    name: str
    team: str
    class_title: str
    settled: int
    planned: int
    not_applicable: int
    open: tuple[str, ...]


def settle_right(governance: Governance, command: SettleRight) -> str:
    """Put on record how a right is answered, and return who answers; what was recorded before stays there.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative, right or person; the initiative uses no personal data; more
        days than the law gives. Nothing is stored.
    """
    governance.roles.require(command.actor, command.may)
    right = _concerned(governance, command.initiative, command.right, governance.present(command.at))
    answered_by = governance.person(command.answered_by or command.actor.id).id
    if command.within_days > right.most_days:
        raise BadInput(
            f"{command.within_days} days are more than the {right.most_days} within which an answer is due",
            where=right.title,
            remedy="Give fewer days.",
        )
    row = {
        "initiative": command.initiative,
        "right_id": right.id,
        "applies": True,
        "answered_by": answered_by,
        "how": command.how,
        "within_days": command.within_days,
        "ready_on": command.ready_on,
        "reason": None,
    }
    fact = Fact("right_settled", command.initiative, "right_answer", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)
    return answered_by


def exclude_right(governance: Governance, command: ExcludeRight) -> None:
    """Put on record that a right cannot be asked for here, with the reason.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative or right; the initiative uses no personal data.
    """
    governance.roles.require(command.actor, command.may)
    right = _concerned(governance, command.initiative, command.right, governance.present(command.at))
    row = {
        **dict.fromkeys(("answered_by", "how", "within_days", "ready_on")),
        "initiative": command.initiative,
        "right_id": right.id,
        "applies": False,
        "reason": command.reason,
    }
    fact = Fact("right_excluded", command.initiative, "right_answer", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)


OneInitiative = Annotated[str, Field(description="One initiative; none lists all."), argument()]


def rights_checklist(governance: Governance, moment: Moment, *, initiative: OneInitiative) -> RightsChecklist:
    """The rights of the people whose data an initiative uses, and how each is answered.

    Raises
    ------
    NotFound
        There was no such initiative at the moment.
    """
    known = require_initiative(governance, initiative, moment)
    rows = {row["right_id"]: row for row in right_answers(governance.store, moment, initiative)}
    people = frozenset(person.id for person in governance.people())
    lines = tuple(_line(right, rows.get(right.id), people, moment.day) for right in governance.rights.rights)
    return RightsChecklist(initiative, known["name"], _needed(governance, known, moment), lines)


def rights_overview(governance: Governance, moment: Moment) -> tuple[RightsTally, ...]:
    """Every initiative that uses personal data with its open rights, the most open first."""
    policy, rights = governance.policy(moment), governance.rights
    people = frozenset(person.id for person in governance.people())
    answers: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in right_answers(governance.store, moment):
        answers.setdefault(row["initiative"], {})[row["right_id"]] = row
    found = []
    for known in initiatives_in_scope(governance.store, moment):
        if applies(rights.when, circumstances(governance.frameworks, known)):
            own = answers.get(known["initiative"], {})
            lines = [_line(right, own.get(right.id), people, moment.day) for right in rights.rights]
            found.append(_tally(known, policy.class_title(known["class_id"]), lines))
    return tuple(sorted(found, key=lambda tally: (-len(tally.open), tally.name)))


def _tally(known: Mapping[str, Any], class_title: str, lines: Iterable[RightLine]) -> RightsTally:
    states = [(line.state, line.right.title) for line in lines]

    def count(state: RightState) -> int:
        return sum(found is state for found, _ in states)

    return RightsTally(
        known["initiative"],
        known["name"],
        known["team"],
        class_title,
        count(RightState.SETTLED),
        count(RightState.PLANNED),
        count(RightState.NOT_APPLICABLE),
        tuple(title for state, title in states if state is RightState.OPEN),
    )


def _line(right: Right, row: Mapping[str, Any] | None, people: frozenset[str], day: date) -> RightLine:
    answer = None
    if row is not None:
        answer = RightAnswer(
            row["applies"],
            row["answered_by"] or "",
            row["how"] or "",
            row["within_days"],
            row["ready_on"],
            row["reason"] or "",
        )
    state, why = right_state(answer, people, day)
    kept = row or {}
    return RightLine(
        right,
        state,
        why,
        kept.get("answered_by_name") or "",
        kept.get("how") or "",
        kept.get("within_days"),
        kept.get("ready_on"),
        kept.get("recorded_at"),
        kept.get("actor_name") or "",
        kept.get("seq"),
    )


def _needed(governance: Governance, known: Mapping[str, Any], moment: Moment) -> bool:
    regions = regions_of(governance.store, known["initiative"], moment)
    about = circumstances(governance.frameworks, {**known, "regions": regions})
    return applies(governance.rights.when, about)


def _concerned(governance: Governance, initiative: str, right_id: str, moment: Moment) -> Right:
    """The right, if the initiative has to answer it."""
    known = require_initiative(governance, initiative, moment)
    right = governance.rights.find(right_id)
    if right is None:
        names = ", ".join(right.id for right in governance.rights.rights)
        raise NotFound(f"'{right_id[:40]}' is no right on the list", remedy=f"Use one of: {names}.")
    if not _needed(governance, known, moment):
        raise BadInput(
            "its registration names no rules on personal data, so nobody can ask for this right",
            where=initiative,
            remedy="If that is wrong, have the initiative classified anew.",
        )
    return right
