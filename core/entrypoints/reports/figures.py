"""What the command line prints of each result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.entrypoints.reports.printing import minute, show_table, words

Result = Mapping[str, Any]


def show_record(result: Result) -> None:
    """Entries of the record, newest first."""
    lines = [
        (
            entry["seq"],
            minute(entry["recorded_at"]),
            entry["actor_name"],
            words(entry["action"]),
            entry["subject"],
            entry["digest"][:12],
        )
        for entry in result["entries"]
    ]
    show_table(("Entry", "UTC", "By", "What", "Subject", "Digest"), lines)


def show_people(result: Result) -> None:
    """The directory, a person a line."""
    lines = [
        (person["id"], person["name"], person["title"], person["team"], ", ".join(person["role_titles"]))
        for person in result["people"]
    ]
    show_table(("Id", "Name", "Title", "Team", "Roles"), lines)
