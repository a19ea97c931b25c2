"""What the command line prints of model versions, of data and its lineage, and of notes in documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.entrypoints.reports.printing import (
    Column,
    counted,
    day,
    figure,
    minute,
    say,
    show_rows,
    show_table,
    words,
    yes_or_no,
)

Result = Mapping[str, Any]


def show_versions(result: Result) -> None:
    """Versions, newest first."""
    columns: Mapping[str, Column] = {
        "Version": "version",
        "State": "state",
        "Algorithm": "algorithm",
        "Registered": "recorded_at",
        "Approved": ("approved", lambda approved: day(approved["recorded_at"]) if approved else None),
        "Predictions": ("predictions", counted),
        "Reproducibility": ("reproducibility", _grade),
    }
    show_rows(result["versions"], columns, empty="No model version is registered.", right=(5,))


def _grade(found: Result) -> str:
    return f"{found['grade']} of 3: {found['title']}"


def show_comparison(result: Result) -> None:
    """Two versions side by side."""
    left, right = result["left"], result["right"]
    names = (f"Version {left['version']} ({left['state']})", f"Version {right['version']} ({right['state']})")
    say(f"{result['name']} ({result['initiative']}): {names[0]} and {names[1]}")
    say()
    grades = [_grade(one["reproducibility"]) for one in (left, right)]
    made = [
        (one["part"], one["label"], one["left"], one["right"], words(one["sameness"]))
        for one in result["made_of"]
    ]
    show_table(("Part", "What", *names, "Same?"), [*made, ("Grade", "Reproducibility", *grades, "")])
    say()
    _show_metrics(result, names)
    _show_slices(result["slices"], names)
    _show_decay(result["decay"], names)


def _show_metrics(result: Result, names: tuple[str, str]) -> None:
    if not result["metrics"]:
        say("No metrics are on record for either.")
        return
    columns: Mapping[str, Column] = {
        "Metric": "title",
        names[0]: ("left", figure),
        names[1]: ("right", figure),
        "Change": ("change", figure),
        "Which is": ("better", {True: "better", False: "worse", None: ""}.get),
    }
    show_rows(result["metrics"], columns, right=(1, 2, 3))


def _show_slices(slices: Result, names: tuple[str, str]) -> None:
    say()
    for name, side in zip(names, ("left", "right"), strict=True):
        if slices[side]["note"]:
            say(f"Slices of {name[:1].lower() + name[1:]}: {slices[side]['note']}")
    if not slices["rows"]:
        return
    unit = "share" if slices["form"] == "rate" else ""
    say(f"{slices['metric']} by {words(slices['by'])}:")
    lines = [
        (
            one["label"],
            figure(one["left"], unit),
            words(one["left_verdict"]),
            figure(one["right"], unit),
            words(one["right_verdict"]),
        )
        for one in slices["rows"]
    ]
    show_table(("Slice", names[0], "Verdict", names[1], "Verdict"), lines, right=(1, 3))


def _show_decay(decay: Result, names: tuple[str, str]) -> None:
    say()
    for name, side in zip(names, (decay["left"], decay["right"]), strict=True):
        told = side["note"] or (
            f"{words(side['metric'])} estimated at {figure(side['estimate'])}, of {side['chunks']} chunks "
            f"{side['realised_worse']} realised worse, {side['worse']} estimated worse; "
            f"trust in the estimates: {words(side['trust'])}."
        )
        say(f"Decay of {name[:1].lower() + name[1:]}: {told}")


def show_history(result: Result) -> None:
    """Times in production, those that run first."""
    columns: Mapping[str, Column] = {
        "Initiative": "initiative",
        "Version": ("version", lambda version: version or "none registered"),
        "As": "role_title",
        "From": ("since", minute),
        "To": ("ended_at", lambda at: minute(at) if at else "runs"),
        "Ended because": "ended_because",
    }
    show_rows(result["runs"], columns, empty="Nothing has been put into production.")


def show_lineage(result: Result) -> None:
    """Every use of data, a line each, then what bad data reaches."""
    columns: Mapping[str, Column] = {
        "Team": "team",
        "Data": "source",
        "How": lambda use: use["how"] + ("" if use["counts"] else " (past)"),
        "Model": "initiative",
        "Version": ("version", lambda version: version or "all"),
        "Business process": ("processes", "; ".join),
        "Personal": ("personal_data", yes_or_no),
        "Bad data above": ("bad", ", ".join),
    }
    show_rows(result["uses"], columns, empty="No use of data is recorded that fits.")
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
    columns: Mapping[str, Column] = {
        "Source": "source",
        "Name": "name",
        "Owned by": "team",
        "Personal": ("personal_data", yes_or_no),
        "State": lambda source: "bad" if source["bad"] else "affected" if source["roots"] else "sound",
        "Where it lies": "location",
    }
    show_rows(result["sources"], columns, empty="No data source is recorded.")


def show_source(result: Result) -> None:
    """One data source in full."""
    data = result["source"]
    say(f"{data['name']} ({data['source']})")
    say(f"  {data['description']}" if data["description"] else "  No description.")
    personal = "holds personal data" if data["personal_data"] else "holds no personal data"
    where = data["location"] or "a place that is not recorded"
    say(f"  Owned by {data['team']}; {personal}. Lies at {where}.")
    if data["quality"]:
        say(f"  Quality: {data['quality']}")
    if data["bad"]:
        say(f"  Bad since {day(data['marked_at'])}, by {data['marked_by']}: {data['bad_reason']}")
    for label, edges in (("Made from", result["upstream"]), ("Made into", result["downstream"])):
        for edge in edges:
            columns = f" (columns {', '.join(edge['columns'])})" if edge["columns"] else ""
            say(f"  {label} {edge['name']}{': ' + edge['how'] if edge['how'] else ''}{columns}")
    for use in result["uses"]:
        say(f"  Used by {use['model']} ({use['team']}) for {use['how']}, version {use['version'] or 'all'}")


def show_marked(result: Result) -> None:
    """What a mark of bad data reaches."""
    reached = result["initiatives"]
    end = ": " if reached else "."
    say(f"{result['source']} is marked as bad. It reaches {len(reached)} initiatives{end}")
    for initiative in reached:
        say(f"  {initiative}")


def show_notes(result: Result) -> None:
    """What people wrote beside a section, newest first."""
    for note in result["notes"]:
        say(f"{minute(note['at'])} {note['author']}: {note['text'] or '(taken back)'}")
    if not result["notes"]:
        say("Nobody has written beside this section.")


SHOW: Mapping[str, Callable[[Result], None]] = {
    "version history": show_history,
    "version list": show_versions,
    "version compare": show_comparison,
    "data bad": show_marked,
    "data list": show_sources,
    "data show": show_source,
    "lineage": show_lineage,
    "document-notes": show_notes,
}
"""Command -> what prints its result."""
