"""Evaluation sets: cases that a version answered and a judge graded, added and withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from core.connectors.evaluation_files import CaseFile, CaseMapping, read_case_file, write_cases
from core.domain.commands import Command, FileName, Name, Words
from core.domain.errors import BadInput, Conflict
from core.domain.facts.measured import Evaluation, JudgeKind
from core.domain.facts.process import CheckRun
from core.domain.given import InitiativeId, Laid, OrCurrent, Shown, argument, option, pairs
from core.domain.life_cycles import EVALUATION
from core.lake.process.inventory import owners_and_builders
from core.lake.record.entries import digest_of, keep_file
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.measured.predictions import require_version

CHECK = "evaluation_limit"
JUDGES: Mapping[JudgeKind, str] = {"person": "a person", "rule": "a rule", "model": "a model"}
"""What a judge is, as people read it."""


def _only(texts: tuple[str, ...]) -> tuple[str, ...]:
    pairs(list(texts), "--only", "--only provider.id=assistant")
    return texts


class AddEvaluation(Command, may="add_predictions"):
    """Add cases of an evaluation set that a version answered and somebody graded.

    JSON Lines, CSV or Parquet, promptfoo's results or MLflow's evaluation table. Where a column is not named,
    the names that these use are looked for. No text of a case enters the record.
    """

    initiative: InitiativeId
    file: Annotated[Path, Field(description="JSONL, CSV, Parquet, or JSON of promptfoo or MLflow."), Laid()]
    version: Annotated[
        str,
        Field(description="Model version; the current one where none is named."),
        OrCurrent(),
        option("--version", "--model-version"),
    ] = ""
    name: FileName = ""
    dataset: Annotated[
        Name,
        Field(title="Set", description="Name of the set; another name where its cases change."),
        option("--set"),
        Shown("Claims questions 2026"),
    ]
    judge: Annotated[
        Name,
        Field(title="Judged by", description="Who or what graded: a person's id, a rule, a model."),
        Shown("gpt-4.1, rubric 3"),
    ]
    judge_kind: Annotated[JudgeKind, Field(title="The judge is", description="person, rule or model.")]
    case: Annotated[
        str, Field(title="Column of the case's id", description="Column of the case's id."), option("--id")
    ] = ""
    passed: Annotated[
        str, Field(title="Column of pass or fail", description="Column that says pass or fail.")
    ] = ""
    grade: Annotated[str, Field(title="Or column of the grade", description="Column of the grade.")] = ""
    threshold: Annotated[
        float | None,
        Field(
            title="Passes from this grade", allow_inf_nan=False, description="Grade from which a case passes."
        ),
    ] = None
    categories: Annotated[
        tuple[str, ...],
        Field(title="Columns of categories", description="Column of categories; repeat."),
        option("--category"),
    ] = ()
    texts: Annotated[
        tuple[str, ...],
        Field(
            title="Columns of texts to keep",
            max_length=4,
            description="Column of a text to keep beside, such as the answer; repeat. None by default.",
        ),
        option("--text"),
    ] = ()
    only: Annotated[
        tuple[str, ...],
        AfterValidator(_only),
        Field(title="Only rows with", description="Keep rows of one prompt, run or judge; repeat."),
        option(metavar="COLUMN=VALUE"),
        Shown("provider.id=assistant-2"),
    ] = ()


class WithdrawEvaluation(Command, may="add_predictions"):
    """Take an evaluation out of every figure from now on; it stays on record, and earlier days show it."""

    initiative: InitiativeId
    evaluation: Annotated[
        str, Field(title="Evaluation", description="Its name, such as E1."), argument("EVALUATION")
    ]
    reason: Annotated[
        Words,
        Field(min_length=20, title="Why", description="Why it counts no more; at least 20 characters."),
        Shown(lines=True),
    ]


def add_evaluation(governance: Governance, command: AddEvaluation) -> Evaluation:
    """Judge a file of cases as a whole, keep them by their digest, and put the evaluation on record.

    Raises
    ------
    NotFound, BadInput
        No such initiative or version; the file is refused; a judge is no known person, or a model that is
        called something else. Nothing is stored.
    Conflict
        The same file was added for this version, set and judge before.
    """
    case = begin(governance, command)
    require_version(governance, case.initiative.initiative, command.version, case.moment)
    title = command.name or command.file.name
    _require_judge(case, command)
    with governance.store.workroom() as work:
        found = read_case_file(command.file, title, work, _mapping(command), command.threshold)
        _require_model(found, command, title)
        work.mkdir(parents=True, exist_ok=True)
        kept = work / "cases.parquet"
        write_cases(found.cases, kept)
        stored = keep_file(governance.store, kept, "evaluations", ".parquet")
    drawn = Evaluation(
        initiative=command.initiative,
        version=command.version,
        evaluation="",
        dataset=command.dataset,
        judge=command.judge,
        judge_kind=command.judge_kind,
        threshold=command.threshold,
        cases=len(found.cases),
        passed=sum(each.passed for each in found.cases),
        categories=found.mapping.categories,
        texts=found.mapping.texts,
        path=stored.path,
        sha256=stored.sha256,
        source_name=title,
        source_kind=found.tool,
        source_sha256=digest_of(command.file),
        notes=(*found.notes, *_own_judge(case, command)),
    )
    return case.put_next("evaluation_added", lambda now: _numbered(now, drawn))


def _mapping(command: AddEvaluation) -> CaseMapping:
    only = {name: values[-1] for name, values in pairs(list(command.only), "--only", "").items()}
    return CaseMapping(command.case, command.passed, command.grade, command.categories, command.texts, only)


def _require_judge(case: Case, command: AddEvaluation) -> None:
    """A person is named by their id, so that the record holds no name."""
    if command.judge_kind == "person" and command.judge not in case.names.people:
        raise BadInput(
            f"no person '{command.judge[:60]}' is known",
            where="judge",
            remedy="Name a person by their id in the directory, or say that the judge is a rule or a model.",
        )


def _require_model(found: CaseFile, command: AddEvaluation, title: str) -> None:
    """Graders that are models are called so."""
    if found.by_models and command.judge_kind != "model":
        raise BadInput(
            f"models graded these cases ({', '.join(found.by_models)}), and the judge is called "
            f"{JUDGES[command.judge_kind]}",
            where=title,
            remedy="Say --judge-kind model, and name the model with --judge.",
        )


def _own_judge(case: Case, command: AddEvaluation) -> tuple[str, ...]:
    owners = owners_and_builders(case.governance.store, command.initiative, case.moment)
    own = command.judge_kind == "person" and command.judge in owners
    return ("the judge owns or builds the initiative, or once did",) if own else ()


def _numbered(case: Case, drawn: Evaluation) -> Evaluation:
    for before in case.newest(Evaluation):
        like = (before.version, before.dataset, before.judge, before.source_sha256)
        if like == (drawn.version, drawn.dataset, drawn.judge, drawn.source_sha256) and (
            before.state == "in use" and before.sha256 == drawn.sha256
        ):
            raise Conflict(f"this file was added as {before.evaluation} before", where=drawn.source_name)
    return replace(drawn, evaluation=case.next_name(Evaluation, "E"))


def withdraw_evaluation(governance: Governance, command: WithdrawEvaluation) -> Evaluation:
    """Put on record that an evaluation counts no more.

    Raises
    ------
    NotFound, Conflict
        No such evaluation; it was withdrawn before.
    Forbidden
        The check has judged it, and who asks owns or builds the initiative.
    """
    case = begin(governance, command)
    known = case.find(Evaluation, command.evaluation)
    runs = [run for run in case.history(CheckRun) if run.version == known.version and run.seq > known.seq]
    if any(run.check_id == CHECK for run in runs):
        case.require_independent("withdraw judged evaluations of")
    return case.step(EVALUATION, "withdrawn", known, reason=command.reason)
