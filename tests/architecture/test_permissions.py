"""Every command says which permission it needs, and the services hold to it."""

from __future__ import annotations

import re
from importlib import import_module
from pkgutil import walk_packages

import core.services
from core.connectors.config_files import read_config
from core.connectors.settings import PROJECT
from core.domain.actors import ACTIONS, Roles
from core.domain.commands import Alone, Command
from core.services.use_cases import every_use_case

SERVICES = PROJECT / "core" / "services"
OPENS = ("case = begin(governance, command)", "governance.require(command)")
"""How a service that takes a command begins."""


def commands(kind: type[Command] = Command) -> set[type[Command]]:
    """Every command there is."""
    for module in walk_packages(core.services.__path__, "core.services."):
        import_module(module.name)
    return {found for sub in kind.__subclasses__() for found in {sub, *commands(sub)}}


def test_every_action_is_asked_for_by_a_command_or_question_and_no_other() -> None:
    asked = {command.may for command in commands()} | {case.may for case in every_use_case()}
    asked |= {Alone.declares, "read_small_groups"}  # of a figure, not of a question
    assert asked == set(ACTIONS)


def test_every_service_that_takes_a_command_checks_the_permission_first() -> None:
    seen = 0
    for file in SERVICES.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for found in re.finditer(
            r"^def ([a-z]\w*)\([^)]*command: \w+[^)]*\)[^:]*:\n(.*?)(?=^\w|\Z)", text, re.M | re.S
        ):
            if found.group(1) == "begin":
                continue
            body = re.sub(r'^\s*""".*?"""\n', "", found.group(2), flags=re.S)
            assert body.lstrip().startswith(OPENS), f"{file.name}: {found.group(1)}"
            seen += 1
    assert seen >= 50


def test_every_action_may_be_taken_by_somebody() -> None:
    roles = read_config(PROJECT / "config" / "roles.yaml", Roles)
    assert all(roles.allowed_roles(action) for action in ACTIONS)
