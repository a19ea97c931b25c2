"""What documents are made of beyond the sheet of an initiative: notes, and the digest of the record."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_NOTES = """
    SELECT f.*, coalesce(d.name, f.actor) AS actor_name FROM document_text f
    LEFT JOIN directory d ON d.actor = f.actor
    WHERE f.initiative = $initiative AND f.kind = $kind AND f.seq <= $seq ORDER BY f.seq
"""


def notes(store: Store, initiative: str, kind: str, moment: Moment) -> Rows:
    """Every wording of the notes in a document, oldest first."""
    return fetch(store.cursor(), _NOTES, {"initiative": initiative, "kind": kind, "seq": moment.seq})


def digest_at(store: Store, seq: int) -> str:
    """Digest of a record entry: it holds the whole record up to there."""
    rows = fetch(store.cursor(), "SELECT digest FROM record WHERE seq = $seq", {"seq": seq})
    return str(rows[0]["digest"]) if rows else ""
