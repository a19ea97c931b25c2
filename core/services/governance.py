"""The one place that wires everything: the store, the rules in force, and the files beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from core.connectors.config_files import read_ethics, read_kpis, read_leaderboard, read_raci, read_roles
from core.connectors.policy_file import parse_policy
from core.connectors.settings import Settings
from core.domain.actors import Actor, Roles
from core.domain.errors import NotFound
from core.domain.ethics import Ethics
from core.domain.kpis import Kpis
from core.domain.leaderboard import Leaderboard
from core.domain.moment import Moment
from core.domain.policy import Policy
from core.domain.raci import Raci
from core.lake import directory
from core.lake.record_entries import policy_in_force, store_kind
from core.lake.store import Store, open_store


@dataclass(frozen=True, eq=False)  # one open store is itself and nothing else
class Governance:
    """What every use case needs; opened once per process.

    The policy is not here but in the record: ask `policy(moment)` for the one in force.
    """

    store: Store
    roles: Roles
    raci: Raci
    ethics: Ethics
    kpis: Kpis
    leaderboard: Leaderboard

    def moment(self, at: datetime) -> Moment:
        """What was on record up to `at` (UTC), seen from `at`."""
        return self.store.moment(at)

    def policy(self, moment: Moment) -> Policy:
        """The policy in force at a moment.

        Raises
        ------
        NotFound
            The record did not begin until later.
        """
        return _policy(self.store, self.roles, moment.seq)

    @property
    def founded(self) -> bool:
        """Whether the store has its first entry."""
        return store_kind(self.store) is not None

    @property
    def demo(self) -> bool:
        """Whether the store holds the demo organisation."""
        kind = store_kind(self.store)
        return bool(kind and kind["demo"])

    def personas(self) -> list[Actor]:
        """The demo's stand-ins for a login; empty elsewhere."""
        return directory.people(self.store, personas_only=True)

    def people(self) -> list[Actor]:
        """Everybody in the directory, by name."""
        return directory.people(self.store)

    def person(self, actor_id: str) -> Actor:
        """Somebody of the directory.

        Raises
        ------
        NotFound
            Nobody has this id.
        """
        found = directory.person(self.store, actor_id)
        if found is None:
            raise NotFound(
                f"nobody is called '{actor_id}'", where="directory", remedy="Use a known person's id."
            )
        return found

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()


def open_governance(settings: Settings) -> Governance:
    """Open the store and read the files beside it.

    Raises
    ------
    GovernanceError
        The store is held or damaged, or a file of the configuration is wrong.
    """
    return wire(open_store(settings.store), settings.config)


def wire(store: Store, config: Path) -> Governance:
    """Join an open store with the files in `config`."""
    return Governance(
        store=store,
        roles=read_roles(config / "roles.yaml"),
        raci=read_raci(config / "raci.yaml"),
        ethics=read_ethics(config / "ethics.yaml"),
        kpis=read_kpis(config / "kpis.yaml"),
        leaderboard=read_leaderboard(config / "leaderboard.yaml"),
    )


@lru_cache(maxsize=64)
def _policy(store: Store, roles: Roles, seq: int) -> Policy:
    published = policy_in_force(store, seq)
    if published is None:  # an exception is not remembered: the next question looks again
        raise _before_the_record(store)
    return _parsed(published["text"], roles, f"policy {published['version']}")


def _before_the_record(store: Store) -> NotFound:
    """The answer to a moment at which there was no record yet."""
    kind = store_kind(store)
    if kind is None:
        remedy = "Found the store first: run 'governance serve' or 'governance demo'."
        return NotFound("the store is empty", remedy=remedy)
    return NotFound(
        f"the record begins on {kind['recorded_at']:%Y-%m-%d}", remedy="Choose that day or a later one."
    )


@lru_cache(maxsize=32)
def _parsed(text: str, roles: Roles, name: str) -> Policy:
    """Published policies never change, so each text is parsed once."""
    return parse_policy(text, roles, name=name)
