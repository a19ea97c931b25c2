"""Every page through the entry script: on an empty store and on the demo, as each persona; no exception."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT, Settings
from core.domain.commands import make
from core.services.governance import Governance
from core.services.process.initiatives import inventory
from core.services.record.checkpoints import SignCheckpoint, sign_checkpoint
from portal.shell.house import close_house, open_house

SCRIPT = PROJECT / "portal" / "shell" / "app.py"
PAGES = sorted(file.name for file in (PROJECT / "portal" / "pages").glob("[!_]*.py"))
SECONDS = 60


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    """The house of a store, copied or new: a process holds one house, so one fixture opens them all."""
    close_house()
    store = tmp_path_factory.mktemp("house") / "store"
    if request.param:
        shutil.copytree(request.getfixturevalue(request.param), store)
    yield open_house(Settings(store=store, actor="nadia")).governance
    close_house()


def of(store: str | None) -> pytest.MarkDecorator:
    """Let a test be about the house of a fixture's folder, of a shared empty store (''), or of its own."""
    return pytest.mark.parametrize("house", [store], indirect=True, ids=[store or "empty"])


def open_page(page: str) -> AppTest:
    at = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS)
    at.switch_page(str(PROJECT / "portal" / "pages" / page))
    return at.run()


def sound(at: AppTest) -> None:
    assert not at.exception, at.exception
    assert not at.error, [error.value for error in at.error]
    assert at.title or at.header or at.markdown


@of("")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_an_empty_store_leads_on(house: Governance, page: str) -> None:
    sound(open_page(page))


@of("")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_so_where_the_record_does_not_reach_back(house: Governance, page: str) -> None:
    at = open_page(page)
    at.date_input(key="as_of").set_value((datetime.now(UTC) - timedelta(days=200)).date())
    at.run()
    assert not at.exception
    assert "Nothing was on record yet" in at.info[0].value


@of("demo_folder")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_demo_draws(house: Governance, page: str) -> None:
    assert house.demo
    sound(open_page(page))


@of("demo_folder")
def test_every_persona_sees_the_overview(house: Governance) -> None:
    at = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS).run()
    for persona in house.personas():
        at.selectbox(key="persona").set_value(persona)
        sound(at.run())


@of("demo_folder")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_the_past(house: Governance, page: str) -> None:
    at = open_page(page)
    at.date_input(key="as_of").set_value((datetime.now(UTC) - timedelta(days=200)).date())
    sound(at.run())


@of("whole_demo_folder")
def test_every_page_of_the_whole_demo_draws(house: Governance) -> None:
    assert len(inventory(house, house.moment(datetime.now(UTC)))) > 60
    for page in PAGES:
        sound(open_page(page))


@of(None)
def test_a_clock_behind_the_record_is_said_on_the_page(house: Governance) -> None:
    (nadia,) = house.people()
    assert not open_page("record.py").warning
    ahead = datetime.now(UTC) + timedelta(hours=3)
    sign_checkpoint(house, make(SignCheckpoint, actor=nadia, at=ahead))

    at = open_page("record.py")
    sound(at)
    (warning,) = at.warning
    said = warning.value.replace("\\", "")
    assert said.startswith(
        f"2 entries, from {house.store.head() - 1} on, lie up to 3 hours ahead of this machine's clock"
    )
    assert any(f"record entry {house.store.head()}" in caption.value for caption in at.caption)
