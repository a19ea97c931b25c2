"""The worker's job of explaining a model, under limits of memory and time: the file is a stranger's."""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.analytics.job_specs import ExplainSpec
from core.domain.errors import BadInput

CONTRIBUTIONS = "contributions.parquet"
_STEPS = 4
Outcome = tuple[dict[str, str], dict[str, object]]


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
