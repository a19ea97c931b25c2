"""Which pages there are, the store that this process holds open for them and the API, and who sits there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from core.connectors.provider import Provider, provider_of
from core.connectors.settings import Settings, read_settings
from core.domain.actors import Actor
from core.domain.errors import Unknown
from core.services.governance import Governance, open_governance
from core.services.jobs import stop_all_jobs
from core.services.record.identity import LOGIN, admitted, by_owner, claims_of, found_own
from core.services.record.people import login_name
from core.services.rules.configuration import adopt_configuration


@dataclass(frozen=True)
class Entry:
    """A page in the navigation: file without ending, title, Material icon, and what its reader may."""

    file: str
    title: str
    icon: str
    may: str = "read_initiatives"


FIRST = "overview"
NOBODY = "nobody has logged in"
"""What is said of a browser without a login."""
SECTIONS: dict[str, tuple[Entry, ...]] = {
    "Oversight": (
        Entry("overview", "Overview", "space_dashboard", "read_figures"),
        Entry("leaderboards", "Leaderboards", "leaderboard", "read_figures"),
    ),
    "Inventory": (
        Entry("inventory", "Inventory", "inventory_2"),
        Entry("initiative", "Initiative", "description"),
        Entry("versions", "Model versions", "deployed_code"),
        Entry("documents", "Documents", "article"),
        Entry("lineage", "Lineage", "account_tree"),
        Entry("register", "Register", "add_circle"),
    ),
    "Evidence": (
        Entry("slices", "Bias slices", "balance"),
        Entry("evaluations", "Evaluation sets", "checklist"),
        Entry("predictions", "Predictions", "upload_file"),
        Entry("decay", "Decay", "trending_down"),
        Entry("drift", "Drift and data", "ssid_chart"),
        Entry("explanations", "Explanations", "lightbulb"),
        Entry("business_kpi", "Business KPIs", "flag"),
    ),
    "Work": (
        Entry("my_work", "My work", "task_alt"),
        Entry("team", "Team compliance", "groups", "read_figures"),
        Entry("raci", "Responsibilities", "diversity_3", "read_people"),
        Entry("training", "Training", "school", "read_people"),
    ),
    "Rules and record": (
        Entry("policy", "Policy matrix", "grid_on", "read_rules"),
        Entry("policy_changes", "Policy changes", "edit_document", "read_rules"),
        Entry("frameworks", "Frameworks", "gavel", "read_rules"),
        Entry("ethics", "Ethical position", "balance", "read_rules"),
        Entry("record", "Record", "receipt_long", "read_record"),
    ),
}


def page_names() -> list[str]:
    """All pages, in the order of the navigation."""
    return [entry.file for entries in SECTIONS.values() for entry in entries]


@dataclass(frozen=True)
class House:
    """An open store and who may sit in front of it.

    Attributes
    ----------
    governance
        The open store with its rules.
    local
        The owner of a store of their own, where there is no login; None in the demo, where everybody is a
        persona.
    provider
        With which people log in; None where there is no login.
    contact
        Who to ask for access.
    """

    governance: Governance
    local: Actor | None
    provider: Provider | None = None
    contact: str = ""

    def sitter(self, told: Mapping[str, object], now: datetime) -> Actor | None:
        """Who sits here by what the browser's cookie tells; None where a persona is to be chosen.

        Raises
        ------
        Unknown
            Nobody has logged in, or their login has ended.
        Forbidden
            Whoever logged in is unknown here.
        """
        if self.provider is None:
            return self.local and by_owner(self.governance, self.local.id)  # with the roles of now
        if not told.get("is_logged_in"):
            raise Unknown(NOBODY)
        return admitted(self.governance, claims_of(self.provider, told), now, LOGIN)


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
    if not governance.founded:
        found_own(governance, settings.config, settings.actor or login_name(), {}, datetime.now(UTC))
    provider = provider_of(settings)
    local = None if governance.demo or provider else by_owner(governance, settings.actor)
    return House(governance, local, provider, settings.contact)


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
