"""The floors hold: imports run downwards, nothing happens at import, pages stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT

SOURCES = sorted(file for root in ("core", "portal", "data/demo") for file in (PROJECT / root).rglob("*.py"))
PAGES = sorted((PROJECT / "portal" / "pages").glob("[!_]*.py"))


def test_imports_run_only_downwards() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_page_is_looked_at() -> None:
    assert len(PAGES) >= 10


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_a_page_is_one_render_without_sql_or_statistics(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= 120, "move drawing into portal/components"
    assert "render" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert not {"duckdb", "polars", "numpy", "pandas", "statistics"} & imported(tree)


def test_slow_libraries_are_never_imported_with_a_module() -> None:
    slow = {"nannyml", "shap", "lightgbm", "fairlearn", "sklearn", "pandas", "polars", "scipy", "statsmodels"}
    for file in SOURCES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        top = ast.Module([n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)], [])
        assert not slow & imported(top), f"{file}: import it inside the function that needs it"


def test_there_is_no_room_for_odds_and_ends() -> None:
    assert not [file for file in SOURCES if file.stem in ("utils", "helpers", "misc", "common")]


def test_the_command_line_and_the_decision_path_load_nothing_slow() -> None:
    slow = {"nannyml", "shap", "pandas", "numpy", "polars", "pyarrow", "altair", "streamlit", "fastapi"}
    probe = (
        "import sys, core.services.process.gates, core.services.process.initiatives\n"
        "import core.services.oversight.kpis\n"
        f"slow = {slow!r}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", probe], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def imported(tree: ast.AST) -> set[str]:
    """First part of every module name that a tree imports."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
