"""Operations on data and its lineage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.commands import make
from core.domain.models.lineage import (
    ClearData,
    EndDataUse,
    EndUpstream,
    MarkDataBad,
    RecordDataSource,
    RecordDataUse,
    RecordProcesses,
    RecordUpstream,
)
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Parameters, Texts
from core.entrypoints.operations.results import moment_result
from core.services.models import data_sources as services
from core.services.models.lineage import lineage, source_sheet
from core.services.plain import plain


class NewDataSource(Parameters):
    """A data source; the same id again replaces what is known of it."""

    source: str = ""
    name: str
    description: str = ""
    team: str = ""
    personal_data: bool
    location: str = ""
    quality: str = ""


class NewUpstream(Parameters):
    """What a source is made from."""

    source: str
    upstream: str
    how: str = ""
    columns: Texts = ()


class UpstreamToEnd(Parameters):
    """An origin that a source no longer has."""

    source: str
    upstream: str


class NewDataUse(Parameters):
    """A use of data by a model; an empty version means all of them."""

    source: str
    initiative: str
    version: str = ""
    how: str
    columns: Texts = ()


class DataUseToEnd(Parameters):
    """A use that is over."""

    source: str
    initiative: str
    version: str = ""
    how: str


class DataToMark(Parameters):
    """Data to warn of, or to clear, and why."""

    source: str
    reason: str


class ProcessesServed(Parameters):
    """The business processes that an initiative serves, all of them."""

    initiative: str
    processes: Texts = ()


class LineageToRead(Parameters):
    """Filters of the lineage; empty ones let all through."""

    team: str = ""
    source: str = ""
    model: str = ""
    process: str = ""
    past: bool = False
    as_of: AsOf = ""


class SourceToShow(Parameters):
    """A data source to open."""

    source: str
    as_of: AsOf = ""


def _record_source(call: Call, asked: NewDataSource) -> Any:
    values = {**asked.model_dump(), "team": asked.team or call.actor.team}
    return {
        "source": services.record_data_source(
            call.governance, make(RecordDataSource, **call.origin, **values)
        )
    }


def _record_upstream(call: Call, asked: NewUpstream) -> Any:
    services.record_upstream(call.governance, make(RecordUpstream, **call.origin, **asked.model_dump()))
    return asked


def _end_upstream(call: Call, asked: UpstreamToEnd) -> Any:
    services.end_upstream(call.governance, make(EndUpstream, **call.origin, **asked.model_dump()))
    return asked


def _record_use(call: Call, asked: NewDataUse) -> Any:
    services.record_data_use(call.governance, make(RecordDataUse, **call.origin, **asked.model_dump()))
    return asked


def _end_use(call: Call, asked: DataUseToEnd) -> Any:
    services.end_data_use(call.governance, make(EndDataUse, **call.origin, **asked.model_dump()))
    return asked


def _mark(call: Call, asked: DataToMark) -> Any:
    command = make(MarkDataBad, **call.origin, **asked.model_dump())
    return {"source": asked.source, "initiatives": services.mark_data_bad(call.governance, command)}


def _clear(call: Call, asked: DataToMark) -> Any:
    services.clear_data(call.governance, make(ClearData, **call.origin, **asked.model_dump()))
    return {"source": asked.source}


def _record_processes(call: Call, asked: ProcessesServed) -> Any:
    services.record_processes(call.governance, make(RecordProcesses, **call.origin, **asked.model_dump()))
    return asked


def _read(call: Call, asked: LineageToRead) -> Any:
    moment = call.moment(asked.as_of)
    found = lineage(call.governance, moment, **asked.model_dump(exclude={"as_of"}))
    nodes = [{**vars(node), "state": node.state} for node in found.graph.nodes]
    return {
        "moment": moment_result(moment),
        "nodes": plain(nodes),
        "edges": found.graph.edges,
        "uses": found.lines,
        "sources": found.sources,
        "warnings": found.warnings,
    }


def _show(call: Call, asked: SourceToShow) -> Any:
    moment = call.moment(asked.as_of)
    found = source_sheet(call.governance, moment, source=asked.source)
    return {"moment": moment_result(moment), **plain(found)}


OPERATIONS: Mapping[str, Operation] = {
    "record_data_source": Operation(NewDataSource, _record_source),
    "record_data_upstream": Operation(NewUpstream, _record_upstream),
    "end_data_upstream": Operation(UpstreamToEnd, _end_upstream),
    "record_data_use": Operation(NewDataUse, _record_use),
    "end_data_use": Operation(DataUseToEnd, _end_use),
    "mark_data_bad": Operation(DataToMark, _mark),
    "clear_data": Operation(DataToMark, _clear),
    "record_business_processes": Operation(ProcessesServed, _record_processes),
    "read_lineage": Operation(LineageToRead, _read),
    "show_data_source": Operation(SourceToShow, _show),
}
