"""Operations on versions and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.commands import (
    RegisterModelVersion,
    make,
)
from core.entrypoints.operations import parameters as given
from core.entrypoints.operations.operation import Call, Operation
from core.services.models.versions import register_model_version


def _register_version(call: Call, asked: given.NewVersion) -> Any:
    register_model_version(call.governance, make(RegisterModelVersion, **call.origin, **asked.model_dump()))
    return {"initiative": asked.initiative, "version": asked.version}


OPERATIONS: Mapping[str, Operation] = {
    "register_model_version": Operation(given.NewVersion, _register_version),
}
