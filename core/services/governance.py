"""The one place that wires everything: the store, the rules in force, the files beside them, the moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property, lru_cache
from pathlib import Path

from core.connectors.config_files import (
    parse_ethics,
    parse_recorded_policy,
    read_config,
    read_ethics,
    read_frameworks,
    read_policy,
    read_rights,
)
from core.connectors.settings import Settings
from core.domain.actors import Actor, Roles
from core.domain.errors import BadInput, NotFound
from core.domain.facts.rules import PublishedEthics, PublishedPolicy
from core.domain.models.data_quality import DataQuality
from core.domain.moment import Moment
from core.domain.policy.kpis import Kpis, Leaderboard
from core.domain.policy.policy import LiveGates, Policy
from core.domain.rules.ethics import Ethics
from core.domain.rules.frameworks import Frameworks
from core.domain.rules.rights import Rights
from core.domain.work.raci import Guides, Raci
from core.domain.work.training import Trainings
from core.domain.work.work import Work
from core.lake import directory
from core.lake.facts import history, latest
from core.lake.memory import Memory
from core.lake.record.entries import store_kind
from core.lake.store import Store, open_store


@dataclass(frozen=True, eq=False)  # one open store is itself and nothing else
class Governance:
    """What every use case needs; opened once per process.

    Policy and ethical position are not here but in the record: ask `policy(moment)` and `position(moment)`
    for those in force. `ethics` is the position as shipped, which a store without a published one falls
    back on.
    """

    store: Store
    roles: Roles
    raci: Raci
    ethics: Ethics
    kpis: Kpis
    leaderboard: Leaderboard
    data_quality: DataQuality
    work: Work
    trainings: Trainings
    guides: Guides
    config: Path
    signing_key: str = field(default="", repr=False)

    @cached_property
    def frameworks(self) -> Frameworks:
        """Laws, guidance and standards; read when first asked for, as few questions need them.

        Raises
        ------
        BadInput
            The list is wrong, or names what the policy file beside it does not have.
        """
        policy, _ = read_policy(self.config / "policy.yaml", self.roles)
        return read_frameworks(self.config / "frameworks.yaml", policy, self.ethics)

    @cached_property
    def rights(self) -> Rights:
        """The rights of people whose data is used; read when first asked for."""
        policy, _ = read_policy(self.config / "policy.yaml", self.roles)
        return read_rights(self.config / "rights.yaml", policy, self.ethics, self.frameworks)

    @property
    def memory(self) -> Memory:
        """What was answered before."""
        return self.store.memory

    def present(self, clock: datetime) -> Moment:
        """All that is on record, whatever the caller's clock (UTC) says: what a command reads from."""
        return self.store.present(clock)

    def moment(self, at: datetime) -> Moment:
        """What was on record up to `at` (UTC), seen from `at`: how the past is read."""
        return self.store.moment(at)

    def policy(self, moment: Moment) -> Policy:
        """The policy in force at a moment."""
        published = latest(self.store, PublishedPolicy, moment)
        if published is None:
            raise _before_the_record(self.store)
        return _parsed(published.text, self.roles, f"policy {published.version}")

    def live_gates(self, moment: Moment) -> LiveGates:
        """The gate that made live under each policy published so far: a decision counts by its own policy."""
        published = history(self.store, PublishedPolicy, moment)
        return tuple((policy.version, _live_gate(policy.text, policy.version)) for policy in published)

    def position(self, moment: Moment) -> Ethics:
        """The ethical position in force at a moment; the shipped one where none had been published."""
        published = latest(self.store, PublishedEthics, moment)
        if published is None:
            return self.ethics
        return _parsed_ethics(published.text, f"ethical position {published.version}")

    @property
    def founded(self) -> bool:
        """Whether the store has its first entry."""
        return store_kind(self.store) is not None

    @property
    def demo(self) -> bool:
        """Whether the store holds the demo organisation."""
        kind = store_kind(self.store)
        return bool(kind and kind.demo)

    def personas(self) -> list[Actor]:
        """The demo's stand-ins for a login; empty elsewhere."""
        return directory.people(self.store, personas_only=True)

    def people(self) -> list[Actor]:
        """Everybody in the directory, by name."""
        return directory.people(self.store)

    def person(self, actor_id: str) -> Actor:
        """Somebody of the directory."""
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
    key = settings.signing_key.get_secret_value() if settings.signing_key else ""
    return wire(open_store(settings.store), settings.config, signing_key=key)


def wire(store: Store, config: Path, *, signing_key: str = "") -> Governance:
    """Join an open store with the files in `config`; without a signing key the store has one of its own."""
    return Governance(
        store=store,
        roles=read_config(config / "roles.yaml", Roles),
        raci=read_config(config / "raci.yaml", Raci),
        ethics=read_ethics(config / "ethics.yaml")[0],
        kpis=read_config(config / "kpis.yaml", Kpis),
        leaderboard=read_config(config / "leaderboard.yaml", Leaderboard),
        data_quality=read_config(config / "data_quality.yaml", DataQuality),
        work=read_config(config / "work.yaml", Work),
        trainings=read_config(config / "training.yaml", Trainings),
        guides=read_config(config / "guides.yaml", Guides),
        config=config,
        signing_key=signing_key,
    )


def _before_the_record(store: Store) -> NotFound:
    """The answer to a moment at which there was no record yet."""
    kind = store_kind(store)
    if kind is None:
        remedy = "Found the store first: run 'governance serve' or 'governance demo'."
        return NotFound("the store is empty", remedy=remedy)
    return NotFound(
        f"the record begins on {kind.recorded_at:%Y-%m-%d}", remedy="Choose that day or a later one."
    )


@lru_cache(maxsize=32)
def _parsed(text: str, roles: Roles, name: str) -> Policy:
    """A text means the same at every head, so each is parsed once."""
    return parse_recorded_policy(text, roles, name=name)


@lru_cache(maxsize=256)
def _live_gate(text: str, version: str) -> str:
    return parse_recorded_policy(text, None, name=f"policy {version}").live_gate.id


@lru_cache(maxsize=32)
def _parsed_ethics(text: str, name: str) -> Ethics:
    return parse_ethics(text, name=name)


def read_moment(governance: Governance, now: datetime, as_of: str) -> Moment:
    """The moment to read from: now, the end of a past UTC day, or a past UTC time."""
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
