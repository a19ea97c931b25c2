"""Explanations as people read them: cards, strongest features, one prediction, one feature, two groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from portal.components.cards import Card, cards, facts
from portal.components.charts.decay import (
    Gap,
    Strength,
    WayStep,
    along_chart,
    gap_bars,
    strength_bars,
    waterfall_chart,
)
from portal.components.page import panel
from portal.components.tables import Column, download_csv, figure_help, plain_table
from portal.components.text import NOTHING, count, day, escape, humanise, number, percent, points

if TYPE_CHECKING:
    from core.analytics.explanations.attributions import Step
    from core.lake.monitoring.attributions import FeaturePoint
    from core.services.measured.explanation_view import ExplainedPrediction, ExplanationReport, GroupsApart

MOST_FEATURES = 15
ADDS_UP = 1e-6
NOTES = (
    "A contribution is the SHAP value of one feature in one row: what knowing the feature changes in the "
    "raw score, averaged over the orders in which features could become known. Base value + all "
    "contributions = raw score, in every row; that sum is checked before anything is kept.",
    "Direction: above 0 pushes the score up, below 0 down; neither is good or bad in itself.",
    "Zero means: knowing the feature changes nothing in this row. A strength of 0: the model never uses it.",
    "Leaves out: what causes what. It says what the model does with a feature; features that move together "
    "share the credit, and a feature that the model does not see can act through one that it does.",
    "Log odds: +0.7 doubles the odds of the outcome, −0.7 halves them. Differences in log odds cannot be "
    "turned into percentage points one by one: how much a step moves the probability depends on where it "
    "starts. The axis along the top shows the probability at each score; the table takes the steps in the "
    "order shown.",
    "Source: Lundberg and Lee 2017, arXiv:1705.07874; trees: TreeSHAP, Lundberg et al. 2020, "
    "doi:10.1038/s42256-019-0138-9.",
)
GROUP_NOTES = (
    "Formula: mean contribution of the feature in the first group minus that in the second. Over all "
    "features the differences add up to the difference of the mean raw scores.",
    "Direction: above 0, the feature raises the score more for the first group. Zero means: it pushes both "
    "groups alike.",
    "Interval: 95%, normal approximation, one feature at a time; among many features some lie beside 0 by "
    "chance. With fewer than 30 rows in a group nothing can be told.",
    "Leaves out: why the groups have other values, and whether that is just.",
)


def explanation_cards(report: ExplanationReport, today: date) -> None:
    """Show what was explained, how well it adds up, what counts most, and how old it is."""
    first = report.features[0] if report.features else None
    gap = report.additivity_gap
    if gap is None:
        sums = Card("Sums meet the score", NOTHING, "cannot_tell", note="The base value is not known.")
    else:
        status = "pass" if gap <= ADDS_UP else "cannot_tell"
        note = "Base value + contributions − raw score, the largest of all rows."
        sums = Card("Sums meet the score within", f"{gap:.0e}", status, note=note)
    age = (today - report.recorded_at.date()).days
    origin = "Computed here" if report.origin == "computed" else "Made elsewhere"
    cards(
        [
            Card(
                "Rows explained",
                number(report.rows),
                note=f"Of {number(report.batch_rows)} in the {report.part} batch, drawn at random.",
            ),
            Card(
                "Strongest feature",
                humanise(first.feature) if first else NOTHING,
                note=f"{percent(first.share)} of all contributions." if first else "",
            ),
            sums,
            Card(
                "Explained on",
                day(report.recorded_at),
                note=f"{count(age, 'day')} ago. {origin}: {report.method}.",
            ),
        ],
        min_column_width=215,
    )


def strength_panel(report: ExplanationReport) -> str | None:
    """Draw the strongest features; give the one that is clicked."""
    marks = [
        Strength(humanise(one.feature), one.mean_absolute, one.mean_signed, one.share)
        for one in report.features
    ]
    caption = "Mean size of a feature's contribution, whichever way. Click a bar to see it along its values."
    names = {humanise(one.feature): one.feature for one in report.features}
    with panel("What the scores come from", caption):
        shown = marks[:MOST_FEATURES]
        alt = f"Mean strength of {len(shown)} features in {report.scale_title}."
        clicked = strength_bars(shown, unit=report.scale_title, alt=alt, key="strengths")
        if len(marks) > MOST_FEATURES:
            st.caption(f"The strongest {MOST_FEATURES} of {len(marks)}; the download holds all.")
        titles = {
            "label": "Feature",
            "strength": f"Mean strength ({report.scale_title})",
            "push": "Mean push",
            "share": "Share of all",
        }
        download_csv([asdict(one) for one in marks], titles, name="feature-strengths")
    return names.get(clicked) if clicked else None


def along_figure(report: ExplanationReport, feature: str, found: Sequence[FeaturePoint]) -> None:
    """Draw a feature's contributions along its values."""
    title = humanise(feature)
    numeric = [point for point in found if point.low is not None]
    missing = next((point for point in found if point.low is None), None)
    lies_on_a_line = len(numeric) > 1
    along_chart(
        numeric if lies_on_a_line else found,
        feature=title,
        unit=report.scale_title,
        numeric=lies_on_a_line,
        alt=f"Contribution of {title} along its values, with the span of eight rows in ten.",
        key=f"along-{feature}",
    )
    if lies_on_a_line and missing is not None:
        st.caption(f"Missing in {count(missing.rows, 'row')}: mean contribution {signed(missing.mean)}.")
    titles = {"label": title, "rows": "Rows", "mean": "Mean contribution", "p10": "10%", "p90": "90%"}
    download_csv([asdict(point) for point in found], titles, name=f"along-{feature}")


def prediction_figures(report: ExplanationReport, found: ExplainedPrediction) -> None:
    """Show score, answer and outcome of one prediction, the way to it, and its steps as a table."""
    way = found.waterfall
    facts(
        [
            ("Row", found.row_id),
            ("Base", f"{number(way.base_value, 3)}{_answer(report, way.base_output)}"),
            ("Score", f"{number(way.raw_score, 3)}{_answer(report, way.output)}"),
            ("Model says", _plain(found.predicted)),
            ("Came true", _plain(found.actual) if found.actual is not None else "not known yet"),
        ]
    )
    steps = [
        WayStep(
            _step_title(step, found.values),
            step.start,
            step.end,
            step.contribution,
            None if step.output_change is None else moved(report, step.output_change),
        )
        for step in way.steps
    ]
    waterfall_chart(
        steps,
        unit=report.scale_title,
        scale=report.scale,
        base=way.base_value,
        end=way.steps[-1].end if way.steps else way.base_value,
        alt=f"Steps from the base value to the score of row {found.row_id}, largest first.",
        key=f"waterfall-{found.row_id}",
    )
    if way.gap is not None:
        st.caption(f"Base + contributions miss the score by {abs(way.gap):.0e}: the steps add up.")
    lines = [
        {**asdict(one), "contribution": signed(one.contribution), "end": number(one.end, 3)} for one in steps
    ]
    columns = [
        Column("label", "Feature and value", strong=True),
        Column("contribution", "Contribution"),
        Column("end", "Score so far", phone=False),
        Column("answer", "Moves the answer by", phone=False),
    ]
    with st.expander("The steps as a table", icon=":material/table_rows:"):
        plain_table(lines, columns, caption="Steps to the score", download=f"why-{found.row_id}"[:60])


def _step_title(step: Step, values: Mapping[str, object]) -> str:
    if step.folded > 1 or not step.feature:
        return f"{step.folded} other features"
    return f"{humanise(step.feature)} = {_plain(values.get(step.feature))}"


def _plain(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return str(value)[:40]


def _answer(report: ExplanationReport, output: float | None) -> str:
    if output is None or report.scale in ("output", "probability"):
        return ""
    return f" ({percent(output, 1)})" if report.scale == "log_odds" else f" ({number(output, 2)})"


def moved(report: ExplanationReport, change: float) -> str:
    """How far a step moves the answer, in words: points of probability, or units of the prediction."""
    if report.scale in ("log_odds", "probability"):
        return points(change)
    return signed(change)


def signed(value: float) -> str:
    """A contribution with its sign."""
    return f"{value:+,.3f}".replace("-", "\u2212")


def groups_figures(report: ExplanationReport, found: GroupsApart) -> str | None:
    """Show which features set two groups apart; give the one that is clicked."""
    gap = found.gap
    first, second = gap.first, gap.second
    st.markdown(_groups_sentence(report, found))
    if not gap.enough:
        st.warning(
            "Cannot tell: one of the groups has fewer than 30 explained rows. Explain more rows.",
            icon=":material/help:",
        )
    marks = [
        Gap(humanise(one.feature), one.gap, one.low, one.high, one.first, one.second) for one in gap.features
    ]
    clicked = gap_bars(
        marks[:MOST_FEATURES],
        first=first.name,
        second=second.name,
        unit=report.scale_title,
        alt=f"Features by how far they set {first.name} and {second.name} apart.",
        key=f"gap-{found.by}-{first.name}-{second.name}",
    )
    titles = {
        "label": "Feature",
        "first": f"Mean for {first.name}",
        "second": f"Mean for {second.name}",
        "gap": "Difference",
        "low": "Interval from",
        "high": "Interval to",
    }
    download_csv([asdict(one) for one in marks], titles, name="groups-apart")
    figure_help(GROUP_NOTES)
    names = {humanise(one.feature): one.feature for one in gap.features}
    return names.get(clicked) if clicked else None


def _groups_sentence(report: ExplanationReport, found: GroupsApart) -> str:
    gap = found.gap
    driver = gap.features[0] if gap.features else None
    share = ""
    if driver is not None and abs(gap.score_gap) > ADDS_UP:
        share = f" **{escape(humanise(driver.feature))}** makes the widest difference, {signed(driver.gap)}."
    checked = (
        "" if gap.additivity_gap is None else f"The differences add up to it within {gap.additivity_gap:.0e}."
    )
    return (
        f"The mean score of **{escape(gap.first.name)}** ({count(gap.first.rows, 'row')}) minus that of "
        f"**{escape(gap.second.name)}** ({count(gap.second.rows, 'row')}) is {signed(gap.score_gap)} in "
        f"{report.scale_title}.{share} {escape(checked)}"
    )
