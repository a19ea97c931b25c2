"""The demo store, built once per test run for all workers, and copied by whoever changes or serves it."""

from __future__ import annotations

import fcntl
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT

MOMENT = datetime(2026, 9, 16, 15, 30, tzinfo=UTC)
"""When the demo's history ends: fixed, so that the same code makes the same record on any day."""


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The built demo store. Never open it: DuckDB locks the file; copy it first."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    folder = shared / "demo"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            from core.entrypoints.demo.build import build_demo

            build_demo(folder, PROJECT / "config", MOMENT)
    return folder


@pytest.fixture
def demo_copy(demo_folder: Path, tmp_path: Path) -> Path:
    """A copy of the demo store of one's own."""
    return shutil.copytree(demo_folder, tmp_path / "store")
