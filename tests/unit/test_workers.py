"""Worker processes: results as files, errors as sentences, and a stop that stops."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
from pathlib import Path

import polars as pl
import pytest

from core.analytics.job_specs import EstimateBatch, EstimateSpec, ExplainSpec, TrainSpec
from core.connectors.workers import Progress, WorkerResult, run_worker, start_worker
from core.domain.errors import BadInput, Cancelled, GovernanceError
from core.entrypoints.worker import main
from data.demo.example_datasets import DatasetFiles, write_dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def housing(folder: Path) -> DatasetFiles:
    return write_dataset("california_housing", folder / "housing")


def spec_of(files: DatasetFiles, name: str = "housing", *metrics: str) -> EstimateSpec:
    return EstimateSpec(
        name=name,
        task="binary",
        reference=(files.reference,),
        analysis=(files.analysis,),
        chunk_size=files.chunk_size,
        metrics=metrics,
    )


@pytest.fixture(scope="module")
def estimated(housing: DatasetFiles, folder: Path, home: Path) -> tuple[WorkerResult, list[Progress]]:
    """Two estimates by one process whose home folder is empty."""
    steps: list[Progress] = []
    batch = EstimateBatch(jobs=(spec_of(housing, "first", "roc_auc"), spec_of(housing, "second", "accuracy")))
    return run_worker("estimate", batch, folder / "estimates", on_progress=steps.append), steps


@pytest.fixture(scope="module")
def home(folder: Path) -> Path:
    return folder / "home"


@pytest.fixture(autouse=True, scope="module")
def _empty_home(home: Path) -> object:
    home.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        yield


def test_one_process_does_several_estimates(estimated: tuple[WorkerResult, list[Progress]]) -> None:
    result, steps = estimated
    roles = {f"{name}{role}" for name in ("first", "second") for role in ("", ".fit", ".slices")}
    assert set(result.files) == roles
    first, second = (pl.read_parquet(result.files[name]) for name in ("first", "second"))
    assert set(first["metric"]) == {"roc_auc"}
    assert set(second["metric"]) == {"accuracy"}
    # 5,832 reference rows in chunks of 486 = 12; 8,232 analysis rows = 16 and one of 456.
    assert dict(first["period"].value_counts().iter_rows()) == {"reference": 12, "analysis": 17}
    assert result.figures == {"rows": 58}
    done = [step.done for step in steps]
    assert done == sorted(set(done))
    assert {step.of for step in steps} == {200}
    assert steps[0].what == "first: Looking at the predictions."
    assert {step.what.partition(":")[0] for step in steps[:-1]} == {"first", "second"}
    assert (steps[-1].done, steps[-1].what) == (200, "Finished.")


def test_the_table_has_plain_types(estimated: tuple[WorkerResult, list[Progress]]) -> None:
    schema = pl.read_parquet_schema(estimated[0].files["first"])
    assert {name: str(kind) for name, kind in schema.items()} == {
        "metric": "String",
        "period": "String",
        "chunk": "Int32",
        "first_row": "Int64",
        "last_row": "Int64",
        "rows": "Int64",
        "labelled_rows": "Int64",
        "started_at": "Datetime(time_unit='us', time_zone=None)",
        "ended_at": "Datetime(time_unit='us', time_zone=None)",
        "estimate": "Float64",
        "realised": "Float64",
        "lower_confidence": "Float64",
        "upper_confidence": "Float64",
        "lower_threshold": "Float64",
        "upper_threshold": "Float64",
        "sampling_error": "Float64",
        "alert": "Boolean",
        "worse": "Boolean",
        "method": "String",
        "separation": "Float64",
        "held_back": "Float64",
        "effective_rows": "Float64",
        "uncovered": "List(String)",
    }


def test_the_worker_says_what_it_did_and_writes_nothing_outside(
    estimated: tuple[WorkerResult, list[Progress]], folder: Path, home: Path
) -> None:
    done = json.loads((folder / "estimates" / "done.json").read_text())
    assert {done["files"]["first"], done["files"]["first.fit"]} == {"first.parquet", "first.fit.json"}
    assert (folder / "estimates" / "worker.log").read_text() == ""
    assert list(home.iterdir()) == []


def test_training_and_explaining_hand_their_files_over(folder: Path) -> None:
    census = write_dataset("census_employment", folder / "census")
    small = {name: folder / f"small_{name}.parquet" for name in ("reference", "analysis")}
    for name, path in (("reference", census.reference), ("analysis", census.analysis)):
        pl.read_parquet(path).head(3000).write_parquet(small[name])
    features, texts = census.features, census.categorical_features
    train = TrainSpec(**small, features=features, categorical_features=texts, trees=20)
    trained = run_worker("train", train, folder / "train")
    assert trained.figures["trained_rows"] == trained.figures["reference_rows"] == 1500
    explain = ExplainSpec(
        model=trained.files["model"],
        rows=trained.files["analysis"],
        features=features,
        categorical_features=texts,
        sample_rows=200,
    )
    explained = run_worker("explain", explain, folder / "explain")
    assert explained.figures["rows"] == 200
    assert explained.figures["additivity_gap"] < 1e-6
    contributions = pl.read_parquet(explained.files["contributions"])
    assert contributions.columns == ["row_id", "raw_score", *features]
    assert contributions.height == 200


def test_a_refusal_comes_back_as_a_sentence_that_names_the_job(housing: DatasetFiles, folder: Path) -> None:
    spec = spec_of(housing, "housing").model_copy(update={"chunk_size": 6000})
    with pytest.raises(BadInput) as refusal:
        run_worker("estimate", spec, folder / "refused")
    assert str(refusal.value) == (
        "5832 reference rows make one chunk of 6000; all others would alert (housing). "
        "Choose smaller chunks, or give more reference rows."
    )
    assert not (folder / "refused" / "done.json").exists()


def test_cancelling_ends_the_process(housing: DatasetFiles, folder: Path) -> None:
    cancelled = threading.Event()
    worker = start_worker("estimate", spec_of(housing), folder / "cancelled")
    with pytest.raises(Cancelled, match="the estimate job was stopped"):
        worker.wait(on_progress=lambda _step: cancelled.set(), cancelled=cancelled)
    assert not worker.is_running()
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
    assert not (folder / "cancelled" / "done.json").exists()


def test_a_failing_listener_leaves_no_process_behind(housing: DatasetFiles, folder: Path) -> None:
    def fail(_step: Progress) -> None:
        raise RuntimeError("the screen is gone")

    worker = start_worker("estimate", spec_of(housing), folder / "listener")
    with pytest.raises(RuntimeError, match="the screen is gone"):
        worker.wait(on_progress=fail)
    assert not worker.is_running()


def test_a_killed_worker_is_reported_with_what_to_do(housing: DatasetFiles, folder: Path) -> None:
    worker = start_worker("estimate", spec_of(housing), folder / "killed")
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(GovernanceError, match="ended with exit code -9 and no result") as failure:
        worker.wait()
    assert "Try again" in str(failure.value)


def test_two_workers_run_side_by_side(housing: DatasetFiles, folder: Path) -> None:
    started = time.monotonic()
    workers = [start_worker("estimate", spec_of(housing, f"w{n}"), folder / f"side_{n}") for n in (1, 2)]
    assert all(worker.is_running() for worker in workers)
    assert time.monotonic() - started < 5
    for worker in workers:
        worker.cancel()
        with pytest.raises(Cancelled):
            worker.wait()


def test_a_description_of_another_job_is_refused(housing: DatasetFiles, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a EstimateSpec is no description of the job 'train'"):
        start_worker("train", spec_of(housing), tmp_path)


@pytest.mark.parametrize(
    ("words", "content", "what"),
    [
        (["estimate"], "{}", "the worker takes three words, not 1"),
        (["forecast", "spec.json", "out"], "{}", "'forecast' is not a job"),
        (["train", "absent.json", "out"], "{}", "the job's description cannot be read as JSON"),
        (["train", "spec.json", "out"], "{,", "the job's description cannot be read as JSON"),
        (["train", "spec.json", "out"], "{}", "reference: Field required"),
        (["explain", "spec.json", "out"], "[]", "the whole: Input should be an object"),
        (["estimate", "spec.json", "out"], '{"jobs": []}', "jobs: Tuple should have at least 1 item"),
    ],
)
def test_wrong_words_are_answered_by_one_line_of_json_and_exit_code_2(
    words: list[str], content: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.json").write_text(content)
    out = io.StringIO()
    assert main(words, out) == 2
    (line,) = out.getvalue().splitlines()
    error = json.loads(line)["error"]
    assert error["what"].startswith(what)
    assert set(error) == {"what", "where", "remedy"}
