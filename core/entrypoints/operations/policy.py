"""Operations on the policy: draft, compare, preview, review, publish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.commands import DraftPolicy, PublishPolicy, ReviewPolicy, make
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, AsOfParameters, Parameters
from core.entrypoints.operations.results import moment_result
from core.services.plain import plain
from core.services.rules.policies import draft_policy, policy_drafts, publish_policy, review_policy
from core.services.rules.policy_changes import compare_policy, preview_policy


class PolicyToDraft(Parameters):
    """A policy's text, the file's name for messages, and why it is to change."""

    text: str
    name: str = "policy.yaml"
    note: str = ""


class DraftToReview(Parameters):
    """A draft to approve or reject, and why."""

    draft: str
    outcome: str
    note: str


class DraftToPublish(Parameters):
    """An approved draft to put in force."""

    draft: str


class PolicyToWeigh(Parameters):
    """A draft on record, or a text that is none yet."""

    draft: str = ""
    text: str = ""
    as_of: AsOf = ""


def _draft(call: Call, asked: PolicyToDraft) -> Any:
    draft = draft_policy(call.governance, make(DraftPolicy, **call.origin, **asked.model_dump()))
    return {"draft": draft}


def _review(call: Call, asked: DraftToReview) -> Any:
    review_policy(call.governance, make(ReviewPolicy, **call.origin, **asked.model_dump()))
    return asked.model_dump()


def _publish(call: Call, asked: DraftToPublish) -> Any:
    policy = publish_policy(call.governance, make(PublishPolicy, **call.origin, **asked.model_dump()))
    return {"version": policy.version, "title": policy.title}


def _drafts(call: Call, asked: AsOfParameters) -> Any:
    moment = call.moment(asked.as_of)
    return {"moment": moment_result(moment), "drafts": policy_drafts(call.governance, moment)}


def _compare(call: Call, asked: PolicyToWeigh) -> Any:
    moment = call.moment(asked.as_of)
    found = compare_policy(call.governance, moment, draft=asked.draft, text=asked.text)
    return {"moment": moment_result(moment), **plain(found)}


def _preview(call: Call, asked: PolicyToWeigh) -> Any:
    moment = call.moment(asked.as_of)
    found = preview_policy(call.governance, moment, draft=asked.draft, text=asked.text)
    return {"moment": moment_result(moment), **plain(found)}


OPERATIONS: Mapping[str, Operation] = {
    "draft_policy": Operation(PolicyToDraft, _draft),
    "review_policy": Operation(DraftToReview, _review),
    "publish_policy": Operation(DraftToPublish, _publish),
    "list_policy_drafts": Operation(AsOfParameters, _drafts),
    "compare_policy": Operation(PolicyToWeigh, _compare),
    "preview_policy": Operation(PolicyToWeigh, _preview),
}
