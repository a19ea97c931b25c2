"""Who has which initiative, and what its signatures wait for."""

from __future__ import annotations

from core.domain.facts.process import SignOff
from core.domain.moment import Moment
from core.domain.work.work import Held
from core.lake.facts import select
from core.lake.query import asking, fetch
from core.lake.store import Store

_KNOWN = """
    WITH known AS (
        SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team,
            arg_max(owner, seq) AS owner, arg_max(builder, seq) AS builder
        FROM initiative WHERE seq <= $seq AND ($initiative = '' OR initiative = $initiative)
        GROUP BY initiative
    ), class AS (
        SELECT initiative, arg_max(class_id, seq) AS class_id FROM classification
        WHERE seq <= $seq AND ($initiative = '' OR initiative = $initiative) GROUP BY initiative
    )
    SELECT k.*, c.class_id FROM known k JOIN class c USING (initiative)
"""
_ROUNDS = """
    WHERE seq <= $seq AND ($initiative = '' OR initiative = $initiative)
    QUALIFY seq >= max(seq) FILTER (act = 'requested') OVER (PARTITION BY initiative, gate) ORDER BY seq
"""
_SUBMITTERS = asking(
    """
    , submitted AS (
        SELECT initiative, actor FROM counting_evidence
        UNION ALL
        SELECT m.initiative, m.actor FROM model_version m JOIN current_version v
            ON v.initiative = m.initiative AND v.version = m.version WHERE m.seq <= $seq
        UNION ALL
        SELECT b.initiative, b.actor FROM prediction_batch b JOIN current_version v
            ON v.initiative = b.initiative AND v.version = b.version WHERE b.seq <= $seq
    )
    SELECT DISTINCT initiative, actor FROM submitted WHERE $initiative = '' OR initiative = $initiative
    """,
    "current",
)


def who_has_what(store: Store, moment: Moment, *, initiative: str = "") -> dict[str, Held]:
    """Initiative -> its name, team, owner, builder and class; of one, or of all."""
    rows = fetch(store.cursor(), _KNOWN, {"seq": moment.seq, "initiative": initiative})
    return {row["initiative"]: Held(**row) for row in rows}


def sign_off_rounds(
    store: Store, moment: Moment, *, initiative: str = ""
) -> dict[tuple[str, str], list[SignOff]]:
    """Initiative and gate -> what was said since the signatures were asked for last, the request first."""
    found: dict[tuple[str, str], list[SignOff]] = {}
    for said in select(store, SignOff, _ROUNDS, seq=moment.seq, initiative=initiative):
        found.setdefault((said.initiative, said.gate), []).append(said)
    return found


def submitters(store: Store, moment: Moment, *, initiative: str = "") -> dict[str, set[str]]:
    """Initiative -> who put something on record that a signature would now rest on."""
    found: dict[str, set[str]] = {}
    for row in fetch(store.cursor(), _SUBMITTERS, {"seq": moment.seq, "initiative": initiative}):
        found.setdefault(row["initiative"], set()).add(row["actor"])
    return found
