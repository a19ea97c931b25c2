"""Model versions as recorded: what each is to its initiative, with what was filled in later."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.domain.facts.models import ModelVersion, VersionAmendment, VersionState
from core.domain.facts.process import GateDecision
from core.domain.facts.recorded import Names, named
from core.domain.models.model_versions import (
    AMENDABLE,
    EVERY,
    IN_USE,
    LINKED_LATER,
    Approval,
    State,
    Turn,
    Version,
    VersionEvent,
    VersionStanding,
    grade_reproducibility,
    version_standing,
)
from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates, Policy
from core.lake import directory
from core.lake.facts import history, select
from core.lake.memory import remembered
from core.lake.query import asking, fetch, moment_values
from core.lake.store import Store

_APPROVALS = asking(
    """
    SELECT seq, recorded_at, actor, gate FROM live_decision
    WHERE initiative = $initiative AND version = $version AND outcome = 'open'
    UNION ALL
    SELECT seq, recorded_at, actor, '' FROM version_state
    WHERE initiative = $initiative AND version = $version AND state = 'deployed' AND seq <= $seq
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
    ), predicted AS (
        SELECT initiative, version, sum(rows)::BIGINT AS rows FROM counting_batch
        GROUP BY initiative, version
    )
    SELECT m.initiative, i.name, i.team, i.kind, m.version, m.algorithm, m.recorded_at,
        coalesce(p.rows, 0) AS predictions, {_LINKS}
    FROM model_version m
    JOIN current_initiative i ON i.initiative = m.initiative
    JOIN current_classification c ON c.initiative = m.initiative
    LEFT JOIN later a ON a.initiative = m.initiative AND a.version = m.version
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
    current: bool
    grade: int
    algorithm: str
    predictions: int
    recorded_at: datetime

    @property
    def grade_state(self) -> str:
        """The grade as a status."""
        return f"grade_{self.grade}"


def registry(store: Store, moment: Moment, policy: Policy, live: LiveGates) -> list[RegistryLine]:
    """Versions of all initiatives by name, newest first, with what was filled in later and what they are."""
    lines, stands = [], standings(store, moment, live)
    for row in fetch(store.cursor(), _REGISTRY, moment_values(moment)):
        links = {name: row.pop(name) for name in AMENDABLE}
        made_of = policy.kind(row.pop("kind")).made_of
        grade = grade_reproducibility({**links, "metrics": json.loads(links["metrics"])}, made_of)
        known, version = stands[row["initiative"]], row["version"]
        lines.append(
            RegistryLine(
                **row, state=known.states[version], current=version == known.current, grade=grade.rung
            )
        )
    return lines


def standing(store: Store, initiative: str, moment: Moment, live: LiveGates = ()) -> VersionStanding:
    """Which version of an initiative counts, and what each is.

    Without `live`, the gates that make live, what they answered is left out: which version counts needs none.
    """
    kinds: tuple[type[_Turning], ...] = (ModelVersion, VersionState, *((GateDecision,) if live else ()))
    facts = (fact for kind in kinds for fact in history(store, kind, moment, initiative))
    return version_standing((event for fact in facts for event in _events(fact, live)), moment.day)


@remembered(room=8)
def standings(store: Store, moment: Moment, live: LiveGates) -> dict[str, VersionStanding]:
    """Initiative -> where its versions stand, of all that have one or something in production."""
    until, answers = "WHERE seq <= $seq", "AND list_contains($live, [policy_version, gate])"
    facts: list[_Turning] = [
        *select(store, ModelVersion, until, seq=moment.seq),
        *select(store, VersionState, until, seq=moment.seq),
        *select(store, GateDecision, f"{until} {answers}", seq=moment.seq, live=live),
    ]
    found: dict[str, list[VersionEvent]] = defaultdict(list)
    for fact in facts:
        found[fact.initiative].extend(_events(fact, live))
    return {initiative: version_standing(events, moment.day) for initiative, events in found.items()}


def versions_in_use(
    store: Store, moment: Moment, live: LiveGates, initiative: str = ""
) -> set[tuple[str, str]]:
    """Pairs (initiative, version) of versions in use or to come, of one initiative or of all."""
    stands = (
        {initiative: standing(store, initiative, moment, live)}
        if initiative
        else standings(store, moment, live)
    )
    return {
        (of, version)
        for of, one in stands.items()
        for version, state in one.states.items()
        if state in IN_USE
    }


_Turning = ModelVersion | VersionState | GateDecision


def _events(fact: _Turning, live: LiveGates) -> Iterator[VersionEvent]:
    """What a fact did to a version; before deployments were acts, an answer of a gate put into production."""
    if isinstance(fact, ModelVersion):
        yield VersionEvent(fact.seq, fact.version, "registered", fact.recorded_at)
    elif isinstance(fact, VersionState):
        what = (fact.role, fact.until, fact.actor, fact.reason)
        yield VersionEvent(fact.seq, fact.version, fact.state, fact.recorded_at, *what)
    elif (fact.policy_version, fact.gate) in live:
        opened, version = fact.outcome == "open", fact.version or ""
        yield VersionEvent(fact.seq, version, "approved" if opened else "blocked", fact.recorded_at)
        if fact.makes_live is None:
            turn: Turn = "deployed" if opened else "suspended"
            what = ("production", None, fact.actor, "" if opened else _why(fact))
            yield VersionEvent(fact.seq, version if opened else EVERY, turn, fact.recorded_at, *what)


def _why(answer: GateDecision) -> str:
    said = [one["message"] for one in json.loads(answer.findings) if one["severity"] == "blocker"]
    return said[0] if len(said) == 1 else f"the gate that made live was blocked: {len(said)} things to do"


def versions(store: Store, initiative: str, moment: Moment, live: LiveGates = ()) -> tuple[Version, ...]:
    """Model versions of an initiative as they stand, newest first; `live` as in `standing`."""
    stands, names = standing(store, initiative, moment, live), directory.names(store, moment)
    later: dict[str, list[VersionAmendment]] = {}
    for change in history(store, VersionAmendment, moment, initiative):
        later.setdefault(change.version, []).append(change)
    return tuple(
        _as_it_stands(fact, later.get(fact.version, []), stands, names)
        for fact in reversed(history(store, ModelVersion, moment, initiative))
    )


def current_version(store: Store, initiative: str, moment: Moment) -> Version | None:
    """The version that counts, or None where none does."""
    return next((one for one in versions(store, initiative, moment) if one.current), None)


def _as_it_stands(
    fact: ModelVersion, later: list[VersionAmendment], stands: VersionStanding, names: Names
) -> Version:
    filled = {name: value for one in later for name in AMENDABLE if (value := getattr(one, name))}
    filled |= {"metrics": json.loads(filled.pop("metrics", fact.metrics))}
    filled |= {"amended": sum(bool(one.reason) for one in later)}
    filled |= {"state": stands.states[fact.version], "current": fact.version == stands.current}
    return named(Version, fact, names, **filled)


def approval(
    store: Store,
    initiative: str,
    version: str,
    moment: Moment,
    gates: Sequence[str],
    live_gates: LiveGates,
) -> Approval | None:
    """The first thing that approved a version, or None: the gate that makes live, a sign-off, or production.

    What was approved stays so, whatever is decided later. `gates`: those whose sign-off is about a version.
    """
    values = {"initiative": initiative, "version": version, "gates": list(gates), "live_gates": live_gates}
    rows = fetch(store.cursor(), _APPROVALS, {**values, **moment_values(moment)})
    return Approval(**rows[0]) if rows else None
