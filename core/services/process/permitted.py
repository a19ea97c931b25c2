"""Asking beforehand whether somebody may do something, so that pages offer only what would be let through."""

from __future__ import annotations

from core.domain.actors import Actor
from core.domain.errors import Forbidden
from core.domain.policy.policy import Measure
from core.domain.process.facts import Registration
from core.services.governance import Governance
from core.services.lookups import require_independent


def refusal(governance: Governance, actor: Actor, action: str) -> str:
    """Say why an actor may not take an action, or nothing where they may.

    The services decide again when they are asked; this only spares people a form that would be refused.
    """
    try:
        governance.roles.require(actor, action)
    except Forbidden as problem:
        return str(problem)
    return ""


def proof_refusal(governance: Governance, actor: Actor, initiative: Registration, measure: Measure) -> str:
    """Say why an actor may not submit evidence for a measure of an initiative, or nothing where they may."""
    if measure.sign_offs:
        return "Signatures prove this; there is nothing to submit."
    if measure.evidence is None:
        return "Checks prove this by themselves; there is nothing to submit."
    sentence = refusal(governance, actor, "submit_evidence")
    if sentence or not measure.independent:
        return sentence
    if measure.responsible not in actor.roles:
        title = governance.roles.title(measure.responsible)
        return f"Only {title} may prove this, and nobody who owns or builds the initiative."
    try:
        require_independent(actor.id, initiative, "prove an independent measure of")
    except Forbidden:
        return "Somebody who neither owns nor builds the initiative has to prove this."
    return ""


def override_refusal(governance: Governance, actor: Actor, initiative: Registration) -> str:
    """Say why an actor may not override the class of an initiative, or nothing where they may."""
    sentence = refusal(governance, actor, "override_classification")
    if sentence:
        return sentence
    try:
        require_independent(actor.id, initiative, "override the classification of")
    except Forbidden as problem:
        return str(problem)
    return ""
