"""Registering model versions, filling them in, promoting and retiring them."""

from __future__ import annotations

from typing import Any

from core.domain.chain import Fact, canonical
from core.domain.commands import (
    AmendModelVersion,
    PromoteVersion,
    RegisterModelVersion,
    RetireVersion,
)
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.moment import Moment
from core.lake.models import versions as lake
from core.lake.monitoring import readings as lake_monitoring
from core.lake.process import initiatives as lake_initiatives
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.process.checks import LOOK_AT_PREDICTIONS, record_checks


def register_model_version(governance: Governance, command: RegisterModelVersion) -> None:
    """Register a model version with its links, and run the checks that apply to it.

    It becomes the current version at once: evidence and check runs of the version before it stop counting
    where they belong to a version. A challenger does not: it stands beside the current version, and its
    checks run when it is promoted.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; a metric is not a finite number.
    Conflict
        The version is registered already.
    """
    governance.roles.require(command.actor, command.may)
    require_initiative(governance, command.initiative, governance.present(command.at))
    row = {**command.model_dump(), "metrics": _metrics(command.metrics)}
    columns = governance.store.columns["model_version"]
    subject = f"{command.initiative}/{command.version}"
    kept = {column: row[column] for column in columns}
    facts = [Fact("model_version_registered", subject, "model_version", (kept,), first=True)]
    if any(row[column] for column in lake.LINKED_LATER):
        facts.append(_amendment(command, {column: row[column] for column in lake.LINKED_LATER}, ""))
    challenger = command.role == "challenger"
    if challenger:
        facts.append(_state(command, "challenger", "version_entered_as_challenger", ""))
    try:
        governance.store.append(facts, actor=command.actor.id, at=command.at)
    except Conflict as error:
        raise Conflict(
            f"version '{command.version}' of {command.initiative} is registered already",
            remedy="Give the new version another number.",
        ) from error
    if not challenger:
        # A new version has no predictions yet; to look at them now would waste the first try.
        record_checks(
            governance,
            command.initiative,
            actor=command.actor.id,
            at=command.at,
            skip=LOOK_AT_PREDICTIONS,
        )


def amend_model_version(governance: Governance, command: AmendModelVersion) -> tuple[str, ...]:
    """Fill in or correct links, digests, notes or metrics of a version that is not approved yet.

    What was there before stays on record. Metrics are joined with those that are there. Returns the fields
    that changed.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative or version; nothing would change.
    Conflict
        The version is approved, and so frozen.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    known = require_version(governance, command.initiative, command.version, moment)
    approved = version_approval(governance, moment, initiative=command.initiative, version=command.version)
    if approved is not None:
        raise Conflict(
            f"version '{command.version}' was approved on {approved['recorded_at']:%Y-%m-%d} and is frozen",
            where=command.initiative,
            remedy="Register a new version.",
        )
    given: dict[str, Any] = {
        field: getattr(command, field) for field in lake.AMENDABLE if getattr(command, field)
    }
    if "metrics" in given:
        given["metrics"] = {**known["metrics"], **given["metrics"]}
    changes = {field: value for field, value in given.items() if value != known[field]}
    if not changes:
        raise BadInput(
            "nothing would change", where=f"version {command.version}", remedy="Give a field a new value."
        )
    row = {**changes, **({"metrics": _metrics(changes["metrics"])} if "metrics" in changes else {})}
    governance.store.append([_amendment(command, row, command.reason)], actor=command.actor.id, at=command.at)
    current = known["state"] == "champion"
    if current:
        record_checks(
            governance,
            command.initiative,
            actor=command.actor.id,
            at=command.at,
            skip=LOOK_AT_PREDICTIONS,
        )
    return tuple(changes)


def promote_version(governance: Governance, command: PromoteVersion) -> None:
    """Make a challenger, or a version that was current once, the current one, and run its checks.

    The gates are decided anew for it: evidence and approvals of another version do not count.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such initiative or version.
    Conflict
        It is the current version already.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    known = require_version(governance, command.initiative, command.version, moment)
    if known["state"] == "champion":
        raise Conflict(
            f"version '{command.version}' is the current one already",
            where=command.initiative,
            remedy="Nothing is to be done.",
        )
    fact = _state(command, "champion", "version_promoted", command.reason)
    governance.store.append([fact], actor=command.actor.id, at=command.at)
    batches = lake_monitoring.batches(governance.store, command.initiative, command.version, moment)
    record_checks(
        governance,
        command.initiative,
        actor=command.actor.id,
        at=command.at,
        skip=() if batches else LOOK_AT_PREDICTIONS,
    )


def retire_version(governance: Governance, command: RetireVersion) -> None:
    """Take a version out of use.

    Where it was the current one, the initiative has no current version until one is promoted or registered,
    so that every gate that asks for proofs of a version is shut.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such initiative or version.
    Conflict
        It is retired already.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    known = require_version(governance, command.initiative, command.version, moment)
    if known["state"] == "retired":
        raise Conflict(
            f"version '{command.version}' is retired already",
            where=command.initiative,
            remedy="Nothing is to be done.",
        )
    fact = _state(command, "retired", "version_retired", command.reason)
    governance.store.append([fact], actor=command.actor.id, at=command.at)


def require_version(governance: Governance, initiative: str, version: str, moment: Moment) -> dict[str, Any]:
    """A version with what was filled in later and its state.

    Raises
    ------
    NotFound
        No such initiative, or no such version of it.
    """
    require_initiative(governance, initiative, moment)
    known = lake_initiatives.versions(governance.store, initiative, moment)
    found = next((row for row in known if row["version"] == version), None)
    if found is None:
        labels = ", ".join(row["version"] for row in known[:12])
        raise NotFound(
            f"{initiative} has no version '{version[:20]}'",
            remedy=f"Choose one of: {labels}." if known else "Register a model version first.",
        )
    return found


def version_approval(
    governance: Governance, moment: Moment, *, initiative: str, version: str
) -> dict[str, Any] | None:
    """When, by whom and at which gate a version was approved first; None while it may still be amended."""
    policy = governance.policy(moment)
    bound = {step.id for step in policy.steps if step.per_version}
    gates = [gate.id for gate in policy.gates if gate.step in bound]
    live = governance.live_gates(moment)
    return lake.approval(governance.store, initiative, version, moment, gates, live)


def _amendment(
    command: RegisterModelVersion | AmendModelVersion, changes: dict[str, Any], reason: str
) -> Fact:
    row = {
        **dict.fromkeys(lake.AMENDABLE),
        **{column: value or None for column, value in changes.items()},
        "initiative": command.initiative,
        "version": command.version,
        "reason": reason,
    }
    action = "model_version_amended" if reason else "model_version_linked"
    return Fact(action, f"{command.initiative}/{command.version}", "version_amendment", (row,))


def _state(
    command: RegisterModelVersion | PromoteVersion | RetireVersion, state: str, action: str, reason: str
) -> Fact:
    row = {
        "initiative": command.initiative,
        "version": command.version,
        "state": state,
        "reason": reason,
    }
    return Fact(action, f"{command.initiative}/{command.version}", "version_state", (row,))


def _metrics(metrics: dict[str, float]) -> str:
    try:
        return canonical(metrics)
    except ValueError as error:
        raise BadInput("a metric is not a finite number", where="metrics", remedy="Leave it out.") from error
