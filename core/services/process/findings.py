"""Findings: raised, mended by their owner, and closed only after somebody else has verified."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core.domain.chain import Fact
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.moment import Moment
from core.domain.policy.policy import Breach, Policy
from core.domain.process.commands import RaiseFinding, ResolveFinding, VerifyFinding
from core.lake.process import acts as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.process.gates import is_live


def raise_finding(governance: Governance, command: RaiseFinding) -> str:
    """Put a finding on record, and return its name within the initiative.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative, step or owner; a due day that has passed.
    """
    governance.roles.require(command.actor, "raise_finding")
    moment = governance.moment(command.at)
    known = require_initiative(governance, command.initiative, moment)
    policy = governance.policy(moment)
    if command.step not in policy.step_order:
        raise BadInput(
            f"'{command.step[:40]}' is no process step",
            where="step",
            remedy=f"Use: {', '.join(policy.step_order)}.",
        )
    if command.due_on < moment.day:
        raise BadInput(
            f"the due day {command.due_on} has passed", where="due on", remedy="Choose today or a later day."
        )
    owner = command.owner or known["owner"]
    if owner:
        governance.person(owner)
    name = _next_name(governance, command.initiative, moment)
    row = {
        **_described(command.severity, command.title, command.detail, command.step),
        "initiative": command.initiative,
        "finding": name,
        "owner": owner,
        "due_on": command.due_on,
    }
    _append(governance, command.initiative, "finding_raised", row, command.actor.id, command.at, moment)
    return name


def resolve_finding(governance: Governance, command: ResolveFinding) -> None:
    """Say that a finding is mended; it stays open until somebody else has verified it.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such finding.
    Conflict
        It is not open.
    """
    governance.roles.require(command.actor, "resolve_finding")
    moment = governance.moment(command.at)
    known = require_finding(governance, command.initiative, command.finding, moment)
    if known["state"] != "open":
        raise Conflict(
            f"finding {command.finding} is {known['state']} already",
            remedy="Open it again if it is not mended.",
        )
    row = {**_kept(governance, known), "state": "resolved", "note": command.note}
    _append(governance, command.initiative, "finding_resolved", row, command.actor.id, command.at, moment)


def verify_finding(governance: Governance, command: VerifyFinding) -> None:
    """Close a finding that was resolved, or open it again.

    Raises
    ------
    Forbidden, NotFound
        The actor may not, owns the finding, the initiative or the model, or resolved it; no such finding.
    Conflict
        Nobody has resolved it yet.
    """
    governance.roles.require(command.actor, "verify_finding")
    moment = governance.moment(command.at)
    known = require_finding(governance, command.initiative, command.finding, moment)
    if known["state"] != "resolved":
        raise Conflict(
            f"finding {command.finding} is {known['state']}, not resolved",
            remedy="Wait until its owner says that it is mended.",
        )
    initiative = require_initiative(governance, command.initiative, moment)
    if command.actor.id in (known["owner"], known["actor"], initiative["owner"], initiative["builder"]):
        raise Forbidden(
            "a finding is verified by somebody else than who mended it, or owns or builds the initiative",
            where=command.finding,
            remedy="Ask somebody who had no part in it.",
        )
    state = "closed" if command.mended else "open"
    action = "finding_closed" if command.mended else "finding_reopened"
    row = {**_kept(governance, known), "state": state, "note": command.note}
    _append(governance, command.initiative, action, row, command.actor.id, command.at, moment)


def require_finding(governance: Governance, initiative: str, finding: str, moment: Moment) -> dict[str, Any]:
    """A finding as it stands.

    Raises
    ------
    NotFound
        No such initiative or finding.
    """
    require_initiative(governance, initiative, moment)
    for row in lake.findings(governance.store, moment, initiative):
        if row["finding"] == finding:
            return row
    raise NotFound(
        f"{initiative} has no finding '{finding[:40]}'", remedy="Its sheet lists the findings there are."
    )


def findings_list(
    governance: Governance, moment: Moment, *, initiative: str = "", team: str = "", open_only: bool = False
) -> list[dict[str, Any]]:
    """Findings as they stand, with names and `overdue`; the most severe first, then the next due."""
    names = {person.id: person.name for person in governance.people()}
    order = {"blocker": 0, "major": 1, "minor": 2}
    rows = [
        {
            **row,
            "owner_name": names.get(row["owner"], row["owner"]),
            "overdue": row["state"] != "closed" and row["due_on"] < moment.day,
        }
        for row in lake.findings(governance.store, moment, initiative)
        if team in ("", row["team"]) and not (open_only and row["state"] == "closed")
    ]
    return sorted(rows, key=lambda row: (row["state"] == "closed", order[row["severity"]], row["due_on"]))


def breach_findings(
    governance: Governance, policy: Policy, initiative: str, failed: list[tuple[str, str]], moment: Moment
) -> list[Fact]:
    """The findings that failed checks of a live model lead to: one per check that has none open.

    What breaks while a model is live keeps it from going live again: the step is that of the gate.

    Parameters
    ----------
    failed
        Pairs of check id and what it said.
    """
    if not failed or not is_live(governance, initiative, moment):
        return []
    known = require_initiative(governance, initiative, moment)
    there = lake.findings(governance.store, moment, initiative)
    held = {row["check_id"] for row in there if row["state"] != "closed"}
    total = len(there)
    facts = []
    for check, message in failed:
        breach = next((found for found in policy.breaches if found.check == check), None)
        if breach is None or check in held:
            continue
        total += 1
        row = {
            **_described(breach.severity, _breach_title(breach), message, policy.live_gate.step),
            "initiative": initiative,
            "finding": f"F{total}",
            "check_id": check,
            "owner": known["owner"],
            "due_on": moment.day + timedelta(days=breach.due_days),
        }
        facts.append(Fact("finding_raised", f"{initiative}/F{total}", "finding", (row,)))
    return facts


def _breach_title(breach: Breach) -> str:
    return f"Breach in monitoring: {breach.check.replace('_', ' ')}"


def _described(severity: str, title: str, detail: str, step: str) -> dict[str, Any]:
    return {
        "state": "open",
        "severity": severity,
        "title": title,
        "detail": detail,
        "step": step,
        "check_id": "",
        "note": "",
    }


def _kept(governance: Governance, known: dict[str, Any]) -> dict[str, Any]:
    return {column: known[column] for column in governance.store.columns["finding"]}


def _next_name(governance: Governance, initiative: str, moment: Moment) -> str:
    return f"F{len(lake.findings(governance.store, moment, initiative)) + 1}"


def _append(
    governance: Governance,
    initiative: str,
    action: str,
    row: dict[str, Any],
    actor: str,
    at: datetime,
    moment: Moment,
) -> None:
    fact = Fact(action, f"{initiative}/{row['finding']}", "finding", (row,))
    governance.store.append([fact], actor=actor, at=at, unchanged={initiative: moment.seq})
