"""Operations on decay: read the estimates, of everyone and by subpopulation, and refresh them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from core.analytics.job_specs import Period
from core.domain.commands import make
from core.domain.errors import BadInput, NotFound
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Parameters
from core.entrypoints.operations.predictions import INCOMING, named_or_current
from core.services.measured.decay_groups import DecayGroups, decay_groups, group_choices
from core.services.measured.decay_view import DecayView, decay_view
from core.services.measured.monitoring import decay_report
from core.services.measured.outcomes import AddOutcomes, add_outcomes
from core.services.measured.refresh import RefreshMonitoring, refresh_monitoring


class DecayToRead(Parameters):
    """Decay estimates of a model version, the current one where none is named; `by` divides them."""

    initiative: str
    version: str = ""
    metric: str = ""
    by: tuple[str, ...] = ()
    as_of: AsOf = ""


class MonitoringToRefresh(Parameters):
    """A model version to estimate anew, the current one where none is named.

    `by` None takes each sensitive feature. Chunks are rows unless a period is named.
    """

    initiative: str
    version: str = ""
    chunk_size: int | None = Field(default=None, ge=2, le=1_000_000)
    period: Period | None = None
    by: tuple[tuple[str, ...], ...] | None = None
    metrics: tuple[str, ...] = ()
    business_value: tuple[tuple[float, ...], ...] = ()
    refit: bool = False


class NewOutcomes(Parameters):
    """A file of true outcomes that lies in the store's `incoming` folder, and its two columns."""

    initiative: str
    version: str = ""
    incoming: str
    name: Annotated[str, Field(max_length=200)] = ""
    row_id: str = ""
    target: str = ""


def _decay_report(call: Call, asked: DecayToRead) -> Any:
    moment = call.moment(asked.as_of)
    version = named_or_current(call, asked.initiative, asked.version, moment)
    one = {"initiative": asked.initiative, "version": version}
    report = decay_report(call.governance, moment, **one, metric=asked.metric)
    view = decay_view(call.governance, moment, **one, metric=asked.metric)
    found = {"moment": results.moment_result(moment), **results.plain(report), **_trusted(view)}
    found["by_choices"] = list(group_choices(call.governance, moment, **one))
    if asked.by:
        groups = decay_groups(call.governance, moment, **one, by=asked.by, metric=asked.metric)
        found |= _grouped(groups)
    return found


def _trusted(view: DecayView) -> dict[str, Any]:
    trust = view.trust
    return {
        "direction": view.metric.direction,
        "unestimated": view.unestimated.id if view.unestimated else None,
        "different": view.different,
        "realised_worse": view.realised_worse,
        "trust": {"verdict": view.trusted, "reasons": [asdict(reason) for reason in view.reasons]},
        "past_estimates": {
            "compared_chunks": trust.compared,
            "mean_absolute_error": trust.error,
            "worst_error": trust.worst,
            "inside_band": trust.inside,
            "coverage": trust.inside / trust.compared if trust.compared else None,
        },
        "run": results.plain(dict(view.run)) if view.run else None,
    }


def _grouped(groups: DecayGroups) -> dict[str, Any]:
    lines = [results.plain(asdict(group)) for group in groups.groups]
    return {
        "by": groups.by,
        "decays_first": [group.label for group in groups.first],
        "cannot_tell_groups": groups.untold,
        "groups": lines,
    }


def _refresh_monitoring(call: Call, asked: MonitoringToRefresh) -> Any:
    version = named_or_current(call, asked.initiative, asked.version, call.moment(""))
    values = {**asked.model_dump(), "version": version}
    chunks = refresh_monitoring(call.governance, make(RefreshMonitoring, **call.origin, **values))
    return {**values, "chunks": chunks}


def _add_outcomes(call: Call, asked: NewOutcomes) -> Any:
    if Path(asked.incoming).name != asked.incoming or asked.incoming in ("", ".", ".."):
        raise BadInput("a file is named by its name alone", where="incoming")
    file = call.governance.store.folder / INCOMING / asked.incoming
    if not file.is_file():
        raise NotFound(f"'{asked.incoming[:80]}' does not lie there", where=INCOMING, remedy="Send it again.")
    version = named_or_current(call, asked.initiative, asked.version, call.moment(""))
    values = {**asked.model_dump(exclude={"incoming"}), "version": version}
    added = add_outcomes(call.governance, make(AddOutcomes, **call.origin, file=file, **values))
    return {"initiative": asked.initiative, "version": version, **asdict(added)}


OPERATIONS: Mapping[str, Operation] = {
    "add_outcomes": Operation(NewOutcomes, _add_outcomes),
    "decay_report": Operation(DecayToRead, _decay_report),
    "refresh_monitoring": Operation(MonitoringToRefresh, _refresh_monitoring),
}
