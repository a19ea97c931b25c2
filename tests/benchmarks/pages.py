"""Start of the server and reruns of pages on a demo store."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT, Settings
from portal.shell.house import close_house, open_house
from tests.benchmarks.timing import Figure, in_seconds, spread, times
from tests.e2e.served import served


def measure(store: Path) -> dict[str, Figure]:
    """Time the second start and each page's first run and rerun, as the server's script sees them."""
    figures: dict[str, Figure] = {}
    start = time.perf_counter()
    with served(store):
        figures["start on a built store, until /healthz answers"] = in_seconds(
            time.perf_counter() - start, "{:8.1f} s"
        )
    with tempfile.TemporaryDirectory() as folder:
        open_house(Settings(store=shutil.copytree(store, Path(folder) / "store")))
        for page in sorted((PROJECT / "portal" / "pages").glob("[!_]*.py")):
            figures |= _page(page)
        close_house()
    return figures


def _page(page: Path) -> dict[str, Figure]:
    at = AppTest.from_file(str(PROJECT / "portal" / "shell" / "app.py"), default_timeout=60).run()
    at.switch_page(str(page))
    first = times(at.run, 1)
    again = times(at.run, 15)
    return {
        f"{page.stem}: first run": Figure(first[0], f"{1000 * first[0]:8.1f} ms"),
        f"{page.stem}: rerun": spread(again),
    }
