"""A data scientist adds two files in a real browser and measures drift; the columns are named once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core.domain.actors import Actor
from core.domain.commands import RegisterModelVersion, make
from core.lake.directory import put_person
from core.lake.store import open_store
from core.services.governance import wire
from core.services.models.versions import register_model_version
from core.services.record.people import found_store
from tests.conftest import CAST, CONFIG, later, register
from tests.e2e.served import served, watched
from tests.entrypoints.test_cli_predictions import table

ADA = Actor(
    id="ada-admin", name="Ada Admin", title="Administrator", team="Platform", roles=("administrator",)
)
MAIN = '[data-testid="stMain"]'


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server on a store with one model version and nobody's predictions."""
    governance = wire(open_store(tmp_path / "store"), CONFIG)
    found_store(governance, CONFIG, ADA, datetime(2026, 1, 5, 9, tzinfo=UTC), demo=True)
    for person in CAST:
        put_person(governance.store, person)
    put_person(governance.store, ADA, persona=True)
    about = {"initiative": register(governance), "version": "1", "algorithm": "Boosting", "task": "binary"}
    register_model_version(governance, make(RegisterModelVersion, actor=ADA, at=later(2), **about))
    governance.close()
    with served(tmp_path / "store") as address:
        yield address


def test_files_are_added_and_drift_measured_in_the_browser(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    table(0, 0.0).write_csv(tmp_path / "reference.csv")
    table(3_000, 9.0).write_parquet(tmp_path / "march.parquet")
    seen = watched(browser, address, width=1440, height=1400, dark=False)
    page = seen.open("predictions")
    page.get_by_text("Reference: rows on which the model was validated").click()
    seen.settle()
    page.locator('input[type="file"]').set_input_files(tmp_path / "reference.csv")
    expect(page.locator(MAIN)).to_contain_text("As the names suggest", timeout=30_000)
    for label, column in (
        ("Prediction", "granted"),
        ("True outcome", "repaid"),
        ("Id of the row", "case"),
        ("Score (0 to 1)", "p"),
    ):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=column, exact=True).click()
    page.get_by_role("button", name="Check and add").click()
    expect(page.locator(MAIN)).to_contain_text("3,000 rows of reference.csv are on record", timeout=30_000)

    page.get_by_text("Analysis: rows from production").click()
    seen.settle()
    page.locator('input[type="file"]').set_input_files(tmp_path / "march.parquet")
    expect(page.locator(MAIN)).to_contain_text("As kept for this version", timeout=30_000)
    page.get_by_role("button", name="Check and add").click()
    expect(page.locator(MAIN)).to_contain_text("3,000 rows of march.parquet are on record", timeout=30_000)

    page = seen.open("drift")
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.locator(MAIN)).to_contain_text("2 features are compared", timeout=60_000)
    expect(page.locator(MAIN)).to_contain_text("Income in detail", timeout=30_000)
    assert seen.problems == []


def test_the_clock_of_the_fixture_is_in_the_past() -> None:
    assert later(2) < datetime.now(UTC) - timedelta(days=1)
