"""The one place that wires everything: the store, the rules in force, the files beside them, the moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from pathlib import Path

from core.connectors.config_files import FILES, Rules, parse_ethics, parse_recorded_policy, read_ethics
from core.connectors.settings import UNSET, Settings, Signing
from core.connectors.yaml_lines import read_text
from core.domain.actors import Actor
from core.domain.commands import Command
from core.domain.errors import BadInput, NotFound
from core.domain.facts.rules import (
    ConfigurationFile,
    PublishedEthics,
    PublishedPolicy,
    R,
    in_force,
    successive,
)
from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates, Policy
from core.domain.rules.ethics import Ethics
from core.lake import directory
from core.lake.facts import history
from core.lake.memory import Memory
from core.lake.record.entries import store_kind
from core.lake.store import Store, open_store


@dataclass(frozen=True)
class Reader:
    """What whoever asks does not get: initiatives that are closed to them, and figures of small groups but on
    `small` (None is all). The house itself gets all.
    """

    hidden: frozenset[str] = frozenset()
    small: frozenset[str] | None = None

    def sees_small_groups(self, initiative: str) -> bool:
        """Whether figures of groups under the minimum size are for them."""
        return self.small is None or initiative in self.small


@dataclass(frozen=True, eq=False)  # one open store is itself and nothing else
class Governance:
    """What every use case needs; opened once per process.

    What decides is not here but in the record: ask `policy(moment)`, `position(moment)` and `rules(moment)`.
    The files in `config` are what is proposed; a store that is not founded yet reads them.
    """

    store: Store
    config: Path
    signing: Signing = UNSET
    reader: Reader = Reader()
    behind: Governance | None = field(default=None, repr=False)
    foreseen: tuple[PublishedPolicy, ...] = ()

    @property
    def whole(self) -> Governance:
        """The same for the house itself: commands are carried out, and figures counted, on all there is."""
        return self.behind or self

    def foreseeing(self, policy: PublishedPolicy) -> Governance:
        """The same record as if one more policy had been published; it is asked apart."""
        behind = self.behind and self.behind.foreseeing(policy)
        return replace(self, foreseen=(policy,), behind=behind)

    @property
    def memory(self) -> Memory:
        """What was answered before."""
        return self._apart if self.foreseen else self.store.memory

    @cached_property
    def _apart(self) -> Memory:
        return Memory()

    def present(self, clock: datetime) -> Moment:
        """All that is on record, whatever the caller's clock (UTC) says: what a command reads from."""
        return self.store.present(clock)

    def moment(self, at: datetime) -> Moment:
        """What was on record up to `at` (UTC), seen from `at`: how the past is read."""
        return self.store.moment(at)

    def published(self, kind: type[R], moment: Moment) -> R | None:
        """Of policies or positions, the one in force at a moment; None where there was none."""
        return in_force(history(self.store, kind, moment), moment.day)

    def policy(self, moment: Moment) -> Policy:
        """The policy in force at a moment; it knows those that held before, and the ethical position."""
        held = successive((*history(self.store, PublishedPolicy, moment), *self.foreseen))
        found = tuple((one.text, one.version, one.since) for one in held if one.since <= moment.day)
        if not found:
            raise _before_the_record(self.store)
        position = self.published(PublishedEthics, moment)
        return _policy_of(found, position.text if position else "")

    def rules(self, moment: Moment) -> Rules:
        """The files of the configuration that decide at a moment.

        Before they came on record the first version of each is taken, unless it was published for a day to
        come; where there is none, the file.
        """
        key = (moment.seq, moment.day)
        return self.memory.recall("rules", key, lambda: self._rules(moment), room=64)

    def _rules(self, moment: Moment) -> Rules:
        head = Moment(max(moment.seq, self.store.head()), moment.at)
        there = history(self.store, ConfigurationFile, head)
        texts = {}
        for file in FILES:
            versions = [one for one in there if one.file == file]
            known = [one for one in versions if one.seq <= moment.seq]
            first = next((one for one in versions if one.since == one.recorded_at.date()), None)
            held = in_force(known, moment.day) or first
            texts[file] = held.text if held else read_text(self.config / file, str(self.config / file))
        return Rules(texts)

    def live_gates(self, moment: Moment) -> LiveGates:
        """The gate that made live under each policy published so far: a decision counts by its own policy."""
        published = history(self.store, PublishedPolicy, moment)
        return tuple((policy.version, _live_gate(policy.text, policy.version)) for policy in published)

    def position(self, moment: Moment) -> Ethics:
        """The ethical position in force at a moment; the shipped one where none had been published."""
        published = self.published(PublishedEthics, moment)
        if published is None:
            return read_ethics(self.config / "ethics.yaml")[0]
        return _parsed_ethics(published.text, f"ethical position {published.version}")

    def require(self, command: Command) -> None:
        """Let the actor of a command pass, or say who may."""
        self.rules(self.present(command.at)).roles.require(command.actor, command.may)

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
        return [one for one in directory.people(self.store, personas_only=True) if not one.left_on]

    def people(self) -> list[Actor]:
        """Everybody who is here, by name: who may be chosen."""
        return [one for one in directory.people(self.store) if not one.left_on]

    def names(self) -> dict[str, str]:
        """Id -> name of everybody, of those who left with the day, by name."""
        return {one.id: one.called for one in directory.people(self.store)}

    def person(self, actor_id: str) -> Actor:
        """Somebody who is here.

        Raises
        ------
        NotFound
            Nobody is called so, or they have left.
        """
        found = directory.person(self.store, actor_id)
        if found is None or found.left_on:
            said = found and f"{found.name} left on {found.left_on}"
            raise NotFound(
                said or f"nobody is called '{actor_id}'",
                where="directory",
                remedy="Name somebody who is here.",
            )
        return found

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()


def open_governance(settings: Settings) -> Governance:
    """Open the store.

    Raises
    ------
    GovernanceError
        The store is held or damaged.
    """
    return wire(open_store(settings.store), settings.config, signing=settings.signing)


def wire(store: Store, config: Path, *, signing: Signing = UNSET) -> Governance:
    """Join an open store with the files in `config`; without a signing key the store has one of its own."""
    return Governance(store=store, config=config, signing=signing)


_AHEAD = timedelta(days=3653)


def _before_the_record(store: Store) -> NotFound:
    """The answer to a moment at which there was no record yet."""
    kind = store_kind(store)
    if kind is None:
        remedy = "Found the store first: run 'governance serve' or 'governance demo'."
        return NotFound("the store is empty", remedy=remedy)
    return NotFound(
        f"the record begins on {kind.recorded_at:%Y-%m-%d}", remedy="Choose that day or a later one."
    )


@lru_cache(maxsize=64)
def _policy_of(held: tuple[tuple[str, str, date], ...], position: str) -> Policy:
    """The last of policies that held one after the other: text, version and first day of each."""
    text, version, since = held[-1]
    policy = _parsed(text, version)
    if position:
        policy = policy.under(_parsed_ethics(position, "ethical position").limit_in_words)
    return policy.after(_policy_of(held[:-1], position), since) if held[:-1] else policy


@lru_cache(maxsize=64)
def _parsed(text: str, version: str) -> Policy:
    """A text means the same at every head, so each is parsed once."""
    return parse_recorded_policy(text, None, name=f"policy {version}")


@lru_cache(maxsize=256)
def _live_gate(text: str, version: str) -> str:
    return parse_recorded_policy(text, None, name=f"policy {version}").live_gate.id


@lru_cache(maxsize=32)
def _parsed_ethics(text: str, name: str) -> Ethics:
    return parse_ethics(text, name=name)


def read_moment(governance: Governance, now: datetime, as_of: str) -> Moment:
    """The moment to read from: now, the end of a UTC day, or a UTC time.

    A day to come is answered by what is on record now, with the rules published for it.
    """
    present = governance.present(now)
    at = _time(as_of.strip(), present.at) if as_of else present.at
    if at >= present.at:
        return Moment(present.seq, at)
    moment = governance.moment(at)
    if moment.seq == 0:
        raise BadInput(f"the record begins after {as_of[:40]}", where="as of", remedy="Choose a later day.")
    return moment


def _time(text: str, now: datetime) -> datetime:
    try:
        if len(text) == len("2026-03-31"):
            day = date.fromisoformat(text)
            return now if day == now.date() else _within(datetime.combine(day, time.max, tzinfo=UTC), now)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _not_a_time(text) from None
    if at.utcoffset() != UTC.utcoffset(None):
        raise _not_a_time(text)
    return _within(at.replace(tzinfo=UTC), now)


def _within(at: datetime, now: datetime) -> datetime:
    if at > now + _AHEAD:
        raise BadInput(
            f"{at.date()} lies too far ahead", where="as of", remedy="Ask for a day of the next ten years."
        )
    return at


def _not_a_time(text: str) -> BadInput:
    return BadInput(
        f"'{text[:40]}' is neither a day nor a UTC time",
        where="as of",
        remedy="Write it like 2026-03-31 or 2026-03-31T12:00:00Z.",
    )
