"""Who acts, and what each role may do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from core.domain.errors import Forbidden, refusal
from core.ground import Checked


class Actor(Checked):
    """A person or a pipeline that gives commands.

    `id` is what the record keeps; name, team and roles live in the directory beside it.
    """

    id: str
    name: str
    team: str = ""
    title: str = ""
    roles: tuple[str, ...] = ()


class Role(Checked):
    """A column of the responsibility matrix (Figure 8-4) and the actions it may take.

    `on` says on whose initiatives: those that somebody has a tie to (owns, builds, shares the team of, was
    given work on), or all.
    """

    id: str
    title: str
    on: Literal["own", "all"] = "own"
    may: tuple[str, ...]


ACTIONS: dict[str, str] = {
    "register_initiative": "register an initiative",
    "register_model_version": "register a model version",
    "promote_version": "make a version the current one",
    "retire_version": "retire a model version",
    "record_lineage": "record data and its use",
    "mark_data": "mark data as bad or clear it",
    "write_document": "write in a model card or technical file",
    "submit_evidence": "submit evidence",
    "run_checks": "run checks",
    "decide_gate": "ask for a gate decision",
    "override_classification": "override a classification",
    "request_sign_off": "ask for a sign-off",
    "give_feedback": "give feedback on a sign-off",
    "sign_gate": "sign at a gate",
    "delegate_sign_off": "delegate signatures",
    "raise_finding": "raise a finding",
    "resolve_finding": "say that a finding is mended",
    "verify_finding": "verify that a finding is mended",
    "request_waiver": "ask for a waiver",
    "decide_waiver": "grant or refuse a waiver",
    "pull_model": "pull a model out of production",
    "add_predictions": "add prediction batches",
    "refresh_monitoring": "refresh monitoring estimates",
    "explain_model": "explain a model",
    "define_business_kpi": "set a business KPI",
    "observe_business_kpi": "record what a business KPI achieved",
    "draft_policy": "draft a policy",
    "review_policy": "review a policy",
    "publish_policy": "publish a policy",
    "publish_ethics": "publish an ethical position",
    "propose_configuration": "propose a file of the configuration",
    "answer_proposal": "agree to what somebody proposed, or decline it",
    "withdraw_proposal": "take back a proposal",
    "settle_right": "say how a data subject's right is answered",
    "record_regions": "say where the people concerned live",
    "manage_directory": "change the directory of people",
    "sign_checkpoint": "sign a checkpoint of the record",
    "export_audit_pack": "export an audit pack",
    "purge_evidence": "have an evidence file forgotten",
    "assign_task": "give a task to somebody",
    "offer_hand_off": "hand work over",
    "answer_hand_off": "accept or return work",
    "write_comment": "comment on an initiative",
    "attest_training": "attest a training",
}
"""Every command with a permission rule; a test holds the services equal to it."""


class Roles(Checked):
    """All roles, from `config/roles.yaml`."""

    roles: tuple[Role, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_actions(self) -> Roles:
        seen: set[str] = set()
        for place, role in enumerate(self.roles):
            if role.id in seen:
                raise refusal(
                    ("roles", place, "id"), f"role '{role.id}' is listed twice", "Keep one of them."
                )
            seen.add(role.id)
            for i, action in enumerate(role.may):
                if action not in ACTIONS:
                    what = f"'{action}' is no known action"
                    raise refusal(("roles", place, "may", i), what, f"Use one of: {', '.join(ACTIONS)}.")
        return self

    def title(self, role_id: str) -> str:
        """Name of a role as people read it."""
        return next((role.title for role in self.roles if role.id == role_id), role_id)

    def allowed_roles(self, action: str) -> tuple[str, ...]:
        """Ids of the roles that may take `action`, in the file's order."""
        return tuple(role.id for role in self.roles if action in role.may)

    def on_all(self, actor: Actor, action: str) -> bool:
        """Whether a role of the actor lets them take `action` on every initiative, not only on their own."""
        return any(role.on == "all" and action in role.may for role in self.roles if role.id in actor.roles)

    def require(self, actor: Actor, action: str) -> None:
        """Let `actor` pass, or say who may."""
        allowed = self.allowed_roles(action)
        if not set(actor.roles) & set(allowed):
            titles = ", ".join(self.title(role) for role in allowed) or "nobody"
            raise Forbidden(
                f"{actor.name or actor.id} may not {ACTIONS.get(action, action)}",
                remedy=f"Ask one of these roles: {titles}.",
            )
