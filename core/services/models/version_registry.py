"""The registry: every version of every model with what it is and how well it can be made again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from core.domain.models.model_versions import LIVE, State, grade_reproducibility
from core.domain.moment import Moment
from core.lake.models import version_registry as lake
from core.services.governance import Governance


@dataclass(frozen=True)
class RegistryLine:
    """A version as a line of the registry; `grade` is that of its reproducibility, 0 to 3."""

    initiative: str
    name: str
    team: str
    version: str
    state: State
    grade: int
    algorithm: str
    predictions: int
    recorded_at: datetime

    @property
    def grade_state(self) -> str:
        """The grade as a status."""
        return f"grade_{self.grade}"


def version_registry(governance: Governance, moment: Moment, *, past: bool = False) -> list[RegistryLine]:
    """Champions and challengers of all initiatives by name; `past` adds all others."""
    names = [field.name for field in fields(RegistryLine) if field.name != "grade"]
    return [
        RegistryLine(**{name: row[name] for name in names}, grade=_grade(row))
        for row in lake.all_versions(governance.store, moment)
        if past or row["state"] in LIVE
    ]


def _grade(row: Mapping[str, Any]) -> int:
    return grade_reproducibility({**row, "metrics": json.loads(row["metrics"])}).rung
