"""The registry: every version of every model with what it is and how well it can be made again."""

from __future__ import annotations

import json
from typing import Any

from core.domain.models.model_versions import grade_reproducibility
from core.domain.moment import Moment
from core.lake.models import version_registry as lake
from core.services.governance import Governance


def version_registry(governance: Governance, moment: Moment, *, past: bool = False) -> list[dict[str, Any]]:
    """Champions and challengers of all initiatives by name, with `grade` (0 to 3); `past` adds all others."""
    return [
        {**row, "grade": grade_reproducibility({**row, "metrics": json.loads(row["metrics"])}).rung}
        for row in lake.all_versions(governance.store, moment)
        if past or row["state"] in ("champion", "challenger")
    ]
