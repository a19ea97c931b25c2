"""The operations that the command line and the API have in common: one name, its parameters, one function.

An operation takes plain parameters and gives a JSON-able result. Who acts and what time it is come from the
entry point; no parameter sets either for the record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, cast

from core.domain.actors import Actor
from core.domain.commands import make
from core.domain.errors import BadInput
from core.entrypoints.operations.operation import Call, Operation
from core.services.governance import Governance
from core.services.plain import plain
from core.services.use_case import Call as NewCall
from core.services.use_case import UseCase
from core.services.use_cases import every_use_case, run_use_case

_AREAS = (
    "basics",
    "audit",
    "decay",
    "predictions",
    "slices",
    "policy",
    "explain",
    "business_kpi",
    "rules",
)
"""Modules beside this one, each with its `OPERATIONS`; the ones that pipelines wait for come first."""


def run_operation(
    governance: Governance, actor: Actor, now: datetime, name: str, parameters: Mapping[str, Any]
) -> Any:
    """Run an operation and return its result as JSON values.

    Raises
    ------
    NotFound
        No operation has this name.
    GovernanceError
        What the operation refuses.
    """
    operation = next((found[name] for area in _AREAS if name in (found := _of(area))), None)
    if operation is None:
        return run_use_case(NewCall(governance, actor, now), name, parameters)
    try:
        json.dumps(parameters, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadInput("it holds what is no text in UTF-8", where="input", remedy="Write it again.") from None
    checked = make(operation.parameters, **parameters)
    return plain(operation.run(Call(governance, actor, now), checked))


class _Old:
    """An operation that has not moved into the table of use cases yet, for the routes."""

    def __init__(self, name: str, operation: Operation) -> None:
        self.name, self.takes, self.help = name, operation.parameters, operation.parameters.__doc__ or ""
        self.route = {"governance_kpis": "GET /kpis", "team_standings": "GET /standings"}.get(name, "")


@cache
def operations() -> Mapping[str, UseCase]:
    """All operations by name."""
    left = {name: cast(UseCase, _Old(name, one)) for area in _AREAS for name, one in _of(area).items()}
    return left | {one.name: one for one in every_use_case()}


def _of(area: str) -> Mapping[str, Operation]:
    """The operations of an area, whose module is imported where it is first needed."""
    found: Mapping[str, Operation] = import_module(f"core.entrypoints.operations.{area}").OPERATIONS
    return found
