"""The policy as parameters of a query, with what earlier signatures still cover of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from core.domain.moment import Moment
from core.domain.policy.demands import covers
from core.domain.policy.policy import Policy
from core.domain.policy.policy_rows import policy_rows
from core.lake.query import fetch, moment_values
from core.lake.store import Store

_DEMAND_SETS = (
    "SELECT sha256, any_value(demands) AS demands FROM demand_set WHERE seq <= $seq GROUP BY sha256"
)


def policy_parameters(store: Store, policy: Policy, moment: Moment) -> dict[str, Any]:
    """All parameters of a query about requirements or gates at a moment."""
    return {
        **moment_values(moment),
        **_flattened(policy),
        "coverage": json.dumps(_coverage(store, policy, moment)),
    }


@lru_cache(maxsize=64)
def _flattened(policy: Policy) -> dict[str, Any]:
    rows = {name: json.dumps(kept) for name, kept in asdict(policy_rows(policy)).items()}
    return {**rows, "expiring_days": policy.expiring_days}


def _coverage(store: Store, policy: Policy, moment: Moment) -> list[dict[str, Any]]:
    return [
        {
            "sha256": known["sha256"],
            "class_id": risk_class.id,
            "gate": gate.id,
            "covered": covers(frozenset(known["demands"]), policy, risk_class.id, gate),
        }
        for known in fetch(store.cursor(), _DEMAND_SETS, {"seq": moment.seq})
        for risk_class in policy.classes
        for gate in policy.gates_of(risk_class.id)
    ]
