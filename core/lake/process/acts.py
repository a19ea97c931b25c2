"""Sign-offs, waivers, findings and delegations as recorded."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from core.domain.facts.process import Finding, Waiver
from core.domain.moment import Moment
from core.domain.process.facts import SignOffAct
from core.lake.facts import history, newest_of
from core.lake.query import Rows, fetch
from core.lake.record.parts import rows_of
from core.lake.store import Store

_SIGN_OFFS = """
    SELECT s.*, coalesce(d.name, s.actor) AS actor_name, coalesce(b.name, s.on_behalf_of) AS on_behalf_of_name
    FROM sign_off s
    LEFT JOIN directory d ON d.actor = s.actor
    LEFT JOIN directory b ON b.actor = s.on_behalf_of
    WHERE s.initiative = $initiative AND s.seq <= $seq ORDER BY s.seq
"""
_DELEGATIONS = """
    SELECT g.*, coalesce(d.name, g.actor) AS actor_name, coalesce(t.name, g.delegate) AS delegate_name
    FROM delegation g
    LEFT JOIN directory d ON d.actor = g.actor
    LEFT JOIN directory t ON t.actor = g.delegate
    WHERE g.seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY g.actor, g.delegate, g.role ORDER BY g.seq DESC) = 1
    ORDER BY g.seq
"""
_SUBMISSIONS = ("evidence", "model_version", "version_amendment", "prediction_batch")
"""Tables whose rows say who submitted what is to be signed, and for which version."""


def sign_off_rows(store: Store, initiative: str, moment: Moment) -> Rows:
    """Every act on an initiative's sign-offs, oldest first, with people's names."""
    return fetch(store.cursor(), _SIGN_OFFS, _of(initiative, moment))


def sign_off_acts(store: Store, initiative: str, moment: Moment) -> dict[str, tuple[SignOffAct, ...]]:
    """Gate id -> acts on its sign-off, oldest first, as rules need them."""
    rows = rows_of(store, "sign_off", moment, initiative)
    if not rows:
        return {}
    demands = {row["sha256"]: frozenset(row["demands"]) for row in rows_of(store, "demand_set", moment)}
    acts: dict[str, list[SignOffAct]] = defaultdict(list)
    for row in rows:
        acts[row["gate"]].append(_act(row, demands))
    return {gate: tuple(found) for gate, found in acts.items()}


def _act(row: dict[str, Any], demands: dict[str, frozenset[str]]) -> SignOffAct:
    return SignOffAct(
        seq=row["seq"],
        day=row["recorded_at"].date(),
        act=row["act"],
        actor=row["actor"],
        outcome=row["outcome"],
        role=row["role"],
        on_behalf_of=row["on_behalf_of"],
        reason=row["reason"],
        version=row["version"],
        demands=demands.get(row["demands_sha256"], frozenset()),
        evidence=json.loads(row["evidence"]),
    )


def granted_waivers(store: Store, initiative: str, moment: Moment) -> tuple[Waiver, ...]:
    """Waivers of an initiative that were granted and not taken back, in the order they were asked for."""
    there = newest_of(history(store, Waiver, moment, initiative))
    return tuple(waiver for waiver in there if waiver.state == "granted")


def open_findings(store: Store, initiative: str, moment: Moment) -> tuple[Finding, ...]:
    """Findings of an initiative that nobody has verified as mended, in the order they were raised."""
    there = newest_of(history(store, Finding, moment, initiative))
    return tuple(finding for finding in there if finding.state != "closed")


def delegations(store: Store, moment: Moment) -> Rows:
    """Delegations as they stand, ended and expired ones too."""
    return fetch(store.cursor(), _DELEGATIONS, {"seq": moment.seq})


def active_delegation(store: Store, delegator: str, delegate: str, role: str, moment: Moment) -> bool:
    """Whether somebody may sign for somebody else in a role today; the last day counts."""
    return any(
        row["given"] and row["until"] >= moment.day
        for row in delegations(store, moment)
        if (row["actor"], row["delegate"], row["role"]) == (delegator, delegate, role)
    )


def involved_people(store: Store, initiative: str, version: str | None, moment: Moment) -> dict[str, str]:
    """Person id -> what they did that keeps them from signing: owned, built, or submitted what is signed."""
    people = {
        row["actor"]: "submitted what is to be signed"
        for table in _SUBMISSIONS
        for row in rows_of(store, table, moment, initiative)
        if (table == "evidence" and row["version"] is None) or (version and row["version"] == version)
    }
    for row in rows_of(store, "initiative", moment, initiative):
        people |= {row["builder"]: "builds it or built it"}
        people |= {row["owner"]: "owns it or owned it"}
    people.pop("", None)
    return people


def demand_set_known(store: Store, sha256: str, moment: Moment) -> bool:
    """Whether a set of demands is on record."""
    return any(row["sha256"] == sha256 for row in rows_of(store, "demand_set", moment))


def _of(initiative: str, moment: Moment) -> dict[str, Any]:
    return {"initiative": initiative, "seq": moment.seq}
