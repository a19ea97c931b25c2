"""A gate's decision as a whole process, through the API, and over the whole inventory in one query."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from core.connectors.settings import PROJECT
from core.lake.process.inventory import gate_lines
from core.lake.store import open_store
from core.services.governance import wire
from tests.benchmarks.timing import Figure, spread, times
from tests.e2e.served import served

GATE = "deployment"


def measure(store: Path) -> dict[str, Figure]:
    """Time decisions on a demo store."""
    governance = wire(open_store(store), PROJECT / "config")
    moment = governance.moment(datetime.now(UTC))
    policy = governance.policy(moment)
    rows = gate_lines(governance.store, policy, moment)
    initiative = next(row.initiative for row in rows if row.gate == GATE)
    whole = times(lambda: gate_lines(governance.store, policy, moment), 20)
    governance.close()

    def as_process() -> None:
        command = [sys.executable, "-m", "core.entrypoints.cli", "decide", initiative, "--gate", GATE]
        subprocess.run([*command, "--store", str(store)], cwd=PROJECT, check=False, capture_output=True)

    process = times(as_process, 7)
    with served(store) as address:
        token = json.loads((store / "server.json").read_text(encoding="utf-8"))["token"]
        request = urllib.request.Request(
            f"{address}/api/initiatives/{initiative}/gates/{GATE}/decision",
            headers={"Authorization": f"Bearer {token}"},
        )
        api = times(lambda: urllib.request.urlopen(request).read(), 30)
        through_server = times(as_process, 5)
    return {
        "governance decide, whole process": spread(process),
        "governance decide, whole process, beside a server": spread(through_server),
        "decision through /api": spread(api),
        f"all {len(rows)} gates of the inventory in one query": spread(whole),
    }
