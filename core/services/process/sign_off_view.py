"""The sign-offs of an initiative as people read them: who signed, who still may, what has changed since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from core.domain.facts.process import SignOff
from core.domain.facts.recorded import Signed, named
from core.domain.moment import Moment
from core.domain.policy.policy import Approval, SignOffPlan
from core.domain.policy.requirement_list import plan_at
from core.domain.process.sign_offs import Signature, SignOffStatus, changes_since
from core.lake import directory
from core.lake.facts import history
from core.services.case import facts_of
from core.services.governance import Governance
from core.services.process.sign_offs import Table, latest_decision, lay_table, standing_delegations

_WAITING = (SignOffStatus.WAITING_FOR_APPROVAL, SignOffStatus.WAITING_FOR_FEEDBACK)


@dataclass(frozen=True)
class Seats:
    """The seats of one role at a gate: how many are wanted, who holds one, and who may still sign."""

    role: str
    title: str
    quorum: int
    signed: tuple[str, ...]
    may_sign: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SignOffLine(Signed, SignOff):
    """Something that was said at a gate, as people read it."""

    on_behalf_of_name: str
    role_title: str
    met_on: date | None

    @property
    def terms(self) -> str:
        """The condition with where it stands, and the limits of use; empty where there are none."""
        met = f"met on {self.met_on}" if self.met_on else f"to be met by {self.condition_due}"
        said = [f"On condition that: {self.condition} ({met})."] if self.condition else []
        return " ".join(said + ([f"Limits of use: {self.limits}"] if self.limits else []))

    @property
    def said(self) -> str:
        """The answer; where none was given, what was done."""
        return self.outcome or self.act


@dataclass(frozen=True)
class SignOffView:
    """The sign-off of one gate.

    Attributes
    ----------
    changed
        What is different from what the last decision saw; empty where nothing is, or nobody decided yet.
    acts
        Everything ever said at this gate, oldest first.
    signatures
        Latest answer of each person in this round.
    """

    gate: str
    gate_title: str
    status: SignOffStatus
    expires_on: date | None
    lapses: tuple[str, ...]
    changed: tuple[str, ...]
    feedback_missing: tuple[str, ...]
    seats: tuple[Seats, ...]
    acts: tuple[SignOffLine, ...]
    plan: SignOffPlan = field(repr=False)
    signatures: tuple[Signature, ...] = field(repr=False)
    decided_before: bool = field(repr=False)

    @property
    def counting(self) -> frozenset[int]:
        """Entries of the approvals of this round."""
        return frozenset(s.given.seq for s in self.signatures if s.given.outcome == "approved")

    @property
    def waiting(self) -> tuple[SignOffLine, ...]:
        """Approvals of this round whose condition is still to be met."""
        return tuple(
            act for act in self.acts if act.seq in self.counting and act.condition and not act.met_on
        )


def sign_off_views(governance: Governance, moment: Moment, *, initiative: str) -> tuple[SignOffView, ...]:
    """The gates of an initiative at which somebody signs, in their order."""
    class_id, policy = facts_of(governance, initiative, moment).class_id, governance.policy(moment)
    return tuple(
        _view(governance, lay_table(governance, initiative, gate.id, moment))
        for gate in policy.gates_of(class_id)
        if plan_at(policy, class_id, gate.id) is not None
    )


def _view(governance: Governance, table: Table) -> SignOffView:
    title, names = governance.rules(table.moment).roles.title, directory.names(governance.store, table.moment)
    acts = tuple(
        named(
            SignOffLine,
            said,
            names,
            on_behalf_of_name=names[said.on_behalf_of],
            role_title=title(said.role),
            met_on=table.facts.met_on.get(said.seq),
        )
        for said in history(governance.store, SignOff, table.moment, table.facts.initiative)
        if said.gate == table.gate.id
    )
    last = latest_decision(table.facts.sign_offs.get(table.gate.id, ()))
    changed = changes_since(table.policy, table.gate, table.facts, last) if last else ()
    seats = tuple(_seats(governance, table, approval) for approval in table.plan.approvals)
    state = table.state
    return SignOffView(
        table.gate.id,
        table.gate.title,
        state.status,
        state.expires_on,
        state.lapses,
        changed,
        state.feedback_missing,
        seats,
        acts,
        table.plan,
        state.signatures,
        last is not None,
    )


def _seats(governance: Governance, table: Table, approval: Approval) -> Seats:
    names = governance.names()
    held = [s.given.seat for s in table.state.signatures if s.holds and s.given.role == approval.role]
    answered = {person for s in table.state.signatures for person in (s.given.actor, s.given.seat)}
    free = [
        person.name
        for person in governance.people()
        if approval.role in person.roles and person.id not in table.involved and person.id not in answered
    ]
    signed = tuple(names.get(person, person) for person in held)
    title = governance.rules(table.moment).roles.title(approval.role)
    return Seats(approval.role, title, approval.quorum, signed, tuple(free))


@dataclass(frozen=True)
class Choice:
    """A seat in which somebody may answer: the role, and for whom (empty = for themselves)."""

    role: str
    title: str
    on_behalf_of: str
    on_behalf_of_name: str


def signing_choices(
    governance: Governance, moment: Moment, *, initiative: str, gate: str, actor: Actor
) -> tuple[Choice, ...]:
    """The seats in which an actor may sign at a gate now; empty where there is none.

    The services decide again when they are asked.
    """
    table = lay_table(governance, initiative, gate, moment)
    roles = [role for role, _ in table.state.missing]
    return _choices(governance, table, actor, roles) if table.state.status in _WAITING else ()


def feedback_choices(
    governance: Governance, moment: Moment, *, initiative: str, gate: str, actor: Actor
) -> tuple[Choice, ...]:
    """The seats in which an actor may give feedback at a gate now; empty where there is none."""
    table = lay_table(governance, initiative, gate, moment)
    roles = list(table.plan.feedback)
    return _choices(governance, table, actor, roles) if table.state.status in _WAITING else ()


def _choices(governance: Governance, table: Table, actor: Actor, roles: list[str]) -> tuple[Choice, ...]:
    if actor.id in table.involved:
        return ()
    title = governance.rules(table.moment).roles.title
    answered = {
        person
        for s in table.state.signatures
        if s.given.act == "decided"
        for person in (s.given.actor, s.given.seat)
    }
    if actor.id in answered:
        return ()
    own = [Choice(role, title(role), "", "") for role in roles if role in actor.roles]
    barred = answered | set(table.involved)
    delegated = [
        Choice(one.role, title(one.role), one.actor, one.actor_name)
        for one in standing_delegations(governance, table.moment, person=actor.id)
        if one.delegate == actor.id and one.role in roles and one.actor not in barred
    ]
    return (*own, *delegated)


def request_refusal(governance: Governance, moment: Moment, *, initiative: str, gate: str) -> str:
    """Say why signatures cannot be asked for now, or nothing where they can."""
    try:
        status = lay_table(governance, initiative, gate, moment).state.status
    except GovernanceError as problem:
        return str(problem)
    if status is SignOffStatus.APPROVED:
        return "It is signed."
    return "The answers are awaited." if status in _WAITING else ""
