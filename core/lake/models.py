"""Model versions as recorded: what each is to its initiative, with what was filled in later."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.facts.models import ModelVersion, VersionAmendment, VersionState
from core.domain.facts.recorded import Names, named
from core.domain.models.model_versions import (
    AMENDABLE,
    LINKED_LATER,
    LIVE,
    Approval,
    State,
    Version,
    VersionEvent,
    VersionStanding,
    grade_reproducibility,
    version_standing,
)
from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates
from core.lake import directory
from core.lake.facts import history, newest
from core.lake.query import asking, fetch, moment_values
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


_FROM_THE_START = tuple(column for column in AMENDABLE if column not in LINKED_LATER)
# The last word that is not empty: arg_max leaves out where there is none.
_LATER = ", ".join(f"arg_max({column}, seq) AS {column}" for column in AMENDABLE)
_LINKS = ", ".join(
    [f"coalesce(a.{column}, m.{column}) AS {column}" for column in _FROM_THE_START]
    + [f"coalesce(a.{column}, '') AS {column}" for column in LINKED_LATER]
)
_REGISTRY = asking(
    f"""
    , later AS (
        SELECT initiative, version, {_LATER} FROM version_amendment
        WHERE seq <= $seq GROUP BY initiative, version
    ), last_turn AS (
        SELECT initiative, version, max(seq) AS seq FROM (
            SELECT m.initiative, m.version, m.seq FROM model_version m WHERE m.seq <= $seq AND NOT EXISTS (
                SELECT 1 FROM version_state c WHERE c.state = 'challenger' AND c.seq <= $seq
                    AND c.initiative = m.initiative AND c.version = m.version)
            UNION ALL
            SELECT initiative, version, seq FROM version_state WHERE seq <= $seq AND state = 'champion'
        ) GROUP BY initiative, version
    ), last_retired AS (
        SELECT initiative, version, max(seq) AS seq FROM version_state
        WHERE seq <= $seq AND state = 'retired' GROUP BY initiative, version
    ), predicted AS (
        SELECT initiative, version, sum(rows)::BIGINT AS rows FROM counting_batch
        GROUP BY initiative, version
    )
    SELECT m.initiative, i.name, i.team, m.version, m.algorithm, m.recorded_at,
        coalesce(p.rows, 0) AS predictions, {_LINKS},
        CASE
            WHEN v.version = m.version THEN 'champion'
            WHEN r.seq > coalesce(t.seq, 0) THEN 'retired'
            WHEN t.seq IS NOT NULL THEN 'superseded'
            ELSE 'challenger'
        END AS state
    FROM model_version m
    JOIN current_initiative i ON i.initiative = m.initiative
    JOIN current_classification c ON c.initiative = m.initiative
    LEFT JOIN current_version v ON v.initiative = m.initiative
    LEFT JOIN later a ON a.initiative = m.initiative AND a.version = m.version
    LEFT JOIN last_turn t ON t.initiative = m.initiative AND t.version = m.version
    LEFT JOIN last_retired r ON r.initiative = m.initiative AND r.version = m.version
    LEFT JOIN predicted p ON p.initiative = m.initiative AND p.version = m.version
    WHERE m.seq <= $seq
    ORDER BY i.name, m.initiative, m.seq DESC
    """,
    "current",
)


@dataclass(frozen=True)
class RegistryLine:
    """A version as a line of the registry; `grade` is that of its reproducibility, 0 to 3."""

    initiative: str
    name: str
    team: str
    version: str
    state: State
    grade: int
    algorithm: str
    predictions: int
    recorded_at: datetime

    @property
    def grade_state(self) -> str:
        """The grade as a status."""
        return f"grade_{self.grade}"


def registry(store: Store, moment: Moment) -> list[RegistryLine]:
    """Versions of all initiatives by name, newest first, with what was filled in later and what they are."""
    lines = []
    for row in fetch(store.cursor(), _REGISTRY, moment_values(moment)):
        links = {name: row.pop(name) for name in AMENDABLE}
        grade = grade_reproducibility({**links, "metrics": json.loads(links["metrics"])})
        lines.append(RegistryLine(**row, grade=grade.rung))
    return lines


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
    current = fetch(store.cursor(), _CURRENT, moment_values(moment))
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
