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
from typing import Any

import pytest

from core.connectors.settings import PROJECT
from core.lake.store import open_store
from core.services.governance import Governance
from core.services.process.initiatives import initiative_sheet
from tests.conftest import BUILDER, CONFIG, VALIDATOR, answers_for, founded, later, register
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
PLACE = re.compile(r"\b(under|above|after)\s+`([^`]+)`")
RECIPES = {
    "Add a text on an initiative": 3,
    "Add a use case": 3,
    "Add a check": 3,
    "Add a KPI": 1,
    "Add a page": 2,
}
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
    """Imports stand on top, all else at the next of the places, or at the end; a place is taken once."""
    if not file.exists():
        file.write_text(block)
        return
    text = file.read_text(encoding="utf-8")
    defines = re.match(r"(def|class) ", block)
    if block.startswith("from "):
        text = text.replace("import annotations\n", f"import annotations\n\n{block}", 1)
    elif block.startswith("checks: "):
        text = text.replace(block.rsplit(",", 1)[0] + "]", block.strip(), 1)
    elif not places:
        text = f"{text}\n\n{block}"
    else:
        where, name = places.pop(0)
        start = re.search(rf"^( *){re.escape(name)}.*\n", text, re.M)
        assert start is not None, name
        deeper = where == "under"
        if file.suffix == ".py" and deeper:
            block = block.rstrip(",\n") + ",\n"
        step = len(start[1]) + deeper * (2 if file.suffix == ".yaml" else 4)
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
from core.services.record.identity import Door
from core.entrypoints.cli import run
from core.services.governance import open_governance
from portal.components.desk import Desk
from portal.shell.house import page_names

I = "card-limit-advice"
codes = [
    run(["configuration", "propose", "config/kpis.yaml"]),
    run(["proposal", "agree", "C1", "--as", "ada-admin"]),
    run(["finding", "raise", I, "--title", "No owner", "--severity", "minor", "--step", "scoping",
         "--due", "2999-01-01"]),
    run(["finding", "postpone", I, "F1", "--due", "2999-02-01", "--note", "She is away."]),
    run(["finding", "postpone", "--help"]),
    run(["check", I, "--only", "purpose_told"]),
    run(["kpis"]),
    run(["policy", "check", "config/policy.yaml"]),
]
governance = open_governance(read_settings())
http = TestClient(create_api(Door(governance, "a-token-that-is-long-enough")), headers={
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


def carried_out(script: str, house: Path, store: Path, actor: str, *given: str) -> tuple[dict[str, Any], str]:
    """What a script that runs in the copy says at last, as JSON, and all that it printed before."""
    settings = {"GOVERNANCE_STORE": str(store), "GOVERNANCE_ACTOR": actor, "PYTHONPATH": str(house)}
    done = subprocess.run(
        [sys.executable, "-c", script, *given],
        cwd=house,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *printed, last = done.stdout.splitlines()
    return json.loads(last), "\n".join(printed)


def test_what_the_recipes_promise_happens(touched: tuple[Path, dict[str, set[str]]], tmp_path: Path) -> None:
    """On the command line, over HTTP and on a page of the copy."""
    governance = founded(tmp_path / "store", open_store, demo=True)
    register(governance)
    governance.close()
    found, said = carried_out(FOLLOWED, touched[0], tmp_path / "store", VALIDATOR.id)
    assert found["codes"] == [0] * 8, said
    for words in (
        "Finding F1 is on record.",
        "F1 is due on 2999-02-01.",
        "Give a finding more time.",
        "the purpose is a sentence",
        "Failed requirements",
    ):
        assert words in said
    assert found["postponed"].get("due_on") == "2999-03-01"
    assert "failed_requirements" in found["kpis"]
    assert (found["page"], found["broken"]) == (["Card Limit Advice"], [])
    assert "roll" in found["pages"]


TOLD = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from fastapi.testclient import TestClient
from streamlit.testing.v1 import AppTest
from core.connectors.settings import PROJECT, read_settings
from core.entrypoints.api import create_api
from core.services.record.identity import Door
from core.entrypoints.cli import run
from core.lake.record.verify import verify_store
from core.services.governance import open_governance
from portal.components.desk import Desk

I, answers = "card-limit-advice", json.loads(sys.argv[1])
typed = [part for question, (option,) in answers.items() for part in ("--answer", f"{question}={option}")]
new = {"purpose": "Set the price of a loan.", "domain": "credit", "answers": answers}
codes = [
    run(["verify"]),
    run(["show", I]),
    run(["register", "--name", "Loan prices", "--purpose", new["purpose"], *typed,
         "--benefit", "One price for all."]),
    run(["show", "loan-prices"]),
    run(["amend", I, "--benefit", "Fewer calls."]),
    run(["show", I]),
    run(["document", I]),
    run(["audit-pack", I, "--out", sys.argv[2], "--as", "vera-validator"]),
    run(["verify-pack", sys.argv[2]]),
    run(["verify"]),
]
governance = open_governance(read_settings())
http = TestClient(create_api(Door(governance, "a-token-that-is-long-enough")), headers={
    "Authorization": "Bearer a-token-that-is-long-enough", "X-Governance-Actor": "bram-builder"})
registered = http.post("/initiatives", json={**new, "name": "Loan limits", "benefit": "Fewer losses."})
change = {"initiative": "loan-prices", "benefit": "Fair prices."}
amended = http.post("/operations/amend_initiative", json=change)


def opened(name, **address):
    page = AppTest.from_file(str(PROJECT / "portal" / "pages" / f"{name}.py"), default_timeout=60)
    page.session_state["desk"] = Desk(governance, governance.person("bram-builder"),
                                      governance.moment(datetime.now(UTC)))
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, page.exception
    return page


def broken(before, benefit):
    cursor = governance.store.cursor()
    rows = cursor.execute("SELECT min(seq) FROM initiative WHERE benefit = ?", [before]).fetchall()
    change = "UPDATE initiative SET benefit = ? WHERE seq = ?"
    cursor.execute(change, [benefit, rows[0][0]])
    found = verify_store(governance.store).first_break
    cursor.execute(change, [before, rows[0][0]])
    return found is not None and found.seq == rows[0][0]


sheet = opened("initiative", id=I)
print(json.dumps({
    "codes": codes, "registered": registered.status_code, "amended": amended.status_code,
    "benefits": {name: http.get(f"/initiatives/{name}").json()["initiative"]["benefit"]
                 for name in (I, "loan-prices", "loan-limits")},
    "sheet": [html.proto.body for html in sheet.get("html")],
    "typed": {area.label: area.value for area in sheet.text_area},
    "asked": [area.label for area in opened("register").text_area],
    "pages": [path.read_text() for path in sorted(Path(sys.argv[2]).rglob("*.html"))],
    "found": [broken("", "Made up."), broken("Fewer calls.", "Made up."), broken("Fewer losses.", ""),
              broken("", None)],
    "whole": verify_store(governance.store).first_break is None,
}))
"""


def test_a_text_on_an_initiative_is_told_everywhere_and_old_entries_still_verify(
    touched: tuple[Path, dict[str, set[str]]], tmp_path: Path
) -> None:
    """The store was made before its column was: the copy brings it up to date."""
    governance = founded(tmp_path / "store", open_store, demo=True)
    register(governance)
    answers = json.dumps(answers_for(governance, heavy=False))
    governance.close()
    found, said = carried_out(
        TOLD, touched[0], tmp_path / "store", BUILDER.id, answers, str(tmp_path / "pack")
    )
    assert found["codes"] == [0] * 10, said
    for words in ("Benefit: –", "Benefit: One price for all.", "Benefit: Fewer calls.", "**Benefit"):
        assert words in said
    assert (found["registered"], found["amended"]) == (201, 200)
    assert found["benefits"] == {
        "card-limit-advice": "Fewer calls.",
        "loan-prices": "Fair prices.",
        "loan-limits": "Fewer losses.",
    }
    assert any("Fewer calls." in html for html in found["sheet"])
    assert found["typed"]["Benefit"] == "Fewer calls." and "Benefit" in found["asked"]
    assert any("Fewer calls." in page for page in found["pages"])
    assert (found["found"], found["whole"]) == ([True] * 4, True)


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
