"""Operations on prediction batches, drift and data quality, for the command line and the API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from core.domain.commands import make
from core.domain.errors import BadInput, NotFound
from core.domain.moment import Moment
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Parameters, Texts
from core.lake.process.initiatives import newest_version
from core.services.lookups import require_initiative
from core.services.measured.data_quality import MeasureDataQuality, measure_data_quality, quality_report
from core.services.measured.drift import MeasureDrift, drift_report, measure_drift
from core.services.measured.predictions import AddPredictions, add_predictions, prediction_batches
from core.services.plain import plain

INCOMING = "incoming"
"""Folder below the store where the command line lays a file for whoever holds the store to fetch."""


class NewPredictions(Parameters):
    """A file that lies in the store's `incoming` folder, and which of its columns is what.

    Columns that are not named are as kept for the version; `name` is the file's name for messages.
    """

    initiative: str
    version: str
    part: Literal["reference", "analysis"]
    incoming: str
    name: Annotated[str, Field(max_length=200)] = ""
    task: Literal["binary", "regression", "multiclass"] | None = None
    prediction: str = ""
    target: str = ""
    row_id: str = ""
    timestamp: str = ""
    scores: Texts = ()
    features: Texts = ()
    sensitive: Texts = ()
    classes: Texts = ()


class BatchesToList(Parameters):
    """A model version, the current one where none is named, whose batches to list."""

    initiative: str
    version: str = ""
    as_of: AsOf = ""


class DriftToMeasure(Parameters):
    """A model version, the current one where none is named, to measure in chunks of rows or by period."""

    initiative: str
    version: str = ""
    chunk_rows: int = 0
    period: Literal["", "day", "week", "month", "quarter", "year"] = ""


class DriftToRead(Parameters):
    """Drift and data quality of a model version, the current one where none is named."""

    initiative: str
    version: str = ""
    as_of: AsOf = ""


def named_or_current(call: Call, initiative: str, named: str, moment: Moment) -> str:
    """The version named, or the current one.

    Raises
    ------
    NotFound
        No such initiative, or none of its versions counts now.
    """
    if named:
        return named
    require_initiative(call.governance, initiative, moment)
    current = newest_version(call.governance.store, initiative, moment)
    if current is None:
        raise NotFound(
            f"{initiative} has no model version that counts now",
            remedy="Name one with --version, or register one with 'governance version add'.",
        )
    return str(current["version"])


def _add_predictions(call: Call, asked: NewPredictions) -> Any:
    if Path(asked.incoming).name != asked.incoming or asked.incoming in ("", ".", ".."):
        raise BadInput("a batch is named by its file name alone", where="incoming")
    file = call.governance.store.folder / INCOMING / asked.incoming
    if not file.is_file():
        raise NotFound(f"'{asked.incoming[:80]}' does not lie there", where=INCOMING, remedy="Send it again.")
    values = asked.model_dump(exclude={"incoming"})
    added = add_predictions(call.governance, make(AddPredictions, **call.origin, file=file, **values))
    about = asked.model_dump(include={"initiative", "version", "part"})
    return {**about, **plain(added)}


def _list_batches(call: Call, asked: BatchesToList) -> Any:
    moment = call.moment(asked.as_of)
    version = named_or_current(call, asked.initiative, asked.version, moment)
    found = prediction_batches(call.governance, moment, initiative=asked.initiative, version=version)
    return {"moment": results.moment_result(moment), **plain(found)}


def _measure_drift(call: Call, asked: DriftToMeasure) -> Any:
    version = named_or_current(call, asked.initiative, asked.version, call.moment(""))
    about = {"initiative": asked.initiative, "version": version}
    chunks = asked.model_dump(include={"chunk_rows", "period"})
    features = measure_drift(call.governance, make(MeasureDrift, **call.origin, **about, **chunks))
    columns = measure_data_quality(call.governance, make(MeasureDataQuality, **call.origin, **about))
    return {**about, "features": features, "columns": columns}


def _drift_report(call: Call, asked: DriftToRead) -> Any:
    moment = call.moment(asked.as_of)
    version = named_or_current(call, asked.initiative, asked.version, moment)
    about = {"initiative": asked.initiative, "version": version}
    found = drift_report(call.governance, moment, **about)
    try:
        quality = plain(quality_report(call.governance, moment, **about))
    except NotFound:
        quality = None
    return {"moment": results.moment_result(moment), **plain(found), "data_quality": quality}


OPERATIONS: Mapping[str, Operation] = {
    "add_predictions": Operation(NewPredictions, _add_predictions),
    "list_prediction_batches": Operation(BatchesToList, _list_batches),
    "measure_drift": Operation(DriftToMeasure, _measure_drift),
    "drift_report": Operation(DriftToRead, _drift_report),
}
