"""Long work in a real browser: it is left and found again, it is stopped without a trace, it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.lake.directory import put_person
from core.lake.store import open_memory_store, save_store
from core.services.governance import wire
from core.services.record.people import found_store
from tests.conftest import ADMIN, BUILDER, CAST, CONFIG, START, VALIDATOR, register
from tests.e2e.served import served
from tests.e2e.test_process_journeys import MAIN, Seat
from tests.journeys import add, explain, write_predictions
from tests.process import version

SIDEBAR = '[data-testid="stSidebar"]'
NOT_ESTIMATED = "its performance has not been estimated yet"
LEFT, STOPPED = "card-limit-advice", "loan-limit-advice"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two models that have predictions; nobody has estimated anything, one is explained."""
    folder = tmp_path_factory.mktemp("long")
    governance = wire(open_memory_store(folder / "store"), CONFIG)
    found_store(governance, CONFIG, ADMIN, START, demo=True)
    for person in CAST:
        put_person(governance.store, person, persona=True)
    reference = write_predictions(folder / "reference.csv", start="2025-11-01")
    analysis = write_predictions(folder / "analysis.csv", start="2025-12-01", seed=8)
    for name in (LEFT, STOPPED):
        assert register(governance, name.replace("-", " ").capitalize()) == name
    for name in (LEFT, STOPPED):
        version(governance, name)
    for name in (LEFT, STOPPED):
        add(governance, name, "1", reference, "reference", 3)
        add(governance, name, "1", analysis, "analysis", 3)
    explain(governance, LEFT, "1", analysis, 3)
    save_store(governance.store)
    governance.close()
    return folder / "store"


@pytest.fixture(scope="module")
def address(store: Path) -> Iterator[str]:
    """A server on that store."""
    with served(store) as found:
        yield found


def start_estimates(seat: Seat, initiative: str) -> None:
    """The builder starts the estimates of version 1 from the page on decay, and sees how far they are."""
    seat.open(f"decay?id={initiative}&version=1", BUILDER)
    seat.reads(NOT_ESTIMATED)
    seat.page.get_by_role("button", name="Estimate performance").click()
    seat.press("Start")
    expect(seat.page.get_by_test_id("stProgress")).to_contain_text("% done.", timeout=20_000)


def share_done(seat: Seat) -> int:
    """Per cent done, as the bar says."""
    words = seat.page.get_by_test_id("stProgress").inner_text()
    return int(words.partition("%")[0])


def entries(seat: Seat) -> str:
    """The line of the sidebar that counts the entries of the record."""
    return seat.page.locator(SIDEBAR).get_by_text("record entries").inner_text()


def files_of(store: Path) -> set[Path]:
    """Files that the services keep beside the database."""
    return {file.relative_to(store) for file in store.glob("*/**/*") if file.is_file()}


def test_estimates_go_on_while_their_page_is_left_and_end_with_their_outcome(
    browser: Browser, address: str, store: Path
) -> None:
    seat, before = Seat(browser, address), files_of(store)
    start_estimates(seat, LEFT)
    done = share_done(seat)
    with seat.runs():
        seat.page.locator(SIDEBAR).get_by_role("link", name="Inventory", exact=True).click()
    seat.reads("Loan limit advice")
    assert seat.page.get_by_test_id("stProgress").count() == 0
    seat.page.go_back()
    expect(seat.page.get_by_test_id("stProgress")).to_contain_text("% done.", timeout=20_000)
    assert share_done(seat) >= done
    expect(seat.page.locator(MAIN)).to_contain_text("estimates are on record.", timeout=120_000)
    expect(seat.page.get_by_test_id("stProgress")).to_have_count(0)
    expect(seat.page.locator(MAIN)).not_to_contain_text(NOT_ESTIMATED)
    seat.press("Close")
    expect(seat.page.locator(MAIN)).not_to_contain_text("estimates are on record.")
    assert files_of(store) > before
    assert seat.seen.problems == []


def test_estimates_that_are_stopped_say_so_and_leave_nothing(
    browser: Browser, address: str, store: Path
) -> None:
    seat = Seat(browser, address)
    seat.open(f"decay?id={STOPPED}&version=1", BUILDER)
    recorded, kept = entries(seat), files_of(store)
    start_estimates(seat, STOPPED)
    seat.page.get_by_role("button", name="Stop", exact=True).click()
    expect(seat.page.locator(MAIN)).to_contain_text("The estimate job was stopped", timeout=30_000)
    expect(seat.page.get_by_test_id("stProgress")).to_have_count(0)
    seat.open(f"decay?id={STOPPED}&version=1", BUILDER)
    seat.reads(NOT_ESTIMATED)
    assert entries(seat) == recorded
    assert files_of(store) == kept
    assert seat.page.get_by_role("button", name="Estimate performance").is_enabled()
    assert seat.seen.problems == []


def test_a_prediction_is_chosen_its_explanation_opens_and_the_address_is_sent(
    browser: Browser, address: str
) -> None:
    seat = Seat(browser, address)
    seat.open(f"explanations?id={LEFT}&version=1", BUILDER)
    shown = seat.page.locator(MAIN).get_by_role("definition").first
    expect(shown).to_be_visible(timeout=20_000)
    first = shown.inner_text()
    seat.page.get_by_role("combobox", name="Worth a look").click()
    other = seat.page.get_by_role("option").filter(has_text="lowest score").first
    row = other.inner_text().partition(":")[0]
    assert row != first
    with seat.runs():
        other.click()
    expect(shown).to_have_text(row, timeout=20_000)
    assert f"row={row}" in seat.page.url
    seat.open(seat.page.url.removeprefix(f"{address}/"), VALIDATOR)
    expect(shown).to_have_text(row, timeout=20_000)
    assert seat.seen.problems == []
