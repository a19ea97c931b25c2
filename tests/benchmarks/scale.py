"""A thousand initiatives and 200,000 entries: every page, verification, and 100,000 decided anew."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT, Settings
from core.lake.process.inventory import gate_rows
from core.lake.query import GATES, asking
from core.lake.record.verify import verify_store
from core.lake.store import DATABASE, Store, open_store
from core.services.governance import wire
from portal.components.desk import forget_answers
from portal.shell.house import close_house, open_house
from portal.shell.plan import page_names
from tests.benchmarks.timing import spread, times
from tests.scale_store import many_initiatives, scale_store

DECIDED = 100_000
RUNS = 7


def measure(store: Path) -> dict[str, str]:
    """Time pages, verification and decisions at that size; `store` is a demo store to make it from."""
    figures: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        big = scale_store(store, Path(folder) / "scale")
        figures |= _verification(big)
        figures |= _pages(big)
    return figures | _decisions(store)


def _verification(big: Path) -> dict[str, str]:
    opened = open_store(big)
    found = verify_store(opened)
    assert found.first_break is None, found.first_break
    seconds = times(lambda: verify_store(opened), 2)
    opened.close()
    return {f"verify {found.entries:,} entries and {found.files:,} files": f"{min(seconds):8.1f} s"}


def _pages(big: Path) -> dict[str, str]:
    """Median server time of each page: as it is reread, and right after something was recorded."""
    figures = {}
    open_house(Settings(store=big))
    for name in page_names():
        page = PROJECT / "portal" / "pages" / f"{name}.py"
        at = AppTest.from_file(str(PROJECT / "portal" / "shell" / "app.py"), default_timeout=120).run()
        at.switch_page(str(page))
        at.run()
        assert not at.exception, (name, at.exception)
        again = times(at.run, RUNS)
        anew = times(_after(forget_answers, at.run), RUNS)
        figures[f"{name}: rerun"] = spread(again)
        figures[f"{name}: after a new entry"] = spread(anew)
    close_house()
    return figures


def _after(before: Callable[[], None], action: Callable[[], object]) -> Callable[[], object]:
    def both() -> object:
        before()
        return action()

    return both


def _decisions(demo: Path) -> dict[str, str]:
    """All gates of so many initiatives in one query: those of the demo with their sign-offs, many times."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "many").mkdir()
        opened = open_store(Path(shutil.copy(demo / DATABASE, Path(folder) / "many")).parent)
        many_initiatives(opened, DECIDED, asking("", *GATES))
        figures = decide_all(opened)
        opened.close()
    return figures


def decide_all(opened: Store) -> dict[str, str]:
    """Time the one query over the matrix on an open store."""
    governance = wire(opened, PROJECT / "config")
    moment = governance.moment(datetime.now(UTC))
    policy = governance.policy(moment)
    rows = gate_rows(opened, policy, moment)
    initiatives = len({row["initiative"] for row in rows})
    seconds = times(lambda: gate_rows(opened, policy, moment), 3)
    label = f"{initiatives:,} initiatives, {len(rows):,} gates decided anew in one query"
    return {label: f"{statistics.median(seconds):8.2f} s"}
