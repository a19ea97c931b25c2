"""What the command line prints of signatures, delegations, findings and waivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.entrypoints.reports.printing import NONE, day, say, show_table, words

Result = Mapping[str, Any]


def show_sign_offs(result: Result) -> None:
    """Each gate with its seats, what was said there, and what has changed since the last decision."""
    if not result["sign_offs"]:
        say("Nobody has to sign for this initiative.")
    for sign_off in result["sign_offs"]:
        until = f", until {day(sign_off['expires_on'])}" if sign_off["expires_on"] else ""
        say(f"{sign_off['gate_title']} ({sign_off['gate']}): {words(sign_off['status'])}{until}")
        for seats in sign_off["seats"]:
            signed = ", ".join(seats["signed"]) or "nobody yet"
            say(f"  {seats['title']}: {len(seats['signed'])} of {seats['quorum']} ({signed})")
        for reason in sign_off["lapses"]:
            say(f"  Lapsed: {reason}.")
        for change in sign_off["changed"]:
            say(f"  Changed since the last decision: {change}")
        lines = [
            (
                day(act["recorded_at"]),
                act["actor_name"],
                words(act["act"]),
                words(act["outcome"]),
                act["role_title"],
                act["on_behalf_of_name"] or NONE,
                act["reason"] or NONE,
            )
            for act in sign_off["acts"]
        ]
        if lines:
            show_table(("Day", "Who", "Act", "Answer", "As", "For", "Reason"), lines)
        say()


def show_delegations(result: Result) -> None:
    """Delegations that hold."""
    if not result["delegations"]:
        say("Nobody signs for anybody.")
        return
    lines = [
        (row["actor_name"], row["delegate_name"], words(row["role"]), day(row["until"]), row["reason"])
        for row in result["delegations"]
    ]
    show_table(("Given by", "To", "Role", "Until", "Reason"), lines)


def show_findings(result: Result) -> None:
    """Findings, the most severe first."""
    if not result["findings"]:
        say("There is no finding.")
        return
    lines = [
        (
            row["initiative"],
            row["finding"],
            words(row["severity"]),
            words(row["state"]) + (", overdue" if row["overdue"] else ""),
            row["title"],
            row["owner_name"] or NONE,
            day(row["due_on"]),
        )
        for row in result["findings"]
    ]
    show_table(("Initiative", "Finding", "Severity", "State", "What", "Owner", "Due"), lines)


def show_waivers(result: Result) -> None:
    """Waivers, newest first."""
    if not result["waivers"]:
        say("There is no waiver.")
        return
    lines = [
        (
            row["initiative"],
            row["waiver"],
            words(row["state"]),
            row["title"],
            day(row["until"]),
            row["reason"],
            row["compensation"],
        )
        for row in result["waivers"]
    ]
    show_table(("Initiative", "Waiver", "State", "Requirement", "Until", "Reason", "Meanwhile"), lines)
