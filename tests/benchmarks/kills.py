"""SIGKILL at random moments of processes that write: no answer is lost, nothing is doubled, all verifies."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from core.connectors.settings import PROJECT
from core.lake.record.verify import verify_store
from core.lake.store import Store, open_store
from core.services.use_case import swept
from tests.benchmarks.timing import Figure, counted
from tests.conftest import BUILDER, CONFIG, founded, register
from tests.entrypoints.conftest import LIGHT

KILLS = 200
A_STORE = 25
"""Kills of one store, before the next is founded: what is verified after each grows."""
LONGEST, START = 0.6, 3.0
"""Seconds after its first answer within which a process is killed; one in four, after its start."""
ANSWERS = {question: [option] for question, option in LIGHT.items()}
WRITTEN = {
    "comment_written": "SELECT text FROM comment",
    "evidence_submitted": "SELECT title FROM evidence",
    "finding_raised": "SELECT title FROM finding WHERE state = 'open'",
    "model_version_registered": "SELECT version FROM model_version",
    "initiative_registered": "SELECT name FROM initiative",
}
WRITING = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from core.lake.store import open_store
from core.services.governance import wire
from core.services.use_case import Call
from core.services.use_cases import run_use_case

governance = wire(open_store(Path(sys.argv[1])), Path(sys.argv[2]))
call = Call(governance, governance.person(sys.argv[3]), datetime.now(UTC))
for line in sys.stdin:
    run_use_case(call, *json.loads(line))
    print("done", flush=True)
"""


def written(label: str, number: int) -> tuple[str, str, dict[str, object], str]:
    """One of five kinds of commands, and by which text it is known on record."""
    about = {"initiative": "card-limit-advice"}
    proof = {"measure": "purpose_and_personal_data", "title": label, "file_name": "proof.txt"}
    fault = {"title": label, "severity": "minor", "step": "development", "due_on": "2027-06-30"}
    model = {"version": label, "algorithm": "Trees", "task": "binary", "role": "challenger"}
    sheet = {"name": f"Sheet {label}", "purpose": "Counts the meals.", "team": "Credit", "answers": ANSWERS}
    kinds: tuple[tuple[str, str, dict[str, object], str], ...] = (
        ("comment_written", "write_comment", {**about, "text": label}, label),
        ("evidence_submitted", "submit_evidence", {**about, **proof, "content_base64": "UHJvb2Y="}, label),
        ("finding_raised", "raise_finding", {**about, **fault}, label),
        ("model_version_registered", "register_model_version", {**about, **model}, label),
        ("initiative_registered", "register_initiative", sheet, f"Sheet {label}"),
    )
    return kinds[number % len(kinds)]


def measure(_: Path) -> dict[str, Figure]:
    """Kill so many processes, and look at the store after each."""
    rng, answered = random.Random(11), 0
    start = time.perf_counter()
    for first in range(0, KILLS, A_STORE):
        with tempfile.TemporaryDirectory() as folder:
            answered += _one_store(Path(folder) / "store", range(first, min(first + A_STORE, KILLS)), rng)
    return {
        f"SIGKILLs of a writing process; of {answered:,} answers lost, doubled": counted(KILLS, "{:8.0f}"),
        "the same, all together": Figure(
            time.perf_counter() - start, f"{time.perf_counter() - start:8.0f} s"
        ),
    }


def _one_store(folder: Path, kills: range, rng: random.Random) -> int:
    governance = founded(folder, open_store)
    register(governance)
    governance.close()
    said: Counter[tuple[str, str]] = Counter()
    for kill in kills:
        said.update(_killed(folder, str(kill), rng))
        swept(folder)
        with closing(open_store(folder)) as store:
            _look(store, said)
    return sum(said.values())


def _killed(folder: Path, label: str, rng: random.Random) -> list[tuple[str, str]]:
    """What a process had answered when it was killed."""
    asked = [written(f"{label}-{number}", number) for number in range(200)]
    given = "".join(json.dumps([name, values]) + "\n" for _, name, values, _ in asked)
    command = [sys.executable, "-c", WRITING, str(folder), str(CONFIG), BUILDER.id]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(given)
        process.stdin.flush()
        first = "" if rng.random() < 0.25 else process.stdout.readline()
        time.sleep(rng.random() * (LONGEST if first else START))
        process.kill()
        done = (first + process.stdout.read()).count("done")
    return [(action, said) for action, _, _, said in asked[:done]]


def _look(store: Store, said: Counter[tuple[str, str]]) -> None:
    found = verify_store(store)
    assert found.first_break is None, found.first_break
    for action, query in WRITTEN.items():
        there = Counter(text for (text,) in store.cursor().execute(query).fetchall())
        lost = [text for (kind, text), times in said.items() if kind == action and there[text] < times]
        doubled = [text for text, times in there.items() if times > 1]
        assert not lost and not doubled, (action, lost, doubled)
