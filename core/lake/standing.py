"""How everything stands at a moment: sign-offs, requirements and gates as tables of their own connection.

They are a cache of what the record says, worked out where a question first needs them, and dropped with the
moment; questions over the whole inventory rest on the same ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from threading import RLock
from typing import Any, NamedTuple, TypeVar, get_args

from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.policy.requirement_list import (
    covers,
    easings,
    in_transition,
    is_limited,
    limit_in,
    policy_rows,
)
from core.ground import Task
from core.lake.memory import remembered
from core.lake.query import Rows, asking, fetch, fetch_as, moment_values
from core.lake.store import Store

_DEMAND_SETS = (
    "SELECT sha256, any_value(demands) AS demands FROM demand_set WHERE seq <= $seq GROUP BY sha256"
)
_DOMAINS = "SELECT DISTINCT domain FROM initiative WHERE seq <= $seq"


def policy_parameters(store: Store, policy: Policy, moment: Moment) -> dict[str, Any]:
    """All parameters of a query about requirements or gates at a moment."""
    return {
        **moment_values(moment),
        **_flattened(policy, _kinds(store, moment)),
        "coverage": json.dumps(_coverage(store, policy, moment)),
        "late": json.dumps(_late_before(store, policy, moment)),
        "limits": json.dumps(_limits(store, policy, moment)),
    }


def _limits(store: Store, policy: Policy, moment: Moment) -> list[dict[str, str]]:
    """The ethical limit of each domain and task, in words."""
    domains = [row["domain"] for row in fetch(store.cursor(), _DOMAINS, {"seq": moment.seq})]
    return [
        {"domain": domain, "task": task, "words": policy.ethical_limit(domain, task)}
        for domain in domains
        for task in get_args(Task)
    ]


_LATE = """
    SELECT s.initiative, s.class_id, c.kind, s.requirement, s.due_on
    FROM requirement_state s JOIN classified c USING (initiative) WHERE s.overdue
"""


def _late_before(store: Store, policy: Policy, moment: Moment) -> list[dict[str, str]]:
    """While a transition lasts: who is late for what the policy before asked in place of a requirement."""
    if policy.before is None or not in_transition(policy, moment.day):
        return []
    late: dict[tuple[str, str], date] = {}
    for by, of_class in _judged_before(policy, _kinds(store, moment), moment.day).items():
        before = Standing(store, by, moment)
        for row in before.fetch(_LATE, "requirement_state"):
            for requirement in of_class.get((row["kind"], row["class_id"], row["requirement"]), ()):
                key = row["initiative"], requirement
                late[key] = min(row["due_on"], late.get(key, date.max))
        before.close()
    return [
        {"initiative": initiative, "requirement": requirement, "due_on": due_on.isoformat()}
        for (initiative, requirement), due_on in late.items()
    ]


Asked = dict[tuple[str, str, str], list[str]]
"""Kind, class and requirement of an earlier policy -> requirements of now in whose place it was asked."""


def _judged_before(policy: Policy, kinds: tuple[str, ...], day: date) -> dict[Policy, Asked]:
    """Each earlier policy by which somebody may still be late, and what of it is still judged."""
    judged: dict[Policy, Asked] = {}
    for kind in kinds:
        for class_id in policy.class_order:
            for requirement, eased in easings(policy.of(kind), class_id).items():
                if eased.by is not None and eased.floor is not None and eased.floor >= day:
                    for before in eased.before:
                        of_policy = judged.setdefault(eased.by, {})
                        of_policy.setdefault((kind, class_id, before), []).append(requirement)
    return judged


_KINDS = "SELECT DISTINCT kind FROM initiative WHERE seq <= $seq ORDER BY kind"


def _kinds(store: Store, moment: Moment) -> tuple[str, ...]:
    """Kinds of model that anything is or was registered as."""
    return tuple(row["kind"] for row in fetch(store.cursor(), _KINDS, {"seq": moment.seq}))


@lru_cache(maxsize=64)
def _flattened(policy: Policy, kinds: tuple[str, ...]) -> dict[str, Any]:
    rows = {name: json.dumps(kept) for name, kept in asdict(policy_rows(policy, kinds)).items()}
    return {**rows, "expiring_days": policy.expiring_days, "retention_days": policy.retention_days}


def _coverage(store: Store, policy: Policy, moment: Moment) -> list[dict[str, Any]]:
    sets = fetch(store.cursor(), _DEMAND_SETS, {"seq": moment.seq})
    demands = [(known["sha256"], frozenset(known["demands"])) for known in sets]
    found: dict[Policy, list[dict[str, Any]]] = {}  # kinds that are asked for the same are looked at once
    rows = []
    for kind in _kinds(store, moment):
        asks = policy.of(kind)
        found[asks] = found.get(asks) or list(_covered(asks, demands))
        rows += [{"kind": kind, **row} for row in found[asks]]
    return rows


def _covered(policy: Policy, sets: list[tuple[str, frozenset[str]]]) -> Iterator[dict[str, Any]]:
    for risk_class in policy.classes:
        for gate in policy.gates_of(risk_class.id):
            limited = is_limited(policy, risk_class.id, gate)
            for sha256, demands in sets:
                yield {
                    "sha256": sha256,
                    "class_id": risk_class.id,
                    "gate": gate.id,
                    "covered": covers(demands, policy, risk_class.id, gate),
                    "limit_then": limit_in(demands) if limited else "",
                }


T = TypeVar("T")


class _Table(NamedTuple):
    """The fragments whose last word a table is, and tables that stand in for the fragments before."""

    fragments: tuple[str, ...]
    rests_on: tuple[str, ...] = ()
    of_policy: bool = True


_TABLES = {
    "classified": _Table(("current", "classified"), of_policy=False),
    "newest_run": _Table(("newest",), ("classified",), of_policy=False),
    "newest_evidence": _Table(("newest",), ("classified",), of_policy=False),
    "answer": _Table(("answers",), ("classified",), of_policy=False),
    "renewed_evidence": _Table(("renewed_evidence",), ("answer", "newest_evidence"), of_policy=False),
    "sign_off_state": _Table(
        ("current", "policy", "sign_off_state"), ("classified", "answer", "renewed_evidence")
    ),
    "proof_state": _Table(("policy", "proof_state"), ("newest_run", "newest_evidence", "sign_off_state")),
    "standing_waiver": _Table(("policy", "waivers"), ("classified",)),
    "met": _Table(("policy", "met"), ("proof_state", "standing_waiver")),
    "requirement_state": _Table(("policy", "due", "requirement_state"), ("proof_state", "standing_waiver")),
    "gate_state": _Table(("policy", "gate_state"), ("classified", "met")),
}


class Standing:
    """How everything stands by a policy at a moment; one question at a time.

    Parameters
    ----------
    store, policy, moment
        What is asked, by which rules, and as of when.
    """

    def __init__(self, store: Store, policy: Policy, moment: Moment) -> None:
        self.policy = policy
        self._store, self._moment = store, moment
        self._values = policy_parameters(store, policy, moment)
        self._cursor = store.cursor()
        self._there: set[str] = set()
        self._lock = RLock()

    def fetch(self, query: str, *tables: str, **values: Any) -> Rows:
        """Answer a query that rests on tables of this module; `values` are parameters beside the policy's."""
        with self._lock:
            self._need(tables)
            return fetch(self._cursor, query, {**self._values, **values})

    def fetch_as(self, kind: type[T], query: str, *tables: str, **values: Any) -> tuple[T, ...]:
        """The same as values of a class with slots, whose fields are the columns."""
        with self._lock:
            self._need(tables)
            return tuple(fetch_as(self._cursor, kind, query, {**self._values, **values}))

    def keep(self, name: str, query: str, *tables: str) -> None:
        """Keep the answer to a query as one more table; the name is ours, never a user's."""
        with self._lock:
            self._need(tables)
            self._create(name, query)

    def turn_to(self, policy: Policy) -> None:
        """Go on by another policy; what no policy changes stays."""
        with self._lock:
            self.policy, self._values = policy, policy_parameters(self._store, policy, self._moment)
            self._there = {name for name in self._there if not _TABLES[name].of_policy}

    def close(self) -> None:
        """Let the tables go."""
        with self._lock:
            self._cursor.close()

    def _need(self, tables: tuple[str, ...]) -> None:
        for name in tables:
            if name not in self._there:
                self._need(_TABLES[name].rests_on)
                self._create(name, asking(f"SELECT * FROM {name}", *_TABLES[name].fragments))
                self._there.add(name)

    def _create(self, name: str, query: str) -> None:
        fetch(self._cursor, f"CREATE OR REPLACE TEMP TABLE {name} AS {query}", self._values)


@remembered(room=3)
def standing(store: Store, policy: Policy, moment: Moment) -> Standing:
    """How everything stands, shared by all who ask about the same moment: today, and those looked back to."""
    return Standing(store, policy, moment)
