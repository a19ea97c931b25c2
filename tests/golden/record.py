"""The record of the demo: where it ends, and every entry, so that a moved digest says what moved first."""

from __future__ import annotations

from core.lake.query import fetch
from core.services.governance import Governance

_HEAD = "SELECT seq, digest FROM head"
_ENTRIES = """
    SELECT recorded_at::DATE AS day, actor, action, subject, left(content_digest, 12) AS content
    FROM record ORDER BY seq
"""


def record(governance: Governance) -> dict[str, str]:
    """The head of the record, one number that must not move, and a line for each entry."""
    cursor = governance.store.cursor()
    (head,) = fetch(cursor, _HEAD, {})
    entries = [" ".join(str(value) for value in row.values()) for row in fetch(cursor, _ENTRIES, {})]
    return {
        "head.txt": f"{head['seq']} {head['digest']}\n",
        "entries.txt": "\n".join(entries) + "\n",
    }
