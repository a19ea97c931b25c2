"""What a policy would change: compared with the one in force, and previewed over the whole inventory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from core.domain.errors import BadInput
from core.domain.given import TextOf, argument
from core.domain.moment import Moment
from core.domain.policy.classification import classify
from core.domain.policy.policy import Policy
from core.domain.policy.policy_changes import Effects, PolicyChange, policy_changes
from core.lake.process import policy_preview as lake
from core.services.governance import Governance
from core.services.rules.policies import read_text_of

MOST = 200
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
class Reclassified:
    """Initiatives whose answers would lead to another class; they stay until they are classified again."""

    from_title: str
    to_title: str
    initiatives: int


@dataclass(frozen=True, kw_only=True)
class Preview(Effects):
    """What putting a policy in force would do on the moment's day; `cut` says whether the lists are cut."""

    before: str
    after: str
    reopened_total: int
    reclassified: tuple[Reclassified, ...]
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
    return Preview(
        **vars(found),
        before=before.version,
        after=after.version,
        reopened_total=found.reopened[0].of_all if found.reopened else 0,
        reclassified=_reclassified(governance, after, moment),
        cut=MOST in (len(found.fallen), len(found.reopened)),
    )


def _reclassified(governance: Governance, after: Policy, moment: Moment) -> tuple[Reclassified, ...]:
    """Every set of answers is classified once, however many initiatives gave it."""
    moves: Counter[tuple[str, str]] = Counter()
    for answers, class_id, initiatives in lake.answer_groups(governance.store, moment):
        try:
            led_to = classify(after, answers).class_id
        except BadInput:  # a question or an answer that the draft does not have
            led_to = ""
        if led_to != class_id:
            moves[class_id, led_to] += initiatives
    return tuple(
        Reclassified(
            after.class_title(old),
            after.class_title(new) if new else "cannot be told: an answer is missing",
            count,
        )
        for (old, new), count in moves.most_common()
    )
