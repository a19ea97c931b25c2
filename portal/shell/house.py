"""The store that this process holds open, for pages and API alike."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from core.connectors.settings import Settings, read_settings
from core.domain.actors import Actor
from core.services.governance import Governance, open_governance
from core.services.jobs import stop_all_jobs
from core.services.record.people import local_user
from core.services.rules.configuration import adopt_configuration


@dataclass(frozen=True)
class House:
    """An open store and who may sit in front of it.

    Attributes
    ----------
    governance
        The open store with its rules.
    local
        The owner of a store of their own; None in the demo, where everybody is a persona.
    """

    governance: Governance
    local: Actor | None


class _Door:
    """Holds the one open house of this process."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.house: House | None = None


_DOOR = _Door()


def open_house(settings: Settings) -> House:
    """Open the store once and keep it; an empty one is founded in the name of the user of this machine.

    Raises
    ------
    GovernanceError
        The store is held or damaged, or a file of the configuration is wrong.
    """
    with _DOOR.lock:
        if _DOOR.house is None:
            governance = open_governance(settings)
            adopt_configuration(governance, datetime.now(UTC))
            _DOOR.house = settle(governance, settings)
        return _DOOR.house


def settle(governance: Governance, settings: Settings) -> House:
    """Decide who sits in front of an open store."""
    if governance.demo:
        return House(governance, None)
    login = settings.actor or getpass.getuser()
    return House(governance, local_user(governance, login, datetime.now(UTC), settings.config))


def current_house() -> House:
    """Return the open house; under `streamlit run` and in tests of pages it is opened here."""
    return _DOOR.house or open_house(read_settings())


def close_house() -> None:
    """Stop what still works, let go of the store."""
    stop_all_jobs()
    with _DOOR.lock:
        if _DOOR.house is not None:
            _DOOR.house.governance.close()
            _DOOR.house = None
