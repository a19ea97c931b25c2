"""Registering model versions, filling them in, promoting and retiring them."""

from __future__ import annotations

from typing import Literal

from core.domain.chain import canonical
from core.domain.commands import (
    AmendModelVersion,
    PromoteVersion,
    RegisterModelVersion,
    RetireVersion,
)
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.models import ModelVersion, VersionAmendment, VersionState
from core.domain.facts.recorded import ORIGIN, columns_of, entry_of
from core.domain.life_cycles import VERSION
from core.domain.models.model_versions import AMENDABLE, LINKED_LATER, LIVE, Approval, Version
from core.domain.moment import Moment
from core.domain.policy.checks import LOOK_AT_PREDICTIONS
from core.lake import models as lake
from core.lake.monitoring import readings as lake_monitoring
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.process.checks import record_checks


def version_registry(
    governance: Governance, moment: Moment, *, past: bool = False
) -> list[lake.RegistryLine]:
    """Champions and challengers of all initiatives by name; `past` adds all others."""
    return [one for one in lake.registry(governance.store, moment) if past or one.state in LIVE]


def register_model_version(governance: Governance, command: RegisterModelVersion) -> None:
    """Register a model version with its links, and run the checks that apply to it.

    It becomes the current version at once: evidence and check runs of the version before it stop counting
    where they belong to a version. A challenger does not: it stands beside the current version, and its
    checks run when it is promoted.

    Raises
    ------
    BadInput
        A metric is not a finite number.
    Conflict
        The version is registered already.
    """
    case = begin(governance, command)
    initiative, version = case.initiative.initiative, command.version
    made = command.model_dump(include={*columns_of(ModelVersion)} - {*ORIGIN})
    fact = ModelVersion(**{**made, "metrics": _metrics(command.metrics)})
    entries = [entry_of("model_version_registered", fact, first=True)]
    linked = {name: value for name in LINKED_LATER if (value := getattr(command, name))}
    if linked:
        later = VersionAmendment(initiative=initiative, version=version, reason="", **linked)
        entries.append(entry_of("model_version_linked", later))
    challenger = command.role == "challenger"
    if challenger:
        entered = VersionState(initiative=initiative, version=version, state="challenger", reason="")
        entries.append(entry_of("version_entered_as_challenger", entered))
    try:
        case.append(entries)
    except Conflict as error:
        raise Conflict(
            f"version '{command.version}' of {command.initiative} is registered already",
            remedy="Give the new version another number.",
        ) from error
    if not challenger:
        # A new version has no predictions yet; to look at them now would waste the first try.
        _check(case, LOOK_AT_PREDICTIONS)


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
    if known.state == "champion":
        _check(case, LOOK_AT_PREDICTIONS)
    return tuple(changes)


def promote_version(governance: Governance, command: PromoteVersion) -> None:
    """Make a challenger, or a version that was current once, the current one, and run its checks.

    The gates are decided anew for it: evidence and approvals of another version do not count.
    """
    case = begin(governance, command)
    _turn(case, command, "champion")
    batches = lake_monitoring.batches(governance.store, command.initiative, command.version, case.moment)
    _check(case, () if batches else LOOK_AT_PREDICTIONS)


def retire_version(governance: Governance, command: RetireVersion) -> None:
    """Take a version out of use.

    Where it was the current one, the initiative has no current version until one is promoted or registered,
    so that every gate that asks for proofs of a version is shut.
    """
    case = begin(governance, command)
    _turn(case, command, "retired")


def require_version(governance: Governance, initiative: str, version: str, moment: Moment) -> Version:
    """A version as it stands."""
    registered(governance, initiative, moment)
    known = lake.versions(governance.store, initiative, moment)
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


def _turn(case: Case, command: PromoteVersion | RetireVersion, state: Literal["champion", "retired"]) -> None:
    known = require_version(case.governance, command.initiative, command.version, case.moment)
    step = VERSION.to(state)
    case.permit(step, known, state=known.state)
    turn = VersionState(
        initiative=known.initiative, version=known.version, state=state, reason=command.reason
    )
    case.put(step.action, turn)


def _check(case: Case, skip: tuple[str, ...]) -> None:
    initiative = case.initiative.initiative
    record_checks(case.governance, initiative, actor=case.actor, at=case.command.at, skip=skip)


def _metrics(metrics: dict[str, float]) -> str:
    try:
        return canonical(metrics)
    except ValueError as error:
        raise BadInput("a metric is not a finite number", where="metrics", remedy="Leave it out.") from error
