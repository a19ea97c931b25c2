"""What people read: names in words, the procedure with each verdict, green where everything is met."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.ground import in_words, outcome_title
from portal.components.pills import look_of, share_met

KEPT = Path(__file__).parents[1] / "golden" / "kept"
PAGES = sorted((KEPT / "pages").glob("*.txt"))
RAW = re.compile(r"(?<![\w.\'/])[a-z]+[a-z0-9]*_[a-z0-9_]+")
"""A name of a column or of an outcome as programs write it."""
FILES = {"row_id", "raw_score"}
"""Names that people have to write into a file, and so have to read."""
TITLES = ("title", "header", "chart", "subheader", "expander", "button", "popover")
COLUMNS = re.compile(r"\[dataframe\].*\n  [\d,]+ rows of: (.*)")


def titles(text: str) -> list[str]:
    """Titles, labels of inputs, and headings of tables of the kept text of a page."""
    parts = re.findall(r"^\[(\w+)\] (.*)$", text, re.MULTILINE)
    named = [
        said if kind in TITLES else said.split(" = ")[0] if " = " in said else "" for kind, said in parts
    ]
    return [*filter(None, named), *COLUMNS.findall(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_raw_name_stands_in_a_title_or_label(page: Path) -> None:
    found = titles(page.read_text(encoding="utf-8"))
    assert found
    assert not [one for one in found if set(RAW.findall(one)) - FILES]


PROCEDURES = {
    r"caption\] Limit.{0,20}the lowest .* slices": r"By (likelihood|Welch)",
    r"features drifted": r"by Jensen-Shannon distances against random draws",
    r"columns (are beyond a limit|keep to their reference)": "by shares held to the stated limits",
    r"^estimated .* (keeps within|is worse than) its threshold": r" by (CBPE|PAPE|DLE) .*by a binomial test",
    r"^ratio in .* between": r"By (likelihood|Welch)",
    r"scores are attributed": "SHAP values",
    r"One judgement of the model": "by a binomial test",
    r"Slices that differ from the reference": "Holm-adjusted likelihood-ratio or exact tests",
}


@pytest.mark.parametrize("said", PROCEDURES)
def test_each_verdict_names_its_procedure(said: str) -> None:
    kept = [*PAGES, KEPT / "terminal" / "commands.txt", *(KEPT / "answers").glob("*.json")]
    lines = [line for file in kept for line in file.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if re.search(said, line.strip().removeprefix('"message": "'))]
    assert found
    # A row of a table in a page is cut short where it is kept.
    assert not [line for line in found if not re.search(PROCEDURES[said], line)]


def test_an_outcome_is_called_by_its_name_and_said_to_be_favourable() -> None:
    assert outcome_title("prepaid_card", ("prepaid_card",)) == "favourable outcome Prepaid card"
    assert outcome_title("prepaid_card") == "outcome Prepaid card"
    assert in_words("customer_for") == "customer for"


@pytest.mark.parametrize(
    ("met", "of", "tone"), [(0, 8, "watch"), (7, 8, "watch"), (8, 8, "good"), (0, 0, "quiet")]
)
def test_green_is_where_everything_asked_is_met(met: int, of: int, tone: str) -> None:
    status, words = share_met(met, of)
    assert (look_of(status).tone, words) == (tone, f"{met} of {of} requirements met")
