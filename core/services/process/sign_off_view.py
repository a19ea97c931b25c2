"""The sign-offs of an initiative as people read them: who signed, who still may, what has changed since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from core.domain.moment import Moment
from core.domain.policy.demands import plan_at
from core.domain.policy.policy import Approval, Gate, SignOffPlan
from core.domain.process.sign_off_changes import changes_since
from core.domain.process.sign_offs import SignOffState, SignOffStatus
from core.lake.process import acts as process
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.process.sign_offs import Table, latest_decision, lay_table

_WAITING = (SignOffStatus.WAITING_FOR_APPROVAL, SignOffStatus.WAITING_FOR_FEEDBACK)


@dataclass(frozen=True)
class Seats:
    """The seats of one role at a gate: how many are wanted, who holds one, and who may still sign."""

    approval: Approval
    title: str
    signed: tuple[str, ...]
    may_sign: tuple[str, ...]


@dataclass(frozen=True)
class SignOffView:
    """The sign-off of one gate.

    Attributes
    ----------
    acts
        Everything ever said at this gate, oldest first, with names and role titles.
    changed
        What is different from what the last decision saw; empty where nothing is, or nobody decided yet.
    """

    gate: Gate
    plan: SignOffPlan
    state: SignOffState
    seats: tuple[Seats, ...]
    acts: tuple[dict[str, Any], ...]
    changed: tuple[str, ...]
    decided_before: bool


def sign_off_views(governance: Governance, moment: Moment, *, initiative: str) -> tuple[SignOffView, ...]:
    """The gates of an initiative at which somebody signs, in their order.

    Raises
    ------
    NotFound
        No such initiative at the moment.
    """
    known = require_initiative(governance, initiative, moment)
    policy = governance.policy(moment)
    rows = process.sign_off_rows(governance.store, initiative, moment)
    return tuple(
        _view(governance, lay_table(governance, initiative, gate.id, moment), rows)
        for gate in policy.gates_of(known["class_id"])
        if plan_at(policy, known["class_id"], gate.id) is not None
    )


def _view(governance: Governance, table: Table, rows: list[dict[str, Any]]) -> SignOffView:
    title = governance.roles.title
    acts = [{**row, "role_title": title(row["role"])} for row in rows if row["gate"] == table.gate.id]
    last = latest_decision(table.facts.sign_offs.get(table.gate.id, ()))
    changed = changes_since(table.policy, table.gate, table.facts, last) if last else ()
    seats = tuple(_seats(governance, table, approval) for approval in table.plan.approvals)
    return SignOffView(table.gate, table.plan, table.state, seats, tuple(acts), changed, last is not None)


def _seats(governance: Governance, table: Table, approval: Approval) -> Seats:
    names = {person.id: person.name for person in governance.people()}
    held = [s.given.seat for s in table.state.signatures if s.holds and s.given.role == approval.role]
    answered = {person for s in table.state.signatures for person in (s.given.actor, s.given.seat)}
    free = [
        person.name
        for person in governance.people()
        if approval.role in person.roles and person.id not in table.involved and person.id not in answered
    ]
    signed = tuple(names.get(person, person) for person in held)
    return Seats(approval, governance.roles.title(approval.role), signed, tuple(free))


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
    title = governance.roles.title
    answered = {
        person
        for s in table.state.signatures
        if s.given.act == "decided"
        for person in (s.given.actor, s.given.seat)
    }
    if actor.id in answered:
        return ()
    own = [Choice(role, title(role), "", "") for role in roles if role in actor.roles]
    for row in process.delegations(governance.store, table.moment):
        if (
            row["delegate"] == actor.id
            and row["given"]
            and row["until"] >= table.moment.day
            and row["role"] in roles
            and row["actor"] not in table.involved | dict.fromkeys(answered)
        ):
            own.append(Choice(row["role"], title(row["role"]), row["actor"], row["actor_name"]))
    return tuple(own)


def request_refusal(governance: Governance, moment: Moment, *, initiative: str, gate: str) -> str:
    """Say why signatures cannot be asked for now, or nothing where they can."""
    try:
        status = lay_table(governance, initiative, gate, moment).state.status
    except GovernanceError as problem:
        return str(problem)
    if status is SignOffStatus.APPROVED:
        return "It is signed."
    return "The answers are awaited." if status in _WAITING else ""
