"""What the product says on the demo is what was kept: the record, the words, the answers, the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from core.services.governance import Governance
from portal.shell.house import page_names
from tests.benchmarks.figures import compare, ratios, read_run
from tests.benchmarks.timing import Figure
from tests.golden import kept
from tests.golden.answers import ASKED, reading
from tests.golden.kinds import KINDS, opened_copy
from tests.golden.pages import VIEWS

MOST_BYTES = 3_500_000


@pytest.fixture(scope="module")
def demo(whole_demo_folder: Path) -> Iterator[Governance]:
    with opened_copy(whole_demo_folder) as governance:
        yield governance


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_product_says_is_what_was_kept(demo: Governance, kind: str) -> None:
    head = demo.store.head()
    difference = kept.moved(kind, KINDS[kind](demo))
    assert demo.store.head() == head, "reading has recorded something"
    if difference:
        pytest.fail(difference, pytrace=False)


def test_every_reading_operation_is_asked_and_no_other() -> None:
    assert set(ASKED) == reading()


def test_every_page_is_seen() -> None:
    assert list(VIEWS) == page_names()


def test_a_figure_that_got_worse_by_more_than_a_tenth_is_said(tmp_path: Path) -> None:
    before = {"slow": Figure(1.0, ""), "fast": Figure(20.0, "", "ratio", more_is_better=True)}
    after = {"slow": Figure(1.05, ""), "fast": Figure(10.0, "", "ratio", more_is_better=True)}
    files = [tmp_path / "before.json", tmp_path / "after.json"]
    for file, figures in zip(files, (before, after), strict=True):
        file.write_text(json.dumps({"bench": {what: asdict(one) for what, one in figures.items()}}))

    (_, slow, fast), held = compare(*files)

    assert not held and slow.endswith("1.05") and fast.endswith("2.00 (!)")
    assert compare(files[0], files[0])[1]
    assert set(ratios(read_run(files[0]))["bench"]) == {"fast"}


def test_the_kept_files_stay_small() -> None:
    assert sum(file.stat().st_size for file in kept.KEPT.rglob("*.*")) < MOST_BYTES


def test_a_moved_line_is_shown_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT", tmp_path)
    kept.keep("words", {"same.txt": "as it was\n", "moved.txt": "one\ntwo\n", "gone.txt": "here\n"})

    assert (
        kept.moved("words", {"same.txt": "as it was\n", "moved.txt": "one\ntwo\n", "gone.txt": "here\n"})
        == ""
    )
    shown = kept.moved("words", {"same.txt": "as it was\n", "moved.txt": "one\n2\n", "new.txt": "there\n"})

    assert {"-two", "+2", "-here", "+there", kept.REMEDY} <= set(shown.splitlines())
    assert "as it was" not in shown
