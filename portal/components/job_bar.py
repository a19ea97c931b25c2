"""The progress of long work: a bar that survives a change of page, a way to stop it, and its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.domain.errors import GovernanceError
from core.services.jobs import cancel_job, jobs_of
from portal.components.desk import show_problem
from portal.components.text import capital, escape, percent

if TYPE_CHECKING:
    from core.services.jobs import JobView
    from portal.components.desk import Desk

_EVERY_SECONDS = 1.0
_DISMISSED = "jobs_dismissed"


def job_bar(desk: Desk, subject: str, *, kind: str = "") -> bool:
    """Show the jobs of a subject; tell whether one is at work.

    While one is, only this part of the page asks again, once a second; when it ends, the whole page is
    drawn anew, so that it shows what the job recorded. What came of it stands there until it is closed.

    Parameters
    ----------
    desk
        The desk of this session; who sits there may stop their own jobs.
    subject
        What the jobs work on, for example `initiative/version`.
    kind
        One kind of job only; all by default.
    """
    running = any(job.state == "running" for job in _jobs(subject, kind))
    every = _EVERY_SECONDS if running else None
    st.fragment(_bars, run_every=every)(desk, subject, kind, running)
    return running


def _jobs(subject: str, kind: str) -> list[JobView]:
    return [job for job in jobs_of(subject) if kind in ("", job.kind)]


def _bars(desk: Desk, subject: str, kind: str, was_running: bool) -> None:
    jobs = _jobs(subject, kind)
    if was_running and not any(job.state == "running" for job in jobs):
        st.rerun()
    dismissed: set[str] = st.session_state.setdefault(_DISMISSED, set())
    for job in jobs:
        if job.state == "running":
            _running(desk, job)
        elif job.id not in dismissed:
            _ended(job, dismissed)


def _running(desk: Desk, job: JobView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"job-{job.id}"):
        words = f"{percent(job.share)} done. {job.sentence or 'Starting.'}"
        st.progress(job.share, text=escape(words))
        if st.button("Stop", key=f"stop-{job.id}", icon=":material/stop_circle:", width="content"):
            try:
                cancel_job(job.id, desk.actor)
            except GovernanceError as problem:
                show_problem(problem)


def _ended(job: JobView, dismissed: set[str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"job-{job.id}"):
        words = escape(capital(job.problem if job.state == "failed" else job.sentence))
        if job.state == "failed":
            st.error(words, icon=":material/error:")
        elif job.state == "cancelled":
            st.info(words, icon=":material/cancel:")
        else:
            st.success(words, icon=":material/check_circle:")
        if st.button("Close", key=f"close-{job.id}", type="tertiary", width="content"):
            dismissed.add(job.id)
            st.rerun(scope="fragment")
