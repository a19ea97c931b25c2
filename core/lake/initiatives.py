"""What the record holds of one initiative."""

from __future__ import annotations

import json
from typing import Any

from core.domain.moment import Moment
from core.domain.requirements import CheckProof, InitiativeFacts
from core.domain.verdict import Verdict
from core.lake.query import Rows, asking, fetch, moment_values
from core.lake.store import Store

_FACTS = asking(
    "SELECT c.initiative, c.class_id, r.registered_at::DATE AS registered_on, "
    "c.recorded_at::DATE AS classified_on, v.recorded_at::DATE AS version_on "
    "FROM current_classification c JOIN registration r USING (initiative) "
    "LEFT JOIN current_version v USING (initiative) WHERE c.initiative = $initiative",
    "current",
)
_EVIDENCE_DAYS = asking(
    "SELECT measure, max(recorded_at::DATE) AS proved_on FROM counting_evidence "
    "WHERE initiative = $initiative GROUP BY measure",
    "current",
)
_CHECK_RUNS = asking(
    "SELECT * FROM current_check_run WHERE initiative = $initiative ORDER BY check_id", "current"
)


def initiative_facts(store: Store, initiative: str, moment: Moment) -> InitiativeFacts | None:
    """Gather what rules need of an initiative, or None where it is not registered."""
    cursor = store.cursor()
    values = {**moment_values(moment), "initiative": initiative}
    found = fetch(cursor, _FACTS, values)
    if not found:
        return None
    evidence = {row["measure"]: row["proved_on"] for row in fetch(cursor, _EVIDENCE_DAYS, values)}
    checks = {
        row["check_id"]: CheckProof(
            Verdict(row["verdict"]), row["recorded_at"].date(), row["message"] or "", row["remedy"] or ""
        )
        for row in fetch(cursor, _CHECK_RUNS, values)
    }
    return InitiativeFacts(evidence=evidence, checks=checks, **found[0])


def current(store: Store, initiative: str, moment: Moment) -> dict[str, Any] | None:
    """The initiative as registered last, with its classification; None where it is not registered."""
    rows = fetch(
        store.cursor(),
        asking(
            "SELECT i.*, r.registered_at, c.class_id, c.mode_id, c.computed_class_id, c.score, c.reasons, "
            "c.justification, c.actor AS classified_by, c.policy_version, "
            "coalesce(p.name, i.owner) AS owner_name, coalesce(b.name, i.builder) AS builder_name "
            "FROM current_initiative i JOIN registration r USING (initiative) "
            "JOIN current_classification c USING (initiative) "
            "LEFT JOIN directory p ON p.actor = i.owner LEFT JOIN directory b ON b.actor = i.builder "
            "WHERE i.initiative = $initiative",
            "current",
        ),
        {**moment_values(moment), "initiative": initiative},
    )
    if not rows:
        return None
    return {**rows[0], "answers": json.loads(rows[0]["answers"])}


def versions(store: Store, initiative: str, moment: Moment) -> Rows:
    """Model versions of an initiative, newest first."""
    rows = _history(store, "model_version", initiative, moment)
    return [{**row, "metrics": json.loads(row["metrics"])} for row in rows]


def evidence(store: Store, initiative: str, moment: Moment) -> Rows:
    """Evidence of an initiative, newest first; of older model versions too."""
    return _history(store, "evidence", initiative, moment)


def check_runs(store: Store, initiative: str, moment: Moment) -> Rows:
    """Check runs of an initiative, newest first; of older model versions too."""
    return _history(store, "check_run", initiative, moment)


def latest_check_runs(store: Store, initiative: str, moment: Moment) -> Rows:
    """Latest run per check that counts for the current version."""
    return fetch(store.cursor(), _CHECK_RUNS, {**moment_values(moment), "initiative": initiative})


def decisions(store: Store, initiative: str, moment: Moment) -> Rows:
    """Gate decisions of an initiative, newest first."""
    rows = _history(store, "decision", initiative, moment)
    return [{**row, "findings": json.loads(row["findings"])} for row in rows]


def checks_tried(store: Store, initiative: str, moment: Moment) -> set[tuple[str, str | None]]:
    """Pairs (check, version) that have been run before; what makes the next run not a first try."""
    rows = fetch(
        store.cursor(),
        "SELECT DISTINCT check_id, version FROM check_run WHERE initiative = $initiative AND seq <= $seq",
        {"initiative": initiative, "seq": moment.seq},
    )
    return {(row["check_id"], row["version"]) for row in rows}


def _history(store: Store, table: str, initiative: str, moment: Moment) -> Rows:
    query = (
        f"SELECT f.*, coalesce(d.name, f.actor) AS actor_name FROM {table} f "
        "LEFT JOIN directory d ON d.actor = f.actor "
        "WHERE f.initiative = $initiative AND f.seq <= $seq ORDER BY f.seq DESC"
    )
    return fetch(store.cursor(), query, {"initiative": initiative, "seq": moment.seq})
