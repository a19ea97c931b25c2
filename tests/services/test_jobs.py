"""Long work runs once at a time, says how far it is, can be stopped, and never loses an error."""

from __future__ import annotations

import threading

import pytest

from core.domain.errors import BadInput, Forbidden, NotFound
from core.services.jobs import JobControl, Jobs
from tests.conftest import ADMIN, BUILDER, OWNER


def held(gate: threading.Event, runs: list[str]) -> object:
    def work(control: JobControl) -> str:
        runs.append("ran")
        control.report(0.25, "One of four parts.")
        while not gate.wait(0.01):
            control.raise_if_cancelled()
        return "All four parts."

    return work


def started(jobs: Jobs, work: object, *, kind: str = "refresh", subject: str = "card/1") -> str:
    return jobs.start(kind, subject, work, BUILDER)  # type: ignore[arg-type]


def until_reported(jobs: Jobs, subject: str = "card/1") -> None:
    waiting = threading.Event()
    for _ in range(500):
        if jobs.of(subject)[0].share:
            return
        waiting.wait(0.01)
    raise AssertionError("the job never reported")


def test_a_job_says_how_far_it_is_and_what_came_of_it() -> None:
    jobs, gate = Jobs(), threading.Event()
    job = started(jobs, held(gate, []))
    until_reported(jobs)
    seen = jobs.of("card/1")[0]
    assert (seen.state, seen.share, seen.sentence) == ("running", 0.25, "One of four parts.")
    assert jobs.of("other/1") == ()
    gate.set()
    ended = jobs.wait(job, 10)
    assert (ended.state, ended.share, ended.sentence, ended.problem) == ("done", 1.0, "All four parts.", "")
    assert jobs.of("card/1") == (ended,)


def test_the_same_kind_and_subject_run_once_at_a_time() -> None:
    jobs, gate, runs = Jobs(), threading.Event(), list[str]()
    first = started(jobs, held(gate, runs))
    assert started(jobs, held(gate, runs)) == first
    other = started(jobs, held(gate, runs), kind="explain")
    assert other != first
    gate.set()
    jobs.wait(first, 10)
    jobs.wait(other, 10)
    assert len(runs) == 2
    again = started(jobs, held(gate, runs))
    assert again != first
    assert jobs.wait(again, 10).state == "done"
    assert [job.id for job in jobs.of("card/1")] == [other, again]


def test_a_job_is_stopped_by_who_started_it_or_an_administrator_only() -> None:
    jobs, gate = Jobs(), threading.Event()
    job = started(jobs, held(gate, []))
    with pytest.raises(Forbidden, match="somebody else"):
        jobs.cancel(job, OWNER)
    jobs.cancel(job, BUILDER)
    assert jobs.wait(job, 10).state == "cancelled"
    second = started(jobs, held(gate, []))
    jobs.cancel(second, ADMIN)
    assert jobs.wait(second, 10).state == "cancelled"
    with pytest.raises(NotFound):
        jobs.cancel("none", ADMIN)


def test_a_job_that_waits_for_its_turn_says_so_and_can_be_stopped() -> None:
    jobs, gate, runs = Jobs(at_once=1), threading.Event(), list[str]()
    first = started(jobs, held(gate, runs))
    until_reported(jobs)
    second = started(jobs, held(gate, runs), subject="card/2")
    jobs.cancel(second, BUILDER)
    assert jobs.wait(second, 10).state == "cancelled"
    gate.set()
    assert jobs.wait(first, 10).state == "done"
    assert len(runs) == 1


@pytest.mark.filterwarnings("error")
def test_a_refusal_is_told_in_full_and_any_other_error_without_its_inside() -> None:
    def refuse(control: JobControl) -> str:
        raise BadInput("'y_score' goes up to 1.4", where="batch", remedy="Give probabilities.")

    def break_down(control: JobControl) -> str:
        raise ZeroDivisionError("secret inside")

    jobs = Jobs()
    told = jobs.wait(started(jobs, refuse), 10)
    assert (told.state, told.problem) == ("failed", "'y_score' goes up to 1.4 (batch). Give probabilities.")
    broken = jobs.wait(started(jobs, break_down), 10)
    assert broken.state == "failed"
    assert "ZeroDivisionError" in broken.problem
    assert "secret" not in broken.problem


def test_everything_stops_before_the_store_is_closed() -> None:
    jobs, gate = Jobs(), threading.Event()
    ids = [started(jobs, held(gate, []), subject=f"card/{place}") for place in range(4)]
    jobs.stop_all()
    assert {jobs.wait(job, 0).state for job in ids} == {"cancelled"}
