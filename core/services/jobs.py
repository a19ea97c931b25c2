"""Long work beside the pages: started once, followed from anywhere, stopped on request; one registry.

A job is a function that runs in a thread of this process and drives a worker subprocess where the numbers
are heavy. It outlives the page that started it, not the process; what it made is on record or nowhere.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from core.connectors.workers import Progress
from core.domain.actors import Actor
from core.domain.errors import Cancelled, Forbidden, GovernanceError, NotFound

State = Literal["running", "done", "failed", "cancelled"]
AT_ONCE = 2
"""Jobs that work at the same time; the others wait their turn, each a worker process in memory."""
KEPT_SECONDS = 600.0
"""How long the outcome of a finished job can still be asked for."""
_POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as people see it.

    `share` is the part done, 0.0 to 1.0. `sentence` says what is at work, or what came of it. `problem`
    says what went wrong and what to do; empty unless the job failed. `actor` is the id of who started it.
    """

    id: str
    kind: str
    subject: str
    share: float
    sentence: str
    state: State
    problem: str
    actor: str


class JobControl:
    """What a job holds on to while it works: it says how far it is, and asks whether it may go on.

    Attributes
    ----------
    cancelled
        Set when the job is to stop; `core.connectors.workers.run_worker` takes it as it is.
    """

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self._share = 0.0
        self._sentence = ""

    def report(self, share: float, sentence: str) -> None:
        """Say how much is done (0.0 to 1.0) and what is at work, in one sentence."""
        self._share = min(1.0, max(0.0, share))
        self._sentence = sentence

    def follow(self, progress: Progress) -> None:
        """Pass a worker's progress on; give it as `on_progress`."""
        self.report(progress.done / progress.of if progress.of else 0.0, progress.what)

    def raise_if_cancelled(self) -> None:
        """End the job here if it is to stop."""
        if self.cancelled.is_set():
            raise Cancelled("the job was stopped", remedy="Start it again when it suits.")

    @property
    def standing(self) -> tuple[float, str]:
        """Share done and sentence, as last reported."""
        return self._share, self._sentence


Work = Callable[[JobControl], str]


@dataclass
class _Job:
    id: str
    kind: str
    subject: str
    actor: str
    control: JobControl = field(default_factory=JobControl)
    state: State = "running"
    problem: str = ""
    ended: float | None = None
    thread: threading.Thread | None = None

    def view(self) -> JobView:
        share, sentence = self.control.standing
        return JobView(
            self.id, self.kind, self.subject, share, sentence, self.state, self.problem, self.actor
        )


class Jobs:
    """A registry of jobs, safe for many threads. The process has one, behind the functions of this module."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._turn = threading.Semaphore(at_once)

    def start(self, kind: str, subject: str, work: Work, actor: Actor) -> str:
        """See `start_job`."""
        with self._lock:
            self._forget_old()
            for known in self._jobs.values():
                if (known.kind, known.subject, known.state) == (kind, subject, "running"):
                    return known.id
            self._jobs = {  # a new run replaces the outcome of the one before it
                id_: known
                for id_, known in self._jobs.items()
                if (known.kind, known.subject) != (kind, subject)
            }
            job = _Job(secrets.token_hex(8), kind, subject, actor.id)
            self._jobs[job.id] = job
            job.thread = threading.Thread(
                target=self._run, args=(job, work), name=f"job-{kind}-{job.id}", daemon=True
            )
            job.thread.start()
            return job.id

    def of(self, subject: str) -> tuple[JobView, ...]:
        """See `jobs_of`."""
        with self._lock:
            self._forget_old()
            return tuple(job.view() for job in self._jobs.values() if job.subject == subject)

    def cancel(self, job_id: str, actor: Actor) -> None:
        """See `cancel_job`."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise NotFound("there is no such job any more", remedy="Start it again when it suits.")
        if actor.id != job.actor and "administrator" not in actor.roles:
            raise Forbidden(
                f"{actor.name or actor.id} may not stop a job of somebody else",
                remedy="Ask the one who started it, or an administrator.",
            )
        job.control.cancelled.set()

    def wait(self, job_id: str, seconds: float | None = None) -> JobView:
        """Wait until a job has ended, or for some seconds, and return how it stands."""
        with self._lock:
            job = self._jobs[job_id]
        assert job.thread is not None
        job.thread.join(seconds)
        return job.view()

    def stop_all(self, seconds: float = 10.0) -> None:
        """Stop every running job and wait for it, no longer than `seconds` in all."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.state == "running"]
        for job in running:
            job.control.cancelled.set()
        deadline = time.monotonic() + seconds
        for job in running:
            if job.thread is not None:
                job.thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, job: _Job, work: Work) -> None:
        state: State = "failed"
        problem = ""
        try:
            with _Turn(self._turn, job.control):
                sentence = work(job.control)
            job.control.report(1.0, sentence)
            state = "done"
        except Cancelled as stopped:
            state = "cancelled"
            job.control.report(job.control.standing[0], str(stopped))
        except GovernanceError as error:
            problem = str(error)
        except Exception as error:  # the boundary of the thread: an error is said, never lost
            _log.exception("job %s of %s failed", job.kind, job.subject)
            problem = (
                f"the job failed with {type(error).__name__}. Try again; the log of the server says more."
            )
        with self._lock:
            job.state, job.problem, job.ended = state, problem, time.monotonic()

    def _forget_old(self) -> None:
        oldest = time.monotonic() - KEPT_SECONDS
        self._jobs = {id_: job for id_, job in self._jobs.items() if job.ended is None or job.ended >= oldest}


class _Turn:
    """Waits until fewer than `AT_ONCE` jobs work; a job that waits can be stopped as well."""

    def __init__(self, turn: threading.Semaphore, control: JobControl) -> None:
        self._turn = turn
        self._control = control

    def __enter__(self) -> None:
        while not self._turn.acquire(timeout=_POLL_SECONDS):
            self._control.raise_if_cancelled()
            self._control.report(0.0, "Waiting for another job to end.")
        try:
            self._control.raise_if_cancelled()
        except Cancelled:
            self._turn.release()
            raise

    def __exit__(self, *_: object) -> None:
        self._turn.release()


_JOBS = Jobs()


def start_job(kind: str, subject: str, work: Work, actor: Actor) -> str:
    """Start work beside the pages and return its id at once.

    Parameters
    ----------
    kind
        What is done, for example `refresh_monitoring`; with `subject` it names the job. While one of this
        kind and subject runs, its id is returned and nothing new is started.
    subject
        What it is done to, for example `initiative/version`.
    work
        Called in a thread with a `JobControl`; its answer is the closing sentence. It checks the actor's
        permission itself, like every service, and what it records it appends at its end.
    actor
        Who starts it; the one who may stop it, beside an administrator.
    """
    return _JOBS.start(kind, subject, work, actor)


def jobs_of(subject: str) -> tuple[JobView, ...]:
    """Jobs of a subject, oldest first: those at work and those that ended in the last ten minutes."""
    return _JOBS.of(subject)


def cancel_job(job_id: str, actor: Actor) -> None:
    """Ask a job to stop; does nothing to one that has ended.

    Raises
    ------
    Forbidden, NotFound
        Somebody else started it; it is forgotten.
    """
    _JOBS.cancel(job_id, actor)


def wait_for(job_id: str, seconds: float | None = None) -> JobView:
    """Wait until a job has ended, or for some seconds, and return how it stands then."""
    return _JOBS.wait(job_id, seconds)


def stop_all_jobs() -> None:
    """Stop every job and wait for it: before the store is closed."""
    _JOBS.stop_all()
