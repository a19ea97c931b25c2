"""In a real browser a model and its view are as left on the way through the evidence pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.lake.directory import put_person
from core.lake.store import open_store
from core.services.governance import wire
from core.services.record.people import found_store
from tests.conftest import CAST, CONFIG
from tests.e2e.served import served, watched
from tests.e2e.test_predictions_upload import ADA, MAIN
from tests.services.test_slices import PEOPLE, give


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server on a store with two versions of a model, the second with more predictions."""
    governance = wire(open_store(tmp_path / "store"), CONFIG)
    found_store(governance, CONFIG, ADA, datetime(2026, 1, 5, 9, tzinfo=UTC), demo=True)
    for person in CAST:
        put_person(governance.store, person)
    put_person(governance.store, ADA, persona=True)
    give(governance, tmp_path, PEOPLE)
    give(governance, tmp_path, PEOPLE.replace("range(3000)", "range(4000)"), version="2")
    governance.close()
    with served(tmp_path / "store") as address:
        yield address


def test_a_model_and_its_view_stay_chosen(browser: Browser, address: str) -> None:
    seen = watched(browser, address, width=1440, height=1000, dark=False)
    page = seen.open("slices?id=card-limit-advice&version=1&by=age&metric=accuracy")
    main, sidebar = page.locator(MAIN), page.get_by_test_id("stSidebarNav")
    expect(main).to_contain_text("Accuracy by age", timeout=30_000)
    for name in ("Decay", "Drift", "Explanations", "Predictions"):
        sidebar.get_by_role("link", name=re.compile(name)).first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(name, timeout=30_000)
        seen.settle()
        assert re.search(r"version 1\b|\b1 \(not (estimated|explained)\)", main.inner_html()), name
    sidebar.get_by_role("link", name=re.compile("Bias slices")).click()
    expect(main).to_contain_text("Accuracy by age", timeout=30_000)
    expect(main).to_contain_text("3,000 predictions in 5 slices", timeout=30_000)
    seen.settle()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Predictions", timeout=30_000)
