"""Findings: raised, mended by their owner, and closed only after somebody else has verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from core.domain.chain import Fact
from core.domain.errors import BadInput
from core.domain.facts.process import Finding
from core.domain.facts.recorded import Placed, entry_of, named
from core.domain.given import AnyInitiative, TeamAlone, option
from core.domain.life_cycles import FINDING
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.process.commands import RaiseFinding, ResolveFinding, VerifyFinding
from core.lake import directory
from core.lake.facts import newest
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.lookups import registered
from core.services.process.gates import is_live

_SEVERITIES = ("blocker", "major", "minor")


@dataclass(frozen=True, kw_only=True)
class FindingLine(Placed, Finding):
    """A finding as people read it; it is overdue while it is not closed and past its day."""

    owner_name: str
    overdue: bool


def raise_finding(governance: Governance, command: RaiseFinding) -> str:
    """Put a finding on record, and return its name within the initiative.

    Raises
    ------
    NotFound, BadInput
        No such initiative, step or owner; a due day that has passed.
    """
    case = begin(governance, command)
    owner = command.owner or case.initiative.owner
    steps = case.policy.step_order
    if command.step not in steps:
        raise BadInput(
            f"'{command.step[:40]}' is no process step", where="step", remedy=f"Use: {', '.join(steps)}."
        )
    if command.due_on < case.moment.day:
        raise BadInput(
            f"the due day {command.due_on} has passed", where="due on", remedy="Choose today or a later day."
        )
    if owner:
        governance.person(owner)

    def raised(case: Case) -> Finding:
        return Finding(
            initiative=command.initiative,
            finding=case.next_name(Finding, "F"),
            severity=command.severity,
            title=command.title,
            detail=command.detail,
            step=command.step,
            owner=owner,
            due_on=command.due_on,
        )

    return case.put_next("finding_raised", raised).finding


def resolve_finding(governance: Governance, command: ResolveFinding) -> None:
    """Say that a finding is mended; it stays open until somebody else has verified it.

    Raises
    ------
    NotFound
        No such finding.
    Conflict
        It is not open.
    """
    case = begin(governance, command)
    case.step(FINDING, "resolved", case.find(Finding, command.finding), note=command.note)


def verify_finding(governance: Governance, command: VerifyFinding) -> None:
    """Close a finding that was resolved, or open it again.

    Raises
    ------
    Forbidden, NotFound
        The actor may not, owns the finding, the initiative or the model, or resolved it; no such finding.
    Conflict
        Nobody has resolved it yet.
    """
    case = begin(governance, command)
    finding = case.find(Finding, command.finding)
    case.step(FINDING, "closed" if command.mended else "open", finding, note=command.note)


def findings_list(
    governance: Governance,
    moment: Moment,
    *,
    initiative: AnyInitiative = "",
    team: TeamAlone = "",
    open_only: Annotated[bool, Field(description="Without those that are closed."), option("--open")] = False,
) -> list[FindingLine]:
    """List findings, the most severe first.

    Returns
    -------
    list[FindingLine]
        As they stand; of equal severity, the next due first.
    """
    findings = newest(governance.store, Finding, moment, initiative)
    names = directory.names(governance.store, moment, (finding.initiative for finding in findings))
    lines = [
        named(
            FindingLine,
            finding,
            names,
            owner_name=names[finding.owner],
            overdue=finding.state != "closed" and finding.due_on < moment.day,
        )
        for finding in findings
        if not (open_only and finding.state == "closed")
    ]
    return sorted(
        (line for line in lines if team in ("", line.team)),
        key=lambda line: (line.state == "closed", _SEVERITIES.index(line.severity), line.due_on),
    )


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
    owner = registered(governance, initiative, moment).owner
    there = newest(governance.store, Finding, moment, initiative)
    held = {finding.check_id for finding in there if finding.state != "closed"}
    breaches = {breach.check: breach for breach in policy.breaches if breach.check not in held}
    broken = [(breaches[check], said) for check, said in failed if check in breaches]
    return [
        entry_of(
            "finding_raised",
            Finding(
                initiative=initiative,
                finding=f"F{number}",
                severity=breach.severity,
                title=f"Breach in monitoring: {breach.check.replace('_', ' ')}",
                detail=said,
                step=policy.live_gate.step,
                check_id=breach.check,
                owner=owner,
                due_on=moment.day + timedelta(days=breach.due_days),
            ),
        )
        for number, (breach, said) in enumerate(broken, len(there) + 1)
    ]
