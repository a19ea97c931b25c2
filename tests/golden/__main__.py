"""Make the kept files anew: `python -m tests.golden [DEMO]`; without a built demo store one is built.

`python -m tests.golden bench` keeps the ratios of the last `make bench` instead, and what was drawn, with the
tables of it in the documentation. Ratios are held by hand, as times are never tested:
`make bench ARGS="compare tests/golden/kept/bench/ratios.json .cache/bench.json"`.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.connectors.settings import PROJECT
from data.demo.build import build_demo
from tests.benchmarks.figures import FILE, as_text, ratios, read_run, with_tables
from tests.demo_store import MOMENT
from tests.golden import commands
from tests.golden.kept import KEPT, keep
from tests.golden.kinds import KINDS, opened_copy


def main(names: list[str]) -> int:
    """Keep the ratios, or every other kind of file from one demo."""
    if names == ["bench"]:
        return _keep_ratios()
    logging.disable(logging.WARNING)  # Streamlit warns at each page that no browser looks at it
    with _demo(names) as demo, opened_copy(demo) as governance:
        for kind, made in KINDS.items():
            _keep(kind, made(governance))
    commands.FILE.write_text(commands.reference(), encoding="utf-8")
    return 0


@contextmanager
def _demo(names: list[str]) -> Iterator[Path]:
    """The demo store that is named, or one built for it."""
    if names:
        yield Path(names[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        build_demo(Path(folder) / "demo", PROJECT / "config", MOMENT)
        yield Path(folder) / "demo"


def _keep_ratios() -> int:
    if not FILE.exists():
        sys.stderr.write(f"{FILE} is not there: run make bench\n")
        return 2
    run = read_run(FILE)
    drawn = {"statistics": run["statistics"]} if "statistics" in run else read_run(DRAWN)
    _keep("bench", {"ratios.json": as_text(ratios(run)), DRAWN.name: as_text(drawn)})
    for document in DOCUMENTS:
        document.write_text(with_tables(document.read_text(encoding="utf-8"), drawn), encoding="utf-8")
    return 0


DRAWN = KEPT / "bench" / "statistics.json"
DOCUMENTS = (PROJECT / "README.md", PROJECT / "docs" / "statistics.md")
"""Those with tables of what was drawn."""


def _keep(kind: str, texts: Mapping[str, str]) -> None:
    keep(kind, texts)
    size = sum(len(text.encode()) for text in texts.values())
    sys.stdout.write(f"{kind:10} {len(texts):3} files {size:10,} bytes\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
