"""`governance serve` and `governance demo`: what they make, what they refuse, and where they hand over."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.entrypoints import serving
from core.services.governance import Governance
from tests.conftest import ADMIN
from tests.entrypoints.conftest import Govern


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the process would have become."""
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: became.append(arguments))
    return became


Built = Callable[[], list[Path]]
STAND_IN = """
import sys
from pathlib import Path
_, log, folder, _, config = sys.argv
assert Path(config).is_dir()
print("0.5 People at work.\\n0.6 People at work.")
with Path(log).open("a") as folders:
    print(folder, file=folders)
"""
"""In the demo's place: says that it works, and notes where it would have built."""


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Built:
    """Where demos would have been built."""
    log = tmp_path / "built.txt"
    log.touch()
    monkeypatch.setattr(serving, "_DEMO", ("-c", STAND_IN, str(log)))
    return lambda: [Path(line) for line in log.read_text().splitlines()]


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
    first = ["configuration_published", "ethics_published", "policy_published", "store_created"]
    assert [entry["action"] for entry in entries] == ["membership_recorded", *first]
    assert govern("serve", "--empty", "--port", port).out == "", "a founded store is served as it is"


def test_without_a_store_the_demo_is_built_first(
    govern: Govern, handed_over: list[list[str]], built: Built, tmp_path: Path
) -> None:
    (tmp_path / "store.building").mkdir()
    said = govern("serve", "--port", free_port())
    assert said.code == 0
    assert built() == [tmp_path / "store"]
    assert said.err.startswith("An earlier build of the demo did not finish.")
    assert said.err.count("People at work.") == 1
    assert len(handed_over) == 1


def test_a_demo_is_built_where_there_is_none(
    govern: Govern, built: Built, tmp_path: Path, store: Path
) -> None:
    said = govern("demo", "--store", str(tmp_path / "other"))
    assert (said.code, built()) == (0, [tmp_path / "other"])
    assert store.is_dir()
    assert "there is a store already" in govern("demo").err
    assert len(built()) == 1


def test_nothing_is_built_that_could_not_be_served(
    govern: Govern, handed_over: list[list[str]], built: Built, live: Governance
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
    assert (handed_over, built()) == ([], [])


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("print('no. Do so.', file=sys.stderr); sys.exit(2)", "no. Do so."),
        ("1 / 0", "the demo could not be built: ZeroDivisionError: division by zero. Please report this."),
        (
            "print('0.1 A', flush=True); os.abort()",
            "the demo could not be built: it ended with -6. Please report this.",
        ),
    ],
)
def test_a_demo_that_could_not_be_built_is_one_sentence(
    govern: Govern, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    monkeypatch.setattr(serving, "_DEMO", ("-c", f"import os, sys; {program}"))
    answered = govern("demo")
    assert (answered.code, answered.err.splitlines()[-1]) == (2, f"governance: {said}")


def test_where_the_demo_is_not_installed_a_sentence_says_so(
    govern: Govern, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(serving, "PROJECT", tmp_path)
    answered = govern("demo")
    assert answered.code == 2
    assert "the demo is not part of this installation" in answered.err


INTERRUPTED = """
import pathlib, sys, time
try:
    print("0.5 At work.", flush=True)
    time.sleep(60)
finally:
    time.sleep(0.2)
    pathlib.Path(sys.argv[1]).write_text("cleaned up")
"""


def test_an_interrupt_ends_the_build_too_and_waits_for_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = tmp_path / "left.txt"
    arguments = ("-c", INTERRUPTED, str(left))
    with pytest.raises(KeyboardInterrupt), serving._lines_of(arguments) as lines:
        for line in lines:
            assert line == "0.5 At work.\n"
            raise KeyboardInterrupt
    assert left.read_text() == "cleaned up"
