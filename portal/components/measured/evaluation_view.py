"""An evaluation set as people read it: verdicts, pass rates by category, turned cases, judges, and adding."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.evaluations import PASS_RATE
from core.domain.errors import NotFound
from core.services.measured import evaluation_view as service
from core.services.measured.evaluations import (
    AddEvaluation,
    WithdrawEvaluation,
    add_evaluation,
    withdraw_evaluation,
)
from portal.components.canvas import Threshold
from portal.components.cards import Card, cards
from portal.components.charts.slices import SliceMark, slice_figure
from portal.components.desk import Desk, show_problem
from portal.components.forms import Ask, form, unfolding_form
from portal.components.page import panel
from portal.components.pills import pill_html
from portal.components.tables import Column, figure_help, live_table, plain_table
from portal.components.text import NOTHING, capital, count, escape, escape_html, humanise, number, percent
from portal.components.url_inputs import url_choice

if TYPE_CHECKING:
    from core.analytics.intervals import Interval
    from core.analytics.slices.evaluations import PassLine, PassReport
    from core.services.measured.evaluation_view import EvaluationLine, EvaluationReport, TurnedCase

ICON = ":material/checklist:"
VIEW = ("kept", "beside")
"""Names in the address that make the view of one version."""
_ENDINGS = ["jsonl", "ndjson", "json", "csv", "parquet"]
_CATEGORIES: list[Column[PassLine]] = [
    Column("label", "Category", strong=True, width=220),
    Column("cases", "Cases", "number"),
    Column("rate", "Pass rate", "percent", 1),
    Column(lambda line: _interval(line.interval), "95% interval", phone=False, width=126),
    Column(lambda line: line.verdict or "not_judged", "Verdict", "status"),
    Column("note", "Why", phone=False, width=460),
]
_EVALUATIONS: list[Column[EvaluationLine]] = [
    Column("evaluation", "Evaluation", strong=True, width=92),
    Column("recorded_at", "Added or withdrawn", "minute"),
    Column("dataset", "Set", width=180),
    Column("judged_by", "Judged by", width=210),
    Column("cases", "Cases", "number", phone=False),
    Column("rate", "Pass rate", "percent", 1),
    Column(lambda line: "withdrawn" if line.state == "withdrawn" else line.verdict, "Verdict", "status"),
    Column("source_name", "File", phone=False, width=150),
    Column(lambda line: line.reason or "; ".join(line.notes), "Notes", phone=False, width=260),
]


def verdict_strip(found: EvaluationReport) -> None:
    """Draw the verdict on each set and judge, the newest of each."""
    told: dict[tuple[str, str], EvaluationLine] = {}
    for line in found.evaluations:
        if line.state == "in use":
            told.setdefault((line.dataset, line.judge), line)
    st.html(
        '<div style="display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px">'
        + "".join(
            f"<span>{escape_html(f'{line.dataset}, by {line.judged_by}')} {_pill(line)}</span>"
            for line in told.values()
        )
        + "</div>"
    )


def _pill(line: EvaluationLine) -> str:
    return pill_html(line.verdict) if line.verdict else ""


def evaluation_input(found: EvaluationReport) -> None:
    """Let people choose another evaluation of the version."""
    titles = {
        line.evaluation: f"{line.evaluation}: {line.dataset}, by {line.judged_by}"
        + (" (withdrawn)" if line.state == "withdrawn" else "")
        for line in found.evaluations
    }
    url_choice("Evaluation", titles, "kept", default=found.shown.evaluation, width=574)


def evaluation_cards(found: EvaluationReport) -> None:
    """Draw pass rate, verdict and judge; a judge that is a model is named as one."""
    line, whole = found.shown, found.reports[0].lines[0]
    of_model = line.judge_kind == "model"
    absent = f"{line.absent:,} of the set are absent, so it is no pass." if line.absent else ""
    absent += " A lower grade passes than before, so it is no pass." if line.lenient else ""
    cards(
        [
            Card(
                "Pass rate",
                percent(whole.rate, 1),
                status=line.verdict or "",
                note=f"95% interval {_interval(whole.interval)}.",
            ),
            Card("Cases", number(line.cases), note=absent or f"{line.passed:,} pass."),
            Card(
                "Judged by",
                {"person": "A person", "rule": "A rule", "model": "A model"}[line.judge_kind],
                note=f"{line.judge_name}." + (" Its own errors are in all figures." if of_model else ""),
            ),
            Card(
                "Limit",
                f"Position {found.position}",
                note=f"{capital(found.rule)}." if found.rule else "It sets none, so nothing is judged.",
            ),
        ],
        min_column_width=200,
    )


def category_panel(found: EvaluationReport, report: PassReport) -> None:
    """Draw the pass rates of one column's categories with intervals and verdicts."""
    if not report.by:
        return
    title = f"Pass rate by {humanise(report.by).lower()}"
    with panel(title, report.note):
        if not report.lines:
            return
        slice_figure(
            [
                SliceMark(
                    line.label, line.cases, line.rate, line.interval.low, line.interval.high, line.verdict
                )
                for line in report.lines
            ],
            value_title="Pass rate",
            alt=f"{title}, with 95 % intervals and verdicts",
            lines=_lines(found),
            formats=("%", 1),
            key=f"evaluation-{report.by}",
        )
        live_table(
            report.lines,
            _CATEGORIES,
            key=f"categories-{report.by}",
            download=f"pass-rates-{report.by}",
            alt=title,
        )
        figure_help(
            (
                *PASS_RATE.notes,
                "A category fails where its exact interval lies below the limit, or it is further below the "
                "best than the limit allows, by more than chance, all verdicts counted (Bonferroni).",
            )
        )


def _lines(found: EvaluationReport) -> list[Threshold]:
    if found.least is None:
        return []
    return [Threshold(f"At least {percent(found.least)}", found.least, "bad")]


def change_panel(desk: Desk, found: EvaluationReport) -> None:
    """Draw another version on the same cases, and the cases that turned."""
    if not found.others:
        return
    with panel(
        "Case by case against another version", "Only cases that both versions answered are compared."
    ):
        titles = {version: f"Version {version}" for version in found.others}
        other = url_choice("Against", titles, "beside", default=found.others[0], width=215)
        try:
            told = desk.ask(
                service.compare_evaluations,
                initiative=found.initiative,
                first=other,
                second=found.version,
                dataset=found.shown.dataset,
            )
        except NotFound as problem:
            show_problem(problem)
            return
        change = told.change
        st.markdown(
            f"Version {escape(found.version)} is **{change.found}** "
            f"(p = {change.p_value:.3g}, {escape(change.procedure)}). Of {count(change.cases, 'case')}, "
            f"{change.won:,} were won and {change.lost:,} lost; the pass rate moved by "
            f"{_points(change.difference)}, 95% interval {_points(change.interval.low)} to "
            f"{_points(change.interval.high)}. Graded by {escape(told.first.judged_by)} and "
            f"{escape(told.second.judged_by)}."
        )
        _parted("turned-cases", told.turned, (f"Version {other}", f"Version {found.version}"), told.notes)


def agreement_panel(desk: Desk, found: EvaluationReport) -> None:
    """Draw how far two judges of the shown set agree, and where they part."""
    if found.judges < 2:
        return
    with panel("Do its judges agree?", "Two judges on the same answers, the newest of each."):
        told = desk.ask(
            service.compare_judges,
            initiative=found.initiative,
            version=found.version,
            dataset=found.shown.dataset,
        )
        agreed, kappa = told.agreement, told.agreement.kappa_interval
        between = f"{kappa.low:.2f} to {kappa.high:.2f}" if kappa else NOTHING
        share = _interval(agreed.agreed_interval)
        cards(
            [
                Card(
                    "Agreed",
                    percent(agreed.agreed, 1),
                    note=f"Of {count(agreed.cases, 'case')}; 95% interval {share}.",
                ),
                Card("Cohen's kappa", number(agreed.kappa, 2), note=f"95% interval {between}; 0 is chance."),
                Card("Gwet's AC1", number(agreed.ac1, 2), note="Steadier where nearly all cases pass."),
            ],
            min_column_width=200,
        )
        st.caption(escape(f"{told.first.judged_by} and {told.second.judged_by}."))
        judges = told.first.judge_name, told.second.judge_name
        _parted("cases-judged-apart", told.parted, judges, told.notes)


def _parted(name: str, cases: Sequence[TurnedCase], sides: tuple[str, str], notes: Sequence[str]) -> None:
    """The cases on which two versions or judges part; texts stand in cells, never as markup."""
    if cases:
        columns: list[Column[TurnedCase]] = [
            Column("case", "Case", strong=True),
            Column(lambda one: "pass" if one.first else "fail", sides[0], "status"),
            Column(lambda one: "pass" if one.second else "fail", sides[1], "status"),
            Column(lambda one: ", ".join(value for _, value in one.categories), "Categories", phone=False),
        ]
        if any(one.second_texts for one in cases):
            columns.append(Column(_text, "Text", phone=False))
        shown = cases[:100]
        plain_table(shown, columns, download=name, caption="Cases on which the two part")
        if len(cases) > len(shown):
            st.caption(f"And {len(cases) - len(shown):,} more; the command line lists them.")
    for note in notes:
        st.caption(escape(f"{capital(note)}."))


def _text(one: TurnedCase) -> str:
    return " · ".join(text[:300] for _, text in one.second_texts)


def evaluations_panel(desk: Desk, found: EvaluationReport) -> None:
    """Draw all evaluations of the version, newest first, and withdraw one."""
    with panel(
        "Evaluations", f"{count(len(found.evaluations), 'evaluation')} of this version, newest first."
    ):
        live_table(found.evaluations, _EVALUATIONS, key="evaluations", download="evaluations")
        counting = [line for line in found.evaluations if line.state == "in use"]
        ask = Ask(
            "Withdraw",
            "The evaluation counts no more.",
            rows=("evaluation", "reason"),
            fixed={"initiative": found.initiative},
            choices={
                "evaluation": {line.evaluation: f"{line.evaluation}: {line.dataset}" for line in counting}
            },
            note="It stays on record, and earlier days still show it.",
            because="" if counting else "No evaluation is in use.",
        )
        unfolding_form(
            desk, withdraw_evaluation, WithdrawEvaluation, "Withdraw one", ":material/remove_circle:", ask
        )


def add_box(desk: Desk, initiative: str, version: str) -> None:
    """Let people add a file of cases."""
    with st.expander("Add an evaluation", icon=":material/upload_file:"):
        st.caption(
            "JSON Lines, CSV, Parquet, promptfoo's results or MLflow's evaluation table. The whole file is "
            "checked before anything is kept; no text of a case enters the record."
        )
        given = st.file_uploader("File of cases", type=_ENDINGS, key=f"cases-{initiative}-{version}")
        if given is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"cases{Path(given.name).suffix.lower()}"
            file.write_bytes(given.getbuffer())
            ask = Ask(
                "Check and add",
                "The evaluation is on record.",
                icon=":material/upload_file:",
                primary=True,
                rows=(
                    ("dataset", "judge"),
                    "judge_kind",
                    ("case", "passed"),
                    ("grade", "threshold"),
                    ("categories", "texts", "only"),
                    lambda: {"file": file, "name": given.name},
                ),
                fixed={"initiative": initiative, "version": version},
                note="Several columns with a comma between.",
            )
            form(desk, add_evaluation, AddEvaluation, ask)


def _interval(found: Interval) -> str:
    return f"{percent(found.low)} to {percent(found.high)}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
