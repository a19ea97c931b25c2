"""The kept files: written by `make golden`, held against what the code says now by the test beside this."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

KEPT = Path(__file__).with_name("kept")
REMEDY = "run make golden and say in the commit which line moves and why"
_MOST_LINES = 80


def keep(kind: str, texts: Mapping[str, str]) -> None:
    """Replace the kept files of a kind (a folder) by these: file name -> text."""
    folder = KEPT / kind
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def moved(kind: str, texts: Mapping[str, str]) -> str:
    """The lines that differ from the kept files of a kind, a unified diff each; empty where none does."""
    folder = KEPT / kind
    kept = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*")}
    found = [
        _difference(f"{kind}/{name}", kept.get(name, ""), texts.get(name, ""))
        for name in sorted({*kept, *texts})
        if kept.get(name) != texts.get(name)
    ]
    return "\n".join([*found, REMEDY]) if found else ""


def _difference(name: str, before: str, now: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), now.splitlines(), f"kept/{name}", f"now/{name}", lineterm="", n=2
    )
    shown = list(islice(lines, _MOST_LINES))
    return "\n".join([*shown, *(["(and more)"] if next(lines, None) is not None else [])])
