"""Which columns a model version's batches have, and of what kind, from their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from core.lake.monitoring.decay_inputs import SCAN
from core.lake.slices.columns import NUMBERS
from core.lake.store import Store

ColumnKind = Literal["number", "word", "other"]
_WORDS = ("VARCHAR", "BOOLEAN", "ENUM")


def columns_of_batches(store: Store, paths: Sequence[Path]) -> dict[str, ColumnKind]:
    """Column -> whether it holds numbers, words (yes and no are words), or anything else."""
    values = {"paths": [str(path) for path in paths]}
    rows = store.cursor().execute(f"DESCRIBE SELECT * FROM {SCAN}", values).fetchall()
    return {str(name): _kind(str(kind)) for name, kind, *_ in rows}


def _kind(kind: str) -> ColumnKind:
    if kind.endswith("]"):
        return "other"
    return "number" if kind.startswith(NUMBERS) else "word" if kind.startswith(_WORDS) else "other"
