"""The command line beside a live server: it asks the server, and prints the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT
from core.lake.store import DATABASE
from core.services.governance import Governance
from tests.conftest import ADMIN, register
from tests.entrypoints.conftest import Govern, put_note


@pytest.fixture
def held(live: Governance, govern: Govern, monkeypatch: pytest.MonkeyPatch) -> str:
    """An initiative in a store that a server holds; opening the store here is an error."""
    initiative = register(live)

    def not_here(*_: object) -> None:
        raise AssertionError("the command line opened a store that a server holds")

    monkeypatch.setattr("core.services.governance.open_governance", not_here)
    return initiative


def test_a_server_answers_as_the_store_itself_does(
    live: Governance, held: str, govern: Govern, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = (
        ["show", held],
        ["kpis"],
        ["standings"],
        ["people", "list"],
        ["record"],
        ["verify"],
        ["list", "--as-of", "2026-02-01"],
        ["decide", held, "--gate", "deployment", "--as-of", "2026-02-01"],
        ["decide", held, "--gate", "nope"],
        ["show", "nope"],
        ["slices", held, "--by", "sex"],
        ["show", held, "--as", "nobody"],
    )
    there = [govern(*command) for command in commands]
    (Path(live.store.folder) / "server.json").unlink()
    live.store.cursor().execute("CHECKPOINT")
    monkeypatch.setattr("core.services.governance.open_governance", lambda _: _Open(live))
    here = [govern(*command) for command in commands]
    for command, remote, local in zip(commands, there, here, strict=True):
        assert remote.code == local.code, (command, remote, local)
        assert _without_times(remote.out) == _without_times(local.out)
        assert remote.err == local.err


class _Open:
    """An open store that stays open when a command is done with it."""

    def __init__(self, governance: Governance) -> None:
        self._governance = governance

    def __getattr__(self, name: str) -> object:
        return getattr(self._governance, name)

    def close(self) -> None:
        """Stay open."""


def _without_times(text: str) -> list[str]:
    return [line for line in text.splitlines() if "as of" not in line]


def test_a_server_records_for_the_person_at_the_keyboard(
    live: Governance, held: str, govern: Govern, tmp_path: Path
) -> None:
    paper = tmp_path / "paper.txt"
    paper.write_bytes(b"\x00\xff agreed")
    measure = "purpose_and_personal_data"
    said = govern("evidence", "add", held, measure, "--title", "As agreed", "--file", str(paper))
    assert said.code == 0, said.err
    decided = govern("decide", held, "--gate", "scoping", "--json", "--as", "Vera Validator")
    assert (decided.code, decided.json["outcome"]) == (1, "blocked"), "its class waits to be confirmed"
    _, newest, before = govern("record", "--most", "3", "--json").json["entries"]
    assert (newest["action"], newest["actor"]) == ("gate_decided", "vera-validator")
    assert (before["action"], before["actor"]) == ("evidence_submitted", ADMIN.id)
    assert govern("verify").code == 0


def test_predictions_reach_a_server(live: Governance, held: str, govern: Govern, tmp_path: Path) -> None:
    govern("version", "add", held, "1", "--algorithm", "Boosted trees", "--task", "regression")
    file = tmp_path / "prices.csv"
    file.write_text("price,shop\n1.5,North\n2.5,South\n", encoding="utf-8")
    batch = ("predictions", "add", str(file), "--initiative", held, "--version", "1", "--part", "analysis")
    said = govern(*batch, "--task", "regression", "--prediction", "price")
    assert said.out.startswith(f"2 rows are on record as analysis of {held} version 1.\n"), said.err
    assert not list((tmp_path / "store" / "incoming").iterdir())
    assert govern("show", held, "--json").json["batches"][0]["columns"] == ["shop", "row_id", "y_pred"]


def test_a_note_of_a_dead_server_is_passed_over(store: Path, govern: Govern) -> None:
    put_note(store, port=1)
    assert govern("list").code == 0
    (store / "server.json").write_text("not json", encoding="utf-8")
    assert govern("list").code == 0
    (store / "server.json").write_text(json.dumps({"address": 1, "token": None}), encoding="utf-8")
    assert govern("list").code == 0


def test_a_server_of_another_store_is_passed_over(
    live: Governance, tmp_path: Path, govern: Govern, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def open_here(_: object) -> _Open:
        opened.append(1)
        return _Open(live)

    monkeypatch.setattr("core.services.governance.open_governance", open_here)
    note = json.loads((tmp_path / "store" / "server.json").read_text(encoding="utf-8"))
    put_note(tmp_path / "store", port=int(note["address"].rsplit(":", 1)[1]), token="the-token-of-another")
    assert govern("list").code == 0
    assert opened == [1]


def test_a_server_that_breaks_off_blocks(
    live: Governance, held: str, govern: Govern, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("/a/secret/path")

    monkeypatch.setattr("core.services.process.gates.ask_gate", break_down)
    said = govern("decide", held, "--gate", "deployment", "--json")
    assert (said.code, said.json["outcome"]) == (2, "blocked")
    assert "secret" not in said.out + said.err


def test_a_store_that_another_process_holds_is_busy_and_not_broken(
    store: Path, govern: Govern, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipeline tells the one from the other by the exit code, and tries again."""
    assert govern("list").code == 0
    monkeypatch.setattr("core.lake.store._OPEN_SECONDS", 0.3)
    hold = (
        "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(store / DATABASE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        said = govern("list")
        assert (said.code, "another process holds the store" in said.err) == (75, True)
        other.communicate("")
    assert govern("list").code == 0


def test_six_commands_at_once_all_get_their_turn(store: Path, moderate: str) -> None:
    """Real processes on a store that nobody holds: each waits a moment for the others."""
    environment = {name: said for name, said in os.environ.items() if not name.startswith("GOVERNANCE_")}
    environment |= {"GOVERNANCE_STORE": str(store), "GOVERNANCE_ACTOR": ADMIN.id}
    command = [sys.executable, "-m", "core.entrypoints.cli", "comment", "add", moderate]
    going = [
        subprocess.Popen(
            [*command, f"Remark {n}."], cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
        )
        for n in range(6)
    ]
    said = [one.communicate(timeout=120)[0] for one in going]
    assert [one.returncode for one in going] == [0] * 6, said
    assert sorted(said) == [f"{moderate}/comment-{n} is on record.\n" for n in range(1, 7)]
