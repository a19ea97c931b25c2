"""Fits, runs and estimates of subpopulations, as recorded; their files lie in the store by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import duckdb

from core.domain.errors import BrokenRecord
from core.domain.facts.measured import DecayChunk, DecayFit, DecayRun
from core.domain.moment import Moment
from core.lake.facts import latest, together
from core.lake.query import Rows, fetch
from core.lake.record.files import StoredFile
from core.lake.store import Store

FOLDER = "decay"


def keep_content(store: Store, source: Path) -> StoredFile:
    """Keep a worker's file under its digest; the same content twice is one file."""
    content = source.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"{FOLDER}/{sha256}{source.suffix}"
    target = store.folder / path
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    return StoredFile(path, sha256, len(content))


def kept_fit(store: Store, initiative: str, version: str, fit_key: str, moment: Moment) -> Path | None:
    """The fit of this key, or None where there is none yet.

    Raises
    ------
    BrokenRecord
        Its file is not what was recorded.
    """
    fit = latest(store, DecayFit, moment, initiative, version=version, fit_key=fit_key)
    return _whole(store, fit.path, fit.sha256) if fit else None


def _whole(store: Store, path: str, sha256: str) -> Path:
    file = store.folder / path
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise BrokenRecord(
            f"the file {file.name} is not what was recorded",
            where=str(file),
            remedy="Restore it from a backup, then run 'governance verify'.",
        )
    return file


def newest_run(store: Store, initiative: str, version: str, moment: Moment) -> DecayRun | None:
    """How the newest estimates came about; None for estimates from before this was kept."""
    run = latest(store, DecayRun, moment, initiative, version=version)
    chunks = together(store, DecayChunk, initiative, version, moment)
    # Recorded right before its chunks; chunks without one are from before this was kept.
    return run if run and chunks and run.seq == chunks[0].seq - 1 else None


def slice_estimates(store: Store, run: DecayRun, features: Sequence[str], metric: str) -> Rows:
    """Estimates of the subpopulations of crossed features for one metric, chunk after chunk.

    Raises
    ------
    BrokenRecord
        The file is gone or cannot be read.
    """
    if run.slices_path is None:
        return []
    query = (
        "SELECT * RENAME (period AS part) FROM read_parquet($file) "
        "WHERE features = $features AND metric = $metric ORDER BY part DESC, chunk"
    )
    file = store.folder / run.slices_path
    values = {"file": str(file), "features": list(features), "metric": metric}
    try:
        return fetch(store.cursor(), query, values)
    except duckdb.Error as error:
        raise BrokenRecord(
            "the estimates of the subpopulations cannot be read",
            where=str(file),
            remedy="Refresh the monitoring, then run 'governance verify'.",
        ) from error
