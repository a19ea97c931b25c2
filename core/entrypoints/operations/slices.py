"""Operations on bias slices: measure them, find the weakest, compare two versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from core.analytics.slices.bands import CutRule
from core.analytics.slices.chance import TEST_NAMES
from core.analytics.slices.search import WeakSlice
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Parameters, Texts
from core.entrypoints.operations.predictions import named_or_current
from core.services.measured.bias import BiasSlices, bias_slices
from core.services.measured.slice_versions import compare_versions
from core.services.measured.weak_slices import WeakSlices, find_weakest
from core.services.plain import plain

Day = Annotated[str, Field(max_length=10)]


class RowsOfSlices(Parameters):
    """Which rows of which version are sliced; the current version where none is named."""

    initiative: str
    version: str = ""
    part: Literal["reference", "analysis", ""] = "analysis"
    metric: str = ""
    positive: str = ""
    where: dict[str, Texts] | Texts = ()
    cuts: Texts = ()
    since: Day = ""
    until: Day = ""
    as_of: AsOf = ""


class SlicesToMeasure(RowsOfSlices):
    """Slices of a model version."""

    by: Annotated[Texts, Field(min_length=1, max_length=6)]
    reference: str = "best"
    correction: Literal["holm", "benjamini_hochberg", "none"] = "holm"


class VersionsToCompare(SlicesToMeasure):
    """Slices of a model version beside those of another."""

    other: str


class WeakestToFind(RowsOfSlices):
    """A search for the weakest slices; without features it goes over those there are."""

    by: Annotated[Texts, Field(max_length=12)] = ()
    most: Annotated[int, Field(ge=1, le=100)] = 10
    max_conditions: Annotated[int, Field(ge=1, le=6)] = 3
    min_rows: Annotated[int, Field(ge=0)] = 0


class RowsQuery(BaseModel):
    """Parameters of an address: lists are repeated names, conditions are texts like `sex=Female`."""

    metric: str = ""
    part: Literal["reference", "analysis", ""] = "analysis"
    positive: str = ""
    where: list[str] = Field(default_factory=list)
    cuts: list[str] = Field(default_factory=list)
    since: Day = ""
    until: Day = ""
    as_of: AsOf = ""


class SlicesQuery(RowsQuery):
    """As `SlicesToMeasure`; `other` names a version to compare with."""

    by: Annotated[list[str], Field(min_length=1, max_length=6)]
    reference: str = "best"
    correction: Literal["holm", "benjamini_hochberg", "none"] = "holm"
    other: str = ""


class WeakestQuery(RowsQuery):
    """As `WeakestToFind`."""

    by: Annotated[list[str], Field(max_length=12)] = []
    most: Annotated[int, Field(ge=1, le=100)] = 10
    max_conditions: Annotated[int, Field(ge=1, le=6)] = 3
    min_rows: Annotated[int, Field(ge=0)] = 0


def slices_result(found: BiasSlices) -> dict[str, Any]:
    """A slice report with what it was made from."""
    batches, report = found.batches, found.report
    return {
        "initiative": batches.initiative,
        "version": batches.version,
        "task": batches.task,
        "rows": batches.rows,
        "by": found.by,
        "positive": found.positive,
        "cuts": [CutRule(band.feature, "at", band.cuts).text for band in found.bands],
        **plain(report),
        "interval_method": report.metric.interval,
        "test": TEST_NAMES[report.metric.form],
        "rule": None if found.rule is None else found.rule.sentence,
        "limit_note": found.limit_note,
        "fairness": plain([asdict(measure) for measure in found.fairness]),
    }


def _bias_slices(call: Call, asked: SlicesToMeasure) -> Any:
    moment = call.moment(asked.as_of)
    found = bias_slices(call.governance, moment, **_values(call, asked))
    return {"moment": results.moment_result(moment), **slices_result(found)}


def _compare(call: Call, asked: VersionsToCompare) -> Any:
    moment = call.moment(asked.as_of)
    found = compare_versions(call.governance, moment, **_values(call, asked))
    return {
        "moment": results.moment_result(moment),
        "now": slices_result(found.now),
        "other": slices_result(found.other),
        "changes": plain(found.changes),
        "better": found.better,
        "worse": found.worse,
    }


def _weakest(call: Call, asked: WeakestToFind) -> Any:
    moment = call.moment(asked.as_of)
    found = find_weakest(call.governance, moment, **_values(call, asked))
    return {"moment": results.moment_result(moment), **weakest_result(found)}


def weakest_result(found: WeakSlices) -> dict[str, Any]:
    """What a search found, weakest first."""
    search = found.found
    return {
        "initiative": found.batches.initiative,
        "version": found.batches.version,
        "task": found.batches.task,
        "rows": found.batches.rows,
        "features": found.features,
        "positive": found.positive,
        "metric": plain(search.definition),
        "overall": plain(search.overall),
        "searched": search.searched,
        "judged": search.judged,
        "too_small": search.too_small,
        "ruled_out": search.ruled_out,
        "min_rows": search.min_rows,
        "max_conditions": search.max_conditions,
        "correction": "bonferroni",
        "slices": [_weak_line(one) for one in search.slices],
    }


def _weak_line(one: WeakSlice) -> dict[str, Any]:
    return {
        "label": one.counts.label,
        "keys": one.counts.keys,
        "rows": one.counts.rows,
        "n": one.measured.n,
        "value": plain(one.measured.value),
        "interval": plain(one.measured.interval),
        "gap": plain(one.gap),
        "p_value": plain(one.p_value),
        "adjusted_p": plain(one.adjusted_p),
    }


def _values(call: Call, asked: RowsOfSlices) -> dict[str, Any]:
    """What the services take: the parameters with the version that is meant."""
    values = asked.model_dump(exclude={"as_of"})
    values["version"] = named_or_current(call, asked.initiative, asked.version, call.moment(asked.as_of))
    return values


OPERATIONS: Mapping[str, Operation] = {
    "bias_slices": Operation(SlicesToMeasure, _bias_slices),
    "compare_slices": Operation(VersionsToCompare, _compare),
    "weakest_slices": Operation(WeakestToFind, _weakest),
}
