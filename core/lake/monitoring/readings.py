"""Prediction batches, decay estimates and attributions of a model version, as recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from typing import get_args

from core.domain.errors import NotFound
from core.domain.facts.measured import Attribution, DecayChunk, Part, PredictionBatch
from core.domain.facts.recorded import Recorded
from core.domain.moment import Moment
from core.lake.facts import history, together
from core.lake.query import Rows, asking, fetch
from core.lake.store import Store

_MODELLED = asking(
    """
    SELECT b.initiative, any_value(i.name) AS name, b.version, any_value(b.task) AS task,
        sum(b.rows)::BIGINT AS rows, max(v.seq) AS registered
    FROM prediction_batch b
    JOIN current_initiative i ON i.initiative = b.initiative
    JOIN model_version v ON v.initiative = b.initiative AND v.version = b.version AND v.seq <= $seq
    LEFT JOIN current_version c ON c.initiative = b.initiative AND c.version = b.version
    WHERE b.seq <= $seq GROUP BY b.initiative, b.version
    ORDER BY name, b.initiative, bool_or(c.version IS NOT NULL) DESC, registered DESC
    """,
    "current",
)


def batches(store: Store, initiative: str, version: str, moment: Moment) -> tuple[PredictionBatch, ...]:
    """Prediction batches of a version, oldest first; `path` is absolute."""
    return tuple(
        replace(batch, path=str(store.folder / batch.path))
        for batch in history(store, PredictionBatch, moment, initiative)
        if batch.version == version
    )


def require_batches(
    store: Store,
    initiative: str,
    version: str,
    moment: Moment,
    part: str = "",
    remedy: str = "Add one with 'governance predictions add'.",
) -> tuple[PredictionBatch, ...]:
    """Prediction batches of a version, or of one part of them, oldest first.

    Raises
    ------
    NotFound
        There is none.
    """
    known = batches(store, initiative, version, moment)
    found = tuple(batch for batch in known if part in ("", batch.part))
    if not found:
        kind = part if part in get_args(Part) else "prediction"
        raise NotFound(f"version '{version[:20]}' of {initiative} has no {kind} batch", remedy=remedy)
    return found


def modelled_initiatives(store: Store, moment: Moment) -> Rows:
    """Initiatives and versions with prediction batches, by name; the current version first, then newest."""
    return fetch(store.cursor(), _MODELLED, {"seq": moment.seq})


def aged(run: Recorded, moment: Moment, fresh_days: int) -> str:
    """Why a measurement is too old to count, or nothing."""
    age = moment.at.replace(tzinfo=None) - run.recorded_at
    if age > timedelta(days=fresh_days):
        return f"the measurement is {age.days} days old, and counts for {fresh_days}"
    return ""


def decay_chunks(
    store: Store, initiative: str, version: str, moment: Moment, metric: str = ""
) -> tuple[DecayChunk, ...]:
    """Estimated performance per chunk, from the newest refresh; reference first, then analysis.

    An empty metric gives all.
    """
    found = together(store, DecayChunk, initiative, version, moment)
    chosen = [chunk for chunk in found if metric in ("", chunk.metric)]
    return tuple(sorted(chosen, key=lambda one: (one.metric, one.part == "analysis", one.chunk)))


def attributions(store: Store, initiative: str, version: str, moment: Moment) -> tuple[Attribution, ...]:
    """Attribution per feature from the newest explanation, strongest first."""
    return tuple(sorted(together(store, Attribution, initiative, version, moment), key=attrgetter("place")))
