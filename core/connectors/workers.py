"""Starts worker processes for the heavy numbers, follows their progress, and stops them on request."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import core
from core.analytics.job_specs import SPECS, AnySpec, JobKind
from core.domain.errors import BadInput, Cancelled, GovernanceError

_MODULE = "core.entrypoints.worker"
_LOG = "worker.log"
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `of` parts are finished; `what` names the part in work."""

    done: int
    of: int
    what: str


@dataclass(frozen=True, slots=True)
class WorkerResult:
    """What a finished job left behind.

    `files` by role: the job's name for an estimate; `model`, `reference`, `analysis` for a training;
    `attributions` and, where asked for, `slices` for an explanation; `table` for a trade-off.
    `figures` are a few plain numbers.
    """

    kind: JobKind
    files: dict[str, Path]
    figures: dict[str, Any]
    seconds: float


class RunningWorker:
    """A worker process at work; `wait` for it or `cancel` it."""

    def __init__(self, kind: JobKind, output: Path, process: subprocess.Popen[str]) -> None:
        self.kind = kind
        self.output = output
        self._process = process
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._cancelled = False
        # Read all the time, so that a full pipe never blocks a worker nobody waits for yet.
        threading.Thread(target=self._read, name=f"worker-{kind}", daemon=True).start()

    @property
    def pid(self) -> int:
        """Return the id of the worker process."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the process still works."""
        return self._process.poll() is None

    def cancel(self) -> None:
        """Stop the process; `wait` then raises `Cancelled`. Does nothing once it has ended."""
        if not self.is_running():
            return
        self._cancelled = True
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(
        self,
        *,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: threading.Event | None = None,
    ) -> WorkerResult:
        """Follow the worker to its end; call it once.

        Parameters
        ----------
        on_progress
            Called in this thread with each step that the worker reports.
        cancelled
            When it is set, the worker is stopped.

        Returns
        -------
        WorkerResult
            The files written and a few figures.

        Raises
        ------
        BadInput
            The worker refused its input, or the job failed; the message is the worker's own.
        Cancelled
            The worker was stopped on request.
        GovernanceError
            The process ended without a word, for instance for want of memory.
        """
        try:
            answer = self._follow(on_progress, cancelled)
        except BaseException:
            self.cancel()  # a failing listener or Ctrl-C must not leave a process behind
            raise
        code = self._process.wait()
        if self._cancelled:
            raise Cancelled(f"the {self.kind} job was stopped", remedy="Start it again when it suits.")
        if "error" in answer:
            error = answer["error"]
            raise BadInput(error["what"], where=error["where"], remedy=error["remedy"])
        if code != 0 or "finished" not in answer:
            raise GovernanceError(
                f"the {self.kind} worker ended with exit code {code} and no result{self._last_words()}",
                where=str(self.output / _LOG),
                remedy="Try again; if it recurs, look whether memory or disk space ran out.",
            )
        done = answer["finished"]
        files = {role: self.output / name for role, name in done["files"].items()}
        return WorkerResult(self.kind, files, done["figures"], done["seconds"])

    def _follow(
        self, on_progress: Callable[[Progress], None] | None, cancelled: threading.Event | None
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        while True:
            if cancelled is not None and cancelled.is_set():
                self.cancel()
            try:
                line = self._lines.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                return answer
            message = json.loads(line)
            if "progress" not in message:
                answer = message
            elif on_progress is not None:
                on_progress(Progress(**message["progress"]))

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def _last_words(self) -> str:
        words = (self.output / _LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f": {words[-1]}" if words else ""


def start_worker(job: JobKind, spec: AnySpec, output: Path) -> RunningWorker:
    """Start a worker process and return at once, so that several can run side by side.

    Parameters
    ----------
    job
        `estimate`, `train`, `explain` or `trade_off`.
    spec
        The job's description; an `EstimateBatch` runs several estimates in one process.
    output
        Folder for the results, the description (`spec.json`) and the log; made if absent. Nothing is
        written outside it.
    """
    if not isinstance(spec, SPECS[job]):
        raise BadInput(f"a {type(spec).__name__} is no description of the job {job!r}")
    output.mkdir(parents=True, exist_ok=True)
    spec_file = output / "spec.json"
    spec_file.write_text(spec.model_dump_json(indent=2), encoding="utf-8")
    with (output / _LOG).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, job, str(spec_file), str(output)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            env=_environment(output),
        )
    return RunningWorker(job, output, process)


def run_worker(
    job: JobKind,
    spec: AnySpec,
    output: Path,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: threading.Event | None = None,
) -> WorkerResult:
    """Start a worker and follow it to its end: `start_worker` and `RunningWorker.wait` in one."""
    return start_worker(job, spec, output).wait(on_progress=on_progress, cancelled=cancelled)


def _environment(output: Path) -> dict[str, str]:
    root = str(Path(core.__file__).resolve().parent.parent) if core.__file__ else ""
    cache = output / ".cache"
    return {
        "OMP_NUM_THREADS": "1",  # several workers on few cores: more threads only wait for each other
        **os.environ,
        "PYTHONPATH": os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part),
        "PYTHONWARNINGS": "ignore",  # third-party ones; they would fill the log
        "NML_DISABLE_USAGE_LOGGING": "1",
        # Libraries that would otherwise write to the home folder.
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "XDG_CACHE_HOME": str(cache),
        "XDG_CONFIG_HOME": str(cache / "config"),
    }
