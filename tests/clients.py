"""Clients that register initiatives at once over HTTP, and what is on record afterwards."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from core.lake.query import fetch
from core.services.governance import Governance
from tests.conftest import OWNER
from tests.entrypoints.conftest import SCHEDULED, TOKEN, serving

CLIENTS = 8


def register_at_once(governance: Governance, each: int) -> Counter[int]:
    """Let all clients register `each` initiatives, one after the other; how often each status came back."""
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Governance-Actor": OWNER.id}
    answers = {question: [option] for question, option in SCHEDULED.items()}

    def work(client: int) -> list[int]:
        with httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=60) as caller:
            given = {"purpose": "Report the stock of all shops.", "team": "Shops", "answers": answers}
            names = (f"Stock report {client} of shop {number}" for number in range(each))
            return [caller.post("/initiatives", json={**given, "name": name}).status_code for name in names]

    with serving(governance) as port, ThreadPoolExecutor(CLIENTS) as pool:
        base = f"http://127.0.0.1:{port}/api"
        return Counter(status for statuses in pool.map(work, range(CLIENTS)) for status in statuses)


def checked_first(governance: Governance) -> Counter[int]:
    """How many initiatives on record have how many first checks."""
    query = """
        SELECT i.initiative, count(c.seq) AS checks FROM initiative i
        LEFT JOIN check_run c ON c.initiative = i.initiative AND c.first_try GROUP BY i.initiative
    """
    return Counter(row["checks"] for row in fetch(governance.store.cursor(), query, {}))
