"""The note that a running server leaves in its store, so that the command line finds it."""

from __future__ import annotations

import json
import os
from pathlib import Path

NOTICE = "server.json"


def put_up(store: Path, *, address: str, token: str) -> None:
    """Write pid, address and token, readable by the owner only; an older note is replaced in one step."""
    text = json.dumps({"pid": os.getpid(), "address": address, "token": token})
    fresh = store / f".{NOTICE}.{os.getpid()}"
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    fresh.replace(store / NOTICE)


def take_down(store: Path) -> None:
    """Remove the note if it is ours."""
    note = store / NOTICE
    try:
        ours = json.loads(note.read_text(encoding="utf-8")).get("pid") == os.getpid()
    except (OSError, ValueError):
        return
    if ours:
        note.unlink(missing_ok=True)
