"""What a policy would change: compared with the one in force, and previewed over the whole inventory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from core.domain.errors import BadInput
from core.domain.given import TextOf, argument
from core.domain.moment import Moment
from core.domain.policy.classification import classify
from core.domain.policy.policy import Policy
from core.domain.policy.policy_changes import PolicyChange, policy_changes
from core.domain.policy.requirement_list import requirements_of
from core.lake.process import policy_preview as lake
from core.services.governance import Governance
from core.services.rules.policies import read_text_of

MOST = 200
Rows = list[dict[str, Any]]
OnRecord = Annotated[str, Field(description="A draft on record, such as P1.")]
OrText = Annotated[
    str,
    Field(description="A draft such as P1, or a policy file."),
    TextOf("draft", known=r"P\d+"),
    argument("DRAFT|FILE"),
]


@dataclass(frozen=True)
class Comparison:
    """Two versions and every difference between them."""

    before: str
    after: str
    changes: tuple[PolicyChange, ...]


@dataclass(frozen=True)
class Preview:
    """What putting a policy in force would do on the moment's day.

    Attributes
    ----------
    totals
        initiatives; asked, open and out (initiatives with something overdue), each before and after.
    work
        Per requirement: title, `initiatives` that would have to prove it anew, `overdue_at_once` of them.
    spared
        Per requirement: title, initiatives that would no longer have to prove it.
    fallen
        Initiatives that fall out of policy: in policy before, with something overdue after.
    reopened
        Gates that were passed and would be shut.
    reclassified
        Initiatives whose answers would lead to another class: from, to, how many. They stay in their class
        until somebody classifies them again.
    cut
        Whether the lists are cut: the totals are not.
    """

    before: str
    after: str
    totals: dict[str, int]
    work: Rows
    spared: Rows
    fallen: Rows
    reopened: Rows
    reopened_total: int
    reclassified: Rows
    cut: bool


def compare_policy(
    governance: Governance, moment: Moment, *, draft: OnRecord = "", text: OrText = ""
) -> Comparison:
    """Compare a draft or a file with the policy in force, cell by cell.

    Raises
    ------
    BadInput, NotFound
        The text is no sound policy; there is no such draft.
    """
    before = governance.policy(moment)
    after = read_text_of(governance, moment, draft=draft, text=text)
    return Comparison(before.version, after.version, policy_changes(before, after))


def preview_policy(
    governance: Governance, moment: Moment, *, draft: OnRecord = "", text: OrText = ""
) -> Preview:
    """Show what a draft or a file would change over the whole inventory.

    Raises
    ------
    BadInput, NotFound
        The text is no sound policy, or drops a class that initiatives are in; there is no such draft.

    Notes
    -----
    The whole inventory is decided by it as if it were in force, beside the policy in force.
    """
    before = governance.policy(moment)
    after = read_text_of(governance, moment, draft=draft, text=text)
    lost = set(before.class_order) - set(after.class_order)
    if lost:
        raise BadInput(
            f"the draft has no class '{', '.join(sorted(lost))}', and initiatives may be in it",
            where="classes",
            remedy="Keep the class until nothing is in it.",
        )
    found = lake.preview(governance.store, before, after, moment, most=MOST)
    titles = _titles(before) | _titles(after)
    fallen = [{**row, "class_title": after.class_title(row["class_id"])} for row in found["fallen"]]
    gates = {gate.id: gate.title for gate in after.gates}
    reopened = [{**row, "gate_title": gates[row["gate"]]} for row in found["reopened"]]
    totals = {key: int(value or 0) for key, value in found["totals"][0].items()}
    return Preview(
        before.version,
        after.version,
        totals,
        [{**row, "title": titles.get(row["requirement"], row["requirement"])} for row in found["work"]],
        [{**row, "title": titles.get(row["requirement"], row["requirement"])} for row in found["spared"]],
        fallen,
        reopened,
        int(found["reopened"][0]["of_all"]) if found["reopened"] else 0,
        _reclassified(governance, after, moment),
        len(fallen) == MOST or len(reopened) == MOST,
    )


def _titles(policy: Policy) -> dict[str, str]:
    return {r.id: r.title for c in policy.classes for r in requirements_of(policy, c.id)}


def _reclassified(governance: Governance, after: Policy, moment: Moment) -> Rows:
    """Every set of answers is classified once, however many initiatives gave it."""
    moves: dict[tuple[str, str], int] = {}
    for group in lake.answer_groups(governance.store, moment):
        answers = {question: tuple(options) for question, options in json.loads(group["answers"]).items()}
        try:
            led_to = classify(after, answers).class_id
        except BadInput:  # a question or an answer that the draft does not have
            led_to = ""
        if led_to != group["class_id"]:
            key = (group["class_id"], led_to)
            moves[key] = moves.get(key, 0) + int(group["initiatives"])
    return [
        {
            "from_title": after.class_title(old),
            "to_title": after.class_title(new) if new else "cannot be told: an answer is missing",
            "initiatives": count,
        }
        for (old, new), count in sorted(moves.items(), key=lambda item: -item[1])
    ]
