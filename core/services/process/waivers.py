"""Waivers: asked for with a reason and a compensating measure, granted by the right rank, for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.facts.process import Waiver
from core.domain.facts.recorded import Placed, named
from core.domain.given import AnyInitiative, TeamAlone, option
from core.domain.life_cycles import WAIVER
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.commands import DecideWaiver, RequestWaiver, WithdrawWaiver
from core.lake import directory
from core.lake.facts import newest
from core.services.case import Case, begin
from core.services.governance import Governance


@dataclass(frozen=True, kw_only=True)
class WaiverLine(Placed, Waiver):
    """A waiver as people read it; it holds while it is granted and not past its last day."""

    title: str
    holds: bool


def request_waiver(governance: Governance, command: RequestWaiver) -> str:
    """Ask that a requirement be waived for a while, and return the waiver's name.

    Raises
    ------
    BadInput
        Nothing that is asked of it, or nothing that may be waived; a last day that has passed or is too far.
    Conflict
        A waiver of it is asked for or granted already.
    """
    case = begin(governance, command)
    asked = case.put_next("waiver_requested", lambda now: _requested(now, command))
    return asked.waiver


def _requested(case: Case, command: RequestWaiver) -> Waiver:
    class_id, policy, day = case.initiative.class_id, case.policy, case.moment.day
    _require_waivable(policy, class_id, command.measure)
    _require_until(policy, class_id, command.until, day)
    for waiver in case.newest(Waiver):
        if waiver.measure == command.measure and (waiver.state == "requested" or holds(waiver, day)):
            raise Conflict(
                f"waiver {waiver.waiver} of it is {waiver.state} already", remedy="Withdraw that one first."
            )
    return Waiver(
        initiative=command.initiative,
        waiver=case.next_name(Waiver, "W"),
        measure=command.measure,
        version=case.facts.version if policy.measure_is_per_version(command.measure) else None,
        reason=command.reason,
        compensation=command.compensation,
        until=command.until,
    )


def decide_waiver(governance: Governance, command: DecideWaiver) -> None:
    """Grant or refuse a waiver that was asked for.

    Raises
    ------
    Forbidden
        The actor's rank is too low for the class, or they asked for it, own or build the initiative.
    NotFound, Conflict
        No such waiver; it was decided before.
    """
    case = begin(governance, command)
    waiver = case.find(Waiver, command.waiver)
    case.step(WAIVER, command.outcome, waiver, role=_approving_role(case, waiver), note=command.note)


def withdraw_waiver(governance: Governance, command: WithdrawWaiver) -> None:
    """Take back a waiver that was asked for or granted.

    Raises
    ------
    NotFound, Conflict
        No such waiver; it was refused or withdrawn.
    """
    case = begin(governance, command)
    case.step(WAIVER, "withdrawn", case.find(Waiver, command.waiver), note=command.note)


def holds(waiver: Waiver, day: date) -> bool:
    """Whether a waiver is granted and not past its last day."""
    return waiver.state == "granted" and waiver.until >= day


def waivers_list(
    governance: Governance,
    moment: Moment,
    *,
    initiative: AnyInitiative = "",
    team: TeamAlone = "",
    standing_only: Annotated[
        bool, Field(description="Those that hold or are asked for."), option("--standing")
    ] = False,
) -> list[WaiverLine]:
    """List waivers, newest first."""
    measures = governance.policy(moment).measures
    waivers = newest(governance.store, Waiver, moment, initiative)
    names = directory.names(governance.store, moment, (waiver.initiative for waiver in waivers))
    lines = [
        named(
            WaiverLine,
            waiver,
            names,
            title=measures[waiver.measure].title if waiver.measure in measures else waiver.measure,
            holds=holds(waiver, moment.day),
        )
        for waiver in reversed(waivers)
    ]
    return [
        line
        for line in lines
        if team in ("", line.team) and (line.holds or line.state == "requested" or not standing_only)
    ]


def _require_waivable(policy: Policy, class_id: str, measure_id: str) -> None:
    asked = {r.measure.id: r for r in requirements_of(policy, class_id)}
    requirement = asked.get(measure_id)
    if requirement is None:
        raise BadInput(
            f"'{measure_id[:60]}' is not asked of class {policy.class_title(class_id)}",
            where="measure",
            remedy=f"Use one of: {', '.join(sorted(asked))}.",
        )
    if requirement.sign_off is not None or not requirement.measure.waivable:
        raise BadInput(
            f"“{requirement.measure.title}” cannot be waived", where="measure", remedy="It has to be done."
        )


def _require_until(policy: Policy, class_id: str, until: date, day: date) -> None:
    rule = policy.waiver_rule(class_id)
    if rule is None:
        raise Forbidden(
            f"nothing is waived for class {policy.class_title(class_id)}",
            remedy="The requirement has to be met.",
        )
    latest = day + timedelta(days=rule.max_days)
    if not day <= until <= latest:
        raise BadInput(
            f"a waiver for this class lasts from today to at most {rule.max_days} days, not until {until}",
            where="until",
            remedy=f"Choose a day up to {latest}.",
        )


def _approving_role(case: Case, waiver: Waiver) -> str:
    actor, class_id, roles = case.command.actor, case.initiative.class_id, case.governance.roles
    rule = case.policy.waiver_rule(class_id)
    approvers = rule.approvers if rule else ()
    held = [role for role in approvers if role in actor.roles]
    if not held:
        titles = ", ".join(roles.title(role) for role in approvers) or "nobody"
        raise Forbidden(
            f"{actor.name or actor.id} does not have the rank to decide waivers of class "
            f"{case.policy.class_title(class_id)}",
            where=waiver.waiver,
            remedy=f"Ask: {titles}.",
        )
    return held[0]
