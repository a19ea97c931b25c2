"""The worker process: `python -m core.entrypoints.worker JOB SPEC.json OUTPUT_FOLDER`.

It alone imports NannyML, shap, LightGBM and fairlearn. It speaks JSON, one object a line on standard output:
`{"progress": {"done", "of", "what"}}` while it works, `{"finished": ...}` (the content of `done.json`)
or `{"error": {"what", "where", "remedy"}}` at the end. Exit code: 0, or 2 after an error.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO, get_args

from pydantic import ValidationError

from core.analytics.job_specs import (
    SPECS,
    AnySpec,
    EstimateBatch,
    EstimateSpec,
    ExplainSpec,
    JobKind,
    RefusedInput,
    TradeOffSpec,
    TrainSpec,
)
from core.domain.errors import BadInput, GovernanceError
from core.ground import plain

_USAGE = "python -m core.entrypoints.worker estimate|train|explain|trade_off SPEC.json OUTPUT_FOLDER"
_PARTS = 100
"""Steps of progress that one estimate reports."""

# What a job leaves behind: file names by role, and its few plain figures.
Outcome = tuple[dict[str, str], dict[str, object]]


def main(arguments: Sequence[str], out: TextIO) -> int:
    """Run one job and speak the protocol on `out`; return the exit code."""
    try:
        kind, spec, folder = _parse(arguments)
        started = time.monotonic()
        done_file = folder / "done.json"
        done_file.unlink(missing_ok=True)
        files, figures = _run(spec, folder, out)
        done = {
            "kind": kind,
            "files": files,
            "figures": figures,
            "seconds": round(time.monotonic() - started, 3),
        }
        _write_atomically(done_file, json.dumps(done, indent=2))
        _say(out, {"finished": done})
    except BrokenPipeError:
        return 2  # nobody listens any more
    except RefusedInput as problem:
        return _fail(out, problem.what, "", problem.remedy)
    except GovernanceError as problem:
        return _fail(out, problem.what, problem.where, problem.remedy)
    except Exception as problem:  # the boundary of the process: an error is said, never shown as a traceback
        return _fail(out, f"the job failed with {type(problem).__name__}: {problem}", _place(problem), "")
    return 0


def _parse(arguments: Sequence[str]) -> tuple[JobKind, AnySpec, Path]:
    if len(arguments) != 3:
        raise BadInput(f"the worker takes three words, not {len(arguments)}", remedy=f"Use: {_USAGE}")
    word, spec_file, folder = arguments[0], Path(arguments[1]), Path(arguments[2])
    for kind in get_args(JobKind):
        if word == kind:
            folder.mkdir(parents=True, exist_ok=True)
            return kind, _read_spec(kind, spec_file), folder
    raise BadInput(f"{word!r} is not a job", remedy=f"Use: {_USAGE}")


def _read_spec(kind: JobKind, path: Path) -> AnySpec:
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except (OSError, ValueError) as problem:
        raise BadInput("the job's description cannot be read as JSON", where=str(path)) from problem
    try:
        several = isinstance(content, dict) and "jobs" in content
        return SPECS[kind][-1 if several else 0].model_validate_json(text)
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BadInput(
            f"{field}: {first['msg']}", where=str(path), remedy="Correct the description."
        ) from problem


def _run(spec: AnySpec, folder: Path, out: TextIO) -> Outcome:
    if isinstance(spec, TrainSpec):
        return _train(spec, folder, out)
    if isinstance(spec, ExplainSpec):
        return _explain(spec, folder, out)
    if isinstance(spec, TradeOffSpec):
        return _trade_off(spec, folder, out)
    return _estimate(spec.jobs if isinstance(spec, EstimateBatch) else (spec,), folder, out)


def _estimate(jobs: Sequence[EstimateSpec], folder: Path, out: TextIO) -> Outcome:
    from core.analytics.decay.estimates import SliceChunk
    from core.lake.monitoring.decay_run import estimate_files
    from core.lake.monitoring.readings import write_estimates

    files: dict[str, str] = {}
    rows = 0
    for done, job in enumerate(jobs):
        step = _steps(out, done, len(jobs), job.name)
        try:
            found = estimate_files(job, step, folder)
        except RefusedInput as problem:
            raise BadInput(problem.what, where=job.name, remedy=problem.remedy) from problem
        fit = folder / f"{job.name}.fit.json"
        _write_atomically(fit, found.fit.model_dump_json())
        slices = write_estimates(found.slices, folder / f"{job.name}.slices.parquet", SliceChunk)
        files |= {f"{job.name}.fit": fit.name, f"{job.name}.slices": slices.name}
        # Last, as others wait for this file.
        files[job.name] = write_estimates(found.chunks, folder / f"{job.name}.parquet").name
        rows += len(found.chunks)
    _progress(out, _PARTS * len(jobs), _PARTS * len(jobs), "Finished.")
    return files, {"rows": rows}


def _steps(out: TextIO, done: int, of: int, name: str) -> Callable[[float, str], None]:
    """Pass on how far one of several estimates is, no more than once a hundredth."""
    said = [-1]

    def step(share: float, sentence: str) -> None:
        now = done * _PARTS + min(_PARTS - 1, int(share * _PARTS))
        if now != said[0]:
            said[0] = now
            _progress(out, now, of * _PARTS, sentence if of == 1 else f"{name}: {sentence}")

    return step


def _train(spec: TrainSpec, folder: Path, out: TextIO) -> Outcome:
    from core.analytics.explanations.training import train_lightgbm

    _progress(out, 0, 1, "training")
    model = train_lightgbm(spec, folder)
    _progress(out, 1, 1, "finished")
    figures = asdict(model)
    files = {role: figures.pop(role).name for role in ("model", "reference", "analysis")}
    return files, figures


def _explain(spec: ExplainSpec, folder: Path, out: TextIO) -> Outcome:

    def follow(done: int, of: int, what: str) -> None:
        _progress(out, done, of, what)

    def out_of_time(what: str, remedy: str) -> None:
        _fail(out, what, spec.model.name, remedy)

    return run_explanation(spec, folder, follow, out_of_time)


def _trade_off(spec: TradeOffSpec, folder: Path, out: TextIO) -> Outcome:
    from core.analytics.slices.mitigation import read_rows
    from core.analytics.slices.trade_off import trade_off

    if (spec.by_group or spec.features) and find_spec("fairlearn") is None:
        raise BadInput(
            "fairlearn is not installed here", remedy="Install it, or ask for one threshold for all."
        )
    found = trade_off(read_rows(spec), spec, _steps(out, 0, 1, ""))
    table = folder / "trade-off.json"
    _write_atomically(table, json.dumps(plain(found), ensure_ascii=False, indent=1))
    _progress(out, _PARTS, _PARTS, "Finished.")
    return {"table": table.name}, {"points": len(found.points)}


def _progress(out: TextIO, done: int, of: int, what: str) -> None:
    _say(out, {"progress": {"done": done, "of": of, "what": what}})


def _say(out: TextIO, message: dict[str, object]) -> None:
    out.write(json.dumps(message, ensure_ascii=False) + "\n")
    out.flush()


def _fail(out: TextIO, what: str, where: str, remedy: str) -> int:
    _say(out, {"error": {"what": what, "where": where, "remedy": remedy}})
    return 2


def _place(problem: BaseException) -> str:
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}" if trace is not None else ""
    )


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _own_stream() -> TextIO:
    """Keep standard output for the protocol: what libraries print goes to standard error."""
    protocol = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return protocol


CONTRIBUTIONS = "contributions.parquet"
_STEPS = 4


def run_explanation(
    spec: ExplainSpec,
    folder: Path,
    on_progress: Callable[[int, int, str], None],
    out_of_time: Callable[[str, str], object],
) -> Outcome:
    """Explain, and leave `contributions.parquet` in `folder`.

    Parameters
    ----------
    spec
        Model, rows and limits.
    folder
        Where the result goes.
    on_progress
        Called with steps done, steps in all, and the step at work.
    out_of_time
        Called with what and remedy when the time is over; the process ends after it.

    Raises
    ------
    RefusedInput, BadInput
        The model is refused, or needs more memory than it may.
    """
    from core.analytics.explanations.attributions import explain_rows, write_contributions

    done = 0

    def step(words: str) -> None:
        nonlocal done
        on_progress(done, _STEPS, words)
        done += 1

    with _limits(spec, out_of_time):
        try:
            found = explain_rows(spec, step)
            step("Writing the contributions.")
            written = write_contributions(found, folder / CONTRIBUTIONS)
        except MemoryError as problem:
            raise BadInput(
                f"explaining this model needs more than {spec.memory_mib:,} MiB of memory",
                where=spec.model.name,
                remedy="Explain fewer rows, or upload attributions made elsewhere.",
            ) from problem
    on_progress(_STEPS, _STEPS, "Finished.")
    figures: dict[str, object] = {
        "rows": len(found.row_ids),
        "features": list(found.features),
        "base_value": found.contributions.base,
        "scale": found.contributions.scale,
        "method": found.contributions.method,
        "additivity_gap": found.contributions.additivity_gap,
        "rounding_gap": found.contributions.rounding_gap,
    }
    return {"contributions": written.name}, figures


@contextmanager
def _limits(spec: ExplainSpec, out_of_time: Callable[[str, str], object]) -> Iterator[None]:
    """Hold this process to its memory, its time, and files of a size that a result may have."""
    _lower(resource.RLIMIT_AS, spec.memory_mib * 1024**2)
    # Where foreign code never gives way to the clock below, the system ends the process instead.
    _lower(resource.RLIMIT_CPU, 4 * spec.seconds)

    def stop() -> None:
        out_of_time(
            f"explaining this model took longer than {spec.seconds:,} seconds",
            "Explain fewer rows, or upload attributions made elsewhere.",
        )
        sys.stdout.flush()
        os._exit(2)

    clock = threading.Timer(spec.seconds, stop)
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


def _lower(what: int, wanted: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], _own_stream()))
