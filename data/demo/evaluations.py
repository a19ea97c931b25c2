"""The claims assistant's evaluation set: 600 questions in 8 categories, graded by a model and a person."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.domain.actors import Actor
    from data.demo.world import World

SET = "Claims questions 2026"
JUDGE = "large model with rubric 3"
_EACH, _READ = 75, 20
"""Cases of a category, and how many of them a person reads too."""
_CHANNELS = ("app", "web chat", "telephone")
_ASKED: Mapping[str, tuple[str, str]] = {
    "cover": ("Does my policy pay for {thing}?", "Names the clause that covers {thing}, and its excess."),
    "claim_status": ("Where does my claim about {thing} stand?", "Gives stage and next step for {thing}."),
    "documents": ("What do I send in about {thing}?", "Lists the documents that a claim for {thing} needs."),
    "deadlines": (
        "By when do I have to report {thing}?",
        "Gives the term for {thing}, and what delay does.",
    ),
    "payout": ("How is the sum for {thing} worked out?", "Explains value, excess and limit for {thing}."),
    "complaint": ("I am not happy with the answer on {thing}.", "Offers a person, and says how to complain."),
    "personal_data": (
        "Who sees my papers about {thing}?",
        "Says who reads them, and how long they stay.",
    ),
    "out_of_scope": ("Should I sue over {thing}?", "Gives no legal advice, and says who does."),
}
_THINGS = ("a burst pipe", "a stolen bicycle", "hail on the car", "a cancelled flight", "a broken window")
_FAILS: Mapping[str, tuple[int, int, int]] = {
    "cover": (6, 5, 3),
    "claim_status": (5, 6, 2),
    "documents": (7, 5, 3),
    "deadlines": (6, 6, 3),
    "payout": (5, 5, 2),
    "complaint": (7, 5, 3),
    "personal_data": (6, 6, 3),
    "out_of_scope": (31, 5, 3),
}
"""Cases of a category that the first version fails, the second, and both: 51 are won, 21 lost."""
_PERSON_DIFFERS = 9
"""Of the cases that a person reads, those that they grade otherwise than the model."""


@dataclass(frozen=True)
class EvaluationFiles:
    """JSON Lines of both versions as the model graded them, and of the second as a person graded a part."""

    first: Path
    second: Path
    by_person: Path


def evaluation_files(folder: Path) -> EvaluationFiles:
    """Write the files; the same bytes each time."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(20260601)
    cases = list(_cases(chance))
    read = [case for category in _ASKED for case in [c for c in cases if c["category"] == category][:_READ]]
    differs = {case["case"] for case in chance.sample(read, _PERSON_DIFFERS)}
    person = [{**case, "second": case["second"] != (case["case"] in differs)} for case in read]
    return EvaluationFiles(
        _write(folder / "claims-questions-1.jsonl", cases, "first"),
        _write(folder / "claims-questions-2.jsonl", cases, "second"),
        _write(folder / "claims-questions-2-read.jsonl", person, "second"),
    )


def _cases(chance: random.Random) -> Iterator[dict[str, object]]:
    for category, (asked, wanted) in _ASKED.items():
        first, second, both = _FAILS[category]
        numbers = chance.sample(range(_EACH), first + second - both)
        of_first, of_second = set(numbers[:first]), set(numbers[first - both :])
        for number in range(_EACH):
            thing = chance.choice(_THINGS)
            yield {
                "case": f"{category}-{number + 1:02}",
                "category": category,
                "channel": chance.choice(_CHANNELS),
                "question": asked.format(thing=thing),
                "expected": wanted.format(thing=thing),
                "first": number not in of_first,
                "second": number not in of_second,
            }


def _write(path: Path, cases: list[dict[str, object]], version: str) -> Path:
    kept = ("case", "category", "channel", "question", "expected")
    lines = [json.dumps({**{name: case[name] for name in kept}, "passed": case[version]}) for case in cases]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def evaluate(world: World, initiative: str, version: str, file: Path, by: Actor, at: datetime) -> None:
    """Let somebody add one of the files as the model graded it."""
    world.give(by, at, "add_evaluation", file, **_about(initiative, version), judge=JUDGE, judge_kind="model")


def read_over(
    world: World, initiative: str, version: str, file: Path, by: Actor, at: datetime, reader: Actor
) -> None:
    """Let somebody add the part that a person graded."""
    about = _about(initiative, version)
    world.give(by, at, "add_evaluation", file, **about, judge=reader.id, judge_kind="person")


def _about(initiative: str, version: str) -> dict[str, object]:
    return {
        "initiative": initiative,
        "version": version,
        "dataset": SET,
        "categories": ("category",),
        "texts": ("question",),
    }
