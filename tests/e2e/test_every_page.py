"""Every page, opened by deep link on a fresh server, then looked at wide and narrow, light and dark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from portal.shell.plan import page_names
from tests.e2e.served import Watched

PAGES = tuple(page_names())
WINDOWS = {
    "desktop-light": (1440, 900, False),
    "desktop-dark": (1440, 900, True),
    "phone-dark": (420, 900, True),
    "phone-light": (420, 900, False),
}


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One browser profile, so that what every page needs is fetched once."""
    opened = browser.new_context()
    yield opened
    opened.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_demo_opens_by_deep_link(
    context: BrowserContext, demo_address: str, path: str, tmp_path: Path
) -> None:
    seen = Watched(context, demo_address)
    for window in open_in(seen, path, tuple(WINDOWS)):
        photograph(seen, f"{path}-{window}", tmp_path)
        wrong_with(seen, window)
        assert "Demo data" in seen.page.inner_text("body"), window
    assert seen.problems == []
    seen.page.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_an_empty_store_says_something(
    context: BrowserContext, empty_address: str, path: str, tmp_path: Path
) -> None:
    seen = Watched(context, empty_address)
    for window in open_in(seen, path, ("desktop-light", "phone-dark")):
        photograph(seen, f"empty-{path}-{window}", tmp_path)
        wrong_with(seen, window)
    assert seen.problems == []
    seen.page.close()


def open_in(seen: Watched, path: str, windows: tuple[str, ...]) -> Iterator[str]:
    """Load a page once in the first of the windows, and change to the others in place."""
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
    """Save a picture where GOVERNANCE_SCREENSHOTS says, or beside the test."""
    folder = Path(os.environ.get("GOVERNANCE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    seen.page.screenshot(path=folder / f"{name}.png")
