"""The house stays small: what it counts, how long its functions are, and that nothing imports in a circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median

from core.connectors.settings import PROJECT

FILES = sorted(file for room in ("core", "portal") for file in (PROJECT / room).rglob("*.py"))
ANSWERING = ("core/services", "core/entrypoints", "portal")
"""Where what is answered and drawn has a type."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def named(file: Path) -> str:
    return ".".join(file.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def lines(function: Function) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    told = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) and first.end_lineno else 0
    return (function.end_lineno or 0) - function.lineno + 1 - told


def functions() -> Iterator[tuple[str, int]]:
    """Every function with its length."""
    for file in FILES:
        for node in ast.walk(tree(file)):
            if isinstance(node, Function):
                yield f"{named(file)}.{node.name}", lines(node)


def imports() -> dict[str, set[str]]:
    """Module -> modules of the house that it imports anywhere, be it inside a function or for types alone."""
    modules = {named(file) for file in FILES}
    found: dict[str, set[str]] = {}
    for file in FILES:
        module = named(file)
        asked: set[str] = set()
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Import):
                asked |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                within = {f"{node.module}.{alias.name}" for alias in node.names}
                asked |= within & modules or {node.module}
        found[module] = (asked & modules) - {module}
    return found


def rooms(found: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The same, folder by folder."""
    joined: dict[str, set[str]] = {}
    for module, others in found.items():
        room = module.rpartition(".")[0]
        joined.setdefault(room, set()).update(other.rpartition(".")[0] for other in others)
        joined[room].discard(room)
    return joined


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle of a graph; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def marked(pattern: str, *folders: str) -> list[str]:
    """Lines of some folders that a pattern is found in."""
    places = [file for file in FILES if file.relative_to(PROJECT).as_posix().startswith(folders)]
    return [
        f"{named(file)}:{number}"
        for file in places
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_there_are_at_most_three_hundred_files() -> None:
    assert len(FILES) <= 300, "fold what one other file uses, or what is one matter"


def test_functions_are_short() -> None:
    long = [f"{name}: {length}" for name, length in functions() if length > 60]
    assert not long, "give its parts names of their own"
    assert median(length for _, length in functions()) <= 10


def test_nothing_imports_in_a_circle() -> None:
    found = imports()
    assert not circle(found), "move what both rest on below them"
    assert not circle(rooms(found)), "move what both rest on into a room below them"


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def test_rows_have_a_type_outside_the_lake() -> None:
    outside = [f"core/{room.name}" for room in (PROJECT / "core").iterdir() if room.name != "lake"]
    assert not marked(r"\brow\[[\"']", "portal", *outside), "read it as a dataclass, or name its columns"


def test_few_lines_know_no_type() -> None:
    assert len(marked(r"\bAny\b", *ANSWERING)) < 150
