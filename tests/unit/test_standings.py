"""Leaderboards: by what the record shows at the least."""

import pytest

from core.analytics.intervals import wilson_interval
from core.analytics.kpi_values import TeamTally, standings


def test_a_long_good_record_beats_a_short_perfect_one() -> None:
    # Wilson low ends: 10/10 -> 0.722, 190/200 -> 0.910
    lines = standings([TeamTally("lucky", 10, 10, 5, 5), TeamTally("steady", 200, 190, 50, 10)])
    assert [(line.rank, line.team) for line in lines] == [(1, "steady"), (2, "lucky")]
    assert lines[0].rate == 190 / 200
    assert lines[0].interval == wilson_interval(190, 200)
    assert (lines[0].passes, lines[0].n) == (190, 200)


def test_deadlines_are_ranked_by_their_own_counts() -> None:
    tallies = [TeamTally("a", 20, 20, 40, 10), TeamTally("b", 20, 0, 40, 38)]
    lines = standings(tallies, "deadlines_met_rate")
    assert [(line.team, line.rate) for line in lines] == [("b", 38 / 40), ("a", 10 / 40)]


def test_equal_teams_share_a_rank_and_the_next_is_skipped() -> None:
    passes = {"c": 30, "a": 36, "b": 36, "d": 10}
    tallies = [TeamTally(name, 40, passed, 0, 0) for name, passed in passes.items()]
    lines = standings(tallies)
    assert [(line.rank, line.team) for line in lines] == [(1, "a"), (1, "b"), (3, "c"), (4, "d")]


def test_too_few_tries_are_shown_without_a_rank() -> None:
    counts = {"new": (9, 9), "none": (0, 0), "old": (10, 1)}
    lines = standings([TeamTally(team, *tries, 0, 0) for team, tries in counts.items()])
    assert [(line.rank, line.team) for line in lines] == [(1, "old"), (None, "new"), (None, "none")]
    assert lines[1].note == "Too few to rank: 9 of the 10 needed."
    assert lines[1].rate == 1.0
    assert lines[2].rate is None
    assert lines[2].interval is None


def test_no_try_is_never_ranked_even_without_a_minimum() -> None:
    assert standings([TeamTally("none", 0, 0, 0, 0)], minimum=0)[0].rank is None


def test_no_team_gives_an_empty_board() -> None:
    assert standings([]) == ()


def test_the_order_of_the_tallies_does_not_matter() -> None:
    passes = {"x": 3, "y": 29, "z": 3, "w": 12}
    tallies = [TeamTally(name, 30, passed, 0, 0) for name, passed in passes.items()]
    assert standings(tallies) == standings(reversed(tallies))


def test_impossible_or_double_tallies_are_refused() -> None:
    with pytest.raises(ValueError, match="6 of 5 is not a rate"):
        standings([TeamTally("a", 5, 6, 0, 0)])
    with pytest.raises(ValueError, match="a team stands in the tallies twice"):
        standings([TeamTally("a", 5, 5, 0, 0), TeamTally("a", 5, 4, 0, 0)])
