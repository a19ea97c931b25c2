"""What the command line prints of policy drafts, comparisons and previews."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.entrypoints.reports.printing import NONE, day, say, show_table, words

Result = Mapping[str, Any]


def show_drafts(result: Result) -> None:
    """Drafts, newest first."""
    if not result["drafts"]:
        say("There is no draft.")
        return
    lines = [
        (
            row["draft"],
            row["version"],
            words(row["state"]),
            row["drafted_by_name"],
            day(row["drafted_at"]),
            row["why"],
        )
        for row in result["drafts"]
    ]
    show_table(("Draft", "Version", "State", "Drafted by", "On", "Why"), lines)


def show_comparison(result: Result) -> None:
    """Every difference from the policy in force."""
    say(f"Version {result['after']} against {result['before']}, which is in force:")
    if not result["changes"]:
        say("Nothing differs but words.")
        return
    lines = [
        (
            words(row["part"]),
            row["subject"],
            row["before"] or NONE,
            row["after"] or NONE,
            words(row["direction"]),
        )
        for row in result["changes"]
    ]
    show_table(("Part", "What", "Now", "Then", "Which is"), lines)


def show_preview(result: Result) -> None:
    """What putting it in force would do."""
    totals = result["totals"]
    versions = f"Version {result['after']} instead of {result['before']}"
    say(f"{versions}, over {totals['initiatives']:,} initiatives:")
    say(f"  Requirements asked: {totals['asked_after']:,} instead of {totals['asked_before']:,}")
    say(f"  Requirements open: {totals['open_after']:,} instead of {totals['open_before']:,}")
    say(f"  Initiatives with something overdue: {totals['out_after']:,} instead of {totals['out_before']:,}")
    say(f"  Passed gates that would be shut: {result['reopened_total']:,}")
    if result["work"]:
        say()
        lines = [
            (row["title"], f"{row['initiatives']:,}", f"{row['overdue_at_once']:,}") for row in result["work"]
        ]
        show_table(("Work it makes", "Initiatives", "Overdue at once"), lines, right=(1, 2))
    if result["spared"]:
        say()
        spared = [(row["title"], f"{row['initiatives']:,}") for row in result["spared"]]
        show_table(("Work it spares", "Initiatives"), spared, right=(1,))
    if result["fallen"]:
        say()
        fallen = [
            (row["name"], row["team"], row["class_title"], f"{row['overdue']}") for row in result["fallen"]
        ]
        show_table(("Falls out of policy", "Team", "Class", "Overdue"), fallen, right=(3,))
    if result["reopened"]:
        say()
        shut = [(row["name"], row["team"], row["gate_title"]) for row in result["reopened"]]
        show_table(("Gate would be shut", "Team", "Gate"), shut)
    if result["reclassified"]:
        say()
        moved = [
            (row["from_title"], row["to_title"], f"{row['initiatives']:,}") for row in result["reclassified"]
        ]
        show_table(("Answers lead from", "To", "Initiatives"), moved, right=(2,))
    if result["cut"]:
        say("The lists are cut; the totals are not.")
