"""Which outcome of a model is good to get: declared for a version, and amended by declaring it anew."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from core.domain.commands import Command
from core.domain.facts.measured import FavourableOutcome
from core.domain.given import InitiativeId, OrCurrent, option
from core.domain.models.column_mapping import favourable_of
from core.lake.monitoring import readings as monitoring
from core.services.case import begin
from core.services.governance import Governance
from core.services.measured.predictions import require_amendable, require_version
from core.services.measured.slice_batches import batches_of


class DeclareOutcome(Command, may="add_predictions"):
    """Declare which outcomes of a version are good to get, or that neither is; the newest declaration counts.

    Bias is measured on these outcomes, and on every one where neither is better than another.
    """

    initiative: InitiativeId
    version: Annotated[
        str,
        Field(description="Model version; the current one where none is named."),
        OrCurrent(),
        option("--model-version", "--version"),
    ] = ""
    favourable: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Value of the prediction that is good to get; repeat. Or: neither."),
    ]
    note: Annotated[str, StringConstraints(max_length=2000), Field(description="Why.")] = ""


def declare_outcome(governance: Governance, command: DeclareOutcome) -> FavourableOutcome:
    """Put the favourable outcomes of a version on record.

    Raises
    ------
    NotFound, BadInput
        No such version; an outcome that its predictions do not have; a regression, which has none.
    Forbidden
        Another outcome is declared already, and who asks owns or builds the initiative.
    """
    case = begin(governance, command)
    initiative, version = command.initiative, command.version
    known = require_version(governance, initiative, version, case.moment)
    task = known.task
    outcomes: tuple[str, ...] = ()
    if monitoring.batches(governance.store, initiative, version, case.moment):
        batches = batches_of(governance, initiative, version, case.moment)
        task, outcomes = batches.task, batches.classes
    favourable = favourable_of(command.favourable, task, outcomes)
    declared = FavourableOutcome(
        initiative=initiative, version=version, favourable=favourable, note=command.note
    )
    require_amendable(case, declared)
    return case.put("outcome_declared", declared)
