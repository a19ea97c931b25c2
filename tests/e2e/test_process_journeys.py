"""The four journeys of `tests/services/test_journeys.py` again, in a real browser on a real server.

What people do by hand is clicked; what pipelines send comes through the API of the same server. Every act
is waited for by what the page says of it, so that a slow machine makes them slower and not otherwise.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as NotInTime

from core.lake.directory import put_person
from core.lake.store import open_memory_store, save_store
from core.services.governance import Governance, wire
from core.services.record.people import found_store
from tests.conftest import ADMIN, BUILDER, CAST, CONFIG, OWNER, START, VALIDATOR, later
from tests.e2e.served import Watched, served, watched
from tests.e2e.test_journeys import LIGHTEST
from tests.journeys import CHUNK, add, everybody_is_trained, write_predictions
from tests.process import (
    ANALYST,
    BUSINESS,
    HEAD,
    LOCKED,
    OPS,
    PRODUCTION,
    SECOND,
    SIGNERS,
    THIRD,
    ask,
    deploy,
    prove_all,
    sign,
    version,
)
from tests.services.test_journeys import registered

MAIN = '[data-testid="stMain"]'
STRICT = (
    "Machine-learned model",
    "None that we know of",
    "The public",
    "At any hour, without outages",
    "Harm to a person's life: credit, work, health or freedom",
    "A few planned releases a year or fewer",
    "Weeks",
    "It holds for a year or longer",
    "Yes, the people decided about are entitled to reasons",
)
SCHEDULED: dict[str, tuple[str, ...]] = {
    "consumers": ("internal",),
    "availability": ("scheduled",),
    "error_impact": ("small_loss",),
}
INDEPENDENT = ("hand_coded_validation", "red_team")
TRIES = 4


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
    lists = registered(governance, "Call List Order", base + 3.05, SCHEDULED)
    version(governance, lists, day=base + 3.1)
    prove_all(governance, lists, base + 3.2)
    ask(governance, lists, "deployment", base + 3.3)
    sign(governance, lists, "deployment", base + 3.4, BUSINESS)
    deploy(governance, lists, base + 3.5)
    uneven = write_predictions(folder / "uneven.csv", start=_days_ago(48), uneven=True)
    add(governance, lists, "1", uneven, "analysis", base + 5)


def _days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


class Seat:
    """Somebody in front of the portal."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.seen: Watched = watched(browser, address, width=1440, height=1600, dark=False)
        self.address = address

    @property
    def page(self) -> Page:
        """The browser page."""
        return self.seen.page

    def runs(self) -> AbstractContextManager[None]:
        """What is done within makes the page's script run; wait for the end of that run."""
        return self.seen.runs()

    def open(self, path: str, person: Any) -> None:
        """Open a page and sit down as a persona; one that lies open is taken over from whoever sat there."""
        seated = self.page.get_by_role("combobox", name="You are")
        taken_over = self.page.url == f"{self.address}/{path}" and not self._sits(seated, person)
        if not taken_over:
            self.seen.open(path)
        if not self._sits(seated, person):
            seated.click()
            with self.runs():
                self.page.get_by_role("option", name=person.name).first.click()

    def _sits(self, seated: Locator, person: Any) -> bool:
        return bool(seated.input_value().partition(",")[0] == person.name)

    def tab(self, initiative: str, title: str, person: Any) -> None:
        """Open a tab of an initiative's sheet."""
        self.open(f"initiative?id={initiative}&tab={title.replace(' ', '+')}", person)

    def press(self, name: str, *, done: str = "", within: Locator | None = None) -> None:
        """Press a button and wait, where it does something for the sentence that says so.

        Nothing stays unfolded after it: the form of another act would lie under the same hand.
        """
        with self.runs():
            (within or self.page).get_by_role("button", name=name, exact=True).first.click()
        if done:
            told = self.page.get_by_test_id("stToast").filter(has_text=done)
            expect(told.first).to_be_visible(timeout=20_000)
            expect(self.page.get_by_test_id("stPopoverBody")).to_have_count(0)

    def unfold(self, name: str) -> None:
        """Open a form that waits behind a button; the page's script does not run for it."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def write(self, label: str, words: str) -> None:
        """Fill in a field."""
        self.page.get_by_label(label, exact=True).first.fill(words)

    def choose(self, label: str, name: str = "") -> None:
        """Choose from a list, by typing what is named; one that a late answer shut is opened again."""
        box, option = (
            self.page.get_by_role("combobox", name=label, exact=True),
            self.page.get_by_role("option", name=name).first,
        )
        for _ in range(TRIES):
            box.click()
            if name:
                box.fill(name)
            with suppress(NotInTime):
                option.click(timeout=5_000)
                break
        else:
            raise AssertionError(f"{label!r} offers no {name!r}")
        self.seen.settle()

    def reads(self, words: str) -> None:
        """The page says so, if need be in a moment, and nowhere shows how it is written inside."""
        main = self.page.locator(MAIN)
        expect(main).to_contain_text(words, timeout=20_000)
        assert "\\" not in main.inner_text()

    def gate(self, initiative: str, gate: str, person: Any, *, opens: bool) -> None:
        """Ask for a decision on a gate and look at the answer on record."""
        self.open(f"initiative?id={initiative}&gate={gate}", person)
        self.press("Ask for a decision", done="is on record")
        found = api(self.address, "ask_gate", {"initiative": initiative, "gate": gate})
        assert (found["outcome"] == "open") == opens, found["findings"]
        step = self.page.locator("ol.gp-steps li").filter(has_text=found["gate_title"])
        expect(step).to_contain_text("Recorded open" if opens else "Recorded blocked", timeout=20_000)

    def ask(self, initiative: str, gate: str) -> None:
        """The builder asks for the signatures of one gate."""
        self.tab(initiative, "Sign-offs", BUILDER)
        box = self.page.locator(f'[class*="st-key-RequestSignOff-"][class*="-{gate}"]')
        self.press("Ask for the signatures", done="are asked for", within=box)

    def advise(self, initiative: str, gate: str, person: Any) -> None:
        """Give feedback without an issue."""
        self.tab(initiative, "Sign-offs", person)
        self.press("Give feedback", done="Your feedback at", within=self._form("GiveFeedback", gate))

    def sign(
        self, initiative: str, gate: str, person: Any, answer: str = "Approve", reason: str = ""
    ) -> None:
        """Answer at a gate."""
        self.tab(initiative, "Sign-offs", person)
        form = self._form("SignGate", gate)
        form.get_by_role("radio", name=answer, exact=True).click()
        if reason:
            form.get_by_label("Reason").fill(reason)
        self.press("Sign", done="Your answer at", within=form)

    def _form(self, command: str, gate: str) -> Locator:
        asked = f'[class*="st-key-{command}-"][class*="-{gate}-outcome"]'
        return self.page.locator(f'[data-testid="stForm"]:has({asked})')


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
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.loads(answer.read())


TOKENS: dict[str, str] = {}
STORES: dict[str, Path] = {}


@pytest.fixture(autouse=True)
def token(address: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the server wrote its token, as the command line finds it."""
    for told in tmp_path_factory.getbasetemp().glob("process*/store/server.json"):
        known = json.loads(told.read_text(encoding="utf-8"))
        TOKENS[address], STORES[address] = known["token"], told.parent


def prove_by_api(address: str, initiative: str, *, but: tuple[str, ...] = ()) -> None:
    """Pipelines submit every proof that is missing except what is named, and run the checks."""
    sheet = api(address, "show_initiative", {"initiative": initiative})
    for wanted in sheet["requirements"]:
        measure = wanted["measure"]
        if wanted["evidence"] and wanted["status"] == "missing" and measure not in but:
            author = VALIDATOR if measure in INDEPENDENT else BUILDER
            values = {"initiative": initiative, "measure": measure, "title": "Proof"}
            values |= {"link": f"https://ci.example.org/{measure}"}
            api(address, "submit_evidence", values, author.id)
    api(address, "run_checks", {"initiative": initiative})


def measure_by_api(address: str, initiative: str) -> None:
    """A pipeline sends predictions and attributions of version 1, and has them measured."""
    import polars as pl

    incoming, about = STORES[address] / "incoming", {"initiative": initiative, "version": "1"}
    incoming.mkdir(exist_ok=True)
    columns: dict[str, Any] = {"task": "binary", "prediction": "y_pred", "target": "y_true"}
    columns |= {"row_id": "row_id", "timestamp": "timestamp"}
    columns |= {"scores": ["y_score"], "features": ["income"], "sensitive": ["sex"], "favourable": ["1"]}
    for part, days, seed in (("reference", 88, 7), ("analysis", 48, 8)):
        file = write_predictions(incoming / f"{part}.csv", start=_days_ago(days), seed=seed)
        api(address, "add_predictions", {**about, **columns, "part": part, "incoming": file.name})
    api(address, "refresh_monitoring", {**about, "chunk_size": CHUNK, "by": [], "metrics": ["roc_auc"]})
    api(address, "measure_drift", {**about, "chunk_rows": CHUNK})
    rows = pl.read_csv(incoming / "analysis.csv")
    odds = (pl.col("y_score") / (1 - pl.col("y_score"))).log()
    base = float(rows.select(odds.mean()).item())
    file = incoming / "attributions.parquet"
    shares = [((odds - base) * share).alias(name) for name, share in (("sex", 0.3), ("income", 0.7))]
    rows.select("row_id", *shares).write_parquet(file)
    scale = {"part": "analysis", "scale": "log_odds", "base_value": base}
    api(address, "add_attributions", {**about, **scale, "incoming": file.name, "name": file.name})


def is_live(address: str, initiative: str) -> bool:
    """Whether the inventory says that it is live."""
    rows = api(address, "list_initiatives", {})["initiatives"]
    return bool(next(row["live"] for row in rows if row["initiative"] == initiative))


def fill_in(seat: Seat, name: str, purpose: str, answers: tuple[str, ...]) -> None:
    """Fill in the form of the registration."""
    seat.write("Name", name)
    seat.write("Purpose", purpose)
    seat.choose("Owner, who answers for it", OWNER.name)
    seat.choose("Business domain")
    for answer in answers:
        with seat.runs():
            seat.page.get_by_text(answer, exact=True).click()


def register_version(seat: Seat, initiative: str) -> None:
    """The builder registers the next version with its digests."""
    seat.tab(initiative, "Versions", BUILDER)
    seat.page.get_by_text("Register a model version", exact=True).click()
    seat.write("Algorithm", "Gradient boosting")
    for field, digest in LOCKED.items():
        seat.page.locator(f'[class*="st-key-RegisterModelVersion-"][class*="-{field}"] input').fill(digest)
    seat.press("Register the version", done="is registered")


def test_an_analyst_takes_an_ad_hoc_project_from_the_form_to_use_in_one_sitting(
    browser: Browser, address: str
) -> None:
    seat = Seat(browser, address)
    seat.open("register", ANALYST)
    fill_in(seat, "Meal mix sheet", "Compare how many meals of each kind are eaten.", LIGHTEST)
    seat.press("Register")
    seat.reads("nothing more to wait for")
    seat.gate("meal-mix-sheet", "deployment", ANALYST, opens=True)
    seat.press("Put into production", done="It is in production")
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


def test_a_public_model_of_high_risk_passes_every_gate_and_starts_anew_with_its_next_version(
    browser: Browser, address: str
) -> None:
    initiative = "public-credit-advice"
    seat = Seat(browser, address)
    seat.open("register", BUILDER)
    fill_in(seat, "Public credit advice", "Advise the public on the credit they can afford.", STRICT)
    seat.reads("Very high risk")
    seat.press("Register")
    seat.reads("“Public credit advice” is registered")
    known = api(address, "show_initiative", {"initiative": initiative})["initiative"]
    assert (known["owner"], known["builder"], known["team"]) == (OWNER.id, BUILDER.id, BUILDER.team)
    links = {"initiative": initiative, "version": "1", "algorithm": "Gradient boosting", "task": "binary"}
    api(address, "register_model_version", {**links, **LOCKED})
    measure_by_api(address, initiative)
    prove_by_api(address, initiative, but=("red_team",))
    seat.gate(initiative, "scoping", BUILDER, opens=False)
    looked = {"initiative": initiative, "note": "Read every answer with the team."}
    api(address, "confirm_class", looked, VALIDATOR.id)
    for gate in ("scoping", "ideation"):
        seat.gate(initiative, gate, BUILDER, opens=True)
    seat.gate(initiative, "development", BUILDER, opens=False)

    # The red team is late: a waiver, asked for by the owner and granted by the right rank.
    seat.tab(initiative, "Findings and waivers", OWNER)
    seat.page.get_by_text("Ask for a waiver", exact=True).click()
    seat.write("Why it cannot be met now", "The red team is booked until next month.")
    seat.write("What is done meanwhile", "Two analysts try to break it every week.")
    seat.press("Ask for the waiver", done="The waiver is asked for.")
    seat.reads("Waits for a decision")
    seat.tab(initiative, "Findings and waivers", HEAD)
    seat.unfold("Decide")
    seat.page.get_by_label("Why", exact=True).first.fill("Granted with the control in place.")
    seat.page.get_by_text("Grant it", exact=True).click()
    seat.press("Put on record", done="W1 is granted.")
    seat.reads("Granted")
    seat.ask(initiative, "development")
    seat.sign(initiative, "development", SECOND)
    seat.gate(initiative, "development", BUILDER, opens=True)
    seat.reads("open by waiver W1")

    # A rejection with its reason, and a second round.
    reason = "The load test stopped at half the volume."
    seat.ask(initiative, "preproduction")
    seat.advise(initiative, "preproduction", OPS)
    seat.sign(initiative, "preproduction", THIRD, "Reject", reason)
    seat.gate(initiative, "preproduction", BUILDER, opens=False)
    seat.reads(reason.rstrip("."))
    seat.ask(initiative, "preproduction")
    seat.advise(initiative, "preproduction", OPS)
    seat.sign(initiative, "preproduction", THIRD)
    seat.gate(initiative, "preproduction", BUILDER, opens=True)

    # Bea is away: Ana signs in her place; then two validators.
    seat.tab(initiative, "Sign-offs", BUSINESS)
    seat.page.get_by_text("Let somebody sign in your place", exact=True).click()
    seat.choose("Who", ANALYST.name)
    seat.write("Why", "On leave for two weeks.")
    seat.press("Delegate", done="Ana Analyst may sign in your place until")
    seat.ask(initiative, "deployment")
    seat.advise(initiative, "deployment", PRODUCTION)
    for person in (ANALYST, SECOND, THIRD):
        seat.sign(initiative, "deployment", person)
    seat.reads("Approved until")
    seat.gate(initiative, "deployment", BUILDER, opens=True)
    seat.gate(initiative, "monitoring", BUILDER, opens=True)
    assert not is_live(address, initiative), "asking puts nothing into production"
    seat.open(f"initiative?id={initiative}&gate=deployment", BUILDER)
    seat.press("Put into production", done="It is in production")
    assert is_live(address, initiative)

    # The next version is put forward: what was signed was another one; the first stays in production.
    register_version(seat, initiative)
    api(address, "promote_version", {"initiative": initiative, "version": "2", "reason": "It errs less."})
    seat.tab(initiative, "Sign-offs", VALIDATOR)
    seat.reads("Version 2 is current, and version 1 was signed.")
    seat.reads("Model version 2 instead of 1.")
    assert seat.page.get_by_role("listitem").filter(has_text="0 of 2, nobody yet").count() == 1
    seat.gate(initiative, "deployment", BUILDER, opens=False)
    assert is_live(address, initiative)
    assert seat.seen.problems == []


def test_a_model_is_pulled_after_a_breach_in_monitoring(browser: Browser, address: str) -> None:
    initiative = "call-list-order"
    found = api(address, "run_checks", {"initiative": initiative, "checks": ["bias_limit"]})
    assert found["checks"][0]["verdict"] == "fail"
    seat = Seat(browser, address)
    seat.open(f"initiative?id={initiative}&gate=deployment&tab=Findings+and+waivers", PRODUCTION)
    seat.reads("F1: Breach in monitoring: bias limit")
    seat.unfold("Pull out of production")
    seat.write("Why", "Women are called half as often; the old list is used.")
    seat.press("Pull it now", done="The model is out of production")
    assert not is_live(address, initiative)

    # The builder says it is mended; somebody else verifies.
    seat.open(f"initiative?id={initiative}&tab=Findings+and+waivers", BUILDER)
    seat.unfold("It is mended")
    seat.page.get_by_label("How", exact=True).first.fill("The feature that stood for sex is gone.")
    seat.press("Put on record", done="F1 waits to be verified")
    seat.reads("Waits to be verified")
    seat.open(f"initiative?id={initiative}&tab=Findings+and+waivers", VALIDATOR)
    seat.unfold("Verify")
    seat.page.get_by_label("What you saw", exact=True).first.fill("Looked at the slices of both lists.")
    seat.press("Put on record", done="F1 is closed.")
    seat.reads("Closed")
    assert seat.seen.problems == []
