"""Slices as tests ask for them: continuous numbers cut in bands, values kept by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.rows import Band
from core.ground import Task
from core.lake.slices.counts import slice_counts
from core.lake.slices.profiles import cut_continuous
from core.lake.slices.rows import Kept, Paths, Where


def counted(
    cursor: duckdb.DuckDBPyConnection,
    paths: Paths,
    task: Task,
    by: Sequence[str | Band],
    *,
    where: Where | None = None,
    **more: Any,
) -> list[SliceCounts]:
    """Counts of each slice."""
    kept = Kept(where=where or {})
    return slice_counts(cursor, paths, task, cut_continuous(cursor, paths, by), kept=kept, **more)[0]
