"""What acts need: the portal, which they ask as any client would, the cast, and what was prepared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from core.domain.actors import Actor
from core.domain.errors import GovernanceError
from core.ground import plain
from core.services.governance import Governance
from core.services.use_case import Call, laid
from core.services.use_cases import run_use_case
from data.demo.people import People
from data.demo.recipe import Recipe
from data.demo.shelf import Shelf

Act = Callable[[datetime], None]
Timed = tuple[float, Act]
"""A working day and what happens on it."""


@dataclass(frozen=True)
class World:
    """The portal with everybody and everything around it.

    `later` puts another act so many working days after the one at work. Without a workshop there are no
    estimates and no second version of the census model.
    """

    governance: Governance
    recipe: Recipe
    people: People
    shelf: Shelf
    later: Callable[[float, Act], None]
    metrics: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    mending: set[tuple[str, str]] = field(default_factory=set)

    def do(self, actor: Actor, at: datetime, use_case: str, /, **values: object) -> Any:
        """Let somebody ask for a use case by name; its result as JSON values."""
        return run_use_case(Call(self.governance, actor, at), use_case, plain(values))

    def tries(self, actor: Actor, at: datetime, use_case: str, /, **values: object) -> bool:
        """Let somebody try, and say whether it went through; whoever is refused lets it be."""
        try:
            self.do(actor, at, use_case, **values)
        except GovernanceError:
            return False
        return True

    def give(self, actor: Actor, at: datetime, use_case: str, file: Path, /, **values: object) -> Any:
        """Let somebody ask for a use case that takes a file, which is laid where the portal fetches it."""
        with laid(self.governance.store.folder, file) as name:
            return self.do(actor, at, use_case, incoming=name, name=file.name, **values)


def blockers(decision: Any) -> list[str]:
    """What keeps a gate shut, of a decision about it."""
    return [one["requirement"] for one in decision["findings"] if one["severity"] == "blocker"]
