"""Comments on initiatives, and who has not yet read what names them."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_COMMENTS = """
    SELECT c.comment, c.initiative, c.text, c.mentions, c.actor, coalesce(d.name, c.actor) AS actor_name,
        c.recorded_at, c.seq
    FROM comment c LEFT JOIN directory d ON d.actor = c.actor
    WHERE c.seq <= $seq AND c.initiative = $initiative ORDER BY c.seq
"""
_UNREAD = """
    WITH mention AS (
        SELECT comment, initiative, text, actor, recorded_at, seq, unnest(mentions) AS person
        FROM comment WHERE seq <= $seq AND len(mentions) > 0
    ), seen AS (
        SELECT initiative, actor AS person, max(seq) AS seq FROM comments_read WHERE seq <= $seq GROUP BY ALL
    ), answered AS (
        SELECT initiative, actor AS person, max(seq) AS seq FROM comment WHERE seq <= $seq GROUP BY ALL
    )
    SELECT m.comment, m.initiative, i.name, i.team, m.text, m.actor, coalesce(d.name, m.actor) AS actor_name,
        m.person, m.recorded_at
    FROM mention m
    LEFT JOIN seen s ON s.initiative = m.initiative AND s.person = m.person
    LEFT JOIN answered w ON w.initiative = m.initiative AND w.person = m.person
    LEFT JOIN directory d ON d.actor = m.actor
    LEFT JOIN (SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team FROM initiative
        WHERE seq <= $seq GROUP BY initiative) i ON i.initiative = m.initiative
    WHERE m.seq > greatest(coalesce(s.seq, 0), coalesce(w.seq, 0)) AND m.person <> m.actor
    ORDER BY m.seq
"""


def comments(store: Store, moment: Moment, initiative: str) -> Rows:
    """Comments on an initiative, oldest first."""
    return fetch(store.cursor(), _COMMENTS, {"seq": moment.seq, "initiative": initiative})


def unread_mentions(store: Store, moment: Moment) -> Rows:
    """Comments that name somebody who has neither read nor written there since, oldest first."""
    return fetch(store.cursor(), _UNREAD, {"seq": moment.seq})
