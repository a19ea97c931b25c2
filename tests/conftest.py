"""A fixed cast and a store in memory, founded with the shipped policy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from core.analytics.job_specs import ensure_openmp
from core.connectors.config_files import Rules
from core.connectors.settings import PROJECT
from core.domain.actors import Actor
from core.domain.chain import Fact
from core.domain.commands import RegisterInitiative, make
from core.lake.directory import put_person
from core.lake.store import Store, open_memory_store
from core.services.governance import Governance, wire
from core.services.process.initiatives import register_initiative
from core.services.record import people as founding
from core.services.record.people import found_store
from core.services.rules import configuration

pytest_plugins = ["tests.demo_store"]
# How long an example takes is no promise: two cores are shared with whatever else runs.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
THOROUGH = os.environ.get("THOROUGH") == "1"
"""`make thorough`: what is drawn or asked at random is so many times more often, for minutes."""


def pytest_configure() -> None:
    """Tests import slow libraries in process, as a worker does: same runtime, nothing written home."""
    ensure_openmp()
    os.environ.setdefault("MPLCONFIGDIR", str(PROJECT / ".cache" / "matplotlib"))
    os.environ.setdefault("NML_DISABLE_USAGE_LOGGING", "1")


CONFIG = PROJECT / "config"
START = datetime(2026, 1, 5, 9, tzinfo=UTC)

OWNER = Actor(id="olga-owner", name="Olga Owner", team="Credit", roles=("business_stakeholder",))
BUILDER = Actor(id="bram-builder", name="Bram Builder", team="Credit", roles=("data_scientist",))
VALIDATOR = Actor(id="vera-validator", name="Vera Validator", team="Risk", roles=("risk_audit",))
OUTSIDER = Actor(id="otto-outsider", name="Otto Outsider", team="Elsewhere", roles=())
ADMIN = Actor(id="ada-admin", name="Ada Admin", team="Platform", roles=("administrator",))
CAST = (OWNER, BUILDER, VALIDATOR, OUTSIDER, ADMIN)


def later(days: float) -> datetime:
    """A moment some days after the store was founded."""
    return START + timedelta(days=days)


@cache
def shipped() -> Governance:
    """What `config` ships, read once: put another store in its place with `replace`."""
    return wire(open_memory_store(Path("unused")), CONFIG)


@pytest.fixture(scope="session", autouse=True)
def files_are_read_once() -> Iterator[None]:
    """Stores are founded by the hundred with the same files: to read them took a quarter of that."""
    known: dict[tuple[str, ...], Fact] = {}

    def first_versions(config: Path, rules: Rules, *beside: Any) -> Fact:
        texts = tuple(rules.texts.values())
        if texts not in known:
            known[texts] = configuration.first_versions(config, rules, *beside)
        return known[texts]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(founding, "read_policy", cache(founding.read_policy))
        patch.setattr(founding, "first_versions", first_versions)
        yield


def rules_of(governance: Governance) -> Rules:
    """The files of the configuration that decide at the newest entry."""
    return governance.rules(governance.present(START))


def founded(
    folder: Path,
    opened: Callable[[Path], Store] = open_memory_store,
    *,
    demo: bool = False,
    config: Path = CONFIG,
) -> Governance:
    """A founded store with the fixed cast; in memory, or on disk where `open_store` opens it.

    In a demo the owner of the files is whoever of the cast they say.
    """
    governance = replace(shipped(), store=opened(folder), config=config)
    found_store(governance, config, ADMIN, START, demo=demo)
    for person in CAST:
        put_person(governance.store, person)
    return governance


def with_groups(folder: Path, **groups: str) -> Path:
    """A copy of the configuration in which members of a group of the provider have a role: role=group."""
    config = shutil.copytree(CONFIG, folder / "config")
    roles = (config / "roles.yaml").read_text(encoding="utf-8")
    for role, group in groups.items():
        roles = roles.replace(f"  - id: {role}\n", f"  - id: {role}\n    groups: [{group}]\n")
    (config / "roles.yaml").write_text(roles, encoding="utf-8")
    return config


@contextmanager
def at_rest(governance: Governance) -> Iterator[Governance]:
    """A store at which several tests only look: to found one takes longer. Nothing comes on record in it."""
    head = governance.store.head()
    yield governance
    assert governance.store.head() == head
    governance.close()


@pytest.fixture
def governance(tmp_path: Path) -> Iterator[Governance]:
    """A founded store in memory with the fixed cast in its directory."""
    opened = founded(tmp_path / "store")
    yield opened
    opened.close()


def answers_for(governance: Governance, *, heavy: bool) -> dict[str, tuple[str, ...]]:
    """Complete answers: the lightest options of all questions, or the heaviest."""
    policy = governance.policy(governance.moment(later(0)))
    pick = max if heavy else min
    return {q.id: (pick(q.options, key=lambda option: option.weight).id,) for q in policy.questions}


def register(
    governance: Governance, name: str = "Card Limit Advice", *, heavy: bool = True, day: float = 1
) -> str:
    """Register an initiative owned and built by the cast, and return its id."""
    command = make(
        RegisterInitiative,
        actor=BUILDER,
        at=later(day),
        name=name,
        purpose="Advise customers on the limit of their card." if heavy else "Count the meals of each kind.",
        domain="credit",
        team="Credit",
        owner=OWNER.id,
        builder=BUILDER.id,
        answers=answers_for(governance, heavy=heavy),
    )
    return register_initiative(governance, command).initiative
