"""The checklist of data subjects' rights: who answers each, how, within how many days, and what is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from core.domain.commands import Command, Words
from core.domain.errors import BadInput, NotFound
from core.domain.facts.rules import RightAnswer
from core.domain.given import InitiativeId, argument, option
from core.domain.moment import Moment
from core.domain.process.facts import Registration
from core.domain.rules.frameworks import Right, RightState, applies, right_state
from core.lake import directory
from core.lake.facts import newest
from core.lake.process.clause_tally import InScope, initiatives_in_scope
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.rules.frameworks import circumstances, own_regions

RightId = Annotated[str, Field(description="The right, as 'governance rights show' lists it."), argument()]


class SettleRight(Command, may="settle_right"):
    """Say who answers a right, how, and within how many days."""

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


class ExcludeRight(Command, may="settle_right"):
    """Say why nobody can ask for a right at an initiative."""

    initiative: InitiativeId
    right: RightId
    reason: Annotated[Words, Field(min_length=20, description="Why nobody can ask for it here.")]


@dataclass(frozen=True)
class RightLine:
    """A right of the checklist, where it stands, and what was recorded last."""

    right: Right
    state: RightState
    why: str
    answered_by: str = ""
    how: str = ""
    within_days: int | None = None
    ready_on: date | None = None
    recorded_at: datetime | None = None
    recorded_by: str = ""
    seq: int | None = None


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
    NotFound, BadInput
        No such initiative, right or person; the initiative uses no personal data; more days than the law
        gives. Nothing is stored.
    """
    case = begin(governance, command)
    right = _concerned(case, command.right)
    answered_by = governance.person(command.answered_by or case.actor).id
    if command.within_days > right.most_days:
        raise BadInput(
            f"{command.within_days} days are more than the {right.most_days} within which an answer is due",
            where=right.title,
            remedy="Give fewer days.",
        )
    answer = RightAnswer(
        initiative=command.initiative,
        right_id=right.id,
        applies=True,
        answered_by=answered_by,
        how=command.how,
        within_days=command.within_days,
        ready_on=command.ready_on,
    )
    case.put("right_settled", answer)
    return answered_by


def exclude_right(governance: Governance, command: ExcludeRight) -> None:
    """Put on record that a right cannot be asked for here, with the reason."""
    case = begin(governance, command)
    right = _concerned(case, command.right)
    excluded = RightAnswer(
        initiative=command.initiative, right_id=right.id, applies=False, reason=command.reason
    )
    case.put("right_excluded", excluded)


OneInitiative = Annotated[str, Field(description="One initiative; none lists all."), argument()]


def rights_checklist(governance: Governance, moment: Moment, *, initiative: OneInitiative) -> RightsChecklist:
    """The rights of the people whose data an initiative uses, and how each is answered."""
    known = registered(governance, initiative, moment)
    answers = {one.right_id: one for one in newest(governance.store, RightAnswer, moment, initiative)}
    line = _lines(governance, moment)
    lines = tuple(line(right, answers.get(right.id)) for right in governance.rules(moment).rights.rights)
    return RightsChecklist(initiative, known.name, _needed(governance, known, moment), lines)


def rights_overview(governance: Governance, moment: Moment) -> tuple[RightsTally, ...]:
    """Every initiative that uses personal data with its open rights, the most open first."""
    policy, rights = governance.policy(moment), governance.rules(moment).rights
    answers = {(one.initiative, one.right_id): one for one in newest(governance.store, RightAnswer, moment)}
    line = _lines(governance, moment)
    found = []
    for known in initiatives_in_scope(governance.store, moment):
        if applies(rights.when, circumstances(governance.rules(moment).frameworks, known, known.regions)):
            lines = [line(right, answers.get((known.initiative, right.id))) for right in rights.rights]
            found.append(_tally(known, policy.class_title(known.class_id), lines))
    return tuple(sorted(found, key=lambda tally: (-len(tally.open), tally.name)))


def _tally(known: InScope, class_title: str, lines: Iterable[RightLine]) -> RightsTally:
    states = [(line.state, line.right.title) for line in lines]

    def count(state: RightState) -> int:
        return sum(found is state for found, _ in states)

    return RightsTally(
        known.initiative,
        known.name,
        known.team,
        class_title,
        count(RightState.SETTLED),
        count(RightState.PLANNED),
        count(RightState.NOT_APPLICABLE),
        tuple(title for state, title in states if state is RightState.OPEN),
    )


def _lines(governance: Governance, moment: Moment) -> Callable[[Right, RightAnswer | None], RightLine]:
    """What makes a line of a right and of what was said of it last."""
    names = directory.names(governance.store, moment)
    people = frozenset(names.people)

    def line(right: Right, said: RightAnswer | None) -> RightLine:
        state, why = right_state(said, people, moment.day)
        if said is None:
            return RightLine(right, state, why)
        by = names[said.answered_by] if said.answered_by else ""
        told = (by, said.how or "", said.within_days, said.ready_on)
        return RightLine(right, state, why, *told, said.recorded_at, names[said.actor], said.seq)

    return line


def _needed(governance: Governance, known: Registration, moment: Moment) -> bool:
    regions = own_regions(governance, known.initiative, moment)
    return applies(
        governance.rules(moment).rights.when,
        circumstances(governance.rules(moment).frameworks, known, regions),
    )


def _concerned(case: Case, right_id: str) -> Right:
    """The right, if the initiative has to answer it."""
    governance, known = case.governance, case.initiative
    right = case.rules.rights.find(right_id)
    if right is None:
        names = ", ".join(right.id for right in case.rules.rights.rights)
        raise NotFound(f"'{right_id[:40]}' is no right on the list", remedy=f"Use one of: {names}.")
    if not _needed(governance, known, case.moment):
        raise BadInput(
            "its registration names no rules on personal data, so nobody can ask for this right",
            where=known.initiative,
            remedy="If that is wrong, have the initiative classified anew.",
        )
    return right
