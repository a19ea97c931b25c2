"""What an executive sees first: the heat map of the matrix, and what needs attention."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Literal

from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.process.inventory import RequirementLine
from core.lake.process.inventory import requirement_lines
from core.services.governance import Governance

Attention = Literal["overdue", "failed", "expiring"]
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
    state: Attention
    acts: str
    due_on: date
    days: int


def heat_map(governance: Governance, moment: Moment) -> tuple[HeatCell, ...]:
    """Share of requirements satisfied per class and consideration, strictest class last."""
    policy = governance.policy(moment)
    lines = requirement_lines(governance.store, policy, moment)
    asked = Counter((line.class_id, line.consideration) for line in lines)
    satisfied = Counter((line.class_id, line.consideration) for line in lines if line.satisfied)
    overdue = Counter((line.class_id, line.consideration) for line in lines if line.overdue)
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
    items = [
        _item(governance, policy, moment, line)
        for line in requirement_lines(governance.store, policy, moment)
        if (line.overdue or line.status in ("failed", "expiring")) and team in ("", line.team)
    ]
    order = {"overdue": 0, "failed": 1, "expiring": 2}
    ranks = {risk_class.title: rank for rank, risk_class in enumerate(policy.classes)}
    items.sort(
        key=lambda item: (order[item.state], -ranks[item.class_title], -item.days, item.name, item.what)
    )
    return tuple(items[:most] if most else items)


def _item(governance: Governance, policy: Policy, moment: Moment, line: RequirementLine) -> AttentionItem:
    measure = policy.measures[line.requirement.partition(":")[0]]
    state, days = _standing(line, moment)
    return AttentionItem(
        initiative=line.initiative,
        name=line.name,
        class_title=policy.class_title(line.class_id),
        team=line.team,
        what=f"{measure.title} {_DOING[line.status]}",
        state=state,
        acts=f"{governance.roles.title(measure.responsible)}, for {line.owner_name}",
        due_on=line.due_on,
        days=days,
    )


def _standing(line: RequirementLine, moment: Moment) -> tuple[Attention, int]:
    """What is off, and for how many days, or in how many."""
    if line.overdue:
        return "overdue", (moment.day - line.due_on).days
    if line.expires_on is None or line.status == "failed":
        return "failed", 0
    return "expiring", (line.expires_on - moment.day).days
