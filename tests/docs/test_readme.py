"""The README's commands run, its tests exist, its settings and make targets are those of the code."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from core.connectors.settings import PREFIX, PROJECT, Settings
from core.entrypoints.cli import run
from tests.benchmarks.figures import read_run, with_tables
from tests.golden import commands
from tests.golden.__main__ import DOCUMENTS, DRAWN

README = (PROJECT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```", README, re.M | re.S)
COMMANDS = [line[2:].strip() for block in BLOCKS for line in block.splitlines() if line.startswith("$ ")]


def test_there_are_commands_to_run() -> None:
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_runs_on_the_demo(
    command: str,
    served_copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program, *arguments = shlex.split(command)
    assert program == "governance"
    monkeypatch.setenv("GOVERNANCE_STORE", str(served_copy))
    monkeypatch.chdir(PROJECT)
    code = run(arguments)
    said = capsys.readouterr()
    allowed = (0, 1) if arguments[0] == "decide" else (0,)
    assert code in allowed, said.err
    assert said.out.strip()
    assert "Traceback" not in said.err


@pytest.fixture(scope="module")
def served_copy(whole_demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(whole_demo_folder, tmp_path_factory.mktemp("readme") / "store")


def test_every_make_target_named_is_there() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    named = set(re.findall(r"`make ([a-z]+)", README)) | set(re.findall(r"^make ([a-z]+)", README, re.M))
    assert named <= targets
    assert named


def test_every_promise_names_a_test_that_is_there() -> None:
    files = re.findall(r"`(tests/[\w/]+\.py)`", README)
    assert files
    assert [file for file in files if not (PROJECT / file).is_file()] == []


def test_every_setting_is_in_the_readme() -> None:
    assert [name for name in Settings.model_fields if f"{PREFIX}{name.upper()}" not in README] == []


def test_every_folder_and_picture_named_is_there() -> None:
    folders = re.findall(r"^((?:portal|core|config|data|tests)/[\w/]*)", README, re.M)
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert folders
    assert pictures
    assert [name for name in folders + pictures if not (PROJECT / name).exists()] == []


def test_the_reference_of_commands_is_that_of_the_table_of_use_cases() -> None:
    assert commands.FILE.read_text(encoding="utf-8") == commands.reference(), "make it anew with make golden"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_tables_of_what_was_drawn_are_those_of_the_last_run(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert "| asked |" in text
    assert text == with_tables(text, read_run(DRAWN)), "make them anew with make golden ARGS=bench"
