"""The directory of people, beside the record, which holds their ids only; and how a store is founded."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from core.connectors.config_files import read_ethics, read_policy
from core.domain.actors import Actor, Roles
from core.domain.chain import Fact
from core.domain.commands import Command, Name
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.facts.record import Membership, StoreCreated
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import PublishedEthics, PublishedPolicy
from core.domain.given import argument, option
from core.lake import directory
from core.lake.store import Beside, Cursor
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.rules.configuration import first_versions
from core.services.rules.policies import publication

PIPELINE = Actor(id="pipeline", name="Build pipeline", roles=("pipeline",))


def login_name() -> str:
    """The name of the user of this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise BadInput(
            "this machine does not say who you are", remedy="Set GOVERNANCE_ACTOR to your name."
        ) from error


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


class AddPerson(Command, may="manage_directory"):
    """Add somebody to the directory, or replace what is known of them."""

    person: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9][a-z0-9.\-]*$", max_length=64),
        Field(description="Lower-case id, such as ada.lovelace."),
        argument("ID"),
    ]
    name: Annotated[Name | Literal[""], Field(description="What they are called; empty leaves it.")] = ""
    team: Annotated[str, Field(description="Their team.")] = ""
    title: Annotated[str, Field(description="What they are.")] = ""
    roles: Annotated[
        tuple[str, ...],
        Field(description="A role by id; repeat for more."),
        option("--role"),
    ] = ()


@dataclass(frozen=True)
class Added:
    """Somebody of the directory as asked for; where roles that sign wait for a second word, the proposal."""

    person: Actor
    proposal: str = ""


def add_person(governance: Governance, command: AddPerson) -> Added:
    """Add somebody to the directory, so that they can own, build or act; team and roles go on record.

    A role that signs is given by two people, and so are a role and team of one's own: it is proposed, and
    somebody else agrees. Those who agree first are named when the store is founded, or come with the
    groups of their login.

    Raises
    ------
    Forbidden, BadInput, Conflict
        The actor may not, or asks alone for what takes two; there is no such role, or somebody new has no
        name; the same is proposed already. Nothing is stored.
    """
    case = begin(governance, command)
    roles, known = case.rules.roles, directory.person(governance.store, command.person)
    person = _as_asked(roles, command, known)
    own, held = person.id == case.actor, known or Actor(id=person.id, name="")
    gained = [
        role for role in person.roles if role not in held.roles and (own or role in signing_roles(roles))
    ]
    moved = own and person.team != held.team
    if not (gained or moved):
        fact, beside = introduced(person)
        case.append([fact], beside=beside)
        return Added(person)
    reviewers = roles.allowed_roles("review_policy")
    others = [one for one in governance.people() if one.id not in (case.actor, person.id)]
    if not any(set(one.roles) & set(reviewers) for one in others):
        raise Forbidden(
            "a role that signs, and any role or team of one's own, is given by two people, and nobody else "
            "here could agree",
            where=person.id,
            remedy="The first are named when the store is founded, or have it by a group of their login.",
        )
    rest = tuple(role for role in person.roles if role not in gained)
    at_once = person.model_copy(update={"roles": rest, "team": held.team if own else person.team})
    said = [f"{person.id} gets: {', '.join(map(roles.title, gained))}."] if gained else []
    said += [f"{person.id} moves to {person.team or 'no team'}."] if moved else []
    proposal = case.propose("add_person", person.id, said, reviewers, now=introduced(at_once), beside=NAMED)
    return Added(at_once, proposal)


NAMED = ("name", "title")
"""Fields that say what somebody is called: they stand beside the record, never in it."""


def give_roles(case: Case, asked: AddPerson) -> Fact:
    """The entry that gives somebody the team and roles that were proposed."""
    known = directory.person(case.governance.store, asked.person)
    return membership_of(_as_asked(case.rules.roles, asked, known))


def membership_of(person: Actor, name_sha256: str = "") -> Fact:
    """The entry that says in which team somebody is from then on, with which roles, and holds their name."""
    said = Membership(person=person.id, team=person.team, roles=person.roles, name_sha256=name_sha256)
    return entry_of("membership_recorded", said)


def introduced(person: Actor) -> tuple[Fact, Beside]:
    """The entry that says where somebody belongs, and what writes their name beside it."""
    digest, beside = directory.introducing(person)
    return membership_of(person, digest), beside


def require_roles(roles: Roles, asked: Iterable[str]) -> None:
    """Refuse what is no role."""
    known = [role.id for role in roles.roles]
    for role in asked:
        if role not in known:
            raise BadInput(f"'{role[:40]}' is no role", where="roles", remedy=f"Use: {', '.join(known)}.")


def _as_asked(roles: Roles, asked: AddPerson, known: Actor | None) -> Actor:
    """Somebody as they are to be; without a name given, they keep name and title."""
    require_roles(roles, asked.roles)
    if not asked.name and known is None:
        raise BadInput("somebody new has a name", where="name", remedy="Say what they are called.")
    kept = known if known and not asked.name else None
    name, title = (kept.name, asked.title or kept.title) if kept else (asked.name, asked.title)
    return Actor(id=asked.person, name=name, team=asked.team, title=title, roles=asked.roles)


def signing_roles(roles: Roles) -> frozenset[str]:
    """Roles whose word opens or loosens something alone or with others: they sign, waive or review rules."""
    acts = ("sign_gate", "decide_waiver", "review_policy", "override_classification", "manage_directory")
    return frozenset(role for act in acts for role in roles.allowed_roles(act))


def found_store(
    governance: Governance,
    config: Path,
    founder: Actor,
    at: datetime,
    *,
    demo: bool,
    first: Sequence[tuple[Fact, Beside | None]] = (),
    credential: str = "",
) -> None:
    """Found an empty store with the shipped policy, ethical position and files of the configuration.

    The founder becomes the first person in its directory.

    Parameters
    ----------
    first
        What else comes on record with the founding, all or none: each entry, and what it writes beside it.

    Raises
    ------
    Conflict
        The store was founded before.
    BadInput
        A shipped file is wrong; nothing is stored.
    """
    rules = governance.rules(governance.present(at))
    policy, text = read_policy(config / "policy.yaml", rules.roles)
    ethics, position = read_ethics(config / "ethics.yaml", policy)
    created = StoreCreated(store="demo organisation" if demo else "governance", demo=demo)
    founding = [
        entry_of("store_created", created, first=True),
        publication(PublishedPolicy, policy, text),
        publication(PublishedEthics, ethics, position),
        first_versions(config, rules, policy, ethics),
        *(fact for fact, _ in first),
    ]

    def beside(cursor: Cursor) -> None:
        for write in (directory.entering(founder), *(write for _, write in first if write)):
            write(cursor)

    try:
        store = governance.store
        store.append(founding, actor=founder.id, at=at, credential=credential, beside=beside)
    except Conflict as error:
        raise Conflict("the store was founded before", remedy="Choose an empty folder.") from error
