"""Three of the journeys of `tests/services/test_journeys.py` again, in a real browser on a real server.

What people do by hand is clicked; what pipelines send comes through the API of the same server.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from core.lake.directory import put_person
from core.lake.save import save_store
from core.lake.store import open_memory_store
from core.services.founding import found_store
from core.services.governance import Governance, wire
from tests.conftest import ADMIN, BUILDER, CAST, CONFIG, OWNER, START, VALIDATOR, later
from tests.e2e.served import Watched, served, watched
from tests.e2e.test_journeys import LIGHTEST
from tests.journeys import add, everybody_is_trained, explain, watch, write_predictions
from tests.process import (
    ANALYST,
    BUSINESS,
    PRODUCTION,
    SIGNERS,
    ask,
    decide,
    prove_all,
    sign,
    version,
)
from tests.services.test_journeys import registered

MAIN = '[data-testid="stMain"]'
STRICT = {
    "consumers": ("public",),
    "error_impact": ("personal",),
    "availability": ("always_on",),
    "explainability": ("entitled",),
}
SCHEDULED = {"consumers": ("internal",), "availability": ("scheduled",), "error_impact": ("small_loss",)}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a store in which the cast are the personas, and the pipelines have done their part."""
    folder = tmp_path_factory.mktemp("process")
    governance = wire(open_memory_store(folder / "store"), CONFIG)
    base = (datetime.now(UTC) - START).days - 8.0
    found_store(governance, CONFIG, ADMIN, later(base), demo=True)
    for person in (*CAST, *SIGNERS):
        put_person(governance.store, person, persona=True)
    _prepare(governance, folder, base)
    save_store(governance.store)
    governance.close()
    with served(folder / "store") as found:
        yield found


def _prepare(governance: Governance, folder: Path, base: float) -> None:
    everybody_is_trained(governance, base + 0.5)
    strict = registered(governance, "Public Credit Advice", base + 1, STRICT)
    version(governance, strict, day=base + 2)
    day = later(base - 40).date().isoformat()
    analysis = write_predictions(folder / "analysis.csv", start=day, seed=8)
    reference = write_predictions(folder / "reference.csv", start=later(base - 80).date().isoformat())
    add(governance, strict, "1", reference, "reference", base + 2.1)
    add(governance, strict, "1", analysis, "analysis", base + 2.2)
    watch(governance, strict, "1", base + 2.3)
    explain(governance, strict, "1", analysis, base + 2.4)
    prove_all(governance, strict, base + 3, but=("red_team",))
    lists = registered(governance, "Call List Order", base + 3.05, SCHEDULED)
    version(governance, lists, day=base + 3.1)
    prove_all(governance, lists, base + 3.2)
    ask(governance, lists, "deployment", base + 3.3)
    sign(governance, lists, "deployment", base + 3.4, BUSINESS)
    assert decide(governance, lists, "deployment", base + 3.5).is_open
    uneven = write_predictions(folder / "uneven.csv", start=day, uneven=True)
    add(governance, lists, "1", uneven, "analysis", base + 5)


class Seat:
    """Somebody in front of the portal."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.seen: Watched = watched(browser, address, width=1440, height=1600, dark=False)
        self.address = address

    @property
    def page(self) -> Page:
        """The browser page."""
        return self.seen.page

    def open(self, path: str, person: Any) -> None:
        """Open a page and sit down as a persona."""
        self.seen.open(path)
        box = self.page.get_by_role("combobox", name="You are")
        box.click()
        self.page.get_by_role("option", name=person.name).first.click()
        self.seen.settle()

    def press(self, name: str) -> None:
        """Press a button and wait."""
        self.page.get_by_role("button", name=name, exact=True).first.click()
        self.seen.settle()

    def write(self, label: str, words: str) -> None:
        """Fill in a field."""
        self.page.get_by_label(label, exact=True).first.fill(words)

    def reads(self, words: str) -> None:
        """The page says so, if need be in a moment."""
        expect(self.page.locator(MAIN)).to_contain_text(words, timeout=20_000)

    def gate(self, initiative: str, gate: str, person: Any, *, opens: bool) -> None:
        """Ask for a decision on a gate and look at the answer on record."""
        self.open(f"initiative?id={initiative}&gate={gate}", person)
        self.press("Ask for a decision")
        found = api(self.address, "ask_gate", {"initiative": initiative, "gate": gate})
        assert (found["outcome"] == "open") == opens, found["findings"]
        self.reads("Recorded open" if opens else "Recorded blocked")

    def sign(
        self, initiative: str, gate: str, person: Any, answer: str = "Approve", reason: str = ""
    ) -> None:
        """Answer at a gate."""
        self.open(f"initiative?id={initiative}&tab=Sign-offs", person)
        form = self.page.locator(f'[data-testid="stForm"]:has([class*="st-key-answer-outcome-{gate}"])')
        form.get_by_role("radio", name=answer, exact=True).click()
        if reason:
            form.get_by_label("Reason").fill(reason)
        form.get_by_role("button", name="Sign").click()
        self.seen.settle()


def api(address: str, name: str, parameters: dict[str, Any], actor: str = BUILDER.id) -> Any:
    """Run an operation as a pipeline does, with the token of the served store."""
    request = urllib.request.Request(
        f"{address}/api/operations/{name}",
        data=json.dumps(parameters).encode(),
        headers={
            "Authorization": f"Bearer {TOKENS[address]}",
            "Content-Type": "application/json",
            "X-Governance-Actor": actor,
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


TOKENS: dict[str, str] = {}


@pytest.fixture(autouse=True)
def token(address: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the server wrote its token, as the command line finds it."""
    for told in tmp_path_factory.getbasetemp().glob("process*/store/server.json"):
        known = json.loads(told.read_text(encoding="utf-8"))
        TOKENS[address] = known["token"]


def prove_by_api(address: str, initiative: str) -> None:
    """A pipeline submits every proof that is missing, and runs the checks."""
    sheet = api(address, "show_initiative", {"initiative": initiative})
    for wanted in sheet["requirements"]:
        if wanted["evidence"] and wanted["status"] == "missing":
            values = {"initiative": initiative, "measure": wanted["measure"], "title": "Proof"}
            api(address, "submit_evidence", {**values, "link": f"https://ci.example.org/{wanted['measure']}"})
    api(address, "run_checks", {"initiative": initiative})


def test_an_analyst_takes_an_ad_hoc_project_from_the_form_to_use_in_one_sitting(
    browser: Browser, address: str
) -> None:
    seat = Seat(browser, address)
    seat.open("register", ANALYST)
    seat.write("Name", "Meal mix sheet")
    seat.write("Purpose", "Compare how many meals of each kind are eaten.")
    for label in ("Owner", "Business domain"):
        seat.page.get_by_role("combobox", name=label).click()
        seat.page.get_by_role("option").first.click()
        seat.seen.settle()
    for answer in LIGHTEST:
        seat.page.get_by_text(answer, exact=True).click()
        seat.seen.settle()
    seat.press("Register")
    seat.reads("nothing more to wait for")
    seat.gate("meal-mix-sheet", "deployment", ANALYST, opens=True)
    seat.reads("Live")
    assert seat.seen.problems == []


def test_an_internal_scheduled_model_needs_its_few_proofs_and_one_signature(
    browser: Browser, address: str
) -> None:
    answers = {"regulations": ["no_rules"], "release_cadence": ["planned"], "lifetime": ["weeks"]}
    answers |= {"decay_rate": ["slow"], "explainability": ["nobody_asks"]}
    answers |= {question: list(options) for question, options in SCHEDULED.items()}
    new = {"name": "Branch Volume Report", "purpose": "Forecast the volume of loans per branch."}
    new |= {"team": "Credit", "owner": OWNER.id, "builder": BUILDER.id, "domain": "credit"}
    initiative = api(address, "register_initiative", {**new, "answers": answers})["initiative"]
    seat = Seat(browser, address)
    seat.open(f"initiative?id={initiative}&tab=Versions", BUILDER)
    seat.page.get_by_text("Register a model version", exact=True).click()
    seat.write("Algorithm", "Gradient boosting")
    seat.write("Full commit", "c" * 40)
    for label in ("sha256 of the model file", "sha256 of the lock file"):
        found = seat.page.get_by_label(label, exact=True)
        if found.count():
            found.first.fill("a" * 64)
    seat.press("Register the version")
    api(
        address,
        "amend_model_version",
        {
            "initiative": initiative,
            "version": "1",
            "reason": "The build sends its digests.",
            "artifact_sha256": "a" * 64,
            "environment_sha256": "d" * 64,
        },
    )
    prove_by_api(address, initiative)
    seat.gate(initiative, "development", BUILDER, opens=True)
    seat.open(f"initiative?id={initiative}&tab=Sign-offs", BUILDER)
    seat.press("Ask for the signatures")
    seat.reads("Waiting for approval")
    seat.open(f"initiative?id={initiative}&tab=Sign-offs", OWNER)
    assert seat.page.get_by_role("button", name="Sign", exact=True).count() == 0, (
        "nobody signs their own work"
    )
    seat.sign(initiative, "deployment", BUSINESS)
    seat.reads("Approved until")
    seat.gate(initiative, "deployment", BUILDER, opens=True)
    assert seat.seen.problems == []


def test_a_model_is_pulled_after_a_breach_in_monitoring(browser: Browser, address: str) -> None:
    initiative = "call-list-order"
    found = api(address, "run_checks", {"initiative": initiative, "checks": ["bias_limit"]})
    assert found["checks"][0]["verdict"] == "fail"
    seat = Seat(browser, address)
    seat.open(f"initiative?id={initiative}&gate=deployment&tab=Findings+and+waivers", PRODUCTION)
    seat.reads("F1: Breach in monitoring: bias limit")
    seat.press("Pull out of production")
    seat.write("Why", "Women are called half as often; the old list is used.")
    seat.press("Pull it now")
    seat.reads("Recorded blocked")
    rows = api(address, "list_initiatives", {})["initiatives"]
    assert not next(row["live"] for row in rows if row["initiative"] == initiative)

    # The builder says it is mended; somebody else verifies.
    seat.open(f"initiative?id={initiative}&tab=Findings+and+waivers", BUILDER)
    seat.press("It is mended")
    seat.page.get_by_label("How", exact=True).first.fill("The feature that stood for sex is gone.")
    seat.press("Put on record")
    seat.reads("Waits to be verified")
    seat.open(f"initiative?id={initiative}&tab=Findings+and+waivers", VALIDATOR)
    seat.press("Verify")
    seat.page.get_by_label("What you saw", exact=True).first.fill("Looked at the slices of both lists.")
    seat.press("Put on record")
    seat.reads("Closed")
    assert seat.seen.problems == []
