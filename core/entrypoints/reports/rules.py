"""What the command line prints of policy, frameworks, rights, ALCOA grades and the ethical position."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.entrypoints.reports.printing import (
    NONE,
    Column,
    counted,
    dashed,
    day,
    minute,
    say,
    share,
    show_rows,
    show_table,
    words,
)
from core.ground import Result


def show_drafts(result: Result) -> None:
    """Drafts, newest first."""
    columns: Mapping[str, Column] = {
        "Draft": "draft",
        "Version": "version",
        "State": ("state", words),
        "Drafted by": "drafted_by_name",
        "On": "drafted_at",
        "Why": "why",
    }
    show_rows(result["drafts"], columns, empty="There is no draft.")


def show_comparison(result: Result) -> None:
    """Every difference from the policy in force."""
    say(f"Version {result['after']} against {result['before']}, which is in force:")
    columns: Mapping[str, Column] = {
        "Part": ("part", words),
        "What": "subject",
        "Now": ("before", dashed),
        "Then": ("after", dashed),
        "Which is": ("direction", words),
    }
    show_rows(result["changes"], columns, empty="Nothing differs but words.")


def _figure(value: float | None) -> str:
    return NONE if value is None else f"{value:,.3g}"


_EFFECTS: tuple[tuple[str, Mapping[str, Column], tuple[int, ...]], ...] = (
    (
        "work",
        {
            "Work it makes": "title",
            "Initiatives": ("initiatives", counted),
            "Overdue then": ("overdue_at_once", counted),
        },
        (1, 2),
    ),
    ("spared", {"Work it spares": "title", "Initiatives": ("initiatives", counted)}, (1,)),
    (
        "fallen",
        {"Falls out of policy": "name", "Team": "team", "Class": "class_title", "Overdue": "overdue"},
        (3,),
    ),
    ("reopened", {"Gate would be shut": "name", "Team": "team", "Gate": "gate_title"}, ()),
    (
        "reclassified",
        {"Answers lead from": "from_title", "To": "to_title", "Initiatives": ("initiatives", counted)},
        (2,),
    ),
    (
        "kpis",
        {"KPI": "title", "On": "day", "Without": ("before", _figure), "With it": ("after", _figure)},
        (2, 3),
    ),
    (
        "ranks",
        {"Team by deadlines met": "team", "Rank without": ("before", dashed), "With it": "after"},
        (1, 2),
    ),
)
"""What another policy would lead to: part of the result, how its rows are printed, columns of numbers."""


def show_preview(result: Result) -> None:
    """What putting it in force would do."""
    totals = result["totals"]
    versions = f"Version {result['after']} instead of {result['before']}, from {result['holds_from']} on"
    say(f"{versions}, over {totals['initiatives']:,} initiatives:")
    say(f"  Requirements asked: {totals['asked_after']:,} instead of {totals['asked_before']:,}")
    say(f"  Requirements open: {totals['open_after']:,} instead of {totals['open_before']:,}")
    say(f"  Initiatives with something overdue: {totals['out_after']:,} instead of {totals['out_before']:,}")
    later = result["settled"]
    say(
        f"  After all transitions, on {result['settled_on']}, if nothing is done: {later['out_after']:,} "
        f"instead of {later['out_before']:,}"
    )
    unknown = result["effort_unknown"]
    of_some = f", {unknown:,} requirements without a figure" if unknown else ""
    say(f"  Effort: {result['effort_days']:,.0f} person-days{of_some}")
    say(f"  Passed gates that would be shut: {result['reopened_total']:,}")
    for part, columns, right in _EFFECTS:
        rows = [row for row in result[part] if row.get("before", "") != row.get("after", None)]
        if rows:
            say()
            show_rows(rows, columns, right=right)
    if result["cut"]:
        say("The lists are cut; the totals are not.")
    if result["sealed"]:
        say(f"Kept when it was approved: SHA-256 {result['sealed']}.")


def show_frameworks(result: Result) -> None:
    """All frameworks with where they stand and how far they are covered."""
    columns: Mapping[str, Column] = {
        "Framework": "id",
        "Short": "short",
        "Stands": ("standing", words),
        "Since": "in_force_from",
        "Initiatives": "initiatives",
        "Covered": ("share", share),
        "Met": "met",
        "Open": "open",
        "Gaps": "gap",
        "Not asked": "not_asked",
    }
    lines = [{**one["coverage"], **one} for one in result["frameworks"]]
    show_rows(lines, columns, right=range(4, 10))
    say(f"Overall, superseded and coming ones left out: {_covered(result['overall'])}. {_as_of(result)}")


def show_framework(result: Result) -> None:
    """A framework clause by clause."""
    say(f"{result['title']} ({result['version']}): {words(result['standing'])}, {result['jurisdiction']}.")
    for milestone in result["dates"]:
        say(f"  {milestone['day']}: {milestone['what']}.")
    if result["note"]:
        say(f"  {result['note']}")
    columns: Mapping[str, Column] = {
        "Clause": "id",
        "Number": "number",
        "Title": "title",
        "Initiatives": "initiatives",
        "Covered": ("coverage", lambda coverage: share(coverage["share"])),
        "Answered by": lambda clause: "; ".join(clause["answered_by"]) or f"Gap: {clause['gap']}",
    }
    show_rows(result["clauses"], columns, right=(3, 4))
    say(f"{_covered(result['coverage'])} at {result['initiatives']} initiatives. {_as_of(result)}")


def show_proofs(result: Result) -> None:
    """What proves a clause, what is open first."""
    columns: Mapping[str, Column] = {
        "Initiative": "initiative",
        "Measure": "measure",
        "Status": ("status", words),
        "Due": "due_on",
        "Proof": "proof",
    }
    empty = "No initiative is asked for a measure that answers this clause."
    show_rows(result["proofs"], columns, empty=empty)
    say(_as_of(result))


def show_initiative_frameworks(result: Result) -> None:
    """What applies to an initiative, and where each clause stands."""
    own = "" if result["own_regions"] else " (where the organisation works; it has recorded none of its own)"
    say(f"{result['name']} concerns people in {', '.join(result['regions'])}{own}.")
    for one in result["frameworks"]:
        say()
        say(f"{one['title']}: {words(one['standing'])}; {_covered(one['coverage'])}. {one['why']}")
        rows = [
            (
                clause["id"],
                clause["number"],
                words(clause["state"]),
                clause["title"]
                if clause["binding"]
                else f"{clause['title']} (from {clause['binding_from']})",
                "; ".join(f"{line['measure']}: {words(line['status'])}" for line in clause["proofs"])
                or (clause["gap"] or "Its class is asked for nothing towards it"),
            )
            for clause in one["clauses"]
        ]
        show_table(("Clause", "Number", "State", "Title", "Measures"), rows)
    say(f"Overall: {_covered(result['overall'])}. {_as_of(result)}")


def show_rights_overview(result: Result) -> None:
    """Initiatives that use personal data, the most open rights first."""
    rows = result["initiatives"]
    columns: Mapping[str, Column] = {
        "Initiative": "initiative",
        "Open": ("open", len),
        "Planned": "planned",
        "Settled": "settled",
        "Nobody answers": ("open", lambda open_ones: "; ".join(open_ones) or NONE),
    }
    if rows:
        show_rows(rows, columns, right=(1, 2, 3))
    count = len(rows)
    say(f"{count} {'initiative uses' if count == 1 else 'initiatives use'} personal data. {_as_of(result)}")


def show_rights(result: Result) -> None:
    """The checklist of one initiative."""
    if not result["needed"]:
        say(f"{result['name']} names no rules on personal data: there is nothing to answer. {_as_of(result)}")
        return
    columns: Mapping[str, Column] = {
        "Right": ("right", lambda right: right["id"]),
        "State": ("state", words),
        "Who answers": "answered_by",
        "Days": "within_days",
        "How, or what is open": lambda line: line["how"] or line["why"],
        "GDPR; CCPA": ("right", lambda right: f"{right['gdpr']}; {right['ccpa'] or NONE}"),
    }
    show_rows(result["lines"], columns, right=(3,))
    say(f"{result['open']} of {len(result['lines'])} are open. {_as_of(result)}")


def show_grades(result: Result) -> None:
    """ALCOA grades, a piece of evidence at a time."""
    for piece in result["evidence"]:
        lapsed = "" if piece["counts"] else ", lapsed with its version"
        worst = words(piece["overall"])
        say(f"{piece['title']} ({piece['measure']}{lapsed}), by {piece['actor_name']}: {worst}")
        rows = [
            (grade["letter"].capitalize(), words(grade["grade"]), grade["reason"], grade["blind"])
            for grade in piece["grades"]
        ]
        show_table(("Letter", "Grade", "Because", "It cannot see"), rows)
    if not result["evidence"]:
        say("No evidence has been submitted.")
    say(_as_of(result))


def show_configuration(result: Result) -> None:
    """What decides, by which version, since when; and what in the folder says something else."""
    columns: Mapping[str, Column] = {
        "File": "file",
        "Version": "version",
        "Since": "since",
        "By": "published_by",
        "Entry": "seq",
        "Coming": ("coming", dashed),
    }
    show_rows(result["files"], columns, right=(4,))
    for line in result["files"]:
        if line["differs"]:
            say(f"{line['differs']}.")
    say(_as_of(result))


def show_ethics(result: Result) -> None:
    """The ethical position in force."""
    ethics = result["ethics"]
    since = (
        f", published {minute(result['published_at'])} by {result['published_by']}" if result["seq"] else ""
    )
    say(f"{ethics['title']}, version {ethics['version']}{since}.")
    for answer in ethics["answers"]:
        say(f"  {answer['question']} {answer['stance']}")
    rows = [
        (
            domain["title"],
            result["limits"][domain["id"]]["binary"],
            result["limits"][domain["id"]]["regression"],
        )
        for domain in ethics["domains"]
    ]
    show_table(("Domain", "Limit on rates", "Limit on errors"), rows)
    levels = {level["id"]: level for level in ethics["transparency"]["levels"]}
    for kind in ("classes", "domains"):
        asked = [f"{words(k)}: {levels[v]['title']}" for k, v in ethics["transparency"][kind].items()]
        say(f"Transparency by {'class' if kind == 'classes' else 'domain'}: {'; '.join(asked)}.")
    demand = result["transparency_demand"]
    if demand:
        more = " The policy asks its class for less." if demand["asked"] is False else ""
        say(f"Demanded here: {demand['level']['title']}. {demand['level']['demands']}{more}")
    for version in result["versions"]:
        changed = "; ".join(version["changes"]) or "the first, or no change in what is demanded"
        say(f"Version {version['version']} of {day(version['published_at'])}: {changed}.")
    say(_as_of(result))


def _covered(coverage: Result) -> str:
    counted = f"{coverage['met']} of {coverage['counted']} clauses met"
    left = f"{coverage['gap']} gaps; {coverage['not_asked']} not asked"
    return f"{share(coverage['share'])} covered ({counted}, {left})"


def _as_of(result: Result) -> str:
    return f"As of {minute(result['moment']['at'])} UTC, entry {result['moment']['seq']}."


SHOW: Mapping[str, Callable[[Result], None]] = {
    "policy drafts": show_drafts,
    "policy compare": show_comparison,
    "policy preview": show_preview,
    "list_frameworks": show_frameworks,
    "show_framework": show_framework,
    "clause_proofs": show_proofs,
    "initiative_frameworks": show_initiative_frameworks,
    "rights_overview": show_rights_overview,
    "rights_checklist": show_rights,
    "alcoa": show_grades,
    "configuration list": show_configuration,
    "ethics show": show_ethics,
}
"""Command, or use case of one that chooses -> what prints its result."""
