"""Which outcome of a model is good to get: declared for a version, and amended by declaring it anew."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from core.domain.commands import Command
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import FavourableOutcome
from core.domain.given import InitiativeId, OrCurrent, option
from core.domain.models.column_mapping import NEITHER, favourable_of
from core.lake.facts import latest
from core.lake.monitoring import readings as monitoring
from core.services.case import Case, begin
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
        Field(description="Value of the prediction that is good to get; repeat. Or: neither."),
    ] = ()
    like: Annotated[
        str, Field(description="Take over what was declared of this version."), option(metavar="VERSION")
    ] = ""
    note: Annotated[str, StringConstraints(max_length=2000), Field(description="Why.")] = ""


def declare_outcome(governance: Governance, command: DeclareOutcome) -> FavourableOutcome:
    """Put the favourable outcomes of a version on record.

    Raises
    ------
    NotFound, BadInput
        No such version; neither outcomes nor another version that has them, or both; an outcome that its
        predictions do not have; a regression, which has none.
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
    favourable = favourable_of(_named(case, command), task, outcomes)
    declared = FavourableOutcome(
        initiative=initiative, version=version, favourable=favourable, note=command.note
    )
    require_amendable(case, declared)
    return case.put("outcome_declared", declared)


def _named(case: Case, command: DeclareOutcome) -> tuple[str, ...]:
    """The outcomes that are given, or those of the version whose declaration is taken over."""
    if bool(command.favourable) == bool(command.like):
        raise BadInput(
            "the favourable outcome is named, or taken over from another version",
            where="favourable",
            remedy="Give one of the two.",
        )
    if not command.like:
        return command.favourable
    store = case.governance.store
    known = latest(store, FavourableOutcome, case.moment, command.initiative, version=command.like)
    if known is None:
        raise NotFound(
            f"nobody declared the favourable outcome of version '{command.like[:20]}'", remedy="Name it."
        )
    return known.favourable or (NEITHER,)
