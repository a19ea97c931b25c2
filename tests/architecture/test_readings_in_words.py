"""What people read: names in words, the procedure with each verdict, green where everything is met."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from core.domain.policy.checks import LOOK_AT_PREDICTIONS
from core.ground import VerdictName, in_words, outcome_title
from portal.components.pills import look_of, share_met

VERDICTS = get_args(VerdictName)
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


BY = re.compile(
    r"likelihood|Welch|binomial|z tests|distances against|by shares held|[Bb]onferroni|by (CBPE|PAPE|DLE)"
    r"|SHAP|intervals of the differences|rows are all there are|Holm"
)
"""What a procedure is called."""
NOT_YET = re.compile(
    r"ha(s|ve) not been|no predictions|Withheld|[Tt]oo (small|few)|nobody|none is named|counts for [0-9]"
)
"""What is said where nothing was worked out, so that there is no procedure to name."""


def unnamed(told: Any, around: str = "", path: str = "") -> Iterator[str]:
    """Verdicts of statistics for which neither they nor what they stand in names a procedure."""
    if isinstance(told, list):
        for place, one in enumerate(told):
            yield from unnamed(one, around, f"{path}[{place}]")
    if not isinstance(told, dict):
        return
    known = told.get("check", told.get("check_id", "bias_limit"))
    beside = [one for part in told.values() if isinstance(part, dict) for one in part.values()]
    words = " ".join(one for one in told.values() if isinstance(one, str))
    around = " ".join([around, words, *(one for one in beside if isinstance(one, str))])
    judged = {"verdict", "trust"} & {key for key, value in told.items() if value in VERDICTS}
    if judged and known in LOOK_AT_PREDICTIONS and not (BY.search(around) or NOT_YET.search(words)):
        yield f"{path}: {words[:200]}"
    for key, value in told.items():
        if key == "columns":  # their check says by what all of them are judged
            continue
        yield from unnamed(value, around, f"{path}.{key}")


ANSWERS = sorted((KEPT / "answers").glob("*.json"))
COUNTED = ("governance_kpis",)
"""Answers whose verdicts hold a count to its target, without statistics."""


@pytest.mark.parametrize(
    "file", [one for one in ANSWERS if one.stem not in COUNTED], ids=lambda file: file.stem
)
def test_each_verdict_in_an_answer_names_its_procedure(file: Path) -> None:
    answers = json.loads(file.read_text(encoding="utf-8"))
    assert not list(unnamed([one.get("answer") for one in answers]))


RATES = re.compile(
    r"(?i)(selection|true positive|false positive|false negative|base) rate"
    r"(?! of |s|\)| is at (least|most)|_)"
    r"|Limit: the \w+ (selection|true positive|false positive|false negative|base) rate(?! of )"
)
"""A rate of one outcome that does not say of which; definitions and names of measures say it with a title."""
APART = re.compile(
    r"(?i)(difference|\bgap\b|apart|off by|changed? by|points? of)[^.;|\n]{0,40}\d ?%(?! interval)"
)
"""A difference of shares in per cent."""
DEFINES = re.compile(
    r"[Ff]ormula|lowest \\?/ highest|highest \\?- lowest|smaller of|larger of|selectbox|words:|\"(id|title)\""
)


@pytest.mark.parametrize(
    "file",
    [file for file in (*PAGES, KEPT / "terminal" / "commands.txt", *ANSWERS) if "ethics" not in file.stem],
    ids=lambda file: file.stem,
)
def test_each_rate_names_its_outcome_and_differences_are_in_points(file: Path) -> None:
    lines = [one for one in file.read_text(encoding="utf-8").splitlines() if not DEFINES.search(one)]
    assert not [one for one in lines if one.count(" ") > 3 and RATES.search(one)]
    assert not [one for one in lines if APART.search(one)]


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
