"""The desk a page works at: who sits there, as of when, how to ask and act, and the bar of long work."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import streamlit as st

from core.domain.errors import GovernanceError
from core.services.jobs import cancel_job, jobs_of
from portal.components.text import capital, day, escape, percent

if TYPE_CHECKING:
    from core.connectors.config_files import Rules
    from core.domain.actors import Actor
    from core.domain.moment import Moment
    from core.services.governance import Governance
    from core.services.jobs import JobView


P = ParamSpec("P")
Answer = TypeVar("Answer")
Command = TypeVar("Command")

_SEAT = "desk"
_DONE = "desk_done"


@dataclass(frozen=True)
class Desk:
    """What a page gets from the shell.

    Attributes
    ----------
    governance
        The open store with its policy and directory.
    actor
        Who sits here; every command of this page is given in this name.
    moment
        Where the record is read (`seq`) and when we stand (`at`, UTC). Pages never read the clock.
    demo
        True when everything shown was made by the demonstration.
    in_past
        True when the page is read as it stood on an earlier day; nothing can be changed then.
    """

    governance: Governance
    actor: Actor
    moment: Moment
    demo: bool = False
    in_past: bool = False

    @property
    def rules(self) -> Rules:
        """The files of the configuration that decide then."""
        return self.governance.rules(self.moment)

    def ask(
        self,
        query: Callable[Concatenate[Governance, Moment, P], Answer],
        *args: P.args,
        **params: P.kwargs,
    ) -> Answer:
        """Answer a query, from memory when the same was asked at the same head on the same day.

        Parameters
        ----------
        query
            A function of `core.services`: `query(governance, moment, **params)`. What it returns is
            shared between people, so it must not be changed.
        """
        asked = (query.__module__, query.__qualname__, _frozen(args), _frozen(params))
        return self.governance.memory.recall(
            "desk",
            (self.moment.seq, self.moment.day, self.governance.reader.small, *asked),
            lambda: query(self.governance, self.moment, *args, **params),
            room=512,
        )

    def act(
        self, service: Callable[[Governance, Command], Answer], command: Command, *, done: str = ""
    ) -> Answer | None:
        """Give a command; a refusal is shown on the page and gives `None`.

        Parameters
        ----------
        service
            A function of `core.services`: `service(governance, command)`.
        command
            The command, with `self.actor` and `self.moment.at` in it.
        done
            A sentence to show when it worked; it survives a rerun or a change of page.
        """
        if self.in_past:
            st.error(
                f"You are reading the portal as it stood on {day(self.moment.at)}, where nothing can be "
                "changed. Go back to today in the sidebar, then try again."
            )
            return None
        try:
            answer = service(self.governance, command)
        except GovernanceError as problem:
            show_problem(problem)
            return None
        if done:
            st.session_state[_DONE] = done
        return answer


def seat_desk(desk: Desk) -> None:
    """Give this browser session its desk; the shell does so on every run, before the page."""
    st.session_state[_SEAT] = desk


def forget_seat() -> None:
    """Take the desk from this browser session, whose login has ended."""
    st.session_state.pop(_SEAT, None)


def current_desk() -> Desk:
    """Return the desk of this browser session."""
    desk: Desk | None = st.session_state.get(_SEAT)
    if desk is None:
        raise GovernanceError("nobody is seated here", remedy="Open the portal from its start page.")
    return desk


def show_problem(problem: GovernanceError) -> None:
    """Show a refusal: the one place where pages report errors."""
    st.error(escape(capital(str(problem))), icon=":material/error:")


def show_done() -> None:
    """Show the sentence that the last successful command left, once."""
    sentence = st.session_state.pop(_DONE, "")
    if sentence:
        st.toast(escape(sentence), icon=":material/check_circle:")


def _frozen(value: object) -> Hashable:
    """Make a parameter usable as a key, whatever its nesting."""
    if isinstance(value, Mapping):
        return tuple(sorted((str(name), _frozen(item)) for name, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, set | frozenset):
        return frozenset(_frozen(item) for item in value)
    return value  # pages pass plain values


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
