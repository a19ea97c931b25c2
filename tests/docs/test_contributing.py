"""The recipes of CONTRIBUTING are followed to the letter on a copy, and what they promise happens."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT
from core.lake.store import open_store
from core.services.governance import Governance
from core.services.process.initiatives import initiative_sheet
from tests.conftest import CONFIG, VALIDATOR, founded, later, register
from tests.process import publish

TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def recipe(title: str) -> str:
    found = re.search(rf"^### {title}\n(.*?)(?=^##)", TEXT, re.M | re.S)
    assert found is not None
    return found.group(1)


def snippets(text: str, language: str = "yaml") -> list[str]:
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.M | re.S)
    return [textwrap.dedent(snippet) for snippet in found]


def test_the_recipe_for_a_measure_leads_to_a_requirement(governance: Governance) -> None:
    measure, cell = snippets(recipe("Add a measure"))
    policy = (CONFIG / "policy.yaml").read_text(encoding="utf-8")
    last_rung = policy.index("\n\n  - id: sign_off")
    policy = policy[:last_rung] + "\n" + textwrap.indent(measure, " " * 6).rstrip() + policy[last_rung:]
    start = policy.index("  very_high:\n    reproducibility")
    policy = policy[:start] + policy[start:].replace("    documentation: 3", "    " + cell.strip(), 1)
    policy = policy.replace('version: "2.0"', 'version: "2.1"', 1)

    initiative = register(governance)
    publish(governance, policy, 2)

    sheet = initiative_sheet(governance, governance.moment(later(3)), initiative=initiative)
    required = {state.requirement.measure.id for state in sheet.requirements}
    assert "reader_tested" in required
    assert "development_logged" not in required, "a higher rung replaces the lower one"


STEP = re.compile(r"^\d\. `([\w/.]+)`: (.*?)(?=^\d\. |\Z)", re.M | re.S)
PLACE = re.compile(r"\b(under|above) `([^`]+)`")
RECIPES = {"Add a use case": 3, "Add a check": 3, "Add a KPI": 3, "Add a page": 2}
"""Recipe -> the files that it may touch; its tests are not counted."""


@pytest.fixture(scope="module")
def touched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, set[str]]]:
    """A copy of the house in which every recipe was followed, and the files that each of them touched."""
    scratch = tmp_path_factory.mktemp("recipes") / "house"
    for folder in ("core", "portal", "config"):
        shutil.copytree(PROJECT / folder, scratch / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return scratch, {title: follow(recipe(title), scratch) for title in RECIPES}


def follow(text: str, scratch: Path) -> set[str]:
    """Put each block of a recipe where its step says, and name the files."""
    files = set()
    for file, step in STEP.findall(text):
        files.add(file)
        places = PLACE.findall(step)
        for block in snippets(step, r"\w+"):
            put(scratch / file, block.rstrip() + "\n", places)
    return files


def put(file: Path, block: str, places: list[tuple[str, str]]) -> None:
    """Imports stand on top, definitions at the end or above a name, and all else under a name."""
    if not file.exists():
        file.write_text(block)
        return
    text = file.read_text(encoding="utf-8")
    defines = re.match(r"(def|class) ", block)
    places = [(where, name) for where, name in places if (where == "above") == bool(defines)]
    if block.startswith("from "):
        text = text.replace("import annotations\n", f"import annotations\n\n{block}", 1)
    elif block.startswith("checks: "):
        text = text.replace(block.rsplit(",", 1)[0] + "]", block.strip(), 1)
    elif not places:
        text = f"{text}\n\n{block}"
    else:
        (where, name), *_ = places
        start = re.search(rf"^( *){re.escape(name)}.*\n", text, re.M)
        assert start is not None, name
        if file.suffix == ".py" and not defines:
            block = block.rstrip(",\n") + ",\n"
        step = 0 if defines else len(start[1]) + (2 if file.suffix == ".yaml" else 4)
        at = start.start() if where == "above" else start.end()
        text = text[:at] + textwrap.indent(block, " " * step) + ("\n\n" if defines else "") + text[at:]
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("title", "most"), RECIPES.items(), ids=RECIPES)
def test_a_recipe_touches_few_files(title: str, most: int, touched: tuple[Path, dict[str, set[str]]]) -> None:
    assert len(touched[1][title]) == most


FOLLOWED = """
import json
from datetime import UTC, datetime
from fastapi.testclient import TestClient
from streamlit.testing.v1 import AppTest
from core.connectors.settings import PROJECT, read_settings
from core.entrypoints.api import create_api
from core.entrypoints.cli import run
from core.services.governance import open_governance
from portal.components.desk import Desk
from portal.shell.plan import page_names

I = "card-limit-advice"
codes = [
    run(["finding", "raise", I, "--title", "No owner", "--severity", "minor", "--step", "scoping",
         "--due", "2999-01-01"]),
    run(["finding", "postpone", I, "F1", "--due", "2999-02-01", "--note", "She is away."]),
    run(["finding", "postpone", "--help"]),
    run(["check", I, "--only", "purpose_told"]),
    run(["kpis"]),
    run(["policy", "check", "config/policy.yaml"]),
]
governance = open_governance(read_settings())
http = TestClient(create_api(governance, token="a-token-that-is-long-enough"), headers={
    "Authorization": "Bearer a-token-that-is-long-enough", "X-Governance-Actor": "vera-validator"})
postponed = {"initiative": I, "finding": "F1", "due_on": "2999-03-01", "note": "She is away still."}
page = AppTest.from_file(str(PROJECT / "portal" / "pages" / "roll.py"), default_timeout=60)
page.session_state["desk"] = Desk(governance, governance.person("vera-validator"),
                                  governance.moment(datetime.now(UTC)))
page.run()
print(json.dumps({
    "codes": codes,
    "postponed": http.post("/operations/postpone_finding", json=postponed).json(),
    "kpis": [kpi["id"] for kpi in http.get("/kpis").json()["kpis"]],
    "page": [text.value for text in page.text], "pages": page_names(),
    "broken": [problem.message for problem in page.exception],
}))
"""


def test_what_the_recipes_promise_happens(touched: tuple[Path, dict[str, set[str]]], tmp_path: Path) -> None:
    """On the command line, over HTTP and on a page of the copy."""
    governance = founded(tmp_path / "store", open_store)
    register(governance)
    governance.close()
    settings = {"GOVERNANCE_STORE": str(tmp_path / "store"), "GOVERNANCE_ACTOR": VALIDATOR.id}
    done = subprocess.run(
        [sys.executable, "-c", FOLLOWED],
        cwd=touched[0],
        env={**os.environ, **settings, "PYTHONPATH": str(touched[0])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *printed, last = done.stdout.splitlines()
    found, said = json.loads(last), "\n".join(printed)
    assert found["codes"] == [0] * 6, said
    for words in (
        "Finding F1 is on record.",
        "F1 is due on 2999-02-01.",
        "Give a finding more time.",
        "the purpose is a sentence",
        "Failed requirements",
    ):
        assert words in said
    assert found["postponed"].get("due_on") == "2999-03-01", done.stderr
    assert "failed_requirements" in found["kpis"]
    assert (found["page"], found["broken"]) == (["Card Limit Advice"], [])
    assert "roll" in found["pages"]


def test_every_file_and_folder_that_contributing_names_is_there(
    touched: tuple[Path, dict[str, set[str]]],
) -> None:
    """Or a recipe makes it."""
    named = set(re.findall(r"`((?:core|portal|config|tests|data)/[\w/.]+?)/?`", TEXT))
    missing = [
        name
        for name in sorted(named)
        if not {"NAME", "ROOM"} & set(re.split(r"[/.]", name))
        and not (PROJECT / name).exists()
        and not (touched[0] / name).exists()
    ]
    assert missing == []


def test_every_promised_recipe_is_there() -> None:
    for title in ("Add a measure", *RECIPES, "Add an importer"):
        assert re.search(r"`(core|config|portal)/", recipe(title))
