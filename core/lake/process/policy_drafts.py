"""Policies on their way, as recorded."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_DRAFTS = """
    SELECT p.*, coalesce(d.name, p.actor) AS actor_name, f.actor AS drafted_by,
        coalesce(w.name, f.actor) AS drafted_by_name, f.recorded_at AS drafted_at, f.note AS why
    FROM policy_draft p
    JOIN (SELECT draft, min_by(actor, seq) AS actor, min(recorded_at) AS recorded_at,
        min_by(note, seq) AS note FROM policy_draft WHERE seq <= $seq GROUP BY draft) f USING (draft)
    LEFT JOIN directory d ON d.actor = p.actor
    LEFT JOIN directory w ON w.actor = f.actor
    WHERE p.seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY p.draft ORDER BY p.seq DESC) = 1
    ORDER BY f.recorded_at, p.draft
"""
_VERSIONS = """
    SELECT p.version, p.title, p.sha256, p.seq, p.recorded_at, coalesce(d.name, p.actor) AS actor_name
    FROM policy p LEFT JOIN directory d ON d.actor = p.actor WHERE p.seq <= $seq ORDER BY p.seq DESC
"""


def drafts(store: Store, moment: Moment) -> Rows:
    """Every draft as it stands, with who drafted it and why, in the order they were drafted."""
    return fetch(store.cursor(), _DRAFTS, {"seq": moment.seq})


def published_versions(store: Store, moment: Moment) -> Rows:
    """Every policy ever in force, newest first."""
    return fetch(store.cursor(), _VERSIONS, {"seq": moment.seq})


def published_version(store: Store, version: str, moment: Moment) -> bool:
    """Whether a version was published before."""
    return any(row["version"] == version for row in published_versions(store, moment))
