"""A founded store on disk for the command line, and a live server that holds one."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from core.entrypoints.api import create_api
from core.entrypoints.cli import run
from core.lake.store import open_store, save_store
from core.services.governance import Governance
from core.services.record.identity import Door
from tests.conftest import ADMIN, founded, shipped

TOKEN = "a-token-long-enough-for-tests"

LIGHT = {
    "regulations": "no_rules",
    "consumers": "own_team",
    "availability": "ad_hoc",
    "error_impact": "rework",
    "release_cadence": "planned",
    "lifetime": "weeks",
    "decay_rate": "slow",
    "explainability": "nobody_asks",
}
SCHEDULED = {**LIGHT, "availability": "scheduled"}
"""Answers that lead to class moderate."""


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


Govern = Callable[..., Said]


def answers(given: dict[str, str]) -> list[str]:
    """Answers as options of the command line."""
    return [part for question, option in given.items() for part in ("--answer", f"{question}={option}")]


@pytest.fixture(scope="session")
def founded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A founded store on disk with the fixed cast, to be copied: to make one takes half a second."""
    folder = tmp_path_factory.mktemp("founded") / "store"
    governance = founded(folder, demo=True)
    save_store(governance.store)
    governance.close()
    return folder


@pytest.fixture
def store(founded_folder: Path, tmp_path: Path) -> Path:
    """A founded store on disk that nobody holds."""
    return shutil.copytree(founded_folder, tmp_path / "store")


@pytest.fixture
def govern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Govern:
    """Run a command in this process, as the administrator, on the store in `tmp_path`."""
    monkeypatch.delenv("COLUMNS", raising=False)  # as wide as into a pipe, wherever the tests run
    for name in [name for name in os.environ if name.startswith("GOVERNANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GOVERNANCE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("GOVERNANCE_ACTOR", ADMIN.id)

    def command(*arguments: str) -> Said:
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return command


@pytest.fixture
def moderate(store: Path, govern: Govern) -> str:
    """A registered initiative of class moderate, owned by the cast."""
    said = govern(
        *("register", "--name", "Weekly stock report", "--purpose", "Report the stock of all shops."),
        *("--team", "Shops", "--owner", "olga-owner", "--json", *answers(SCHEDULED)),
    )
    assert said.code == 0, said.err
    return str(said.json["initiative"])


@contextmanager
def serving(governance: Governance, door: Door | None = None) -> Iterator[int]:
    """Serve the API of an open store under /api, and give the port."""
    app = Starlette(routes=[Mount("/api", create_api(door or Door(governance, TOKEN)))])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join()


@pytest.fixture
def live(store: Path) -> Iterator[Governance]:
    """A store on disk, held by a server that has put up its note."""
    governance = replace(shipped(), store=open_store(store))
    with serving(governance) as port:
        put_note(store, port=port)
        yield governance
    governance.close()


def put_note(store: Path, *, port: int, token: str = TOKEN) -> None:
    """Leave the note that a server leaves."""
    note = {"pid": os.getpid(), "address": f"http://127.0.0.1:{port}", "token": token}
    (store / "server.json").write_text(json.dumps(note), encoding="utf-8")
