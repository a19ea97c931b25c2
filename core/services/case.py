"""One command as a case: who may, as of when, on what, what is put on record; and asking that beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from core.connectors.config_files import Rules
from core.domain.actors import ACTIONS, Actor, Organisation
from core.domain.chain import Fact, canonical
from core.domain.commands import Alone, Command, slug
from core.domain.errors import Conflict, Forbidden, NotFound
from core.domain.facts.process import Finding
from core.domain.facts.record import Deputy, Membership
from core.domain.facts.recorded import F, Names, but, entry_of, says_the_same, values_of
from core.domain.facts.rules import Proposal
from core.domain.facts.work import TaskAssignment
from core.domain.life_cycles import LifeCycle, Part, Step
from core.domain.moment import Moment
from core.domain.policy.policy import Measure, Policy
from core.domain.process.facts import InitiativeFacts, Registration
from core.lake import directory, facts
from core.lake.process import inventory as lake
from core.lake.query import seen
from core.lake.store import Beside
from core.services.governance import Governance, Reader


def registered(governance: Governance, initiative: str, moment: Moment) -> Registration:
    """What is registered of an initiative."""
    known = lake.registration(governance.store, initiative, moment)
    if known is None:
        raise _unknown(initiative, moment)
    return known


def facts_of(governance: Governance, initiative: str, moment: Moment) -> InitiativeFacts:
    """What rules need of an initiative."""
    known = lake.initiative_facts(governance.store, initiative, moment)
    if known is None:
        raise _unknown(initiative, moment)
    return known


def _unknown(initiative: str, moment: Moment) -> NotFound:
    return NotFound(
        f"no initiative '{initiative[:80]}' is registered",
        where=f"as of {moment.day}",
        remedy="The inventory lists them (governance list).",
    )


def require_independent(
    governance: Governance, moment: Moment, actor: str, initiative: str, doing: str
) -> None:
    """Refuse those who own, build or registered an initiative, or once did, or whose work it is."""
    if actor in lake.parts_in(governance.store, initiative, moment):
        raise Forbidden(
            "whoever owns, builds or registered an initiative, or once did, made or promoted a version of it "
            f"or wrote in its documents, may not {doing} it",
            where=initiative,
            remedy="Ask somebody who had no such part in it.",
        )


def require_tie(
    governance: Governance, moment: Moment, actor: Actor, initiative: Registration, action: str
) -> None:
    """Refuse those who have no tie to an initiative, where their role works only on their own.

    A tie has whoever owns or builds it, acts for its owner today, is of its team, or was given a task on it
    by somebody else: who took one has the task alone. Who owns a finding of it may say that it is mended, and
    no more: anybody may raise one, on themselves too.
    """
    if governance.rules(moment).roles.on_all(actor, action) or actor.team == initiative.team != "":
        return
    given = facts.newest(governance.store, TaskAssignment, moment, initiative.initiative)
    others = (one.person for one in given if one.actor != one.person or one.hand_off)
    tied = {initiative.owner, initiative.builder, *others}
    if action == "resolve_finding":
        tied |= {one.owner for one in facts.newest(governance.store, Finding, moment, initiative.initiative)}
    if actor.id not in tied and initiative.owner not in acts_for(governance, moment, actor, action):
        raise Forbidden(
            f"{actor.name or actor.id} has no tie to {initiative.name}, and may not {ACTIONS[action]} of it",
            where=initiative.initiative,
            remedy=f"Ask team {initiative.team}, or let them give you the task.",
        )


def acts_for(governance: Governance, moment: Moment, actor: Actor, action: str) -> frozenset[str]:
    """Whose deputy somebody is today, of those who may take an action themselves, as things stand."""
    given = facts.newest(governance.store, Deputy, moment)
    people = {one.person for one in given if one.deputy == actor.id and one.holds_on(moment.day)}
    roles = governance.rules(moment).roles
    known = (directory.person(governance.store, person) for person in people)
    return frozenset(one.id for one in known if one is not None and roles.may(one, action))


def seen_by(governance: Governance, actor: Actor, present: Moment) -> Governance:
    """What an actor may read: as if what is closed to them were not there.

    Today's rights decide, also on how things stood then. Whoever no role lets read initiatives reads none.
    """
    whole = governance.whole
    reader = Reader(_hidden_from(whole, present, actor), _small_groups_of(whole, present, actor))
    if reader == whole.reader:
        return whole

    def look() -> Governance:
        return replace(whole, store=seen(whole.store, reader.hidden), reader=reader, behind=whole)

    return whole.memory.recall("seen_by", reader, look, room=64)


def _hidden_from(governance: Governance, moment: Moment, actor: Actor) -> frozenset[str]:
    rules = governance.rules(moment)
    if rules.roles.on_all(actor, "read_initiatives"):
        return frozenset()
    every = not rules.roles.may(actor, "read_initiatives")
    there = _perhaps_closed(governance, moment, every=every)
    behind = acts_for(governance, moment, actor, "read_initiatives") if there else frozenset()
    return frozenset(
        one.initiative for one in there if every or not _may_read(rules.organisation, actor, one, behind)
    )


def _small_groups_of(governance: Governance, moment: Moment, actor: Actor) -> frozenset[str] | None:
    """The initiatives whose small groups an actor may see: all, those they have a tie to, or none."""
    roles, action = governance.rules(moment).roles, "read_small_groups"
    if roles.on_all(actor, action) or not roles.may(actor, action):
        return None if roles.on_all(actor, action) else frozenset()
    there, behind = (
        _perhaps_closed(governance, moment, every=True),
        acts_for(governance, moment, actor, action),
    )
    return frozenset(one.initiative for one in there if _is_tied(actor, one, behind))


def _perhaps_closed(governance: Governance, moment: Moment, *, every: bool) -> list[directory.Closed]:
    domains = tuple(governance.rules(moment).organisation.reading)

    def look() -> list[directory.Closed]:
        return directory.closed_initiatives(governance.store, moment, domains, every=every)

    tied = governance.memory.recall(
        "tied", moment.seq, lambda: directory.last_tie(governance.store, moment), room=4
    )
    return governance.memory.recall("closed", (tied, domains, every), look, room=4)


def _is_tied(actor: Actor, closed: directory.Closed, behind: frozenset[str]) -> bool:
    """Whether somebody has a tie, themselves or by those whose deputy they are."""
    own = actor.id in closed.people or actor.team in filter(None, closed.teams)
    return own or closed.owner in behind


def _may_read(
    organisation: Organisation, actor: Actor, closed: directory.Closed, behind: frozenset[str]
) -> bool:
    reading = organisation.reading_of(closed.domain, closed.reading)
    if reading == "open" or _is_tied(actor, closed, behind):
        return True
    return reading == "unit" and organisation.is_of_unit(actor.team, closed.team)


def require_readable(governance: Governance, actor: Actor, initiative: str, moment: Moment) -> None:
    """Refuse an initiative that is closed to an actor, in the words for one that is not there."""
    if initiative in _hidden_from(governance.whole, moment, actor):
        raise _unknown(initiative, moment)


def version_named_or_current(governance: Governance, initiative: str, named: str, moment: Moment) -> str:
    """The version named, or the current one."""
    if named:
        return named
    current = facts_of(governance, initiative, moment).version
    if current is None:
        raise NotFound(
            f"{initiative} has no model version that counts now",
            remedy="Name one with --version, or register one with 'governance version add'.",
        )
    return current


def refusal(governance: Governance, moment: Moment, actor: Actor, action: str, initiative: str = "") -> str:
    """Say why an actor may not take an action, or nothing where they may; on one that they need a tie to.

    The services decide again when they are asked; this only spares people a form that would be refused.
    """
    try:
        governance.rules(moment).roles.require(actor, action)
        if initiative:
            require_tie(governance, moment, actor, registered(governance, initiative, moment), action)
    except Forbidden as problem:
        return str(problem)
    return ""


def proof_refusal(
    governance: Governance, moment: Moment, actor: Actor, initiative: str, measure: Measure
) -> str:
    """Say why an actor may not submit evidence for a measure of an initiative, or nothing where they may."""
    if measure.sign_offs:
        return "Signatures prove this; there is nothing to submit."
    if measure.evidence is None:
        return "Checks prove this by themselves; there is nothing to submit."
    sentence = refusal(governance, moment, actor, "submit_evidence")
    if sentence or not measure.independent:
        return sentence
    if measure.responsible not in actor.roles:
        title = governance.rules(moment).roles.title(measure.responsible)
        return f"Only {title} may prove this, and nobody who owns or builds the initiative."
    try:
        require_independent(governance, moment, actor.id, initiative, "prove an independent measure of")
    except Forbidden:
        return "Somebody who neither owns nor builds the initiative, and never did, has to prove this."
    return ""


def override_refusal(governance: Governance, moment: Moment, actor: Actor, initiative: str) -> str:
    """Say why an actor may not override the class of an initiative, or nothing where they may."""
    sentence = refusal(governance, moment, actor, "override_classification")
    if sentence:
        return sentence
    try:
        require_independent(governance, moment, actor.id, initiative, "override the classification of")
    except Forbidden as problem:
        return str(problem)
    return ""


@dataclass(frozen=True)
class Case:
    """What a use case needs to answer one command; made by `begin`."""

    governance: Governance
    command: Command
    moment: Moment

    @cached_property
    def policy(self) -> Policy:
        """The policy in force; as it asks of its kind where the command names an initiative."""
        policy = self.governance.policy(self.moment)
        return policy.of(self.initiative.kind) if self.command.about else policy

    @property
    def rules(self) -> Rules:
        """The files of the configuration that decide."""
        return self.governance.rules(self.moment)

    @cached_property
    def initiative(self) -> Registration:
        """The initiative that the command names."""
        return registered(self.governance, self._named(), self.moment)

    @cached_property
    def facts(self) -> InitiativeFacts:
        """What rules need of the initiative that the command names."""
        return facts_of(self.governance, self._named(), self.moment)

    @cached_property
    def names(self) -> Names:
        """Names of people."""
        return directory.names(self.governance.store, self.moment)

    @property
    def actor(self) -> str:
        """Id of who gives the command."""
        return self.command.actor.id

    def history(self, kind: type[F]) -> tuple[F, ...]:
        """Facts of a kind on the command's initiative, oldest first."""
        return facts.history(self.governance.store, kind, self.moment, self._named())

    def newest(self, kind: type[F]) -> tuple[F, ...]:
        """Facts of a kind on the command's initiative, the newest of each key."""
        return facts.newest(self.governance.store, kind, self.moment, self._named())

    def find(self, kind: type[F], name: str) -> F:
        """A thing of the initiative by its name within it, as it stands."""
        word, initiative = kind.table, self.initiative.initiative
        for fact in self.newest(kind):
            if getattr(fact, word) == name:
                return fact
        raise NotFound(
            f"{initiative} has no {word} '{name[:40]}'", remedy=f"Its sheet lists the {word}s there are."
        )

    def next_name(self, kind: type[F], letter: str) -> str:
        """The name of the next thing of a kind on the initiative, as W3."""
        return f"{letter}{len(self.newest(kind)) + 1}"

    def require_independent(self, doing: str) -> None:
        """Refuse those who have or had a part in the initiative."""
        require_independent(self.governance, self.moment, self.actor, self.initiative.initiative, doing)

    def permit(self, step: Step, fact: F, *, state: str) -> None:
        """Let a step be taken, or say why not.

        Raises
        ------
        Conflict, Forbidden
            The thing stands elsewhere; the actor had a part in it.
        """
        words = {**values_of(fact), "actor_name": self.names[fact.actor]}
        step.require_state(state, words)
        parts = step.never.parts if step.never else ()
        step.require_apart(self.actor, {who: part for part in parts for who in self._who(part, fact)}, words)

    def step(self, cycle: LifeCycle, state: str, fact: F, **changes: object) -> F:
        """Take a thing to another state of its life cycle, unless somebody else moved it meanwhile.

        Raises
        ------
        Conflict, Forbidden
            As `permit`; or somebody else was first.
        """
        step = cycle.to(state)
        self.permit(step, fact, state=getattr(fact, cycle.column))
        moved = but(fact, **{cycle.column: state}, **changes)
        return self.put(step.action, moved, unless_changed=True)

    def put(self, action: str, fact: F, *, first: bool = False, unless_changed: bool = False) -> F:
        """Put one fact on record.

        Parameters
        ----------
        first
            Refuse it if this action was recorded for its subject before.
        unless_changed
            Refuse it if anything was recorded of its initiative since the case was read.

        Raises
        ------
        Conflict
            Somebody else was first.
        """
        said = replace(fact, actor=self.actor)
        entry = entry_of(action, said, first=first)
        self.append([entry], unchanged=(entry.subject.split("/")[0],) if unless_changed else ())
        return said

    def put_next(
        self, action: str, make: Callable[[Case], F], *, now: tuple[Fact, Beside] | None = None
    ) -> F:
        """Put on record what `make` gives from all that is there, and return it.

        For what rests on what is there already, such as the next number: nobody else's entry comes between
        what `make` reads, through the case that it is given, and what it leads to. `now` comes before it, an
        entry and what that writes beside the record, all or none.
        """
        made: list[F] = []
        fact, beside = now or (None, None)

        def entries(moment: Moment) -> list[Fact]:
            made[:] = [replace(make(replace(self, moment=moment)), actor=self.actor)]
            return [*([fact] if fact else []), entry_of(action, made[0])]

        by, store = self.command.actor.credential, self.governance.store
        store.append_next(entries, actor=self.actor, at=self.command.at, credential=by, beside=beside)
        return made[0]

    def put_once(self, action: str, fact: F) -> None:
        """Put a fact on record, unless the newest of its key says the same, by the same person, today."""

        def entries(moment: Moment) -> list[Fact]:
            key = {name: getattr(fact, name) for name in fact.key if name != "initiative"}
            last = facts.latest(self.governance.store, type(fact), moment, self._named(), **key)
            if last is None or (last.actor, last.recorded_at.date()) != (self.actor, moment.day):
                return [entry_of(action, fact)]
            return [] if says_the_same(last, fact) else [entry_of(action, fact)]

        by = self.command.actor.credential
        self.governance.store.append_next(entries, actor=self.actor, at=self.command.at, credential=by)

    def propose(
        self,
        act: str,
        about: str,
        says: Iterable[str],
        reviewers: Iterable[str],
        *,
        now: tuple[Fact, Beside] | None = None,
        beside: Iterable[str] = (),
    ) -> str:
        """Put the command on record as a proposal, and return its name; it takes effect when somebody agrees.

        Parameters
        ----------
        act
            The use case; `core.services.record.proposals` says what it leads to.
        about
            The initiative, person or rules that it would change.
        says
            What it would change, in sentences.
        reviewers
            Roles that may agree.
        now
            What of it holds at once: the entry, and what it writes beside the record.
        beside
            Fields of the command that stand beside the record and are not proposed with it.

        Raises
        ------
        Conflict
            The same is proposed already. Nothing is stored, not what would hold at once either.
        """
        unsaid = {"actor", "at", *beside}
        given = canonical(self.command.model_dump(mode="json", exclude=unsaid, exclude_defaults=True))
        drawn = Proposal(
            proposal="",
            state="proposed",
            act=act,
            about=about,
            given=given,
            says=tuple(says),
            reviewers=tuple(reviewers),
            proposed_by=self.actor,
        )
        return self.put_next(f"{act}_proposed", lambda case: _numbered(case, drawn), now=now).proposal

    def alone(self, what: str, why: str, until: date, entries: Sequence[Fact]) -> None:
        """Do at once what one person declares an emergency, with a finding that stays until a second agrees.

        Parameters
        ----------
        what, why
            What is done alone, in a few words, and the reason.
        until
            Its last day.
        entries
            What it puts on record.

        Raises
        ------
        Forbidden, Conflict
            No role of the actor may; nobody has agreed to an earlier emergency of this initiative yet.
        """
        self.rules.roles.require(self.command.actor, Alone.declares)

        def all_of_it(moment: Moment) -> list[Fact]:
            return [*entries, *_emergency(replace(self, moment=moment), what, why, until)]

        by = self.command.actor
        store = self.governance.store
        store.append_next(all_of_it, actor=by.id, at=self.command.at, credential=by.credential)

    def append(
        self, entries: Sequence[Fact], *, unchanged: Iterable[str] = (), beside: Beside | None = None
    ) -> None:
        """Put several entries on record, all or none.

        Parameters
        ----------
        unchanged
            Subjects of which nothing may have been recorded since the case was read.
        beside
            Writes what stands beside the record, all or none with them.
        """
        self.governance.store.append(
            entries,
            actor=self.actor,
            at=self.command.at,
            unchanged=dict.fromkeys(unchanged, self.moment.seq),
            credential=self.command.actor.credential,
            beside=beside,
        )

    def _named(self) -> str:
        return self.command.about

    def _who(self, part: Part, fact: F) -> Iterable[str]:
        match part:
            case "owner":
                return lake.parts_in(self.governance.store, self._named(), self.moment)
            case "holder":
                return (str(values_of(fact)["owner"]),)
            case "first":
                key = [getattr(fact, name) for name in fact.key]
                there = facts.history(self.governance.store, type(fact), self.moment, self._named())
                return (next(f.actor for f in there if [getattr(f, name) for name in f.key] == key),)
            case "last":
                return (fact.actor,)


EMERGENCY = "emergency"
"""Check id of a finding, and role of a waiver, that one person's emergency left."""


def _emergency(case: Case, what: str, why: str, until: date) -> Iterator[Fact]:
    initiative, there = case.initiative, case.newest(Finding)
    waiting = [one.finding for one in there if one.check_id == EMERGENCY and one.state != "closed"]
    if waiting:
        raise Conflict(
            f"nobody has agreed to the emergency of finding {waiting[0]} yet",
            where=initiative.initiative,
            remedy="Let a second person agree to it, or decline it, first.",
        )
    found = Finding(
        initiative=initiative.initiative,
        finding=case.next_name(Finding, "F"),
        severity="minor",
        title=f"Emergency: {what}"[:100],
        detail=why,
        step=case.policy.live_gate.step,
        check_id=EMERGENCY,
        owner=case.actor,
        due_on=until,
    )
    yield entry_of("finding_raised", found)
    given = {"initiative": initiative.initiative, "finding": found.finding, "note": f"Agreed: {found.title}"}
    rule = case.policy.waiver_rule(initiative.computed_class_id)
    drawn = Proposal(
        proposal="",
        state="proposed",
        act="verify_finding",
        about=initiative.initiative,
        given=canonical(given),
        says=(f"{initiative.name}: {found.title}, done alone until {until}.", f"Because: {why}"),
        reviewers=rule.approvers if rule else case.rules.roles.allowed_roles("decide_waiver"),
        proposed_by=case.actor,
        actor=case.actor,
    )
    yield entry_of("emergency_declared", _numbered(case, drawn))


def _numbered(case: Case, drawn: Proposal) -> Proposal:
    there, thing = facts.newest(case.governance.store, Proposal, case.moment), case.command.thing

    def meant(proposal: Proposal) -> tuple[str, str, str]:
        return proposal.act, proposal.about, slug(json.loads(proposal.given).get(thing, ""))

    for open_one in there:
        if open_one.state == "proposed" and meant(open_one) == meant(drawn):
            raise Conflict(
                f"proposal {open_one.proposal} of the same kind waits already",
                where=drawn.about,
                remedy="Let it be answered, or let its author withdraw it.",
            )
    return replace(drawn, proposal=f"C{len(there) + 1}")


def _require_here(case: Case) -> None:
    """Refuse who left, by whatever credential they come."""
    last = facts.latest(case.governance.store, Membership, case.moment, person=case.actor)
    if last is not None and last.has_left:
        raise Forbidden(f"{case.names[case.actor]} may do nothing here any more", where=case.actor)


def begin(governance: Governance, command: Command) -> Case:
    """Open the case of a command: the actor has to be allowed what it asks for.

    Raises
    ------
    Forbidden
        No role of the actor may do it, or not on this initiative.
    """
    governance = governance.whole
    case = Case(governance, command, governance.present(command.at))
    case.rules.roles.require(command.actor, command.may)
    _require_here(case)
    if not command.about:
        return case
    require_readable(governance, command.actor, case.initiative.initiative, case.moment)
    if command.whose == "own":
        require_tie(governance, case.moment, command.actor, case.initiative, command.may)
    return case
