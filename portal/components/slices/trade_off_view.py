"""What would it take? The gap between groups against what is lost: asked for, read, attached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.trade_off import TradeOffPoint
from core.domain.commands import make
from core.domain.errors import GovernanceError, NotFound
from core.services.jobs import start_job
from core.services.measured.monitoring import worth_of
from core.services.measured.trade_off import (
    AttachTradeOff,
    FindTradeOff,
    TradeOffReport,
    attach_trade_off,
    find_trade_off,
    trade_off_report,
)
from core.services.process.findings import findings_list
from portal.components.cards import Card, cards
from portal.components.charts.slices import TradeOffMark, trade_off_figure
from portal.components.desk import Desk, job_bar, show_problem
from portal.components.forms import Ask, closed_because, unfolding_form
from portal.components.page import empty_state, panel
from portal.components.slices import inputs
from portal.components.slices.filters import Subject
from portal.components.tables import Column, download_csv, figure_help, live_table
from portal.components.text import NOTHING, capital, escape, humanise, number, percent, points
from portal.components.url_inputs import set_url, url_value

if TYPE_CHECKING:
    from core.analytics.intervals import Interval
    from core.services.jobs import JobControl

KIND = "trade_off"
KINDS = {"today": "Today", "one": "One for all", "by_group": "By group", "retrained": "Surrogate"}
_NOTES = (
    "Formula: choices are made on one half of the rows; all figures here are of the other half, which had no "
    "part in them. One threshold for all stands at each hundredth of the scores; thresholds by group are "
    "those of fairlearn's ThresholdOptimizer within tolerances from 0 to 30 points, and for equalized odds.",
    "Direction: less loss is better. Zero: as much is gained as is lost, against the decisions of today.",
    "Intervals: 95%. That of the gap holds whichever groups it lies between (Bonferroni); those of accuracy "
    "and loss are Wilson's and Student's.",
    "A surrogate is another model, a logistic regression on the kept features trained by fairlearn's "
    "ExponentiatedGradient: it says what training anew could reach, and is never proposed as a threshold.",
    "Leaves out: that people act otherwise once decisions change, and the labels of those who were refused.",
    "Source: Hardt, Price and Srebro 2016, arXiv:1610.02413; Agarwal et al. 2018, arXiv:1803.02453.",
)


def draw_trade_off(subject: Subject) -> None:
    """Draw what was worked out last, and offer to work it out."""
    desk, known = subject.desk, subject.known
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        by = inputs.features_input(subject)
    job_bar(desk, _about(subject), kind=KIND)
    _asking(subject, by)
    try:
        found = desk.ask(
            trade_off_report,
            initiative=known.initiative,
            version=known.version,
            by=by,
            sha256=url_value("kept"),
        )
    except NotFound:
        empty_state("Nobody has worked out yet what it would take.", icon=inputs.ICON)
        return
    trade_off_cards(found)
    table = found.table
    about = table.about
    caption = f"Limit: {about.limit}. {capital(about.law)} (ethical position {about.ethical_position})."
    with panel(f"What would it take? Outcome {about.outcome} by {humanise(about.groups).lower()}", caption):
        trade_off_figure(
            [_mark(point, found, place == table.proposal) for place, point in enumerate(table.points)],
            ratio=table.comparison == "ratio",
            money=table.money,
            limit=table.limit,
            alt=f"Gap between groups against loss, by threshold. {table.said}",
            key=f"trade-off-{found.found.sha256[:12]}",
        )
        figure_help((*_NOTES, *table.notes))
    with panel(
        "The same as a table", f"Told of {table.told_rows:,} rows; chosen on {table.fitted_rows:,} others."
    ):
        _table(found)
    _attaching(desk, found)


def trade_off_cards(found: TradeOffReport) -> None:
    """Draw today, the proposal, and what it loses."""
    table = found.table
    today, proposed = table.points[0], found.proposed
    label = "Lowest over highest" if table.comparison == "ratio" else "Widest difference"
    if found.stale:
        st.warning(escape(f"To be worked out again: {found.stale}."), icon=":material/update:")
    shown = [
        Card(
            f"{label}, today", _apart(found, today), status=today.told.verdict or "", note="As decided today."
        )
    ]
    if proposed is None:
        shown.append(Card("Proposal", NOTHING, note=table.said))
    else:
        told = proposed.told
        shown += [
            Card(
                f"{label}, proposal", _apart(found, proposed), status=told.verdict or "", note=proposed.title
            ),
            Card("Loss", _loss(found, told.loss), note=_span(found, told.loss_interval)),
            Card("Accuracy", percent(told.accuracy, 1), note=f"Today {percent(today.told.accuracy, 1)}."),
        ]
    cards(shown, min_column_width=175)


def _asking(subject: Subject, by: Sequence[str]) -> None:
    """The form that starts the job."""
    because = closed_because(subject.desk, FindTradeOff.may, subject.known.initiative)
    with st.expander("Work it out", icon=":material/tune:"):
        if because:
            st.caption(escape(because))
            return
        with st.form("trade-off"):
            st.caption("Nothing is applied: what comes out is evidence that can be attached to a finding.")
            worth = st.text_input(
                "What outcomes are worth",
                placeholder="1,-5;-3,10",
                help="For TN,FP;FN,TP. Empty: as the estimates of performance were told, else accuracy.",
                max_chars=100,
            )
            retrain = st.toggle("Also train surrogates", help="What a model trained anew could reach.")
            sent = st.form_submit_button("Work it out", type="primary", icon=":material/play_arrow:")
    if sent:
        _start(subject, by, worth, retrain)


def _start(subject: Subject, by: Sequence[str], worth: str, retrain: bool) -> None:
    desk, known = subject.desk, subject.known
    try:
        command = make(
            FindTradeOff,
            actor=desk.actor,
            at=desk.moment.at,
            initiative=known.initiative,
            version=known.version,
            by=tuple(by),
            part=inputs.part_of(subject.choices.parts),
            worth=worth_of([worth]),
            retrain=retrain,
        )
    except GovernanceError as problem:
        show_problem(problem)
        return
    governance = desk.governance

    def work(control: JobControl) -> str:
        return find_trade_off(governance, command, on_progress=control.follow, cancelled=control.cancelled)

    start_job(KIND, _about(subject), work, desk.actor)
    set_url(kept="")
    st.rerun()


def _about(subject: Subject) -> str:
    return f"{subject.known.initiative}/{subject.known.version}"


def _attaching(desk: Desk, found: TradeOffReport) -> None:
    """Offer to attach it to one of the initiative's findings."""
    open_ones = {
        one.finding: f"{one.finding}: {one.title}"
        for one in desk.ask(findings_list, initiative=found.found.initiative, open_only=True)
    }
    ask = Ask(
        "Attach it",
        lambda given: f"It is attached to {given['finding']}; nothing else changed.",
        icon=":material/attach_file:",
        fixed={"initiative": found.found.initiative, "sha256": found.found.sha256},
        choices={"finding": open_ones},
        titles={"finding": "Finding"},
        because="" if open_ones else "The initiative has no open finding.",
    )
    unfolding_form(
        desk, attach_trade_off, AttachTradeOff, "Attach to a finding", ":material/attach_file:", ask
    )


def _table(found: TradeOffReport) -> None:
    columns: list[Column[TradeOffPoint]] = [
        Column("title", "Way to decide", strong=True, width=330),
        Column(lambda one: _apart(found, one), "Lowest over highest" if _is_ratio(found) else "Difference"),
        Column(lambda one: _ends(found, one.told.apart_interval), "95% interval", phone=False, width=130),
        Column(lambda one: one.told.verdict or "not_judged", "Verdict", "status"),
        Column(lambda one: one.told.accuracy, "Accuracy", "percent", 1),
        Column(lambda one: _loss(found, one.told.loss), "Loss", help="Against the decisions of today."),
        Column(
            lambda one: _span(found, one.told.loss_interval), "95% interval of loss", phone=False, width=150
        ),
        Column(
            lambda one: one.fitted.accuracy,
            "Accuracy where chosen",
            "percent",
            1,
            phone=False,
            help="In sample: better than it is.",
        ),
        Column(_thresholds, "Thresholds", phone=False, width=320),
    ]
    live_table(found.table.points, columns, key="trade-off-table", height=440, alt="Ways to decide")
    titles = {
        "title": "Way to decide",
        "apart": "Apart",
        "verdict": "Verdict",
        "accuracy": "Accuracy",
        "worth": "Worth a decision",
        "loss": "Loss",
        "thresholds": "Thresholds",
    }
    download_csv(lambda: [_told(one) for one in found.table.points], titles, name="trade-off")


def _told(one: TradeOffPoint) -> dict[str, object]:
    figures = {name: getattr(one.told, name) for name in ("apart", "verdict", "accuracy", "worth", "loss")}
    return {"title": one.title, **figures, "thresholds": _thresholds(one)}


def _thresholds(point: TradeOffPoint) -> str:
    """From which score each group gets the outcome."""
    said = []
    for one in point.thresholds:
        words = f"{one.group} {one.at:.3g}"
        if one.otherwise is not None:
            words += f" for {percent(one.share)}, else {one.otherwise:.3g}"
        if one.constant:
            words += f" ({percent(one.constant)} by lot)"
        said.append(words)
    return "; ".join(said) or NOTHING


def _mark(point: TradeOffPoint, found: TradeOffReport, proposed: bool) -> TradeOffMark:
    told = point.told
    money, ratio = found.table.money, _is_ratio(found)
    return TradeOffMark(
        point.title,
        KINDS[point.kind],
        told.loss if money else 100 * told.loss,
        None if told.apart is None else told.apart if ratio else 100 * told.apart,
        told.verdict or "not_judged",
        told.accuracy,
        "Proposal" if proposed else "Today" if point.kind == "today" else None,
    )


def _is_ratio(found: TradeOffReport) -> bool:
    return found.table.comparison == "ratio"


def _apart(found: TradeOffReport, point: TradeOffPoint) -> str:
    value = point.told.apart
    if value is None:
        return "undefined"
    return number(value, 2) if _is_ratio(found) else f"{number(100 * value, 1)} points"


def _ends(found: TradeOffReport, interval: Interval | None) -> str:
    if interval is None:
        return NOTHING
    if _is_ratio(found):
        return f"{number(interval.low, 2)} to {number(interval.high, 2)}"
    return f"{number(100 * interval.low, 1)} to {number(100 * interval.high, 1)} points"


def _loss(found: TradeOffReport, value: float) -> str:
    return f"{value:.4g} a decision" if found.table.money else points(value)


def _span(found: TradeOffReport, interval: Interval | None) -> str:
    if interval is None:
        return NOTHING
    return f"{_loss(found, interval.low)} to {_loss(found, interval.high)}"
