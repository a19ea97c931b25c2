"""People who leave, and people who act for others: what they had goes to somebody who is here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.commands import Command, Day, Words
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.facts.process import Finding, Initiative
from core.domain.facts.record import Deputy, Membership, Token
from core.domain.facts.recorded import F, Signed, entry_of, named
from core.domain.facts.rules import Proposal
from core.domain.facts.work import Comment, HandOffAnswer
from core.domain.given import argument
from core.domain.life_cycles import HAND_OFF
from core.domain.moment import Moment
from core.lake import directory, facts
from core.lake.store import Beside
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.process.evidence import require_no_hold
from core.services.work.task_sources import offers
from core.services.work.tasks import assignment, list_for, open_tasks

Why = Annotated[Words, Field(min_length=5, description="Why, in a sentence; it stays on record.")]


class LeavePerson(Command, may="manage_directory"):
    """Let somebody leave: roles and tokens end, work goes to who leads their unit, their history stays."""

    person: Annotated[str, Field(description="Who leaves, by id."), argument("ID")]
    to: Annotated[
        str, Field(description="Who gets their work, by id; who leads their unit where not said.")
    ] = ""
    reason: Why


@dataclass(frozen=True)
class Left:
    """Who left, who has their work now, and how many things of each kind went over or ended."""

    person: str
    to: str
    initiatives: int
    tasks: int
    findings: int
    proposals: int
    offers: int
    tokens: int


def leave_person(governance: Governance, command: LeavePerson) -> Left:
    """End somebody's roles and tokens, and hand over what they have, all or none.

    Whoever gets it is named in a comment on each initiative, which is a task to read. What the person had
    delegated, and whose deputy they were, ends by itself.

    Raises
    ------
    Forbidden
        The actor may not, or gives themselves the work of who leaves.
    NotFound, BadInput
        No such person, or they have left; nobody is there to get their work, or to manage the directory.
    Conflict
        Somebody else changed at the same moment what goes over. Nothing is stored.
    """
    case = begin(governance, command)
    person = governance.person(command.person)
    heir = _heir(case, person, command.to)
    legacy = _Legacy(case, person, heir.id)
    gone = Membership(person=person.id, team="", roles=(), has_left=True, heir=heir.id, reason=command.reason)
    parts = [list(part) for part in legacy.parts()]
    moved = [fact for part in parts for fact in part]
    told = list(legacy.told(moved))
    subjects = {fact.subject.split("/")[0] for fact in (*moved, *told)}
    case.append([entry_of("person_left", gone), *moved, *told], unchanged=(person.id, *sorted(subjects)))
    return Left(person.id, heir.id, *map(len, parts))


def _heir(case: Case, person: Actor, wanted: str) -> Actor:
    """Who gets somebody's work: who is named, else the nearest who leads a unit of theirs and is here."""
    here = {one.id: one for one in case.governance.people() if one.id != person.id and one.roles}
    if not any(case.rules.roles.may(one, case.command.may) for one in here.values()):
        raise BadInput(
            f"nobody but {person.name} manages the directory",
            where=person.id,
            remedy="Give that role to somebody else first.",
        )
    leads = [unit.lead for unit in case.rules.organisation.units_of(person.team)]
    found = next((here[one] for one in ([wanted] if wanted else leads) if one in here), None)
    if found is None:
        raise BadInput(
            f"nobody is said to get the work of {person.name}",
            where=wanted or person.id,
            remedy="Name somebody with a role by --to, or who leads the unit in organisation.yaml.",
        )
    if found.id == case.actor and found.id not in leads and len(here) > 1:
        raise Forbidden(
            "nobody gives themselves the work of who leaves", where=found.id, remedy="Name somebody else."
        )
    return found


_GOES_OVER: Mapping[str, str] = {
    "initiative": "what they owned or built",
    "task_assignment": "task",
    "finding": "finding",
}
"""Table -> what a comment says of it."""


@dataclass(frozen=True)
class _Legacy:
    """What somebody who leaves has, as entries that give it to somebody else or end it."""

    case: Case
    person: Actor
    heir: str

    def parts(self) -> Iterator[Iterator[Fact]]:
        """Each kind by itself, in the order of the fields of `Left`."""
        yield self.initiatives()
        yield self.tasks()
        yield self.findings()
        yield self.proposals()
        yield self.offers()
        yield self.tokens()

    @property
    def why(self) -> str:
        return f"{self.person.id} left"

    def _newest(self, kind: type[F]) -> tuple[F, ...]:
        return facts.newest(self.case.governance.store, kind, self.case.moment)

    def _own(self) -> list[Initiative]:
        return [one for one in self._newest(Initiative) if self.person.id in (one.owner, one.builder)]

    def initiatives(self) -> Iterator[Fact]:
        for known in self._own():
            owner, builder = (
                self.heir if who == self.person.id else who for who in (known.owner, known.builder)
            )
            yield entry_of("initiative_amended", replace(known, owner=owner, builder=builder))

    def tasks(self) -> Iterator[Fact]:
        """What they were put on, and what nobody but they could do; the rest goes with the initiative."""
        own = {known.initiative for known in self._own()}
        for task in list_for(self.person, open_tasks(self.case.governance, self.case.moment)).own:
            alone = task.kind != "finding" and task.initiative not in own
            if task.movable and (task.assigned or alone):
                yield assignment(task, self.heir, self.why)

    def findings(self) -> Iterator[Fact]:
        for found in self._newest(Finding):
            if (found.owner, found.state) == (self.person.id, "open"):
                yield entry_of("finding_handed_over", replace(found, owner=self.heir, note=self.why))

    def proposals(self) -> Iterator[Fact]:
        for one in self._newest(Proposal):
            if (one.proposed_by, one.state) == (self.person.id, "proposed"):
                yield entry_of("proposal_taken_over", replace(one, proposed_by=self.heir, note=self.why))

    def offers(self) -> Iterator[Fact]:
        """Work that was offered to them goes back."""
        for offer, answer in offers(self.case.governance.store, self.case.moment):
            if answer is None and offer.to_person == self.person.id:
                said = HandOffAnswer(
                    hand_off=offer.hand_off, initiative=offer.initiative, answer="returned", reason=self.why
                )
                yield entry_of(HAND_OFF.to("returned").action, said, first=True)

    def tokens(self) -> Iterator[Fact]:
        """Theirs, and those of services whose secret they were shown."""
        for one in self._newest(Token):
            shown = one.actor == self.person.id and one.person.startswith("token:")
            if one.state == "issued" and (shown or one.person == self.person.id):
                yield entry_of("token_revoked", replace(one, state="revoked", note=self.why))

    def told(self, moved: Sequence[Fact]) -> Iterator[Fact]:
        """A comment on each initiative of which something went over, which its new holder has to read."""
        by_initiative: dict[str, Counter[str]] = {}
        for fact in moved:
            if fact.table in _GOES_OVER:
                counted = by_initiative.setdefault(str(fact.rows[0]["initiative"]), Counter())
                counted[_GOES_OVER[fact.table]] += 1
        for initiative, things in by_initiative.items():
            there = facts.history(self.case.governance.store, Comment, self.case.moment, initiative)
            words = " and ".join(f"{n} {one}s" if n > 1 else one for one, n in things.items())
            said = Comment(
                initiative=initiative,
                comment=f"{initiative}/comment-{len(there) + 1}",
                text=f"@{self.heir}, {self.why}. You have {words} of it now: keep it, or hand it on.",
                mentions=(self.heir,),
            )
            yield entry_of("comment_written", said)


class ForgetPerson(Command, may="manage_directory"):
    """Propose to forget somebody who left: their names go for good, and "a person (number)" stands there."""

    person: Annotated[str, Field(description="Who, by id."), argument("ID")]
    reason: Annotated[Words, Field(min_length=5, description="Why; it stays on record, so name nobody.")]


def forget_person(governance: Governance, command: ForgetPerson) -> str:
    """Propose it, and return the proposal's name; names go when a second person agrees.

    Entries keep the id, so an id should be no name. What people wrote in texts stays as it is written.

    Raises
    ------
    NotFound, Conflict
        No such person; they have not left, or are forgotten; a legal hold is on what they worked on.
    """
    case = begin(governance, command)
    forgotten(case, command)
    said = [f"{command.person} is forgotten: every name of theirs goes for good.", f"Why: {command.reason}"]
    reviewers = case.rules.roles.allowed_roles("review_policy")
    return case.propose("forget_person", command.person, said, reviewers)


def forgotten(case: Case, asked: ForgetPerson) -> tuple[Fact, Beside]:
    """The entry that somebody is forgotten, and what takes their names away, as things stand."""
    there = facts.newest(case.governance.store, Membership, case.moment)
    last = next((one for one in there if one.person == asked.person), None)
    if last is None:
        case.governance.person(asked.person)
    if last is None or not last.has_left or last.forgotten:
        why = "is forgotten already" if last and last.forgotten else "has not left: roles and work are theirs"
        remedy = "Let them leave first: 'governance people leave'."
        raise Conflict(f"{asked.person} {why}", remedy="" if last and last.forgotten else remedy)
    for initiative in sorted(directory.worked_on(case.governance.store, asked.person)):
        require_no_hold(case, initiative)
    number = 1 + max(one.forgotten for one in there)
    digest, beside = directory.forgetting(asked.person, number)
    said = replace(last, reason=asked.reason, heir="", name_sha256=digest, forgotten=number)
    return entry_of("person_forgotten", said), beside


class AppointDeputy(Command, may="offer_hand_off"):
    """Let somebody act for you on what you own, from a day through another; said again, the newer holds."""

    deputy: Annotated[str, Field(description="Who acts for you, by id."), argument("ID")]
    since: Annotated[Day | None, Field(description="First day; today where not said.")] = None
    until: Annotated[Day, Field(description="Last day.")]
    reason: Why


class EndDeputy(Command, may="offer_hand_off"):
    """End that somebody acts for you, or that you act for somebody, before its last day."""

    other: Annotated[str, Field(description="Who acts for you, or for whom you act, by id."), argument("ID")]
    reason: Why


def appoint_deputy(governance: Governance, command: AppointDeputy) -> Deputy:
    """Put on record who acts for the actor.

    A deputy has the tie of an owner for what the owner may do today, with roles of their own, and may no
    more sign than an owner.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such person.
    BadInput
        It is the actor, or somebody without a role; the days are turned round, past, or too many.
    """
    case = begin(governance, command)
    person, today = governance.person(command.deputy), case.moment.day
    since, most = command.since or today, case.policy.delegation_days
    if person.id == case.actor or not person.roles:
        raise BadInput(
            f"{person.name} cannot act for you", where="deputy", remedy="Name somebody else who has a role."
        )
    if not today <= since <= command.until <= since + timedelta(days=most):
        raise BadInput(
            f"a deputy acts from today or later, for at most {most} days",
            where=f"{since} to {command.until}",
            remedy="Give other days.",
        )
    given = Deputy(
        person=case.actor, deputy=person.id, since=since, until=command.until, reason=command.reason
    )
    return case.put("deputy_appointed", given)


def end_deputy(governance: Governance, command: EndDeputy) -> None:
    """End a deputyship of one's own, on either side; what was done under it stands.

    Raises
    ------
    Conflict
        Neither acts for the other, now or later.
    """
    case = begin(governance, command)
    pairs = ((case.actor, command.other), (command.other, case.actor))
    for one in facts.newest(case.governance.store, Deputy, case.moment):
        if (one.person, one.deputy) in pairs and one.until >= case.moment.day:
            until = case.moment.day - timedelta(days=1)
            case.put("deputy_ended", replace(one, until=until, reason=command.reason))
            return
    raise Conflict("neither of you acts for the other", where=command.other, remedy="Nothing is to be ended.")


@dataclass(frozen=True, kw_only=True)
class Belonged(Signed, Membership):
    """In which team somebody was, with which roles, by which name, until a day.

    `until` is empty for what holds; `name` too where it was forgotten, or is not held by the record.
    """

    name: str
    role_titles: tuple[str, ...]
    until: str


def person_history(
    governance: Governance,
    moment: Moment,
    *,
    person: Annotated[str, Field(description="Who, by id."), argument("ID")],
) -> list[Belonged]:
    """List since when and until when somebody was in which team with which roles, newest first."""
    store, title = governance.store, governance.rules(moment).roles.title
    names, kept = directory.names(store, moment), directory.names_of_before(store, person)
    own = [one for one in facts.history(store, Membership, moment) if one.person == person]
    called, lines = "", []
    for one, after in zip(own, [*own[1:], None], strict=False):
        called, until = kept.get(one.name_sha256, called), f"{after.recorded_at:%Y-%m-%d}" if after else ""
        titles = tuple(map(title, one.roles or ()))
        lines.append(named(Belonged, one, names, name=called, role_titles=titles, until=until))
    if not lines:
        governance.person(person)
    return lines[::-1]
