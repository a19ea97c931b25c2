"""Letting somebody sign in one's place, for a while."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from core.domain.chain import Fact
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.given import option
from core.domain.moment import Moment
from core.domain.process.commands import DelegateSignOff, EndDelegation
from core.lake.process import acts as process
from core.services.governance import Governance


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
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    if command.role not in command.actor.roles:
        raise Forbidden(
            f"{command.actor.name or command.actor.id} does not have the role "
            f"{governance.roles.title(command.role)}",
            remedy="Delegate a role of your own.",
        )
    delegate = governance.person(command.delegate)
    if delegate.id == command.actor.id:
        raise BadInput("nobody delegates to themselves", where="delegate", remedy="Name somebody else.")
    longest = governance.policy(moment).delegation_days
    if not moment.day <= command.until <= moment.day + timedelta(days=longest):
        raise BadInput(
            f"a delegation lasts from today to at most {longest} days, not until {command.until}",
            where="until",
            remedy=f"Choose a day up to {moment.day + timedelta(days=longest)}.",
        )
    row = {
        "delegate": delegate.id,
        "role": command.role,
        "until": command.until,
        "reason": command.reason,
        "given": True,
    }
    fact = Fact("signature_delegated", command.actor.id, "delegation", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)


def end_delegation(governance: Governance, command: EndDelegation) -> None:
    """End a delegation of one's own before its last day; what was signed under it stands.

    Raises
    ------
    Forbidden
        The actor may not delegate.
    Conflict
        There is no such delegation now.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    if not process.active_delegation(
        governance.store, command.actor.id, command.delegate, command.role, moment
    ):
        raise Conflict("there is no such delegation", where="delegate", remedy="Nothing has to be ended.")
    row = {
        "delegate": command.delegate,
        "role": command.role,
        "until": moment.day,
        "reason": "",
        "given": False,
    }
    fact = Fact("delegation_ended", command.actor.id, "delegation", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)


def standing_delegations(
    governance: Governance,
    moment: Moment,
    *,
    person: Annotated[
        str, Field(description="Given by or to whom; empty lists all."), option("--person")
    ] = "",
) -> list[dict[str, Any]]:
    """List the delegations that hold."""
    return [
        row
        for row in process.delegations(governance.store, moment)
        if row["given"]
        and row["until"] >= moment.day
        and (not person or person in (row["actor"], row["delegate"]))
    ]
