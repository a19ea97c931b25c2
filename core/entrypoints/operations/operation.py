"""What an operation is: one function that the command line and the API have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.actors import Actor
from core.domain.moment import Moment
from core.entrypoints.operations import parameters as given
from core.services.governance import Governance
from core.services.reading import read_moment


@dataclass(frozen=True)
class Call:
    """One operation being run: on what, by whom, when."""

    governance: Governance
    actor: Actor
    now: datetime

    @property
    def origin(self) -> dict[str, Any]:
        """The two fields of every command that no parameter sets."""
        return {"actor": self.actor, "at": self.now}

    def moment(self, as_of: str) -> Moment:
        """The moment that `as_of` names."""
        return read_moment(self.governance, self.now, as_of)


@dataclass(frozen=True)
class Operation:
    """Something that may be asked of the portal by name."""

    parameters: type[given.Parameters]
    run: Callable[[Call, Any], Any]
