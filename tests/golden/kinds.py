"""All that is kept, by kind: a folder below `kept` and what makes its files from the open demo."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.connectors.settings import Settings
from core.services.governance import Governance
from portal.shell.house import close_house, open_house
from tests.golden.answers import answers
from tests.golden.pages import page_texts
from tests.golden.record import record
from tests.golden.terminal import terminal
from tests.golden.words import words

KINDS: Mapping[str, Callable[[Governance], dict[str, str]]] = {
    "record": record,
    "words": words,
    "answers": answers,
    "terminal": terminal,
    "pages": page_texts,
}


@contextmanager
def opened_copy(demo: Path) -> Iterator[Governance]:
    """A copy of the demo store, opened for the pages and for everybody else."""
    close_house()  # one process holds one house: let go of whatever was open before
    with tempfile.TemporaryDirectory() as folder:
        yield open_house(Settings(store=shutil.copytree(demo, Path(folder) / "store"))).governance
        close_house()
