"""The first recipe of CONTRIBUTING is followed to the letter, and what it promises happens."""

from __future__ import annotations

import re
import textwrap

from core.connectors.settings import PROJECT
from core.services.governance import Governance
from core.services.process.inventory import initiative_sheet
from tests.conftest import CONFIG, later, register
from tests.process import publish

TEXT = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def recipe(title: str) -> str:
    found = re.search(rf"^### {title}\n(.*?)(?=^##)", TEXT, re.M | re.S)
    assert found is not None
    return found.group(1)


def snippets(text: str) -> list[str]:
    found = re.findall(r"^ *```yaml\n(.*?)^ *```", text, re.M | re.S)
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


def test_every_file_and_folder_that_contributing_names_is_there() -> None:
    named = set(re.findall(r"`((?:core|portal|config|tests|data)/[\w/.]+?)/?`", TEXT))
    missing = [name for name in sorted(named) if "NAME" not in name and not (PROJECT / name).exists()]
    assert missing == []


def test_every_promised_recipe_is_there() -> None:
    for title in ("Add a measure", "Add a KPI", "Add a page", "Add an importer"):
        assert "core/" in recipe(title) or "config/" in recipe(title)
