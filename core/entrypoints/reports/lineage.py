"""What the command line prints of data and its lineage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.entrypoints.reports.printing import day, say, show_table

Result = Mapping[str, Any]


def show_lineage(result: Result) -> None:
    """Every use of data, a line each, then what bad data reaches."""
    if not result["uses"]:
        say("No use of data is recorded that fits.")
    else:
        headings = (
            "Team",
            "Data",
            "How",
            "Model",
            "Version",
            "Business process",
            "Personal",
            "Bad data above",
        )
        lines = [
            (
                use["team"],
                use["source"],
                use["how"] + ("" if use["counts"] else " (past)"),
                use["initiative"],
                use["version"] or "all",
                "; ".join(use["processes"]),
                "yes" if use["personal_data"] else "no",
                ", ".join(use["bad"]),
            )
            for use in result["uses"]
        ]
        show_table(headings, lines)
    _show_warnings(result)


def _show_warnings(result: Result) -> None:
    for one in result["warnings"]:
        say()
        say(f"Bad since {day(one['marked_at'])}, by {one['marked_by']}: {one['name']}. {one['reason']}")
        made = ", ".join(one["sources"]) or "nothing"
        reached = ", ".join(name for _, name in one["initiatives"]) or "none"
        say(f"  Made from it: {made}. Models: {reached}. Processes: {', '.join(one['processes']) or 'none'}.")


def show_sources(result: Result) -> None:
    """Data sources, a line each."""
    if not result["sources"]:
        say("No data source is recorded.")
        return
    lines = [
        (
            row["source"],
            row["name"],
            row["team"],
            "yes" if row["personal_data"] else "no",
            "bad" if row["bad"] else "affected" if row["roots"] else "sound",
            row["location"],
        )
        for row in result["sources"]
    ]
    show_table(("Source", "Name", "Owned by", "Personal", "State", "Where it lies"), lines)


def show_source(result: Result) -> None:
    """One data source in full."""
    row = result["source"]
    say(f"{row['name']} ({row['source']})")
    say(f"  {row['description']}" if row["description"] else "  No description.")
    personal = "holds personal data" if row["personal_data"] else "holds no personal data"
    say(f"  Owned by {row['team']}; {personal}. Lies at {row['location'] or 'a place that is not recorded'}.")
    if row["quality"]:
        say(f"  Quality: {row['quality']}")
    if row["bad"]:
        say(f"  Bad since {day(row['marked_at'])}, by {row['marked_by']}: {row['bad_reason']}")
    for label, edges in (("Made from", result["upstream"]), ("Made into", result["downstream"])):
        for edge in edges:
            columns = f" (columns {', '.join(edge['columns'])})" if edge["columns"] else ""
            say(f"  {label} {edge['name']}{': ' + edge['how'] if edge['how'] else ''}{columns}")
    for use in result["uses"]:
        say(f"  Used by {use['model']} ({use['team']}) for {use['how']}, version {use['version'] or 'all'}")
