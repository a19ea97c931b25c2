"""A thousand initiatives and 200,000 entries: every page, verification, and 100,000 decided anew."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT, Settings
from core.domain.commands import make
from core.lake.process.inventory import gate_lines
from core.lake.query import GATES, asking, fetch
from core.lake.record.verify import verify_store
from core.lake.standing import policy_parameters
from core.lake.store import DATABASE, Store, open_store
from core.services.governance import Governance, wire
from core.services.process.initiatives import inventory
from core.services.rules.previews import preview_policy
from core.services.work.routing import WriteComment, write_comment
from portal.shell.house import close_house, open_house, page_names
from tests.benchmarks.timing import Figure, in_seconds, long_spread, spread, times
from tests.scale_store import many_initiatives, scale_store

DECIDED = 100_000
_DECIDED = "CREATE OR REPLACE TEMP TABLE decided AS " + asking(
    "SELECT initiative, gate, outcome, blockers FROM gate_state", *GATES
)
_STRICTER = ("  moderate:\n    reproducibility: 1\n", "  moderate:\n    reproducibility: 2\n")
RUNS = 7


def measure(store: Path) -> dict[str, Figure]:
    """Time pages, verification and decisions at that size; `store` is a demo store to make it from."""
    figures: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as folder:
        big = scale_store(store, Path(folder) / "scale")
        figures |= _verification(big)
        figures |= _pages(big)
    return figures | _decisions(store)


def _verification(big: Path) -> dict[str, Figure]:
    opened = open_store(big)
    found = verify_store(opened)
    assert found.first_break is None, found.first_break
    runs = times(lambda: verify_store(opened), 2)
    opened.close()
    return {f"verify {found.entries:,} entries and {found.files:,} files": in_seconds(min(runs), "{:8.1f} s")}


def _pages(big: Path) -> dict[str, Figure]:
    """Median server time of each page: as it is reread, and right after something was recorded."""
    figures = {}
    governance = open_house(Settings(store=big)).governance
    write = _writer(governance)
    for name in page_names():
        page = PROJECT / "portal" / "pages" / f"{name}.py"
        at = AppTest.from_file(str(PROJECT / "portal" / "shell" / "app.py"), default_timeout=120).run()
        at.switch_page(str(page))
        at.run()
        assert not at.exception, (name, at.exception)
        again = times(at.run, RUNS)
        anew = []
        for _ in range(RUNS):
            write()
            anew += times(at.run, 1)
        assert not at.exception, (name, at.exception)
        figures[f"{name}: rerun"] = spread(again)
        figures[f"{name}: first after a new entry"] = spread(anew)
    close_house()
    return figures


def _writer(governance: Governance) -> Callable[[], object]:
    """Something that records an entry: a comment, by a person of the demo, on an initiative."""
    moment = governance.moment(datetime.now(UTC))
    initiative = inventory(governance, moment)[0]
    person = next(one for one in governance.people() if one.id == initiative.owner)
    text = "Seen; nothing to add."

    def write() -> object:
        command = make(
            WriteComment, actor=person, at=datetime.now(UTC), initiative=initiative.initiative, text=text
        )
        return write_comment(governance, command)

    return write


def _decisions(demo: Path) -> dict[str, Figure]:
    """All gates of so many initiatives in one query: those of the demo with their sign-offs, many times."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "many").mkdir()
        opened = open_store(Path(shutil.copy(demo / DATABASE, Path(folder) / "many")).parent)
        many_initiatives(opened, DECIDED, asking("", *GATES))
        figures = decide_all(opened)
        opened.close()
    return figures


def decide_all(opened: Store) -> dict[str, Figure]:
    """Time the one query over the matrix, and the preview of another policy, on an open store."""
    governance = wire(opened, PROJECT / "config")
    moment = governance.moment(datetime.now(UTC))
    policy = governance.policy(moment)
    gates = len(gate_lines(opened, policy, moment))
    cursor, values = opened.cursor(), policy_parameters(opened, policy, moment)
    decided = times(lambda: fetch(cursor, _DECIDED, values), RUNS)
    stricter = (PROJECT / "config" / "policy.yaml").read_text(encoding="utf-8").replace(*_STRICTER)
    totals = preview_policy(governance, moment, text=stricter).totals
    assert totals.open_after > totals.open_before, totals
    previews = times(lambda: preview_policy(governance, moment, text=stricter), 3)
    label = f"{totals.initiatives:,} initiatives"
    return {
        f"{label}, {gates:,} gates decided anew in one query": long_spread(decided),
        f"{label}, preview of a stricter policy": long_spread(previews),
    }
