"""What an executive sees first: the heat map of the matrix, and what needs attention."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.lake.process import inventory as lake
from core.services.governance import Governance

_DOING = {
    "missing": "is missing",
    "failed": "failed its check",
    "cannot_tell": "cannot be told by its check",
    "expiring": "expires soon",
}


@dataclass(frozen=True)
class HeatCell:
    """A cell of class x consideration: requirements asked of all initiatives of the class, and satisfied.

    `share` is None where nothing is asked: that is not zero.
    """

    class_id: str
    class_title: str
    consideration: str
    consideration_title: str
    rung: int
    asked: int
    satisfied: int
    overdue: int

    @property
    def share(self) -> float | None:
        """Satisfied over asked, 0.0 to 1.0."""
        return self.satisfied / self.asked if self.asked else None


@dataclass(frozen=True)
class AttentionItem:
    """Something off, why, and who acts; the worst comes first."""

    initiative: str
    name: str
    class_title: str
    team: str
    what: str
    state: Literal["overdue", "failed", "expiring"]
    acts: str
    due_on: date
    days: int


def heat_map(governance: Governance, moment: Moment) -> tuple[HeatCell, ...]:
    """Share of requirements satisfied per class and consideration, strictest class last."""
    policy = governance.policy(moment)
    rows = lake.requirement_rows(governance.store, policy, moment)
    asked = Counter((row["class_id"], row["consideration"]) for row in rows)
    satisfied = Counter((row["class_id"], row["consideration"]) for row in rows if row["satisfied"])
    overdue = Counter((row["class_id"], row["consideration"]) for row in rows if row["overdue"])
    return tuple(
        HeatCell(
            risk_class.id,
            risk_class.title,
            ladder.id,
            ladder.title,
            policy.matrix[risk_class.id][ladder.id],
            asked[risk_class.id, ladder.id],
            satisfied[risk_class.id, ladder.id],
            overdue[risk_class.id, ladder.id],
        )
        for risk_class in policy.classes
        for ladder in policy.considerations
    )


def attention(
    governance: Governance, moment: Moment, *, most: int = 8, team: str = ""
) -> tuple[AttentionItem, ...]:
    """What is overdue, failed or about to expire: strictest class first, then the longest overdue."""
    policy = governance.policy(moment)
    rows = [
        row
        for row in lake.requirement_rows(governance.store, policy, moment)
        if (row["overdue"] or row["status"] in ("failed", "expiring")) and team in ("", row["team"])
    ]
    order = {"overdue": 0, "failed": 1, "expiring": 2}
    items = [_item(governance, policy, moment, row) for row in rows]
    ranks = {risk_class.title: rank for rank, risk_class in enumerate(policy.classes)}
    items.sort(
        key=lambda item: (order[item.state], -ranks[item.class_title], -item.days, item.name, item.what)
    )
    return tuple(items[:most] if most else items)


def _item(governance: Governance, policy: Policy, moment: Moment, row: dict[str, Any]) -> AttentionItem:
    measure = policy.measures[row["requirement"].partition(":")[0]]
    state: Literal["overdue", "failed", "expiring"]
    if row["overdue"]:
        state, days = "overdue", (moment.day - row["due_on"]).days
    elif row["status"] == "failed":
        state, days = "failed", 0
    else:
        state, days = "expiring", (row["expires_on"] - moment.day).days
    return AttentionItem(
        initiative=row["initiative"],
        name=row["name"],
        class_title=policy.class_title(row["class_id"]),
        team=row["team"],
        what=f"{measure.title} {_DOING[row['status']]}",
        state=state,
        acts=f"{governance.roles.title(measure.responsible)}, for {row['owner_name']}",
        due_on=row["due_on"],
        days=days,
    )
