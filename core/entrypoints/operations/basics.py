"""Operations on versions and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.commands import (
    RegisterModelVersion,
    make,
)
from core.entrypoints.operations import parameters as given
from core.entrypoints.operations import results
from core.entrypoints.operations.operation import Call, Operation
from core.services.models.versions import register_model_version
from core.services.oversight.kpis import governance_kpis
from core.services.oversight.teams import team_standings


def _register_version(call: Call, asked: given.NewVersion) -> Any:
    register_model_version(call.governance, make(RegisterModelVersion, **call.origin, **asked.model_dump()))
    return {"initiative": asked.initiative, "version": asked.version}


def _governance_kpis(call: Call, asked: given.AsOfParameters) -> Any:
    moment = call.moment(asked.as_of)
    readings = governance_kpis(call.governance, moment)
    return {"moment": results.moment_result(moment), "kpis": [results.kpi_result(r) for r in readings]}


def _team_standings(call: Call, asked: given.StandingsToRead) -> Any:
    moment = call.moment(asked.as_of)
    found = team_standings(call.governance, moment, measure=asked.measure)
    window = call.governance.leaderboard.window_days
    return {"moment": results.moment_result(moment), "window_days": window, "standings": found}


OPERATIONS: Mapping[str, Operation] = {
    "register_model_version": Operation(given.NewVersion, _register_version),
    "governance_kpis": Operation(given.AsOfParameters, _governance_kpis),
    "team_standings": Operation(given.StandingsToRead, _team_standings),
}
