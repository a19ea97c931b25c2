"""Business KPIs of initiatives: promises with their revisions, and observations with their corrections."""

from __future__ import annotations

from core.domain.moment import Moment
from core.lake.query import Rows, fetch
from core.lake.store import Store

_NAMED = "LEFT JOIN directory d ON d.actor = f.actor WHERE f.initiative = $initiative AND f.seq <= $seq"


def promises(store: Store, initiative: str, moment: Moment) -> Rows:
    """Every promise of an initiative's KPIs with its revisions, oldest first."""
    query = f"SELECT f.*, coalesce(d.name, f.actor) AS actor_name FROM business_kpi f {_NAMED} ORDER BY f.seq"
    return fetch(store.cursor(), query, {"initiative": initiative, "seq": moment.seq})


def observations(store: Store, initiative: str, moment: Moment) -> Rows:
    """Every observation, corrections and withdrawals included, oldest first.

    `counts` is true for the one that counts for its KPI and day: the last, unless it withdrew the value.
    """
    query = f"""
        SELECT f.*, coalesce(d.name, f.actor) AS actor_name,
            f.value IS NOT NULL AND f.seq = max(f.seq) OVER (PARTITION BY f.kpi, f.observed_on) AS counts
        FROM business_kpi_observation f {_NAMED} ORDER BY f.observed_on, f.seq
    """
    return fetch(store.cursor(), query, {"initiative": initiative, "seq": moment.seq})


def promised_initiatives(store: Store, moment: Moment) -> Rows:
    """The newest promise of every KPI of every initiative, by the initiative's name."""
    query = """
        WITH named AS (SELECT initiative, arg_max(name, seq) AS title, arg_max(team, seq) AS team
                       FROM initiative WHERE seq <= $seq GROUP BY initiative),
        newest AS (SELECT initiative, kpi, max(seq) AS seq FROM business_kpi WHERE seq <= $seq
                   GROUP BY initiative, kpi)
        SELECT k.*, n.title, n.team FROM business_kpi k JOIN newest USING (initiative, kpi, seq)
        JOIN named n USING (initiative) ORDER BY n.title, k.name
    """
    return fetch(store.cursor(), query, {"seq": moment.seq})


def counting_observations(store: Store, moment: Moment) -> Rows:
    """The observations that count, of all initiatives, by day."""
    query = """
        SELECT initiative, kpi, observed_on, arg_max(value, seq) AS value FROM business_kpi_observation
        WHERE seq <= $seq GROUP BY initiative, kpi, observed_on
        HAVING arg_max(CASE WHEN value IS NULL THEN 0 ELSE 1 END, seq) = 1 ORDER BY observed_on
    """
    return fetch(store.cursor(), query, {"seq": moment.seq})


def initiative_names(store: Store, moment: Moment) -> Rows:
    """Every initiative with its name and team, by name."""
    query = """
        SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team FROM initiative
        WHERE seq <= $seq GROUP BY initiative ORDER BY name
    """
    return fetch(store.cursor(), query, {"seq": moment.seq})
