"""What the command line prints of model versions and of two side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.entrypoints.reports.printing import NONE, day, figure, say, show_table, words

Result = Mapping[str, Any]


def show_versions(result: Result) -> None:
    """Versions, newest first."""
    rows = result["versions"]
    if not rows:
        say("No model version is registered.")
        return
    headings = ("Version", "State", "Algorithm", "Registered", "Approved", "Predictions", "Reproducibility")
    lines = [
        (
            row["version"],
            row["state"],
            row["algorithm"],
            day(row["recorded_at"]),
            day(row["approved"]["recorded_at"]) if row["approved"] else NONE,
            f"{row['predictions']:,}",
            f"{row['reproducibility']['grade']} of 3: {row['reproducibility']['title']}",
        )
        for row in rows
    ]
    show_table(headings, lines, right=(5,))


def show_comparison(result: Result) -> None:
    """Two versions side by side."""
    left, right = result["left"], result["right"]
    names = (f"Version {left['version']} ({left['state']})", f"Version {right['version']} ({right['state']})")
    say(f"{result['name']} ({result['initiative']}): {names[0]} and {names[1]}")
    say()
    grades = [
        f"{one['reproducibility']['grade']} of 3: {one['reproducibility']['title']}" for one in (left, right)
    ]
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
    better = {True: "better", False: "worse", None: ""}
    lines = [
        (
            one["title"],
            figure(one["left"]),
            figure(one["right"]),
            figure(one["change"]),
            better[one["better"]],
        )
        for one in result["metrics"]
    ]
    show_table(("Metric", *names, "Change", "Which is"), lines, right=(1, 2, 3))


def _show_slices(slices: Result, names: tuple[str, str]) -> None:
    say()
    for name, side in zip(names, ("left", "right"), strict=True):
        if slices[side]["note"]:
            say(f"Slices of {name[:1].lower() + name[1:]}: {slices[side]['note']}")
    if not slices["rows"]:
        return
    unit = "share" if slices["form"] == "rate" else ""
    lines = [
        (
            row["label"],
            _cell(row["left"], unit),
            words(row["left_verdict"]),
            _cell(row["right"], unit),
            words(row["right_verdict"]),
        )
        for row in slices["rows"]
    ]
    say(f"{slices['metric']} by {words(slices['by'])}:")
    show_table(("Slice", names[0], "Verdict", names[1], "Verdict"), lines, right=(1, 3))


def _cell(value: float | None, unit: str) -> str:
    return NONE if value is None else figure(value, unit)


def _show_decay(decay: Result, names: tuple[str, str]) -> None:
    say()
    for name, side in zip(names, (decay["left"], decay["right"]), strict=True):
        if side["note"]:
            say(f"Decay of {name[:1].lower() + name[1:]}: {side['note']}")
        else:
            say(
                f"Decay of {name[:1].lower() + name[1:]}: {words(side['metric'])} estimated at "
                f"{figure(side['estimate'])}, {side['worse']} of {side['chunks']} chunks estimated worse, "
                f"{side['realised_worse']} realised worse; trust in the estimates: {words(side['trust'])}."
            )
