"""What NannyML answered, recorded in files beside this one; `make oracles` asks it anew.

NannyML takes minutes over what the tests compare with it, and says the same each time. So a test reads the
answer, and one test asks live. A file belongs to the versions and seeds that it was made from.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import polars as pl

FOLDER = Path(__file__).parent
MAKERS = ("nannyml", "lightgbm", "scikit-learn", "numpy")
"""The packages whose numbers these are."""
SEEDS = {"rows that NannyML draws": 0, "hard columns": 7}


def made_from() -> dict[str, str | int]:
    """What an answer of today is made from: installed versions, and seeds."""
    return {maker: version(maker) for maker in MAKERS} | SEEDS


def file_of(question: str) -> Path:
    """Where the answer to a question is kept."""
    return FOLDER / f"{question}.parquet"


def record(question: str, answer: pl.DataFrame) -> None:
    """Keep an answer, with what it was made from."""
    answer.write_parquet(file_of(question), metadata={"made_from": json.dumps(made_from())})


def recorded(question: str) -> pl.DataFrame:
    """The recorded answer to a question.

    Raises
    ------
    AssertionError
        It was made from other versions than those that are installed, or from other seeds.
    """
    known = json.loads(pl.read_parquet_metadata(file_of(question))["made_from"])
    assert known == made_from(), f"{question} was made from {known}, not {made_from()}: run `make oracles`"
    return pl.read_parquet(file_of(question))
