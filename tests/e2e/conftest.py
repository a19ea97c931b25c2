"""One browser per file; servers on the small demo, on the whole one, and on an empty store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browser import find_chromium
from tests.e2e.served import served

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; the run fails where there is none.

    It goes with its file: while Playwright is at work no other test of the process may run an event loop.
    """
    program = find_chromium()
    assert program is not None, "no Chromium: run 'make test', which installs one, or set GOVERNANCE_CHROMIUM"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def demo_address(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh server on a copy of the small demo."""
    copy = shutil.copytree(demo_folder, tmp_path_factory.mktemp("served") / "store")
    with served(copy) as address:
        yield address


@pytest.fixture(scope="module")
def whole_demo_address(whole_demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh server on a copy of the demo as people get it."""
    copy = shutil.copytree(whole_demo_folder, tmp_path_factory.mktemp("served") / "store")
    with served(copy) as address:
        yield address


@pytest.fixture(scope="module")
def empty_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh server on a store that starts with nothing."""
    with served(tmp_path_factory.mktemp("empty") / "store", "--empty") as address:
        yield address
