"""The one list of cases of wrong verdicts names tests that are there (`tests/cases/verdicts/cases.yaml`)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parents[1]
LISTED = yaml.safe_load((TESTS / "cases/verdicts/cases.yaml").read_text(encoding="utf-8"))


def test_all_fourteen_cases_and_ten_rows_are_listed() -> None:
    assert [case.split()[0] for case in LISTED["cases"]] == [f"G{number}" for number in range(1, 15)]
    assert [row.split()[0] for row in LISTED["rows"]] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("case", [*LISTED["cases"], *LISTED["rows"]])
def test_each_case_is_held_by_tests_that_are_there(case: str) -> None:
    named = {**LISTED["cases"], **LISTED["rows"]}[case]
    assert named
    for test in named:
        file, _, name = test.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
        (found,) = [each for each in functions if each.name == name]
        assert any(isinstance(each, ast.Assert) for each in ast.walk(found)) or "expect(" in ast.unparse(
            found
        )
