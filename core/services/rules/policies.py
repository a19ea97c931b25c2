"""The policy as a governed thing: drafted, reviewed by somebody else, and only then put in force."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from core.connectors.policy_file import parse_policy, parse_recorded_policy
from core.domain.chain import Fact
from core.domain.commands import DraftPolicy, PublishPolicy, ReviewPolicy
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.lake.process import policy_drafts as lake
from core.services.governance import Governance

POLICY = "policy"
"""Subject of every entry on drafts, so that two people deciding at once are told apart."""


def draft_policy(governance: Governance, command: DraftPolicy) -> str:
    """Put a draft on record, to be compared, previewed and reviewed; return its name.

    Raises
    ------
    Forbidden
        The actor may not draft policies.
    BadInput
        The text is no sound policy: every fault with its line.
    Conflict
        The text is the one in force, or its version was published before.
    """
    governance.roles.require(command.actor, command.may)
    policy = parse_policy(command.text, governance.roles, name=command.name)

    def drafted(moment: Moment) -> list[Fact]:
        return [_drafted(governance, command, policy, moment)]

    (fact,) = governance.store.append_next(drafted, actor=command.actor.id, at=command.at)
    return str(fact.rows[0]["draft"])


def _drafted(governance: Governance, command: DraftPolicy, policy: Policy, moment: Moment) -> Fact:
    if lake.published_version(governance.store, policy.version, moment):
        raise Conflict(
            f"policy version '{policy.version}' was published before",
            where=command.name,
            remedy="Give the new text a new version; a published one never changes.",
        )
    row = {
        "draft": f"P{len(lake.drafts(governance.store, moment)) + 1}",
        "state": "drafted",
        "version": policy.version,
        "base_version": governance.policy(moment).version,
        "title": policy.title,
        "sha256": hashlib.sha256(command.text.encode()).hexdigest(),
        "text": command.text,
        "note": command.note,
    }
    return Fact("policy_drafted", POLICY, "policy_draft", (row,))


def review_policy(governance: Governance, command: ReviewPolicy) -> None:
    """Approve or reject a draft; never one's own.

    Raises
    ------
    Forbidden
        The actor may not review, or wrote the draft.
    NotFound, Conflict
        No such draft; it was reviewed before.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    known = require_draft(governance, command.draft, moment)
    if command.actor.id == known["drafted_by"]:
        raise Forbidden(
            "nobody reviews a policy that they drafted", where=command.draft, remedy="Ask somebody else."
        )
    if known["state"] != "drafted":
        raise Conflict(
            f"draft {command.draft} was {known['state']} by {known['actor_name']}",
            remedy="The first decision stands; draft it again.",
        )
    row = {**_kept(governance, known), "state": command.outcome, "note": command.note}
    _append(governance, f"policy_{command.outcome}", row, command.actor.id, command.at, moment)


def publish_policy(governance: Governance, command: PublishPolicy) -> Policy:
    """Put an approved draft in force; a published version never changes.

    Raises
    ------
    Forbidden, NotFound
        The actor may not publish; no such draft.
    Conflict
        It is not approved, or the policy in force is not the one it was drafted against.
    BadInput
        It no longer fits the roles as configured.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    known = require_draft(governance, command.draft, moment)
    if known["state"] != "approved":
        raise Conflict(
            f"draft {command.draft} is {known['state']}, not approved",
            remedy="Let somebody who did not draft it review it first.",
        )
    in_force = governance.policy(moment).version
    if known["base_version"] != in_force:
        raise Conflict(
            f"draft {command.draft} was made against {known['base_version']}, and {in_force} holds now",
            remedy="Draft it again, and look at its preview.",
        )
    policy = parse_recorded_policy(known["text"], governance.roles, name=f"draft {command.draft}")
    row = {**_kept(governance, known), "state": "published", "note": ""}
    facts = [
        Fact("policy_draft_published", POLICY, "policy_draft", (row,)),
        policy_fact(policy, known["text"]),
    ]
    governance.store.append(facts, actor=command.actor.id, at=command.at, unchanged={POLICY: moment.seq})
    return policy


def require_draft(governance: Governance, draft: str, moment: Moment) -> dict[str, Any]:
    """A draft as it stands.

    Raises
    ------
    NotFound
        There is no such draft.
    """
    for row in lake.drafts(governance.store, moment):
        if row["draft"] == draft:
            return row
    raise NotFound(
        f"there is no policy draft '{draft[:40]}'", remedy="'governance policy drafts' lists those there are."
    )


def policy_drafts(governance: Governance, moment: Moment) -> list[dict[str, Any]]:
    """List the drafts, newest first."""
    rows = lake.drafts(governance.store, moment)
    return [{key: row[key] for key in row if key != "text"} for row in reversed(rows)]


def read_text_of(governance: Governance, moment: Moment, *, draft: str = "", text: str = "") -> Policy:
    """The policy of a draft on record, or of a text that is none yet.

    Raises
    ------
    BadInput
        Neither or both are given, or the text is no sound policy.
    NotFound
        There is no such draft.
    """
    if bool(draft) == bool(text):
        raise BadInput("name a draft or give a policy file", where="policy", remedy="Give one of the two.")
    if draft:
        recorded = require_draft(governance, draft, moment)["text"]
        return parse_recorded_policy(recorded, governance.roles, name=f"draft {draft}")
    return parse_policy(text, governance.roles, name="policy file")


def policy_fact(policy: Policy, text: str) -> Fact:
    """The fact that a policy was published."""
    row = {
        "version": policy.version,
        "title": policy.title,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "text": text,
    }
    return Fact("policy_published", f"policy-{policy.version}", "policy", (row,), first=True)


def _kept(governance: Governance, known: dict[str, Any]) -> dict[str, Any]:
    return {column: known[column] for column in governance.store.columns["policy_draft"]}


def _append(
    governance: Governance, action: str, row: dict[str, Any], actor: str, at: datetime, moment: Moment
) -> None:
    fact = Fact(action, POLICY, "policy_draft", (row,))
    governance.store.append([fact], actor=actor, at=at, unchanged={POLICY: moment.seq})
