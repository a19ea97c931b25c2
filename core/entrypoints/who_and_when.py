"""Who acts."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path

from core.domain.actors import Actor
from core.domain.errors import BadInput, Forbidden
from core.services.governance import Governance
from core.services.record.people import local_user

PIPELINE = Actor(id="pipeline", name="Build pipeline", roles=("pipeline",))


def login_name() -> str:
    """The name of the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise BadInput(
            "this machine does not say who you are", remedy="Set GOVERNANCE_ACTOR to your name."
        ) from error


def person_at_the_keyboard(
    governance: Governance, named: str, owner: str, now: datetime, config: Path
) -> Actor:
    """Who acts on the command line: the person named, else the owner of the store, else the pipeline.

    A demo store has no owner: its people are named, and a build pipeline asks where nobody is.

    Raises
    ------
    Forbidden
        Nobody, or more than one, is called so.
    """
    if named or governance.demo:
        return acting_person(governance, named)
    return local_user(governance, owner or login_name(), now, config)


def acting_person(governance: Governance, named: str) -> Actor:
    """Who acts: somebody by id, or by name or title where one alone has it; unnamed, the pipeline."""
    known = governance.people()
    if not named or named == PIPELINE.id:
        return next((person for person in known if person.roles == PIPELINE.roles), PIPELINE)
    sought = named.strip().casefold()
    personas = governance.personas()
    for people, ways in ((known, ("id",)), (personas, ("name", "title")), (known, ("name",))):
        found = [p for p in people if sought in {str(getattr(p, way)).casefold() for way in ways}]
        if len(found) == 1:
            return found[0]
    hint = ", ".join(f"{person.id} ({person.title or person.name})" for person in (personas or known)[:12])
    raise Forbidden(f"nobody is called '{named[:60]}'", where="directory", remedy=f"Choose a person: {hint}.")
