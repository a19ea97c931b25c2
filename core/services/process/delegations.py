"""Letting somebody sign in one's place, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.facts.process import Delegation
from core.domain.facts.recorded import Signed, named
from core.domain.given import option
from core.domain.moment import Moment
from core.domain.process.commands import DelegateSignOff, EndDelegation
from core.lake import directory
from core.lake.facts import newest
from core.services.case import begin
from core.services.governance import Governance


@dataclass(frozen=True, kw_only=True)
class DelegationLine(Signed, Delegation):
    """A delegation as people read it."""

    delegate_name: str


def delegate_sign_off(governance: Governance, command: DelegateSignOff) -> None:
    """Let somebody sign in one's place in a role, through a last day.

    Who signs by delegation may not hand it on, and signs nothing that either of the two had a part in.

    Raises
    ------
    Forbidden, NotFound
        The actor does not have the role; nobody is called so.
    BadInput
        To oneself, to a day that has passed, or for longer than the policy allows.
    """
    case = begin(governance, command)
    if command.role not in command.actor.roles:
        raise Forbidden(
            f"{command.actor.name or case.actor} does not have the role "
            f"{governance.roles.title(command.role)}",
            remedy="Delegate a role of your own.",
        )
    delegate = governance.person(command.delegate)
    if delegate.id == case.actor:
        raise BadInput("nobody delegates to themselves", where="delegate", remedy="Name somebody else.")
    today, longest = case.moment.day, case.policy.delegation_days
    if not today <= command.until <= today + timedelta(days=longest):
        raise BadInput(
            f"a delegation lasts from today to at most {longest} days, not until {command.until}",
            where="until",
            remedy=f"Choose a day up to {today + timedelta(days=longest)}.",
        )
    given = Delegation(
        delegate=delegate.id,
        role=command.role,
        until=command.until,
        reason=command.reason,
    )
    case.put("signature_delegated", given)


def end_delegation(governance: Governance, command: EndDelegation) -> None:
    """End a delegation of one's own before its last day; what was signed under it stands.

    Raises
    ------
    Forbidden
        The actor may not delegate.
    Conflict
        There is no such delegation now.
    """
    case = begin(governance, command)
    if not may_sign_for(governance, case.moment, case.actor, command.delegate, command.role):
        raise Conflict("there is no such delegation", where="delegate", remedy="Nothing has to be ended.")
    ended = Delegation(delegate=command.delegate, role=command.role, until=case.moment.day, given=False)
    case.put("delegation_ended", ended)


def may_sign_for(governance: Governance, moment: Moment, delegator: str, delegate: str, role: str) -> bool:
    """Whether somebody may sign for somebody else in a role today; the last day counts."""
    return any(
        (one.actor, one.delegate, one.role) == (delegator, delegate, role)
        for one in standing_delegations(governance, moment)
    )


def standing_delegations(
    governance: Governance,
    moment: Moment,
    *,
    person: Annotated[
        str, Field(description="Given by or to whom; empty lists all."), option("--person")
    ] = "",
) -> list[DelegationLine]:
    """List the delegations that hold."""
    names = directory.names(governance.store, moment)
    return [
        named(DelegationLine, one, names, delegate_name=names[one.delegate])
        for one in newest(governance.store, Delegation, moment)
        if one.given and one.until >= moment.day and person in ("", one.actor, one.delegate)
    ]
