"""Pages are tested without a browser; what each test would look up anew is looked up once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(scope="session", autouse=True)
def components_are_scanned_for_once() -> Iterator[None]:
    """AppTest reads what every installed package says of itself, anew each time: a fifth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan))
        yield
