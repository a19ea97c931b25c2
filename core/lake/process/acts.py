"""Sign-offs, waivers, findings and delegations as recorded."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from core.domain.moment import Moment
from core.domain.process.facts import OpenFinding, SignOffAct, WaiverFact
from core.lake.directory import names_today
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
_NEWEST = """
    SELECT f.*, coalesce(d.name, f.actor) AS actor_name, i.name AS initiative_name, i.team FROM {table} f
    JOIN (SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team
        FROM initiative WHERE seq <= $seq GROUP BY initiative) i USING (initiative)
    LEFT JOIN directory d ON d.actor = f.actor
    WHERE f.seq <= $seq
    QUALIFY row_number() OVER (PARTITION BY f.initiative, f.{table} ORDER BY f.seq DESC) = 1
    ORDER BY f.seq
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
_WAIVERS = """
    SELECT w.*, coalesce(d.name, w.actor) AS actor_name FROM waiver w
    LEFT JOIN directory d ON d.actor = w.actor
    WHERE w.initiative = $initiative AND w.seq <= $seq ORDER BY w.seq
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


def waivers(store: Store, moment: Moment, initiative: str = "") -> Rows:
    """Waivers of one initiative or of all, each as it stands, in the order of their last change."""
    return _newest(store, "waiver", moment, initiative)


def granted_waivers(store: Store, initiative: str, moment: Moment) -> tuple[WaiverFact, ...]:
    """Waivers of an initiative that were granted and not taken back, expired ones among them."""
    rows = rows_of(store, "waiver", moment, initiative)
    newest = {row["waiver"]: row for row in rows}
    return tuple(
        WaiverFact(
            row["waiver"],
            row["measure"],
            row["role"],
            row["recorded_at"].date(),
            row["until"],
            row["version"],
            row["reason"],
            row["compensation"],
        )
        for row in newest.values()
        if row["state"] == "granted"
    )


def waiver_history(store: Store, initiative: str, moment: Moment) -> Rows:
    """Everything said of the waivers of an initiative, oldest first."""
    return fetch(store.cursor(), _WAIVERS, _of(initiative, moment))


def findings(store: Store, moment: Moment, initiative: str = "") -> Rows:
    """Findings of one initiative or of all, each as it stands, in the order of their last change."""
    return _newest(store, "finding", moment, initiative)


def _newest(store: Store, table: str, moment: Moment, initiative: str) -> Rows:
    if not initiative:
        return fetch(store.cursor(), _NEWEST.format(table=table), {"seq": moment.seq})
    registered = rows_of(store, "initiative", moment, initiative)
    newest = {row[table]: row for row in rows_of(store, table, moment, initiative)}
    if not newest or not registered:
        return []
    names = names_today(store)
    named = {"initiative_name": registered[-1]["name"], "team": registered[-1]["team"]}
    rows = sorted(newest.values(), key=lambda row: int(row["seq"]))
    return [{**row, "actor_name": names.get(row["actor"], row["actor"]), **named} for row in rows]


def open_findings(store: Store, initiative: str, moment: Moment) -> tuple[OpenFinding, ...]:
    """Findings of an initiative that nobody has verified as mended, in the order they were raised."""
    rows = rows_of(store, "finding", moment, initiative)
    newest = {row["finding"]: row for row in rows}
    return tuple(
        OpenFinding(row["finding"], row["severity"], row["title"], row["step"], row["due_on"])
        for row in newest.values()
        if row["state"] != "closed"
    )


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
