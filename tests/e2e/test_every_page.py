"""Every page, opened by deep link on a fresh server, wide and narrow, light and dark."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from portal.shell.plan import page_names
from tests.e2e.served import watched

PAGES = tuple(page_names())
WINDOWS = {
    "desktop-light": (1440, 900, False),
    "desktop-dark": (1440, 900, True),
    "phone-light": (420, 900, False),
    "phone-dark": (420, 900, True),
}


@pytest.mark.parametrize("window", WINDOWS)
def test_every_page_of_the_demo_opens_by_deep_link(
    browser: Browser, demo_address: str, window: str, tmp_path: Path
) -> None:
    width, height, dark = WINDOWS[window]
    seen = watched(browser, demo_address, width=width, height=height, dark=dark)
    for path in PAGES:
        page = seen.open(path)
        photograph(page, f"{path}-{window}", tmp_path)
        wrong_with(page, path, seen.problems)
        assert "Demo data" in page.inner_text("body"), path
    assert seen.problems == []


@pytest.mark.parametrize("window", ["desktop-light", "phone-dark"])
def test_every_page_of_an_empty_store_says_something(
    browser: Browser, empty_address: str, window: str, tmp_path: Path
) -> None:
    width, height, dark = WINDOWS[window]
    seen = watched(browser, empty_address, width=width, height=height, dark=dark)
    for path in PAGES:
        page = seen.open(path)
        photograph(page, f"empty-{path}-{window}", tmp_path)
        wrong_with(page, path, seen.problems)
    assert seen.problems == []


def wrong_with(page: Page, path: str, problems: list[str]) -> None:
    """Note what a person would call broken on this page."""
    main = page.inner_text('[data-testid="stMain"]')
    if len(main.split()) < 15:
        problems.append(f"{path} says next to nothing: {main!r}")
    if page.locator('[data-testid="stException"]').count():
        problems.append(f"{path} shows an exception")
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
        problems.append(f"{path} is wider than its window")
    if "Traceback" in main or "undefined" in page.title():
        problems.append(f"{path} shows a traceback")


def photograph(page: Page, name: str, tmp_path: Path) -> None:
    """Save a picture where GOVERNANCE_SCREENSHOTS says, or beside the test."""
    folder = Path(os.environ.get("GOVERNANCE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")
