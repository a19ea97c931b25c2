"""Who acts, and from which moment the record is read."""

from __future__ import annotations

import getpass
from datetime import UTC, date, datetime, time
from pathlib import Path

from core.domain.actors import Actor
from core.domain.errors import BadInput, Forbidden
from core.domain.moment import Moment
from core.services.founding import local_user
from core.services.governance import Governance

PIPELINE = Actor(id="pipeline", name="Build pipeline", roles=("pipeline",))


def login_name() -> str:
    """The name of the user of this machine.

    Raises
    ------
    BadInput
        The machine does not know one.
    """
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
    """Who acts: somebody by id, or by name or title where only one has it; the pipeline where none is named.

    Raises
    ------
    Forbidden
        Nobody, or more than one, is called so.
    """
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


def read_moment(governance: Governance, now: datetime, as_of: str) -> Moment:
    """The moment to read from: now, the end of a past UTC day, or a past UTC time.

    Raises
    ------
    BadInput
        Not a day or a UTC time, in the future, or before the record begins.
    """
    present = governance.present(now)
    at = _past_time(as_of.strip(), present.at) if as_of else present.at
    if at == present.at:
        return present
    moment = governance.moment(at)
    if moment.seq == 0:
        raise BadInput(f"the record begins after {as_of[:40]}", where="as of", remedy="Choose a later day.")
    return moment


def _past_time(text: str, now: datetime) -> datetime:
    try:
        if len(text) == len("2026-03-31"):
            day = date.fromisoformat(text)
            at = min(datetime.combine(day, time.max, tzinfo=UTC), now) if day <= now.date() else None
        else:
            at = datetime.fromisoformat(text)
    except ValueError:
        raise _not_a_time(text) from None
    if at is None or (at.utcoffset() is not None and at > now):
        raise BadInput(
            f"{text[:40]} lies in the future",
            where="as of",
            remedy="Only what has been recorded can be read.",
        )
    if at.utcoffset() != UTC.utcoffset(None):
        raise _not_a_time(text)
    return at.replace(tzinfo=UTC)


def _not_a_time(text: str) -> BadInput:
    return BadInput(
        f"'{text[:40]}' is neither a day nor a UTC time",
        where="as of",
        remedy="Write it like 2026-03-31 or 2026-03-31T12:00:00Z.",
    )
