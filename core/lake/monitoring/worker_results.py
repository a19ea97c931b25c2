"""Reading what a worker hands back: small Parquet files, whole."""

from __future__ import annotations

from pathlib import Path

from core.lake.query import Rows, fetch
from core.lake.store import Store


def read_result(store: Store, file: Path) -> Rows:
    """Rows of a worker's result file, in the file's order."""
    return fetch(store.cursor(), "SELECT * FROM read_parquet($file)", {"file": str(file)})
