"""Operations on explanations: show, compute, keep a model file, take attributions made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from core.domain.commands import make
from core.domain.errors import BadInput, NotFound
from core.domain.moment import Moment
from core.entrypoints.operations import parameters as given
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Texts
from core.lake.process.initiatives import newest_version
from core.services.lookups import require_initiative
from core.services.measured.explanation_view import (
    explained_prediction,
    explanation_report,
    feature_along,
    groups_apart,
)
from core.services.measured.explanations import (
    SAMPLE_ROWS,
    AddAttributions,
    ExplainVersion,
    KeepModel,
    add_attributions,
    explain_version,
    keep_model,
)
from core.services.plain import plain

INCOMING = "incoming"
"""Folder below the store where the command line lays a file for a server to fetch."""


class ExplanationToRead(given.Parameters):
    """A version's explanation; with a row, a feature, or a column and two of its groups in particular."""

    initiative: str
    version: str = ""
    row: str = ""
    feature: str = ""
    by: str = ""
    between: Texts = ()
    as_of: AsOf = ""


class ExplanationToCompute(given.Parameters):
    """A version to explain by its kept model file; `rows` are sampled, those in `row` are among them."""

    initiative: str
    version: str = ""
    part: Literal["", "analysis", "reference"] = ""
    rows: Annotated[int, Field(ge=1, le=1_000_000)] = SAMPLE_ROWS
    row: Texts = ()
    outcome: str = ""


class NewModelFile(given.Parameters):
    """A model file that lies in the store's `incoming` folder; `name` is its own."""

    initiative: str
    version: str = ""
    incoming: str
    name: str
    features: Texts = ()


class NewAttributions(given.Parameters):
    """Attributions that lie in the store's `incoming` folder; see `AddAttributions`."""

    initiative: str
    version: str = ""
    incoming: str
    name: str
    part: Literal["", "analysis", "reference"] = ""
    method: str = ""
    scale: Literal["", "log_odds", "probability", "output", "log", "raw"] = ""
    base_value: float | None = None
    outcome: str = ""
    unused: Texts = ()


def _show(call: Call, asked: ExplanationToRead) -> Any:
    moment, governance = call.moment(asked.as_of), call.governance
    version = _version(call, asked.initiative, asked.version, moment)
    one: dict[str, Any] = {"initiative": asked.initiative, "version": version}
    report = explanation_report(governance, moment, **one)
    found: dict[str, Any] = {"moment": results.moment_result(moment), **plain(report)}
    if asked.row:
        found["prediction"] = plain(explained_prediction(governance, moment, **one, row=asked.row))
    if asked.feature:
        points = feature_along(governance, moment, **one, feature=asked.feature)
        found["along"] = {"feature": asked.feature, "points": plain(points)}
    if asked.between and not asked.by:
        raise BadInput("two groups are named and no column", where="explain", remedy="Name it with --by.")
    if asked.by:
        apart = groups_apart(governance, moment, **one, by=asked.by, between=asked.between)
        found["apart"] = plain(apart)
    return found


def _compute(call: Call, asked: ExplanationToCompute) -> Any:
    version = _version(call, asked.initiative, asked.version, call.moment(""))
    command = make(
        ExplainVersion,
        **call.origin,
        initiative=asked.initiative,
        version=version,
        part=asked.part,
        sample_rows=asked.rows,
        include=asked.row,
        outcome=asked.outcome,
    )
    rows = explain_version(call.governance, command)
    return {"initiative": asked.initiative, "version": version, "rows": rows}


def _keep_model(call: Call, asked: NewModelFile) -> Any:
    version = _version(call, asked.initiative, asked.version, call.moment(""))
    values = asked.model_dump(exclude={"incoming", "version"})
    command = make(
        KeepModel, **call.origin, **values, version=version, file=incoming_file(call, asked.incoming)
    )
    sha256 = keep_model(call.governance, command)
    return {"initiative": asked.initiative, "version": version, "sha256": sha256}


def _add(call: Call, asked: NewAttributions) -> Any:
    version = _version(call, asked.initiative, asked.version, call.moment(""))
    values = asked.model_dump(exclude={"incoming", "version"})
    command = make(
        AddAttributions, **call.origin, **values, version=version, file=incoming_file(call, asked.incoming)
    )
    rows = add_attributions(call.governance, command)
    return {"initiative": asked.initiative, "version": version, "rows": rows}


def incoming_file(call: Call, name: str) -> Path:
    """A file that the command line laid into the store's `incoming` folder.

    Raises
    ------
    BadInput, NotFound
        It is named by more than a file name; it does not lie there.
    """
    if Path(name).name != name or name in ("", ".", ".."):
        raise BadInput("a file is named by its file name alone", where=INCOMING)
    file = call.governance.store.folder / INCOMING / name
    if not file.is_file():
        raise NotFound(f"'{name[:80]}' does not lie there", where=INCOMING, remedy="Send it again.")
    return file


def _version(call: Call, initiative: str, named: str, moment: Moment) -> str:
    """The version named, or the current one."""
    if named:
        return named
    require_initiative(call.governance, initiative, moment)
    newest = newest_version(call.governance.store, initiative, moment)
    if newest is None:
        raise NotFound(
            f"{initiative} has no model version", remedy="Register one with 'governance version add'."
        )
    return str(newest["version"])


OPERATIONS: Mapping[str, Operation] = {
    "explanation_report": Operation(ExplanationToRead, _show),
    "explain_version": Operation(ExplanationToCompute, _compute),
    "keep_model": Operation(NewModelFile, _keep_model),
    "add_attributions": Operation(NewAttributions, _add),
}
