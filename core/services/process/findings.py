"""Findings, closed only after somebody else has verified; waivers, granted for a while by the right rank."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import Field

from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.facts.process import Finding, FindingEvidence, Waiver
from core.domain.facts.recorded import Placed, entry_of, named
from core.domain.given import AnyInitiative, TeamAlone, option
from core.domain.life_cycles import FINDING, WAIVER
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import requirements_of
from core.domain.process.commands import (
    DecideWaiver,
    RaiseFinding,
    RequestWaiver,
    ResolveFinding,
    VerifyFinding,
    WithdrawWaiver,
)
from core.lake import directory
from core.lake.facts import newest
from core.lake.process.inventory import twins
from core.services.case import EMERGENCY, Case, begin, registered
from core.services.governance import Governance
from core.services.process.gates import is_live

_SEVERITIES = ("blocker", "major", "minor")


@dataclass(frozen=True, kw_only=True)
class FindingLine(Placed, Finding):
    """A finding as people read it; it is overdue while it is not closed and past its day."""

    owner_name: str
    overdue: bool
    evidence: tuple[FindingEvidence, ...]


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
    """Say that a finding is mended; it stays open until somebody else has verified it."""
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
    attached = newest(governance.store, FindingEvidence, moment, initiative)
    lines = [
        named(
            FindingLine,
            finding,
            names,
            owner_name=names[finding.owner],
            overdue=finding.state != "closed" and finding.due_on < moment.day,
            evidence=tuple(
                one
                for one in attached
                if (one.initiative, one.finding) == (finding.initiative, finding.finding)
            ),
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


def raise_twins(governance: Governance, initiative: str, *, actor: Actor, at: datetime) -> None:
    """Put on record what `twin_findings` finds."""

    def found(moment: Moment) -> list[Fact]:
        return twin_findings(governance, initiative, moment, 0)

    if found(governance.present(at)):
        governance.store.append_next(found, actor=actor.id, at=at, credential=actor.credential)


def twin_findings(governance: Governance, initiative: str, moment: Moment, raised: int) -> list[Fact]:
    """The findings that the same use in a stricter class leads to, one for each such initiative and likeness.

    The same are initiatives with a model file, training data or a batch of predictions of one digest, and
    purposes that share most of their words. Whoever verifies the finding says why the lighter class is right.
    Looked for among all there are, so that who may not read one is found too; a closed one is not named.

    Parameters
    ----------
    raised
        Findings that the same entry brings already.
    """
    policy = governance.policy(moment)
    if policy.alike_percent is None:
        return []
    known, order = registered(governance, initiative, moment), policy.class_order
    stricter = [one for one, place in order.items() if place > order[known.class_id]]
    if not stricter:
        return []
    there = newest(governance.store, Finding, moment, initiative)
    told = {finding.title for finding in there}
    share = policy.alike_percent / 100
    reading = governance.rules(moment).organisation.reading_of
    titles = {
        f"{twin.what} as {name}, of class {policy.class_title(twin.class_id)}"[:100]
        for twin in twins(governance.whole.store, initiative, known.purpose, share, stricter, moment)
        for name in [
            twin.initiative if reading(twin.domain, twin.reading) == "open" else "a closed initiative"
        ]
    }
    return [
        entry_of(
            "finding_raised",
            Finding(
                initiative=initiative,
                finding=f"F{number}",
                severity="major",
                title=title,
                detail="Say why a lighter class is right here, or give the answers anew.",
                step=policy.live_gate.step,
                check_id="lighter_twin",
                owner=known.owner,
                due_on=moment.day + timedelta(days=policy.confirm_days),
            ),
        )
        for number, title in enumerate(sorted(titles - told), len(there) + raised + 1)
    ]


@dataclass(frozen=True, kw_only=True)
class WaiverLine(Placed, Waiver):
    """A waiver as people read it; it holds while it is granted and not past its last day."""

    title: str
    holds: bool


def request_waiver(governance: Governance, command: RequestWaiver) -> str:
    """Ask that a requirement be waived for a while, and return the waiver's name.

    In an emergency it is waived at once, no longer than the policy allows, which leaves a finding.

    Raises
    ------
    BadInput
        Nothing that is asked of it, or nothing that may be waived; a last day that has passed or is too far.
    Conflict
        A waiver of it is asked for or granted already.
    """
    case = begin(governance, command)
    if not command.emergency:
        return case.put_next("waiver_requested", lambda now: _requested(now, command)).waiver
    until = min(command.until, case.moment.day + timedelta(days=case.policy.emergency_days))
    waived = replace(_requested(case, command), state="granted", role=EMERGENCY, until=until)
    what = f"waiver of {case.policy.measures[command.measure].title}"
    case.alone(what, command.reason, until, [entry_of("waiver_granted", waived)])
    return waived.waiver


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
    """Take back a waiver that was asked for or granted."""
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
    actor, class_id, roles = case.command.actor, case.initiative.class_id, case.rules.roles
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
