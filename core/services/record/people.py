"""The directory of people, beside the record, which holds their ids only; and how a store is founded."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from core.connectors.config_files import read_ethics, read_policy
from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.commands import Command, Name
from core.domain.errors import BadInput, Conflict
from core.domain.facts.record import StoreCreated
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import PublishedEthics, PublishedPolicy
from core.domain.given import argument, option
from core.lake.directory import put_person
from core.services.governance import Governance
from core.services.rules.policies import publication


class AddPerson(Command, may="manage_directory"):
    """Add somebody to the directory, or replace what is known of them."""

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
    """Add somebody to the directory, so that they can own, build or act; team and roles go on record."""
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


def found_store(governance: Governance, config: Path, founder: Actor, at: datetime, *, demo: bool) -> None:
    """Found an empty store with the shipped policy and ethical position.

    The founder becomes the first person in its directory.

    Raises
    ------
    Conflict
        The store was founded before.
    BadInput
        The shipped policy or position is wrong; nothing is stored.
    """
    policy, text = read_policy(config / "policy.yaml", governance.roles)
    ethics, position = read_ethics(config / "ethics.yaml", policy)
    created = StoreCreated(store="demo organisation" if demo else "governance", demo=demo)
    facts = [
        entry_of("store_created", created, first=True),
        publication(PublishedPolicy, policy, text),
        publication(PublishedEthics, ethics, position),
    ]
    try:
        governance.store.append(facts, actor=founder.id, at=at)
    except Conflict as error:
        raise Conflict("the store was founded before", remedy="Choose an empty folder.") from error
    put_person(governance.store, founder)


def local_user(governance: Governance, login: str, at: datetime, config: Path) -> Actor:
    """The person at this machine, who administers a store of their own; founds the store if it is empty.

    Login comes later; until then a store that is no demo is served on this machine only, to its owner.
    """
    actor = Actor(id=login, name=login, title="Local user", team="", roles=("administrator",))
    if not governance.founded:
        found_store(governance, config, actor, at, demo=False)
    known = {person.id: person for person in governance.people()}
    if login not in known:
        put_person(governance.store, actor)
    return known.get(login, actor)
