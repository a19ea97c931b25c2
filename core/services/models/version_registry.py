"""The registry: every version of every model with what it is and how well it can be made again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

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
    return [
        RegistryLine(
            row["initiative"],
            row["name"],
            row["team"],
            row["version"],
            row["state"],
            grade_reproducibility({**row, "metrics": json.loads(row["metrics"])}).rung,
            row["algorithm"],
            row["predictions"],
            row["recorded_at"],
        )
        for row in lake.all_versions(governance.store, moment)
        if past or row["state"] in LIVE
    ]
