"""Model versions as recorded: what each is to its initiative, with what was filled in later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from core.domain.facts.models import VersionState
from core.domain.models.model_versions import LIVE, VersionEvent, VersionStanding, version_standing
from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates
from core.lake.facts import newest
from core.lake.query import Rows, asking, fetch
from core.lake.record.parts import rows_of
from core.lake.store import Store

LINKED_LATER = ("environment_uri", "image_uri", "image_sha256", "metrics_uri", "metrics_sha256", "data_kind")
"""Links that only an amendment holds; a registration that gives them records one beside it."""
AMENDABLE = (
    "notes",
    "artifact_uri",
    "artifact_sha256",
    "data_uri",
    "data_sha256",
    "data_kind",
    "code_uri",
    "code_commit",
    "environment_uri",
    "environment_sha256",
    "image_uri",
    "image_sha256",
    "metrics_uri",
    "metrics_sha256",
    "metrics",
)
"""Columns of an amendment that replace what was there where they are not empty."""
_CURRENT = asking("SELECT initiative, version FROM current_version", "current")
_STATES = """
    SELECT s.*, coalesce(d.name, s.actor) AS actor_name FROM version_state s
    LEFT JOIN directory d ON d.actor = s.actor
    WHERE s.initiative = $initiative AND s.seq <= $seq ORDER BY s.seq DESC
"""
_AMENDMENTS = """
    SELECT a.*, coalesce(d.name, a.actor) AS actor_name FROM version_amendment a
    LEFT JOIN directory d ON d.actor = a.actor
    WHERE a.initiative = $initiative AND a.seq <= $seq ORDER BY a.seq
"""
_APPROVALS = asking(
    """
    SELECT seq, recorded_at, actor, gate FROM live_decision
    WHERE initiative = $initiative AND version = $version AND outcome = 'open'
    UNION ALL
    SELECT seq, recorded_at, actor, gate FROM sign_off
    WHERE initiative = $initiative AND version = $version AND seq <= $seq
        AND act = 'decided' AND outcome = 'approved' AND list_contains($gates, gate)
    ORDER BY seq LIMIT 1
    """,
    "live",
)


def standing(store: Store, initiative: str, moment: Moment) -> VersionStanding:
    """Which version of an initiative is current, and what the others are."""
    registered = rows_of(store, "model_version", moment, initiative)
    turned = rows_of(store, "version_state", moment, initiative)
    turns = [*((row, "registered") for row in registered), *((row, row["state"]) for row in turned)]
    return version_standing(
        VersionEvent(seq=row["seq"], recorded_at=row["recorded_at"], version=row["version"], turn=turn)
        for row, turn in turns
    )


def live_versions(store: Store, moment: Moment, initiative: str = "") -> set[tuple[str, str]]:
    """Pairs (initiative, version) of current versions and challengers, of one initiative or of all."""
    if initiative:
        states = standing(store, initiative, moment).states
        return {(initiative, version) for version, state in states.items() if state in LIVE}
    current = fetch(store.cursor(), _CURRENT, {"seq": moment.seq})
    entered = [one for one in newest(store, VersionState, moment) if one.state == "challenger"]
    return {(row["initiative"], row["version"]) for row in current} | {
        (one.initiative, one.version) for one in entered
    }


def state_changes(store: Store, initiative: str, moment: Moment) -> Rows:
    """What was said of the versions (challenger, champion, retired) with the reasons, newest first."""
    return fetch(store.cursor(), _STATES, _of(initiative, moment))


def amendments(store: Store, initiative: str, moment: Moment) -> Rows:
    """What was filled in after registration, oldest first."""
    return fetch(store.cursor(), _AMENDMENTS, _of(initiative, moment))


def amended(store: Store, initiative: str, versions: Sequence[dict[str, Any]], moment: Moment) -> Rows:
    """Versions as registered, with what was filled in later in its place; `metrics` stays JSON text.

    Every row gets the links that only amendments hold, and `amended`: how often it was amended.
    """
    found: Rows = [{**dict.fromkeys(LINKED_LATER, ""), **row, "amended": 0} for row in versions]
    by_version = {row["version"]: row for row in found}
    for change in rows_of(store, "version_amendment", moment, initiative):
        row = by_version.get(change["version"])
        if row is None:
            continue
        row.update({column: change[column] for column in AMENDABLE if change[column]})
        row["amended"] += bool(change["reason"])
    return found


def approval(
    store: Store,
    initiative: str,
    version: str,
    moment: Moment,
    gates: Sequence[str],
    live_gates: LiveGates,
) -> dict[str, Any] | None:
    """The first thing that approved a version, or None: the gate that makes live found open, or a sign-off.

    What was approved stays so, whatever is decided later. `gates`: those whose sign-off is about a version.
    """
    about = {"version": version, "gates": list(gates), "live_gates": live_gates}
    values = {**_of(initiative, moment), **about}
    return next(iter(fetch(store.cursor(), _APPROVALS, values)), None)


def with_metrics(row: dict[str, Any]) -> dict[str, Any]:
    """A version whose metrics are a mapping."""
    return {**row, "metrics": json.loads(row["metrics"])}


def _of(initiative: str, moment: Moment) -> dict[str, Any]:
    return {"initiative": initiative, "seq": moment.seq}
