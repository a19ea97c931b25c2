"""Every page as people of the demo see it at one moment: which page, as whom, with which address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from unittest.mock import patch

from streamlit.testing.v1 import AppTest

from core.connectors.settings import PROJECT
from core.domain.moment import Moment
from core.services.governance import Governance
from portal.components.initiative.sheet import TABS
from portal.shell.house import FIRST
from tests.demo_store import MOMENT
from tests.golden.page_text import page_text

Address = Mapping[str, str | list[str]]
Reading = Callable[[Governance, datetime], Moment]

SCRIPT = PROJECT / "portal" / "shell" / "app.py"
PAGES = PROJECT / "portal" / "pages"
SECONDS = 120

EXECUTIVE, ANALYST, TEAM_LEAD = "helena-brandt", "jonas-lindqvist", "peter-halloran"
SELF_SERVICE, VALIDATOR, AUDITOR = "ella-novak", "nadia-rahman", "robert-ainsley"

SCORING, CLAIMS = {"id": "retail-credit-scoring"}, {"id": "claims-fraud-referral"}
CHURN, SHEET = {"id": "churn-call-list"}, {"id": "postcode-mailing-sheet"}
CENSUS = {"id": "employment-from-census-answers", "version": "2"}
SEGMENTS, CARS = {"id": "credit-card-segments"}, {"id": "residual-value-of-leased-cars"}
NOWHERE = {"id": "no-such-initiative"}


@dataclass(frozen=True)
class View:
    """A page opened by a person of the demo at an address."""

    persona: str
    address: Address = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Who looks, and where."""
        return " ".join([self.persona, *(f"{name}={value}" for name, value in self.address.items())])


VIEWS: Mapping[str, tuple[View, ...]] = {
    "overview": (
        View(EXECUTIVE),
        View(EXECUTIVE, {"kpi": "deadlines_met", "by": "class"}),
        View(SELF_SERVICE, {"as_of": "2026-03-31"}),
    ),
    "leaderboards": (View(EXECUTIVE), View(TEAM_LEAD)),
    "inventory": (View(AUDITOR), View(TEAM_LEAD, {"team": "Claims", "status": "in_progress"})),
    "initiative": (
        View(ANALYST, SCORING),
        *(View(ANALYST, {**SCORING, "tab": tab}) for tab in [*TABS][1:]),
        View(VALIDATOR, CLAIMS),
        *(View(VALIDATOR, {**CLAIMS, "tab": tab}) for tab in ("Sign-offs", "Findings and waivers")),
        View(SELF_SERVICE, SHEET),
        View(TEAM_LEAD, {**CHURN, "tab": "Business KPI"}),
        View(AUDITOR, {**SCORING, "as_of": "2026-03-31"}),
        View(EXECUTIVE, NOWHERE),
    ),
    "versions": (View(ANALYST), View(VALIDATOR, {"id": CENSUS["id"]}), View(ANALYST, CHURN)),
    "documents": (
        View(ANALYST, SCORING),
        View(AUDITOR, {**CENSUS, "kind": "technical"}),
    ),
    "lineage": (View(TEAM_LEAD), View(ANALYST, {"data": "credit-bureau-feed"})),
    "register": (View(SELF_SERVICE), View(AUDITOR)),
    "slices": (
        View(ANALYST, {**CENSUS, "by": ["sex", "race"]}),
        View(ANALYST, {**CENSUS, "by": ["age"], "cut": ["age=width:10"], "where": ["sex=Female"]}),
        View(VALIDATOR, {**CENSUS, "view": "weakest", "depth": "2"}),
        View(VALIDATOR, {**CENSUS, "view": "versions", "by": ["sex"]}),
        View(VALIDATOR, {**CENSUS, "view": "curves", "by": ["sex"]}),
        View(VALIDATOR, {**CENSUS, "view": "trade-off", "by": ["sex"]}),
        View(EXECUTIVE, NOWHERE),
    ),
    "evaluations": (View(ANALYST, CHURN),),
    "predictions": (View(ANALYST, CLAIMS), View(AUDITOR)),
    "decay": (View(ANALYST, CLAIMS), View(VALIDATOR, {**CENSUS, "by": "sex"}), View(EXECUTIVE, CARS)),
    "drift": (View(ANALYST), View(VALIDATOR, CENSUS)),
    "explanations": (View(ANALYST, {**CENSUS, "by": "sex"}), View(VALIDATOR, CLAIMS)),
    "business_kpi": (View(EXECUTIVE), View(ANALYST, SCORING), View(TEAM_LEAD, SEGMENTS)),
    "my_work": (View(ANALYST), View(TEAM_LEAD), View(VALIDATOR)),
    "team": (View(TEAM_LEAD), View(EXECUTIVE, {"team": "Fraud Prevention"})),
    "raci": (View(AUDITOR), View(TEAM_LEAD, {"team": "Claims", "days": "90"})),
    "training": (View(SELF_SERVICE), View(TEAM_LEAD)),
    "policy": (View(VALIDATOR), View(SELF_SERVICE, {"class": "low"})),
    "policy_changes": (View(VALIDATOR), View(SELF_SERVICE)),
    "frameworks": (
        View(AUDITOR),
        View(EXECUTIVE, {"part": "One framework", "framework": "eu_ai_act"}),
        View(AUDITOR, {"part": "Rights"}),
    ),
    "ethics": (View(EXECUTIVE), View(VALIDATOR)),
    "record": (View(AUDITOR), View(VALIDATOR, {"action": "gate_decided", "entry": "5896"})),
}
"""Page -> how it is opened; every page has a line."""


def page_texts(governance: Governance) -> dict[str, str]:
    """The text of every view on the open house, a file a page."""
    texts = {}
    with patch.object(Governance, "present", _standing_still(Governance.present)):
        for page, views in VIEWS.items():
            texts[f"{page}.txt"] = "\n".join(_seen(governance, page, views))
    return texts


def _standing_still(moment: Reading) -> Reading:
    """The clock stands still at the end of the demo's history; earlier days can be asked for."""
    return lambda governance, at: moment(governance, min(at, MOMENT))


def _seen(governance: Governance, page: str, views: Sequence[View]) -> Iterator[str]:
    for view in views:
        yield f"## {view.title}"
        yield page_text(_opened(governance, page, view), str(view.address.get("tab", "")))


def _opened(governance: Governance, page: str, view: View) -> AppTest:
    at = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS)
    at.session_state["persona"] = governance.person(view.persona)
    for name, value in view.address.items():
        at.query_params[name] = value
    if page != FIRST:
        at.switch_page(str(PAGES / f"{page}.py"))
    at.run()
    assert not at.exception, (page, view.title, at.exception)
    return at
