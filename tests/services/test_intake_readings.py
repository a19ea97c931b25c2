"""What values of a file mean: guessed and told, declared, amended later with every batch read anew."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from core.domain.actors import Actor
from core.domain.commands import RegisterModelVersion, RunChecks, make
from core.domain.errors import BadInput, Conflict, Forbidden
from core.domain.models.column_mapping import alike, label_name
from core.domain.moment import Moment
from core.lake.monitoring import readings
from core.services.governance import Governance
from core.services.measured.bias import bias_slices
from core.services.measured.monitoring import (
    AddOutcomes,
    RefreshMonitoring,
    add_outcomes,
    refresh_monitoring,
)
from core.services.measured.predictions import AddPredictions, add_predictions, prediction_batches
from core.services.models.amendments import (
    AmendColumns,
    AmendedColumns,
    DeclareOutcome,
    amend_columns,
    declare_outcome,
)
from core.services.models.versions import register_model_version
from core.services.process.checks import run_checks
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, later, register

BINARY: dict[str, Any] = {
    "prediction": "pred",
    "scores": ("p",),
    "target": "y",
    "row_id": "id",
    "timestamp": "t",
}
ROWS = 600


def rows(count: int = ROWS, first: int = 0, **columns: Sequence[object]) -> dict[str, Sequence[object]]:
    """Rows of a sound binary model with a score that ranks; times have their zone."""
    drawn = np.random.default_rng(first + 7)
    score = drawn.uniform(size=count).round(3)
    return {
        "id": [f"r{first + n}" for n in range(count)],
        "t": [f"2026-01-{1 + n % 28:02}T{n % 24:02}:00:00Z" for n in range(count)],
        "sex": [("Female", "Male")[n % 2] for n in range(count)],
        "age": [str(18 + n % 60) for n in range(count)],
        "p": [str(one) for one in score],
        "pred": [str(int(one > 0.5)) for one in score],
        "y": [str(int(one)) for one in drawn.uniform(size=count) < score],
        **columns,
    }


def put(values: Sequence[object], *more: object) -> list[object]:
    """Values with others in place of the first of them."""
    return [*more, *values[len(more) :]]


class Trial:
    """One model version, with files that come in and amendments of how they are read."""

    def __init__(self, governance: Governance, folder: Path, task: str = "binary") -> None:
        self.governance, self.folder, self.files = governance, folder, 0
        self.initiative = register(governance)
        about = {"initiative": self.initiative, "version": "1", "algorithm": "none", "task": task}
        register_model_version(governance, make(RegisterModelVersion, actor=BUILDER, at=later(2), **about))

    def add(
        self, table: Mapping[str, Sequence[object]], part: str = "reference", **given: Any
    ) -> tuple[str, ...]:
        """Add a CSV and return what is told of it."""
        self.files += 1
        file = self.folder / f"file{self.files}.csv"
        pl.DataFrame(table, strict=False).write_csv(file)
        about = {"initiative": self.initiative, "version": "1", "part": part, "file": file}
        named = {} if self.files > 1 else BINARY
        command = make(AddPredictions, actor=ADMIN, at=later(80 + self.files), **about, **{**named, **given})
        return add_predictions(self.governance, command).warnings

    def amend(self, *, by: Actor = ADMIN, **given: Any) -> AmendedColumns:
        about = {"initiative": self.initiative, "version": "1", "note": "the export does so", **given}
        return amend_columns(self.governance, make(AmendColumns, actor=by, at=later(100), **about))

    @property
    def now(self) -> Moment:
        return self.governance.moment(later(400))

    def column(self, name: str) -> list[object]:
        """The values of a column in all batches as they are read now."""
        known = readings.batches(self.governance.store, self.initiative, "1", self.now)
        return [value for batch in known for value in pl.read_parquet(batch.path)[name].to_list()]

    def groups(self, by: str, part: str = "reference") -> dict[str, int]:
        about: dict[str, Any] = {"initiative": self.initiative, "version": "1", "part": part}
        found = bias_slices(self.governance, self.now, by=(by,), **about)
        return {one.label: one.n for one in found.report.slices}

    def kinds(self) -> Mapping[str, str]:
        return prediction_batches(self.governance, self.now, initiative=self.initiative, version="1").kinds


@pytest.fixture
def trial(governance: Governance, tmp_path: Path) -> Trial:
    return Trial(governance, tmp_path)


def about(column: str, told: Sequence[str]) -> list[str]:
    return [note for note in told if note.startswith(f"Column '{column}'")]


def test_a_clean_file_has_no_note(trial: Trial) -> None:
    assert trial.add(rows()) == ()


@pytest.mark.parametrize("words", [("?",), ("-", "N/A"), ("unknown",), ("nan", "NaN"), ("keine",)])
def test_few_placeholders_leave_a_column_of_numbers(trial: Trial, words: tuple[str, ...]) -> None:
    ages = put(rows()["age"], "40", *words)
    (note,) = about("age", trial.add(rows(age=ages)))
    assert "holds numbers, and " in note
    assert f"'{words[0]}' in 1 row (first: row 2)" in note
    assert note.endswith("(--kind age=category).")
    age = int(str(ages[len(words) + 1]))
    assert trial.column("age")[: len(words) + 2] == [40, *[None] * len(words), age]
    assert trial.kinds()["age"] == "number"
    # The next file follows, without a word.
    assert about("age", trial.add(rows(first=5000, age=put(rows()["age"], *words)), "analysis")) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("A", "B", "C"), "597 of 600 values are numbers, but 'A' in 1 row (first: row 1), 'B' in 1 row"),
        (("3+",), "599 of 600 values are numbers, but '3+' in 1 row (first: row 1). Correct these"),
        (("Q",) * 40, ""),
    ],
)
def test_words_that_are_no_placeholders_make_a_text_and_few_are_told(
    trial: Trial, words: tuple[str, ...], told: str
) -> None:
    notes = about("age", trial.add(rows(age=put(rows()["age"], *words))))
    assert [told in note for note in notes] == [True] * bool(told)
    assert trial.kinds()["age"] == "text"


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_word_nan_is_no_outcome(governance: Governance, tmp_path: Path, task: str) -> None:
    trial = Trial(governance, tmp_path, task)
    table = rows()
    scores = BINARY["scores"] if task == "binary" else ()
    told = trial.add({**table, "y": put(table["y"], "1", *["nan"] * 40)}, **BINARY | {"scores": scores})
    assert "Column 'y' says 'nan' in 40 rows (first: row 2): read as missing" in about("y", told)[0]
    assert "40 of 600 rows have no true outcome yet." in told
    view = prediction_batches(governance, trial.now, initiative=trial.initiative, version="1")
    assert view.mapping is not None and view.mapping.labels == ("0", "1")


def test_outcomes_that_are_called_otherwise_than_predictions_are_told(
    governance: Governance, tmp_path: Path
) -> None:
    trial, table = Trial(governance, tmp_path, "multiclass"), rows()
    named = {**BINARY, "scores": ()}
    words = [("False", "True")[int(str(one))] for one in table["y"]]
    (note,) = about("y", trial.add({**table, "y": words}, **named))
    assert "outcomes that are never predicted: 'True' in" in note and "'False' in" in note


def test_decisions_without_a_score_are_sliced_and_not_estimated(trial: Trial) -> None:
    for first, part in ((0, "reference"), (5000, "analysis")):
        table = rows(first=first)
        del table["p"]
        named = {} if first else {"scores": (), "sensitive": ("sex",)}
        assert trial.add(table, part, **named) == ()
    assert trial.groups("sex") == {"Female": 300, "Male": 300}
    about_it = {"initiative": trial.initiative, "version": "1"}
    with pytest.raises(BadInput, match="has no column 'y_score'") as refused:
        refresh_monitoring(trial.governance, make(RefreshMonitoring, actor=ADMIN, at=later(100), **about_it))
    assert refused.value.remedy == "Add predictions with their scores; slices and drift need none."


def test_a_guess_is_taken_back_by_an_amendment(trial: Trial) -> None:
    ages = put(rows()["age"], "?", "?")
    trial.add(rows(age=ages))
    told = trial.amend(kinds=("age=category",))
    assert (told.batches, told.changed) == (1, 1)
    assert trial.column("age") == ages
    trial.amend(kinds=("age=number",))
    assert trial.column("age")[:2] == [None, None]
    assert verify_record(trial.governance).first_break is None


def test_the_word_nan_is_one_missing_group(trial: Trial) -> None:
    sexes = put(rows()["sex"], *["nan"] * 84, *[None] * 96)
    (note,) = about("sex", trial.add(rows(sex=sexes), sensitive=("sex",)))
    assert "'nan' in 84 rows (first: row 1)" in note
    assert trial.groups("sex")["(missing)"] == 180
    assert set(trial.groups("sex")) == {"Female", "Male", "(missing)"}


def test_likely_words_in_a_text_are_told_and_declared(trial: Trial) -> None:
    sexes = put(rows()["sex"], *["?"] * 12, *["none"] * 3)
    (note,) = about("sex", trial.add(rows(sex=sexes)))
    assert "'?' in 12 rows (first: row 1)" in note
    trial.amend(missing=("sex=?",))
    assert trial.column("sex")[:13] == [None] * 12 + ["none"]


def test_blanks_and_capitals_are_told_to_be_seen_and_joined(trial: Trial) -> None:
    odd = ["Female ", " Male", "female", "MALE"]
    (note,) = about("sex", trial.add(rows(sex=put(rows()["sex"], *odd)), sensitive=("sex",)))
    assert "'Female', 'Female\u2423', 'female'" in note
    assert "'\u2423Male', 'MALE', 'Male'" in note
    assert len(trial.groups("sex")) == 6
    trial.amend(join=("sex",))
    assert set(trial.groups("sex")) == {"Female", "Male"}
    # A later file is read so too, whichever spelling it has most.
    assert about("sex", trial.add(rows(first=5000, sex=["FEMALE", "male"] * 300), "analysis")) == []
    assert set(trial.groups("sex", "analysis")) == {"Female", "Male"}


def test_spellings_of_another_batch_are_told(trial: Trial) -> None:
    trial.add(rows())
    (note,) = about("sex", trial.add(rows(first=5000, sex=["female", "male"] * 300), "analysis"))
    assert "'Female', 'female'" in note


@drawn(
    st.text(string.ascii_letters, min_size=1),
    st.sampled_from([str.upper, str.title, " {} ".format, "\u00a0{}".format]),
)
def test_words_alike_have_one_key(word: str, written: Callable[[str], str]) -> None:
    assert alike(written(word)) == alike(word) == alike(alike(word))


@drawn(st.integers(0), st.integers(0, 4))
def test_codes_that_differ_in_leading_zeros_have_one_key(code: int, zeros: int) -> None:
    assert alike("0" * zeros + str(code)) == alike(str(code))


def test_leading_zeros_are_told_joined_or_declared_a_code(trial: Trial) -> None:
    assert about("zip", trial.add(rows(zip=["02139", "10001"] * 300))) == []
    (note,) = about("zip", trial.add(rows(first=5000, zip=["2139", "10001"] * 300), "analysis"))
    assert "'02139', '2139'" in note
    assert "--kind zip=code" in note
    trial.amend(join=("zip",))
    assert set(trial.column("zip")) == {"02139", "10001"}
    trial.amend(kinds=("zip=code",))
    assert set(trial.column("zip")) == {"02139", "2139", "10001"}
    assert about("zip", trial.add(rows(first=9000, zip=["2139", "94105"] * 300), "analysis")) == []


def test_zeros_that_a_column_of_numbers_drops_are_told_and_kept(trial: Trial) -> None:
    trial.add(rows(zip=["2139", "10001"] * 300))
    (note,) = about("zip", trial.add(rows(first=5000, zip=["02139", "10001"] * 300), "analysis"))
    assert "leading zeros, which are dropped" in note
    assert set(trial.column("zip")) == {2139, 10001}
    trial.amend(kinds=("zip=code",))
    assert set(trial.column("zip")) == {"2139", "02139", "10001"}


def test_a_code_is_kept_as_written(trial: Trial) -> None:
    codes = ["NA", "007", " x", "?", "1.0", "1"] * 100
    assert about("code", trial.add(rows(code=codes), kinds=("code=code",))) == []
    assert trial.column("code") == codes


def test_an_identifier_is_no_feature(trial: Trial) -> None:
    trial.add(rows(customer=[f"c{n}" for n in range(ROWS)]), kinds=("customer=identifier",))
    (batch,) = readings.batches(trial.governance.store, trial.initiative, "1", trial.now)
    assert "customer" not in batch.columns
    trial.amend(kinds=("customer=code",))
    assert trial.column("customer")[0] == "c0"


@pytest.mark.parametrize(
    ("column", "value"),
    [("age", "-999"), ("age", "9999"), ("age", "99"), ("age", "0"), ("age", "-1"), ("day", "0")],
)
def test_a_sentinel_is_told_and_declared(trial: Trial, column: str, value: str) -> None:
    days = [str(20260101 + n % 28) for n in range(ROWS)]
    table = rows(day=days)
    table[column] = put(table[column], *[value] * 40)
    (note,) = about(column, trial.add(table))
    assert f"40 rows hold {value}, " in note
    assert f"--missing {column}={value}" in note
    trial.amend(missing=(f"{column}={value}",))
    assert trial.column(column)[:41] == [None] * 40 + [int(str(table[column][40]))]
    view = prediction_batches(trial.governance, trial.now, initiative=trial.initiative, version="1")
    assert about(column, view.batches[0].warnings) == []
    assert "the export does so" in view.batches[0].amended


def test_one_row_of_negative_nines_is_told(trial: Trial) -> None:
    (note,) = about("age", trial.add(rows(age=put(rows()["age"], "-999"))))
    assert note.startswith("Column 'age': 1 row holds -999, far from all others (18 to 77)")


@pytest.mark.parametrize(
    "values",
    [
        [0] * 200 + list(range(1000, 1400)),
        [0, 1, 2, 3] * 140 + [8] * 40,
        list(range(-300, 300)),
        [0, 1] * 300,
        [40] * 580 + list(range(1, 21)),
    ],
    ids=["many zeros", "few values", "both signs", "two values", "one value most often"],
)
def test_no_sentinel_is_seen_where_none_is(trial: Trial, values: list[int]) -> None:
    assert about("amount", trial.add(rows(amount=[str(value) for value in values]))) == []


@pytest.mark.parametrize("seed", range(3))
def test_skewed_numbers_have_no_sentinel(trial: Trial, seed: int) -> None:
    source = np.random.default_rng(seed)
    laws = {
        "lognormal": source.lognormal(sigma=2, size=ROWS).round(),
        "poisson": source.poisson(1.5, size=ROWS),
        "exponential": source.exponential(size=ROWS).round(1),
        "normal": source.normal(size=ROWS).round(1),
        "capped": source.normal(50, 30, size=ROWS).round().clip(0, 100),
    }
    columns: dict[str, Any] = {law: values.astype(str).tolist() for law, values in laws.items()}
    assert trial.add(rows(**columns)) == ()


def test_labels_as_whole_floats_are_one_class(governance: Governance, tmp_path: Path) -> None:
    trial = Trial(governance, tmp_path, "multiclass")
    labels = ["0", "1", "2"] * 200
    floats = ["0.0", " 1", "2.00"] * 200
    table = {"id": rows()["id"], "seg": rows()["sex"], "pred": labels, "y": floats}
    named = {"prediction": "pred", "target": "y", "row_id": "id", "scores": (), "timestamp": ""}
    trial.add(table, **named)
    view = prediction_batches(governance, trial.now, initiative=trial.initiative, version="1")
    assert view.mapping is not None
    assert view.mapping.classes == view.batches[0].classes == ("0", "1", "2")
    asked: dict[str, Any] = {"by": ("seg",), "metric": "accuracy", "part": "reference"}
    found = bias_slices(governance, trial.now, initiative=trial.initiative, version="1", **asked)
    assert {one.value for one in found.report.slices} == {1.0}
    # Outcomes that come later are named alike.
    later_on = {
        "id": [f"m{n}" for n in range(ROWS)],
        "seg": rows()["sex"],
        "pred": labels,
        "y": [None] * ROWS,
    }
    trial.add(later_on, "analysis")
    file = tmp_path / "outcomes.csv"
    pl.DataFrame({"id": later_on["id"], "y": floats}).write_csv(file)
    of = {"initiative": trial.initiative, "version": "1", "file": file}
    assert add_outcomes(governance, make(AddOutcomes, actor=ADMIN, at=later(90), **of)).rows == ROWS


@pytest.mark.parametrize("label", ["1", " 1.0", "1.000"])
def test_a_label_has_one_name(label: str) -> None:
    assert label_name(label) == "1"


def test_inverted_predictions_and_one_outcome_are_told(trial: Trial) -> None:
    table = rows()
    inverted = [str(1 - int(str(one))) for one in table["pred"]]
    said = "The predictions are inverted against their scores: in 100% of pairs"
    assert any(note.startswith(said) for note in trial.add(rows(pred=inverted)))
    told = trial.add(rows(first=5000, y=["1"] * ROWS), "analysis")
    assert "Every row that has a true outcome has the same, 1: nothing tells classes apart." in told


def test_times_without_zone_are_told_and_declared(trial: Trial) -> None:
    times = [f"2026-07-{1 + n % 28:02} 12:00:00" for n in range(ROWS)]
    told = trial.add(rows(t=times))
    assert any(note.startswith("Times in 't' have no zone and are read as UTC") for note in told)
    assert str(trial.column("timestamp")[0]) == "2026-07-01 12:00:00"
    trial.amend(zone="Europe/Paris")
    assert str(trial.column("timestamp")[0]) == "2026-07-01 10:00:00"
    assert not any("zone" in note for note in trial.add(rows(first=5000, t=times), "analysis"))
    assert {str(time)[11:] for time in trial.column("timestamp")} == {"10:00:00"}
    trial.amend(zone="UTC")
    assert {str(time)[11:] for time in trial.column("timestamp")} == {"12:00:00"}


def test_times_with_their_zone_and_days_alone_stay(trial: Trial) -> None:
    trial.add(rows(), zone="America/New_York")
    before = trial.column("timestamp")
    assert str(before[1]) == "2026-01-02 01:00:00"
    days = [f"2026-07-{1 + n % 28:02}" for n in range(ROWS)]
    assert not any("zone" in note for note in trial.add(rows(first=5000, t=days), "analysis"))
    assert str(trial.column("timestamp")[ROWS]) == "2026-07-01 00:00:00"


def test_batches_that_were_kept_as_they_came_are_amended_from_what_is_kept(trial: Trial) -> None:
    table = rows(sex=put(rows()["sex"], "?"))
    trial.add({**table, "y": put(table["y"], "")}, sensitive=("sex",))
    trial.add(rows(first=5000), "analysis")
    told = trial.amend(missing=("?",), kinds=("age=category",))
    assert (told.batches, told.changed) == (2, 2)
    assert trial.column("sex")[:2] == [None, "Male"]
    assert trial.column("age")[0] == "18"
    assert trial.column("row_id")[:2] == ["r0", "r1"]
    assert verify_record(trial.governance).first_break is None


@pytest.mark.parametrize("given", [{"kinds": ("zpi=code",)}, {"missing": ("zpi=0",)}, {"join": ("zpi",)}])
def test_a_column_that_is_not_there_is_refused_with_the_file(trial: Trial, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="there is no column 'zpi'"):
        trial.add(rows(), **given)


def test_a_file_cannot_be_read_otherwise_than_those_before(trial: Trial) -> None:
    trial.add(rows(), missing=("age=-1",))
    with pytest.raises(Conflict) as problem:
        trial.add(rows(first=5000), "analysis", missing=("age=-999",))
    assert "governance mapping amend" in problem.value.remedy
    trial.files -= 1
    # What is declared already may be said again with every file.
    assert trial.add(rows(first=7000), "analysis", missing=("age=-1",)) == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kinds": ("age",)}, "'age' is no column with its kind"),
        ({"kinds": ("age=colour",)}, "kinds are number, category, ordered, code"),
        ({"kinds": ("p=code",)}, "column 'p' cannot be declared as code"),
        ({"kinds": ("sex=identifier",)}, "column 'sex' cannot be declared as identifier"),
        ({"kinds": ("sex=number",)}, "column 'sex' holds numbers in this version, but here also others"),
        ({"zone": "Mars/Olympus"}, "'Mars/Olympus' is no time zone"),
        ({"join": ("height",)}, "there is no column 'height'"),
        ({"join": ("age",)}, "column 'age' holds no texts to join"),
        ({"missing": ("=x",)}, "'=x' names no value"),
        ({"missing": ("aeg=-999",)}, "there is no column 'aeg'"),
        ({}, "nothing would change"),
    ],
)
def test_an_amendment_that_cannot_be_is_refused(trial: Trial, given: dict[str, Any], said: str) -> None:
    trial.add(rows(), sensitive=("sex",))
    head = trial.governance.store.head()
    with pytest.raises(BadInput) as problem:
        trial.amend(**given)
    assert said in str(problem.value)
    assert trial.governance.store.head() == head


def test_whoever_builds_cannot_turn_a_judged_check_over(trial: Trial) -> None:
    """Women are granted less; without them as a group nothing would fail."""
    table = rows(4000)
    pred = [str(int(n % 10 < (3 if sex == "Female" else 9))) for n, sex in enumerate(table["sex"])]
    trial.add({**table, "pred": pred}, sensitive=("sex",))
    about_it = {"initiative": trial.initiative, "version": "1", "favourable": ("1",)}
    declare_outcome(trial.governance, make(DeclareOutcome, actor=ADMIN, at=later(95), **about_it))
    # Nothing judged them yet: whoever builds may still say how the values are to be read.
    trial.amend(by=BUILDER, missing=("sex=Diverse",))
    checks = {"initiative": trial.initiative, "checks": ("bias_limit",)}
    (before,) = run_checks(trial.governance, make(RunChecks, actor=ADMIN, at=later(99), **checks))
    assert before.verdict.value == "fail"
    with pytest.raises(Forbidden):
        trial.amend(by=BUILDER, missing=("sex=Female",))
    trial.amend(missing=("sex=Female",))
    (after,) = run_checks(trial.governance, make(RunChecks, actor=ADMIN, at=later(101), **checks))
    assert "values are read as ada-admin amended on" in after.message
    assert "missing sex=Female (the export does so)" in after.message
