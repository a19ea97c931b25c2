"""Every page, opened by deep link on a fresh server, then looked at wide and narrow, light and dark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from portal.shell.house import page_names
from tests.e2e.served import Watched

PAGES = tuple(page_names())
WINDOWS = {
    "desktop-light": (1440, 900, False),
    "desktop-dark": (1440, 900, True),
    "phone-dark": (420, 900, True),
    "phone-light": (420, 900, False),
}


@pytest.fixture(scope="module")
def of_the_demo(browser: Browser, demo_address: str) -> Watched:
    """One tab for all pages, so that what each of them needs is fetched and compiled once."""
    return Watched(browser.new_context(), demo_address)


@pytest.fixture(scope="module")
def of_an_empty_store(browser: Browser, empty_address: str) -> Watched:
    """The same for the other server."""
    return Watched(browser.new_context(), empty_address)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_demo_opens_by_deep_link(of_the_demo: Watched, path: str, tmp_path: Path) -> None:
    for window in open_in(of_the_demo, path, tuple(WINDOWS)):
        wrong_with(of_the_demo, window)
        photograph(of_the_demo, f"{path}-{window}", tmp_path)
        assert "Demo data" in of_the_demo.page.inner_text("body"), window
    assert of_the_demo.problems == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_an_empty_store_says_something(
    of_an_empty_store: Watched, path: str, tmp_path: Path
) -> None:
    for window in open_in(of_an_empty_store, path, ("desktop-light", "phone-dark")):
        wrong_with(of_an_empty_store, window)
        photograph(of_an_empty_store, f"empty-{path}-{window}", tmp_path)
    assert of_an_empty_store.problems == []


def open_in(seen: Watched, path: str, windows: tuple[str, ...]) -> Iterator[str]:
    """Load a page once in the first of the windows, and change to the others in place."""
    seen.problems.clear()
    for window in windows:
        width, height, dark = WINDOWS[window]
        seen.look(width, height, dark=dark)
        if window == windows[0]:
            seen.open(path)
        seen.settle()
        yield window


def wrong_with(seen: Watched, window: str) -> None:
    """Note what a person would call broken on this page."""
    main = seen.page.inner_text('[data-testid="stMain"]')
    if len(main.split()) < 15:
        seen.problems.append(f"{window} says next to nothing: {main!r}")
    if seen.page.locator('[data-testid="stException"]').count():
        seen.problems.append(f"{window} shows an exception")
    if seen.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
        seen.problems.append(f"{window} is wider than its window")
    if "Traceback" in main or "undefined" in seen.page.title():
        seen.problems.append(f"{window} shows a traceback")


def photograph(seen: Watched, name: str, tmp_path: Path) -> None:
    """Save a picture where GOVERNANCE_SCREENSHOTS says, or beside the test if something is wrong."""
    asked = os.environ.get("GOVERNANCE_SCREENSHOTS")
    if asked or seen.problems:
        folder = Path(asked or tmp_path)
        folder.mkdir(parents=True, exist_ok=True)
        seen.page.screenshot(path=folder / f"{name}.png")
