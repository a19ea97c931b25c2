"""Clients that register at once: every answer is 201, and all is on record with its first checks."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from core.lake.store import open_store
from tests.benchmarks.timing import Figure, in_seconds
from tests.clients import CLIENTS, checked_first, register_at_once
from tests.conftest import founded

EACH = 100


def measure(_: Path) -> dict[str, Figure]:
    """Time registering over HTTP into a store of its own."""
    total = CLIENTS * EACH
    with tempfile.TemporaryDirectory() as folder:
        governance = founded(Path(folder) / "store", open_store, demo=True)
        start = time.perf_counter()
        answers = register_at_once(governance, EACH)
        seconds = time.perf_counter() - start
        checked = checked_first(governance)
        governance.close()
    assert answers == {201: total}, answers
    assert checked == {4: total}, checked
    return {f"{CLIENTS} clients register {EACH} initiatives each": in_seconds(seconds, "{:8.1f} s")}
