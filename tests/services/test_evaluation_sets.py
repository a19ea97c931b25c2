"""Evaluation sets on record: every kind of file, verdicts, versions case by case, judges, and ways around."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.domain.actors import Actor
from core.domain.commands import RunChecks, make
from core.domain.errors import BadInput, Conflict, Forbidden, NotFound
from core.domain.facts.measured import Evaluation
from core.domain.facts.process import CheckRun
from core.lake.facts import history
from core.services.governance import Governance
from core.services.measured.evaluation_view import compare_evaluations, compare_judges, evaluation_report
from core.services.measured.evaluations import (
    AddEvaluation,
    WithdrawEvaluation,
    add_evaluation,
    withdraw_evaluation,
)
from core.services.process.checks import run_checks
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, OUTSIDER, OWNER, VALIDATOR, later, register
from tests.process import version

WHY = "The index was a day old when the cases were run."
SECRET = "Mrs Example of 1 Nowhere Street asks after her claim"
Cases = list[dict[str, Any]]


@pytest.fixture
def assistant(governance: Governance) -> str:
    """An initiative with two versions and a policy without predictions."""
    initiative = register(governance, "Claims Assistant")
    version(governance, initiative, "1")
    version(governance, initiative, "2", day=3)
    return initiative


def cases(*, failing: Iterable[int] = (), n: int = 200) -> Cases:
    """As many cases of two topics; those that fail by number."""
    lost = set(failing)
    return [
        {
            "case": f"c{i}",
            "topic": "cover" if i % 2 else "tone",
            "prompt": f"{SECRET} {i}",
            "passed": i not in lost,
        }
        for i in range(n)
    ]


def written(folder: Path, rows: Cases, name: str = "cases.jsonl") -> Path:
    file = folder / name
    if name.endswith(".jsonl"):
        file.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    elif name.endswith(".csv"):
        pl.DataFrame(rows).write_csv(file)
    else:
        pl.DataFrame(rows).write_parquet(file)
    return file


def add(governance: Governance, initiative: str, file: Path, **more: Any) -> Evaluation:
    values = {
        "actor": BUILDER,
        "at": later(10),
        "version": "1",
        "name": file.name,
        "dataset": "Claims questions",
        "judge": "rubric 3 on a large model",
        "judge_kind": "model",
        "categories": ("topic",),
    }
    return add_evaluation(
        governance, make(AddEvaluation, initiative=initiative, file=file, **(values | more))
    )


def verdict(governance: Governance, initiative: str, days: float, actor: Actor = ADMIN) -> CheckRun:
    command = make(
        RunChecks, actor=actor, at=later(days), initiative=initiative, checks=("evaluation_limit",)
    )
    run_checks(governance, command)
    return history(governance.store, CheckRun, governance.moment(later(days)), initiative)[-1]


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.csv", "cases.parquet"])
def test_a_table_of_cases_is_read_alike_from_every_kind_of_file(
    governance: Governance, assistant: str, tmp_path: Path, name: str
) -> None:
    added = add(governance, assistant, written(tmp_path, cases(failing=range(8)), name), texts=("prompt",))
    assert (added.evaluation, added.cases, added.passed) == ("E1", 200, 192)
    found = evaluation_report(governance, governance.moment(later(11)), initiative=assistant, version="1")
    assert found.shown.verdict == "pass"
    whole, by_topic = found.reports
    assert whole.lines[0].rate == 0.96
    assert [(line.label, line.cases, line.passed) for line in by_topic.lines] == [
        ("cover", 100, 96),
        ("tone", 100, 96),
    ]


def test_what_promptfoo_writes(governance: Governance, assistant: str, tmp_path: Path) -> None:
    def result(i: int, prompt: int, kind: str) -> dict[str, Any]:
        good = (i + prompt) % 25 != 0
        return {
            "promptIdx": prompt,
            "testIdx": i,
            "provider": {"id": f"assistant-{prompt}"},
            "vars": {"question": f"{SECRET} {i}"},
            "testCase": {"vars": {"question": "…"}, "metadata": {"topic": ["cover", "tone"][i % 2]}},
            "response": {"output": "…"},
            "success": good,
            "score": float(good),
            "failureReason": 2 if i == 0 and not good else int(not good),
            "gradingResult": {
                "pass": good,
                "componentResults": [{"pass": good, "assertion": {"type": kind, "value": "…"}}],
            },
        }

    def file(kind: str) -> Path:
        rows = [result(i, prompt, kind) for i in range(150) for prompt in (0, 1)]
        whole = {"evalId": "eval-x", "results": {"version": 3, "results": rows}, "config": {}}
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps(whole), encoding="utf-8")
        return path

    one = {"categories": ("testCase.metadata.topic",), "only": ("provider.id=assistant-0",)}
    added = add(governance, assistant, file("llm-rubric"), **one)
    assert (added.cases, added.passed, added.source_kind) == (150, 144, "promptfoo's results")
    assert added.notes == (
        "1 cases ended with an error and count as not passed",
        "150 of 300 rows are kept, by provider.id",
    )
    with pytest.raises(BadInput, match=r"models graded these cases \(llm-rubric\).*--judge-kind model"):
        add(governance, assistant, file("llm-rubric"), **one, judge_kind="rule")
    add(governance, assistant, file("contains"), **one, judge="contains", judge_kind="rule")
    with pytest.raises(BadInput, match=r"case '0' stands twice.*--only"):
        add(governance, assistant, file("contains"), **one | {"only": ()})


def test_what_mlflow_writes(governance: Governance, assistant: str, tmp_path: Path) -> None:
    columns = ["id", "inputs", "outputs", "topic", "answer_correctness/v1/score", "why/v1/justification"]
    data = [[i, SECRET, "…", "cover" if i % 2 else "tone", 5 - (i % 40 == 0) * 3, "…"] for i in range(160)]
    split = tmp_path / "eval_results_table.json"
    split.write_text(json.dumps({"columns": columns, "data": data}), encoding="utf-8")
    added = add(governance, assistant, split, threshold=4)
    assert (added.cases, added.passed, added.threshold) == (160, 156, 4.0)
    records = tmp_path / "eval_results.json"
    rows = [
        {"request_id": f"r{i}", "topic": "cover", "correctness/value": "yes", "correctness/rationale": "…"}
        for i in range(100)
    ]
    records.write_text(json.dumps(rows), encoding="utf-8")
    again = add(governance, assistant, records, version="2")
    assert (again.passed, again.source_kind) == (100, "MLflow's evaluation table")
    with pytest.raises(BadInput, match=r"grades need the grade.*--threshold"):
        add(governance, assistant, split, grade="answer_correctness/v1/score")


_LINE = '{"case": "c1", "topic": "cover", "passed": true}\n'


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", "", r"the file has no cases"),
        ("a.jsonl", _LINE + "{", r"it is no JSON: .* \(a.jsonl, line 2\)"),
        ("a.json", "[" * 100_000, r"it is no JSON: .*nested too deep"),
        ("a.json", '{"results": {"results": 3}}', "it holds no list of cases"),
        ("a.json", '{"columns": ["id"], "data": [[1, 2]]}', "rows and columns of the table do not fit"),
        ("a.jsonl", _LINE * 2, r"case 'c1' stands twice \(a.jsonl, column case\)"),
        ("a.jsonl", _LINE.replace("true", '"perhaps"'), "the outcome 'perhaps', which is no pass, fail"),
        ("a.jsonl", _LINE + '{"case": "c2", "topic": "cover"}', "1 of 2 cases have no value in column 'pass"),
        ("a.jsonl", _LINE + '{"case": "c2", "passed": true}', "no value in column 'topic', row 2 first"),
        ("a.jsonl", _LINE.replace("topic", "kind"), "there is no column 'topic'.*It has: case, kind, passed"),
        ("a.jsonl", _LINE.replace("passed", "went"), "no column is named as the outcome of a case"),
        ("a.csv", "case,topic,passed\nc1,cover\n", "the heading has 3 columns, but row 1 has 2"),
        ("a.txt", _LINE, r"'\.txt' is none of"),
    ],
)
def test_a_bad_file_gets_one_sentence_and_leaves_nothing(
    governance: Governance, assistant: str, tmp_path: Path, name: str, text: str, said: str
) -> None:
    head, file = governance.store.head(), tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        add(governance, assistant, file)
    assert governance.store.head() == head
    assert not list((governance.store.folder / "evaluations").glob("*"))


def test_no_text_of_a_case_enters_the_record_and_its_file_is_verified(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    added = add(governance, assistant, written(tmp_path, cases()), texts=("prompt",))
    cursor = governance.store.cursor()
    for table in governance.store.columns:
        assert SECRET not in str(cursor.execute(f"SELECT * FROM {table}").fetchall())
    kept = pl.read_parquet(governance.store.folder / added.path)
    assert all(SECRET in text for text in kept.get_column("text.prompt"))
    assert verify_record(governance).first_break is None
    (governance.store.folder / added.path).write_bytes(b"other answers")
    broken = verify_record(governance).first_break
    assert broken is not None
    assert broken.seq == added.seq or "not what was recorded" in broken.problem


def test_a_person_who_judges_is_named_by_id_alone_and_own_work_is_told(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    file = written(tmp_path, cases())
    with pytest.raises(BadInput, match=r"no person 'Vera Validator' is known.*by their id"):
        add(governance, assistant, file, judge="Vera Validator", judge_kind="person")
    assert add(governance, assistant, file, judge=VALIDATOR.id, judge_kind="person").notes == ()
    own = add(governance, assistant, file, judge=BUILDER.id, judge_kind="person")
    assert own.notes == ("the judge owns or builds the initiative, or once did",)
    report = evaluation_report(governance, governance.moment(later(11)), initiative=assistant, version="1")
    assert {line.judged_by for line in report.evaluations} == {
        "Vera Validator (a person)",
        "Bram Builder (a person)",
    }


def test_the_check_passes_only_where_every_set_and_judge_does(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    run = verdict(governance, assistant, 9)
    assert (run.verdict, run.message) == ("cannot_tell", "this model version has no evaluation set in use")
    about = {"version": "2"}
    add(governance, assistant, written(tmp_path, cases(failing=range(4))), **about)
    run = verdict(governance, assistant, 11)
    assert run.verdict == "pass"
    assert "graded by rubric 3 on a large model (a model)" in run.message
    harm = written(tmp_path, cases(failing=range(0, 160, 2)), "harm.jsonl")
    add(governance, assistant, harm, **about, dataset="Harm", at=later(12))
    run = verdict(governance, assistant, 13)
    assert (run.verdict, run.observed, run.limit_value) == ("fail", 0.6, 0.8)
    assert "the worst of 2 sets" in run.message
    again = written(tmp_path, cases(), "again.jsonl")
    add(governance, assistant, again, **about, dataset="Harm", at=later(14))
    run = verdict(governance, assistant, 15)
    assert run.verdict == "pass"
    assert "evaluated 2 times, and the newest counts" in run.message


def test_cases_that_are_left_away_make_no_pass(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    whole = cases(failing=range(0, 160, 2))
    add(governance, assistant, written(tmp_path, whole), version="1")
    add(governance, assistant, written(tmp_path, [one for one in whole if one["passed"]]), version="2")
    run = verdict(governance, assistant, 12)
    assert run.verdict != "pass"
    assert "80 cases of the set are absent" in run.message


def test_a_judge_of_a_part_can_fail_a_set_and_never_passes_it(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    about = {"version": "2"}
    part = {**about, "judge": VALIDATOR.id, "judge_kind": "person"}
    add(governance, assistant, written(tmp_path, cases()), **about)
    add(governance, assistant, written(tmp_path, cases(n=70), "part.jsonl"), **part, at=later(11))
    lines = evaluation_report(governance, governance.moment(later(12)), initiative=assistant, version="2")
    assert [(line.verdict, line.absent) for line in lines.evaluations] == [("cannot_tell", 130), ("pass", 0)]
    assert verdict(governance, assistant, 12).verdict == "pass"
    bad = written(tmp_path, cases(n=70, failing=range(50)), "bad.jsonl")
    add(governance, assistant, bad, **part, at=later(13))
    run = verdict(governance, assistant, 14)
    assert run.verdict == "fail"
    assert "Vera Validator (a person)" in run.message


def test_a_lower_grade_than_before_makes_no_pass(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    graded = [{**one, "grade": 3 if i < 100 else 5} for i, one in enumerate(cases())]
    file = written(tmp_path, graded)
    add(governance, assistant, file, version="2", grade="grade", threshold=4)
    assert verdict(governance, assistant, 11).verdict == "fail"
    add(governance, assistant, file, version="2", grade="grade", threshold=2, at=later(12))
    run = verdict(governance, assistant, 13)
    assert run.verdict == "cannot_tell"
    assert "a lower grade passes than before" in run.message


def test_without_categories_or_a_limit_nobody_can_tell(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    add(governance, assistant, written(tmp_path, cases()), version="2", categories=())
    run = verdict(governance, assistant, 12)
    assert run.verdict == "cannot_tell"
    assert "No column of categories is named" in run.message


def test_a_withdrawn_evaluation_counts_no_more_and_leaves_a_trace(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    added = add(governance, assistant, written(tmp_path, cases(failing=range(100))), version="2")
    assert verdict(governance, assistant, 11).verdict == "fail"
    values = {"initiative": assistant, "evaluation": added.evaluation, "reason": WHY}
    for person in (BUILDER, OWNER):
        with pytest.raises(Forbidden):
            withdraw_evaluation(governance, make(WithdrawEvaluation, actor=person, at=later(12), **values))
    withdraw_evaluation(governance, make(WithdrawEvaluation, actor=ADMIN, at=later(12), **values))
    run = verdict(governance, assistant, 13)
    assert run.verdict == "cannot_tell"
    assert "1 withdrawn before" in run.message
    report = evaluation_report(governance, governance.moment(later(13)), initiative=assistant, version="2")
    assert (report.shown.state, report.shown.actor_name, report.shown.reason) == (
        "withdrawn",
        ADMIN.name,
        WHY,
    )
    before = evaluation_report(governance, governance.moment(later(11)), initiative=assistant, version="2")
    assert before.shown.state == "in use"
    with pytest.raises(Conflict, match="E1 was withdrawn on"):
        withdraw_evaluation(governance, make(WithdrawEvaluation, actor=ADMIN, at=later(14), **values))


def test_two_versions_are_compared_on_the_cases_that_both_have(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    add(governance, assistant, written(tmp_path, cases(failing=range(40)), "1.jsonl"), texts=("prompt",))
    second = written(tmp_path, cases(failing=range(36, 44), n=190), "2.jsonl")
    add(governance, assistant, second, version="2", texts=("prompt",))
    asked = {"initiative": assistant, "first": "1", "second": "2"}
    found = compare_evaluations(governance, governance.moment(later(11)), **asked)
    change = found.change
    assert (change.both, change.lost, change.won, change.neither) == (146, 4, 36, 4)
    assert (change.found, found.alone) == ("better", (10, 0))
    assert [one.case for one in found.turned[:5]] == ["c40", "c41", "c42", "c43", "c0"]
    assert found.turned[0].second_texts == (("prompt", f"{SECRET} 40"),)
    assert "10 cases of the first version, 0 of the second" in found.notes[0]
    back = compare_evaluations(
        governance, governance.moment(later(11)), **asked | {"first": "2", "second": "1"}
    ).change
    assert (back.found, back.p_value, back.difference) == ("worse", change.p_value, -change.difference)
    with pytest.raises(NotFound, match="no evaluation of version '3'"):
        compare_evaluations(governance, governance.moment(later(11)), **asked | {"second": "3"})


def test_the_same_cases_judged_twice_give_agreement(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    first = written(tmp_path, cases(failing=range(40)), "model.jsonl")
    add(governance, assistant, first)
    asked = {"initiative": assistant, "version": "1"}
    with pytest.raises(NotFound, match="graded by two judges"):
        compare_judges(governance, governance.moment(later(11)), **asked)
    second = written(tmp_path, cases(failing=range(10, 50)), "person.jsonl")
    add(governance, assistant, second, judge=VALIDATOR.id, judge_kind="person")
    found = compare_judges(governance, governance.moment(later(11)), **asked)
    assert (found.first.judged_by, found.second.judged_by) == (
        "rubric 3 on a large model (a model)",
        "Vera Validator (a person)",
    )
    told = found.agreement
    assert (told.both, told.first_only, told.second_only, told.neither) == (150, 10, 10, 30)
    assert told.kappa == pytest.approx(0.6875)
    assert len(found.parted) == 20


def test_the_same_file_counts_once_and_only_who_may_adds(
    governance: Governance, assistant: str, tmp_path: Path
) -> None:
    file = written(tmp_path, cases())
    add(governance, assistant, file)
    with pytest.raises(Conflict, match="added as E1 before"):
        add(governance, assistant, file)
    with pytest.raises(Forbidden):
        add(governance, assistant, file, actor=OUTSIDER)
    with pytest.raises(NotFound, match="no version '7'"):
        add(governance, assistant, file, version="7")
