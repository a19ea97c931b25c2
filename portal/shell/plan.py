"""Which pages there are and in which section of the navigation; a page's address is the name of its file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A page in the navigation: file without ending, title, Material icon, and what its reader may."""

    file: str
    title: str
    icon: str
    may: str = "read_initiatives"


FIRST = "overview"
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
