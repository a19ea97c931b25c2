"""The first recipe of CONTRIBUTING is followed to the letter, and what it promises happens."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from core.connectors.settings import PROJECT
from core.lake.store import open_store
from core.services.governance import Governance
from core.services.process.inventory import initiative_sheet
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


def test_the_recipe_for_a_use_case_is_three_files(tmp_path: Path) -> None:
    scratch = tmp_path / "house"
    for folder in ("core", "config", "data/demo"):
        shutil.copytree(PROJECT / folder, scratch / folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = recipe("Add a use case")
    command, service, row = snippets(text, "python")
    files = re.findall(r"^\d\. `(core/[\w/]+\.py)`", text, re.M)
    assert len(files) == 3
    commands, services, table = (scratch / file for file in files)
    commands.write_text(f"{commands.read_text()}\n\n{command}")
    head, start, rest = services.read_text().partition("from core.domain.process.commands import ")
    services.write_text(
        f"{head}from core.domain.facts.recorded import but\n{start}PostponeFinding, {rest}\n\n{service}"
    )
    head, start, rest = table.read_text().partition("USE_CASES = (\n")
    table.write_text(head + start + textwrap.indent(row.rstrip() + ",\n", "    ") + rest)

    governance = founded(tmp_path / "store", open_store)
    initiative = register(governance)
    governance.close()
    raised = govern(
        scratch, "finding", "raise", initiative, "--title", "No owner", "--severity", "minor",
        "--step", "scoping", "--due", "2999-01-01",
    )  # fmt: skip
    assert raised.stdout == "Finding F1 is on record.\n", raised.stderr
    more = govern(
        scratch, "finding", "postpone", initiative, "F1", "--due", "2999-02-01", "--note", "She is away."
    )
    assert more.stdout == "F1 is due on 2999-02-01.\n", more.stderr
    assert "Give a finding more time." in govern(scratch, "finding", "postpone", "--help").stdout


def govern(scratch: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the scratch copy on the store beside it."""
    settings = {"GOVERNANCE_STORE": str(scratch.parent / "store"), "GOVERNANCE_ACTOR": VALIDATOR.id}
    return subprocess.run(
        [sys.executable, "-m", "core.entrypoints.cli", *arguments],
        cwd=scratch,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_file_and_folder_that_contributing_names_is_there() -> None:
    named = set(re.findall(r"`((?:core|portal|config|tests|data)/[\w/.]+?)/?`", TEXT))
    missing = [
        name
        for name in sorted(named)
        if not {"NAME", "ROOM"} & set(re.split(r"[/.]", name)) and not (PROJECT / name).exists()
    ]
    assert missing == []


def test_every_promised_recipe_is_there() -> None:
    for title in ("Add a measure", "Add a KPI", "Add a use case", "Add a page", "Add an importer"):
        assert "core/" in recipe(title) or "config/" in recipe(title)
