"""What the command line prints of each result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.entrypoints.reports.printing import NONE, day, figure, minute, say, show_table, words

Result = Mapping[str, Any]


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
    say(f"{len(rows)} {'initiative' if len(rows) == 1 else 'initiatives'}, {_as_of(result)}.")


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
    say(f"{len(result['record'])} entries of the record, {_as_of(result)}.")


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
        say(f"  Nothing was recorded: this is how it stood, {_as_of(result)}.")


def show_kpis(result: Result) -> None:
    """The KPIs, one a line."""
    bound = {"higher": "at least", "lower": "at most"}
    lines = [
        (
            kpi["title"],
            figure(kpi["value"], kpi["unit"]),
            f"{bound[kpi['direction']]} {figure(kpi['target'], kpi['unit'])}",
            words(kpi["status"]),
            words(kpi["trend"]),
            kpi["note"] or NONE,
        )
        for kpi in result["kpis"]
    ]
    show_table(("KPI", "Value", "Target", "Status", "Trend", "Note"), lines, right=(1,))
    say(f"The trend is against the end of the month before, {_as_of(result)}.")


def show_standings(result: Result) -> None:
    """The leaderboard, a team a line."""
    lines = [
        (
            line["rank"],
            line["team"],
            figure(line["rate"], "share"),
            _interval(line["interval"], "share"),
            f"{line['passes']} of {line['n']}",
            line["note"] or NONE,
        )
        for line in result["standings"]
    ]
    show_table(("Rank", "Team", "Rate", "95 % interval", "Count", "Note"), lines, right=(2,))
    say(f"Ranked by the low end of the interval over {result['window_days']} days, {_as_of(result)}.")


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


def _as_of(result: Result) -> str:
    return f"as of {minute(result['moment']['at'])} UTC"


def _interval(interval: Result | None, unit: str = "") -> str:
    return _ends(interval["low"], interval["high"], unit) if interval else NONE


def _ends(low: float | None, high: float | None, unit: str = "") -> str:
    return NONE if low is None and high is None else f"{figure(low, unit)} to {figure(high, unit)}"
