"""What signing asks of the record: its first and last digests, and the public keys it knows."""

from __future__ import annotations

from core.lake.query import fetch
from core.lake.store import Store


def digest_at(store: Store, seq: int) -> str | None:
    """Digest of an entry, or None where the record has no such entry."""
    rows = fetch(store.cursor(), "SELECT digest FROM record WHERE seq = $seq", {"seq": seq})
    return str(rows[0]["digest"]) if rows else None


def known_keys(store: Store) -> list[str]:
    """Public keys on record, oldest first."""
    rows = fetch(store.cursor(), "SELECT public_key FROM signing_key ORDER BY seq", {})
    return [row["public_key"] for row in rows]
