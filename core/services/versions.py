"""Registering model versions."""

from __future__ import annotations

from core.domain.chain import Fact, canonical
from core.domain.commands import RegisterModelVersion
from core.domain.errors import BadInput, Conflict
from core.services.checks import LOOK_AT_PREDICTIONS, record_checks
from core.services.governance import Governance
from core.services.lookups import require_initiative


def register_model_version(governance: Governance, command: RegisterModelVersion) -> None:
    """Register a model version with its links, and run the checks that apply to it.

    Evidence and check runs of the version before it stop counting where they belong to a version.

    Raises
    ------
    Forbidden, NotFound, BadInput
        The actor may not; no such initiative; a metric is not a finite number.
    Conflict
        The version is registered: a version never changes.
    """
    governance.roles.require(command.actor, "register_model_version")
    require_initiative(governance, command.initiative, governance.moment(command.at))
    links = command.model_dump(exclude={"actor", "at", "metrics"})
    try:
        row = {**links, "metrics": canonical(command.metrics)}
    except ValueError as error:
        raise BadInput("a metric is not a finite number", where="metrics", remedy="Leave it out.") from error
    subject = f"{command.initiative}/{command.version}"
    fact = Fact("model_version_registered", subject, "model_version", (row,), first=True)
    try:
        governance.store.append([fact], actor=command.actor.id, at=command.at)
    except Conflict as error:
        raise Conflict(
            f"version '{command.version}' of {command.initiative} is registered already",
            remedy="Give the new version another number; a version never changes.",
        ) from error
    # A new version has no predictions yet; to look at them now would waste the first try.
    record_checks(
        governance,
        command.initiative,
        actor=command.actor.id,
        at=command.at,
        skip=LOOK_AT_PREDICTIONS,
    )
