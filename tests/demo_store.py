"""Two demo stores, each built once per test run for all workers, and copied by whoever changes or serves it.

Pages and browser look at a small one of twelve initiatives. The whole demo is for what is told of it.
"""

from __future__ import annotations

import fcntl
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT
from data.demo.build import DemoOptions, build_demo

TWELVE = (
    "Retail credit scoring",
    "Currency card offer",
    "Overdraft price by risk",
    "Guarantor lookup sheet",
    "Churn call list",
    "Broker lead list",
    "Postcode mailing sheet",
    "Automatic claim refusal",
    "Late claims list",
    "Pet cover price",
    "Broker application screening",
    "Call volume forecast",
)
"""Every class, promises, challengers and data, the teams of all personas, old work and new."""

MOMENT = datetime(2026, 9, 16, 15, 30, tzinfo=UTC)
"""When the whole demo's history ends: fixed, so that the same code makes the same record on any day."""


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A demo of twelve initiatives. Never open it: DuckDB locks the file; copy it first."""
    place = _shared(tmp_path_factory, worker_id) / "demo"
    return _built_once(place, datetime.now(UTC), DemoOptions(only=TWELVE))


@pytest.fixture(scope="session")
def whole_demo_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The demo as people get it, up to `MOMENT`. It takes minutes, and is not to be opened either."""
    return _built_once(_shared(tmp_path_factory, worker_id) / "whole-demo", MOMENT, DemoOptions())


def _shared(factory: pytest.TempPathFactory, worker_id: str) -> Path:
    own = factory.getbasetemp()
    return own if worker_id == "master" else own.parent


def _built_once(folder: Path, now: datetime, options: DemoOptions) -> Path:
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            build_demo(folder, PROJECT / "config", now, options=options)
    return folder
