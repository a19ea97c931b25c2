"""Model versions from registration through production to their end, and what ran when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from core.domain.chain import Fact, canonical
from core.domain.commands import (
    AmendModelVersion,
    DeployVersion,
    PromoteVersion,
    RegisterModelVersion,
    RetireVersion,
    VersionLinks,
)
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.models import ModelVersion, VersionAmendment, VersionState
from core.domain.facts.recorded import ORIGIN, Names, columns_of, entry_of
from core.domain.given import argument
from core.domain.life_cycles import VERSION
from core.domain.models.model_versions import (
    AMENDABLE,
    IN_USE,
    LINKED_LATER,
    ROLES,
    Approval,
    Run,
    State,
    Version,
    VersionStanding,
)
from core.domain.moment import Moment
from core.domain.policy.checks import LOOK_AT_FILES, LOOK_AT_PREDICTIONS, PARTS, Kind
from core.lake import directory
from core.lake import models as lake
from core.lake.monitoring import readings as lake_monitoring
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.process.checks import record_checks
from core.services.process.classification import SENTENCE
from core.services.process.findings import raise_twins
from core.services.process.gates import ask_gate, is_live, stands


def version_registry(
    governance: Governance, moment: Moment, *, past: bool = False
) -> list[lake.RegistryLine]:
    """Versions in use or to come of all initiatives by name; `past` adds all others."""
    lines = lake.registry(governance.store, moment, governance.policy(moment), governance.live_gates(moment))
    return [one for one in lines if past or one.state in IN_USE]


def register_model_version(governance: Governance, command: RegisterModelVersion) -> State:
    """Register a model version with its links, and run the checks that apply to it.

    It becomes the current version, about which the gates are asked: evidence and check runs of the version
    before it stop counting where they belong to a version. A challenger does not, nor any version while
    another is in production: it stands beside, and its checks run when it is put forward. Returns what it is.

    Raises
    ------
    BadInput
        A metric is not a finite number; a task, or something it is made of, that its kind does not have.
    Conflict
        The version is registered already.
    """
    case = begin(governance, command)
    initiative, version = case.initiative.initiative, command.version
    kind = case.policy.kind(case.initiative.kind)
    _require_task(kind, command.task)
    _require_parts(kind, command)
    made = command.model_dump(include={*columns_of(ModelVersion)} - {*ORIGIN})
    fact = ModelVersion(**{**made, "task": command.task or None, "metrics": _metrics(command.metrics)})
    entries = [entry_of("model_version_registered", fact, first=True)]
    beside = command.role == "challenger"

    def all_of_it(now: Moment) -> list[Fact]:
        nonlocal beside
        beside = beside or is_live(governance, initiative, now)
        return entries + _entered(initiative, version) if beside else entries

    linked = {name: value for name in LINKED_LATER if (value := getattr(command, name))}
    if linked:
        later = VersionAmendment(initiative=initiative, version=version, reason="", **linked)
        entries.append(entry_of("model_version_linked", later))
    try:
        by = command.actor
        governance.store.append_next(all_of_it, actor=by.id, at=command.at, credential=by.credential)
    except Conflict as error:
        raise Conflict(
            f"version '{command.version}' of {command.initiative} is registered already",
            remedy="Give the new version another number.",
        ) from error
    if beside:
        raise_twins(governance, initiative, actor=command.actor, at=command.at)
        return "registered"
    # A new version has no predictions and no cases yet; to look at them now would waste the first try.
    _check(case, LOOK_AT_FILES)
    return "candidate"


def _require_task(kind: Kind, task: str) -> None:
    """A version predicts what its kind may predict; where every version of it does, it has to be said."""
    if task and task not in kind.tasks:
        known = f"Use one of: {', '.join(kind.tasks)}." if kind.tasks else "Leave it out."
        raise BadInput(f"{kind.title} predicts no {task} as rows", where="task", remedy=known)
    if kind.predictions and not task:
        known = f"Say one of: {', '.join(kind.tasks)}."
        raise BadInput("it is not said what it predicts", where="task", remedy=known)


def _require_parts(kind: Kind, given: VersionLinks) -> None:
    """Nothing is recorded of a version that its kind does not have."""
    for name, part in PARTS.items():
        named = next((field for field in (*part.locked_by, *part.beside) if getattr(given, field)), "")
        if named and name not in kind.parts:
            known = ", ".join(part.replace("_", " ") for part in kind.parts)
            what = f"{kind.title} has no {name.replace('_', ' ')}"
            raise BadInput(what, where=named, remedy=f"It is made of: {known}. Or give its kind anew.")


def _entered(initiative: str, version: str) -> list[Fact]:
    entered = VersionState(initiative=initiative, version=version, state="challenger", reason="")
    return [entry_of("version_entered_as_challenger", entered)]


def amend_model_version(governance: Governance, command: AmendModelVersion) -> tuple[str, ...]:
    """Fill in or correct links, digests, notes or metrics of a version that is not approved yet.

    What was there before stays on record. Metrics are joined with those that are there. Returns the fields
    that changed.

    Raises
    ------
    NotFound, BadInput
        No such initiative or version; nothing would change.
    Conflict
        The version is approved, and so frozen.
    """
    case = begin(governance, command)
    known = require_version(governance, command.initiative, command.version, case.moment)
    approved = version_approval(governance, case.moment, initiative=known.initiative, version=known.version)
    if approved is not None:
        raise Conflict(
            f"version '{command.version}' was approved on {approved.recorded_at:%Y-%m-%d} and is frozen",
            where=command.initiative,
            remedy="Register a new version.",
        )
    _require_parts(case.policy.kind(case.initiative.kind), command)
    given = {name: value for name in AMENDABLE if (value := getattr(command, name))}
    if command.metrics:
        given["metrics"] = {**known.metrics, **command.metrics}
    changes = {name: value for name, value in given.items() if value != getattr(known, name)}
    if not changes:
        raise BadInput(
            "nothing would change", where=f"version {command.version}", remedy="Give a field a new value."
        )
    filled = {**changes, "metrics": _metrics(changes["metrics"]) if "metrics" in changes else None}
    amendment = VersionAmendment(
        initiative=known.initiative, version=known.version, reason=command.reason, **filled
    )
    case.put("model_version_amended", amendment)
    if known.current:
        _check(case, LOOK_AT_PREDICTIONS)
    return tuple(changes)


def promote_version(governance: Governance, command: PromoteVersion) -> None:
    """Put a version forward as the current one, and run its checks.

    The gates are asked about it from then on: evidence and approvals of another version do not count. What is
    in production stays there.
    """
    case = begin(governance, command)
    known = require_version(governance, command.initiative, command.version, case.moment)
    step = VERSION.to("champion")
    case.permit(step, known, state="" if known.current else known.state)
    case.put(step.action, _turn(command, "champion"))
    batches = lake_monitoring.batches(governance.store, command.initiative, command.version, case.moment)
    _check(case, () if batches else LOOK_AT_PREDICTIONS)


def deploy_version(governance: Governance, command: DeployVersion) -> VersionState:
    """Put the current version into production, in a role, if the gate that makes live is open now.

    The one that was in production is replaced; what stands in another role stays beside it. A use without a
    registered model goes into production as such. In an emergency one person puts any version there through
    the last day that the policy allows, which leaves a finding. The same use in a stricter class is looked
    for first.

    Raises
    ------
    NotFound
        No such initiative or version.
    Conflict
        The gate is blocked, or asked about another version; it is there already, or would be beside none.
    """
    case = begin(governance, command)
    action = VERSION.to("deployed").action
    raise_twins(governance, case.initiative.initiative, actor=command.actor, at=command.at)
    if not command.emergency:
        return case.put_next(action, lambda now: _deployed(now, command))
    turn = replace(
        _deployed(case, command),
        reason=command.reason,
        until=case.moment.day + timedelta(days=case.policy.emergency_days),
    )
    what = f"version {turn.version or 'none'} in production without the open gate"
    case.alone(what, turn.reason, turn.until or case.moment.day, [entry_of(action, turn)])
    return turn


def _deployed(case: Case, command: DeployVersion) -> VersionState:
    initiative, known = case.initiative.initiative, stands(case.governance, command.initiative, case.moment)
    version = command.version or known.current or ""
    if version:
        require_version(case.governance, initiative, version, case.moment)
    gate = case.policy.live_gate
    decision = ask_gate(case.governance, initiative, gate.id, case.moment)
    running, blockers = known.running.get(version), [f for f in decision.findings if f.severity == "blocker"]
    state = "approved"
    if running is not None and running.role == command.role and running.until is None:
        state = "running"
    elif case.facts.retired_on or (command.emergency and len(command.reason) < SENTENCE):
        state = "retired" if case.facts.retired_on else "unsaid"
    elif command.emergency:
        state = "approved"
    elif version != (known.current or ""):
        state = "beside"
    elif command.role != "production" and known.in_production in (None, running):
        state = "alone"
    elif not decision.is_open:
        state = "closed"
    words = {
        **{"initiative": initiative, "version": version, "role": ROLES[command.role].lower()},
        "current": f"version '{known.current}'" if known.current else "no version",
        "what": f"version '{version}'" if version else "it",
        "since": f"{running.since:%Y-%m-%d}" if running else "",
        "gate": f"“{gate.title}”",
        "blockers": "; ".join(f.message for f in blockers[:3])
        + (f"; and {len(blockers) - 3} more" if len(blockers) > 3 else ""),
    }
    VERSION.to("deployed").require_state(state, words)
    return VersionState(
        initiative=initiative, version=version, state="deployed", role=command.role, reason=command.reason
    )


def retire_version(governance: Governance, command: RetireVersion) -> None:
    """Take a version out of use, and out of production.

    Where it was the current one, the initiative has no current version until one is put forward or
    registered, so that every gate that asks for proofs of a version is shut; what belongs to a version is not
    overdue then.
    """
    case = begin(governance, command)
    known = require_version(governance, command.initiative, command.version, case.moment)
    step = VERSION.to("retired")
    case.permit(step, known, state=known.state)
    case.put(step.action, _turn(command, "retired"))


def _turn(command: PromoteVersion | RetireVersion, state: Literal["champion", "retired"]) -> VersionState:
    return VersionState(
        initiative=command.initiative, version=command.version, state=state, reason=command.reason
    )


@dataclass(frozen=True, kw_only=True)
class RunLine(Run):
    """A time in production as people read it."""

    initiative: str
    name: str
    team: str
    role_title: str
    actor_name: str
    ended_by_name: str


def version_history(
    governance: Governance,
    moment: Moment,
    *,
    initiative: Annotated[str, Field(description="Of this initiative; empty for all."), argument()] = "",
) -> list[RunLine]:
    """What ran when: which version was in production in which role, from when to when, and why it ended.

    Newest first; of all initiatives those that run first.
    """
    live = governance.live_gates(moment)
    if initiative:
        registered(governance, initiative, moment)
        known = {initiative: lake.standing(governance.store, initiative, moment, live)}
    else:
        known = lake.standings(governance.store, moment, live)
    lines = _runs(known, directory.names(governance.store, moment, known))
    return sorted(lines, key=lambda line: (line.ended_at is None, line.since), reverse=True)


def _runs(known: dict[str, VersionStanding], names: Names) -> list[RunLine]:
    return [
        RunLine(
            **vars(run),
            initiative=initiative,
            name=names.initiatives[initiative][0],
            team=names.initiatives[initiative][1],
            role_title=ROLES[run.role],
            actor_name=names[run.actor],
            ended_by_name=names[run.ended_by] if run.ended_by else "",
        )
        for initiative, stood in known.items()
        for run in stood.runs
    ]


def require_version(governance: Governance, initiative: str, version: str, moment: Moment) -> Version:
    """A version as it stands."""
    registered(governance, initiative, moment)
    known = lake.versions(governance.store, initiative, moment, governance.live_gates(moment))
    found = next((one for one in known if one.version == version), None)
    if found is None:
        labels = ", ".join(one.version for one in known[:12])
        raise NotFound(
            f"{initiative} has no version '{version[:20]}'",
            remedy=f"Choose one of: {labels}." if known else "Register a model version first.",
        )
    return found


def version_approval(
    governance: Governance, moment: Moment, *, initiative: str, version: str
) -> Approval | None:
    """When, by whom and at which gate a version was approved first; None while it may still be amended."""
    policy = governance.policy(moment)
    bound = {step.id for step in policy.steps if step.per_version}
    gates = [gate.id for gate in policy.gates if gate.step in bound]
    live = governance.live_gates(moment)
    return lake.approval(governance.store, initiative, version, moment, gates, live)


def _check(case: Case, skip: tuple[str, ...]) -> None:
    initiative = case.initiative.initiative
    record_checks(case.governance, initiative, actor=case.command.actor, at=case.command.at, skip=skip)


def _metrics(metrics: dict[str, float]) -> str:
    try:
        return canonical(metrics)
    except ValueError as error:
        raise BadInput("a metric is not a finite number", where="metrics", remedy="Leave it out.") from error
