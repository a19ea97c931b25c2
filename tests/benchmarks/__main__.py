"""Measure what the README says, in one run on one machine: `python -m tests.benchmarks [NAME ...]`.

Figures are medians of several runs; the machine's noise is the spread printed beside them. They are kept in
`.cache/bench.json`; `python -m tests.benchmarks compare BEFORE AFTER` sets two such files side by side, with
exit code 1 where a figure got worse by more than a tenth.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from core.connectors.settings import PROJECT
from tests.benchmarks import (
    adapting,
    clients,
    commands,
    decaying,
    decisions,
    errors,
    evaluating,
    intake,
    kills,
    pages,
    scale,
    slicing,
)
from tests.benchmarks.figures import compare, row, write_figures
from tests.benchmarks.timing import Figure, in_seconds

BENCHES: Mapping[str, Callable[[Path], dict[str, Figure]]] = {
    "adapting": adapting.measure,
    "clients": clients.measure,
    "commands": commands.measure,
    "decisions": decisions.measure,
    "decaying": decaying.measure,
    "evaluating": evaluating.measure,
    "intake": intake.measure,
    "kills": kills.measure,
    "pages": pages.measure,
    "scale": scale.measure,
    "slicing": slicing.measure,
    "statistics": errors.measure,
}
OF_THE_DEMO = {"decaying", "decisions", "pages", "scale", "slicing"}
"""What is measured on a demo; the others have stores of their own."""


def main(names: list[str]) -> int:
    """Run the benchmarks named (all without a name), or compare two runs."""
    if names[:1] == ["compare"]:
        return _compare(names[1:])
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        sys.stderr.write(f"there is no benchmark {unknown[0]!r}; use: compare, {', '.join(BENCHES)}\n")
        return 2
    _measure(names or list(BENCHES))
    return 0


def _measure(names: list[str]) -> None:
    """Build a demo store once, if one needs it; print and keep the figures of the benchmarks named."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        if OF_THE_DEMO & set(names):
            _say("demo", {"demo store built": in_seconds(build(store), "{:8.1f} s")})
        for name in names:
            _say(name, BENCHES[name](store))


def _say(bench: str, figures: dict[str, Figure]) -> None:
    for what, figure in figures.items():
        sys.stdout.write(f"{row(what, asdict(figure))}\n")
    write_figures(bench, figures)


def _compare(files: list[str]) -> int:
    missing = [file for file in files if not Path(file).is_file()]
    if len(files) != 2 or missing:
        sys.stderr.write("name two files that are there: compare BEFORE AFTER\n")
        return 2
    lines, held = compare(*map(Path, files))
    sys.stdout.write("\n".join([*lines, ""]))
    return 0 if held else 1


def build(store: Path) -> float:
    """Build the demo store and return the seconds it took."""
    from data.demo.build import build_demo

    start = time.perf_counter()
    build_demo(store, PROJECT / "config", datetime.now(UTC))
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
