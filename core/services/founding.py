"""The first entries of a store: what it is called, whether it is a demo, and the rules it starts with."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from core.connectors.config_files import read_ethics, read_policy
from core.domain.actors import Actor
from core.domain.errors import Conflict
from core.domain.facts.record import StoreCreated
from core.domain.facts.recorded import entry_of
from core.lake.directory import put_person
from core.services.governance import Governance
from core.services.rules.ethics import ethics_fact
from core.services.rules.policies import policy_fact


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
        policy_fact(policy, text),
        ethics_fact(ethics, position),
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
