"""The figures of a run as a file, and two such files beside each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.connectors.settings import PROJECT
from tests.benchmarks.timing import Figure

FILE = PROJECT / ".cache" / "bench.json"
TOLERANCE = 1.1
Run = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Benchmark -> what is measured -> the figure's fields."""


def read_run(file: Path) -> Run:
    """The figures in a file; none where there is no file."""
    found: Run = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def write_figures(bench: str, figures: Mapping[str, Figure]) -> None:
    """Put the figures of a benchmark into the file, in the place of its earlier ones."""
    run = {**read_run(FILE), bench: {what: asdict(figure) for what, figure in figures.items()}}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(as_text(run), encoding="utf-8")


def ratios(run: Run) -> Run:
    """Only the ratios: what says the same on any machine."""
    kept = {
        bench: {what: figure for what, figure in figures.items() if figure["kind"] == "ratio"}
        for bench, figures in run.items()
    }
    return {bench: figures for bench, figures in kept.items() if figures}


def row(what: str, figure: Mapping[str, Any]) -> str:
    """A figure as a line of a table."""
    return f"| {what} | {figure['said'].strip()} | {figure.get('asked', '')} |"


def with_tables(text: str, run: Run) -> str:
    """A document with its tables of drawn figures made anew; a mark says how their lines begin."""

    def table(mark: re.Match[str]) -> str:
        lines = [
            row(what, run["statistics"][what])
            for begins in mark[1].split(" / ")
            for what in sorted(run["statistics"], key=_by_numbers)
            if what.startswith(begins)
        ]
        return "\n".join([mark[0].split("\n", 1)[0], HEAD, *lines, END])

    return _TABLE.sub(table, text)


HEAD = "| drawn | seen, in the worst setting | asked |\n|---|---|---|"
END = "<!-- made by make golden ARGS=bench -->"
_TABLE = re.compile(rf"<!-- statistics: (.+?) -->\n.*?{END}", re.S)


def _by_numbers(what: str) -> list[tuple[int, str]]:
    """Numbers in a name by their size."""
    return [(int(one), "") if one.isdigit() else (-1, one) for one in re.split(r"(\d+)", what)]


def as_text(run: Run) -> str:
    """A run as it is kept in a file."""
    return json.dumps(run, indent=1, sort_keys=True) + "\n"


def compare(before: Path, after: Path) -> tuple[list[str], bool]:
    """A line for each figure of two runs, and whether all got worse by a tenth at most.

    The last number is by how much it got worse: 2 is twice as slow, twice as large, or half as many times
    faster. Figures that only one of the runs has are named; they are no worse.
    """
    old, new = (dict(_flat(read_run(file))) for file in (before, after))
    lines, worst = [f"{'':72} {'before':>12} {'after':>12} {'worse by':>9}"], 0.0
    for what in dict.fromkeys([*old, *new]):
        values = [f"{run[what]['value']:12.4g}" if what in run else f"{'-':>12}" for run in (old, new)]
        worse = _worse(old[what], new[what]) if what in old and what in new else None
        worst = max(worst, worse or 0.0)
        told = "" if worse is None else f"{worse:9.2f}{' (!)' if worse > TOLERANCE else ''}"
        lines.append(f"{what:72} {' '.join(values)} {told}".rstrip())
    return lines, worst <= TOLERANCE


def _flat(run: Run) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for bench, figures in run.items():
        for what, figure in figures.items():
            yield f"{bench}: {what}", figure


def _worse(before: Mapping[str, Any], after: Mapping[str, Any]) -> float | None:
    if before["kind"] in ("difference", "count") or not before["value"] or not after["value"]:
        return None
    grown = float(after["value"]) / float(before["value"])
    return 1 / grown if before["more_is_better"] else grown
