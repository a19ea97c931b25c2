"""The policy as a governed thing: drafted, reviewed by somebody else, and only then put in force."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from core.connectors.config_files import parse_policy, parse_recorded_policy
from core.domain.chain import Fact
from core.domain.commands import DraftPolicy, PublishPolicy, ReviewPolicy
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.recorded import Signed, entry_of, named
from core.domain.facts.rules import PolicyDraft, PublishedPolicy
from core.domain.life_cycles import DRAFT
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.lake import directory
from core.lake.facts import history, latest, newest_of
from core.services.case import Case, begin
from core.services.governance import Governance


@dataclass(frozen=True, kw_only=True)
class DraftLine(Signed, PolicyDraft):
    """A draft as people read it: `why` is what its author noted."""

    drafted_by: str
    drafted_by_name: str
    drafted_at: datetime
    why: str


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
    case = begin(governance, command)
    policy = parse_policy(command.text, governance.roles, name=command.name)
    return case.put_next("policy_drafted", lambda now: _drafted(now, command, policy)).draft


def _drafted(case: Case, command: DraftPolicy, policy: Policy) -> PolicyDraft:
    if latest(case.governance.store, PublishedPolicy, case.moment, version=policy.version):
        raise Conflict(
            f"policy version '{policy.version}' was published before",
            where=command.name,
            remedy="Give the new text a new version; a published one never changes.",
        )
    return PolicyDraft(
        draft=case.next_name(PolicyDraft, "P"),
        state="drafted",
        version=policy.version,
        base_version=case.policy.version,
        title=policy.title,
        sha256=hashlib.sha256(command.text.encode()).hexdigest(),
        text=command.text,
        note=command.note,
    )


def review_policy(governance: Governance, command: ReviewPolicy) -> None:
    """Approve or reject a draft; never one's own.

    Raises
    ------
    Forbidden
        The actor may not review, or wrote the draft.
    NotFound, Conflict
        No such draft; it was reviewed before.
    """
    case = begin(governance, command)
    draft = require_draft(governance, command.draft, case.moment)
    case.step(DRAFT, command.outcome, draft, note=command.note)


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
    case = begin(governance, command)
    draft, step = require_draft(governance, command.draft, case.moment), DRAFT.to("published")
    case.permit(step, draft, state=draft.state)
    if draft.base_version != case.policy.version:
        raise Conflict(
            f"draft {draft.draft} was made against {draft.base_version}, and {case.policy.version} holds now",
            remedy="Draft it again, and look at its preview.",
        )
    policy = parse_recorded_policy(draft.text, governance.roles, name=f"draft {draft.draft}")
    published = entry_of(step.action, replace(draft, state="published", note=""))
    case.append([published, policy_fact(policy, draft.text)], unchanged=[published.subject])
    return policy


def require_draft(governance: Governance, draft: str, moment: Moment) -> PolicyDraft:
    """A draft as it stands.

    Raises
    ------
    NotFound
        There is no such draft.
    """
    found = latest(governance.store, PolicyDraft, moment, draft=draft)
    if found is None:
        raise NotFound(
            f"there is no policy draft '{draft[:40]}'",
            remedy="'governance policy drafts' lists those there are.",
        )
    return found


def policy_drafts(governance: Governance, moment: Moment) -> list[DraftLine]:
    """List the drafts, newest first."""
    said, names = history(governance.store, PolicyDraft, moment), directory.names(governance.store, moment)
    first = {draft.draft: draft for draft in reversed(said)}
    return [
        named(
            DraftLine,
            draft,
            names,
            drafted_by=first[draft.draft].actor,
            drafted_by_name=names[first[draft.draft].actor],
            drafted_at=first[draft.draft].recorded_at,
            why=first[draft.draft].note,
        )
        for draft in reversed(newest_of(said))
    ]


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
        recorded = require_draft(governance, draft, moment).text
        return parse_recorded_policy(recorded, governance.roles, name=f"draft {draft}")
    return parse_policy(text, governance.roles, name="policy file")


def policy_fact(policy: Policy, text: str) -> Fact:
    """The fact that a policy was published."""
    published = PublishedPolicy(
        version=policy.version,
        title=policy.title,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
    )
    return entry_of("policy_published", published, first=True)
