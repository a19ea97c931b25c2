"""Waivers: asked for with a reason and a compensating measure, granted by the right rank, for a while."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from core.domain.chain import Fact
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.given import AnyInitiative, TeamAlone, option
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.commands import DecideWaiver, RequestWaiver, WithdrawWaiver
from core.lake.process import acts as lake
from core.lake.process import initiatives as lake_initiatives
from core.services.governance import Governance
from core.services.lookups import require_initiative


def request_waiver(governance: Governance, command: RequestWaiver) -> str:
    """Ask that a requirement be waived for a while, and return the waiver's name.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; nothing that is asked of it, or nothing that may be waived;
        a last day that has passed or is too far.
    Conflict
        A waiver of it is asked for or granted already.
    """
    governance.roles.require(command.actor, "request_waiver")

    def requested(moment: Moment) -> list[Fact]:
        return [_requested(governance, command, moment)]

    (fact,) = governance.store.append_next(requested, actor=command.actor.id, at=command.at)
    return str(fact.rows[0]["waiver"])


def _requested(governance: Governance, command: RequestWaiver, moment: Moment) -> Fact:
    known = require_initiative(governance, command.initiative, moment)
    policy = governance.policy(moment)
    _require_waivable(policy, known["class_id"], command.measure)
    _require_until(policy, known["class_id"], command.until, moment.day)
    there = lake.waivers(governance.store, moment, command.initiative)
    for row in there:
        standing = row["state"] == "requested" or (row["state"] == "granted" and row["until"] >= moment.day)
        if row["measure"] == command.measure and standing:
            raise Conflict(
                f"waiver {row['waiver']} of it is {row['state']} already", remedy="Withdraw that one first."
            )
    newest = lake_initiatives.newest_version(governance.store, command.initiative, moment)
    per_version = policy.measure_is_per_version(command.measure)
    name = f"W{len(there) + 1}"
    row = {
        "initiative": command.initiative,
        "waiver": name,
        "state": "requested",
        "measure": command.measure,
        "version": newest["version"] if newest and per_version else None,
        "role": "",
        "reason": command.reason,
        "compensation": command.compensation,
        "until": command.until,
        "note": "",
    }
    return Fact("waiver_requested", f"{command.initiative}/{name}", "waiver", (row,))


def decide_waiver(governance: Governance, command: DecideWaiver) -> None:
    """Grant or refuse a waiver that was asked for.

    Raises
    ------
    Forbidden
        The actor's rank is too low for the class, or they asked for it, own or build the initiative.
    NotFound, Conflict
        No such waiver; it was decided before.
    """
    governance.roles.require(command.actor, "decide_waiver")
    moment = governance.present(command.at)
    known = require_waiver(governance, command.initiative, command.waiver, moment)
    initiative = require_initiative(governance, command.initiative, moment)
    role = _approving_role(governance, initiative["class_id"], command, moment)
    if known["state"] != "requested":
        raise Conflict(
            f"waiver {command.waiver} was {known['state']} by {known['actor_name']}",
            remedy="The first decision stands; ask for another waiver.",
        )
    history = lake.waiver_history(governance.store, command.initiative, moment)
    asked = {
        row["actor"] for row in history if row["waiver"] == command.waiver and row["state"] == "requested"
    }
    if command.actor.id in asked | {initiative["owner"], initiative["builder"]}:
        raise Forbidden(
            "nobody decides a waiver that they asked for, or of what they own or build",
            where=command.waiver,
            remedy="Ask somebody else of the same rank.",
        )
    row = {**_kept(governance, known), "state": command.outcome, "role": role, "note": command.note}
    action = f"waiver_{command.outcome}"
    _append(governance, command.initiative, action, row, command.actor.id, command.at, moment)


def withdraw_waiver(governance: Governance, command: WithdrawWaiver) -> None:
    """Take back a waiver that was asked for or granted.

    Raises
    ------
    Forbidden, NotFound, Conflict
        The actor may not; no such waiver; it was refused or withdrawn.
    """
    governance.roles.require(command.actor, "request_waiver")
    moment = governance.present(command.at)
    known = require_waiver(governance, command.initiative, command.waiver, moment)
    if known["state"] not in ("requested", "granted"):
        raise Conflict(f"waiver {command.waiver} is {known['state']}", remedy="Nothing has to be withdrawn.")
    row = {**_kept(governance, known), "state": "withdrawn", "note": command.note}
    _append(governance, command.initiative, "waiver_withdrawn", row, command.actor.id, command.at, moment)


def require_waiver(governance: Governance, initiative: str, waiver: str, moment: Moment) -> dict[str, Any]:
    """A waiver as it stands.

    Raises
    ------
    NotFound
        No such initiative or waiver.
    """
    require_initiative(governance, initiative, moment)
    for row in lake.waivers(governance.store, moment, initiative):
        if row["waiver"] == waiver:
            return row
    raise NotFound(
        f"{initiative} has no waiver '{waiver[:40]}'", remedy="Its sheet lists the waivers there are."
    )


def waivers_list(
    governance: Governance,
    moment: Moment,
    *,
    initiative: AnyInitiative = "",
    team: TeamAlone = "",
    standing_only: Annotated[
        bool, Field(description="Those that hold or are asked for."), option("--standing")
    ] = False,
) -> list[dict[str, Any]]:
    """List waivers, newest first.

    Returns
    -------
    list[dict[str, Any]]
        As they stand, with titles and `holds` (granted and not past its last day).
    """
    policy = governance.policy(moment)
    rows = []
    for row in lake.waivers(governance.store, moment, initiative):
        measure = policy.measures.get(row["measure"])
        holds = row["state"] == "granted" and row["until"] >= moment.day
        if team in ("", row["team"]) and (holds or row["state"] == "requested" or not standing_only):
            rows.append({**row, "title": measure.title if measure else row["measure"], "holds": holds})
    return sorted(rows, key=lambda row: -int(row["seq"]))


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


def _approving_role(governance: Governance, class_id: str, command: DecideWaiver, moment: Moment) -> str:
    policy = governance.policy(moment)
    rule = policy.waiver_rule(class_id)
    approvers = rule.approvers if rule else ()
    held = [role for role in approvers if role in command.actor.roles]
    if not held:
        titles = ", ".join(governance.roles.title(role) for role in approvers) or "nobody"
        raise Forbidden(
            f"{command.actor.name or command.actor.id} does not have the rank to decide waivers of class "
            f"{policy.class_title(class_id)}",
            where=command.waiver,
            remedy=f"Ask: {titles}.",
        )
    return held[0]


def _kept(governance: Governance, known: dict[str, Any]) -> dict[str, Any]:
    return {column: known[column] for column in governance.store.columns["waiver"]}


def _append(
    governance: Governance,
    initiative: str,
    action: str,
    row: dict[str, Any],
    actor: str,
    at: datetime,
    moment: Moment,
) -> None:
    fact = Fact(action, f"{initiative}/{row['waiver']}", "waiver", (row,))
    governance.store.append([fact], actor=actor, at=at, unchanged={initiative: moment.seq})
