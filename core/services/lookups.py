"""Looking an initiative up, and refusing those who are not independent of it."""

from __future__ import annotations

from core.domain.errors import Forbidden, NotFound
from core.domain.moment import Moment
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
