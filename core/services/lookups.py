"""Looking an initiative up, and asking beforehand whether somebody may do something with it."""

from __future__ import annotations

from core.domain.actors import Actor
from core.domain.errors import Forbidden, NotFound
from core.domain.moment import Moment
from core.domain.policy.policy import Measure
from core.domain.process.facts import InitiativeFacts, Registration
from core.lake.process import initiatives as lake
from core.services.governance import Governance


def registered(governance: Governance, initiative: str, moment: Moment) -> Registration:
    """What is registered of an initiative."""
    known = lake.registration(governance.store, initiative, moment)
    if known is None:
        raise _unknown(initiative, moment)
    return known


def facts_of(governance: Governance, initiative: str, moment: Moment) -> InitiativeFacts:
    """What rules need of an initiative."""
    known = lake.initiative_facts(governance.store, initiative, moment)
    if known is None:
        raise _unknown(initiative, moment)
    return known


def _unknown(initiative: str, moment: Moment) -> NotFound:
    return NotFound(
        f"no initiative '{initiative[:80]}' is registered",
        where=f"as of {moment.day}",
        remedy="The inventory lists them (governance list).",
    )


def require_independent(actor: str, initiative: Registration, doing: str) -> None:
    """Refuse those who own or build an initiative where independence is asked for."""
    if actor in (initiative.owner, initiative.builder):
        raise Forbidden(
            f"whoever owns or builds an initiative may not {doing} it",
            where=initiative.initiative,
            remedy="Ask somebody who neither owns nor builds it.",
        )


def version_named_or_current(governance: Governance, initiative: str, named: str, moment: Moment) -> str:
    """The version named, or the current one.

    Raises
    ------
    NotFound
        No such initiative, or none of its versions counts now.
    """
    if named:
        return named
    current = facts_of(governance, initiative, moment).version
    if current is None:
        raise NotFound(
            f"{initiative} has no model version that counts now",
            remedy="Name one with --version, or register one with 'governance version add'.",
        )
    return current


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
