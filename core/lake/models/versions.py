"""Model versions as recorded: what each is to its initiative, with what was filled in later."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.domain.facts.models import ModelVersion, VersionAmendment, VersionState
from core.domain.facts.recorded import Names, named
from core.domain.models.model_versions import (
    AMENDABLE,
    LIVE,
    Approval,
    State,
    Version,
    VersionEvent,
    VersionStanding,
    version_standing,
)
from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates
from core.lake import directory
from core.lake.facts import history, newest
from core.lake.query import asking, fetch
from core.lake.store import Store

_CURRENT = asking("SELECT initiative, version FROM current_version", "current")
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
    events = [
        VersionEvent(fact.seq, fact.version, "registered", fact.recorded_at)
        for fact in history(store, ModelVersion, moment, initiative)
    ]
    turns = history(store, VersionState, moment, initiative)
    events += [VersionEvent(fact.seq, fact.version, fact.state, fact.recorded_at) for fact in turns]
    return version_standing(events)


def versions(store: Store, initiative: str, moment: Moment) -> tuple[Version, ...]:
    """Model versions of an initiative as they stand, newest first."""
    states, names = standing(store, initiative, moment).states, directory.names(store, moment)
    later: dict[str, list[VersionAmendment]] = {}
    for change in history(store, VersionAmendment, moment, initiative):
        later.setdefault(change.version, []).append(change)
    return tuple(
        _as_it_stands(fact, later.get(fact.version, []), states[fact.version], names)
        for fact in reversed(history(store, ModelVersion, moment, initiative))
    )


def current_version(store: Store, initiative: str, moment: Moment) -> Version | None:
    """The current model version, or None where none counts."""
    return next((one for one in versions(store, initiative, moment) if one.state == "champion"), None)


def _as_it_stands(fact: ModelVersion, later: list[VersionAmendment], state: State, names: Names) -> Version:
    filled = {name: value for one in later for name in AMENDABLE if (value := getattr(one, name))}
    metrics = json.loads(filled.pop("metrics", fact.metrics))
    amended = sum(bool(one.reason) for one in later)
    return named(Version, fact, names, **filled, metrics=metrics, amended=amended, state=state)


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


def approval(
    store: Store,
    initiative: str,
    version: str,
    moment: Moment,
    gates: Sequence[str],
    live_gates: LiveGates,
) -> Approval | None:
    """The first thing that approved a version, or None: the gate that makes live found open, or a sign-off.

    What was approved stays so, whatever is decided later. `gates`: those whose sign-off is about a version.
    """
    values = {"initiative": initiative, "version": version, "gates": list(gates), "live_gates": live_gates}
    rows = fetch(store.cursor(), _APPROVALS, {**values, "seq": moment.seq})
    return Approval(**rows[0]) if rows else None
