"""Every page through the entry script: on an empty store and on the demo, as each persona; no exception."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT, Settings
from core.domain.commands import make
from core.services.governance import Governance
from core.services.process.inventory import inventory
from core.services.record.checkpoints import SignCheckpoint, sign_checkpoint
from portal.shell.house import close_house, open_house

SCRIPT = PROJECT / "portal" / "shell" / "app.py"
PAGES = sorted(file.name for file in (PROJECT / "portal" / "pages").glob("[!_]*.py"))
SECONDS = 60


@pytest.fixture(scope="module")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    close_house()  # one process holds one house: let go of whatever was open before
    settings = Settings(store=tmp_path_factory.mktemp("empty") / "store", actor="nadia")
    yield open_house(settings).governance
    close_house()


@pytest.fixture(scope="module")
def demo_house(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    yield from _copied(demo_folder, tmp_path_factory)


@pytest.fixture(scope="module")
def whole_demo_house(
    whole_demo_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Governance]:
    yield from _copied(whole_demo_folder, tmp_path_factory)


def _copied(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    close_house()
    copy = shutil.copytree(folder, tmp_path_factory.mktemp("demo") / "store")
    yield open_house(Settings(store=copy)).governance
    close_house()


def open_page(page: str) -> AppTest:
    at = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS)
    at.run()
    at.switch_page(str(PROJECT / "portal" / "pages" / page))
    return at.run()


def sound(at: AppTest) -> None:
    assert not at.exception, at.exception
    assert not at.error, [error.value for error in at.error]
    assert at.title or at.header or at.markdown


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_an_empty_store_leads_on(empty_house: Governance, page: str) -> None:
    sound(open_page(page))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_so_where_the_record_does_not_reach_back(empty_house: Governance, page: str) -> None:
    at = open_page(page)
    at.date_input(key="as_of").set_value((datetime.now(UTC) - timedelta(days=200)).date())
    at.run()
    assert not at.exception
    assert "Nothing was on record yet" in at.info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_demo_draws(demo_house: Governance, page: str) -> None:
    assert demo_house.demo
    sound(open_page(page))


def test_every_persona_sees_the_overview(demo_house: Governance) -> None:
    at = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS).run()
    for persona in demo_house.personas():
        at.selectbox(key="persona").set_value(persona)
        sound(at.run())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_the_past(demo_house: Governance, page: str) -> None:
    at = open_page(page)
    at.date_input(key="as_of").set_value((datetime.now(UTC) - timedelta(days=200)).date())
    sound(at.run())


def test_every_page_of_the_whole_demo_draws(whole_demo_house: Governance) -> None:
    assert len(inventory(whole_demo_house, whole_demo_house.moment(datetime.now(UTC)))) > 60
    for page in PAGES:
        sound(open_page(page))


def test_a_clock_behind_the_record_is_said_on_the_page(tmp_path: Path) -> None:
    close_house()
    governance = open_house(Settings(store=tmp_path / "store", actor="nadia")).governance
    (nadia,) = governance.people()
    assert not open_page("record.py").warning
    ahead = datetime.now(UTC) + timedelta(hours=3)
    sign_checkpoint(governance, make(SignCheckpoint, actor=nadia, at=ahead))

    at = open_page("record.py")
    sound(at)
    (warning,) = at.warning
    said = warning.value.replace("\\", "")
    assert said.startswith(
        f"Entry {governance.store.head()} lies up to 3 hours ahead of this machine's clock"
    )
    assert any(f"record entry {governance.store.head()}" in caption.value for caption in at.caption)
    close_house()
