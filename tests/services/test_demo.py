"""The demo organisation: made through the services, the same each time, whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT
from core.domain.errors import Conflict
from core.lake.query import Rows, fetch
from core.lake.store import DATABASE, open_store
from core.services.governance import Governance, wire
from core.services.process.initiatives import inventory
from core.services.record.entries import verify_record
from data.demo.build import DemoOptions, build_demo
from data.demo.recipe import read_recipe
from data.demo.workdays import DAYS, Workdays

CONFIG = PROJECT / "config"
NOW = datetime(2026, 9, 16, 15, 30, tzinfo=UTC)
FEW = ("Retail credit scoring", "Claims fraud referral", "Churn call list", "Postcode mailing sheet")
"""One initiative of each class."""
OPTIONS = DemoOptions(only=FEW, workers=False)
ONE = DemoOptions(only=FEW[3:], workers=False)
"""Enough where a build is looked at, not what it built."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    folder = tmp_path_factory.mktemp("demo") / "store"
    build_demo(folder, CONFIG, NOW, options=OPTIONS)
    governance = opened(folder)
    yield governance
    governance.close()


def opened(folder: Path) -> Governance:
    return wire(open_store(folder), CONFIG)


def rows(governance: Governance, query: str) -> Rows:
    return fetch(governance.store.cursor(), query, {})


def test_the_record_verifies_and_is_marked_as_demo(built: Governance) -> None:
    found = verify_record(built)

    assert found.first_break is None
    assert found.entries > 100
    assert found.files > 20
    assert built.demo


def test_the_same_seed_and_moment_give_the_same_record(built: Governance, tmp_path: Path) -> None:
    build_demo(tmp_path / "again", CONFIG, NOW, options=OPTIONS)
    again = opened(tmp_path / "again")

    head = "SELECT seq, digest FROM head"
    assert rows(again, head) == rows(built, head)
    again.close()


def test_all_classes_are_there_and_live_ones_among_them(built: Governance) -> None:
    listed = inventory(built, built.moment(NOW))

    classes = rows(built, "SELECT DISTINCT class_id FROM classification")  # the light one is answered anew
    assert {row["class_id"] for row in classes} == {"low", "moderate", "high", "very_high"}
    assert {row.name for row in listed} == set(FEW)
    assert any(row.live for row in listed)


def test_time_runs_forward_and_ends_at_now(built: Governance) -> None:
    found = rows(built, "SELECT recorded_at FROM record ORDER BY seq")
    times = [row["recorded_at"].replace(tzinfo=UTC) for row in found]

    assert times == sorted(times)
    assert times[0] < NOW - timedelta(days=DAYS - 1)
    assert NOW - timedelta(days=21) < times[-1] <= NOW


def test_gates_were_blocked_and_opened_and_checks_failed_and_mended(built: Governance) -> None:
    outcomes = {row["outcome"] for row in rows(built, "SELECT DISTINCT outcome FROM decision")}
    verdicts = {row["verdict"] for row in rows(built, "SELECT DISTINCT verdict FROM check_run")}

    assert outcomes == {"open", "blocked"}
    assert {"pass", "fail"} <= verdicts


def test_independent_evidence_comes_from_validators_who_neither_own_nor_build(built: Governance) -> None:
    policy = built.policy(built.moment(NOW))
    independent = [measure.id for measure in policy.measures.values() if measure.independent]
    query = """
        SELECT e.actor, i.owner, i.builder, e.measure, d.roles FROM evidence e
        JOIN (SELECT initiative, arg_max(owner, seq) AS owner, arg_max(builder, seq) AS builder
              FROM initiative GROUP BY initiative) i USING (initiative)
        JOIN directory d ON d.actor = e.actor
    """
    found = [row for row in rows(built, query) if row["measure"] in independent]

    assert found
    assert all("risk_audit" in row["roles"] for row in found)
    assert not any(row["actor"] in (row["owner"], row["builder"]) for row in found)


def test_six_personas_stand_in_for_a_login_in_their_order(built: Governance) -> None:
    titles = [persona.title for persona in built.personas()]

    assert titles == [
        "Executive",
        "Analyst",
        "Team lead",
        "Self-service analyst",
        "Validator",
        "Auditor",
    ]
    assert all(persona.team and persona.roles for persona in built.personas())


def test_no_path_of_this_machine_is_in_the_store(built: Governance) -> None:
    paths = [row["path"] for row in rows(built, "SELECT path FROM prediction_batch")]

    assert paths
    assert not any(Path(path).is_absolute() for path in paths)
    assert os.fsencode(built.store.folder.parent) not in (built.store.folder / DATABASE).read_bytes()


def test_every_measure_that_takes_evidence_has_words_for_it(built: Governance) -> None:
    policy = built.policy(built.moment(NOW))
    asked = {m.id for m in policy.measures.values() if m.evidence is not None}

    # Nobody in the demo climbs to the rungs that no class asks for.
    unasked = {"readable_by_design", "nightly_retraining"}
    assert asked - unasked <= set(read_recipe().documents)


def test_the_recipe_names_teams_people_and_profiles_that_exist() -> None:
    recipe = read_recipe()
    teams = {person.team for person in recipe.people}

    assert len(recipe.teams) == 8
    assert 60 <= len(recipe.initiatives) <= 70
    assert {initiative.team for initiative in recipe.initiatives} == set(recipe.teams) <= teams
    assert {initiative.profile for initiative in recipe.initiatives} <= set(recipe.profiles)
    assert len({initiative.dataset for initiative in recipe.initiatives} - {""}) == 5


def test_working_days_keep_their_order_as_moments() -> None:
    days = Workdays.until(NOW)
    moments = [days.moment(step / 7) for step in range(int(days.last * 7))]

    assert moments == sorted(moments)
    assert all(moment.weekday() < 5 and 8 <= moment.hour < 18 for moment in moments)
    assert moments[-1] <= NOW


def test_a_store_that_is_there_is_not_replaced(built: Governance, tmp_path: Path) -> None:
    build_demo(tmp_path / "store", CONFIG, NOW, options=ONE)

    with pytest.raises(Conflict, match="there is a store already"):
        build_demo(tmp_path / "store", CONFIG, NOW, options=OPTIONS)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(Conflict, match="not empty and holds no store"):
        build_demo(tmp_path / "papers", CONFIG, NOW, options=OPTIONS)
    assert (tmp_path / "papers" / "letter.txt").exists()


def test_a_database_that_was_never_founded_makes_way(tmp_path: Path) -> None:
    open_store(tmp_path / "store").close()

    build_demo(tmp_path / "store", CONFIG, NOW, options=ONE)

    governance = opened(tmp_path / "store")
    assert governance.demo
    governance.close()


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(share: float, sentence: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_demo(tmp_path / "store", CONFIG, NOW, interrupt, options=ONE)

    assert list(tmp_path.iterdir()) == []


KILLED = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from data.demo.build import DemoOptions, build_demo
options = DemoOptions(only={ONE.only!r}, workers=False)
def report(share, sentence):
    print(share, sentence, flush=True)
build_demo(Path(sys.argv[1]), Path(sys.argv[2]), datetime.now(UTC), report, options=options)
"""


def test_a_build_that_was_killed_leaves_no_store_and_the_next_one_completes(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(CONFIG)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            if float(line.split()[0]) > 0.4:
                process.send_signal(signal.SIGKILL)
                break
        lines.read()
    assert process.wait() == -signal.SIGKILL
    assert not folder.exists()
    assert (tmp_path / "store.building").exists()

    build_demo(folder, CONFIG, NOW, options=ONE)

    governance = opened(folder)
    assert verify_record(governance).first_break is None
    governance.close()
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_two_builds_do_not_work_in_one_place(tmp_path: Path) -> None:
    def build_another(share: float, sentence: str) -> None:
        if 0.5 < share < 0.9:
            with pytest.raises(Conflict, match="another build"):
                build_demo(tmp_path / "store", CONFIG, NOW, options=ONE)

    build_demo(tmp_path / "store", CONFIG, NOW, build_another, options=ONE)
