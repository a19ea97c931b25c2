"""What the command line prints of initiatives, gates, signatures, findings and waivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.entrypoints.reports.printing import NONE, as_of, day, say, show_table, words

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


def show_inventory(result: Result) -> None:
    """The inventory, an initiative a line."""
    rows = result["initiatives"]
    if not rows:
        say("No initiative is registered that fits.")
        return
    headings = (
        "Initiative",
        "Name",
        "Team",
        "Class",
        "Status",
        "Met",
        "Overdue",
        "Failed",
        "Version",
        "Next gate",
    )
    show_table(headings, [_inventory_line(row) for row in rows], right=(5, 6, 7))
    say(f"{len(rows)} {'initiative' if len(rows) == 1 else 'initiatives'}, {as_of(result)}.")


def _inventory_line(row: Result) -> Sequence[object]:
    return (
        row["initiative"],
        row["name"],
        row["team"],
        row["class_title"],
        "live" if row["live"] else "in progress",
        f"{row['satisfied']}/{row['asked']}",
        row["overdue"],
        row["failed"],
        row["version"],
        row["next_gate_title"] or "none left",
    )


def show_sheet(result: Result) -> None:
    """An initiative in full."""
    known = result["initiative"]
    say(f"{known['name']} ({known['initiative']})")
    say(f"  Purpose: {known['purpose']}")
    say(f"  Owner: {known['owner_name']}. Builder: {known['builder_name'] or NONE}. Team: {known['team']}.")
    say(f"  Class: {known['class_title']}. Mode: {known['mode_title']}.")
    for reason in known["reasons"]:
        say(f"    {reason}")
    if known["justification"]:
        say(f"    Overridden: {known['justification']}")
    say()
    _show_states(result["requirements"])
    say()
    _show_gates(result["gates"])
    _show_versions(result["versions"])
    _show_evidence(result["evidence"])
    say(f"{len(result['record'])} entries of the record, {as_of(result)}.")


def _show_states(states: Sequence[Result]) -> None:
    headings = ("Required measure", "Title", "Status", "Due", "Expires", "Responsible")
    lines = [
        (
            state["measure"],
            state["title"],
            words(state["status"]) + (", overdue" if state["overdue"] else ""),
            day(state["due_on"]),
            day(state["expires_on"]) if state["status"] in ("met", "expiring") else NONE,
            state["responsible_title"],
        )
        for state in states
    ]
    show_table(headings, lines)


def _show_gates(gates: Sequence[Result]) -> None:
    lines = []
    for gate in gates:
        recorded = gate["recorded"]
        last = f"{recorded['outcome']} on {day(recorded['recorded_at'])}" if recorded else "not yet"
        lines.append((gate["gate"], gate["gate_title"], gate["outcome"], len(gate["findings"]), last))
    show_table(("Gate", "Title", "If asked now", "Findings", "Decided last"), lines, right=(3,))


def _show_versions(versions: Sequence[Result]) -> None:
    if versions:
        say()
        lines = [(v["version"], v["algorithm"], words(v["task"]), day(v["recorded_at"])) for v in versions]
        show_table(("Version", "Algorithm", "Task", "Registered"), lines)


def _show_evidence(evidence: Sequence[Result]) -> None:
    if evidence:
        say()
        lines = [
            (
                item["measure"],
                item["title"],
                item["link"] or item["file_name"],
                item["version"],
                item["actor_name"],
                day(item["recorded_at"]),
            )
            for item in evidence
        ]
        show_table(("Evidence for", "Title", "Link or file", "Version", "By", "On"), lines)


def show_registered(result: Result) -> None:
    """A registration: class, reasons and what is required."""
    say(f"Registered as {result['initiative']}, class {result['class_title']}.")
    for reason in result["reasons"]:
        say(f"  {reason}")
    say()
    if not result["requirements"]:
        say("Nothing more is required.")
        return
    headings = ("Required measure", "Title", "Due in days", "Responsible", "Proved by")
    lines = [
        (
            asked["measure"],
            asked["title"],
            asked["due_days"],
            asked["responsible_title"],
            asked["evidence"] or "checks: " + ", ".join(words(check) for check in asked["checks"]),
        )
        for asked in result["requirements"]
    ]
    show_table(headings, lines, right=(2,))


def show_checks(result: Result) -> None:
    """Check results, a check a line."""
    lines = [
        (words(check["check"]), words(check["verdict"]), check["message"], check["remedy"] or NONE)
        for check in result["checks"]
    ]
    if lines:
        show_table(("Check", "Verdict", "Seen", "What to do"), lines)
    else:
        say("No check applies.")


def show_decision(result: Result) -> None:
    """A decision with its findings: plain lines, as pipelines log them."""
    title = result["gate_title"]
    say(f"{result['outcome']}: {result['initiative']}, gate “{title}” (policy {result['policy_version']})")
    for finding in result["findings"]:
        mark = "" if finding["severity"] == "blocker" else "warning: "
        say(f"  - {mark}{finding['message']}. {finding['remedy']}")
    if not result["recorded"]:
        say(f"  Nothing was recorded: this is how it stood, {as_of(result)}.")


SHOW: Mapping[str, Callable[[Result], None]] = {
    "list": show_inventory,
    "show": show_sheet,
    "check": show_checks,
    "sign-off show": show_sign_offs,
    "delegation list": show_delegations,
    "finding list": show_findings,
    "waiver list": show_waivers,
}
"""Command -> what prints its result."""
