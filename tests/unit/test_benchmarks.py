"""What the benchmarks draw is what pages say, and verdicts hold their error in draws of hard settings."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.benchmarks.groups import Setting
from tests.benchmarks.trusting import Groups, told


@pytest.mark.parametrize(
    "setting",
    [
        Setting.alike("few", 0.1, *(150,) * 5),
        Setting.alike("of many sizes", 0.3, 50, 5000, 150, 9, 500, 50, 150),
        Setting("apart", (0.3, 0.5, 0.5, 0.4), (500, 500, 50, 500)),
    ],
    ids=lambda setting: setting.name,
)
def test_draws_are_judged_as_the_report_judges_them(setting: Setting) -> None:
    counts = setting.drawn(60, 3)
    reports = [setting.report(one, "best") for one in counts]
    found = setting.verdicts(counts, passes=True)
    assert +found == Counter(str(report.verdict) for report in reports)
    for reference, least in setting.least_p_values.items():
        lines = [setting.report(one, reference).slices for one in counts]
        told_there = [min(line.adjusted_p for line in each if line.adjusted_p is not None) for each in lines]
        np.testing.assert_allclose(least(counts), told_there)


def test_groups_of_rare_outcomes_are_not_called_wrong_by_chance() -> None:
    """A z test alone fails some right group in a quarter of such draws, by three positives in a chunk."""
    rare = Groups(50, 50, 9, "a twentieth is positive", draws=60)
    assert told(rare)["fail"] <= 5


def test_a_group_that_is_off_is_found() -> None:
    assert told(Groups(10, 600, 9, "half are positive", off=0.05, draws=30))["fail"] >= 27
