"""`governance serve` and `governance demo`: what they make, what they refuse, and where they hand over."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from core.services.governance import Governance
from tests.conftest import ADMIN
from tests.entrypoints.conftest import Govern, found


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the process would have become."""
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: became.append(arguments))
    return became


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where demos would have been built."""
    folders: list[Path] = []

    def build_demo(
        folder: Path, config: Path, now: datetime, on_progress: Callable[[float, str], None]
    ) -> None:
        assert config.is_dir()
        assert now.tzinfo is not None
        on_progress(0.5, "People at work.")
        on_progress(0.6, "People at work.")
        folders.append(folder)

    monkeypatch.setattr("core.entrypoints.demo.build.build_demo", build_demo)
    return folders


def free_port() -> str:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_an_empty_store_is_founded_for_whoever_starts_it(
    govern: Govern, handed_over: list[list[str]], tmp_path: Path
) -> None:
    port, store = free_port(), tmp_path / "store"
    said = govern("serve", "--empty", "--port", port)
    assert (said.code, said.err) == (0, "")
    assert f"administered by {ADMIN.id}" in said.out
    assert handed_over == [
        [
            sys.executable,
            "-m",
            "portal.shell.serve",
            "--store",
            str(store),
            "--host",
            "127.0.0.1",
            "--port",
            port,
        ]
    ]
    entries = govern("record", "--json").json["entries"]
    actions = ["ethics_published", "policy_published", "store_created"]
    assert [entry["action"] for entry in entries] == actions
    assert govern("serve", "--empty", "--port", port).out == "", "a founded store is served as it is"


def test_without_a_store_the_demo_is_built_first(
    govern: Govern, handed_over: list[list[str]], built: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "store.building").mkdir()
    said = govern("serve", "--port", free_port())
    assert said.code == 0
    assert built == [tmp_path / "store"]
    assert said.err.startswith("An earlier build of the demo did not finish.")
    assert said.err.count("People at work.") == 1
    assert len(handed_over) == 1


def test_a_demo_is_built_where_there_is_none(govern: Govern, built: list[Path], tmp_path: Path) -> None:
    said = govern("demo", "--store", str(tmp_path / "other"))
    assert (said.code, built) == (0, [tmp_path / "other"])
    found(tmp_path / "store").close()
    assert "there is a store already" in govern("demo").err
    assert len(built) == 1


def test_nothing_is_built_that_could_not_be_served(
    govern: Govern, handed_over: list[list[str]], built: list[Path], live: Governance
) -> None:
    assert "is being served already" in govern("serve").err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = govern("serve", "--store", str(live.store.folder / "other"), "--port", port)
    assert said.code == 2
    assert "cannot be used" in said.err
    assert "GOVERNANCE_PORT" in govern("serve", "--port", "0").err
    assert (handed_over, built) == ([], [])
