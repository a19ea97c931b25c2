"""What the command line prints of initiatives, gates, signatures, findings and waivers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.domain.commands import AmendInitiative
from core.domain.given import texts_of
from core.entrypoints.reports.printing import (
    NONE,
    Column,
    as_of,
    dashed,
    day,
    say,
    show_rows,
    show_table,
    words,
)
from core.ground import Result

_ACTS: Mapping[str, Column] = {
    "Day": "recorded_at",
    "Who": "actor_name",
    "Act": ("act", words),
    "Answer": ("outcome", words),
    "As": "role_title",
    "For": ("on_behalf_of_name", dashed),
    "Reason": ("reason", dashed),
}


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
        if sign_off["acts"]:
            show_rows(sign_off["acts"], _ACTS)
        say()


def show_delegations(result: Result) -> None:
    """Delegations that hold."""
    columns: Mapping[str, Column] = {
        "Given by": "actor_name",
        "To": "delegate_name",
        "Role": ("role", words),
        "Until": "until",
        "Reason": "reason",
    }
    show_rows(result["delegations"], columns, empty="Nobody signs for anybody.")


def show_findings(result: Result) -> None:
    """Findings, the most severe first."""
    columns: Mapping[str, Column] = {
        "Initiative": "initiative",
        "Finding": "finding",
        "Severity": ("severity", words),
        "State": lambda finding: words(finding["state"]) + (", overdue" if finding["overdue"] else ""),
        "What": "title",
        "Owner": ("owner_name", dashed),
        "Due": "due_on",
    }
    show_rows(result["findings"], columns, empty="There is no finding.")


def show_waivers(result: Result) -> None:
    """Waivers, newest first."""
    columns: Mapping[str, Column] = {
        "Initiative": "initiative",
        "Waiver": "waiver",
        "State": ("state", words),
        "Requirement": "title",
        "Until": "until",
        "Reason": "reason",
        "Meanwhile": "compensation",
    }
    show_rows(result["waivers"], columns, empty="There is no waiver.")


def show_inventory(result: Result) -> None:
    """The inventory, an initiative a line."""
    count = len(result["initiatives"])
    columns: Mapping[str, Column] = {
        "Initiative": "initiative",
        "Name": "name",
        "Team": "team",
        "Class": "class_title",
        "Status": lambda one: "retired" if one["retired"] else "live" if one["live"] else "in progress",
        "Met": lambda one: f"{one['satisfied']}/{one['asked']}",
        "Overdue": "overdue",
        "Failed": "failed",
        "Version": "version",
        "Next gate": ("next_gate_title", lambda title: title or "none left"),
    }
    empty = "No initiative is registered that fits."
    if show_rows(result["initiatives"], columns, empty=empty, right=(5, 6, 7)):
        say(f"{count} {'initiative' if count == 1 else 'initiatives'}, {as_of(result)}.")


def show_sheet(result: Result) -> None:
    """An initiative in full."""
    known = result["initiative"]
    say(f"{known['name']} ({known['initiative']})")
    for field, (title, _) in texts_of(AmendInitiative).items():
        say(f"  {title}: {known[field] or NONE}")
    say(f"  Owner: {known['owner_name']}. Builder: {known['builder_name'] or NONE}. Team: {known['team']}.")
    say(f"  Class: {known['class_title']}. Mode: {known['mode_title']}.")
    for reason in known["reasons"]:
        say(f"    {reason}")
    if known["justification"]:
        say(f"    Overridden: {known['justification']}")
    waits = f" Its class is not confirmed ({result['unconfirmed']})." if result["unconfirmed"] else ""
    running = [f"version {one['version'] or NONE}, since {day(one['since'])}" for one in result["running"]]
    say(f"  {words(result['stage']).capitalize()}. In production: {'; '.join(running) or 'nothing'}.{waits}")
    if result["held"]:
        say(f"  Legal hold {result['held']}")
    say()
    _show_states(result["requirements"])
    say()
    _show_gates(result["gates"])
    _show_versions(result["versions"])
    _show_evidence(result["evidence"])
    say(f"{len(result['record'])} entries of the record, {as_of(result)}.")


def _show_states(states: Sequence[Result]) -> None:
    columns: Mapping[str, Column] = {
        "Required measure": "measure",
        "Title": "title",
        "Status": lambda state: words(state["status"]) + (", overdue" if state["overdue"] else ""),
        "Due": "due_on",
        "Expires": lambda state: state["expires_on"] if state["status"] in ("met", "expiring") else None,
        "Responsible": "responsible_title",
    }
    show_rows(states, columns)


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


def _title_of(evidence: Result) -> str:
    day = evidence["stands_for"]
    return f"{evidence['title']} (stands for {day})" if day else evidence["title"]


def _show_evidence(evidence: Sequence[Result]) -> None:
    if evidence:
        say()
        columns: Mapping[str, Column] = {
            "Evidence for": "measure",
            "Title": _title_of,
            "Link or file": lambda item: item["link"] or item["file_name"],
            "Version": "version",
            "By": "actor_name",
            "On": "recorded_at",
        }
        show_rows(evidence, columns)


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


def show_reassessment(result: Result) -> None:
    """What answers given anew would change."""
    lowers = "; a second person has to agree" if result["lowers"] else ""
    say(f"From class {words(result['before'])} to {words(result['after'])}{lowers}.")
    for title, what in (
        ("Required then", result["added"]),
        ("No longer required", result["dropped"]),
        ("Gates that would close", result["shut"]),
        ("Signatures that would lapse", result["lapsed"]),
    ):
        say(f"  {title}: {', '.join(what) or 'none'}.")
    if result["review"]:
        say(
            "  A second person looks at the class."
            if result["review"] == "required"
            else "  It may be drawn."
        )


SHOW: Mapping[str, Callable[[Result], None]] = {
    "initiative reassessment": show_reassessment,
    "list": show_inventory,
    "show": show_sheet,
    "check": show_checks,
    "sign-off show": show_sign_offs,
    "delegation list": show_delegations,
    "finding list": show_findings,
    "waiver list": show_waivers,
}
"""Command -> what prints its result."""
