"""Pages are tested without a browser: none sees what another test left; what never changes is read once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner

from core.services import jobs


@pytest.fixture(scope="session", autouse=True)
def components_are_scanned_for_once() -> Iterator[None]:
    """AppTest reads what every installed package says of itself, anew each time: a fifth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan))
        yield


@pytest.fixture(autouse=True)
def jobs_of_this_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A page shows the jobs of its process, ended ones too; those that still run end with the test."""
    monkeypatch.setattr(jobs, "_JOBS", jobs.Jobs())
    yield
    jobs.stop_all_jobs()
