"""Data sources, what they are made of, who uses them, and what is bad, as recorded; the latest row holds."""

from __future__ import annotations

from typing import Any

from core.domain.moment import Moment
from core.lake.query import Rows, fetch, fragment
from core.lake.store import Store

_CURRENT = """
    current_source AS (
        SELECT * FROM data_source WHERE seq <= $seq
        QUALIFY row_number() OVER (PARTITION BY source ORDER BY seq DESC) = 1
    ),
    current_upstream AS (
        SELECT source, upstream, arg_max(how, seq) AS how, arg_max(columns, seq) AS columns FROM data_upstream
        WHERE seq <= $seq GROUP BY source, upstream HAVING arg_max(holds, seq)
    ),
    current_use AS (
        SELECT source, initiative, version, how, arg_max(columns, seq) AS columns FROM data_use
        WHERE seq <= $seq GROUP BY source, initiative, version, how HAVING arg_max(holds, seq)
    ),
    current_mark AS (
        SELECT source, max(seq) AS seq, arg_max(bad, seq) AS bad, arg_max(reason, seq) AS reason,
            arg_max(actor, seq) AS actor, arg_max(recorded_at, seq) AS recorded_at
        FROM data_mark WHERE seq <= $seq GROUP BY source
    ),
    -- Each source with the bad sources at or above it. UNION keeps what is known once, so circles end.
    spoiled(source, root) AS (
        SELECT source, source FROM current_mark WHERE bad
        UNION
        SELECT u.source, s.root FROM spoiled s JOIN current_upstream u ON u.upstream = s.source
    ),
    bad_upstream AS (SELECT source, list(root ORDER BY root) AS roots FROM spoiled GROUP BY source)
"""
_SOURCES = """
    SELECT s.*, coalesce(m.bad, false) AS bad, CASE WHEN m.bad THEN m.reason ELSE '' END AS bad_reason,
        m.recorded_at AS marked_at, coalesce(d.name, m.actor) AS marked_by, coalesce(b.roots, []) AS roots
    FROM current_source s
    LEFT JOIN current_mark m USING (source)
    LEFT JOIN bad_upstream b USING (source)
    LEFT JOIN directory d ON d.actor = m.actor
    ORDER BY s.name, s.source
"""
_UPSTREAMS = "SELECT * FROM current_upstream ORDER BY source, upstream"
_USES = """
    SELECT u.*, i.name AS model, i.team, i.domain, s.name AS source_name, s.team AS owner, s.personal_data,
        coalesce(b.roots, []) AS roots, v.version AS current_version,
        coalesce(p.processes, []) AS processes
    FROM current_use u
    JOIN current_initiative i USING (initiative)
    JOIN current_source s USING (source)
    LEFT JOIN current_version v ON v.initiative = u.initiative
    LEFT JOIN bad_upstream b ON b.source = u.source
    LEFT JOIN current_process p ON p.initiative = u.initiative
    WHERE $initiative = '' OR u.initiative = $initiative
    ORDER BY i.name, u.initiative, s.name, u.how, u.version
"""
_PROCESS = """
    current_process AS (
        SELECT initiative, arg_max(processes, seq) AS processes FROM business_process WHERE seq <= $seq
        GROUP BY initiative
    )
"""
_SPOILED_MODELS = """
    SELECT u.initiative, list(DISTINCT s.root ORDER BY s.root) AS roots
    FROM current_use u JOIN spoiled s USING (source)
    GROUP BY u.initiative ORDER BY u.initiative
"""
_WITH = f"WITH RECURSIVE {fragment('current')}, {_CURRENT}, {_PROCESS} "


def sources(store: Store, moment: Moment) -> Rows:
    """All data sources by name; `bad_reason` is empty where none stands, `roots` the bad sources above it.

    A bad source is a root of its own.
    """
    return fetch(store.cursor(), _WITH + _SOURCES, {"seq": moment.seq})


def source(store: Store, source: str, moment: Moment) -> dict[str, Any] | None:
    """One data source as it is recorded last, or None."""
    return next((row for row in sources(store, moment) if row["source"] == source), None)


def upstreams(store: Store, moment: Moment) -> Rows:
    """Which source is made from which, how, and by which columns."""
    return fetch(store.cursor(), _WITH + _UPSTREAMS, {"seq": moment.seq})


def uses(store: Store, moment: Moment, initiative: str = "") -> Rows:
    """Uses of data by models, with team, owner, processes and the bad sources above the data; by model."""
    return fetch(store.cursor(), _WITH + _USES, {"seq": moment.seq, "initiative": initiative})


def spoiled_models(store: Store, moment: Moment) -> Rows:
    """Initiatives that use data with something bad in it, whatever the version, and the bad sources."""
    return fetch(store.cursor(), _WITH + _SPOILED_MODELS, {"seq": moment.seq})


def version_states(store: Store, moment: Moment) -> dict[tuple[str, str], str]:
    """(initiative, version) -> state, only for versions that are challengers or were retired."""
    query = """
        SELECT initiative, version, arg_max(state, seq) AS state FROM version_state
        WHERE seq <= $seq GROUP BY initiative, version
    """
    rows = fetch(store.cursor(), query, {"seq": moment.seq})
    return {(row["initiative"], row["version"]): row["state"] for row in rows}


def processes(store: Store, moment: Moment) -> Rows:
    """Initiatives with the business processes that they serve, by name; without those that serve none."""
    query = """
        SELECT p.initiative, i.name AS model, i.team, p.processes
        FROM current_process p JOIN current_initiative i USING (initiative)
        WHERE len(p.processes) > 0 ORDER BY i.name, p.initiative
    """
    return fetch(store.cursor(), _WITH + query, {"seq": moment.seq})


def mark_history(store: Store, source: str, moment: Moment) -> Rows:
    """Warnings about a source and their withdrawal, newest first."""
    query = """
        SELECT m.*, coalesce(d.name, m.actor) AS actor_name FROM data_mark m
        LEFT JOIN directory d ON d.actor = m.actor
        WHERE m.source = $source AND m.seq <= $seq ORDER BY m.seq DESC
    """
    return fetch(store.cursor(), query, {"source": source, "seq": moment.seq})
