"""Builds the demo organisation's store: beside its place, and moved there when it is whole."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import count
from pathlib import Path

from core.domain.errors import BadInput, Conflict
from core.lake.store import DATABASE, open_memory_store, open_store, save_store
from core.services.governance import Governance, wire
from core.services.record.people import found_store
from data.demo.people import People
from data.demo.plans import InitiativePlan, make_plan
from data.demo.recipe import Recipe, read_recipe
from data.demo.shelf import Shelf, lay_out, simulated_jobs, write_datasets
from data.demo.simulate import Progress, simulate
from data.demo.workdays import Workdays
from data.demo.workshop import Workshop

SEED = 25
_REMOVALS = 10
_PREPARED, _SIMULATED = 0.08, 0.95


@dataclass(frozen=True)
class DemoOptions:
    """What the tests change: fewer initiatives (by name), no worker processes, another seed."""

    only: tuple[str, ...] = ()
    workers: bool = True
    seed: int = SEED


def build_demo(
    folder: Path,
    config: Path,
    now: datetime,
    on_progress: Callable[[float, str], None] | None = None,
    *,
    options: DemoOptions | None = None,
) -> None:
    """Build a store with the demo organisation and its 18 months up to `now` in `folder`.

    All work is done in a folder beside it, which takes the name `folder` in the end: whenever the build is
    stopped, there is no store or a whole one. What a stopped build left is removed first.

    Parameters
    ----------
    folder
        Where the store is to be; absent, empty, or with a database that holds nothing yet.
    config
        Folder of the policy and its companions.
    now
        The last moment of the history (UTC).
    on_progress
        Called with the share done (0 to 1) and a sentence.

    Raises
    ------
    Conflict
        The folder holds a store or other files, or another build is at work beside it.
    BadInput
        The folder cannot be made, or the policy or the recipe is wrong.
    """
    chosen = options or DemoOptions()
    report = on_progress or (lambda share, sentence: None)
    make_way(folder, config)
    with _building_site(folder) as site:
        _build(site, config, now, report, chosen)
        report(0.99, "Moving the store to its place.")
        (site / "store").rename(folder)
    report(1.0, "The demo organisation is ready.")


def make_way(folder: Path, config: Path) -> None:
    """Make sure that `folder` can become a store; a database in it that holds nothing yet is removed.

    Raises
    ------
    Conflict
        It holds a founded store, or files that are none of a store.
    """
    if (folder / DATABASE).exists():
        governance = wire(open_store(folder), config)
        founded = governance.founded
        governance.close()
        if founded:
            raise Conflict(
                "there is a store already",
                where=str(folder),
                remedy="Choose another folder with --store, or remove this one first.",
            )
        for file in folder.glob(f"{DATABASE}*"):
            file.unlink()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(
            "the folder is not empty and holds no store",
            where=str(folder),
            remedy="Choose another folder with --store.",
        )


@contextmanager
def _building_site(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, held by this process alone and gone at the end."""
    site = folder.with_name(f"{folder.name}.building")
    try:
        site.mkdir(parents=True, exist_ok=True)
        handle = os.open(site, os.O_RDONLY)
    except OSError as error:
        raise BadInput(
            f"no folder can be made beside the store: {error.strerror}",
            where=str(site),
            remedy="Choose a folder that you may write to.",
        ) from error
    try:
        _hold(handle, site)
        try:
            _empty(site)
            yield site
        finally:
            _remove(site)
    finally:
        os.close(handle)


def _hold(handle: int, site: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Conflict(
            "another build of the demo is at work", where=str(site), remedy="Wait until it is done."
        ) from error


def _empty(site: Path) -> None:
    for left in site.iterdir():
        if left.is_dir():
            _remove(left)
        else:
            left.unlink()


def _remove(folder: Path) -> None:
    """Remove a folder; a worker that a stopped build left may still write into it for a moment."""
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.2)
    shutil.rmtree(folder)


def _build(site: Path, config: Path, now: datetime, report: Progress, options: DemoOptions) -> None:
    recipe = read_recipe()
    people, days = People(recipe), Workdays.until(now)
    report(0.0, "Founding the store.")
    governance = wire(open_memory_store(site / "store"), config)
    numbers = count()
    governance.store.salt = lambda: sha256(f"demo {next(numbers)}".encode()).hexdigest()[:32]
    try:
        found_store(governance, config, people.founder, days.moment(0), demo=True)
        people.enter(governance.store, days.moment(0))
        plans = _plans(governance, recipe, people, days, options)
        report(0.01, "Preparing predictions.")
        _simulate(governance, recipe, people, plans, days, site / "work", report, options)
        report(_SIMULATED, "Writing the store.")
        save_store(governance.store)
    finally:
        governance.close()


def _plans(
    governance: Governance, recipe: Recipe, people: People, days: Workdays, options: DemoOptions
) -> list[InitiativePlan]:
    policy = governance.policy(governance.moment(days.moment(0)))
    return [
        make_plan(recipe, wanted, policy, people, days, options.seed, trains=options.workers)
        for wanted in recipe.initiatives
        if not options.only or wanted.name in options.only
    ]


def _simulate(
    governance: Governance,
    recipe: Recipe,
    people: People,
    plans: list[InitiativePlan],
    days: Workdays,
    work: Path,
    report: Progress,
    options: DemoOptions,
) -> None:
    datasets = write_datasets(plans, work / "datasets")
    ready = lay_out(plans, datasets, days, work / "batches")
    policy = governance.policy(governance.moment(days.moment(0)))
    workshop = None
    if options.workers:
        workshop = Workshop(work / "jobs", datasets, simulated_jobs(plans, ready, days))

    def of_simulation(share: float, sentence: str) -> None:
        report(_PREPARED + (_SIMULATED - _PREPARED) * share, sentence)

    try:
        simulate(governance, policy, recipe, people, plans, days, Shelf(ready, workshop), of_simulation)
    finally:
        if workshop is not None:
            workshop.close()
