"""What documents are made of beyond the sheet of an initiative: notes, sign-offs, waivers, findings."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_NAMED = """
    SELECT f.*, coalesce(d.name, f.actor) AS actor_name FROM {table} f
    LEFT JOIN directory d ON d.actor = f.actor
    WHERE f.initiative = $initiative AND f.seq <= $seq ORDER BY f.seq
"""


def notes(store: Store, initiative: str, kind: str, moment: Moment) -> Rows:
    """Every wording of the notes in a document, oldest first."""
    query = _NAMED.format(table="document_text").replace("ORDER BY", "AND f.kind = $kind ORDER BY")
    return fetch(store.cursor(), query, {"initiative": initiative, "kind": kind, "seq": moment.seq})


def sign_offs(store: Store, initiative: str, moment: Moment) -> Rows:
    """Every act on the sign-offs of an initiative, oldest first."""
    return _of(store, "sign_off", initiative, moment)


def digest_at(store: Store, seq: int) -> str:
    """Digest of a record entry: it holds the whole record up to there."""
    rows = fetch(store.cursor(), "SELECT digest FROM record WHERE seq = $seq", {"seq": seq})
    return str(rows[0]["digest"]) if rows else ""


def _of(store: Store, table: str, initiative: str, moment: Moment) -> Rows:
    values = {"initiative": initiative, "seq": moment.seq}
    return fetch(store.cursor(), _NAMED.format(table=table), values)
