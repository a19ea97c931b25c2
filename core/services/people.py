"""The directory of people: beside the record, which holds their ids only."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.commands import Command, Name
from core.domain.errors import BadInput
from core.domain.given import argument, option
from core.lake.directory import put_person
from core.services.governance import Governance


class AddPerson(Command):
    """Add somebody to the directory, or replace what is known of them."""

    may: ClassVar[str] = "manage_directory"

    person: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9.\-]*$", max_length=64),
        Field(description="Lower-case id, such as ada.lovelace."),
        argument("ID"),
    ]
    name: Annotated[Name, Field(description="What they are called.")]
    team: Annotated[str, Field(description="Their team.")] = ""
    title: Annotated[str, Field(description="What they are.")] = ""
    roles: Annotated[
        tuple[str, ...],
        Field(description="A role by id; repeat for more."),
        option("--role"),
    ] = ()


def add_person(governance: Governance, command: AddPerson) -> Actor:
    """Add somebody to the directory, so that they can own, build or act; team and roles go on record.

    Raises
    ------
    Forbidden
        The actor may not change the directory.
    BadInput
        A role that does not exist.
    """
    governance.roles.require(command.actor, command.may)
    known = [role.id for role in governance.roles.roles]
    for role in command.roles:
        if role not in known:
            raise BadInput(f"'{role[:40]}' is no role", where="roles", remedy=f"Use: {', '.join(known)}.")
    actor = Actor(
        id=command.person, name=command.name, team=command.team, title=command.title, roles=command.roles
    )
    put_person(governance.store, actor)
    row = {"person": actor.id, "team": actor.team, "roles": actor.roles}
    fact = Fact("membership_recorded", actor.id, "membership", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)
    return actor
