"""Every command has a permission rule, and the services hold to it."""

from __future__ import annotations

import re

from core.connectors.config_files import read_roles
from core.connectors.settings import PROJECT
from core.domain.actors import ACTIONS

SERVICES = PROJECT / "core" / "services"


def test_every_action_is_asked_for_by_a_service_and_no_other() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in SERVICES.rglob("*.py"))
    asked = set(re.findall(r"roles\.require\([^)]*\"([a-z_]+)\"\)", text))
    assert asked == set(ACTIONS)


def test_every_service_that_takes_a_command_checks_the_permission_first() -> None:
    for file in SERVICES.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for found in re.finditer(
            r"^def ([a-z]\w*)\([^)]*command: \w+[^)]*\)[^:]*:\n(.*?)(?=^\w|\Z)", text, re.M | re.S
        ):
            body = re.sub(r'^\s*""".*?"""\n', "", found.group(2), flags=re.S)
            assert body.lstrip().startswith("governance.roles.require("), f"{file.name}: {found.group(1)}"


def test_every_action_may_be_taken_by_somebody() -> None:
    roles = read_roles(PROJECT / "config" / "roles.yaml")
    assert all(roles.allowed_roles(action) for action in ACTIONS)
