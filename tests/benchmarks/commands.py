"""Eight clients with a thousand mixed commands each: every answer true, none done twice, all on record."""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from core.lake.record.verify import verify_store
from core.lake.store import open_store
from tests.benchmarks.kills import ANSWERS, WRITTEN, written
from tests.benchmarks.timing import Figure, counted, in_seconds, rate
from tests.clients import CLIENTS
from tests.conftest import BUILDER, OUTSIDER, founded, register
from tests.e2e.served import served

EACH = int(os.environ.get("COMMANDS", "1000"))
SHARED = "card-limit-advice"
READ: tuple[tuple[str, dict[str, object]], ...] = (
    ("show_initiative", {"initiative": SHARED}),
    ("list_findings", {"initiative": SHARED}),
    ("list_comments", {"initiative": SHARED}),
    ("read_record", {"most": 20}),
)
OVER_ALL: tuple[tuple[str, dict[str, object]], ...] = (
    ("list_initiatives", {"search": "Card Limit Advice"}),
    ("governance_kpis", {}),
    ("list_tasks", {"person": BUILDER.id}),
)
"""What is worked out over the whole inventory, anew after every entry: one request in a hundred."""


@dataclass
class Client:
    """One client: what it asked, what it was answered, and how long that took."""

    api: httpx.Client
    number: int
    rng: random.Random
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def post(
        self, name: str, given: dict[str, Any], key: str = "", actor: str = BUILDER.id
    ) -> httpx.Response:
        headers = {"X-Governance-Actor": actor, **({"Idempotency-Key": key} if key else {})}
        start = time.perf_counter()
        answer = self.api.post(f"/operations/{name}", json=given, headers=headers)
        self.seconds.append(time.perf_counter() - start)
        return answer

    def work(self) -> None:
        """Ask all of it, one after the other."""
        while len(self.seconds) < EACH:
            place = self.rng.random()
            ask = self.read if place < 0.15 else self.refused if place < 0.25 else self.write
            ask(f"{self.number}-{len(self.seconds)}")

    def write(self, label: str) -> None:
        """A command that is done once, though one in five is sent twice with its key."""
        action, name, given, said = written(label, self.rng.randrange(5))
        key = f"key-{label}" if self.rng.random() < 0.2 else ""
        answers = [self.post(name, given, key) for _ in range(2 if key else 1)]
        assert {one.status_code for one in answers} == {200}, answers[0].text
        assert len({one.text for one in answers}) == 1
        self.answers[action, said] += 1
        told = answers[0].json()
        self.names += [f"{kind} {told[kind]}" for kind in ("comment", "finding") if kind in told]

    def refused(self, label: str) -> None:
        """What must not be done: nobody's initiative, no role, a name that is taken."""
        sheet = {"name": "Card Limit Advice", "purpose": "The same again.", "answers": ANSWERS}
        comment = {"initiative": "no-such-thing", "text": label}
        code, name, given, actor = self.rng.choice(
            [
                (404, "write_comment", comment, BUILDER.id),
                (403, "write_comment", {**comment, "initiative": SHARED}, OUTSIDER.id),
                (409, "register_initiative", sheet, BUILDER.id),
                (422, "raise_finding", {"initiative": SHARED, "title": label}, BUILDER.id),
            ]
        )
        assert self.post(name, given, actor=actor).status_code == code

    def read(self, label: str) -> None:
        """A question, whose answer holds what this client was told is done."""
        name, given = self.rng.choice(OVER_ALL if self.rng.random() < 1 / 15 else READ)
        answer = self.post(name, given)
        assert answer.status_code == 200, answer.text
        kind = {"list_findings": "finding ", "list_comments": "comment "}.get(name)
        own = [one.removeprefix(kind) for one in self.names if one.startswith(kind)] if kind else []
        assert all(f'"{one}"' in answer.text for one in own[-50:]), (name, label)


def measure(_: Path) -> dict[str, Figure]:
    """Ask a real server on a store of its own, and count what is on record afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        governance = founded(store, open_store, demo=True)
        register(governance)
        governance.close()
        with served(store) as address:
            start = time.perf_counter()
            clients = _at_once(address, json.loads((store / "server.json").read_text())["token"])
            seconds = time.perf_counter() - start
        _on_record(store, clients)
    took = sorted(second for one in clients for second in one.seconds)
    done = sum(sum(one.answers.values()) for one in clients)
    return {
        f"{CLIENTS} clients, {EACH:,} mixed commands each": in_seconds(seconds, "{:8.0f} s"),
        "their rate": rate(len(took) / seconds),
        "95 of 100 answered within": in_seconds(took[int(0.95 * len(took))]),
        "done once and on record once": counted(done, "{:8,.0f}"),
    }


def _at_once(address: str, token: str) -> list[Client]:
    def client(number: int) -> Client:
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"{address}/api", headers=headers, trust_env=False, timeout=120) as api:
            one = Client(api, number, random.Random(number))
            one.work()
        return one

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(client, range(CLIENTS)))


def _on_record(store: Path, clients: list[Client]) -> None:
    names = [name for one in clients for name in one.names]
    assert len(names) == len(set(names)), "two were told the same name"
    with closing(open_store(store)) as opened:
        found = verify_store(opened)
        assert found.first_break is None, found.first_break
        for action, query in WRITTEN.items():
            there = Counter(text for (text,) in opened.cursor().execute(query).fetchall())
            there.pop("Card Limit Advice", None)
            assert there == Counter(dict(_said(clients, action))), action


def _said(clients: list[Client], action: str) -> Iterator[tuple[str, int]]:
    for one in clients:
        for (kind, text), times in one.answers.items():
            if kind == action:
                yield text, times
